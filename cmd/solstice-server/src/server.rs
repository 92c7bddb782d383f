//! Puts the parts together, starts them and stops them.

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use dropshot::{
    ApiDescription, BuildError, ConfigDropshot, HandlerTaskMode, HttpServer, ServerBuilder,
};
use slog::{Logger, info, o, warn};
use solstice_api::agent::MAX_ARTIFACTS;
use solstice_api::host::host_api_mod;
use solstice_api::user::user_api_mod;
use solstice_api::webhook::webhook_api_mod;
use solstice_artifact::{ArtifactError, ArtifactStore};
use solstice_config::ServerConfig;
use solstice_engine::{
    Annotate, Applier, Checks, Clock, Driver, ExpireLeases, Forges, InterpretDeliveries, Report,
    Signal, Sweep, recover,
};
use solstice_joblog::{JobLogs, LogError};
use solstice_log::keys;
use solstice_store::{Store, StoreError};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::context::{BODY_ROOM_KIB, Context, MAX_LARGE_BODIES, MAX_STREAMS};
use crate::host::{HostPolls, Hosts};
use crate::live::LiveLogs;
use crate::once::Once;
use crate::pages::AssetUrls;
use crate::permissions::Permissions;
use crate::ready::Readiness;
use crate::requests;
use crate::retention::{self, Retain};
use crate::sign_in::SignIn;
use crate::user::Users;
use crate::webhook::Webhooks;

/// How often each task looks by itself, should a signal have been missed.
const SLOW: Duration = Duration::from_secs(30);

/// How often what no webhook told of is looked for, unless the configuration says so.
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// How long open requests may take to end when the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// Why the server cannot start.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum StartError {
    /// The data directory cannot be made.
    #[error("cannot use the data directory {}", path.display())]
    #[diagnostic(help("make it and give it to the user that runs the server: chown solstice {}", path.display()))]
    Data {
        /// The directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The database cannot be opened.
    #[error("cannot open the database {}", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: StoreError,
    },
    /// The logs cannot be opened.
    #[error("cannot open the logs in {}", path.display())]
    Logs {
        /// The directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: LogError,
    },
    /// The artifacts cannot be opened.
    #[error("cannot open the artifacts in {}", path.display())]
    Artifacts {
        /// The directory.
        path: PathBuf,
        /// Why not.
        #[source]
        source: ArtifactError,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address} for {listener}")]
    #[diagnostic(help(
        "choose another address under `listen` in the configuration, or stop the program that has this one"
    ))]
    Listen {
        /// Which listener: `people`, `webhooks` or `hosts`.
        listener: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: BuildError,
    },
}

/// The database below a data directory.
pub fn database(data: &Path) -> PathBuf {
    data.join("solstice.db")
}

/// A running server.
pub struct Server {
    context: Arc<Context>,
    people: HttpServer<Arc<Context>>,
    webhooks: HttpServer<Arc<Context>>,
    hosts: HttpServer<Arc<Context>>,
    driver: Driver,
    /// Wakes each task.
    signals: Vec<Signal>,
}

