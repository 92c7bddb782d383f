//! The files of a log: their names, making them so that they stay, taking them away.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use solstice_model::AttemptId;

use crate::error::LogError;

/// What one attempt's files are called.
#[derive(Clone, Debug)]
pub(crate) struct Paths {
    /// The records, while they grow.
    pub(crate) plain: PathBuf,
    /// Where in it to look.
    pub(crate) index: PathBuf,
    /// The records, once they are all there.
    pub(crate) sealed: PathBuf,
    /// The same, not whole yet.
    pub(crate) sealing: PathBuf,
    /// The machine's serial console.
    pub(crate) console: PathBuf,
    /// The records on their way out.
    pub(crate) trash: PathBuf,
}

/// The ends of names, by which a directory is understood.
pub(crate) const PLAIN: &str = "ndjson";
pub(crate) const INDEX: &str = "index";
pub(crate) const SEALED: &str = "ndjson.zst";
pub(crate) const SEALING: &str = "ndjson.zst.new";
pub(crate) const CONSOLE: &str = "console";
pub(crate) const CONSOLE_NEW: &str = "console.new";
pub(crate) const TRASH: &str = "trash";

impl Paths {
    pub(crate) fn new(dir: &Path, attempt: AttemptId) -> Self {
        let id = attempt.to_string();
        // The last digits of such an id are random, the first are the time.
        let shard = dir.join(&id[id.len() - 2..]);
        let path = |kind: &str| shard.join(format!("{id}.{kind}"));
        Self {
            plain: path(PLAIN),
            index: path(INDEX),
            sealed: path(SEALED),
            sealing: path(SEALING),
            console: path(CONSOLE),
            trash: path(TRASH),
        }
    }
}

/// Makes the file so that it is still there after a power cut.
pub(crate) fn create(path: &Path) -> Result<File, LogError> {
    private_directory(path.parent().expect("a log is in a shard's directory"))?;
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(path).map_err(LogError::io("create", path))?;
    sync_parents(path)?;
    Ok(file)
}

/// Makes an empty file that may be lost again.
pub(crate) fn create_anew(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Opens a file for reading and writing, if it is there.
pub(crate) fn open(path: &Path) -> Result<Option<File>, LogError> {
    match File::options().read(true).write(true).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LogError::io("open", path)(error)),
    }
}

/// Removes a file, if it is there; gives how large it was, in bytes.
pub(crate) fn remove(path: &Path) -> Result<u64, LogError> {
    let bytes = fs::symlink_metadata(path).map_or(0, |about| about.len());
    match fs::remove_file(path) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(LogError::io("remove", path)(error)),
    }
}

/// Makes a directory that only its owner can read, if it is not there.
pub(crate) fn private_directory(path: &Path) -> Result<(), LogError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(LogError::io("create", path))
}

/// Puts the entry of a file in its shard, and the shard's own, on disk (fsync(2)).
pub(crate) fn sync_parents(path: &Path) -> Result<(), LogError> {
    for directory in path.ancestors().skip(1).take(2) {
        let synced = File::open(directory).and_then(|open| open.sync_all());
        synced.map_err(LogError::io("sync", directory))?;
    }
    Ok(())
}

/// Removes all files of an attempt; gives how large they were, in bytes. Once
/// the records have their last name, whatever ends the process, the next start
/// goes on with it.
pub(crate) fn remove_all(paths: &Paths) -> Result<u64, LogError> {
    let mut freed = 0;
    for records in [&paths.plain, &paths.sealed] {
        match fs::rename(records, &paths.trash) {
            Ok(()) => {
                sync_parents(records)?;
                freed += remove_parts(paths)? + remove(&paths.trash)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(LogError::io("remove", records)(error)),
        }
    }
    Ok(freed + remove_parts(paths)?)
}

/// Removes what is nothing without its records. What is not whole is not counted.
fn remove_parts(paths: &Paths) -> Result<u64, LogError> {
    remove(&paths.sealing)?;
    Ok(remove(&paths.index)? + remove(&paths.console)?)
}
