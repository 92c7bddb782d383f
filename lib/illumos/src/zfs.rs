//! ZFS: datasets, volumes, snapshots, clones, holds and user properties.
//!
//! Source: zfs(8), illumos-gate usr/src/cmd/zfs and usr/src/lib/libzfs.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use crate::error::IllumosError;
use crate::name::NameError;

/// A file system or a volume: `POOL[/COMPONENT…]`, at most 255 bytes with a
/// snapshot's name. Stricter than ZFS: no blanks, no component `.` or `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dataset(String);

/// A snapshot: `DATASET@NAME`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Snapshot {
    dataset: Dataset,
    name: String,
}

/// The name of a property: a native one, or a user property with a `:`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Property(String);

/// A property with the value that it is to get. Values have no tabs, no
/// newlines and fewer than 8,192 bytes: the parsable form could not show them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    property: Property,
    value: String,
}

/// A volume's size: a multiple of the block size of 8 KiB, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VolumeSize(NonZeroU64);

/// What a property is, and whence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its value.
    pub value: String,
    /// Where it comes from.
    pub source: Source,
}

/// Where a property's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// It was set here.
    Local,
    /// It was set further up.
    Inherited(String),
    /// Nobody set it.
    Default,
    /// It was received with a stream.
    Received,
    /// It was set by a mount option.
    Temporary,
    /// It is a fact, or the property is not set at all.
    None,
}

/// Kinds of datasets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file system.
    Filesystem,
    /// A volume.
    Volume,
    /// A snapshot.
    Snapshot,
}

/// What to list.
#[derive(Clone, Debug)]
pub struct List<'a> {
    /// Where to begin.
    pub root: &'a str,
    /// Which kinds.
    pub kinds: &'a [Kind],
    /// How deep below the root; `None` for all.
    pub depth: Option<u32>,
    /// Which properties, besides the name.
    pub properties: &'a [Property],
}

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The dataset's or snapshot's full name.
    pub name: String,
    /// The properties in the order in which they were asked for; `None` for `-`.
    pub values: Vec<Option<String>>,
}

/// Makes a sparse or a fully reserved volume.
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
    let _ = (volume, size, sparse, settings);
    todo!()
}

/// Makes a file system.
///
/// # Errors
///
/// As [`create_volume`].
pub async fn create_filesystem(
    filesystem: &Dataset,
    settings: &[Setting],
) -> Result<(), IllumosError> {
    let _ = (filesystem, settings);
    todo!()
}

/// Takes a snapshot, its properties with it in one transaction.
///
/// # Errors
///
/// [`IllumosError`]: `Exists`, `Absent`, `NoRoom`, `NotPermitted`.
pub async fn snapshot(snapshot: &Snapshot, settings: &[Setting]) -> Result<(), IllumosError> {
    let _ = (snapshot, settings);
    todo!()
}

/// Makes a clone, its properties with it in one transaction. Never with `-p`,
/// which takes any dataset of that name for the wanted one.
///
/// # Errors
///
/// [`IllumosError`]: `Exists`, `Absent`, `NoRoom`, `NotPermitted`.
pub async fn clone(
    origin: &Snapshot,
    target: &Dataset,
    settings: &[Setting],
) -> Result<(), IllumosError> {
    let _ = (origin, target, settings);
    todo!()
}

/// Destroys a dataset that has neither children nor snapshots.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `Busy` (in use, or something depends on it), `NotPermitted`.
pub async fn destroy(dataset: &Dataset) -> Result<(), IllumosError> {
    let _ = dataset;
    todo!()
}

/// Destroys a dataset with its snapshots and children, but nothing that was
/// cloned from them elsewhere (`-r`, never `-R`).
///
/// # Errors
///
/// As [`destroy`]. Part of it may be gone then.
pub async fn destroy_recursively(dataset: &Dataset) -> Result<(), IllumosError> {
    let _ = dataset;
    todo!()
}

/// Destroys a snapshot, at once or (`deferred`) when its last clone and hold is gone.
///
/// # Errors
///
/// As [`destroy`].
pub async fn destroy_snapshot(snapshot: &Snapshot, deferred: bool) -> Result<(), IllumosError> {
    let _ = (snapshot, deferred);
    todo!()
}

