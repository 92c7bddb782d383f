//! Names, properties and sizes that zfs(8) cannot misread.
//!
//! Source: illumos-gate usr/src/common/zfs/zfs_namecheck.c, zfs_prop.c.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use crate::name::{NameError, no_controls};

/// `ZFS_MAX_DATASET_NAME_LEN` is 256 with the terminating NUL.
const LONGEST_NAME: usize = 255;
/// `zfs_max_dataset_nesting`.
const DEEPEST: usize = 50;
/// `ZFS_MAXPROPLEN` is 8,192 with the terminating NUL.
const LONGEST_VALUE: usize = 8_191;
/// The block size of a volume that is made without `volblocksize`.
const BLOCK: u64 = 8 * 1024;

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
/// Nor is a value `-`, which reads as "not set".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    property: Property,
    value: String,
}

/// A volume's size: a multiple of the block size of 8 KiB, never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VolumeSize(NonZeroU64);

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

    /// Whether it is a whole pool.
    pub fn is_pool(&self) -> bool {
        !self.0.contains('/')
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
        let wrong = |why: &str| Err(NameError::new("dataset name", text, why));
        if text.len() > LONGEST_NAME {
            return wrong("it is longer than 255 bytes");
        }
        if text.split('/').count() > DEEPEST {
            return wrong("it has more than 50 components");
        }
        if let Some(why) = text.split('/').find_map(component_fault) {
            return wrong(why);
        }
        let pool = text.split('/').next().unwrap_or_default();
        if !pool.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return wrong("the pool's name must begin with a letter");
        }
        if is_reserved(pool) {
            return wrong("no pool may have that name");
        }
        Ok(Self(text.to_owned()))
    }
}

/// What is wrong with a component or with a snapshot's own name.
fn component_fault(name: &str) -> Option<&'static str> {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    match name {
        "" => Some("a component is empty"),
        "." | ".." => Some("a component is . or .."),
        _ if !name.chars().all(legal) => {
            Some("only letters, digits and - _ . : may occur between the slashes")
        }
        _ => None,
    }
}

/// See zfs_namecheck.c#pool_namecheck and libzfs_pool.c#zpool_name_valid.
fn is_reserved(pool: &str) -> bool {
    let mut letters = pool.chars();
    let like_a_disk =
        letters.next() == Some('c') && letters.next().is_some_and(|c| c.is_ascii_digit());
    like_a_disk
        || ["mirror", "raidz", "spare"].iter().any(|word| pool.starts_with(word))
        || pool == "log"
}

impl Snapshot {
    /// What it is a snapshot of.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// Its own name, behind the `@`.
    pub fn name(&self) -> &str {
        &self.name
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
        let wrong = |why: &str| NameError::new("snapshot name", text, why);
        let (dataset, name) = text.split_once('@').ok_or_else(|| wrong("it has no @"))?;
        if text.len() > LONGEST_NAME {
            return Err(wrong("it is longer than 255 bytes"));
        }
        if let Some(why) = component_fault(name) {
            return Err(wrong(why));
        }
        Ok(Self { dataset: dataset.parse()?, name: name.to_owned() })
    }
}

impl Property {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Property {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let wrong = |why: &str| Err(NameError::new("property name", text, why));
        let legal = |c: char| {
            c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.' | ':')
        };
        if text.is_empty() || text.len() > LONGEST_NAME {
            return wrong("it must have 1 to 255 bytes");
        }
        if !text.chars().all(legal) {
            return wrong("only lower-case letters, digits and - _ . : may occur");
        }
        if text.starts_with('-') {
            return wrong("it must not begin with -");
        }
        Ok(Self(text.to_owned()))
    }
}

impl Setting {
    /// A property and its value.
    ///
    /// # Errors
    ///
    /// [`NameError`] if either cannot be used.
    pub fn new(property: &str, value: impl Into<String>) -> Result<Self, NameError> {
        const WHAT: &str = "property value";
        let (property, value) = (property.parse()?, value.into());
        no_controls(WHAT, &value)?;
        if value.len() > LONGEST_VALUE {
            return Err(NameError::new(WHAT, &value, "it has more than 8,191 bytes"));
        }
        if value == "-" {
            return Err(NameError::new(WHAT, &value, "that reads as \"not set\""));
        }
        Ok(Self { property, value })
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.property, self.value)
    }
}

impl VolumeSize {
    /// This many bytes, rounded up to a multiple of 8 KiB: illumos before July
    /// 2024 (issue 15514) refuses others instead of rounding.
    ///
    /// # Errors
    ///
    /// [`NameError`] for zero and for more than 2^63 bytes.
    pub fn at_least(bytes: u64) -> Result<Self, NameError> {
        let wrong = |why| NameError::new("volume size", &bytes.to_string(), why);
        let rounded = bytes
            .checked_next_multiple_of(BLOCK)
            .filter(|size| *size <= 1 << 63)
            .ok_or_else(|| wrong("it is more than 2^63 bytes"))?;
        NonZeroU64::new(rounded).map(Self).ok_or_else(|| wrong("it is zero"))
    }

    /// In bytes.
    pub fn bytes(self) -> u64 {
        self.0.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datasets_are_what_zfs_and_a_strict_reader_both_take() {
        for good in ["rpool", "rpool/solstice/jobs/j-1_2.3:4", "tank/..x"] {
            assert_eq!(good.parse::<Dataset>().unwrap().to_string(), good);
        }
        let deep = vec!["a"; 51].join("/");
        let long = "a".repeat(256);
        for bad in [
            "", "/a", "a/", "a//b", "a/.", "a/..", "a b", "a/b@c", "a/b#c", "a/%b", "1a", "-a",
            "mirror", "raidz1", "c0t0", "log", "a/é", "a/\n", &deep, &long,
        ] {
            assert!(bad.parse::<Dataset>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_snapshot_cannot_name_several() {
        let snapshot: Snapshot = "rpool/golden@v1".parse().unwrap();
        assert_eq!((snapshot.dataset().as_str(), snapshot.name()), ("rpool/golden", "v1"));
        let long = format!("{}@bc", "a".repeat(253));
        for bad in ["rpool/golden", "rpool@", "rpool@a,b", "rpool@a%b", "rpool@a@b", "@a", &long] {
            assert!(bad.parse::<Snapshot>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn settings_can_be_read_back() {
        let setting = Setting::new("org.solstice:job", "a b=c").unwrap();
        assert_eq!(setting.to_string(), "org.solstice:job=a b=c");
        assert!(Setting::new("org.solstice:empty", "").is_ok());
        assert!(Setting::new("volsize", "v".repeat(8_191)).is_ok());
        for (property, value) in [
            ("Org:x", "1"),
            ("-o:x", "1"),
            ("a=b", "1"),
            ("", "1"),
            ("a:b", "1\t2"),
            ("a:b", "1\n2"),
            ("a:b", "-"),
            ("a:b", &"v".repeat(8_192)),
        ] {
            assert!(Setting::new(property, value).is_err(), "{property:?}={value:?}");
        }
    }

    #[test]
    fn sizes_are_rounded_up_to_whole_blocks() {
        let size = |bytes| VolumeSize::at_least(bytes).map(VolumeSize::bytes).ok();
        assert_eq!(size(1), Some(8_192));
        assert_eq!(size(1_000_000), Some(1_007_616));
        assert_eq!(size(1 << 63), Some(1 << 63));
        assert_eq!([size(0), size((1 << 63) + 1), size(u64::MAX)], [None; 3]);
    }
}
