//! Directories and files that are still there after a power cut.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use solstice_model::AttemptId;

use crate::error::ArtifactError;

/// Where the artifacts of an attempt are.
pub(crate) fn attempt_dir(dir: &Path, attempt: AttemptId) -> PathBuf {
    let id = attempt.to_string();
    // The last digits of such an id are random, the first are the time.
    dir.join(&id[id.len() - 2..]).join(id)
}

/// Makes a directory that only its owner can read, if it is not there.
pub(crate) fn private_directory(path: &Path) -> Result<(), ArtifactError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(ArtifactError::io("create", path))
}

/// Makes a file that only its owner can read, and that was not there.
pub(crate) fn create(path: &Path) -> Result<File, ArtifactError> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true).mode(0o600);
    options.open(path).map_err(ArtifactError::io("create", path))
}

/// Puts the entries of an artifact, its attempt and its shard on disk (fsync(2)).
pub(crate) fn sync_parents(path: &Path) -> Result<(), ArtifactError> {
    path.ancestors().skip(1).take(3).try_for_each(sync)
}

/// Puts the entries of a directory on disk.
pub(crate) fn sync(directory: &Path) -> Result<(), ArtifactError> {
    let synced = File::open(directory).and_then(|open| open.sync_all());
    synced.map_err(ArtifactError::io("sync", directory))
}

/// Takes the directory's lock; it goes with the process, however that ends (flock(2)).
pub(crate) fn lock(dir: &Path) -> Result<File, ArtifactError> {
    let path = dir.join(".lock");
    let mut options = File::options();
    options.create(true).write(true).truncate(false).mode(0o600);
    let file = options.open(&path).map_err(ArtifactError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ArtifactError::Locked { path }),
        Err(TryLockError::Error(error)) => Err(ArtifactError::io("lock", &path)(error)),
    }
}

/// Does work on files off the async threads.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T, ArtifactError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, ArtifactError> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.map_err(|_| ArtifactError::Closed)?
}
