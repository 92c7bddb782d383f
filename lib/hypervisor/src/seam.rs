//! The trait and its types.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use solstice_image::VerifiedImage;
use solstice_model::{AttemptId, Observed, Token};

/// The machine that is wanted for an attempt.
#[derive(Clone, Debug)]
pub struct MachineSpec {
    /// Its id: the attempt's.
    pub id: AttemptId,
    /// What it boots from; the backend clones it and never writes to it.
    pub image: VerifiedImage,
    /// Virtual processors.
    pub cpus: u8,
    /// Memory, in MiB.
    pub memory_mib: u32,
    /// Size of the root disk, in MiB; the image's own if that is larger.
    pub disk_mib: u32,
    /// The agent's single-use token.
    pub token: Token,
}

/// A machine of ours that exists, wholly or in part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its id.
    pub id: AttemptId,
    /// What is seen of it; never [`Observed::Absent`].
    pub observed: Observed,
}

/// A part of a machine's serial console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Console {
    /// The bytes from the wanted offset on.
    pub bytes: Bytes,
    /// The offset behind them.
    pub next: u64,
}

/// What a hypervisor cannot do.
#[derive(Debug, thiserror::Error)]
pub enum HypervisorError {
    /// The image is not what it should be, or is gone.
    #[error("the image cannot be used")]
    Image(#[source] solstice_image::ImageError),
    /// A resource of the host is used up: disk, memory, processes.
    #[error("the host has no room: {what}")]
    NoRoom {
        /// Which resource, and where.
        what: String,
    },
    /// The hypervisor refuses or breaks.
    #[error("cannot {action} machine {id}")]
    Failed {
        /// What was tried.
        action: &'static str,
        /// On which machine.
        id: AttemptId,
        /// Why not.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The host cannot run machines of this kind at all.
    #[error("{what}; {remedy}")]
    Unusable {
        /// What is missing.
        what: String,
        /// What to do about it.
        remedy: String,
    },
    /// There is no such machine.
    #[error("there is no machine {id}")]
    Absent {
        /// Which.
        id: AttemptId,
    },
}

/// Whatever makes machines. All methods may be called concurrently for
/// different ids; callers do not call two at once for the same id.
///
/// Every method may be cancelled (its future dropped) or the process killed at
/// any point: a later `destroy` of the same id removes whatever was made, and
/// a later `ensure` completes it.
#[async_trait]
pub trait Hypervisor: Send + Sync + 'static {
    /// The backend's name in logs and configuration.
    fn name(&self) -> &'static str;

    /// Lists all that exists of this host's machines, whole or half-made, and
    /// nothing that belongs to anybody else.
    ///
    /// # Errors
    ///
    /// [`HypervisorError`] if it cannot be seen; nothing may be concluded then.
    async fn observe(&self) -> Result<Vec<Machine>, HypervisorError>;

    /// Makes the machine and boots it, or completes what a crash left. A
    /// machine that runs, or that has run and stopped, is left alone.
    ///
    /// # Errors
    ///
    /// [`HypervisorError`]; what was made so far stays for `destroy`.
    async fn ensure(&self, spec: &MachineSpec) -> Result<(), HypervisorError>;

    /// Removes the machine and all that belongs to it, without asking the
    /// guest. Returns when it is gone. Removing what is absent is a success.
    ///
    /// # Errors
    ///
    /// [`HypervisorError`] if something is left; call again.
    async fn destroy(&self, id: AttemptId) -> Result<(), HypervisorError>;

    /// Reads the serial console from byte `from` on, at most `limit` bytes.
    /// Complete from the first byte, and kept until `destroy`.
    ///
    /// # Errors
    ///
    /// [`HypervisorError::Absent`] if there is no such machine.
    async fn console(
        &self,
        id: AttemptId,
        from: u64,
        limit: usize,
    ) -> Result<Console, HypervisorError>;

    /// Resolves when the machine has stopped running (or never ran). Signalled
    /// by the system, not polled. Cancel safe.
    ///
    /// # Errors
    ///
    /// [`HypervisorError`] if that cannot be found out.
    async fn stopped(&self, id: AttemptId) -> Result<(), HypervisorError>;

    /// How long a machine of this kind may take from `ensure` to its agent's
    /// first request before the attempt counts as lost.
    fn boot_limit(&self) -> Duration;
}
