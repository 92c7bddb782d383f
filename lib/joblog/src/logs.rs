//! All logs of a server: the async doors to them.

use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use solstice_model::{AttemptId, Record};
use tokio::sync::watch;

use crate::console;
use crate::error::LogError;
use crate::files::private_directory;
use crate::find::Place;
use crate::lines::Encoded;
use crate::log::Log;
use crate::plain::PlainReader;
use crate::sealer::Sealer;
use crate::search::{Found, MAX_NEEDLE_BYTES, Search, Wanted};
use crate::shelf::{Kept, Shelf};
use crate::state::Page;
use crate::steps::StepExtent;
use crate::window::{MAX_WINDOW_BYTES, MAX_WINDOW_LINES, Window};

/// The most bytes of lines in one page.
const MAX_PAGE_BYTES: usize = 4 * 1024 * 1024;

/// What a store of logs takes at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of lines in the log of one attempt.
    pub max_bytes: u64,
}

impl Default for Limits {
    /// 8 GiB.
    fn default() -> Self {
        Self { max_bytes: 8 * 1024 * 1024 * 1024 }
    }
}

/// How much there is of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The last durable sequence number; 0 if there is no log.
    pub last_seq: u64,
    /// How many lines of output have begun.
    pub lines: u64,
    /// The size of the records, in bytes as they were appended.
    pub bytes: u64,
}

/// The logs of all attempts. Clones share them.
#[derive(Clone)]
pub struct JobLogs {
    inner: Arc<Inner>,
}

struct Inner {
    /// Stops before the lock is given up.
    sealer: Sealer,
    shelf: Arc<Shelf>,
    _lock: File,
}

