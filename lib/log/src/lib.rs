//! Structured logs: how a program's logger is made, and the one list of keys.
//!
//! Messages are constant, lower-case sentences; whatever varies is a value
//! under a key from [`keys`]. People at a terminal get coloured lines; anything
//! else (a service manager, a file, a pipe) gets Bunyan JSON, one object a line.
//! An error is logged once, where it is handled. Secrets and bodies never are.
//!
//! ```
//! use slog::info;
//! use solstice_log::{Format, Level, keys, logger};
//!
//! let (log, _flush) = logger("solstice-server", Format::Json, Level::Info);
//! info!(log, "listening"; keys::ADDRESS => "127.0.0.1:8080");
//! ```

use std::io::IsTerminal as _;

use slog::{Drain, Logger, o};

/// What a program may log; less severe messages are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Only what needs an operator.
    Warn,
    /// Also each state transition.
    Info,
    /// Also each request.
    Debug,
}

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people at a terminal.
    Term,
    /// Bunyan JSON, for programs.
    Json,
}

impl Format {
    /// `Term` if standard error is a terminal, `Json` otherwise.
    pub fn detect() -> Self {
        if std::io::stderr().is_terminal() { Format::Term } else { Format::Json }
    }
}

/// Flushes what is still queued when dropped; keep it until the program's end.
pub struct Flush(#[expect(dead_code, reason = "kept for its Drop")] slog_async::AsyncGuard);

/// Makes a program's logger. It writes to standard error from a thread of its
/// own; when that falls behind, the caller waits: no line is dropped.
pub fn logger(program: &'static str, format: Format, level: Level) -> (Logger, Flush) {
    let level = match level {
        Level::Warn => slog::Level::Warning,
        Level::Info => slog::Level::Info,
        Level::Debug => slog::Level::Debug,
    };
    let (drain, guard) = match format {
        Format::Term => {
            let term = slog_term::TermDecorator::new().stderr().build();
            asynchronous(slog_term::FullFormat::new(term).build().fuse())
        }
        Format::Json => {
            let json = slog_bunyan::with_name(program, std::io::stderr()).build();
            asynchronous(std::sync::Mutex::new(json).fuse())
        }
    };
    (Logger::root(drain.filter_level(level).fuse(), o!()), Flush(guard))
}

fn asynchronous<D>(drain: D) -> (slog::Fuse<slog_async::Async>, slog_async::AsyncGuard)
where
    D: Drain<Ok = (), Err = slog::Never> + Send + 'static,
{
    let (drain, guard) = slog_async::Async::new(drain)
        .chan_size(4096)
        .overflow_strategy(slog_async::OverflowStrategy::Block)
        .build_with_guard();
    (drain.fuse(), guard)
}

/// An error with all its causes in one line, for the key [`keys::ERROR`].
///
/// ```
/// let io = std::io::Error::other("disk on fire");
/// assert_eq!(solstice_log::chain(&io), "disk on fire");
/// ```
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// The keys of structured values; no log line uses another.
pub mod keys {
    /// A socket address.
    pub const ADDRESS: &str = "address";
    /// An attempt's id.
    pub const ATTEMPT: &str = "attempt";
    /// A number of bytes.
    pub const BYTES: &str = "bytes";
    /// A commit id.
    pub const COMMIT: &str = "commit";
    /// The component that speaks.
    pub const COMPONENT: &str = "component";
    /// A number of things, named by the message.
    pub const COUNT: &str = "count";
    /// Our id of a delivery.
    pub const DELIVERY: &str = "delivery";
    /// How long something took, in milliseconds.
    pub const TOOK_MS: &str = "took_ms";
    /// An error with its causes.
    pub const ERROR: &str = "error";
    /// A job event's name.
    pub const EVENT: &str = "event";
    /// A forge's name.
    pub const FORGE: &str = "forge";
    /// A host's name.
    pub const HOST: &str = "host";
    /// An image's name.
    pub const IMAGE: &str = "image";
    /// A job's id.
    pub const JOB: &str = "job";
    /// The outcome of a job.
    pub const OUTCOME: &str = "outcome";
    /// A path in the file system.
    pub const PATH: &str = "path";
    /// Why something is so, for people.
    pub const REASON: &str = "reason";
    /// A repository's name.
    pub const REPOSITORY: &str = "repository";
    /// The id of an HTTP request: the one in its answer's header `x-request-id` and in
    /// the body of an error. Dropshot's own lines have it under the same name.
    pub const REQUEST: &str = "req_id";
    /// A run's id.
    pub const RUN: &str = "run";
    /// A state's name.
    pub const STATE: &str = "state";
    /// A program's version.
    pub const VERSION: &str = "version";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open the store")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_chain_names_every_cause_once() {
        let error = Outer(std::io::Error::other("no space left"));
        assert_eq!(chain(&error), "cannot open the store: no space left");
    }
}
