//! An orchestrator between a strict fake of its server and a strict fake of its
//! hypervisor, with a scripted agent in every guest.

pub(crate) mod agent;
pub(crate) mod repository;
pub(crate) mod server;

use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use slog::{Discard, Logger, o};
use solstice_client::Connect;
use solstice_host::{
    DataDirectory, ImageSettings, Limits, MachineSize, Orchestrator, Outside, RunError, Settings,
    Shutdown, SourceSettings, StartError, SystemClock, Telemetry,
};
use solstice_hypervisor::fake::{FakeGuest, FakeWorld, write_image};
use solstice_model::Assignment;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::repository::Repository;
use self::server::FakeServer;

/// How long a test waits for what must happen.
pub(crate) const BOUND: Duration = Duration::from_secs(30);

/// A running orchestrator, in a runtime of its own: shutting that down is as
/// sudden and as thorough as the end of a process.
struct Running {
    runtime: Runtime,
    task: JoinHandle<Result<(), RunError>>,
    tell: watch::Sender<Shutdown>,
}

/// All that is around one orchestrator. It outlives the orchestrator.
pub(crate) struct Rig {
    pub(crate) server: FakeServer,
    pub(crate) world: FakeWorld,
    pub(crate) repository: Repository,
    pub(crate) settings: Settings,
    pub(crate) data: Utf8PathBuf,
    pub(crate) telemetry: Telemetry,
    token: solstice_model::Token,
    running: Option<Running>,
    _dir: tempfile::TempDir,
}

