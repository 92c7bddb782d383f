//! The golden image that a machine is cloned from.

use std::io;

use solstice_golden::Pool;
use solstice_illumos::zfs::{self, Dataset, Property, Snapshot};
use solstice_image::{ImageError, VerifiedImage};

use crate::error::ZonesError;

/// A golden image that is in the pool, of just the locked bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Golden {
    /// What to clone.
    pub(crate) snapshot: Snapshot,
    /// The size of its disk, in bytes.
    pub(crate) bytes: u64,
}

/// Finds an image's golden snapshot by the digest in its lock (invariant I11).
pub(crate) async fn find(dataset: &Dataset, image: &VerifiedImage) -> Result<Golden, ZonesError> {
    let pool = Pool::of(dataset)?;
    let digest = &image.disk.sha256;
    let Some(found) = pool.find(digest).await? else {
        let why = format!(
            "it was not imported, or is not what the lock says; run: \
             pfexec ciadm image import --dataset {dataset} {}",
            image.name
        );
        let path = pool.volume(digest)?.to_string().into();
        let source = io::Error::new(io::ErrorKind::NotFound, why);
        return Err(ImageError::Read { path, source }.into());
    };
    let snapshot = found.snapshot;
    // Of the volume: not every illumos tells it of a snapshot.
    let volume = snapshot.dataset();
    let property: Property = "volsize".parse()?;
    let values = zfs::get(volume.as_str(), &[property]).await;
    let values = values.map_err(ZonesError::system("look at", volume))?;
    let bytes = values.first().and_then(|size| size.value.parse().ok());
    let bytes =
        bytes.ok_or_else(|| ZonesError::NotBootable { why: format!("{volume} is no volume") })?;
    Ok(Golden { snapshot, bytes })
}
