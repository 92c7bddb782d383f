//! `solstice-orchestrator run`: everything wired, until a signal ends it.

use std::path::Path;
use std::sync::Arc;

use slog::{Logger, info};
use solstice_config::OrchestratorConfig;
use solstice_host::{DataDirectory, Orchestrator, Outside, RunError, Shutdown, SystemClock};
use solstice_log::{Format, Level, keys, logger};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::failure::Failure;
use crate::hypervisor::Place;
use crate::{hypervisor, settings};

/// Reads the configuration and works.
pub(crate) fn run(path: &Path, verbose: bool) -> Result<(), Failure> {
    let config = OrchestratorConfig::load(path)?;
    let level = if verbose { Level::Debug } else { Level::Info };
    let (log, _flush) = logger("solstice-orchestrator", Format::detect(), level);
    runtime()?.block_on(work(config, log))
}

/// The one runtime of the program.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Runtime::new()
        .map_err(|source| Failure::System { what: "start the runtime", source })
}

async fn work(config: OrchestratorConfig, log: Logger) -> Result<(), Failure> {
    // First, so that no signal is missed while images are read.
    let shutdown = signals(&log)?;
    let (server, transfers) = (settings::client(&config)?, settings::transfers(&config)?);
    let data = DataDirectory::open(&settings::utf8(&config.data)?)?;
    let settings = settings::settings(&config)?;
    let images: Vec<_> = settings.images.iter().map(|it| it.image.clone()).collect();
    let place = Place { config: &config, data: data.path(), images: &images, serve: true };
    let opened = hypervisor::open(&place).await?;
    info!(log, "starting"; keys::HOST => config.host.as_str(),
        keys::VERSION => env!("CARGO_PKG_VERSION"), keys::REASON => opened.how);
    let clock = Arc::new(SystemClock);
    let outside = Outside { hypervisor: opened.hypervisor, server, transfers, clock };
    let orchestrator = Orchestrator::start(settings, data, outside, log).await?;
    orchestrator
        .run(shutdown)
        .await
        .map_err(|RunError::Token(source)| Failure::of_server(&config, source))
}

/// Turns signals into what the orchestrator is told.
fn signals(log: &Logger) -> Result<watch::Receiver<Shutdown>, Failure> {
    let listen = |kind| {
        signal(kind).map_err(|source| Failure::System { what: "listen for signals", source })
    };
    let (mut terminate, mut interrupt) =
        (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let mut drain: Signal = listen(SignalKind::user_defined1())?;
    let (tell, told) = watch::channel(Shutdown::Run);
    let log = log.clone();
    tokio::spawn(async move {
        loop {
            let next = tokio::select! {
                _ = terminate.recv() => Shutdown::Stop,
                _ = interrupt.recv() => Shutdown::Stop,
                _ = drain.recv() => Shutdown::Drain,
            };
            info!(log, "signal taken"; keys::EVENT => format!("{next:?}").to_lowercase());
            tell.send_replace(next);
        }
    });
    Ok(told)
}
