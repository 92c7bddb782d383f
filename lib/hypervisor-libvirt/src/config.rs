//! What the backend is told, and the check of what can be checked without libvirt.

use camino::Utf8PathBuf;
use solstice_hypervisor::HypervisorError;
use solstice_hypervisor::folders::make_private_dir;
use solstice_model::HostName;

use crate::error::{LibvirtError, describe, unusable};
use solstice_hypervisor::Subnet;

/// What runs a guest's instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// The processor itself.
    Kvm,
    /// QEMU's translator: slow, and works everywhere.
    Tcg,
}

/// Which engine the machines are to run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// KVM if a probe guest makes progress with it, TCG otherwise.
    Auto,
    /// KVM, unprobed.
    Kvm,
    /// TCG.
    Tcg,
}

/// What the backend is told.
#[derive(Clone, Debug)]
pub struct LibvirtConfig {
    /// An absolute path to this host's own directory; made if it does not exist.
    /// Machines live in `machines/<id>` below it.
    pub state_dir: Utf8PathBuf,
    /// The host's name; it marks what is ours.
    pub host: HostName,
    /// Where libvirtd is: a connection URI of its QEMU driver, privileged.
    pub uri: String,
    /// The network that guests and host share; nobody else on this computer may use it.
    pub network: Subnet,
    /// The file in which the agent API says where it listens.
    pub endpoint_file: Utf8PathBuf,
    /// Which engine to use.
    pub accelerator: Accelerator,
    /// QEMU's disk tool.
    pub qemu_img: Utf8PathBuf,
}

impl LibvirtConfig {
    /// A configuration for the system's libvirtd, 10.78.0.0/24 and [`Accelerator::Auto`].
    pub fn new(
        state_dir: impl Into<Utf8PathBuf>,
        host: HostName,
        endpoint_file: impl Into<Utf8PathBuf>,
    ) -> Self {
        Self {
            state_dir: state_dir.into(),
            host,
            uri: "qemu:///system".to_owned(),
            network: Subnet::new([10, 78, 0, 0].into(), 24).expect("it is one"),
            endpoint_file: endpoint_file.into(),
            accelerator: Accelerator::Auto,
            qemu_img: "/usr/bin/qemu-img".into(),
        }
    }

    /// Makes the state directory and writes its path the one way; checks the rest.
    pub(crate) fn prepare(mut self) -> Result<Self, HypervisorError> {
        if !self.state_dir.is_absolute() {
            return Err(unusable(
                format!("the state directory {:?} is not an absolute path", self.state_dir),
                "write it as an absolute path",
            ));
        }
        if !self.qemu_img.is_file() {
            return Err(unusable(
                format!("there is no {}", self.qemu_img),
                "apt-get install qemu-utils",
            ));
        }
        self.state_dir = self.make_state_dir().map_err(|error| {
            let remedy = "let the state directory be on a file system that this user can write";
            unusable(describe(&error), remedy)
        })?;
        Ok(self)
    }

    fn make_state_dir(&self) -> Result<Utf8PathBuf, LibvirtError> {
        let path = &self.state_dir;
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(LibvirtError::file("make", parent))?;
        }
        make_private_dir(path)?;
        path.canonicalize_utf8().map_err(LibvirtError::file("resolve", path))
    }
}
