//! The lock file: what an image consists of.

use std::io::Read as _;

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use solstice_model::{ImageName, Sha256Digest};

use crate::file;

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
    /// What should be a file is none.
    #[error("{path} is not a plain file but {what}; an image consists of plain files")]
    NotAFile {
        /// Which.
        path: Utf8PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A file has another size than the locked one.
    #[error(
        "{path} is not the file that was locked: it has {found} bytes, the lock says {locked}; \
         rebuild the image, or use `ciadm image relock` if the change was meant"
    )]
    Size {
        /// Which.
        path: Utf8PathBuf,
        /// Its size, in bytes.
        found: u64,
        /// What it should be.
        locked: u64,
    },
    /// A file is not the locked one.
    #[error(
        "{path} is not the file that was locked: its digest is {found}, the lock says {locked}; \
         rebuild the image, or use `ciadm image relock` if the change was meant"
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
    /// The root disk.
    pub disk: DiskEntry,
    /// The agent, for images that were made without one: the seed delivers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<FileEntry>,
}

/// The root disk's file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiskEntry {
    /// Its name, beside the lock.
    pub path: Utf8PathBuf,
    /// What it must be.
    pub sha256: Sha256Digest,
    /// Its size, as it lies there.
    pub bytes: u64,
    /// How the disk is written into it; qcow2 if absent.
    #[serde(default)]
    pub format: DiskFormat,
    /// The size of the disk itself, in bytes; needed unless the format tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtual_bytes: Option<u64>,
}

/// How a disk is written into a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskFormat {
    /// QEMU's own format.
    #[default]
    Qcow2,
    /// The disk's bytes as they are.
    Raw,
    /// The disk's bytes, compressed by zstd.
    RawZstd,
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
    /// The machine's firmware loads what is on the root disk.
    Disk {
        /// Which firmware the disk was made for.
        firmware: Firmware,
        /// In which form it learns where its agent endpoint is.
        seed: SeedFormat,
    },
}

/// What starts a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Firmware {
    /// A boot sector.
    Bios,
    /// An EFI system partition.
    Uefi,
}

/// The form of the small disk that tells a guest who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeedFormat {
    /// A FAT file system labelled `cidata`, for cloud-init's NoCloud source.
    NoCloud,
    /// A cpio archive, for the generic provider of illumos' metadata-agent.
    MetadataAgent,
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
        Self::read_with_digest(path).map(|(lock, _)| lock)
    }

    /// Reads a lock, and the digest by which this version of the image is told
    /// from others.
    ///
    /// # Errors
    ///
    /// As [`Lock::read`].
    pub fn read_with_digest(path: Utf8PathBuf) -> Result<(Self, Sha256Digest), ImageError> {
        let failed = |source| ImageError::Read { path: path.clone(), source };
        let file = file::open(&path, file::Links::Followed)?;
        let bytes = file.metadata().map_err(failed)?.len();
        if bytes > MAX_LOCK_BYTES {
            return Err(ImageError::TooLarge { path, bytes });
        }
        let mut text = Vec::new();
        file.take(MAX_LOCK_BYTES).read_to_end(&mut text).map_err(failed)?;
        let mut lock: Lock = serde_json::from_slice(&text)
            .map_err(|source| ImageError::Syntax { path: path.clone(), source })?;
        lock.folder = path.parent().unwrap_or(Utf8Path::new(".")).to_owned();
        for named in lock.paths() {
            if named.file_name() != Some(named.as_str()) {
                return Err(ImageError::OutsideFolder { path: named.to_owned(), lock: path });
            }
        }
        Ok((lock, Sha256Digest::of(&text)))
    }

    /// The folder that the lock was read from; its files lie there.
    pub fn folder(&self) -> &Utf8Path {
        &self.folder
    }

    /// Every path that the lock names.
    fn paths(&self) -> impl Iterator<Item = &Utf8Path> {
        let Files { kernel, initrd, disk, agent } = &self.files;
        let files = kernel.iter().chain(initrd).chain(agent);
        files.map(|file| file.path.as_path()).chain([disk.path.as_path()])
    }
}
