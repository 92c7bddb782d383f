//! The one place where a hypervisor is chosen.

use std::sync::Arc;

use camino::Utf8Path;
use solstice_config::OrchestratorConfig;
use solstice_config::orchestrator::HypervisorConfig;
use solstice_host::ENDPOINT_FILE;
use solstice_hypervisor::Hypervisor;
use solstice_image::VerifiedImage;

use crate::failure::Failure;

/// A hypervisor that has been found to work, and a word about how.
pub(crate) struct Opened {
    pub(crate) hypervisor: Arc<dyn Hypervisor>,
    pub(crate) how: String,
}

/// Opens the configured hypervisor below the data directory.
pub(crate) async fn open(
    config: &OrchestratorConfig,
    data: &Utf8Path,
    image: &VerifiedImage,
) -> Result<Opened, Failure> {
    match &config.hypervisor {
        HypervisorConfig::Qemu(settings) => qemu(config, settings, data, image).await,
    }
}

#[cfg(target_os = "linux")]
async fn qemu(
    config: &OrchestratorConfig,
    settings: &solstice_config::orchestrator::QemuSettings,
    data: &Utf8Path,
    image: &VerifiedImage,
) -> Result<Opened, Failure> {
    use solstice_config::orchestrator as given;
    use solstice_hypervisor_qemu::{Accelerator, QemuConfig, QemuHypervisor};

    use crate::settings::utf8;

    let this = std::env::current_exe()
        .map_err(|source| Failure::System { what: "find this program's own file", source })?;
    let endpoint_file = data.join(ENDPOINT_FILE);
    let relay = [utf8(&this)?.into_string(), "guest-relay".to_owned(), endpoint_file.into_string()];
    let mut qemu = QemuConfig::new(data.join("qemu"), config.host.clone(), relay);
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
    let opened = QemuHypervisor::open(qemu, image).await.map_err(Failure::Hypervisor)?;
    let verdict = opened.verdict();
    let how = format!("{:?}, {}", verdict.engine, verdict.why).to_lowercase();
    Ok(Opened { how, hypervisor: Arc::new(opened) })
}

#[cfg(not(target_os = "linux"))]
async fn qemu(
    _config: &OrchestratorConfig,
    _settings: &solstice_config::orchestrator::QemuSettings,
    _data: &Utf8Path,
    _image: &VerifiedImage,
) -> Result<Opened, Failure> {
    Err(Failure::Hypervisor(solstice_hypervisor::HypervisorError::Unusable {
        what: "QEMU is driven on Linux only".to_owned(),
        remedy: "configure a hypervisor of this system".to_owned(),
    }))
}
