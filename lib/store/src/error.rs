//! What can go wrong with the store, in the terms in which a caller must choose.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;
use solstice_model::{AttemptId, IllegalTransition};

/// Why a use-case did not happen. Nothing of it was written.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such thing.
    #[error("there is no {what} {id}")]
    NotFound {
        /// Which kind of thing.
        what: &'static str,
        /// What was looked for.
        id: String,
    },
    /// What is there already does not allow it.
    #[error("{what}: {why}")]
    Conflict {
        /// Which kind of thing.
        what: &'static str,
        /// The rule that it would break.
        why: String,
    },
    /// The job is in a state in which this makes no sense.
    #[error(transparent)]
    IllegalTransition(#[from] IllegalTransition),
    /// Nobody waits for this attempt any more, or it never was this host's.
    #[error("attempt {attempt} is over")]
    AttemptOver {
        /// The attempt that was named.
        attempt: AttemptId,
    },
    /// A record speaks of something that its job does not have.
    #[error("record {seq} makes no sense: {why}")]
    BadRecord {
        /// The record's sequence number.
        seq: u64,
        /// What is wrong with it.
        why: String,
    },
    /// The disk, or the database's limit, is full.
    #[error("the disk of the database is full")]
    Full,
    /// The database cannot be written to.
    #[error("the database is read-only")]
    ReadOnly,
    /// The file is not a database, or no longer one.
    #[error("the database is damaged: {why}")]
    Corrupt {
        /// What SQLite or the decoder says.
        why: String,
    },
    /// A newer program has written this database.
    #[error(
        "the database has version {found} and this program knows up to {known}: \
         run the newer program"
    )]
    Newer {
        /// The version of the database.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },
    /// Another process has this database open.
    #[error("another server has the database open: {} is locked", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The database or its lock file cannot be opened.
    #[error("cannot open {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: Arc<std::io::Error>,
    },
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
    /// Anything else: a bug or a dying disk.
    #[error("the database failed")]
    Broken {
        /// What SQLite says.
        #[source]
        source: Arc<rusqlite::Error>,
    },
}

impl StoreError {
    /// Whether the same call may succeed later without anybody changing what it asks for.
    pub fn retry(&self) -> bool {
        matches!(
            self,
            StoreError::Full
                | StoreError::ReadOnly
                | StoreError::Broken { .. }
                | StoreError::Io { .. }
                | StoreError::Locked { .. }
        )
    }

    pub(crate) fn not_found(what: &'static str, id: impl ToString) -> Self {
        StoreError::NotFound { what, id: id.to_string() }
    }

    pub(crate) fn io(path: &Path, error: std::io::Error) -> Self {
        StoreError::Io { path: path.to_owned(), source: Arc::new(error) }
    }

    pub(crate) fn conflict(what: &'static str, why: impl Into<String>) -> Self {
        StoreError::Conflict { what, why: why.into() }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange};
        if let FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) = &error {
            return StoreError::Corrupt { why: error.to_string() };
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::ReadOnly) => StoreError::ReadOnly,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                StoreError::Corrupt { why: error.to_string() }
            }
            _ => StoreError::Broken { source: Arc::new(error) },
        }
    }
}
