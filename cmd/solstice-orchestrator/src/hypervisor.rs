//! The one place where a hypervisor is chosen: a module per kind.

#[cfg(feature = "libvirt")]
mod libvirt;
#[cfg(target_os = "linux")]
mod qemu;
mod zones;

use std::sync::Arc;

use camino::Utf8Path;
use solstice_config::OrchestratorConfig;
use solstice_config::orchestrator::HypervisorConfig;
use solstice_hypervisor::{Hypervisor, HypervisorError};
use solstice_image::VerifiedImage;

use crate::failure::Failure;

/// A hypervisor that has been found to work, and a word about how.
pub(crate) struct Opened {
    pub(crate) hypervisor: Arc<dyn Hypervisor>,
    pub(crate) how: String,
}

/// What a hypervisor is opened with.
pub(crate) struct Place<'a> {
    /// The whole configuration.
    pub(crate) config: &'a OrchestratorConfig,
    /// The data directory.
    pub(crate) data: &'a Utf8Path,
    /// The golden images, at least one.
    pub(crate) images: &'a [VerifiedImage],
    /// Whether guests are to be served: `check` only looks, while another
    /// process may be serving them.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "only QEMU's bridge asks"))]
    pub(crate) serve: bool,
}

/// Opens the configured hypervisor below the data directory.
pub(crate) async fn open(place: &Place<'_>) -> Result<Opened, Failure> {
    match &place.config.hypervisor {
        #[cfg(target_os = "linux")]
        HypervisorConfig::Qemu(settings) => qemu::open(place, settings).await,
        #[cfg(not(target_os = "linux"))]
        HypervisorConfig::Qemu(_) => Err(unusable("QEMU is driven on Linux only")),
        HypervisorConfig::Zones(settings) => zones::open(place, settings).await,
        #[cfg(feature = "libvirt")]
        HypervisorConfig::Libvirt(settings) => libvirt::open(place, settings).await,
        #[cfg(not(feature = "libvirt"))]
        HypervisorConfig::Libvirt(_) => {
            Err(unusable("this program was built without its feature `libvirt`"))
        }
    }
}

fn unusable(what: &str) -> Failure {
    let remedy = "configure another hypervisor, or use a program that has this one".to_owned();
    Failure::Hypervisor(HypervisorError::Unusable { what: what.to_owned(), remedy })
}
