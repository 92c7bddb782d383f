//! The folder of a host's images: several versions of each, one of them current.
//!
//! ```text
//! STORE/NAME/<12 hex digits of the disk's published digest>/image.lock
//!                                                           disk.raw.zst
//!                                                           solstice-agent
//! STORE/NAME/current -> <12 hex digits>
//! STORE/.downloads/<64 hex digits>.part
//! ```
//!
//! A version appears whole, by one rename, and never changes afterwards. The
//! configuration of a host names `STORE/NAME/current/image.lock`.

mod version;

pub(crate) use version::virtual_bytes;

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use solstice_model::{ImageName, Sha256Digest};

use crate::lock::{Firmware, ImageError, Lock, SeedFormat};

/// Where downloads lie until they are a version's.
const DOWNLOADS: &str = ".downloads";
/// The link to the version that hosts use.
const CURRENT: &str = "current";
/// How many digits of the disk's digest name a version.
const VERSION_DIGITS: usize = 12;

/// The folder of images.
#[derive(Clone, Debug)]
pub struct Store {
    root: Utf8PathBuf,
}

/// A version of an image.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its folder's name: the first digits of the disk's digest, as it was published.
    pub version: String,
    /// What it is.
    pub lock: Lock,
    /// Whether it is the one that hosts use.
    pub current: bool,
}

/// A disk that somebody else made, to be locked as it is.
#[derive(Clone, Debug)]
pub struct NewImage {
    /// The image's name.
    pub name: ImageName,
    /// The disk's file.
    pub disk: Utf8PathBuf,
    /// How the disk is written into it.
    pub format: Published,
    /// The digest that its maker published.
    pub sha256: Sha256Digest,
    /// Which firmware starts it.
    pub firmware: Firmware,
    /// What it reads to learn who it is.
    pub seed: SeedFormat,
    /// The agent for it, if it has none.
    pub agent: Option<Utf8PathBuf>,
}

/// How a disk is written into the file that its maker publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// The disk's bytes as they are.
    Raw,
    /// The disk's bytes, compressed by zstd; kept so.
    RawZstd,
    /// QEMU's own format.
    Qcow2,
    /// The same, compressed by zstd; unpacked into the store.
    Qcow2Zstd,
}

/// What can go wrong with the folder.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder cannot be used.
    #[error("cannot {action} {path}")]
    File {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: Utf8PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file is not what it should be.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A disk cannot be used as an image.
    #[error("{path} is no disk for an image: {why}")]
    Unfit {
        /// The file.
        path: Utf8PathBuf,
        /// Why not.
        why: String,
    },
    /// There is no such image or version.
    #[error("there is no image {name} with a version {version:?} in {root}; there are: {known}")]
    NoSuch {
        /// The folder of images.
        root: Utf8PathBuf,
        /// The image.
        name: ImageName,
        /// The version.
        version: String,
        /// What there is.
        known: String,
    },
    /// Several versions, and none was chosen.
    #[error("the image {name} has several versions: {known}; say which one")]
    Several {
        /// The image.
        name: ImageName,
        /// The versions.
        known: String,
    },
    /// The version that hosts use cannot be removed.
    #[error("{name} {version} is the current one; promote another one first")]
    Current {
        /// The image.
        name: ImageName,
        /// The version.
        version: String,
    },
}

fn failed(action: &'static str, path: &Utf8Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::File { action, path, source }
}

