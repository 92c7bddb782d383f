//! What can go wrong with an artifact, in the terms in which a caller must choose.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use solstice_model::AttemptId;

/// Why nothing was written or read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ArtifactError {
    /// There is no such artifact.
    #[error("attempt {attempt} has no artifact {index}")]
    Absent {
        /// The attempt.
        attempt: AttemptId,
        /// The artifact's index.
        index: u32,
    },
    /// There is one already, and it is another.
    #[error("artifact {index} of attempt {attempt} is there already, with other contents")]
    Exists {
        /// The attempt.
        attempt: AttemptId,
        /// The artifact's index.
        index: u32,
    },
    /// One artifact is larger than it may be.
    #[error("an artifact may have no more than {limit} bytes")]
    TooLarge {
        /// The bound, in bytes.
        limit: u64,
    },
    /// The artifacts of one attempt are larger than they may be.
    #[error("the artifacts of an attempt may have no more than {limit} bytes together")]
    AttemptTooLarge {
        /// The bound, in bytes.
        limit: u64,
    },
    /// One attempt has as many artifacts as it may.
    #[error("an attempt may have no more than {limit} artifacts")]
    TooMany {
        /// The bound.
        limit: usize,
    },
    /// All artifacts together are as large as they may be.
    #[error("there is no room for artifacts: {used} of {limit} bytes are taken")]
    Full {
        /// The size of all artifacts, in bytes, with what is being written.
        used: u64,
        /// The bound, in bytes.
        limit: u64,
    },
    /// The disk is full.
    #[error("the disk of the artifacts is full")]
    DiskFull,
    /// The attempt's artifacts were deleted while this one was written.
    #[error("the artifacts of attempt {attempt} were removed")]
    Removed {
        /// The attempt.
        attempt: AttemptId,
    },
    /// An earlier call on this writer failed or was not waited for.
    #[error("the artifact was given up")]
    GivenUp,
    /// A name under which a job is to get an artifact is none, or is given twice.
    #[error("{name:?} is no name for an artifact: {why}")]
    BadName {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A file is not what was written.
    #[error("the artifact {} is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Another process has these artifacts open.
    #[error("another server has the artifacts open: {} is locked", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The system refused something.
    #[error("cannot {what} {}", path.display())]
    Io {
        /// What was to be done.
        what: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: Arc<io::Error>,
    },
    /// The program is shutting down.
    #[error("the artifacts are closed")]
    Closed,
}

impl ArtifactError {
    /// Whether the same artifact may be taken later.
    pub fn retry(&self) -> bool {
        matches!(
            self,
            ArtifactError::Full { .. }
                | ArtifactError::DiskFull
                | ArtifactError::Io { .. }
                | ArtifactError::GivenUp
        )
    }

    /// Gives a system error its object. A file that may not grow is a full disk
    /// to the caller, whether the disk, a quota or a limit says so.
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => ArtifactError::DiskFull,
            _ => ArtifactError::Io { what, path, source: Arc::new(source) },
        }
    }
}
