//! The lock file: what an image consists of.

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use solstice_model::{ImageName, Sha256Digest};

/// The largest lock file that is read.
const MAX_LOCK_BYTES: u64 = 4 * 1024 * 1024;

/// What can be wrong with an image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A file of the image cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: Utf8PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The lock file is larger than any lock is.
    #[error("{path} has {bytes} bytes; a lock file has at most {MAX_LOCK_BYTES}")]
    TooLarge {
        /// The lock file.
        path: Utf8PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// The lock file is not one.
    #[error("{path} is not an image lock")]
    Syntax {
        /// The lock file.
        path: Utf8PathBuf,
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// The lock names a file outside its own folder.
    #[error("{lock} names {path:?}, which is not a plain file name beside it")]
    OutsideFolder {
        /// The lock file.
        lock: Utf8PathBuf,
        /// The path as written.
        path: Utf8PathBuf,
    },
    /// A file is not the locked one.
    #[error(
        "{path} is not the file that was locked: its digest is {found}, the lock says {locked}; \
         rebuild the image, or lock this file if the change was meant"
    )]
    Differs {
        /// Which.
        path: Utf8PathBuf,
        /// What it is.
        found: Sha256Digest,
        /// What it should be.
        locked: Sha256Digest,
    },
}

/// A read lock file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The image's name.
    pub name: ImageName,
    /// Its files.
    pub files: Files,
    /// How it boots.
    pub boot: Boot,
    /// The packages that it was made from.
    #[serde(default)]
    pub packages: Vec<Package>,
    /// The folder that the lock was read from.
    #[serde(skip)]
    pub(crate) folder: Utf8PathBuf,
}

/// The files of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// The kernel, for images that boot one directly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<FileEntry>,
    /// Its initial RAM disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initrd: Option<FileEntry>,
    /// The root disk, qcow2.
    pub disk: FileEntry,
}

/// One file of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name, beside the lock.
    pub path: Utf8PathBuf,
    /// What it must be.
    pub sha256: Sha256Digest,
    /// Its size.
    pub bytes: u64,
}

/// How an image boots.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Boot {
    /// The hypervisor loads kernel and initial RAM disk.
    DirectKernel {
        /// The kernel's command line; the host appends the agent's parameters.
        cmdline: String,
    },
}

/// A package that went into an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The digest of the package's file.
    pub sha256: Sha256Digest,
}

impl Lock {
    /// Reads a lock file.
    ///
    /// # Errors
    ///
    /// [`ImageError`] if it cannot be read, is no lock, or names files outside its folder.
    pub fn read(path: Utf8PathBuf) -> Result<Self, ImageError> {
        let failed = |source| ImageError::Read { path: path.clone(), source };
        let bytes = std::fs::metadata(&path).map_err(failed)?.len();
        if bytes > MAX_LOCK_BYTES {
            return Err(ImageError::TooLarge { path, bytes });
        }
        let text = std::fs::read(&path).map_err(failed)?;
        let mut lock: Lock = serde_json::from_slice(&text)
            .map_err(|source| ImageError::Syntax { path: path.clone(), source })?;
        lock.folder = path.parent().unwrap_or(Utf8Path::new(".")).to_owned();
        for entry in lock.entries() {
            if entry.path.file_name() != Some(entry.path.as_str()) {
                return Err(ImageError::OutsideFolder { lock: path, path: entry.path.clone() });
            }
        }
        Ok(lock)
    }

    /// Every file that the lock names.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &FileEntry> {
        let Files { kernel, initrd, disk } = &self.files;
        kernel.iter().chain(initrd).chain([disk])
    }
}
