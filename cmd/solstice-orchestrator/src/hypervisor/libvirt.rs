//! libvirt, on Linux, in programs that were built with it.

use std::sync::Arc;

use solstice_config::orchestrator::{self as given, LibvirtSettings};
use solstice_host::ENDPOINT_FILE;
use solstice_hypervisor_libvirt::{Accelerator, LibvirtConfig, LibvirtHypervisor, Subnet};

use super::{Opened, Place, unusable};
use crate::failure::Failure;

/// Opens it.
pub(super) async fn open(place: &Place<'_>, settings: &LibvirtSettings) -> Result<Opened, Failure> {
    let endpoint_file = place.data.join(ENDPOINT_FILE);
    let state_dir = place.data.join("libvirt");
    let mut libvirt = LibvirtConfig::new(state_dir, place.config.host.clone(), endpoint_file);
    libvirt.uri.clone_from(&settings.uri);
    libvirt.network = Subnet::new(settings.network.base, settings.network.prefix)
        .ok_or_else(|| unusable("the network of the configuration is none"))?;
    libvirt.accelerator = match settings.accelerator {
        given::Accelerator::Auto => Accelerator::Auto,
        given::Accelerator::Kvm => Accelerator::Kvm,
        given::Accelerator::Tcg => Accelerator::Tcg,
    };
    let opened = LibvirtHypervisor::open(libvirt).await.map_err(Failure::Hypervisor)?;
    let verdict = opened.verdict();
    let how = format!("{:?}, {}", verdict.engine, verdict.why).to_lowercase();
    Ok(Opened { how, hypervisor: Arc::new(opened) })
}
