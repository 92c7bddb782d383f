//! The check of every file against the lock.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;

use camino::Utf8PathBuf;
use sha2::{Digest, Sha256};
use solstice_model::{ImageName, Sha256Digest};

use crate::file::{self, Links};
use crate::lock::{Boot, DiskFormat, FileEntry, ImageError, Lock};

/// An image whose files were what the lock says when they were last read.
#[derive(Clone, Debug)]
pub struct VerifiedImage {
    /// Its name.
    pub name: ImageName,
    /// How it boots.
    pub boot: Boot,
    /// The kernel, for images that boot one directly.
    pub kernel: Option<VerifiedFile>,
    /// Its initial RAM disk.
    pub initrd: Option<VerifiedFile>,
    /// The root disk.
    pub disk: VerifiedFile,
    /// How the disk is written into its file.
    pub disk_format: DiskFormat,
    /// The size of the disk itself, in bytes, where the lock says it.
    pub disk_bytes: Option<u64>,
    /// The agent, for images that were made without one.
    pub agent: Option<VerifiedFile>,
}

/// A file that was read whole and found to be the locked one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedFile {
    /// Where it is.
    pub path: Utf8PathBuf,
    /// What it is.
    pub sha256: Sha256Digest,
    stamp: Stamp,
}

/// By what a change to a file's content is noticed without reading it:
/// nobody can write a file without its change time moving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    changed_s: i64,
    changed_ns: i64,
}

impl Lock {
    /// Reads every file and compares it with the lock. Takes about as long as
    /// reading them; [`VerifiedImage::recheck`] is the quick way afterwards.
    ///
    /// # Errors
    ///
    /// [`ImageError`] for the first file that is missing or differs.
    pub fn verify(&self) -> Result<VerifiedImage, ImageError> {
        let verified =
            |path: &Utf8PathBuf, sha256, bytes| verify_file(self.folder.join(path), sha256, bytes);
        let file = |entry: &FileEntry| verified(&entry.path, entry.sha256, entry.bytes);
        let disk = &self.files.disk;
        Ok(VerifiedImage {
            name: self.name.clone(),
            boot: self.boot.clone(),
            kernel: self.files.kernel.as_ref().map(file).transpose()?,
            initrd: self.files.initrd.as_ref().map(file).transpose()?,
            disk: verified(&disk.path, disk.sha256, disk.bytes)?,
            disk_format: disk.format,
            disk_bytes: disk.virtual_bytes,
            agent: self.files.agent.as_ref().map(file).transpose()?,
        })
    }
}

impl VerifiedImage {
    /// Looks whether a file has changed since it was verified, and reads it
    /// anew only then. To be called before every boot (invariant I11).
    ///
    /// # Errors
    ///
    /// [`ImageError`] for the first file that is missing or differs.
    pub fn recheck(&self) -> Result<(), ImageError> {
        let named = self.kernel.iter().chain(&self.initrd).chain(&self.agent);
        for file in named.chain([&self.disk]) {
            let failed = |source| ImageError::Read { path: file.path.clone(), source };
            let now = Stamp::of(&file::open(&file.path, Links::Refused)?).map_err(failed)?;
            if now != file.stamp {
                verify_file(file.path.clone(), file.sha256, file.stamp.bytes)?;
            }
        }
        Ok(())
    }
}

impl VerifiedFile {
    /// Reads it whole and checks the very bytes that it returns.
    ///
    /// # Errors
    ///
    /// [`ImageError`] if it cannot be read or is another one by now.
    pub fn read(&self) -> Result<Vec<u8>, ImageError> {
        let path = self.path.clone();
        let bytes = std::fs::read(&path)
            .map_err(|source| ImageError::Read { path: path.clone(), source })?;
        let (found, locked) = (Sha256Digest::of(&bytes), self.sha256);
        if found != locked {
            return Err(ImageError::Differs { path, found, locked });
        }
        Ok(bytes)
    }
}

impl Stamp {
    fn of(file: &File) -> std::io::Result<Self> {
        let meta = file.metadata()?;
        Ok(Self {
            device: meta.dev(),
            inode: meta.ino(),
            bytes: meta.size(),
            changed_s: meta.ctime(),
            changed_ns: meta.ctime_nsec(),
        })
    }
}

fn verify_file(
    path: Utf8PathBuf,
    locked: Sha256Digest,
    bytes: u64,
) -> Result<VerifiedFile, ImageError> {
    let failed = |source| ImageError::Read { path: path.clone(), source };
    let mut file = file::open(&path, Links::Refused)?;
    // Taken before reading: a change while we read shows at the next recheck.
    let stamp = Stamp::of(&file).map_err(failed)?;
    if stamp.bytes != bytes {
        return Err(ImageError::Size { path, found: stamp.bytes, locked: bytes });
    }
    let found = digest(&mut file).map_err(failed)?;
    if found != locked {
        return Err(ImageError::Differs { path, found, locked });
    }
    Ok(VerifiedFile { path, sha256: found, stamp })
}

/// The digest of all that a reader gives.
pub(crate) fn digest(reader: &mut impl Read) -> std::io::Result<Sha256Digest> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(Sha256Digest::from_bytes(hasher.finalize().into())),
            n => hasher.update(&buffer[..n]),
        }
    }
}
