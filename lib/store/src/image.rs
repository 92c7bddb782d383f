//! Golden images over time: since when each is known, and how often it was used.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, params};
use solstice_api::host::HostImage;
use solstice_model::{HostName, ImageName, Label, Sha256Digest};

use crate::column::{Columns as _, json, millis};
use crate::error::StoreError;
use crate::store::Store;
use crate::writer::Tx;

/// The most images that are listed.
const MAX_IMAGES: i64 = 4096;

/// A golden image over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageUse {
    /// Its name.
    pub name: ImageName,
    /// The digest of its lock.
    pub digest: Sha256Digest,
    /// When a host first told of it.
    pub first_seen_at: DateTime<Utc>,
    /// How many attempts were given to a host for it.
    pub uses: u64,
    /// When the last was.
    pub used_at: Option<DateTime<Utc>>,
}

impl Store {
    /// The golden images that hosts have told of, by name; the newest first.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn image_uses(&self) -> Result<Vec<ImageUse>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT name, digest, first_seen_at, uses, used_at FROM image_use \
                       ORDER BY name, first_seen_at DESC, digest LIMIT ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([MAX_IMAGES], |row| {
                Ok(ImageUse {
                    name: row.word(0)?,
                    digest: row.word(1)?,
                    first_seen_at: row.time(2)?,
                    uses: row.get(3)?,
                    used_at: row.maybe_time(4)?,
                })
            })?;
            rows.map(|row| Ok(row?)).collect()
        })
        .await
    }
}

/// Notes the images of a host, if they are not those of its last report.
pub(crate) fn seen(
    tx: &Tx<'_>,
    host: &HostName,
    images: &[HostImage],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let known: Option<String> = tx
        .prepare_cached("SELECT images FROM host WHERE name = ?1")?
        .query_row([host.as_str()], |row| row.get(0))
        .optional()?;
    if known.is_some_and(|known| known == json(&images)) {
        return Ok(());
    }
    let mut statement = tx.prepare_cached(
        "INSERT OR IGNORE INTO image_use (name, digest, first_seen_at) VALUES (?1, ?2, ?3)",
    )?;
    for image in images {
        statement.execute(params![image.name.as_str(), image.digest.to_string(), millis(now)])?;
    }
    Ok(())
}

/// Counts one more attempt that was given to a host for a label: the host's first
/// image that has it.
pub(crate) fn used(
    tx: &Tx<'_>,
    host: &HostName,
    label: &Label,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let images: Option<Vec<HostImage>> = tx
        .prepare_cached("SELECT images FROM host WHERE name = ?1")?
        .query_row([host.as_str()], |row| row.data(0))
        .optional()?;
    let images = images.unwrap_or_default();
    let Some(image) = images.iter().find(|image| image.labels.contains(label)) else {
        return Ok(());
    };
    tx.prepare_cached(
        "INSERT INTO image_use (name, digest, first_seen_at, uses, used_at) \
         VALUES (?1, ?2, ?3, 1, ?3) ON CONFLICT (name, digest) DO UPDATE SET \
         uses = uses + 1, used_at = max(coalesce(used_at, 0), excluded.used_at)",
    )?
    .execute(params![image.name.as_str(), image.digest.to_string(), millis(now)])?;
    Ok(())
}
