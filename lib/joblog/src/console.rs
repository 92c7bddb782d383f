//! A machine's serial console: bytes that are replaced as a whole.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::error::LogError;
use crate::files::{CONSOLE_NEW, private_directory, sync_parents};
use crate::usage::Usage;

/// Writes the console so that there is always either the old one or the new one.
pub(crate) fn put(path: &Path, bytes: &[u8], usage: &Usage) -> Result<(), LogError> {
    private_directory(path.parent().expect("a console is in a shard's directory"))?;
    let new = path.with_extension(CONSOLE_NEW);
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options.open(&new).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    let old = fs::symlink_metadata(path).map_or(0, |about| about.len());
    if let Err(error) = written.and_then(|()| fs::rename(&new, path)) {
        // What is left would be overwritten next time; on a full disk it is in the way.
        let _ = fs::remove_file(&new);
        return Err(LogError::io("write", path)(error));
    }
    usage.sub(old);
    usage.add(bytes.len() as u64);
    sync_parents(path)
}

/// Reads the console, if there is one.
pub(crate) fn get(path: &Path) -> Result<Option<Vec<u8>>, LogError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(LogError::io("read", path)(error)),
    }
}
