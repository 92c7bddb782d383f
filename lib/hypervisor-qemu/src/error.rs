//! What can go wrong inside the backend, and how the seam tells it.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::process::ExitStatus;

use camino::{Utf8Path, Utf8PathBuf};
use solstice_exec::ExecError;
use solstice_hypervisor::folders::FolderError;
use solstice_hypervisor::{HypervisorError, Subnet};
use solstice_image::ImageError;
use solstice_model::AttemptId;
use solstice_seed::SeedError;

use crate::qmp::QmpError;

/// What can go wrong with one machine.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QemuError {
    #[error("cannot {action} {path}")]
    File {
        action: &'static str,
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} belongs to another host")]
    Foreign { path: Utf8PathBuf },
    #[error("cannot clone the image's disk")]
    Clone(#[source] ExecError),
    #[error("{path} is not a qcow2 disk")]
    NotQcow2 { path: Utf8PathBuf },
    #[error("{path} does not hold a disk of {locked} bytes, as the image's lock says")]
    DiskSize { path: Utf8PathBuf, locked: u64 },
    #[error("the image cannot boot here: {why}")]
    Image { why: String },
    #[error("a file of the image cannot be used")]
    ImageFile(#[from] ImageError),
    #[error("there is no UEFI firmware for QEMU; looked for {looked}")]
    NoFirmware { looked: String },
    #[error("cannot make the machine's seed")]
    Seed(#[from] SeedError),
    #[error("cannot change the host's network")]
    Network(#[source] ExecError),
    #[error("cannot read how ip lists addresses")]
    Listing {
        #[source]
        source: serde_json::Error,
    },
    #[error("the machines cannot have their network: {why}")]
    Subnet { why: String },
    #[error("the network {subnet} has no address left")]
    NoAddress { subnet: Subnet },
    #[error("cannot listen on {address}")]
    Door {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("cannot start {qemu}")]
    Spawn {
        qemu: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("QEMU ended at once with {status}: {log}")]
    Refused { status: ExitStatus, log: String },
    #[error(
        "QEMU ended {tries} times before its guest printed anything, last with {status}: {log}"
    )]
    Died { tries: u32, status: ExitStatus, log: String },
    #[error("QEMU does not answer: {log}")]
    Mute {
        log: String,
        #[source]
        source: QmpError,
    },
    #[error("QEMU cannot run the guest: its state is {state:?}; {log}")]
    Broken { state: String, log: String },
    #[error("process {pid} is not seen in /proc with the mark that it was started with")]
    Unmarked { pid: u32 },
    #[error("process {pid} does not end though it was killed")]
    Immortal { pid: i32 },
}

impl From<FolderError> for QemuError {
    fn from(error: FolderError) -> Self {
        match error {
            FolderError::File { action, path, source } => QemuError::File { action, path, source },
            FolderError::Foreign { path } => QemuError::Foreign { path },
        }
    }
}

impl QemuError {
    pub(crate) fn file(action: &'static str, path: &Utf8Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| QemuError::File { action, path, source }
    }

    /// The seam's error for a failure to do this to that machine.
    pub(crate) fn of(self, action: &'static str, id: AttemptId) -> HypervisorError {
        match (self.no_room(), self) {
            (Some(what), _) => HypervisorError::NoRoom { what },
            (None, QemuError::ImageFile(error)) => HypervisorError::Image(error),
            (None, other) => HypervisorError::Failed { action, id, source: Box::new(other) },
        }
    }

    /// Which resource of the host is used up, if that is what this error means.
    fn no_room(&self) -> Option<String> {
        match self {
            QemuError::File { path, source, .. } => {
                resource(source).map(|what| format!("{what} for {path}"))
            }
            QemuError::Spawn { source, .. } => {
                resource(source).map(|what| format!("{what} for QEMU"))
            }
            QemuError::Clone(ExecError::System { source, .. }) => {
                resource(source).map(|what| format!("{what} for qemu-img"))
            }
            QemuError::NoAddress { subnet } => Some(format!("no address is left in {subnet}")),
            QemuError::Clone(error) => exhausted(error.stderr()?).map(str::to_owned),
            QemuError::Refused { log, .. } | QemuError::Died { log, .. } => {
                exhausted(log).map(str::to_owned)
            }
            _ => None,
        }
    }
}

fn resource(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Some("no disk space is left"),
        ErrorKind::OutOfMemory => Some("no memory is left"),
        // EAGAIN of fork(2): the limit of processes.
        ErrorKind::WouldBlock => Some("no process is left"),
        _ => None,
    }
}

/// What QEMU's tools print, in the C locale, when the system gives them no more.
fn exhausted(text: &str) -> Option<&str> {
    let signs = ["No space left on device", "Disk quota exceeded", "Cannot allocate memory"];
    text.lines().find(|line| signs.iter().any(|sign| line.contains(sign))).map(str::trim)
}

#[cfg(test)]
mod tests {
    use solstice_model::id::new_id;

    use super::*;

    #[test]
    fn a_full_disk_and_full_memory_are_no_room_and_nothing_else_is() {
        let file = |kind: ErrorKind| QemuError::file("write", Utf8Path::new("/x"))(kind.into());
        let refused =
            |log: &str| QemuError::Refused { status: ExitStatus::default(), log: log.to_owned() };
        let full = [
            file(ErrorKind::StorageFull),
            file(ErrorKind::QuotaExceeded),
            refused("qemu: cannot set up guest memory 'microvm.ram': Cannot allocate memory"),
            refused("warning\nqemu-img: overlay.qcow2: No space left on device"),
        ];
        for error in full {
            let text = error.to_string();
            let told = error.of("make", new_id());
            assert!(matches!(told, HypervisorError::NoRoom { .. }), "{text}");
        }
        for error in [file(ErrorKind::PermissionDenied), refused("unknown option")] {
            let told = error.of("make", new_id());
            assert!(matches!(told, HypervisorError::Failed { .. }), "{told}");
        }
    }
}
