//! A machine's folder: everything that QEMU leaves on disk is in it.
//!
//! ```text
//! machines/<id>/machine.json    whose it is and what was wanted
//!               overlay.qcow2   the root disk, over the image's
//!               seed.img        who the guest is, and its token, if it boots from its disk
//!               vars.fd         the variables of its UEFI firmware, if it has such
//!               console.log     the guest's serial console
//!               qemu.log        what QEMU itself had to say
//!               qmp.sock        QEMU's control socket
//!               started         QEMU was seen to run the guest
//! machines/<id>~<n>/            on its way to be removed
//! ```
//!
//! All changes here are single calls of the system that return at once, made
//! inside one poll: none goes on in another thread after its caller was
//! dropped. The one that may take long, removing a big overlay, works on a
//! folder that was renamed out of the way first.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use solstice_hypervisor::folders::Entry;
use solstice_hypervisor::{MachineSpec, Slot};
use solstice_model::{ImageName, Sha256Digest};

use crate::error::QemuError;

/// The length of an attempt's id.
const ID_CHARS: usize = 36;

/// What is noted of a machine, for its address and for operators.
#[derive(Serialize)]
pub(crate) struct Note {
    /// Which place it has on the bridge, if it is connected to that.
    #[serde(skip_serializing_if = "Option::is_none")]
    slot: Option<Slot>,
    image: ImageName,
    disk: Sha256Digest,
    cpus: u8,
    memory_mib: u32,
    disk_mib: u32,
}

impl Note {
    pub(crate) fn of(spec: &MachineSpec, slot: Option<Slot>) -> Self {
        Self {
            slot,
            image: spec.image.name.clone(),
            disk: spec.image.disk.sha256,
            cpus: spec.cpus,
            memory_mib: spec.memory_mib,
            disk_mib: spec.disk_mib,
        }
    }
}

/// The slot that is noted in a machine's folder, if any is.
pub(crate) fn noted_slot(entry: &Entry) -> Option<Slot> {
    #[derive(Deserialize)]
    struct Noted {
        slot: Option<Slot>,
    }
    entry.note::<Noted>()?.slot
}

/// The folder of one machine, which may not exist.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: Utf8PathBuf,
}

/// The longest path of a socket that a machine below this state directory has.
pub(crate) fn longest_socket(state_dir: &Utf8Path) -> Utf8PathBuf {
    state_dir.join("machines").join("x".repeat(ID_CHARS)).join("qmp.sock")
}

impl Folder {
    pub(crate) fn at(path: Utf8PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Utf8Path {
        &self.path
    }

    pub(crate) fn overlay(&self) -> Utf8PathBuf {
        self.path.join("overlay.qcow2")
    }

    pub(crate) fn seed(&self) -> Utf8PathBuf {
        self.path.join("seed.img")
    }

    pub(crate) fn vars(&self) -> Utf8PathBuf {
        self.path.join("vars.fd")
    }

    pub(crate) fn console(&self) -> Utf8PathBuf {
        self.path.join("console.log")
    }

    pub(crate) fn qmp(&self) -> Utf8PathBuf {
        self.path.join("qmp.sock")
    }

    fn log(&self) -> Utf8PathBuf {
        self.path.join("qemu.log")
    }

    pub(crate) fn exists(&self) -> bool {
        self.path.is_dir()
    }

    /// How much the guest has printed, in bytes.
    pub(crate) fn console_bytes(&self) -> u64 {
        std::fs::metadata(self.console()).map_or(0, |meta| meta.len())
    }

    /// Whether the guest has ever run. A guest that printed something did, even
    /// if we crashed before we could write that down.
    pub(crate) fn has_run(&self) -> bool {
        self.path.join("started").exists() || self.console_bytes() > 0
    }

    /// Writes down that the guest runs.
    pub(crate) fn mark_started(&self) -> Result<(), QemuError> {
        let path = self.path.join("started");
        self.private_file().open(&path).map_err(QemuError::file("make", &path))?;
        Ok(())
    }

    /// Opens the file that QEMU's own messages are appended to.
    pub(crate) fn open_log(&self) -> Result<File, QemuError> {
        let path = self.log();
        let open = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
        open.map_err(QemuError::file("open", &path))
    }

    /// The last part of QEMU's own messages, on one line.
    pub(crate) fn log_tail(&self) -> String {
        let text = std::fs::read(self.log()).unwrap_or_default();
        let tail = String::from_utf8_lossy(&text[text.len().saturating_sub(2000)..]).into_owned();
        let lines: Vec<_> = tail.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if lines.is_empty() { "it printed no reason".to_owned() } else { lines.join("; ") }
    }

    /// Removes the folder with all that is in it. May take long; made for
    /// folders that are trash.
    pub(crate) fn remove(&self) -> Result<(), QemuError> {
        match std::fs::remove_dir_all(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(QemuError::file("remove", &self.path)(error))
            }
            _ => Ok(()),
        }
    }

    fn private_file(&self) -> OpenOptions {
        let mut options = OpenOptions::new();
        options.write(true).create(true).mode(0o600);
        options
    }
}
