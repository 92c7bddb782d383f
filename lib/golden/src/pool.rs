//! The golden volumes of a dataset.

use solstice_illumos::zfs::{self, Dataset, Kind, List, Property, Snapshot};
use solstice_illumos::{Cause, NameError};
use solstice_model::{ImageName, Sha256Digest};

use crate::error::GoldenError;

/// The user property with the digest of the locked file.
pub(crate) const DIGEST: &str = "org.solstice:sha256";
/// The user property with the image's name.
pub(crate) const IMAGE: &str = "org.solstice:image";
/// The tag under which golden snapshots are held, so that nobody destroys one by accident.
pub(crate) const HOLD: &str = "solstice";
/// The name of every golden snapshot.
pub(crate) const SNAPSHOT: &str = "golden";

/// How many hexadecimal digits of the digest are in a volume's name: as many
/// as make two of one name impossible, and a name that can still be read.
const NAME_DIGITS: usize = 32;

/// The folder of golden volumes below a host's dataset.
#[derive(Clone, Debug)]
pub struct Pool {
    images: Dataset,
}

/// A golden image that is in the pool, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Golden {
    /// What machines are cloned from.
    pub snapshot: Snapshot,
    /// The digest of the locked file that it was made of.
    pub digest: Sha256Digest,
    /// The image's name when it was imported.
    pub image: Option<ImageName>,
    /// How many bytes of the pool it refers to.
    pub bytes: u64,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// The clones that live on it.
    pub clones: Vec<String>,
}

impl Pool {
    /// The golden volumes of the dataset that the host was given.
    ///
    /// # Errors
    ///
    /// [`NameError`] if the names would be too long.
    pub fn of(dataset: &Dataset) -> Result<Self, NameError> {
        Ok(Self { images: dataset.child("images")? })
    }

    /// The dataset above the volumes.
    pub fn images(&self) -> &Dataset {
        &self.images
    }

    /// The volume of the image with this digest.
    ///
    /// # Errors
    ///
    /// [`NameError`] if its name would be too long.
    pub fn volume(&self, digest: &Sha256Digest) -> Result<Dataset, NameError> {
        self.images.child(&short(digest))
    }

    /// The volume of an import that is not done.
    pub(crate) fn partial(&self, digest: &Sha256Digest) -> Result<Dataset, NameError> {
        self.images.child(&format!("{}.partial", short(digest)))
    }

    /// The golden image with this digest, if it is there, whole.
    ///
    /// # Errors
    ///
    /// [`GoldenError`] if that cannot be found out.
    pub async fn find(&self, digest: &Sha256Digest) -> Result<Option<Golden>, GoldenError> {
        let volume = self.volume(digest)?;
        let found = rows(volume.as_str()).await?;
        Ok(found.into_iter().find(|golden| golden.digest == *digest))
    }

    /// Every golden image.
    ///
    /// # Errors
    ///
    /// [`GoldenError`] if they cannot be listed.
    pub async fn list(&self) -> Result<Vec<Golden>, GoldenError> {
        rows(self.images.as_str()).await
    }

    /// Removes a golden image on which no machine lives.
    ///
    /// # Errors
    ///
    /// [`GoldenError::InUse`], or why it cannot be removed.
    pub async fn remove(&self, golden: &Golden) -> Result<(), GoldenError> {
        if !golden.clones.is_empty() {
            let (name, clones) = (golden.snapshot.to_string(), golden.clones.clone());
            return Err(GoldenError::InUse { name, clones });
        }
        match zfs::release(&golden.snapshot, HOLD).await {
            Err(error) if error.cause() != Cause::Absent => {
                return Err(GoldenError::zfs("release", &golden.snapshot)(error));
            }
            _ => {}
        }
        let volume = golden.snapshot.dataset();
        // A clone that was made since then stops it: `-r` spares what was cloned.
        match zfs::destroy_recursively(volume).await {
            Err(error) if error.cause() != Cause::Absent => {
                // Whatever lives on it is to be protected as before.
                let _gone = zfs::hold(&golden.snapshot, HOLD).await;
                Err(GoldenError::zfs("destroy", volume)(error))
            }
            _ => Ok(()),
        }
    }
}

fn short(digest: &Sha256Digest) -> String {
    digest.to_string().trim_start_matches("sha256:").chars().take(NAME_DIGITS).collect()
}

/// The golden snapshots at and below `root`; none if there is no such dataset.
async fn rows(root: &str) -> Result<Vec<Golden>, GoldenError> {
    let properties: Vec<Property> = [DIGEST, IMAGE, "referenced", "creation", "clones"]
        .into_iter()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    let list = List { root, kinds: &[Kind::Snapshot], depth: None, properties: &properties };
    match zfs::list(&list).await {
        Ok(rows) => Ok(rows.into_iter().filter_map(golden).collect()),
        Err(error) if error.cause() == Cause::Absent => Ok(Vec::new()),
        Err(error) => Err(GoldenError::zfs("list", root)(error)),
    }
}

/// A row of the list, unless it is not one of ours.
fn golden(row: zfs::Row) -> Option<Golden> {
    let [digest, image, referenced, created, clones] = row.values.try_into().ok()?;
    let snapshot: Snapshot = row.name.parse().ok()?;
    // An import that was cut off after its snapshot still has its other name.
    if !row.name.ends_with(&format!("@{SNAPSHOT}")) || row.name.contains(".partial@") {
        return None;
    }
    let number = |text: Option<String>| text.and_then(|text| text.parse().ok()).unwrap_or(0);
    let clones = clones.unwrap_or_default();
    Some(Golden {
        snapshot,
        digest: digest?.parse().ok()?,
        image: image.and_then(|name| name.parse().ok()),
        bytes: number(referenced),
        created: number(created),
        clones: clones.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, digest: Option<&str>, clones: Option<&str>) -> zfs::Row {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let values =
            vec![own(digest), own(Some("tiny")), own(Some("42")), own(Some("7")), own(clones)];
        zfs::Row { name: name.to_owned(), values }
    }

    #[test]
    fn only_whole_images_of_ours_are_golden() {
        let digest = Sha256Digest::of(b"disk").to_string();
        let found =
            golden(row("rpool/s/images/ab@golden", Some(&digest), Some("p/a,p/b"))).unwrap();
        assert_eq!(found.clones, ["p/a", "p/b"]);
        assert_eq!((found.bytes, found.created), (42, 7));
        for other in [
            row("rpool/s/images/ab@backup", Some(&digest), None),
            row("rpool/s/images/ab.partial@golden", Some(&digest), None),
            row("rpool/s/images/ab@golden", None, None),
            row("rpool/s/images/ab@golden", Some("sha256:12"), None),
        ] {
            assert_eq!(golden(other.clone()), None, "{other:?}");
        }
    }
}
