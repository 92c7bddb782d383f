//! Where machines live: the state directory and the datasets, checked at the start.

use camino::{Utf8Path, Utf8PathBuf};
use solstice_hypervisor::HypervisorError;
use solstice_hypervisor::folders::make_private_dir;
use solstice_illumos::zfs::{self, Dataset, Kind, List, Property};

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
    let properties: [Property; 2] =
        ["mounted", "mountpoint"].map(|it| it.parse().expect("it is one of zfs(8)"));
    let (root, kinds) = (dataset.as_str(), [Kind::Filesystem]);
    let list = List { root, kinds: &kinds, depth: Some(1), properties: &properties };
    let rows = zfs::list(&list).await.map_err(|error| {
        unusable(
            format!("the dataset {dataset} cannot be used: {}", describe(&error)),
            "correct its name, or make it as docs/illumos.md says",
        )
    })?;
    let values = |name: &str| {
        let child = format!("{dataset}/{name}");
        let row = rows.iter().find(|row| row.name == child);
        row.map(|row| row.values.as_slice()).ok_or_else(|| {
            let what = format!("there is no file system {child}");
            unusable(what, &format!("run, as root: zfs create {child}"))
        })
    };
    values("images")?;
    values("jobs")?;
    match values("zones")? {
        [Some(mounted), Some(path)] if mounted == "yes" => Ok(path.into()),
        _ => Err(unusable(
            format!("{dataset}/zones is not mounted"),
            &format!("run, as root: zfs mount {dataset}/zones"),
        )),
    }
}