impl Store {
    /// The images below a folder.
    pub fn at(root: impl Into<Utf8PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder for downloads, in the store's own file system.
    pub fn downloads(&self) -> Utf8PathBuf {
        self.root.join(DOWNLOADS)
    }

    /// Brings a disk into the store, compares it with the digest that is given,
    /// and writes its lock. The first version of an image becomes current.
    ///
    /// A disk is copied, unless it lies in the folder for downloads.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; nothing is left then.
    pub fn add(&self, new: &NewImage) -> Result<Stored, StoreError> {
        let version = Self::version_of(new.sha256);
        let folder = self.root.join(new.name.as_str());
        std::fs::create_dir_all(&folder).map_err(failed("make", &folder))?;
        let place = folder.join(&version);
        if !place.exists() {
            let draft = folder.join(format!(".{version}.new"));
            remove(&draft)?;
            let made = version::write(new, &draft, new.disk.starts_with(self.downloads()));
            if made.is_err() {
                // What matters more is why it failed.
                let _rest = remove(&draft);
            }
            made?;
            std::fs::rename(&draft, &place).map_err(failed("make", &place))?;
            let synced = std::fs::File::open(&folder).and_then(|folder| folder.sync_all());
            synced.map_err(failed("write", &folder))?;
        }
        if self.current(&new.name)?.is_none() {
            self.promote(&new.name, &version)?;
        }
        self.find(&new.name, Some(&version))
    }

    /// What the version of a disk with this published digest is called.
    pub fn version_of(published: Sha256Digest) -> String {
        published.hex().chars().take(VERSION_DIGITS).collect()
    }

    /// Every version of every image, by name and version.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a folder cannot be read or a lock is none.
    pub fn list(&self) -> Result<Vec<Stored>, StoreError> {
        let mut all = Vec::new();
        for name in folders(&self.root)? {
            if let Ok(name) = name.parse() {
                all.extend(self.versions(&name)?);
            }
        }
        Ok(all)
    }

    /// The version of an image: the one that is said, else the only one there is.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuch`], [`StoreError::Several`].
    pub fn find(&self, name: &ImageName, version: Option<&str>) -> Result<Stored, StoreError> {
        let mut all = self.versions(name)?;
        let known = all.iter().map(|it| it.version.clone()).collect::<Vec<_>>().join(" ");
        match version {
            Some(version) => all.retain(|stored| stored.version == version),
            None if all.len() > 1 => return Err(StoreError::Several { name: name.clone(), known }),
            None => {}
        }
        all.pop().ok_or_else(|| StoreError::NoSuch {
            root: self.root.clone(),
            name: name.clone(),
            version: version.unwrap_or_default().to_owned(),
            known: if known.is_empty() { "none".to_owned() } else { known },
        })
    }

    /// The version that hosts use.
    ///
    /// # Errors
    ///
    /// [`StoreError::File`].
    pub fn current(&self, name: &ImageName) -> Result<Option<String>, StoreError> {
        let link = self.root.join(name.as_str()).join(CURRENT);
        match link.read_link_utf8() {
            Ok(target) => Ok(Some(target.into_string())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("read", &link)(error)),
        }
    }

    /// Makes a version the one that hosts use, in one instant. They notice when
    /// they start.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuch`] if there is no such version.
    pub fn promote(&self, name: &ImageName, version: &str) -> Result<(), StoreError> {
        let stored = self.find(name, Some(version))?;
        let folder = self.root.join(name.as_str());
        let (link, new) = (folder.join(CURRENT), folder.join(".current.new"));
        remove(&new)?;
        std::os::unix::fs::symlink(&stored.version, &new).map_err(failed("make", &new))?;
        std::fs::rename(&new, &link).map_err(failed("change", &link))
    }

    /// Removes a version that hosts do not use.
    ///
    /// # Errors
    ///
    /// [`StoreError::Current`] if they do.
    pub fn remove(&self, stored: &Stored) -> Result<(), StoreError> {
        let (name, version) = (&stored.lock.name, &stored.version);
        if self.current(name)?.as_deref() == Some(version) {
            return Err(StoreError::Current { name: name.clone(), version: version.clone() });
        }
        remove(&self.root.join(name.as_str()).join(version))
    }

    fn versions(&self, name: &ImageName) -> Result<Vec<Stored>, StoreError> {
        let folder = self.root.join(name.as_str());
        let current = self.current(name)?;
        let mut versions = Vec::new();
        for version in folders(&folder)? {
            if !version.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                continue;
            }
            let lock = Lock::read(folder.join(&version).join("image.lock"))?;
            let is_current = current.as_deref() == Some(&version);
            versions.push(Stored { version, lock, current: is_current });
        }
        Ok(versions)
    }
}

