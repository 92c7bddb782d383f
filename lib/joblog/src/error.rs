//! What can go wrong with a log, in the terms in which a caller must choose.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why nothing was appended or read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    /// Records are missing between what is durable and what was sent, or within that.
    #[error("record {found} was sent where {expected} was to come")]
    Gap {
        /// The sequence number that is to come next.
        expected: u64,
        /// The one that came.
        found: u64,
    },
    /// One record, or all together, are larger than is taken at once.
    #[error("{bytes} bytes are more than the {limit} that are taken at once")]
    TooLarge {
        /// The size in the log, in bytes.
        bytes: usize,
        /// The bound, in bytes.
        limit: usize,
    },
    /// The disk is full; nothing of the batch was kept.
    #[error("the disk of the logs is full")]
    Full,
    /// The log of this attempt may not grow further; nothing of the batch was kept.
    #[error("the log of an attempt may have no more than {limit} bytes")]
    TooLong {
        /// The bound, in bytes of the log.
        limit: u64,
    },
    /// The attempt is over and its log was put away; nothing is appended to it.
    #[error("the log is sealed after record {last_seq}")]
    Sealed {
        /// The last record that it holds.
        last_seq: u64,
    },
    /// The log was deleted while it was read or written.
    #[error("the log was removed")]
    Removed,
    /// The file has been changed by something else than this crate.
    #[error("the log {} is damaged at byte {offset}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the first bad line begins.
        offset: u64,
    },
    /// Another process has these logs open.
    #[error("another server has the logs open: {} is locked", path.display())]
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
    #[error("the logs are closed")]
    Closed,
}

impl LogError {
    /// Whether the same call may succeed later.
    pub fn retry(&self) -> bool {
        matches!(self, LogError::Full | LogError::Io { .. })
    }

    /// Gives a system error its object. A file that may not grow is a full disk
    /// to the caller, whether the disk, a quota or a limit says so.
    pub(crate) fn io(
        what: &'static str,
        path: &Path,
    ) -> impl FnOnce(io::Error) -> LogError + use<> {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => LogError::Full,
            _ => LogError::Io { what, path, source: Arc::new(source) },
        }
    }

    /// The same for a read of what is known to be there: less than that is damage.
    pub(crate) fn read(path: &Path, offset: u64) -> impl FnOnce(io::Error) -> LogError + use<> {
        let path = path.to_owned();
        move |source| match source.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData => {
                LogError::Damaged { path, offset }
            }
            _ => LogError::io("read", &path)(source),
        }
    }
}
