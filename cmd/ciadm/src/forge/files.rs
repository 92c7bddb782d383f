//! Where the App's key and webhook secret are kept.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use solstice_model::ForgeName;

use crate::failure::Failure;
use crate::profile::write_private;

/// The two files. There are neither or both, and both whole.
pub(super) struct Files {
    folder: PathBuf,
    pub(super) key: PathBuf,
    pub(super) secret: PathBuf,
}

impl Files {
    /// Makes sure that they can be written, before GitHub is asked: it gives the
    /// key away once.
    pub(super) fn prepare(folder: &Path, name: &ForgeName) -> Result<Self, Failure> {
        let folder = fs::canonicalize(folder).map_err(Failure::file("use", folder))?;
        let files = Self {
            key: folder.join(format!("{name}.pem")),
            secret: folder.join(format!("{name}-hook")),
            folder,
        };
        for path in [&files.key, &files.secret] {
            if path.symlink_metadata().is_ok() {
                let path = path.display();
                return Err(Failure::Usage(format!(
                    "{path} exists already, and nothing is overwritten: remove it if no server \
                     needs it, or choose another --name"
                )));
            }
        }
        let probe = files.temporary(&files.key);
        write_private(&probe, b"")
            .and_then(|()| fs::remove_file(&probe))
            .map_err(Failure::file("write in", &files.folder))?;
        Ok(files)
    }

    /// Writes both, readable by nobody else; on an error neither is there, and
    /// the path that failed is told.
    pub(super) fn write(&self, key: &str, secret: &str) -> Result<(), (PathBuf, io::Error)> {
        let mut done = Vec::new();
        for (path, content) in [(&self.key, key), (&self.secret, secret)] {
            if let Err(error) = self.write_one(path, content) {
                for path in done {
                    // The error that came first is the one to tell.
                    let _ = fs::remove_file(path);
                }
                return Err((path.clone(), error));
            }
            done.push(path);
        }
        let synced = fs::File::open(&self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| (self.folder.clone(), error))
    }

    /// A link fails where a rename would overwrite.
    fn write_one(&self, path: &Path, content: &str) -> io::Result<()> {
        let new = self.temporary(path);
        let written = write_private(&new, format!("{}\n", content.trim_end()).as_bytes());
        let linked = written.and_then(|()| fs::hard_link(&new, path));
        let removed = fs::remove_file(&new);
        linked.and(removed)
    }

    fn temporary(&self, path: &Path) -> PathBuf {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.folder.join(format!(".{name}.{}.new", std::process::id()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn both_are_written_for_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::prepare(folder.path(), &"github".parse().unwrap()).unwrap();
        assert_eq!(names(folder.path()), [""; 0]);
        files.write("KEY\n", "hidden").unwrap();
        assert_eq!(names(folder.path()), ["github-hook", "github.pem"]);
        assert_eq!(fs::read_to_string(&files.key).unwrap(), "KEY\n");
        for path in [&files.key, &files.secret] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_there_is_not_overwritten_and_leaves_nothing_half_done() {
        let folder = tempfile::tempdir().unwrap();
        let name: ForgeName = "github".parse().unwrap();
        let files = Files::prepare(folder.path(), &name).unwrap();
        // It comes after we looked.
        fs::write(&files.secret, "older").unwrap();
        let (path, error) = files.write("KEY", "newer").unwrap_err();
        assert_eq!((path, error.kind()), (files.secret.clone(), io::ErrorKind::AlreadyExists));
        assert_eq!(names(folder.path()), ["github-hook"]);
        assert_eq!(fs::read_to_string(&files.secret).unwrap(), "older");
        assert!(matches!(Files::prepare(folder.path(), &name), Err(Failure::Usage(_))));
        assert!(Files::prepare(&folder.path().join("none"), &name).is_err());
    }
}
