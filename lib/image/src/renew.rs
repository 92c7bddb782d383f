//! Writing a lock anew, after a change that was meant.

use std::fs::File;
use std::io::{self, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use solstice_model::Sha256Digest;

use crate::file::{self, Links};
use crate::lock::{ImageError, Lock};
use crate::store::{StoreError, virtual_bytes};
use crate::verify::digest;

/// A file whose entry in the lock has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// The file's name, beside the lock.
    pub path: Utf8PathBuf,
    /// What it was.
    pub from: Sha256Digest,
    /// What it is now.
    pub to: Sha256Digest,
}

/// Reads a lock and all files that it names, writes down what they are now, and
/// tells which are others. Whoever calls this vouches for the files.
///
/// # Errors
///
/// [`StoreError`]; the lock is as it was then.
pub fn renew(path: &Utf8Path) -> Result<Vec<Renewed>, StoreError> {
    let mut lock = Lock::read(path.to_owned())?;
    let folder = lock.folder().to_owned();
    let files = &mut lock.files;
    let mut renewed = Vec::new();
    let mut take = |entry_path: &Utf8Path, sha256: &mut Sha256Digest, bytes: &mut u64| {
        let (now, size) = look(&folder.join(entry_path))?;
        if now != *sha256 {
            renewed.push(Renewed { path: entry_path.to_owned(), from: *sha256, to: now });
        }
        (*sha256, *bytes) = (now, size);
        Ok::<(), StoreError>(())
    };
    for entry in files.kernel.iter_mut().chain(&mut files.initrd).chain(&mut files.agent) {
        take(&entry.path, &mut entry.sha256, &mut entry.bytes)?;
    }
    let disk = &mut files.disk;
    take(&disk.path, &mut disk.sha256, &mut disk.bytes)?;
    disk.virtual_bytes = virtual_bytes(&folder.join(&disk.path), disk.format)?;
    replace(path, &lock)?;
    Ok(renewed)
}

/// The digest and the size of a file.
fn look(path: &Utf8Path) -> Result<(Sha256Digest, u64), ImageError> {
    let failed = |source| ImageError::Read { path: path.to_owned(), source };
    let mut file = file::open(path, Links::Refused)?;
    let bytes = file.metadata().map_err(failed)?.len();
    Ok((digest(&mut file).map_err(failed)?, bytes))
}

/// Puts a lock in the place of another one, in one instant.
fn replace(path: &Utf8Path, lock: &Lock) -> Result<(), StoreError> {
    let new = path.with_extension("lock.new");
    let mut text = serde_json::to_vec_pretty(lock).expect("a lock can be written as JSON");
    text.push(b'\n');
    let write = || -> io::Result<()> {
        let mut file = File::create(&new)?;
        file.write_all(&text)?;
        file.sync_all()?;
        std::fs::rename(&new, path)
    };
    let failed = |source| StoreError::File { action: "write", path: path.to_owned(), source };
    write().map_err(failed)
}
