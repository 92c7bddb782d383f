//! Where machines live: the state directory and the datasets, checked at the start.

use camino::{Utf8Path, Utf8PathBuf};
use solstice_hypervisor::HypervisorError;
use solstice_hypervisor::folders::make_private_dir;
use solstice_illumos::zfs::{self, Dataset, Property};

use crate::config::{check_state_dir, unusable};
use crate::error::{ZonesError, describe};

/// What to do about a broken state directory.
pub(crate) const WRITABLE: &str =
    "let the state directory be on a file system that this user can write";

/// Makes the state directory, and gives the path that it will always have.
pub(crate) fn open_state_dir(path: &Utf8Path) -> Result<Utf8PathBuf, HypervisorError> {
    let broken = |error: ZonesError| unusable(describe(&error), WRITABLE);
    std::fs::create_dir_all(path).map_err(ZonesError::file("make", path)).map_err(broken)?;
    let resolved = path.canonicalize_utf8().map_err(ZonesError::file("resolve", path));
    let path = resolved.map_err(broken)?;
    check_state_dir(&path)?;
    make_private_dir(&path).map_err(ZonesError::from).map_err(broken)?;
    Ok(path)
}

/// Checks that the datasets are there, and says where zones are mounted.
pub(crate) async fn check_datasets(dataset: &Dataset) -> Result<Utf8PathBuf, HypervisorError> {
    for name in ["images", "jobs"] {
        dataset_value(dataset, name, "type").await?;
    }
    if dataset_value(dataset, "zones", "mounted").await? != "yes" {
        return Err(unusable(
            format!("{dataset}/zones is not mounted"),
            &format!("run: zfs mount {dataset}/zones"),
        ));
    }
    Ok(dataset_value(dataset, "zones", "mountpoint").await?.into())
}

async fn dataset_value(
    dataset: &Dataset,
    name: &str,
    property: &str,
) -> Result<String, HypervisorError> {
    let child = format!("{dataset}/{name}");
    let property: Property = property.parse().expect("it is one of zfs(8)");
    let values = zfs::get(&child, &[property]).await.map_err(|error| {
        unusable(
            format!("the dataset {child} cannot be used: {}", describe(&error)),
            &format!("run, as root: zfs create {child}"),
        )
    })?;
    Ok(values.into_iter().next().map(|value| value.value).unwrap_or_default())
}
