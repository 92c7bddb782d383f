//! Where a run keeps its files.
//!
//! ```text
//! $XDG_STATE_HOME/solstice/cidev/
//!     lock            one run at a time
//!     host/           mirrors, sources, what was found out about KVM, machines
//!     sessions/<id>/  the store, logs, artifacts and snapshot of one run
//! ```
//!
//! The folder `host` stays: it makes the next run quicker, and machines that a
//! killed `cidev` left behind are found and removed through it. Sessions go
//! when they end, unless they are to be kept.

use std::fs::{DirBuilder, File, TryLockError};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use solstice_model::RunId;
use solstice_model::id::new_id;

use super::{Options, RunError};
use crate::output;

/// What says that a session is to stay.
const KEPT: &str = "kept";

/// The folders of one run.
#[derive(Debug)]
pub(crate) struct State {
    host: PathBuf,
    session: PathBuf,
    _lock: File,
}

impl State {
    /// Makes the folders, and removes sessions that were cut off.
    pub(crate) fn open(options: &Options) -> Result<Self, RunError> {
        let root = root();
        let (host, sessions) = (root.join("host"), root.join("sessions"));
        for folder in [&host, &sessions] {
            private(folder)?;
        }
        let lock = lock(&root)?;
        sweep(&sessions);
        let id: RunId = new_id();
        let session = sessions.join(id.to_string());
        private(&session)?;
        if options.keep {
            let mark = session.join(KEPT);
            std::fs::write(&mark, "").map_err(RunError::io("write", &mark))?;
        }
        Ok(Self { host, session, _lock: lock })
    }

    /// The folder of this host, for all runs.
    pub(crate) fn host(&self) -> &Path {
        &self.host
    }

    /// The folder of this run.
    pub(crate) fn session(&self) -> &Path {
        &self.session
    }

    /// Removes this run's folder, or says where it is.
    pub(crate) fn close(self, keep: bool) {
        if keep {
            output::print(&format!("kept in {}\n", self.session.display()));
        } else {
            // What is left goes with the next run.
            let _ = std::fs::remove_dir_all(&self.session);
        }
    }
}

fn root() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    let given = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let base = given.filter(|path| path.is_absolute()).or_else(home);
    base.unwrap_or_else(|| PathBuf::from("/var/tmp")).join("solstice/cidev")
}

fn private(folder: &Path) -> Result<(), RunError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(RunError::io("make", folder))
}

fn lock(root: &Path) -> Result<File, RunError> {
    let path = root.join("lock");
    let file = File::options().create(true).write(true).truncate(false).open(&path);
    let file = file.map_err(RunError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(RunError::Busy { path: root.to_owned() }),
        Err(TryLockError::Error(source)) => Err(RunError::Io { what: "lock", path, source }),
    }
}

/// Removes the sessions that are not to be kept: nobody else runs.
fn sweep(sessions: &Path) {
    for session in std::fs::read_dir(sessions).into_iter().flatten().flatten() {
        if !session.path().join(KEPT).exists() {
            // A session that cannot be removed harms nobody; it is tried again.
            let _ = std::fs::remove_dir_all(session.path());
        }
    }
}
