//! The command line and what each command does.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use miette::{IntoDiagnostic as _, WrapErr as _};
use slog::info;
use solstice_config::server::{DEFAULT_PATH, ForgeConfig, ForgeKind};
use solstice_config::{ConfigError, ServerConfig};
use solstice_engine::{Forges, SystemClock};
use solstice_forge::{Forge, Secret};
use solstice_forge_forgejo::{ForgejoConfig, ForgejoForge};
use solstice_forge_github::{GitHubConfig, GitHubForge};
use solstice_log::{Format, Level, keys, logger};
use solstice_model::Role;
use solstice_server::Server;
use solstice_server::tokens::Tokens;
use tokio::signal::unix::{SignalKind, signal};

/// The configuration or the command line is wrong.
const USAGE: u8 = 2;

/// The server could not do its work.
const SERVER: u8 = 3;

/// The server of Solstice CI.
#[derive(Debug, Parser)]
#[command(name = "solstice-server", version, about, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT
    Run {
        #[command(flatten)]
        config: ConfigArg,
        /// What to log
        #[arg(long, value_name = "LEVEL", default_value = "info")]
        log_level: LogLevel,
    },
    /// Read the configuration and say what is wrong with it
    Check {
        #[command(flatten)]
        config: ConfigArg,
    },
    /// Print the parts of the man page that the command line says
    #[command(hide = true)]
    Manual,
    /// Make, list and revoke tokens, also while the server runs
    #[command(subcommand)]
    Token(TokenCommand),
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token and print its secret, which is not shown again
    Create {
        #[command(flatten)]
        config: ConfigArg,
        /// What it opens: reader, submitter, operator, admin or host
        #[arg(long)]
        role: Role,
        /// Its name, unique; for the role host, the host's name
        #[arg(long)]
        name: String,
    },
    /// List tokens, without their secrets
    List {
        #[command(flatten)]
        config: ConfigArg,
    },
    /// Make a token useless
    Revoke {
        #[command(flatten)]
        config: ConfigArg,
        /// Its name
        #[arg(long)]
        name: String,
    },
}

#[derive(Debug, Args)]
struct ConfigArg {
    /// The configuration
    #[arg(long = "config", value_name = "PATH", default_value = DEFAULT_PATH)]
    path: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LogLevel {
    /// What needs an operator
    Warn,
    /// Also each change of a state
    Info,
    /// Also each request
    Debug,
}

impl ConfigArg {
    fn load(&self) -> Result<ServerConfig, ConfigError> {
        ServerConfig::load(&self.path)
    }
}

impl Cli {
    /// Does what was asked for.
    pub(crate) fn run(self) -> ExitCode {
        let config = match &self.command {
            Command::Manual => {
                print!("{}", solstice_manual::sections(&Self::command()));
                return ExitCode::SUCCESS;
            }
            Command::Run { config, .. } | Command::Check { config } => config,
            Command::Token(
                TokenCommand::Create { config, .. }
                | TokenCommand::List { config }
                | TokenCommand::Revoke { config, .. },
            ) => config,
        };
        let config = match config.load() {
            Ok(config) => config,
            Err(wrong) => return fail(USAGE, &miette::Report::new(wrong)),
        };
        let forges = match forges(&config.forges) {
            Ok(forges) => forges,
            Err(wrong) => return fail(USAGE, &wrong),
        };
        let done = match self.command {
            Command::Run { log_level, .. } => run(&config, forges, log_level),
            Command::Check { .. } | Command::Manual => Ok(()),
            Command::Token(command) => token(&config, command),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(wrong) => fail(SERVER, &wrong),
        }
    }
}

fn fail(code: u8, wrong: &miette::Report) -> ExitCode {
    eprintln!("{wrong:?}");
    ExitCode::from(code)
}

fn runtime() -> miette::Result<tokio::runtime::Runtime> {
    tokio::runtime::Runtime::new().into_diagnostic().wrap_err("cannot start threads")
}

fn token(config: &ServerConfig, command: TokenCommand) -> miette::Result<()> {
    let tokens = Tokens::open(config)?;
    let mut out = std::io::stdout();
    runtime()?.block_on(async {
        match command {
            TokenCommand::Create { role, name, .. } => tokens.create(name, role, &mut out).await,
            TokenCommand::List { .. } => tokens.list(&mut out).await,
            TokenCommand::Revoke { name, .. } => tokens.revoke(name).await,
        }
    })?;
    Ok(())
}

fn run(config: &ServerConfig, forges: Forges, level: LogLevel) -> miette::Result<()> {
    let level = match level {
        LogLevel::Warn => Level::Warn,
        LogLevel::Info => Level::Info,
        LogLevel::Debug => Level::Debug,
    };
    let (log, _flush) = logger("solstice-server", Format::detect(), level);
    let runtime = runtime()?;
    let served = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).into_diagnostic()?;
        let mut interrupt = signal(SignalKind::interrupt()).into_diagnostic()?;
        let server = Server::start(config, forges, Arc::new(SystemClock), log.clone()).await?;
        info!(log, "serving"; keys::VERSION => env!("CARGO_PKG_VERSION"));
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!(log, "stopping");
        server.stop().await;
        Ok(())
    });
    // Work that still blocks a thread may be dropped: it is redone at the next start.
    runtime.shutdown_background();
    served
}

/// The forges of the configuration.
fn forges(configs: &[ForgeConfig]) -> miette::Result<Forges> {
    let mut forges: Forges = BTreeMap::new();
    for config in configs {
        let made = forge(config);
        let made = made.wrap_err_with(|| format!("cannot use the forge {}", config.name))?;
        forges.insert(config.name.clone(), made);
    }
    Ok(forges)
}

/// A forge of the configuration: one arm per kind.
fn forge(config: &ForgeConfig) -> miette::Result<Arc<dyn Forge>> {
    let (name, base_url) = (config.name.clone(), config.url.clone());
    let webhook_secrets = config.webhook_secrets.iter().map(secret).collect();
    Ok(match &config.kind {
        ForgeKind::Forgejo { token } => {
            let config = ForgejoConfig { name, base_url, token: secret(token), webhook_secrets };
            Arc::new(ForgejoForge::new(config).into_diagnostic()?)
        }
        ForgeKind::GitHub { app_id, private_key, api } => {
            let config = GitHubConfig {
                name,
                base_url,
                api_url: api.clone(),
                app_id: *app_id,
                private_key_pem: secret(private_key),
                webhook_secrets,
            };
            Arc::new(GitHubForge::new(config).into_diagnostic()?)
        }
    })
}

fn secret(given: &solstice_config::Secret) -> Secret {
    Secret::new(given.expose()).expect("the configuration refuses empty secrets")
}
