//! What the product expects of ZFS, as cases that run against the simulated
//! illumos host on every test, and against a real OpenZFS in a small guest by
//! `cargo xtask zfs-check`. If a case passes on one and fails on the other, the
//! simulator lies, or there is a difference between illumos and Linux that
//! [`Flavor`] has to know.
//!
//! The guest is made by `zfs-guest`; `zfs-shim`
//! stands in for `/sbin/zfs` and passes every call on to it.

mod cases;

use std::future::Future;
use std::pin::Pin;

pub use cases::CASES;
use solstice_illumos::zfs::{self, Dataset, Setting};
use solstice_illumos::{Cause, IllumosError};

/// The guest's serial port, where the simulated host's state is seen from inside.
pub const SOCKET: &str = "/run/illumos-host/zfs.sock";

/// Whose ZFS it is. The table of differences, of all that the cases touch:
///
/// | what | illumos | OpenZFS on Linux |
/// | --- | --- | --- |
/// | `refreservation` larger than the volume | refused (libzfs_dataset.c, `zfs_valid_proplist`) | accepted |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavor {
    /// illumos, simulated.
    Illumos,
    /// OpenZFS 2.1 on Linux.
    Linux,
}

/// A case: its name, and what it does below a dataset of its own.
pub type Case = (&'static str, fn(Ground) -> Pin<Box<dyn Future<Output = ()>>>);

/// Where a case may do as it likes.
#[derive(Clone, Debug)]
pub struct Ground {
    /// A file system of its own.
    pub root: Dataset,
    /// Whose ZFS it is.
    pub flavor: Flavor,
}

impl Ground {
    /// Makes the ground for a case.
    ///
    /// # Errors
    ///
    /// [`IllumosError`] if the pool does not let us.
    pub async fn prepare(case: &str, flavor: Flavor) -> Result<Self, IllumosError> {
        let root: Dataset = format!("rpool/contract-{}", case.replace('_', "-")).parse()?;
        match zfs::destroy_recursively(&root).await {
            Err(error) if error.cause() != Cause::Absent => return Err(error),
            _ => {}
        }
        zfs::create_filesystem(&root, &[Setting::new("mountpoint", "none")?]).await?;
        Ok(Self { root, flavor })
    }

    /// Runs a case from beginning to end and clears up behind it.
    ///
    /// # Errors
    ///
    /// [`IllumosError`] if the ground cannot be made.
    ///
    /// # Panics
    ///
    /// If ZFS does not do what the case expects.
    pub async fn run(case: &Case, flavor: Flavor) -> Result<(), IllumosError> {
        let ground = Self::prepare(case.0, flavor).await?;
        (case.1)(ground.clone()).await;
        zfs::destroy_recursively(&ground.root).await
    }
}
