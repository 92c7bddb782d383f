//! What can go wrong with the testbed itself.

use std::process::ExitStatus;
use std::time::Duration;

use camino::Utf8PathBuf;

/// Why the installation does not stand, or does not do what was awaited.
#[derive(Debug, thiserror::Error)]
pub enum TestbedError {
    /// A file or a program.
    #[error("{what}")]
    Io {
        /// Which.
        what: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A daemon ended by itself.
    #[error("a daemon ended with {status}; the end of {log}:\n{said}")]
    Ended {
        /// Its log file.
        log: Utf8PathBuf,
        /// How.
        status: ExitStatus,
        /// The end of its log.
        said: String,
    },
    /// A command of ours did not succeed.
    #[error("{command} ended with {status}: {said}")]
    Command {
        /// Which.
        command: String,
        /// How.
        status: ExitStatus,
        /// What it said.
        said: String,
    },
    /// Something did not come about in time.
    #[error("no {what} within {} s", .limit.as_secs())]
    Late {
        /// What was awaited.
        what: String,
        /// For how long.
        limit: Duration,
    },
    /// An API call failed.
    #[error("{what}: {why}")]
    Api {
        /// Which call.
        what: String,
        /// Why.
        why: String,
    },
    /// Programs or image are not where they should be.
    #[error("{0}")]
    NotBuilt(String),
}