impl Rig {
    /// Everything but the orchestrator.
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(dir.path().canonicalize().unwrap()).unwrap();
        let repository = Repository::new(root.join("repository"));
        let image = write_image(&root).unwrap();
        let settings = Settings {
            host: "host-1".parse().unwrap(),
            agent_listen: "127.0.0.1:0".parse().unwrap(),
            capacity: 2,
            images: vec![ImageSettings {
                image,
                digest: solstice_model::Sha256Digest::of(b"lock"),
                labels: vec!["tiny".parse().unwrap(), "alias".parse().unwrap()],
                capacity: 2,
                size: MachineSize { cpus: 1, memory_mib: 64, disk_mib: 64 },
                boot_timeout: Some(BOUND * 2),
            }],
            sizes: [(
                "large".parse().unwrap(),
                MachineSize { cpus: 4, memory_mib: 256, disk_mib: 128 },
            )]
            .into(),
            source: SourceSettings {
                git: "git".into(),
                allow_file: true,
                fetch_timeout: BOUND,
                max_size: 1 << 20,
                cache: 1 << 20,
                mirrors: 1 << 20,
            },
            drain_timeout: BOUND,
            visitors: None,
            limits: Limits {
                poll: Duration::from_secs(10),
                retry_min: Duration::from_millis(5),
                retry_max: Duration::from_millis(50),
                job_grace: Duration::ZERO,
                poweroff: BOUND,
                // Whatever happens must happen on a signal.
                reconcile: BOUND * 10,
                forward: Duration::from_secs(5),
                source_wait: Duration::from_secs(5),
                unpack: BOUND * 2,
                artifacts: BOUND,
                silence: Duration::from_secs(5),
                log_bytes: 1 << 30,
            },
        };
        let server = FakeServer::start(&settings.host, settings.capacity);
        Self {
            token: server.token(),
            server,
            world: FakeWorld::new(),
            repository,
            settings,
            data: root.join("data"),
            telemetry: Telemetry::default(),
            running: None,
            _dir: dir,
        }
    }

    /// Everything, with an honest agent in every guest.
    pub(crate) async fn with_honest_agents() -> Self {
        let mut rig = Self::new().await;
        rig.run_honest_agents();
        rig.start().await;
        rig
    }

    /// From now on every guest that boots does its job.
    pub(crate) fn run_honest_agents(&self) {
        let data = self.data.clone();
        self.on_boot(move |guest| agent::honest(guest, data.clone()));
    }

    /// From now on every guest that boots follows this script, in the test's
    /// runtime: it outlives the orchestrator, not its machine.
    pub(crate) fn on_boot<F>(&self, script: impl Fn(FakeGuest) -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let guests = Handle::current();
        self.world.on_boot(move |guest| {
            let life = script(guest.clone());
            let task = guests.spawn(async move {
                tokio::select! {
                    () = life => {}
                    () = guest.stopped() => {}
                }
            });
            async move { task.await.unwrap() }
        });
    }

    /// Starts the orchestrator, or the next one.
    pub(crate) async fn start(&mut self) {
        assert!(self.running.is_none(), "one at a time");
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (tell, told) = watch::channel(Shutdown::Run);
        let start = self.starting();
        let orchestrator = runtime.spawn(start).await.unwrap().unwrap();
        let task = runtime.spawn(orchestrator.run(told));
        self.running = Some(Running { runtime, task, tell });
    }

    /// A start that is expected to fail.
    pub(crate) async fn refused_start(&self) -> StartError {
        self.starting().await.err().unwrap()
    }

    fn starting(&self) -> impl Future<Output = Result<Orchestrator, StartError>> + use<> {
        let connect = Connect::to(&self.server.url()).token(&self.token);
        let outside = Outside {
            hypervisor: Arc::new(self.world.hypervisor()),
            server: connect.host().unwrap(),
            transfers: connect.clone().patient().host().unwrap(),
            clock: Arc::new(SystemClock),
            telemetry: self.telemetry.clone(),
        };
        let (data, settings) = (self.data.clone(), self.settings.clone());
        async move {
            let data = DataDirectory::open(&data)?;
            Orchestrator::start(settings, data, outside, Logger::root(Discard, o!())).await
        }
    }

    /// The orchestrator is gone from one instruction to the next.
    pub(crate) async fn crash(&mut self) {
        let Running { runtime, task, .. } = self.running.take().unwrap();
        // Its tasks go first: a runtime that shuts down tells those which still
        // run of errors that no killed process sees.
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        end(runtime).await;
    }

    /// Tells the orchestrator something.
    pub(crate) fn tell(&self, what: Shutdown) {
        self.running.as_ref().unwrap().tell.send_replace(what);
    }

    /// How the orchestrator ended by itself.
    pub(crate) async fn ended(&mut self) -> Result<(), RunError> {
        let Running { runtime, task, tell: _tell } = self.running.take().unwrap();
        let ended = bounded("the orchestrator's end", task).await.unwrap();
        end(runtime).await;
        ended
    }

    /// A job of the repository's newest commit.
    pub(crate) fn assignment(&self) -> Assignment {
        self.repository.assignment()
    }

    /// Hands a job in and returns it.
    pub(crate) fn submit(&self) -> Assignment {
        let assignment = self.assignment();
        self.server.submit(assignment.clone());
        assignment
    }

    /// Waits until nothing of any attempt is left on the host, and both fakes
    /// are content.
    pub(crate) async fn until_clean(&self) {
        self.server.until("full room", |it| it.offers_all_of_its_room()).await;
        assert!(self.world.leftovers().is_empty(), "{:?}", self.world.leftovers());
        self.until_ledger("an empty ledger", |ledger| ledger.read_dir_utf8().unwrap().count() == 0)
            .await;
        self.world.assert_well_used();
        self.server.assert_well_used();
    }
}

impl Rig {
    /// Waits until the ledger's folder looks like this. Nobody tells when a
    /// file changes, so this looks again and again, up to the bound.
    pub(crate) async fn until_ledger(&self, what: &str, is: impl Fn(&Utf8Path) -> bool) {
        let folder = self.data.join("attempts");
        bounded(what, async {
            while !is(&folder) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Some(Running { runtime, .. }) = self.running.take() {
            runtime.shutdown_background();
        }
    }
}

/// Ends a runtime with all its tasks; what blocks is waited for.
async fn end(runtime: Runtime) {
    tokio::task::spawn_blocking(move || runtime.shutdown_timeout(BOUND)).await.unwrap();
}

/// Waits for something that must happen.
pub(crate) async fn bounded<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(BOUND, future).await {
        Ok(it) => it,
        Err(_) => panic!("{what} did not come within {} s", BOUND.as_secs()),
    }
}
