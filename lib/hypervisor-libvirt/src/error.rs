//! What can go wrong inside the backend, and how the seam tells it.

use std::io::{self, ErrorKind};

use camino::{Utf8Path, Utf8PathBuf};
use solstice_exec::ExecError;
use solstice_hypervisor::HypervisorError;
use solstice_hypervisor::folders::FolderError;
use solstice_model::AttemptId;
use solstice_seed::SeedError;

/// What can go wrong with one machine, or with what all of them share.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LibvirtError {
    #[error("cannot connect to libvirtd at {uri}")]
    Connect {
        uri: String,
        #[source]
        source: virt::error::Error,
    },
    #[error("libvirt cannot {action} {object}")]
    Call {
        action: &'static str,
        object: String,
        #[source]
        source: virt::error::Error,
    },
    #[error("the {kind} {name} of libvirt is somebody else's")]
    Foreign { kind: &'static str, name: String },
    #[error("libvirt's network {name} has the addresses {found}, not {wanted}")]
    OtherSubnet { name: String, found: String, wanted: String },
    #[error("all addresses of {subnet} are taken")]
    NoAddress { subnet: String },
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("cannot clone the image's disk")]
    Clone(#[source] ExecError),
    #[error("{path} is not a qcow2 disk")]
    NotQcow2 { path: Utf8PathBuf },
    #[error("the image cannot boot here: {why}")]
    Image { why: String },
    #[error("cannot make the machine's seed")]
    Seed(#[source] SeedError),
    #[error("QEMU of machine {id} is not seen in /proc, so its files cannot be bounded")]
    Unseen { id: AttemptId },
}

impl LibvirtError {
    /// The error of an action on a path, once there is one.
    pub(crate) fn file(action: &'static str, path: &Utf8Path) -> impl FnOnce(io::Error) -> Self {
        let wrap = FolderError::file(action, path);
        move |source| Self::Folder(wrap(source))
    }

    /// The error of a call, once there is one.
    pub(crate) fn call(
        action: &'static str,
        object: impl ToString,
    ) -> impl FnOnce(virt::error::Error) -> Self {
        let object = object.to_string();
        move |source| Self::Call { action, object, source }
    }

    /// The seam's error for a failure to do this to that machine.
    pub(crate) fn of(self, action: &'static str, id: AttemptId) -> HypervisorError {
        match self.no_room() {
            Some(what) => HypervisorError::NoRoom { what },
            None => HypervisorError::Failed { action, id, source: Box::new(self) },
        }
    }

    /// Which resource of the host is used up, if that is what this error means.
    fn no_room(&self) -> Option<String> {
        match self {
            Self::Folder(FolderError::File { path, source, .. }) => {
                resource(source).map(|what| format!("{what} for {path}"))
            }
            Self::Clone(ExecError::System { source, .. }) => {
                resource(source).map(|what| format!("{what} for qemu-img"))
            }
            Self::Clone(error) => exhausted(error.stderr()?).map(str::to_owned),
            Self::Call { source, .. } => exhausted(source.message()).map(str::to_owned),
            Self::NoAddress { .. } => Some(self.to_string()),
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

/// What QEMU and its tools print, in the C locale, when the system gives them no more.
fn exhausted(text: &str) -> Option<&str> {
    let signs = ["No space left on device", "Disk quota exceeded", "Cannot allocate memory"];
    text.lines().find(|line| signs.iter().any(|sign| line.contains(sign))).map(str::trim)
}

/// An error with its causes, on one line.
pub(crate) fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}

/// The seam's error for a host that cannot run machines.
pub(crate) fn unusable(what: impl ToString, remedy: impl ToString) -> HypervisorError {
    HypervisorError::Unusable { what: what.to_string(), remedy: remedy.to_string() }
}