impl JobLogs {
    /// Opens or creates the directory, with the default limits. Blocks; call it
    /// before serving.
    ///
    /// # Errors
    ///
    /// [`LogError::Locked`] if another process has it open, and whatever the disk does.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, LogError> {
        Self::open_with(dir, Limits::default())
    }

    /// Opens or creates the directory. All names in it are looked at once, and
    /// what a crash has left is cleared away; logs that were about to be sealed
    /// go on to be. Blocks; call it before serving.
    ///
    /// # Errors
    ///
    /// [`LogError::Locked`] if another process has it open, and whatever the disk does.
    pub fn open_with(dir: impl Into<PathBuf>, limits: Limits) -> Result<Self, LogError> {
        let dir = dir.into();
        private_directory(&dir)?;
        let lock = lock(&dir)?;
        let (shelf, begun) = Shelf::open(dir, limits.max_bytes)?;
        let shelf = Arc::new(shelf);
        let sealer = Sealer::start(Arc::clone(&shelf))?;
        begun.into_iter().for_each(|attempt| sealer.give(attempt));
        Ok(Self { inner: Arc::new(Inner { sealer, shelf, _lock: lock }) })
    }

    /// Appends what is new of these records and answers when it is on disk, with
    /// the last durable sequence number. The answer to no records is that number.
    ///
    /// # Errors
    ///
    /// [`LogError::Gap`] if records are missing, [`LogError::TooLarge`],
    /// [`LogError::TooLong`], [`LogError::Sealed`] if the attempt is over,
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
        Ok(self.extent(attempt).await?.last_seq)
    }

    /// How much there is of a log.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn extent(&self, attempt: AttemptId) -> Result<Extent, LogError> {
        let extent = |log: &Log| {
            log.look(|state, _| {
                let (last_seq, lines, bytes) = (state.last_seq, state.numbers.lines(), state.len);
                Ok(Extent { last_seq, lines, bytes })
            })
        };
        self.with(attempt, extent).await
    }

    /// Where in the log the steps are, in the order in which they began.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn steps(&self, attempt: AttemptId) -> Result<Vec<StepExtent>, LogError> {
        let steps = |log: &Log| log.look(|state, _| Ok(state.steps.extents().to_vec()));
        self.with(attempt, steps).await
    }

    /// The place of a record, so that lines from there on can be numbered.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn place(&self, attempt: AttemptId, seq: u64) -> Result<Place, LogError> {
        let place = move |log: &Log| log.look(|state, paths| state.place(seq, paths));
        self.with(attempt, place).await
    }

    /// The place of the record that begins a line, by its number from 1; the
    /// end of the log if it has no such line yet.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn line(&self, attempt: AttemptId, line: u64) -> Result<Place, LogError> {
        let place = move |log: &Log| log.look(|state, paths| state.line(line, paths));
        self.with(attempt, place).await
    }

    /// The place from which there are so many lines to the end of the log, or
    /// its beginning if it has no more than that. If those have more than `bytes`,
    /// a place from which there are about as many: it may be within a line.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn tail(
        &self,
        attempt: AttemptId,
        lines: u64,
        bytes: u64,
    ) -> Result<Place, LogError> {
        let place = move |log: &Log| log.look(|state, paths| state.tail(lines, bytes, paths));
        self.with(attempt, place).await
    }

    /// Searches output and notes, line by line as people see them: a bounded
    /// part of the log (some 16 MiB), and for at most so many lines;
    /// [`Found::next`] goes on. A line is found although it came in several
    /// records and others were written between; if those are more than one call
    /// searches, its later parts are not looked at.
    ///
    /// # Errors
    ///
    /// [`LogError::TooLarge`] if the text is longer than 1 KiB, and whatever the disk does.
    pub async fn search(&self, attempt: AttemptId, search: Search) -> Result<Found, LogError> {
        if let Wanted::Text { text, .. } = &search.wanted {
            if text.len() > MAX_NEEDLE_BYTES {
                let (bytes, limit) = (text.len(), MAX_NEEDLE_BYTES);
                return Err(LogError::TooLarge { bytes, limit });
            }
            if text.is_empty() {
                return Ok(Found::default());
            }
        }
        let work = move |log: &Log| log.look(|state, paths| state.search(&search, paths));
        self.with(attempt, work).await
    }

    /// Reads lines from one on, put together: at most `count` of them (and
    /// 10,000), about 4 MiB of text, but at least one if there is one.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn window(
        &self,
        attempt: AttemptId,
        from: u64,
        count: usize,
    ) -> Result<Window, LogError> {
        let count = count.clamp(1, MAX_WINDOW_LINES);
        let work = move |log: &Log| {
            log.look(|state, paths| state.window(from, count, MAX_WINDOW_BYTES, paths))
        };
        self.with(attempt, work).await
    }

    /// Reads a page from `from_seq` on: at most `max_bytes` of the log (and of a
    /// bound of our own), but at least one record if there is one.
    ///
    /// # Errors
    ///
    /// [`LogError::Removed`] if the log was deleted before the reader got to its
    /// end, and whatever the disk does.
    pub async fn read(
        &self,
        attempt: AttemptId,
        from_seq: u64,
        max_bytes: usize,
    ) -> Result<Page, LogError> {
        let max_bytes = max_bytes.min(MAX_PAGE_BYTES);
        let read = move |log: &Log| log.look(|state, paths| state.read(from_seq, max_bytes, paths));
        self.with(attempt, read).await
    }

    /// The last durable sequence number, now and as it grows. It is closed by
    /// [`JobLogs::finish`]. A log that was finished long ago and never sealed may
    /// be followed for ever: subscribe first, then ask the store whether the
    /// attempt is over.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn follow(&self, attempt: AttemptId) -> Result<watch::Receiver<u64>, LogError> {
        self.with(attempt, Log::follow).await
    }

    /// Lets the followers of an attempt that is over go, and has its log sealed
    /// soon. Harmless if that is done already.
    pub async fn finish(&self, attempt: AttemptId) {
        self.inner.shelf.log(attempt).finish();
        self.inner.sealer.give(attempt);
    }

    /// Seals the log of an attempt that is over, and answers when it is. Harmless
    /// if that is done already; what ends it on the way loses nothing.
    ///
    /// # Errors
    ///
    /// [`LogError::Full`], and whatever else the disk does; then the log is as before.
    pub async fn seal(&self, attempt: AttemptId) -> Result<(), LogError> {
        self.with(attempt, |log| log.seal(&AtomicBool::new(false))).await
    }

    /// Has all logs sealed soon that are not of these attempts, which go on:
    /// what an earlier process did not get to.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn seal_others(&self, live: HashSet<AttemptId>) -> Result<(), LogError> {
        let shelf = Arc::clone(&self.inner.shelf);
        let wanted = move |kept: &Kept| !kept.sealed && !live.contains(&kept.attempt);
        let others = blocking(move || shelf.oldest(usize::MAX, wanted)).await?;
        others.iter().for_each(|kept| self.inner.sealer.give(kept.attempt));
        Ok(())
    }

    /// The logs that could not be sealed since this was last asked, with why.
    /// They are whole, and are tried again by [`JobLogs::seal_others`].
    pub fn take_seal_failures(&self) -> Vec<(AttemptId, LogError)> {
        self.inner.sealer.take_failures()
    }

    /// Deletes an attempt's log and console; gives how many bytes that frees.
    /// Whoever follows it is let go; whoever reads it or appends to it gets
    /// [`LogError::Removed`]. Harmless if there is nothing.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn remove(&self, attempt: AttemptId) -> Result<u64, LogError> {
        self.with(attempt, Log::remove).await
    }

    /// How large all logs and consoles are, in bytes. Costs nothing.
    pub fn usage(&self) -> u64 {
        self.inner.shelf.usage().bytes()
    }

    /// What is kept of the oldest attempts, the oldest first, at most `limit` of
    /// them. Looks at every name there is.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn oldest(&self, limit: usize) -> Result<Vec<Kept>, LogError> {
        let shelf = Arc::clone(&self.inner.shelf);
        blocking(move || shelf.oldest(limit, |_| true)).await
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
        let path = self.inner.shelf.paths(attempt).console;
        let usage = Arc::clone(self.inner.shelf.usage());
        blocking(move || console::put(&path, &bytes, &usage)).await
    }

    /// A machine's serial console, if it was kept.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn console(&self, attempt: AttemptId) -> Result<Option<Vec<u8>>, LogError> {
        let path = self.inner.shelf.paths(attempt).console;
        blocking(move || console::get(&path)).await
    }

    async fn with<T, F>(&self, attempt: AttemptId, work: F) -> Result<T, LogError>
    where
        T: Send + 'static,
        F: FnOnce(&Log) -> Result<T, LogError> + Send + 'static,
    {
        let log = self.inner.shelf.log(attempt);
        blocking(move || work(&log)).await
    }
}

impl std::fmt::Debug for JobLogs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JobLogs").field("dir", self.inner.shelf.dir()).finish_non_exhaustive()
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
