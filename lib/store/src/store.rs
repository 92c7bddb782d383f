//! Opening the store, and the two ways into it: a write and a read.

use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use solstice_model::JobId;
use tokio::sync::{broadcast, watch};

use crate::describe::Describe;
use crate::error::StoreError;
use crate::meters::{Settled, StoreMeters};
use crate::migrate;
use crate::readers::Readers;
use crate::writer::{Tx, Writer};

/// How long a statement waits for another connection's lock. Only a reader that
/// opens while the log is being recovered ever has to.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The database, open. Clones share it; the last one to go waits for what is
/// still queued to be written.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

/// Fields are dropped in this order: the lock goes last.
struct Inner {
    writer: Writer,
    readers: Readers,
    /// `None` beside the server that holds it.
    _lock: Option<File>,
}

impl Store {
    /// Opens or creates the database, locks it, brings its schema up to date.
    /// Blocks; call it before serving.
    ///
    /// # Errors
    ///
    /// [`StoreError::Locked`] if another process has it open,
    /// [`StoreError::Newer`] if a newer program wrote it, and whatever the disk does.
    pub fn open(path: &Path, describe: Arc<dyn Describe>) -> Result<Store, StoreError> {
        let lock = lock(path)?;
        // Made here for its mode; what SQLite puts beside it has the same.
        private_file(path)?;
        let mut connection = Connection::open(path)?;
        prepare(&connection)?;
        migrate::up(&mut connection)?;
        let readers = Readers::open(path.to_owned(), BUSY_TIMEOUT)?;
        let writer = Writer::start(connection, describe);
        Ok(Store { inner: Arc::new(Inner { writer, readers, _lock: Some(lock) }) })
    }

    /// Opens the database beside the server that has it open, for a short
    /// errand such as making a token. SQLite keeps the two apart; the schema is
    /// left as it is, and the server gets no signal of what changes here.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if another program has not brought the schema up
    /// to date, [`StoreError::Newer`] as [`Store::open`], and whatever the disk does.
    pub fn open_beside(path: &Path, describe: Arc<dyn Describe>) -> Result<Store, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        prepare(&connection)?;
        migrate::check(&connection)?;
        let readers = Readers::open(path.to_owned(), BUSY_TIMEOUT)?;
        let writer = Writer::start(connection, describe);
        Ok(Store { inner: Arc::new(Inner { writer, readers, _lock: None }) })
    }

    /// A number that grows with each commit that changed a delivery, a run, a
    /// job, a step or a wish for a report; not with leases, hosts or tokens.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.writer.signals().changes.subscribe()
    }

    /// The jobs that change from now on, after the commit that changed them. A
    /// reader that lags looks at its job again.
    pub fn job_changes(&self) -> broadcast::Receiver<JobId> {
        self.inner.writer.signals().jobs.subscribe()
    }

    /// The deliveries that get their verdict from now on, after the commit. A
    /// reader that lags misses some.
    pub fn settled(&self) -> broadcast::Receiver<Settled> {
        self.inner.writer.signals().settled.subscribe()
    }

    /// What is counted while it works.
    pub fn meters(&self) -> &StoreMeters {
        &self.inner.writer.signals().meters
    }

    /// Runs `work` in a transaction and answers when it is on disk. If `work`
    /// fails, nothing of it is written.
    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.inner.writer.write(work).await
    }

    /// Runs `work` on a consistent view of the database.
    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.inner.readers.read(work).await
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// Takes the lock file beside the database; it is held until the file is closed,
/// also if the process is killed (flock(2)).
fn lock(database: &Path) -> Result<File, StoreError> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let file = private_file(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path }),
        Err(TryLockError::Error(error)) => Err(StoreError::io(&path, error)),
    }
}

/// Opens a file, or makes one that only its owner can read.
fn private_file(path: &Path) -> Result<File, StoreError> {
    let mut options = File::options();
    options.create(true).write(true).truncate(false).mode(0o600);
    options.open(path).map_err(|error| StoreError::io(path, error))
}

/// What each writing connection is set to. FULL: a commit that was answered
/// survives a power cut.
fn prepare(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(())
}

/// Opens a connection that cannot write.
pub(crate) fn open_reader(path: &Path, busy_timeout: Duration) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}
