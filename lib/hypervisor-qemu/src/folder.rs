//! A machine's folder: everything that QEMU leaves on disk is in it.
//!
//! ```text
//! machines/<id>/machine.json    whose it is and what was wanted; no token
//!               overlay.qcow2   the root disk, over the image's
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

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

use camino::{Utf8Path, Utf8PathBuf};
use newtype_uuid::GenericUuid;
use serde::{Deserialize, Serialize};
use solstice_hypervisor::MachineSpec;
use solstice_model::{AttemptId, HostName, ImageName, Sha256Digest};

use crate::error::QemuError;

/// The length of an attempt's id.
const ID_CHARS: usize = 36;

/// What `machine.json` holds, for the owner's check and for operators.
#[derive(Serialize, Deserialize)]
struct Intent {
    host: HostName,
    id: AttemptId,
    image: ImageName,
    disk: Sha256Digest,
    cpus: u8,
    memory_mib: u32,
    disk_mib: u32,
}

/// The folder of all machines of a host.
#[derive(Clone, Debug)]
pub(crate) struct Machines {
    root: Utf8PathBuf,
    host: HostName,
}

/// The folder of one machine, which may not exist.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: Utf8PathBuf,
}

/// An entry of the machines' folder that is ours.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) id: AttemptId,
    pub(crate) folder: Folder,
    /// It is only waiting to be removed.
    pub(crate) trash: bool,
}

/// The longest path of a socket that a machine below this state directory has.
pub(crate) fn longest_socket(state_dir: &Utf8Path) -> Utf8PathBuf {
    state_dir.join("machines").join("x".repeat(ID_CHARS)).join("qmp.sock")
}

/// Makes a directory that only we can look into, unless it is there.
pub(crate) fn make_private_dir(path: &Utf8Path) -> Result<(), QemuError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(QemuError::file("make", path)(error))
        }
        _ => Ok(()),
    }
}

impl Machines {
    /// The machines below a state directory.
    pub(crate) fn open(state_dir: &Utf8Path, host: HostName) -> Result<Self, QemuError> {
        let root = state_dir.join("machines");
        make_private_dir(&root)?;
        Ok(Self { root, host })
    }

    pub(crate) fn root(&self) -> &Utf8Path {
        &self.root
    }

    pub(crate) fn folder(&self, id: AttemptId) -> Folder {
        Folder { path: self.root.join(id.to_string()) }
    }

    /// Everything of ours. What has another name, is no directory, or says
    /// that it is another host's is left out.
    pub(crate) fn list(&self) -> Result<Vec<Entry>, QemuError> {
        let failed = || QemuError::file("list", &self.root);
        let mut entries = Vec::new();
        for entry in self.root.read_dir_utf8().map_err(failed())? {
            let entry = entry.map_err(failed())?;
            if let Some((id, trash)) = parse_name(entry.file_name())
                && entry.file_type().is_ok_and(|kind| kind.is_dir())
            {
                let folder = Folder { path: entry.path().to_owned() };
                if folder.is_ours(&self.host) {
                    entries.push(Entry { id, folder, trash });
                }
            }
        }
        Ok(entries)
    }

    /// Renames a machine's folder out of the way, in one instant.
    pub(crate) fn discard(&self, id: AttemptId) -> Result<(), QemuError> {
        let folder = self.folder(id);
        if !folder.is_ours(&self.host) {
            return Ok(());
        }
        for number in 0u32.. {
            let trash = self.root.join(format!("{id}~{number}"));
            match std::fs::rename(&folder.path, &trash) {
                Ok(()) => return Ok(()),
                Err(error) => match error.kind() {
                    ErrorKind::NotFound => return Ok(()),
                    ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists => {}
                    _ => return Err(QemuError::file("discard", &folder.path)(error)),
                },
            }
        }
        Ok(())
    }

    /// Makes a machine's folder, unless it is there, and writes down whose it is.
    pub(crate) fn claim(&self, spec: &MachineSpec) -> Result<Folder, QemuError> {
        let folder = self.folder(spec.id);
        if !folder.is_ours(&self.host) {
            return Err(QemuError::Foreign { path: folder.path });
        }
        make_private_dir(&folder.path)?;
        let intent = Intent {
            host: self.host.clone(),
            id: spec.id,
            image: spec.image.name.clone(),
            disk: spec.image.disk.sha256,
            cpus: spec.cpus,
            memory_mib: spec.memory_mib,
            disk_mib: spec.disk_mib,
        };
        let text = serde_json::to_vec_pretty(&intent).expect("an intent can be written as JSON");
        let (path, new) = (folder.path.join("machine.json"), folder.path.join("machine.json.new"));
        let write = || -> io::Result<()> {
            folder.private_file().truncate(true).open(&new)?.write_all(&text)?;
            std::fs::rename(&new, &path)
        };
        write().map_err(QemuError::file("write", &path))?;
        Ok(folder)
    }
}

/// The id in a folder's name, and whether it is one to be removed.
fn parse_name(name: &str) -> Option<(AttemptId, bool)> {
    let (id, rest) = name.split_at_checked(ID_CHARS)?;
    let trash = match rest.strip_prefix('~') {
        Some(number) if number.bytes().all(|b| b.is_ascii_digit()) => true,
        None if rest.is_empty() => false,
        _ => return None,
    };
    // Only the one spelling that we write ourselves.
    let id: AttemptId = id.parse().ok().filter(|parsed: &AttemptId| parsed.to_string() == id)?;
    Some((AttemptId::from_untyped_uuid(id.into_untyped_uuid()), trash))
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

    /// A folder without a readable note is ours too: we crashed before it was written.
    fn is_ours(&self, host: &HostName) -> bool {
        let text = std::fs::read(self.path.join("machine.json")).unwrap_or_default();
        serde_json::from_slice::<Intent>(&text).map_or(true, |intent| intent.host == *host)
    }

    fn private_file(&self) -> OpenOptions {
        let mut options = OpenOptions::new();
        options.write(true).create(true).mode(0o600);
        options
    }
}

#[cfg(test)]
mod tests {
    use solstice_model::id::new_id;

    use super::*;

    #[test]
    fn only_names_that_we_write_are_ours() {
        let id: AttemptId = new_id();
        assert_eq!(parse_name(&id.to_string()), Some((id, false)));
        assert_eq!(parse_name(&format!("{id}~12")), Some((id, true)));
        let upper = id.to_string().to_uppercase();
        for other in ["", "lost+found", &format!("{id}.bak"), &format!("{id}~x"), &upper] {
            assert_eq!(parse_name(other), None, "{other}");
        }
    }
}
