//! Files that are there whole or not at all, whenever the power fails.

use std::io::{self, Write as _};

use camino::Utf8Path;
use tempfile::NamedTempFile;

/// Writes a file that only its owner can read: to a temporary file beside it,
/// flushed to the disk, renamed over the old one, and the rename flushed too.
///
/// # Errors
///
/// If the directory cannot be written; the old file is then as it was.
pub(crate) fn write_atomic(path: &Utf8Path, content: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Utf8Path::new("."));
    // NamedTempFile makes files with mode 0600.
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(content)?;
    persist(file, path)
}

/// Gives a finished temporary file its name, durably.
pub(crate) fn persist(file: NamedTempFile, path: &Utf8Path) -> io::Result<()> {
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    let directory = path.parent().unwrap_or(Utf8Path::new("."));
    std::fs::File::open(directory)?.sync_all()
}

/// Removes the temporary files that a crash left in a directory of ours.
pub(crate) fn remove_unfinished(directory: &Utf8Path) -> io::Result<()> {
    for entry in directory.read_dir_utf8()? {
        let entry = entry?;
        // The prefix that `NamedTempFile` gives.
        if entry.file_name().starts_with(".tmp") {
            remove(entry.path())?;
        }
    }
    Ok(())
}

/// Removes a file; that it is absent is fine.
pub(crate) fn remove(path: &Utf8Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_a_crash_left_unfinished_goes_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap();
        write_atomic(&path.join("whole"), b"x").unwrap();
        std::fs::write(path.join(".tmpA1b2C3"), "half").unwrap();
        remove_unfinished(path).unwrap();
        let left: Vec<_> = path.read_dir_utf8().unwrap().flatten().collect();
        assert_eq!(left.iter().map(|it| it.file_name()).collect::<Vec<_>>(), ["whole"]);
    }

    #[test]
    fn the_new_content_replaces_the_old_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("file");
        for content in ["one", "two"] {
            write_atomic(&path, content.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        remove(&path).unwrap();
        remove(&path).unwrap();
    }
}
