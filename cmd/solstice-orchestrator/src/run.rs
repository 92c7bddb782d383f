//! `solstice-orchestrator run`: everything wired, until a signal ends it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use slog::{Logger, info, o};
use solstice_config::OrchestratorConfig;
use solstice_host::{
    DataDirectory, Orchestrator, Outside, RunError, Shutdown, SystemClock, Telemetry,
};
use solstice_log::{Format, Level, keys, logger};
use solstice_metrics::{Catalogue, Listener};
use solstice_trace::{Target, Tracer};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::failure::Failure;
use crate::hypervisor::Place;
use crate::{hypervisor, settings};

const PROGRAM: &str = "solstice-orchestrator";

/// How long the last spans may take to get to their collector.
const LAST_SPANS: Duration = Duration::from_secs(3);

/// Reads the configuration and works.
pub(crate) fn run(path: &Path, verbose: bool) -> Result<(), Failure> {
    let config = OrchestratorConfig::load(path)?;
    let level = if verbose { Level::Debug } else { Level::Info };
    let (log, _flush) = logger(PROGRAM, Format::detect(), level);
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
    let telemetry = telemetry(&config, &log).await?;
    let outside = Outside {
        hypervisor: opened.hypervisor,
        server,
        transfers,
        clock,
        telemetry: telemetry.clone(),
    };
    let orchestrator = Orchestrator::start(settings, data, outside, log).await?;
    let ended = orchestrator.run(shutdown).await;
    telemetry.stop(LAST_SPANS).await;
    ended.map_err(|RunError::Token(source)| Failure::of_server(&config, source))
}

/// What is counted, and who is told of it.
async fn telemetry(config: &OrchestratorConfig, log: &Logger) -> Result<Telemetry, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let tracer = match config.telemetry.clone() {
        Some(endpoint) => {
            let instance = config.host.to_string();
            let target = Target { endpoint, service: PROGRAM, version, instance };
            Tracer::to(target, log.new(o!(keys::COMPONENT => "traces")))?
        }
        None => Tracer::off(),
    };
    let mut catalogue = Catalogue::new(PROGRAM, version);
    let telemetry = Telemetry::new(&mut catalogue, tracer);
    if let Some(place) = &config.metrics {
        let listener = Listener::bind(place).await;
        let listener = listener
            .map_err(|source| Failure::System { what: "serve metrics where it should", source })?;
        info!(log, "serving metrics"; keys::ADDRESS => ?place);
        let catalogue = Arc::new(catalogue);
        let text = move || std::future::ready(catalogue.text());
        tokio::spawn(solstice_metrics::serve(listener, text));
    }
    Ok(telemetry)
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
