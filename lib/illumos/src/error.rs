//! Why a command did not do what was asked.

use solstice_exec::ExecError;

use crate::name::NameError;

/// What a failure comes to, whichever words the command used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It exists already.
    Exists,
    /// It does not exist.
    Absent,
    /// Somebody uses it: an open volume, a held or cloned snapshot, a link
    /// with links over it.
    Busy,
    /// The pool or the quota is full.
    NoRoom,
    /// The caller may not.
    NotPermitted,
    /// The name is not one.
    BadName,
    /// It is not in a state in which this can be done.
    WrongState,
    /// It took longer than it may; whether it was done is not known.
    TimedOut,
    /// Anything else.
    Other,
}

/// A failure, with all that is known of it.
#[derive(Debug, thiserror::Error)]
pub enum IllumosError {
    /// The command failed.
    #[error("a command failed")]
    Command {
        /// What it comes to.
        cause: Cause,
        /// The command, its exit status and what it said.
        source: ExecError,
    },
    /// The command succeeded and said what it does not say.
    #[error("`{command}` printed what is not understood: {line:?}")]
    Output {
        /// The command.
        command: String,
        /// The line.
        line: String,
    },
    /// The command succeeded with a complaint: zonecfg does that.
    #[error("`{command}` complained: {complaint}")]
    Complaint {
        /// The command.
        command: String,
        /// What it wrote to standard error.
        complaint: String,
        /// What it comes to.
        cause: Cause,
    },
    /// What was found speaks against it: nothing was done, or not enough.
    #[error("{what}")]
    Found {
        /// What was found, with the remedy if there is one.
        what: String,
        /// What it comes to.
        cause: Cause,
    },
    /// A name or a value cannot be used.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl IllumosError {
    /// What it comes to.
    pub fn cause(&self) -> Cause {
        match self {
            IllumosError::Command { cause, .. }
            | IllumosError::Complaint { cause, .. }
            | IllumosError::Found { cause, .. } => *cause,
            IllumosError::Output { .. } => Cause::Other,
            IllumosError::Name(_) => Cause::BadName,
        }
    }
}