impl Server {
    /// Opens what it needs, mends what a crash may have left, and serves.
    ///
    /// # Errors
    ///
    /// [`StartError`]; nothing is served then.
    pub async fn start(
        config: &ServerConfig,
        forges: Forges,
        clock: Arc<dyn Clock>,
        log: Logger,
    ) -> Result<Self, StartError> {
        let (store, logs, artifacts) = open(config)?;
        let unreadable = |source| StartError::Store { path: database(&config.data), source };
        let now = clock.now();
        let applier = Applier::default();
        recover(&applier, &store, &logs, now, &log).await.map_err(unreadable)?;
        // Hosts could not report while the server was away.
        let grace = TimeDelta::from_std(config.lease).unwrap_or(TimeDelta::minutes(1));
        store.extend_leases(now + grace).await.map_err(unreadable)?;
        let context = Arc::new(Context {
            store,
            logs,
            artifacts,
            applier,
            forges,
            clock,
            base_url: config.base_url.clone(),
            anonymous: config.anonymous,
            sign_in: SignIn::new(&config.forges),
            permissions: Permissions::default(),
            trusted_proxies: config.trusted_proxies.clone(),
            once: Once::default(),
            max_attempts: config.max_attempts,
            lease: config.lease,
            leases: Signal::default(),
            polls: HostPolls::default(),
            assets: AssetUrls::new(),
            live: LiveLogs::default(),
            live_lines: LiveLogs::default(),
            first_errors: Arc::default(),
            large_bodies: Semaphore::new(MAX_LARGE_BODIES),
            body_room: Semaphore::new(BODY_ROOM_KIB),
            readiness: Readiness::new(&config.data),
            streams: Arc::new(Semaphore::new(MAX_STREAMS)),
            stop: CancellationToken::new(),
            log,
        });
        let listen = config.listen;
        let hosts =
            serve("hosts", listen.hosts, host_api_mod::api_description::<Hosts>(), &context)?;
        let people = user_api_mod::api_description::<Users>();
        let people = serve("people", listen.people, people, &context)?;
        let webhooks = webhook_api_mod::api_description::<Webhooks>();
        let webhooks = serve("webhooks", listen.webhooks, webhooks, &context)?;
        let driver = Driver::new();
        let signals = drive(config, &context, &driver);
        Ok(Self { context, people, webhooks, hosts, driver, signals })
    }

    /// Where people are served.
    pub fn people(&self) -> SocketAddr {
        self.people.local_addr()
    }

    /// Where webhooks are taken.
    pub fn webhooks(&self) -> SocketAddr {
        self.webhooks.local_addr()
    }

    /// Where hosts are served.
    pub fn hosts(&self) -> SocketAddr {
        self.hosts.local_addr()
    }

    /// The store, for tests that look behind the API.
    pub fn store(&self) -> &Store {
        &self.context.store
    }

    /// The attempts' logs, for who runs a server inside a program of its own.
    pub fn logs(&self) -> &JobLogs {
        &self.context.logs
    }

    /// What jobs left, likewise.
    pub fn artifacts(&self) -> &ArtifactStore {
        &self.context.artifacts
    }

    /// Lets every task look now, for tests that move the clock.
    pub fn look_again(&self) {
        self.signals.iter().for_each(Signal::raise);
    }

    /// Ends open requests and tasks; whatever was accepted is on disk already.
    pub async fn stop(self) {
        self.context.stop.cancel();
        let closing = async {
            let closed =
                tokio::join!(self.webhooks.close(), self.hosts.close(), self.people.close());
            if let (Err(why), _, _) | (_, Err(why), _) | (_, _, Err(why)) = closed {
                warn!(self.context.log, "a listener stopped badly"; keys::ERROR => why);
            }
        };
        if tokio::time::timeout(GRACE, closing).await.is_err() {
            warn!(self.context.log, "requests were cut off");
        }
        self.driver.stop().await;
        info!(self.context.log, "stopped");
    }
}

