//! The parts of an orchestrator, wired: start, run, stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dropshot::BuildError;
use slog::{Logger, info, o, warn};
use solstice_hypervisor::{Hypervisor, HypervisorError};
use solstice_log::{chain, keys};
use tokio::sync::watch;

use crate::agent_api::{self, AgentContext, AgentServer};
use crate::attempt::{Attempt, Origin, Tools};
use crate::clock::Clock;
use crate::data::{DataDirectory, cannot_write};
use crate::endpoint;
use crate::ledger::{Entry, Ledger, Loaded};
use crate::registry::Registry;
use crate::seats::{Seat, Seats};
use crate::server::{Server, ServerError};
use crate::settings::Settings;
use crate::shutdown::Shutdown;
use crate::source::{SourceError, SourceStore};
use crate::sweep::Sweep;
use crate::sync::SyncLoop;
use crate::tasks::Tasks;
use crate::telemetry::Telemetry;

/// How often mirrors and archives are brought within their bounds.
const TIDY: Duration = Duration::from_secs(3600);

/// Why an orchestrator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A directory cannot be used.
    #[error("the user with the id {uid} cannot write {path}; try: chown {uid} {path}")]
    Directory {
        /// Which.
        path: Utf8PathBuf,
        /// Who we are.
        uid: u32,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Another orchestrator works in the data directory.
    #[error("another orchestrator uses {path}; stop it, or give this one a `data` of its own")]
    InUse {
        /// The data directory.
        path: Utf8PathBuf,
    },
    /// The hypervisor does not work.
    #[error("the hypervisor {name} cannot be used")]
    Hypervisor {
        /// Which.
        name: &'static str,
        /// What is missing, and what to do.
        #[source]
        source: HypervisorError,
    },
    /// Guests cannot be served.
    #[error(
        "cannot listen on {address}; another program may use it: set `agent_listen` to \"127.0.0.1:0\""
    )]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: BuildError,
    },
    /// Source cannot be fetched or kept.
    #[error("source cannot be fetched")]
    Source(#[source] SourceError),
}

/// Why an orchestrator stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The server does not take the token.
    #[error("the server at the other end does not know this host")]
    Token(#[source] ServerError),
}

/// What an orchestrator talks to.
#[derive(Clone)]
pub struct Outside {
    /// What makes the machines.
    pub hypervisor: Arc<dyn Hypervisor>,
    /// The server.
    pub server: solstice_client::host::Client,
    /// The server once more, by a client that waits for ever: for transfers,
    /// which are bounded by their progress.
    pub transfers: solstice_client::host::Client,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Where it tells what it does.
    pub telemetry: Telemetry,
}

/// An orchestrator that has begun to serve its guests. Dropping it is as good
/// as a crash: machines keep running, and the next one takes them up.
pub struct Orchestrator {
    // First of all, so that tasks end before what they use.
    tasks: Tasks,
    agents: AgentServer,
    sync: SyncLoop,
    drain_timeout: Duration,
    log: Logger,
    /// Held for as long as the data directory is used.
    _data: DataDirectory,
}

impl Orchestrator {
    /// Takes up what the ledger says and begins to serve guests. Touches no
    /// machine: that waits for the server's first answer.
    ///
    /// # Errors
    ///
    /// [`StartError`], each with what to do about it.
    pub async fn start(
        settings: Settings,
        data: DataDirectory,
        outside: Outside,
        log: Logger,
    ) -> Result<Self, StartError> {
        let path = data.path();
        let ledger = Ledger::open(path.join("attempts")).map_err(cannot_write(path))?;
        let component = |name: &'static str| log.new(o!(keys::COMPONENT => name));
        let sources = SourceStore::open(path, &settings.source, component("source"));
        let sources = sources.map_err(StartError::Source)?;
        sources.check().await.map_err(StartError::Source)?;
        let machines = outside
            .hypervisor
            .observe()
            .await
            .map_err(|source| StartError::Hypervisor { name: outside.hypervisor.name(), source })?;
        let seats = Seats::new(settings.capacity, &settings.images);
        let registry = Registry::new();
        let tools = Tools {
            server: Server::new(outside.server, outside.transfers),
            hypervisor: outside.hypervisor,
            sources,
            seats: seats.clone(),
            ledger: ledger.clone(),
            sizes: Arc::new(settings.sizes.clone()),
            limits: settings.limits,
        };
        let telemetry = outside.telemetry;
        telemetry.set_capacity(settings.capacity);
        let (clock, log_of_attempts) = (outside.clock, component("attempt"));
        let origin = Origin { ledger, clock, telemetry: telemetry.clone(), log: log_of_attempts };
        let adopted = adopt(&settings, &origin, &registry, &seats, path)?;
        let strangers = machines.iter().filter(|machine| !registry.has(machine.id)).count();
        seats.set_strangers(u32::try_from(strangers).unwrap_or(u32::MAX));
        let context = AgentContext {
            registry: registry.clone(),
            server: tools.server.clone(),
            visitors: settings.visitors.clone(),
            limits: settings.limits,
            log: component("agents"),
        };
        let address = settings.agent_listen;
        let agents = agent_api::serve(context, address)
            .map_err(|source| StartError::Listen { address, source })?;
        endpoint::publish(&data.endpoint_file(), agents.local_addr())
            .map_err(cannot_write(path))?;
        info!(log, "serving guests"; keys::ADDRESS => agents.local_addr().to_string(),
            keys::COUNT => adopted.attempts.len());
        let (tasks, drain_timeout) = (Tasks::default(), settings.drain_timeout);
        let sync = SyncLoop {
            settings: Arc::new(settings),
            tools,
            origin,
            registry,
            tasks: tasks.clone(),
            synced: watch::Sender::new(0),
            adopted: adopted.attempts,
            orphans: adopted.orphans,
            telemetry,
            log: component("sync"),
        };
        Ok(Self { tasks, agents, sync, drain_timeout, log, _data: data })
    }

