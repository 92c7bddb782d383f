//! The directory of all that an orchestrator keeps, used by one at a time.
//!
//! | name | what |
//! | --- | --- |
//! | `lock` | locked while an orchestrator runs |
//! | `agent-endpoint` | where guests are served now |
//! | `attempts/` | the ledger |
//! | `mirrors/`, `sources/`, `git-home/` | source |
//! | `qemu/` and the like | each hypervisor's own |

use std::fs::{File, TryLockError};
use std::io;

use camino::{Utf8Path, Utf8PathBuf};

use crate::endpoint::ENDPOINT_FILE;
use crate::orchestrator::StartError;

/// The directory, locked.
#[derive(Debug)]
pub struct DataDirectory {
    path: Utf8PathBuf,
    /// Locked until it is dropped.
    _lock: File,
}

impl DataDirectory {
    /// Makes the directory if need be, and locks it.
    ///
    /// # Errors
    ///
    /// [`StartError::Directory`] if it cannot be written, [`StartError::InUse`]
    /// if another orchestrator uses it.
    pub fn open(path: &Utf8Path) -> Result<Self, StartError> {
        std::fs::create_dir_all(path).map_err(cannot_write(path))?;
        // Commands run elsewhere and must find it all the same.
        let path = path.canonicalize_utf8().map_err(cannot_write(path))?;
        let mut options = File::options();
        let lock = options.create(true).append(true).open(path.join("lock"));
        let lock = lock.map_err(cannot_write(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StartError::InUse { path }),
            Err(TryLockError::Error(source)) => Err(cannot_write(&path)(source)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// The file that says where guests are served.
    pub fn endpoint_file(&self) -> Utf8PathBuf {
        self.path.join(ENDPOINT_FILE)
    }
}

pub(crate) fn cannot_write(path: &Utf8Path) -> impl FnOnce(io::Error) -> StartError {
    let path = path.to_owned();
    let uid = rustix::process::geteuid().as_raw();
    move |source| StartError::Directory { path, uid, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_orchestrators_cannot_use_one_directory() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("a/b");
        let first = DataDirectory::open(&path).unwrap();
        let refused = DataDirectory::open(&path).unwrap_err();
        assert!(matches!(refused, StartError::InUse { .. }), "{refused}");
        drop(first);
        DataDirectory::open(&path).unwrap();
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named_with_the_user() {
        let refused = DataDirectory::open("/proc/solstice".into()).unwrap_err().to_string();
        let uid = rustix::process::geteuid().as_raw();
        assert!(refused.contains("/proc/solstice") && refused.contains(&uid.to_string()));
    }
}
