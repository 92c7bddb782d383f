//! Zones, on illumos.

use std::sync::Arc;

use camino::Utf8PathBuf;
use solstice_config::orchestrator::{self as given, ZonesSettings};
use solstice_host::ENDPOINT_FILE;
use solstice_hypervisor_zones::{Brand, Network, ZonesConfig, ZonesHypervisor};
use solstice_illumos::privileges::{Dropped, drop_unneeded};

use super::{Opened, Place, unusable};
use crate::failure::Failure;
use crate::settings::utf8;

/// The program that keeps consoles, and where packages put it.
const CONSOLE: &str = "solstice-console";
const PACKAGED: &str = "/usr/lib/solstice";

/// Gives up what is not needed, and opens it.
pub(super) async fn open(place: &Place<'_>, settings: &ZonesSettings) -> Result<Opened, Failure> {
    let dropped =
        drop_unneeded().map_err(|source| Failure::System { what: "give up privileges", source })?;
    let dataset = settings.dataset.parse().map_err(|error| unusable(&format!("{error}")))?;
    let config = ZonesConfig {
        dataset,
        host: place.config.host.clone(),
        state_dir: place.data.join("zones"),
        network: Network { base: settings.network.base, prefix: settings.network.prefix },
        brand: match settings.brand {
            given::Brand::OmniOs => Brand::OmniOs,
            given::Brand::OpenIndiana => Brand::OpenIndiana,
        },
        endpoint_file: place.data.join(ENDPOINT_FILE),
        capture: vec![console()?.into_string()],
        reserve: settings.reserve,
    };
    let opened = ZonesHypervisor::open(config, place.images).await.map_err(Failure::Hypervisor)?;
    let without = match dropped {
        Dropped::These(privileges) => format!(", without {}", privileges.join(",")),
        Dropped::NotHere => String::new(),
    };
    let how = format!("below {}{without}", settings.dataset);
    Ok(Opened { how, hypervisor: Arc::new(opened) })
}

/// Beside this program, where it was built, or where packages put it.
fn console() -> Result<Utf8PathBuf, Failure> {
    let this = std::env::current_exe()
        .map_err(|source| Failure::System { what: "find this program's own file", source })?;
    let beside = utf8(&this)?.with_file_name(CONSOLE);
    let packaged = Utf8PathBuf::from(PACKAGED).join(CONSOLE);
    Ok(if beside.is_file() { beside } else { packaged })
}
