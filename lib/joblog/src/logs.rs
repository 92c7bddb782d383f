//! All logs of a server: which are open, and the async doors to them.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use solstice_model::{AttemptId, Record};
use tokio::sync::watch;

use crate::console;
use crate::error::LogError;
use crate::lines::Encoded;
use crate::log::{Log, Page, private_directory};
use crate::plain::PlainReader;

/// How many logs stay open that nobody uses at the moment.
const MAX_IDLE: usize = 64;

/// The most bytes of lines in one page.
const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// The logs of all attempts. Clones share them.
#[derive(Clone)]
pub struct JobLogs {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    /// Guards which logs are open; held for a look or an insertion only.
    open: Mutex<Open>,
    _lock: File,
}

#[derive(Default)]
struct Open {
    /// Each with the time, in uses, when it was last used. A log that is in use
    /// is never taken out, so one file is never open twice.
    logs: HashMap<AttemptId, (Arc<Log>, u64)>,
    uses: u64,
}

impl JobLogs {
    /// Opens or creates the directory. Blocks; call it before serving.
    ///
    /// # Errors
    ///
    /// [`LogError::Locked`] if another process has it open, and whatever the disk does.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, LogError> {
        let dir = dir.into();
        private_directory(&dir)?;
        let lock = lock(&dir)?;
        Ok(Self { inner: Arc::new(Inner { dir, open: Mutex::default(), _lock: lock }) })
    }

    /// Appends what is new of these records and answers when it is on disk, with
    /// the last durable sequence number. The answer to no records is that number.
    ///
    /// # Errors
    ///
    /// [`LogError::Gap`] if records are missing, [`LogError::TooLarge`],
    /// [`LogError::Full`], and whatever else the disk does; then nothing of the
    /// batch was kept.
    pub async fn append(&self, attempt: AttemptId, records: &[Record]) -> Result<u64, LogError> {
        match Encoded::of(records)? {
            Some(encoded) => self.with(attempt, move |log| log.append(&encoded)).await,
            None => self.last_seq(attempt).await,
        }
    }

    /// The last durable sequence number; 0 if there is no log.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn last_seq(&self, attempt: AttemptId) -> Result<u64, LogError> {
        self.with(attempt, Log::last_seq).await
    }

    /// Reads a page from `from_seq` on: at most `max_bytes` of the log (and of a
    /// bound of our own), but at least one record if there is one.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn read(
        &self,
        attempt: AttemptId,
        from_seq: u64,
        max_bytes: usize,
    ) -> Result<Page, LogError> {
        let max_bytes = max_bytes.min(MAX_PAGE_BYTES);
        self.with(attempt, move |log| log.read(from_seq, max_bytes)).await
    }

    /// The last durable sequence number, now and as it grows. It is closed by
    /// [`JobLogs::finish`]. A log that was finished long ago may be followed for
    /// ever: subscribe first, then ask the store whether the attempt is over.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn follow(&self, attempt: AttemptId) -> Result<watch::Receiver<u64>, LogError> {
        self.with(attempt, Log::follow).await
    }

    /// Lets the followers of an attempt that is over go.
    pub async fn finish(&self, attempt: AttemptId) {
        self.log(attempt).finish();
    }

    /// The log as plain text, piece by piece, with the names of the steps as headings.
    pub fn plain(&self, attempt: AttemptId, step_names: Vec<String>) -> PlainReader {
        PlainReader::new(self.clone(), attempt, step_names)
    }

    /// Keeps a machine's serial console, in place of what was kept before.
    ///
    /// # Errors
    ///
    /// Whatever the disk does; then what was kept before stands.
    pub async fn put_console(&self, attempt: AttemptId, bytes: Vec<u8>) -> Result<(), LogError> {
        let path = self.path(attempt, "console");
        blocking(move || console::put(&path, &bytes)).await
    }

    /// A machine's serial console, if it was kept.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn console(&self, attempt: AttemptId) -> Result<Option<Vec<u8>>, LogError> {
        let path = self.path(attempt, "console");
        blocking(move || console::get(&path)).await
    }

    async fn with<T, F>(&self, attempt: AttemptId, work: F) -> Result<T, LogError>
    where
        T: Send + 'static,
        F: FnOnce(&Log) -> Result<T, LogError> + Send + 'static,
    {
        let log = self.log(attempt);
        blocking(move || work(&log)).await
    }

    /// The attempt's log, the same one for all who use it at the same time.
    fn log(&self, attempt: AttemptId) -> Arc<Log> {
        let mut open = self.inner.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.uses += 1;
        let now = open.uses;
        if let Some((log, used)) = open.logs.get_mut(&attempt) {
            *used = now;
            return Arc::clone(log);
        }
        open.make_room();
        let log = Arc::new(Log::new(self.path(attempt, "ndjson")));
        open.logs.insert(attempt, (Arc::clone(&log), now));
        log
    }

    fn path(&self, attempt: AttemptId, kind: &str) -> PathBuf {
        let id = attempt.to_string();
        // The last digits of such an id are random, the first are the time.
        let shard = &id[id.len() - 2..];
        self.inner.dir.join(shard).join(format!("{id}.{kind}"))
    }
}

impl Open {
    /// Closes those logs that were not used for longest, while there are too many.
    fn make_room(&mut self) {
        while self.logs.len() >= MAX_IDLE {
            let idle = self.logs.iter().filter(|(_, (log, _))| {
                // Others get at a log through this map alone, which we hold.
                Arc::strong_count(log) == 1 && log.unwatched()
            });
            let oldest = idle.min_by_key(|(_, (_, used))| *used).map(|(attempt, _)| *attempt);
            let Some(oldest) = oldest else { return };
            self.logs.remove(&oldest);
        }
    }
}

impl std::fmt::Debug for JobLogs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobLogs").field("dir", &self.inner.dir).finish_non_exhaustive()
    }
}

/// Does work on files off the async threads.
async fn blocking<T, F>(work: F) -> Result<T, LogError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, LogError> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.map_err(|_| LogError::Closed)?
}

/// Takes the directory's lock; it goes with the process, however that ends (flock(2)).
fn lock(dir: &Path) -> Result<File, LogError> {
    let path = dir.join(".lock");
    let mut options = File::options();
    options.create(true).write(true).truncate(false).mode(0o600);
    let file = options.open(&path).map_err(LogError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(LogError::Locked { path }),
        Err(TryLockError::Error(error)) => Err(LogError::io("lock", &path)(error)),
    }
}
