//! What can go wrong with the browser, or with what it shows.

use std::path::PathBuf;

/// Why the browser did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// A program is not installed.
    #[error("cannot start {program}: install Debian's {package}, or run `cargo xtask test`")]
    NotInstalled {
        /// Which program.
        program: &'static str,
        /// The package that has it.
        package: &'static str,
        /// Why it does not start.
        #[source]
        source: std::io::Error,
    },
    /// The program that controls the browser did not say where it listens.
    #[error("chromedriver did not come up within {limit_s} s; it said: {said}")]
    NotUp {
        /// What it printed.
        said: String,
        /// How long it had.
        limit_s: u64,
    },
    /// A command got no answer.
    #[error("the browser did not answer `{command}`; it hangs or has ended")]
    Silent {
        /// Which command.
        command: String,
        /// What the connection says.
        #[source]
        source: reqwest::Error,
    },
    /// A command was refused.
    #[error("`{command}`: {error}: {message}")]
    Refused {
        /// Which command.
        command: String,
        /// WebDriver's name of the error.
        error: String,
        /// What it says of it.
        message: String,
    },
    /// An answer is not what it should be.
    #[error("`{command}` was answered with {answer}")]
    Odd {
        /// Which command.
        command: String,
        /// The answer.
        answer: String,
    },
    /// What was awaited did not come about.
    #[error("no {what} within {limit_s} s on {url}, which shows:\n{text}")]
    Late {
        /// What was awaited.
        what: String,
        /// How long.
        limit_s: u64,
        /// The page.
        url: String,
        /// The beginning of its text.
        text: String,
    },
    /// A file of ours.
    #[error("{}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The check for accessibility is not there.
    #[error("{0}")]
    NoAxe(String),
}

impl BrowserError {
    /// Whether the page may have changed between two commands, so that the
    /// same may work now.
    pub(crate) fn retry(&self) -> bool {
        const PASSING: [&str; 4] = [
            "no such element",
            "stale element reference",
            "element not interactable",
            "element click intercepted",
        ];
        matches!(self, Self::Refused { error, .. } if PASSING.contains(&error.as_str()))
    }
}