/// Logs and tokens' hashes are nobody else's to read.
pub(crate) fn make_data_directory(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn open(config: &ServerConfig) -> Result<(Store, JobLogs, ArtifactStore), StartError> {
    let data = |source| StartError::Data { path: config.data.clone(), source };
    make_data_directory(&config.data).map_err(data)?;
    let path = database(&config.data);
    let checks = Arc::new(Checks::new(config.base_url.clone()));
    let store = Store::open(&path, checks).map_err(|source| StartError::Store { path, source })?;
    let path = config.data.join("logs");
    let limits = solstice_joblog::Limits { max_bytes: config.max_log_bytes };
    let logs = JobLogs::open_with(&path, limits);
    let logs = logs.map_err(|source| StartError::Logs { path, source })?;
    let path = config.data.join("artifacts");
    let limits = solstice_artifact::Limits {
        file_bytes: config.artifacts.max_file_bytes,
        attempt_bytes: config.artifacts.max_job_bytes,
        attempt_files: MAX_ARTIFACTS as usize,
        total_bytes: u64::MAX,
    };
    let artifacts = ArtifactStore::open_dir(&path, limits);
    let artifacts = artifacts.map_err(|source| StartError::Artifacts { path, source })?;
    Ok((store, logs, artifacts))
}

fn serve<E: std::fmt::Debug>(
    listener: &'static str,
    address: SocketAddr,
    api: Result<ApiDescription<Arc<Context>>, E>,
    context: &Arc<Context>,
) -> Result<HttpServer<Arc<Context>>, StartError> {
    let api = api.expect("the API traits are complete; every test starts them");
    let config = ConfigDropshot {
        bind_address: address,
        default_request_body_max_bytes: 1024,
        default_handler_task_mode: HandlerTaskMode::Detached,
        ..ConfigDropshot::default()
    };
    let log = requests::logger(&context.log.new(o!(keys::COMPONENT => listener)));
    let server = ServerBuilder::new(api, Arc::clone(context), log).config(config).start();
    let server = server.map_err(|source| StartError::Listen { listener, address, source })?;
    info!(context.log, "listening";
        keys::COMPONENT => listener, keys::ADDRESS => %server.local_addr());
    Ok(server)
}

/// Starts the background tasks: three per forge, so that a slow one keeps nobody
/// waiting, one for what tools have said, one for what is old, and one for leases.
/// Gives the signals that wake them.
fn drive(config: &ServerConfig, context: &Context, driver: &Driver) -> Vec<Signal> {
    let mut signals = vec![context.leases.clone()];
    let Context { store, logs, clock, .. } = context;
    let component = |name: &'static str| context.log.new(o!(keys::COMPONENT => name));
    for forge in context.forges.values() {
        let log = |name| component(name).new(o!(keys::FORGE => forge.name().to_string()));
        let (store, forge, clock) = (store.clone(), Arc::clone(forge), Arc::clone(clock));
        let configured = config.forges.iter().find(|it| it.name == *forge.name());
        let signal = driver.wake_on(store.changes());
        driver.spawn(
            InterpretDeliveries {
                store: store.clone(),
                forge: Arc::clone(&forge),
                policy: configured.map(|it| it.policy.clone()).unwrap_or_default(),
                logs: logs.clone(),
                clock: Arc::clone(&clock),
                log: log("deliveries"),
            },
            &signal,
            SLOW,
        );
        signals.push(signal);
        let signal = driver.wake_on(store.changes());
        let reports = Report::new(
            store.clone(),
            logs.clone(),
            Arc::clone(&forge),
            Arc::clone(&clock),
            log("reports"),
        );
        driver.spawn(reports, &signal, SLOW);
        signals.push(signal);
        if let Some(every) = configured.map_or(Some(SWEEP), |it| it.sweep) {
            let signal = Signal::default();
            driver.spawn(Sweep::new(store, forge, clock, every, log("sweep")), &signal, every);
            signals.push(signal);
        }
    }
    let said = driver.wake_on(store.changes());
    driver.spawn(
        Annotate {
            store: store.clone(),
            logs: logs.clone(),
            artifacts: context.artifacts.clone(),
            clock: Arc::clone(clock),
            log: component("annotations"),
        },
        &said,
        SLOW,
    );
    signals.push(said);
    let old = Signal::default();
    driver.spawn(
        Retain {
            store: store.clone(),
            logs: logs.clone(),
            artifacts: context.artifacts.clone(),
            keep: config.retention,
            clock: Arc::clone(clock),
            log: component("retention"),
        },
        &old,
        retention::INTERVAL,
    );
    signals.push(old);
    driver.spawn(
        ExpireLeases::new(
            store.clone(),
            logs.clone(),
            Arc::clone(clock),
            context.lease,
            context.max_attempts,
            component("leases"),
        ),
        &context.leases,
        SLOW,
    );
    signals
}
