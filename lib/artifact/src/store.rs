//! All artifacts of a server.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use solstice_model::AttemptId;

use crate::books::{Account, Books};
use crate::error::ArtifactError;
use crate::files::{attempt_dir, blocking, lock, private_directory, sync};
use crate::inputs::{Input, Inputs};
use crate::reader::Reader;
use crate::writer::Writer;

/// What a store of artifacts takes at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of one artifact.
    pub file_bytes: u64,
    /// The most bytes of all artifacts of one attempt.
    pub attempt_bytes: u64,
    /// The most artifacts of one attempt.
    pub attempt_files: usize,
    /// The most bytes of all artifacts.
    pub total_bytes: u64,
}

impl Default for Limits {
    /// 4 GiB for one, 16 GiB and 1,000 for an attempt, no bound but the disk for all.
    fn default() -> Self {
        const GIB: u64 = 1024 * 1024 * 1024;
        Self {
            file_bytes: 4 * GIB,
            attempt_bytes: 16 * GIB,
            attempt_files: 1000,
            total_bytes: u64::MAX,
        }
    }
}

/// What is kept of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The attempt.
    pub attempt: AttemptId,
    /// The size of its artifacts, in bytes.
    pub bytes: u64,
    /// How many there are.
    pub files: usize,
    /// When the last of them was written.
    pub modified: SystemTime,
}

/// The artifacts of all attempts. Clones share them.
#[derive(Clone)]
pub struct ArtifactStore {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) dir: PathBuf,
    /// Held while an artifact gets its place, an attempt loses its own, or an
    /// account is opened.
    places: Mutex<()>,
    /// Who has how much. Held for moments only, never during IO.
    books: Mutex<Books>,
    /// What the next unfinished artifact is called.
    next: AtomicU64,
    _lock: File,
}

impl Inner {
    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        // Each change to the books is made in one piece.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn places(&self) -> MutexGuard<'_, ()> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A name for an unfinished artifact.
    pub(crate) fn new_path(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        unfinished(&self.dir).join(number.to_string())
    }

    pub(crate) fn path(&self, attempt: AttemptId, index: u32) -> PathBuf {
        attempt_dir(&self.dir, attempt).join(index.to_string())
    }
}

impl ArtifactStore {
    /// Opens or creates the directory. All that is in it is counted once, and
    /// what a crash has left is cleared away. Blocks; call it before serving.
    ///
    /// # Errors
    ///
    /// [`ArtifactError::Locked`] if another process has it open, and whatever the disk does.
    pub fn open_dir(dir: impl Into<PathBuf>, limits: Limits) -> Result<Self, ArtifactError> {
        let dir = dir.into();
        private_directory(&dir)?;
        let lock = lock(&dir)?;
        let new = unfinished(&dir);
        remove_directory(&new)?;
        private_directory(&new)?;
        let mut bytes = 0;
        for shard in shards(&dir)? {
            sweep(&shard)?;
            bytes += each_attempt(&shard)?.values().map(|kept| kept.bytes).sum::<u64>();
        }
        let books = Mutex::new(Books::new(limits, bytes));
        let inner =
            Inner { dir, places: Mutex::new(()), books, next: AtomicU64::new(0), _lock: lock };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Begins to take an artifact. Several may write the same one: the first
    /// that commits it has it, and the same again is fine.
    ///
    /// # Errors
    ///
    /// [`ArtifactError::TooMany`], and whatever the disk does.
    pub async fn begin(&self, attempt: AttemptId, index: u32) -> Result<Writer, ArtifactError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || Writer::begin(inner, attempt, index)).await
    }

    /// Opens an artifact.
    ///
    /// # Errors
    ///
    /// [`ArtifactError::Absent`], and whatever the disk does.
    pub async fn open(&self, attempt: AttemptId, index: u32) -> Result<Reader, ArtifactError> {
        let path = self.inner.path(attempt, index);
        blocking(move || Reader::open(&path, attempt, index)).await
    }

    /// The named artifacts as one archive, for a job that needs them.
    ///
    /// # Errors
    ///
    /// [`ArtifactError::BadName`] and [`ArtifactError::Absent`], before anything
    /// is read, and whatever the disk does.
    pub async fn inputs(&self, wanted: Vec<Input>) -> Result<Inputs, ArtifactError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || Inputs::begin(inner, wanted)).await
    }

    /// Deletes all artifacts of an attempt; gives how many bytes that frees.
    /// Whoever reads one goes on to; whoever writes one gets
    /// [`ArtifactError::Removed`]. Harmless if there are none.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn remove_attempt(&self, attempt: AttemptId) -> Result<u64, ArtifactError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || remove(&inner, attempt)).await
    }

    /// How large all artifacts are, in bytes, with what is being written. Costs nothing.
    pub fn usage(&self) -> u64 {
        self.inner.books().bytes()
    }

    /// What is kept of the oldest attempts, the oldest first, at most `limit` of
    /// them. Looks at every artifact.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn oldest(&self, limit: usize) -> Result<Vec<Kept>, ArtifactError> {
        let inner = Arc::clone(&self.inner);
        blocking(move || {
            let mut oldest = BTreeMap::new();
            for shard in shards(&inner.dir)? {
                oldest.extend(each_attempt(&shard)?);
                while oldest.len() > limit {
                    oldest.pop_last();
                }
            }
            Ok(oldest.into_values().collect())
        })
        .await
    }
}

