//! QEMU, on Linux.

use std::sync::Arc;

use solstice_config::orchestrator::{self as given, QemuSettings};
use solstice_host::ENDPOINT_FILE;
use solstice_hypervisor_qemu::{Accelerator, QemuConfig, QemuHypervisor, UefiFirmware};

use super::{Opened, Place};
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
    let opened = QemuHypervisor::open(qemu, place.images).await.map_err(Failure::Hypervisor)?;
    let verdict = opened.verdict();
    let how = format!("{:?}, {}", verdict.engine, verdict.why).to_lowercase();
    Ok(Opened { how, hypervisor: Arc::new(opened) })
}