/// Makes a clone the owner of the snapshots it came from.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `WrongState` (no clone), `NotPermitted`.
pub async fn promote(clone: &Dataset) -> Result<(), IllumosError> {
    let _ = clone;
    todo!()
}

/// Renames a dataset within its pool.
///
/// # Errors
///
/// [`IllumosError`]: `Exists`, `Absent`, `Busy`, `NotPermitted`.
pub async fn rename(from: &Dataset, to: &Dataset) -> Result<(), IllumosError> {
    let _ = (from, to);
    todo!()
}

/// Holds a snapshot against destruction, under a tag.
///
/// # Errors
///
/// [`IllumosError`]: `Exists` (that tag), `Absent`, `NotPermitted`.
pub async fn hold(snapshot: &Snapshot, tag: &str) -> Result<(), IllumosError> {
    let _ = (snapshot, tag);
    todo!()
}

/// Releases a hold.
///
/// # Errors
///
/// [`IllumosError`]: `Absent` (snapshot or tag), `NotPermitted`.
pub async fn release(snapshot: &Snapshot, tag: &str) -> Result<(), IllumosError> {
    let _ = (snapshot, tag);
    todo!()
}

/// The tags under which a snapshot is held.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`.
pub async fn holds(snapshot: &Snapshot) -> Result<Vec<String>, IllumosError> {
    let _ = snapshot;
    todo!()
}

/// Sets properties of a dataset; native ones (`volsize`, `refreservation`) too.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `NoRoom`, `NotPermitted`, `BadName`.
pub async fn set(dataset: &str, settings: &[Setting]) -> Result<(), IllumosError> {
    let _ = (dataset, settings);
    todo!()
}

/// Reads properties of a dataset or a snapshot, in the order asked for.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `BadName`.
pub async fn get(name: &str, properties: &[Property]) -> Result<Vec<Value>, IllumosError> {
    let _ = (name, properties);
    todo!()
}

/// Lists datasets.
///
/// # Errors
///
/// [`IllumosError`]: `Absent` (the root), `BadName`.
pub async fn list(list: &List<'_>) -> Result<Vec<Row>, IllumosError> {
    let _ = list;
    todo!()
}

impl Dataset {
    /// The dataset `component` below this one.
    ///
    /// # Errors
    ///
    /// [`NameError`] if that is no name.
    pub fn child(&self, component: &str) -> Result<Dataset, NameError> {
        format!("{}/{component}", self.0).parse()
    }

    /// A snapshot of this one.
    ///
    /// # Errors
    ///
    /// [`NameError`] if that is no name.
    pub fn at(&self, name: &str) -> Result<Snapshot, NameError> {
        format!("{}@{name}", self.0).parse()
    }

    /// Its full name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The volume's character device, `/dev/zvol/rdsk/NAME`.
    pub fn raw_device(&self) -> camino::Utf8PathBuf {
        camino::Utf8Path::new("/dev/zvol/rdsk").join(&self.0)
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Dataset {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let _ = text;
        todo!()
    }
}

impl Snapshot {
    /// What it is a snapshot of.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.dataset, self.name)
    }
}

impl FromStr for Snapshot {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let _ = text;
        todo!()
    }
}

impl FromStr for Property {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let _ = text;
        todo!()
    }
}

impl Setting {
    /// A property and its value.
    ///
    /// # Errors
    ///
    /// [`NameError`] if either cannot be used.
    pub fn new(property: &str, value: impl Into<String>) -> Result<Self, NameError> {
        let _ = (property, value.into());
        todo!()
    }
}

impl VolumeSize {
    /// This many bytes, rounded up to a multiple of 8 KiB: older illumos
    /// refuses others instead of rounding.
    ///
    /// # Errors
    ///
    /// [`NameError`] for zero and for more than 2^63 bytes.
    pub fn at_least(bytes: u64) -> Result<Self, NameError> {
        let _ = bytes;
        todo!()
    }

    /// In bytes.
    pub fn bytes(self) -> u64 {
        self.0.get()
    }
}
