//! What is in a machine's folder: what is neither a dataset nor a link.
//!
//! ```text
//! machines/<id>/machine.json   whose it is and what was wanted; no token
//!               seed.img       the seed, which holds the token
//!               console.log    the guest's serial console
//!               capture.sock   where the console's capture is waited for
//!               capture.lock   locked by the capture as long as it works
//!               capture.log    what the capture had to say
//!               started        the zone was seen to run, or to have run
//! ```

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use solstice_hypervisor::MachineSpec;
use solstice_hypervisor::folders::{Entry, write_private_file};
use solstice_model::{AttemptId, ImageName, Sha256Digest};

use crate::error::ZonesError;
use crate::network::Slot;

/// What `machine.json` holds besides the owner, for operators and for a
/// machine whose clone is gone.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Note {
    image: ImageName,
    disk: Sha256Digest,
    cpus: u8,
    memory_mib: u32,
    disk_mib: u32,
    slot: u32,
}

impl Note {
    pub(crate) fn of(spec: &MachineSpec, slot: Slot) -> Self {
        Self {
            image: spec.image.name.clone(),
            disk: spec.image.disk.sha256,
            cpus: spec.cpus,
            memory_mib: spec.memory_mib,
            disk_mib: spec.disk_mib,
            slot: slot.0,
        }
    }
}

/// The network that a machine's note names.
pub(crate) fn noted_slot(entry: &Entry) -> Option<Slot> {
    entry.note().map(|note: Note| Slot(note.slot))
}

/// The folder of one machine, which may not exist.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: Utf8PathBuf,
}

/// The longest path of a socket that a machine below this state directory has.
pub(crate) fn longest_socket(state_dir: &Utf8Path) -> Utf8PathBuf {
    let id = "00000000-0000-0000-0000-000000000000";
    Folder::at(state_dir.join("machines").join(id)).socket()
}

/// An id in the one spelling that we write ourselves.
pub(crate) fn parse_id(text: &str) -> Option<AttemptId> {
    text.parse().ok().filter(|id: &AttemptId| id.to_string() == text)
}

impl Folder {
    pub(crate) fn at(path: Utf8PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }

    pub(crate) fn seed(&self) -> Utf8PathBuf {
        self.path.join("seed.img")
    }

    pub(crate) fn console(&self) -> Utf8PathBuf {
        self.path.join("console.log")
    }

    pub(crate) fn socket(&self) -> Utf8PathBuf {
        self.path.join("capture.sock")
    }

    fn log(&self) -> Utf8PathBuf {
        self.path.join("capture.log")
    }

    pub(crate) fn exists(&self) -> bool {
        self.path.is_dir()
    }

    /// Whether the guest has ever run. A guest that printed something did, even
    /// if we crashed before we could write that down.
    pub(crate) fn has_run(&self) -> bool {
        let printed = std::fs::metadata(self.console()).is_ok_and(|meta| meta.len() > 0);
        printed || self.path.join("started").exists()
    }

    /// Writes down that the guest runs, or has run.
    pub(crate) fn mark_started(&self) -> Result<(), ZonesError> {
        let path = self.path.join("started");
        let made = private().append(true).open(&path);
        made.map(drop).map_err(ZonesError::file("make", &path))
    }

    pub(crate) fn write_seed(&self, seed: &[u8]) -> Result<(), ZonesError> {
        Ok(write_private_file(&self.seed(), seed)?)
    }

    /// Opens the console's file, to append to it.
    pub(crate) fn open_console(&self) -> Result<File, ZonesError> {
        let path = self.console();
        private().append(true).open(&path).map_err(ZonesError::file("open", &path))
    }

    /// Opens the file that the capture's own messages are appended to.
    pub(crate) fn open_log(&self) -> Result<File, ZonesError> {
        let path = self.log();
        private().append(true).open(&path).map_err(ZonesError::file("open", &path))
    }

    /// Opens the file that the capture locks.
    pub(crate) fn open_lock(&self) -> Result<File, ZonesError> {
        let path = self.path.join("capture.lock");
        private().append(true).open(&path).map_err(ZonesError::file("open", &path))
    }

    /// The last part of the capture's own messages, on one line.
    pub(crate) fn log_tail(&self) -> String {
        let text = std::fs::read(self.log()).unwrap_or_default();
        let tail = String::from_utf8_lossy(&text[text.len().saturating_sub(2000)..]).into_owned();
        let lines: Vec<_> = tail.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() { "it printed no reason".to_owned() } else { lines.join("; ") }
    }
}

/// How files are made that only we may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use solstice_model::id::new_id;

    use super::*;

    #[test]
    fn only_names_that_we_write_are_ours() {
        let id: AttemptId = new_id();
        assert_eq!(parse_id(&id.to_string()), Some(id));
        let upper = id.to_string().to_uppercase();
        for other in ["", "lost+found", &format!("{id}.bak"), &upper] {
            assert_eq!(parse_id(other), None, "{other}");
        }
    }

    #[test]
    fn a_folder_tells_whether_its_guest_has_run() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::at(Utf8PathBuf::from_path_buf(dir.path().into()).unwrap());
        folder.open_console().unwrap();
        assert!(!folder.has_run());
        folder.open_console().unwrap().write_all(b"x").unwrap();
        assert!(folder.has_run());
        std::fs::remove_file(folder.console()).unwrap();
        folder.mark_started().unwrap();
        assert!(folder.has_run());
    }
}
