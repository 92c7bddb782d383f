//! QEMU, on Linux.

use std::sync::Arc;

use solstice_config::orchestrator::{self as given, QemuNetwork, QemuSettings};
use solstice_host::ENDPOINT_FILE;
use solstice_hypervisor::Subnet;
use solstice_hypervisor_qemu::{
    Accelerator, BridgeConfig, Network, QemuConfig, QemuHypervisor, UefiFirmware,
};

use super::{Opened, Place, unusable};
use crate::failure::Failure;
use crate::settings::utf8;

/// Opens it.
pub(super) async fn open(place: &Place<'_>, settings: &QemuSettings) -> Result<Opened, Failure> {
    let this = std::env::current_exe()
        .map_err(|source| Failure::System { what: "find this program's own file", source })?;
    let endpoint_file = place.data.join(ENDPOINT_FILE);
    let relay = [utf8(&this)?.into_string(), "guest-relay".to_owned(), endpoint_file.into_string()];
    let mut qemu = QemuConfig::new(place.data.join("qemu"), place.config.host.clone(), relay);
    qemu.accelerator = match settings.accelerator {
        given::Accelerator::Auto => Accelerator::Auto,
        given::Accelerator::Kvm => Accelerator::Kvm,
        given::Accelerator::Tcg => Accelerator::Tcg,
    };
    if let Some(path) = &settings.qemu {
        qemu.qemu = utf8(path)?;
    }
    if let Some(path) = &settings.qemu_img {
        qemu.qemu_img = utf8(path)?;
    }
    if let Some(files) = &settings.uefi {
        qemu.uefi = Some(UefiFirmware { code: utf8(&files.code)?, vars: utf8(&files.vars)? });
    }
    qemu.network = network(place, settings)?;
    let opened = QemuHypervisor::open(qemu, place.images).await.map_err(Failure::Hypervisor)?;
    let verdict = opened.verdict();
    let engine = format!("{:?}, {}", verdict.engine, verdict.why).to_lowercase();
    let how = format!("{engine}; {}", opened.network());
    Ok(Opened { how, hypervisor: Arc::new(opened) })
}

/// What the machines are to be connected to.
fn network(place: &Place<'_>, settings: &QemuSettings) -> Result<Network, Failure> {
    let subnet = Subnet::new(settings.subnet.base, settings.subnet.prefix)
        .ok_or_else(|| unusable("the network of the configuration is none"))?;
    let endpoint_file = place.data.join(ENDPOINT_FILE);
    let bridge = BridgeConfig { subnet, endpoint_file, serve: place.serve };
    Ok(match settings.network {
        QemuNetwork::Auto => Network::Auto(bridge),
        QemuNetwork::User => Network::User,
        QemuNetwork::Bridge => Network::Bridge(bridge),
    })
}
