//! The data: a sparse file per volume and per snapshot of one, a directory per
//! file system.
//!
//! ```text
//! volumes/POOL/…/NAME        volumes, also seen at /dev/zvol/{dsk,rdsk}
//! snapshots/TRANSACTION      snapshots of volumes, never written to
//! filesystems/TRANSACTION    file systems, bound at their mountpoints
//! ```

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};

use camino::{Utf8Path, Utf8PathBuf};
use rustix::fs::{SeekFrom, copy_file_range, ioctl_ficlone, seek};

use crate::state_dir;

/// The simulator's own files fail it.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {path}: {source}")]
pub(super) struct DataError {
    doing: &'static str,
    path: Utf8PathBuf,
    source: io::Error,
}

impl DataError {
    /// For `map_err`.
    pub(super) fn new<E: Into<io::Error>>(
        doing: &'static str,
        path: &Utf8Path,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self { doing, path: path.to_owned(), source: source.into() }
    }
}

/// The file that holds a volume's data, as seen inside.
pub(super) fn volume(name: &str) -> Utf8PathBuf {
    state_dir().join("volumes").join(name)
}

/// The file that holds the data of a volume's snapshot.
pub(super) fn snapshot(transaction: u64) -> Utf8PathBuf {
    state_dir().join("snapshots").join(transaction.to_string())
}

/// The directory that holds a file system.
pub(super) fn filesystem(transaction: u64) -> Utf8PathBuf {
    state_dir().join("filesystems").join(transaction.to_string())
}

/// Makes the file of an empty volume. Device nodes are root's only
/// (illumos-gate usr/src/pkg/manifests/system-file-system-zfs.p5m).
pub(super) fn create(path: &Utf8Path, bytes: u64) -> Result<(), DataError> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(DataError::new("make", dir))?;
    }
    let new = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    new.and_then(|file| file.set_len(bytes)).map_err(DataError::new("make", path))
}

/// Copies what of a file is not a hole, or shares its blocks where the file
/// system can, and makes it as long as `bytes`.
pub(super) fn copy(from: &Utf8Path, to: &Utf8Path, bytes: u64) -> Result<(), DataError> {
    let source = File::open(from).map_err(DataError::new("read", from))?;
    create(to, 0)?;
    let target = OpenOptions::new().write(true).open(to).map_err(DataError::new("write", to))?;
    if ioctl_ficlone(&target, &source).is_err() {
        copy_data(&source, &target).map_err(DataError::new("copy", from))?;
    }
    target.set_len(bytes).map_err(DataError::new("write", to))
}

fn copy_data(source: &File, target: &File) -> io::Result<()> {
    let mut at = 0;
    loop {
        let start = match seek(source, SeekFrom::Data(at)) {
            Ok(start) => start,
            // There is no more data.
            Err(rustix::io::Errno::NXIO) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let end = seek(source, SeekFrom::Hole(start))?;
        let (mut read, mut written) = (start, start);
        while read < end {
            let wanted = usize::try_from(end - read).unwrap_or(usize::MAX);
            if copy_file_range(source, Some(&mut read), target, Some(&mut written), wanted)? == 0 {
                return Ok(());
            }
        }
        at = end;
    }
}

/// Changes how long a volume is.
pub(super) fn resize(path: &Utf8Path, bytes: u64) -> Result<(), DataError> {
    let file = OpenOptions::new().write(true).open(path);
    file.and_then(|file| file.set_len(bytes)).map_err(DataError::new("resize", path))
}

/// Gives a volume another name.
pub(super) fn rename(from: &Utf8Path, to: &Utf8Path) -> Result<(), DataError> {
    if let Some(dir) = to.parent() {
        fs::create_dir_all(dir).map_err(DataError::new("make", dir))?;
    }
    fs::rename(from, to).map_err(DataError::new("rename", from))
}

/// Removes a file, or nothing.
pub(super) fn remove(path: &Utf8Path) -> Result<(), DataError> {
    gone(fs::remove_file(path)).map_err(DataError::new("remove", path))
}

/// Removes a directory with everything in it, or nothing.
pub(super) fn remove_tree(path: &Utf8Path) -> Result<(), DataError> {
    gone(fs::remove_dir_all(path)).map_err(DataError::new("remove", path))
}

fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Makes a snapshot's data unchangeable but for root, who is asked not to.
pub(super) fn freeze(path: &Utf8Path) -> Result<(), DataError> {
    let frozen = fs::set_permissions(path, Permissions::from_mode(0o400));
    frozen.map_err(DataError::new("protect", path))
}

/// Bytes that a file takes on the disk; 0 for one that is not there.
pub(super) fn allocated(path: &Utf8Path) -> u64 {
    fs::metadata(path).map_or(0, |found| found.blocks() * 512)
}

/// Whether a process of the host has this file open.
pub(super) fn is_open(path: &Utf8Path) -> bool {
    let Ok(wanted) = fs::metadata(path) else { return false };
    let wanted = (wanted.dev(), wanted.ino());
    let Ok(processes) = fs::read_dir("/proc") else { return false };
    processes
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit))
        .filter_map(|process| fs::read_dir(process.path().join("fd")).ok())
        .flatten()
        .filter_map(|descriptor| fs::metadata(descriptor.ok()?.path()).ok())
        .any(|found| (found.dev(), found.ino()) == wanted)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt as _;

    use super::*;

    #[test]
    fn a_copy_has_the_data_and_the_holes() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let (from, to) = (dir.join("a"), dir.join("b"));
        create(&from, 1 << 30).unwrap();
        let file = OpenOptions::new().write(true).open(&from).unwrap();
        file.write_all_at(b"begin", 0).unwrap();
        file.write_all_at(b"end", (1 << 30) - 3).unwrap();
        copy(&from, &to, 1 << 31).unwrap();
        assert!(allocated(&to) < 1 << 20, "{} bytes", allocated(&to));
        let copy = File::open(&to).unwrap();
        let mut bytes = [0; 5];
        copy.read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!(&bytes, b"begin");
        copy.read_exact_at(&mut bytes, (1 << 30) - 3).unwrap();
        assert_eq!(&bytes, b"end\0\0");
        assert_eq!(copy.metadata().unwrap().len(), 1 << 31);
    }

    #[test]
    fn an_open_file_is_seen_to_be_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("a");
        create(&path, 8192).unwrap();
        assert!(!is_open(&path));
        let held = File::open(&path).unwrap();
        assert!(is_open(&path));
        drop(held);
        assert!(!is_open(&path));
    }
}