    /// Where guests are served.
    pub fn agent_address(&self) -> SocketAddr {
        self.agents.local_addr()
    }

    /// Works until told to stop.
    ///
    /// # Errors
    ///
    /// [`RunError`] if it cannot go on.
    pub async fn run(self, shutdown: watch::Receiver<Shutdown>) -> Result<(), RunError> {
        let sweep = Sweep {
            hypervisor: self.sync.tools.hypervisor.clone(),
            registry: self.sync.registry.clone(),
            seats: self.sync.tools.seats.clone(),
            log: self.log.new(o!(keys::COMPONENT => "sweep")),
        };
        let every = self.sync.tools.limits.reconcile;
        self.tasks.spawn(sweep.run(self.sync.synced.subscribe(), every));
        let sources = self.sync.tools.sources.clone();
        self.tasks.spawn(async move {
            loop {
                sources.tidy().await;
                tokio::time::sleep(TIDY).await;
            }
        });
        let (server, settings) = (self.sync.tools.server.clone(), self.sync.settings.clone());
        let count = self.sync.registry.count();
        let told = until_told(shutdown.clone(), count, self.drain_timeout, self.log.clone());
        let ended = tokio::select! {
            ended = self.sync.run(shutdown) => match ended {
                Err(error) => Err(RunError::Token(error)),
                Ok(never) => match never {},
            },
            () = told => {
                SyncLoop::retract(&server, &settings).await;
                Ok(())
            }
        };
        self.tasks.abort().await;
        ended
    }
}

/// What the ledger came to.
#[derive(Default)]
struct Adopted {
    attempts: Vec<(Arc<Attempt>, Seat)>,
    orphans: Vec<(Entry, String)>,
}

/// Makes an attempt of each entry of the ledger.
fn adopt(
    settings: &Settings,
    origin: &Origin,
    registry: &Registry,
    seats: &Arc<Seats>,
    data: &Utf8Path,
) -> Result<Adopted, StartError> {
    let Loaded { entries, unreadable } = origin.ledger.load().map_err(cannot_write(data))?;
    for (path, error) in unreadable {
        warn!(origin.log, "an entry of the ledger cannot be read and is put aside";
            keys::PATH => path.as_str(), keys::ERROR => chain(&error));
    }
    let mut adopted = Adopted::default();
    for entry in entries {
        let image = settings.images.iter().position(|it| it.image.name == entry.image);
        let Some(image) = image else {
            let why = format!("the image {} is no longer configured on this host", entry.image);
            adopted.orphans.push((entry, why));
            continue;
        };
        let attempt = Attempt::adopt(origin, entry, image);
        registry.add(attempt.clone());
        adopted.attempts.push((attempt, seats.occupy(image)));
    }
    Ok(adopted)
}

/// Resolves when it is time to stop.
async fn until_told(
    mut shutdown: watch::Receiver<Shutdown>,
    count: watch::Receiver<usize>,
    drain_timeout: Duration,
    log: Logger,
) {
    loop {
        let state = *shutdown.borrow_and_update();
        match state {
            Shutdown::Stop => return info!(log, "stopping, machines keep running"),
            Shutdown::Drain => {
                info!(log, "draining"; keys::COUNT => *count.borrow());
                let mut left = count.clone();
                let idle = left.wait_for(|count| *count == 0);
                tokio::select! {
                    _ = idle => return info!(log, "drained"),
                    () = tokio::time::sleep(drain_timeout) => {
                        return warn!(log, "jobs still run, their machines are left alone";
                            keys::COUNT => *count.borrow());
                    }
                    Ok(()) = shutdown.changed() => {}
                }
            }
            Shutdown::Run => {
                if shutdown.changed().await.is_err() {
                    // Nobody is left who could tell.
                    std::future::pending::<()>().await;
                }
            }
        }
    }
}
