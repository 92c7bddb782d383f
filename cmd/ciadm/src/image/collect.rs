//! Removing what nobody uses.

use std::collections::BTreeSet;

use solstice_golden::{Golden, GoldenError, Pool};
use solstice_illumos::Cause;

use super::Place;
use crate::failure::Failure;

/// Removes versions that are not current from the pool and from the store.
/// What machines live on stays, in both.
pub(crate) async fn collect(place: &Place, dry_run: bool) -> Result<(), Failure> {
    let store = place.folder.store();
    let stored = store.list()?;
    let current = stored.iter().filter(|stored| stored.current);
    let wanted: BTreeSet<_> =
        current.map(|stored| stored.lock.files.disk.sha256.to_string()).collect();
    let mut busy = BTreeSet::new();
    if let Some(pool) = place.pool()? {
        for golden in pool.list().await? {
            let digest = golden.digest.to_string();
            if !wanted.contains(&digest) && !remove(&pool, &golden, dry_run).await? {
                busy.insert(digest);
            }
        }
    }
    for old in stored.iter().filter(|stored| !stored.current) {
        let digest = old.lock.files.disk.sha256.to_string();
        if !wanted.contains(&digest) && !busy.contains(&digest) {
            println!("{} {}", old.lock.name, old.version);
            if !dry_run {
                store.remove(old)?;
            }
        }
    }
    Ok(())
}

/// Removes a golden image; says whether nothing stood in the way.
async fn remove(pool: &Pool, golden: &Golden, dry_run: bool) -> Result<bool, Failure> {
    if !golden.clones.is_empty() {
        println!("{} stays: {} machines live on it", golden.snapshot, golden.clones.len());
        return Ok(false);
    }
    println!("{}", golden.snapshot);
    if dry_run {
        return Ok(true);
    }
    match pool.remove(golden).await {
        Ok(()) => Ok(true),
        // A machine was made of it in this moment.
        Err(GoldenError::Zfs { source, .. }) if source.cause() == Cause::Busy => Ok(false),
        Err(error) => Err(error.into()),
    }
}
