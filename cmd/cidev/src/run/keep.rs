//! Keeps the machines' disks: a hypervisor that links a disk elsewhere before
//! the machine is destroyed.
#![cfg(target_os = "linux")]

use std::time::Duration;

use async_trait::async_trait;
use camino::Utf8PathBuf;
use solstice_hypervisor::{Console, Hypervisor, HypervisorError, Machine, MachineSpec};
use solstice_hypervisor_qemu::QemuHypervisor;
use solstice_model::AttemptId;

/// The name of a machine's disk in its folder.
const DISK: &str = "overlay.qcow2";

/// QEMU, but that nothing is lost of a disk.
pub(crate) struct KeepDisks {
    inner: QemuHypervisor,
    state: Utf8PathBuf,
    into: Utf8PathBuf,
}

impl KeepDisks {
    /// Disks go from the hypervisor's state directory to `into/<attempt>.qcow2`,
    /// and go on having the golden image's disk as their backing file.
    pub(crate) fn new(inner: QemuHypervisor, state: Utf8PathBuf, into: Utf8PathBuf) -> Self {
        Self { inner, state, into }
    }

    fn keep(&self, id: AttemptId) -> std::io::Result<()> {
        let disk = self.state.join("machines").join(id.to_string()).join(DISK);
        if !disk.exists() {
            return Ok(());
        }
        std::fs::create_dir_all(&self.into)?;
        let kept = self.into.join(format!("{id}.qcow2"));
        match std::fs::hard_link(disk, kept) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Hypervisor for KeepDisks {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    async fn observe(&self) -> Result<Vec<Machine>, HypervisorError> {
        self.inner.observe().await
    }

    async fn ensure(&self, spec: &MachineSpec) -> Result<(), HypervisorError> {
        self.inner.ensure(spec).await
    }

    async fn destroy(&self, id: AttemptId) -> Result<(), HypervisorError> {
        let failed = |source| HypervisorError::Failed { action: "keep the disk of", id, source };
        self.keep(id).map_err(|error| failed(Box::new(error)))?;
        self.inner.destroy(id).await
    }

    async fn console(
        &self,
        id: AttemptId,
        from: u64,
        limit: usize,
    ) -> Result<Console, HypervisorError> {
        self.inner.console(id, from, limit).await
    }

    async fn stopped(&self, id: AttemptId) -> Result<(), HypervisorError> {
        self.inner.stopped(id).await
    }

    fn boot_limit(&self) -> Duration {
        self.inner.boot_limit()
    }
}
