//! What can go wrong before a job has its outcome.

use std::io;
use std::path::PathBuf;

use miette::Diagnostic;
use solstice_exec::ExecError;
use solstice_image::ImageError;

use crate::files::FileError;

/// Why a workflow was not run.
#[derive(Debug, thiserror::Error, Diagnostic)]
pub(crate) enum RunError {
    /// A workflow file cannot be read or is not there.
    #[error(transparent)]
    #[diagnostic(transparent)]
    File(#[from] FileError),
    /// A workflow file is wrong; its diagnostics were shown.
    #[error("{} cannot be run", path.display())]
    #[diagnostic(help("mend what is shown above; `cidev validate` looks at it again"))]
    Workflow {
        /// The file.
        path: PathBuf,
    },
    /// There are several workflows and none is the usual one.
    #[error("there are several workflows: {names}")]
    #[diagnostic(help("name one: cidev run .solstice/NAME.kdl"))]
    Several {
        /// Their paths.
        names: String,
    },
    /// The event does not start the workflow.
    #[error("this event does not start the workflow: {reason}")]
    #[diagnostic(help("try another one with --event, or add an `on` node"))]
    NotTriggered {
        /// Why not.
        reason: String,
    },
    /// The workflow has no such job.
    #[error("the workflow has no job {job}; its jobs are {known}")]
    #[diagnostic(help("a job of a matrix has a name of its own: see `cidev show`"))]
    NoJob {
        /// What was asked for.
        job: String,
        /// What there is.
        known: String,
    },
    /// The current directory belongs to no repository.
    #[error("{} is not in a Git work tree", path.display())]
    #[diagnostic(help("jobs get what `git add --all` would take: run `git init` first"))]
    NoWorkTree {
        /// The current directory.
        path: PathBuf,
        /// What Git said.
        #[source]
        source: ExecError,
    },
    /// Git did not do its part.
    #[error("cannot {what}")]
    Git {
        /// What it was to do.
        what: &'static str,
        /// What it said.
        #[source]
        source: ExecError,
    },
    /// A job asks for a label for which there is no image.
    #[error("no image for `runs_on \"{label}\"` of job {job}")]
    #[diagnostic(help("{help}"))]
    NoImage {
        /// The label.
        label: String,
        /// The job.
        job: String,
        /// What there is, and what to do.
        help: String,
    },
    /// An image is not what its lock says.
    #[error("the image in {} cannot be used", folder.display())]
    #[diagnostic(help("make it anew: cargo xtask images build NAME"))]
    Image {
        /// Its folder.
        folder: PathBuf,
        /// What is wrong.
        #[source]
        source: ImageError,
    },
    /// A file or folder of ours cannot be used.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A path is not UTF-8.
    #[error("{} is not UTF-8, which the machines' programs need", path.display())]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// Another `cidev run` uses the same folder.
    #[error("another `cidev run` is under way in {}", path.display())]
    #[diagnostic(help("wait for it, or give this one a folder of its own: XDG_STATE_HOME=DIR"))]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// A part of the installation inside this program did not start or stopped.
    #[error("cannot {what}")]
    Part {
        /// What was to happen.
        what: &'static str,
        /// Why it did not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// This system has no hypervisor that needs no setting up.
    #[cfg(not(target_os = "linux"))]
    #[error("cidev makes machines by QEMU on Linux only")]
    #[diagnostic(help("push to a server whose host has zones"))]
    NoHypervisor,
}

impl RunError {
    /// 1: the workflow is wrong; 2: usage; 3: this computer cannot.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            RunError::Workflow { .. } => 1,
            RunError::File(_)
            | RunError::Several { .. }
            | RunError::NotTriggered { .. }
            | RunError::NoJob { .. }
            | RunError::NoWorkTree { .. }
            | RunError::NoImage { .. } => 2,
            _ => 3,
        }
    }

    /// A part that failed, with its reason.
    pub(crate) fn part<E>(what: &'static str) -> impl FnOnce(E) -> Self
    where
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        move |source| Self::Part { what, source: source.into() }
    }

    /// A file operation that failed.
    pub(crate) fn io(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }

    pub(crate) fn here(source: io::Error) -> Self {
        Self::Io { what: "find", path: ".".into(), source }
    }

    pub(crate) fn runtime(source: io::Error) -> Self {
        Self::Part { what: "start the runtime", source: source.into() }
    }
}