/// The names of the folders in a folder, sorted; none if it does not exist.
fn folders(path: &Utf8Path) -> Result<Vec<String>, StoreError> {
    let entries = match path.read_dir_utf8() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("read", path)(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed("read", path))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            names.push(entry.file_name().to_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn remove(path: &Utf8Path) -> Result<(), StoreError> {
    let removed = match path.symlink_metadata() {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(_) => return Ok(()),
    };
    removed.map_err(failed("remove", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        _keep: tempfile::TempDir,
        folder: Utf8PathBuf,
        store: Store,
    }

    impl World {
        fn new() -> Self {
            let keep = tempfile::tempdir().unwrap();
            let folder = Utf8PathBuf::from_path_buf(keep.path().to_owned()).unwrap();
            Self { _keep: keep, store: Store::at(folder.join("store")), folder }
        }

        fn image(&self, content: &[u8]) -> NewImage {
            let packed = zstd::encode_all(content, 1).unwrap();
            let (disk, agent) = (self.folder.join("disk"), self.folder.join("agent"));
            std::fs::write(&disk, &packed).unwrap();
            std::fs::write(&agent, b"program").unwrap();
            NewImage {
                name: "tiny".parse().unwrap(),
                disk,
                format: Published::RawZstd,
                sha256: Sha256Digest::of(&packed),
                firmware: Firmware::Bios,
                seed: SeedFormat::NoCloud,
                agent: Some(agent),
            }
        }
    }

    #[test]
    fn a_version_is_locked_whole_and_the_first_is_current() {
        let world = World::new();
        let stored = world.store.add(&world.image(&[1; 5000])).unwrap();
        assert!(stored.current);
        assert_eq!(stored.lock.files.disk.virtual_bytes, Some(5000));
        let path = world.folder.join("store/tiny/current/image.lock");
        let verified = Lock::read(path).unwrap().verify().unwrap();
        assert!(verified.agent.is_some());
        // Once more is no more.
        world.store.add(&world.image(&[1; 5000])).unwrap();
        assert_eq!(world.store.list().unwrap().len(), 1);
    }

    #[test]
    fn another_digest_than_the_published_one_leaves_nothing() {
        let world = World::new();
        let mut image = world.image(b"disk");
        image.sha256 = Sha256Digest::of(b"another");
        let refused = world.store.add(&image).unwrap_err();
        assert!(matches!(refused, StoreError::Image(ImageError::Differs { .. })), "{refused}");
        let left: Vec<_> = folders(&world.folder.join("store/tiny")).unwrap();
        assert_eq!(left, Vec::<String>::new());
    }

    #[test]
    fn versions_are_promoted_and_old_ones_removed() {
        let world = World::new();
        let name = "tiny".parse().unwrap();
        let one = world.store.add(&world.image(b"one")).unwrap();
        let two = world.store.add(&world.image(b"two")).unwrap();
        assert!(!two.current);
        let chosen = world.store.find(&name, None).unwrap_err();
        assert!(matches!(chosen, StoreError::Several { .. }), "{chosen}");
        assert!(matches!(world.store.remove(&one), Err(StoreError::Current { .. })));
        world.store.promote(&name, &two.version).unwrap();
        world.store.remove(&one).unwrap();
        let left = world.store.list().unwrap();
        assert_eq!(left.len(), 1);
        assert!(left[0].current && left[0].version == two.version);
        let refused = world.store.promote(&name, "0123").unwrap_err();
        assert!(refused.to_string().contains(&two.version), "{refused}");
    }

    #[test]
    fn what_a_crash_left_is_no_version_and_no_obstacle() {
        let world = World::new();
        let image = world.image(b"disk");
        let version = Store::version_of(image.sha256);
        let draft = world.folder.join(format!("store/tiny/.{version}.new"));
        std::fs::create_dir_all(&draft).unwrap();
        std::fs::write(draft.join("disk.raw.zst"), b"half").unwrap();
        assert_eq!(world.store.list().unwrap().len(), 0);
        world.store.add(&image).unwrap();
        assert!(!draft.exists());
    }
}
