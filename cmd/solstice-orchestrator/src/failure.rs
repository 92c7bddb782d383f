//! How the program fails: what people read, and with which exit status.

use std::error::Error;
use std::io;
use std::process::ExitCode;

use solstice_client::{ConnectError, TokenFileError};
use solstice_config::{ConfigError, OrchestratorConfig};
use solstice_host::{ServerError, StartError};
use solstice_hypervisor::HypervisorError;
use solstice_image::ImageError;
use solstice_model::ImageName;

/// What was said is wrong: the command line, the configuration, a file it names.
const USAGE: u8 = 2;
/// The host or the server cannot do it.
const UNABLE: u8 = 3;

/// Why the program ends without having done its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A path is not UTF-8.
    #[error("the path {0:?} is not UTF-8; use another")]
    Path(std::path::PathBuf),
    /// The token cannot be used.
    #[error(transparent)]
    TokenFile(#[from] TokenFileError),
    /// There is no way to the server.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Traces cannot be sent.
    #[error(transparent)]
    Traces(#[from] solstice_trace::SetupError),
    /// An image is not what its lock says.
    #[error("the image {name} cannot be used")]
    Image {
        /// Which.
        name: ImageName,
        /// Why not.
        #[source]
        source: ImageError,
    },
    /// A lock is of another image.
    #[error(
        "the image {name} has a lock that says {locked}; name the image so, or name its own lock"
    )]
    OtherImage {
        /// As configured.
        name: ImageName,
        /// As locked.
        locked: ImageName,
    },
    /// The hypervisor does not work.
    #[error("the hypervisor cannot be used")]
    Hypervisor(#[source] HypervisorError),
    /// The orchestrator cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The server does not take the token.
    #[error(
        "the server {server} does not take the token in {file}; get one on the server with: solstice-server token create --role host --name {host}"
    )]
    Token {
        /// Where the server is.
        server: String,
        /// The token's file.
        file: String,
        /// Whose token it should be.
        host: String,
        /// What the server said.
        #[source]
        source: ServerError,
    },
    /// The server cannot be reached.
    #[error("cannot use the server {server}")]
    Server {
        /// Where it should be.
        server: String,
        /// What happened.
        #[source]
        source: ServerError,
    },
    /// The system does not let us do something basic.
    #[error("cannot {what}")]
    System {
        /// What.
        what: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The check found something; it has been told.
    #[error("not all is well")]
    Check {
        /// The worst of it.
        status: u8,
    },
}

impl Failure {
    /// What a refusal of the server's comes to.
    pub(crate) fn of_server(config: &OrchestratorConfig, source: ServerError) -> Self {
        let server = config.server.to_string();
        match source {
            ServerError::Unauthorized { .. } => Failure::Token {
                server,
                file: config.token_file.display().to_string(),
                host: config.host.to_string(),
                source,
            },
            source => Failure::Server { server, source },
        }
    }

    /// Tells people, and returns the exit status.
    pub(crate) fn tell(self) -> ExitCode {
        let status = self.status();
        match self {
            Failure::Config(error) => eprintln!("{:?}", miette::Report::new(error)),
            Failure::Check { .. } => {}
            other => eprintln!("solstice-orchestrator: {}", solstice_log::chain(&other)),
        }
        ExitCode::from(status)
    }

    /// 2 if what was said is wrong, 3 if the host or the server cannot do it.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Failure::Config(_)
            | Failure::Path(_)
            | Failure::TokenFile(_)
            | Failure::Image { .. }
            | Failure::OtherImage { .. } => USAGE,
            Failure::Check { status } => *status,
            Failure::Connect(_)
            | Failure::Traces(_)
            | Failure::Hypervisor(_)
            | Failure::Start(_)
            | Failure::Token { .. }
            | Failure::Server { .. }
            | Failure::System { .. } => UNABLE,
        }
    }
}

/// Tells why a guest's connection came to nothing; QEMU passes it on.
pub(crate) fn relay(error: &(dyn Error + 'static)) -> ExitCode {
    eprintln!("solstice-orchestrator guest-relay: {}", solstice_log::chain(error));
    ExitCode::from(UNABLE)
}
