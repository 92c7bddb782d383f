//! What can go wrong inside the backend, and how the seam tells it.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use camino::{Utf8Path, Utf8PathBuf};
use solstice_golden::GoldenError;
use solstice_hypervisor::HypervisorError;
use solstice_hypervisor::folders::FolderError;
use solstice_illumos::{Cause, IllumosError, NameError};
use solstice_image::ImageError;
use solstice_model::AttemptId;
use solstice_seed::SeedError;

/// What can go wrong with one machine.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ZonesError {
    #[error("cannot {action} {path}")]
    File {
        action: &'static str,
        path: Utf8PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Golden(#[from] GoldenError),
    #[error("cannot {action} {object}")]
    System {
        action: &'static str,
        object: String,
        #[source]
        source: IllumosError,
    },
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("the image cannot be used")]
    Image(#[from] ImageError),
    #[error("the image cannot boot in a zone: {why}")]
    NotBootable { why: String },
    #[error("a machine cannot have {what}")]
    Size { what: String },
    #[error("cannot make the seed")]
    Seed(#[from] SeedError),
    #[error("{object} belongs to another host; see to it that each has its own dataset and name")]
    Foreign { object: String },
    #[error("all {slots} networks of {network} are in use")]
    NoSlot { slots: u32, network: String },
    #[error("others take the same network of {network} again and again")]
    Contended { network: String },
    #[error("the zone {zone} is {state}, and stays so")]
    Stuck { zone: String, state: String },
    #[error("cannot listen for the guest on {address}")]
    Door {
        address: SocketAddr,
        #[source]
        source: io::Error,
    },
    #[error("cannot run the console capture {program}")]
    Spawn {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("the console of {zone} cannot be captured: {log}")]
    Capture { zone: String, log: String },
    #[error("the console capture of {zone} does not end")]
    Immortal { zone: String },
}

impl ZonesError {
    pub(crate) fn file(action: &'static str, path: &Utf8Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| ZonesError::File { action, path, source }
    }

    pub(crate) fn system(
        action: &'static str,
        object: impl ToString,
    ) -> impl FnOnce(IllumosError) -> Self {
        move |source| ZonesError::System { action, object: object.to_string(), source }
    }

    /// The seam's error for a failure to do this to that machine.
    pub(crate) fn of(self, action: &'static str, id: AttemptId) -> HypervisorError {
        match self {
            ZonesError::Image(source) => HypervisorError::Image(source),
            error => match error.no_room() {
                Some(what) => HypervisorError::NoRoom { what },
                None => HypervisorError::Failed { action, id, source: Box::new(error) },
            },
        }
    }

    /// Which resource of the host is used up, if that is what this error means.
    fn no_room(&self) -> Option<String> {
        match self {
            ZonesError::System { object, source, .. } if source.cause() == Cause::NoRoom => {
                Some(format!("the pool or a quota is full for {object}"))
            }
            ZonesError::NoSlot { .. } => Some(self.to_string()),
            ZonesError::File { path, source, .. }
            | ZonesError::Folder(FolderError::File { path, source, .. }) => {
                resource(source).map(|what| format!("{what} for {path}"))
            }
            ZonesError::Spawn { program, source } => {
                resource(source).map(|what| format!("{what} for {program}"))
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

/// Takes a failure that means "it is so already" for success.
pub(crate) fn unless(cause: Cause, done: Result<(), IllumosError>) -> Result<(), IllumosError> {
    match done {
        Err(error) if error.cause() == cause => Ok(()),
        other => other,
    }
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

#[cfg(test)]
mod tests {
    use solstice_model::id::new_id;

    use super::*;

    #[test]
    fn a_full_pool_a_full_disk_and_a_full_network_are_no_room_and_nothing_else_is() {
        let complaint = |cause| IllumosError::Complaint {
            command: "zfs".to_owned(),
            complaint: "so".to_owned(),
            cause,
        };
        let system = |cause| ZonesError::system("clone", "rpool/x")(complaint(cause));
        let file = |kind: ErrorKind| ZonesError::file("write", Utf8Path::new("/x"))(kind.into());
        let slots = ZonesError::NoSlot { slots: 4, network: "10.77.0.0/28".to_owned() };
        for error in [system(Cause::NoRoom), file(ErrorKind::StorageFull), slots] {
            let text = error.to_string();
            let told = error.of("make", new_id());
            assert!(matches!(told, HypervisorError::NoRoom { .. }), "{text}");
        }
        for error in [system(Cause::Busy), file(ErrorKind::PermissionDenied)] {
            let told = error.of("make", new_id());
            assert!(matches!(told, HypervisorError::Failed { .. }), "{told}");
        }
    }
}
