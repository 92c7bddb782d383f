//! Server and orchestrator inside this program, and one run through both.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8PathBuf;
use slog::Logger;
use solstice_api::agent::DEFAULT_LOG_LIMIT_BYTES as MAX_LOG_BYTES;
use solstice_client::Connect;
use solstice_config::ServerConfig;
use solstice_config::server::{ArtifactLimits, Listen, RetentionConfig};
use solstice_engine::{Forges, SystemClock};
use solstice_forge::{Event as ForgeEvent, PullRequest, Push, Repository};
use solstice_host::{
    DataDirectory, ImageSettings, Limits, MachineSize, Orchestrator, Outside, Settings, Shutdown,
    SourceSettings, Visitors,
};
use solstice_hypervisor::Hypervisor;
use solstice_log::{Format, Level, logger};
use solstice_model::spec::MAX_TIMEOUT_S;
use solstice_model::{HostName, JobSpec, Role, RunId, Token};
use solstice_server::Server;
use solstice_store::{Hold, NewDelivery, NewRun};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::images::LocalImage;
use super::options::Event;
use super::plan::{ACTOR, PULL_REQUEST, Plan};
use super::screen::Screen;
use super::state::State;
use super::tree::{Snapshot, WorkTree};
use super::{Ended, Options, RunError, follow, results, terminal};

/// The name of the host that this computer is.
pub(crate) const HOST: &str = "cidev";

/// The name of the forge that there is not.
const FORGE: &str = "local";

/// How long the machines may take to go after the last job.
const DRAIN: Duration = Duration::from_secs(60);

/// How many machines may wait for the one person.
const VISITS: usize = 64;

/// Starts everything, runs the plan, takes everything down.
pub(crate) async fn run(
    options: &Options,
    plan: &Plan,
    (tree, snapshot): (&WorkTree, &Snapshot),
    images: Vec<LocalImage>,
    state: &State,
) -> Result<Ended, RunError> {
    // What matters of it comes back as errors and reasons.
    let (log, _flush) = match options.verbose {
        true => {
            let (log, flush) = logger("cidev", Format::detect(), Level::Info);
            (log, Some(flush))
        }
        false => (Logger::root(slog::Discard, slog::o!()), None),
    };
    let screen = Arc::new(Screen::new(plan));
    screen.begin(plan, snapshot);
    let server = start_server(state, &log).await?;
    let visitors = match options.shell_on_failure {
        true => {
            let (visits, waiting) = mpsc::channel(VISITS);
            terminal::start(waiting, screen.clone()).map_err(RunError::runtime)?;
            Some(Visitors::new(visits))
        }
        false => None,
    };
    let started =
        start_orchestrator((options, plan), images, state, &server, (visitors, &log)).await;
    let (tell, orchestrator) = started?;
    let run = submit(options, plan, (tree, snapshot), &server).await?;
    let followed = follow::run(&server, run, &screen).await;
    if let Ok((_, jobs)) = &followed {
        results::keep(options, &server, jobs).await?;
    }
    // Drained means that the last machine is gone.
    tell.send_replace(Shutdown::Drain);
    let worked = orchestrator.await.map_err(RunError::part("end the orchestrator"))?;
    worked.map_err(RunError::part("run the orchestrator"))?;
    server.stop().await;
    followed.map(|(ended, _)| ended)
}

async fn start_server(state: &State, log: &Logger) -> Result<Server, RunError> {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let config = ServerConfig {
        base_url: "http://localhost/".parse().expect("it is a URL"),
        data: state.session().to_owned(),
        listen: Listen { people: any, webhooks: any, hosts: any },
        anonymous: None,
        trusted_proxies: Vec::new(),
        max_attempts: 2,
        lease: Duration::from_secs(60),
        max_log_bytes: MAX_LOG_BYTES,
        artifacts: ArtifactLimits::default(),
        retention: RetentionConfig::default(),
        forges: Vec::new(),
    };
    let started = Server::start(&config, Forges::new(), Arc::new(SystemClock), log.clone()).await;
    started.map_err(RunError::part("start the server"))
}

type Working = JoinHandle<Result<(), solstice_host::RunError>>;

async fn start_orchestrator(
    (options, plan): (&Options, &Plan),
    images: Vec<LocalImage>,
    state: &State,
    server: &Server,
    (visitors, log): (Option<Visitors>, &Logger),
) -> Result<(watch::Sender<Shutdown>, Working), RunError> {
    let host: HostName = HOST.parse().expect("it is a host's name");
    let token = Token::generate();
    let now = chrono::Utc::now();
    let made = server.store().create_token(HOST.to_owned(), Role::Host, token.hash(), now).await;
    made.map_err(RunError::part("make the host's token"))?;
    let url = format!("http://{}", server.hosts()).parse().expect("an address makes a URL");
    let connect = Connect::to(&url).token(&token);
    let cannot = || RunError::part("connect to the server");
    let (client, patient) = (connect.host(), connect.patient().host());
    let (client, transfers) = (client.map_err(cannot())?, patient.map_err(cannot())?);
    let folder = utf8(state.host())?;
    let data = DataDirectory::open(&folder).map_err(RunError::part("open the host's folder"))?;
    let settings = settings((options, plan), images, host, visitors);
    let hypervisor = hypervisor(options, &settings, &data, state).await?;
    let clock = Arc::new(solstice_host::SystemClock);
    let outside = Outside { hypervisor, server: client, transfers, clock };
    let started = Orchestrator::start(settings, data, outside, log.clone()).await;
    let orchestrator = started.map_err(RunError::part("start the orchestrator"))?;
    let (tell, told) = watch::channel(Shutdown::Run);
    Ok((tell, tokio::spawn(orchestrator.run(told))))
}

