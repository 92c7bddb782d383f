//! What changes something.

use solstice_exec::Command;

use super::cause::RULES;
use super::name::{Dataset, Setting, Snapshot, VolumeSize};
use super::{any_name, hold_tag};
use crate::error::{Cause, IllumosError};
use crate::programs::ZFS;
use crate::run::{LONG, run};

/// Makes a sparse or a fully reserved volume.
///
/// A caller that is not root needs `create` and `mount` of the parent, for one
/// that is not sparse also `volsize`, `reservation` and `refreservation`.
///
/// # Errors
///
/// [`IllumosError`]: `Exists`, `Absent` (pool or parent), `NoRoom`, `NotPermitted`.
pub async fn create_volume(
    volume: &Dataset,
    size: VolumeSize,
    sparse: bool,
    settings: &[Setting],
) -> Result<(), IllumosError> {
    done(create_volume_command(volume, size, sparse, settings)).await
}

pub(super) fn create_volume_command(
    volume: &Dataset,
    size: VolumeSize,
    sparse: bool,
    settings: &[Setting],
) -> Command {
    let command = zfs(["create"]).args(sparse.then_some("-s"));
    with(command, settings).arg("-V").arg(size.bytes().to_string()).arg(volume.as_str())
}

/// Makes a file system.
///
/// zfs mounts it as well. If it may not, it fails although the file system is
/// there; set `canmount=off` or `mountpoint=none` where that is to be expected.
///
/// # Errors
///
/// As [`create_volume`].
pub async fn create_filesystem(
    filesystem: &Dataset,
    settings: &[Setting],
) -> Result<(), IllumosError> {
    done(create_filesystem_command(filesystem, settings)).await
}

pub(super) fn create_filesystem_command(filesystem: &Dataset, settings: &[Setting]) -> Command {
    with(zfs(["create"]), settings).arg(filesystem.as_str())
}

/// Takes a snapshot, its properties with it in one transaction.
///
/// # Errors
///
/// [`IllumosError`]: `Exists`, `Absent`, `NoRoom`, `NotPermitted`.
pub async fn snapshot(snapshot: &Snapshot, settings: &[Setting]) -> Result<(), IllumosError> {
    done(snapshot_command(snapshot, settings)).await
}

pub(super) fn snapshot_command(snapshot: &Snapshot, settings: &[Setting]) -> Command {
    with(zfs(["snapshot"]), settings).arg(snapshot.to_string())
}

/// Makes a clone, its properties with it in one transaction. Never with `-p`,
/// which takes any dataset of that name for the wanted one.
///
/// A clone reserves nothing unless `refreservation` is among the settings, and
/// that may not exceed the origin's size: grow a clone first, reserve then.
///
/// # Errors
///
/// [`IllumosError`]: `Exists`, `Absent`, `NoRoom`, `NotPermitted`.
pub async fn clone(
    origin: &Snapshot,
    target: &Dataset,
    settings: &[Setting],
) -> Result<(), IllumosError> {
    done(clone_command(origin, target, settings)).await
}

pub(super) fn clone_command(origin: &Snapshot, target: &Dataset, settings: &[Setting]) -> Command {
    with(zfs(["clone"]), settings).arg(origin.to_string()).arg(target.as_str())
}

/// Destroys a dataset that has neither children nor snapshots.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `Busy` (in use, or something depends on it), `NotPermitted`.
pub async fn destroy(dataset: &Dataset) -> Result<(), IllumosError> {
    done(destroy_command(dataset)).await
}

pub(super) fn destroy_command(dataset: &Dataset) -> Command {
    zfs(["destroy", dataset.as_str()]).timeout(LONG)
}

/// Destroys a dataset with its snapshots and children, but nothing that was
/// cloned from them elsewhere (`-r`, never `-R`). A whole pool is refused.
///
/// # Errors
///
/// As [`destroy`]. Part of it may be gone then: a volume that is in use keeps
/// itself and what is above it, not what is beside it. Clones elsewhere are
/// found beforehand.
pub async fn destroy_recursively(dataset: &Dataset) -> Result<(), IllumosError> {
    if dataset.is_pool() {
        let what = format!("{dataset} is a whole pool, which is not destroyed from here");
        return Err(IllumosError::Found { what, cause: Cause::WrongState });
    }
    done(destroy_recursively_command(dataset)).await
}