impl std::fmt::Debug for ArtifactStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArtifactStore").field("dir", &self.inner.dir).finish_non_exhaustive()
    }
}

/// What an attempt has on disk.
pub(crate) fn account(dir: &Path) -> Result<Account, ArtifactError> {
    let mut account = Account::default();
    each_artifact(dir, |index, about| {
        account.kept.insert(index);
        account.bytes += about.len();
    })?;
    Ok(account)
}

fn unfinished(dir: &Path) -> PathBuf {
    dir.join(".new")
}

/// The end of the name of a directory that is on its way out.
const TRASH: &str = "trash";

/// Once the directory has its last name, whatever ends the process, the next
/// start goes on with it.
fn remove(inner: &Inner, attempt: AttemptId) -> Result<u64, ArtifactError> {
    let dir = attempt_dir(&inner.dir, attempt);
    let trash = dir.with_extension(TRASH);
    remove_directory(&trash)?;
    let freed = {
        let _places = inner.places();
        let freed = account(&dir)?.bytes;
        match fs::rename(&dir, &trash) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(ArtifactError::io("remove", &dir)(error));
            }
            _ => {}
        }
        inner.books().removed(attempt, freed);
        freed
    };
    if let Some(shard) = dir.parent().filter(|shard| shard.exists()) {
        sync(shard)?;
    }
    remove_directory(&trash)?;
    Ok(freed)
}

fn remove_directory(path: &Path) -> Result<(), ArtifactError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ArtifactError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// The directories of which the names have so many characters.
fn directories(dir: &Path, characters: usize) -> Result<Vec<PathBuf>, ArtifactError> {
    let read = || -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_name().len() == characters && entry.file_type()?.is_dir() {
                found.push(entry.path());
            }
        }
        Ok(found)
    };
    read().map_err(ArtifactError::io("read", dir))
}

fn shards(dir: &Path) -> Result<Vec<PathBuf>, ArtifactError> {
    directories(dir, 2)
}

/// The length of an id as text.
const ID_CHARACTERS: usize = 36;

fn sweep(shard: &Path) -> Result<(), ArtifactError> {
    let doomed = directories(shard, ID_CHARACTERS + 1 + TRASH.len())?;
    let doomed = doomed.iter().filter(|path| path.extension().is_some_and(|end| end == TRASH));
    doomed.into_iter().try_for_each(|path| remove_directory(path))
}

fn each_attempt(shard: &Path) -> Result<BTreeMap<AttemptId, Kept>, ArtifactError> {
    let mut found = BTreeMap::new();
    for dir in directories(shard, ID_CHARACTERS)? {
        let id = dir.file_name().and_then(|name| name.to_str()).and_then(|id| id.parse().ok());
        let Some(attempt) = id else { continue };
        let mut kept = Kept { attempt, bytes: 0, files: 0, modified: SystemTime::UNIX_EPOCH };
        each_artifact(&dir, |_, about| {
            kept.bytes += about.len();
            kept.files += 1;
            kept.modified = about.modified().unwrap_or(kept.modified).max(kept.modified);
        })?;
        if kept.files > 0 {
            found.insert(attempt, kept);
        }
    }
    Ok(found)
}

/// Gives the artifacts of an attempt; none if it has no directory.
fn each_artifact(
    dir: &Path,
    mut each: impl FnMut(u32, &fs::Metadata),
) -> Result<(), ArtifactError> {
    let mut read = || -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let index = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some(index) = index {
                each(index, &entry.metadata()?);
            }
        }
        Ok(())
    };
    match read() {
        // The attempt was removed while we looked, or was never there.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.map_err(ArtifactError::io("read", dir)),
    }
}