fn settings(
    (options, plan): (&Options, &Plan),
    images: Vec<LocalImage>,
    host: HostName,
    visitors: Option<Visitors>,
) -> Settings {
    let size =
        MachineSize { cpus: options.cpus, memory_mib: options.memory, disk_mib: options.disk };
    let images = images.into_iter().map(|local| ImageSettings {
        image: local.image,
        digest: local.digest,
        labels: local.labels,
        capacity: options.machines,
        size,
        boot_timeout: None,
    });
    // What a size means is a host's to say; here they all mean what the options say.
    let sizes = plan.jobs.iter().filter_map(|job| Some((job.size.clone()?, size)));
    Settings {
        host,
        agent_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        capacity: options.machines,
        images: images.collect(),
        sizes: sizes.collect(),
        source: SourceSettings {
            git: "git".into(),
            allow_file: true,
            fetch_timeout: Duration::from_secs(600),
            max_size: 4 << 30,
            cache: 4 << 30,
            mirrors: 8 << 30,
        },
        drain_timeout: DRAIN,
        visitors,
        limits: Limits::default(),
    }
}

#[cfg(target_os = "linux")]
async fn hypervisor(
    options: &Options,
    settings: &Settings,
    data: &DataDirectory,
    state: &State,
) -> Result<Arc<dyn Hypervisor>, RunError> {
    use solstice_hypervisor_qemu::{QemuConfig, QemuHypervisor};

    let this = std::env::current_exe().map_err(RunError::io("find", "cidev"))?;
    let endpoint = data.path().join(solstice_host::ENDPOINT_FILE);
    let relay = [utf8(&this)?.into_string(), "guest-relay".to_owned(), endpoint.into_string()];
    let folder = data.path().join("qemu");
    let config = QemuConfig::new(&folder, settings.host.clone(), relay);
    let images: Vec<_> = settings.images.iter().map(|it| it.image.clone()).collect();
    let opened = QemuHypervisor::open(config, &images).await;
    let opened = opened.map_err(RunError::part("use QEMU"))?;
    if options.keep {
        let disks =
            super::keep::KeepDisks::new(opened, folder, utf8(state.session())?.join("disks"));
        return Ok(Arc::new(disks));
    }
    Ok(Arc::new(opened))
}

#[cfg(not(target_os = "linux"))]
async fn hypervisor(
    _: &Options,
    _: &Settings,
    _: &DataDirectory,
    _: &State,
) -> Result<Arc<dyn Hypervisor>, RunError> {
    Err(RunError::NoHypervisor)
}

/// Makes the run, as a delivery of a forge would.
async fn submit(
    options: &Options,
    plan: &Plan,
    (tree, snapshot): (&WorkTree, &Snapshot),
    server: &Server,
) -> Result<RunId, RunError> {
    let (store, now) = (server.store(), chrono::Utc::now());
    let forge: solstice_model::ForgeName = FORGE.parse().expect("it is a forge's name");
    let runs = vec![NewRun {
        file: plan.file.clone(),
        workflow: plan.workflow.clone(),
        context: solstice_engine::check::run_context(&plan.workflow),
        jobs: Ok(jobs(options, plan)),
        hold: Hold::None,
        grounds: Default::default(),
    }];
    let head = Push {
        repository: Repository {
            name: tree.name.clone(),
            clone_url: snapshot.clone_url.clone(),
            html_url: "http://localhost/".parse().expect("it is a URL"),
            private: true,
        },
        git_ref: tree.git_ref.clone(),
        commit: snapshot.commit.clone(),
        before: None,
        title: snapshot.title.clone(),
        actor: ACTOR.to_owned(),
    };
    let failed = RunError::part("make the run");
    let event = match options.event {
        Event::Manual => {
            let made = store.make_runs_by_hand(forge, head, ACTOR.to_owned(), runs, now).await;
            return made.map_err(failed).map(|runs| runs[0]);
        }
        Event::Push => ForgeEvent::Push(head),
        Event::PullRequest => ForgeEvent::PullRequest(PullRequest {
            number: PULL_REQUEST,
            base: options.base.clone(),
            outside: false,
            author: ACTOR.to_owned(),
            base_commit: None,
            head,
        }),
    };
    let delivery = NewDelivery {
        forge,
        forge_id: "1".to_owned(),
        event: options.event.kind().name().to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        received_at: now,
    };
    let made = async {
        let taken = store.take_delivery(delivery).await?;
        store.finish_delivery_with_runs(taken.id, event, runs, now).await
    };
    made.await.map_err(failed).map(|runs| runs[0].run)
}

/// The jobs; where a person may come in, time does not press.
fn jobs(options: &Options, plan: &Plan) -> Vec<JobSpec> {
    let mut jobs = plan.jobs.clone();
    if options.shell_on_failure {
        jobs.iter_mut().for_each(|job| job.timeout_s = MAX_TIMEOUT_S);
    }
    jobs
}

fn utf8(path: &std::path::Path) -> Result<Utf8PathBuf, RunError> {
    Utf8PathBuf::from_path_buf(path.to_owned()).map_err(|path| RunError::Path { path })
}