pub(super) fn destroy_recursively_command(dataset: &Dataset) -> Command {
    zfs(["destroy", "-r", dataset.as_str()]).timeout(LONG)
}

/// Destroys a snapshot, at once or (`deferred`) when its last clone and hold is gone.
///
/// # Errors
///
/// As [`destroy`].
pub async fn destroy_snapshot(snapshot: &Snapshot, deferred: bool) -> Result<(), IllumosError> {
    done(destroy_snapshot_command(snapshot, deferred)).await
}

pub(super) fn destroy_snapshot_command(snapshot: &Snapshot, deferred: bool) -> Command {
    zfs(["destroy"]).args(deferred.then_some("-d")).arg(snapshot.to_string()).timeout(LONG)
}

/// Makes a clone the owner of the snapshots it came from.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `WrongState` (no clone), `NotPermitted`.
pub async fn promote(clone: &Dataset) -> Result<(), IllumosError> {
    done(promote_command(clone)).await
}

pub(super) fn promote_command(clone: &Dataset) -> Command {
    zfs(["promote", clone.as_str()])
}

/// Renames a dataset within its pool. A volume that is open can be renamed.
///
/// # Errors
///
/// [`IllumosError`]: `Exists`, `Absent`, `Busy`, `NotPermitted`.
pub async fn rename(from: &Dataset, to: &Dataset) -> Result<(), IllumosError> {
    done(rename_command(from, to)).await
}

pub(super) fn rename_command(from: &Dataset, to: &Dataset) -> Command {
    zfs(["rename", from.as_str(), to.as_str()])
}

/// Holds a snapshot against destruction, under a tag of letters, digits and
/// `- _ . :`.
///
/// # Errors
///
/// [`IllumosError`]: `Exists` (that tag), `Absent`, `NotPermitted`, `BadName` (the tag).
pub async fn hold(snapshot: &Snapshot, tag: &str) -> Result<(), IllumosError> {
    hold_tag(tag)?;
    done(hold_command(snapshot, tag)).await
}

pub(super) fn hold_command(snapshot: &Snapshot, tag: &str) -> Command {
    zfs(["hold", tag]).arg(snapshot.to_string())
}

/// Releases a hold.
///
/// # Errors
///
/// [`IllumosError`]: `Absent` (snapshot or tag), `NotPermitted`, `BadName` (the tag).
pub async fn release(snapshot: &Snapshot, tag: &str) -> Result<(), IllumosError> {
    hold_tag(tag)?;
    done(release_command(snapshot, tag)).await
}

pub(super) fn release_command(snapshot: &Snapshot, tag: &str) -> Command {
    zfs(["release", tag]).arg(snapshot.to_string())
}

/// Sets properties of a dataset; native ones (`volsize`, `refreservation`) too.
/// Without any it does nothing.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `NoRoom`, `NotPermitted`, `BadName`. Of several
/// settings some may be in force then.
pub async fn set(dataset: &str, settings: &[Setting]) -> Result<(), IllumosError> {
    any_name(dataset)?;
    if settings.is_empty() {
        return Ok(());
    }
    done(set_command(dataset, settings)).await
}

pub(super) fn set_command(dataset: &str, settings: &[Setting]) -> Command {
    zfs(["set"]).args(settings.iter().map(Setting::to_string)).arg(dataset)
}

fn zfs<const N: usize>(arguments: [&str; N]) -> Command {
    Command::new(ZFS).args(arguments)
}

fn with(command: Command, settings: &[Setting]) -> Command {
    settings.iter().fold(command, |command, setting| command.arg("-o").arg(setting.to_string()))
}

async fn done(command: Command) -> Result<(), IllumosError> {
    run(command, RULES).await.map(drop)
}
