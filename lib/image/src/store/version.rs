//! Writing one version: its files, the lock last.

use std::fs::File;
use std::io::{self, Read, Write};

use camino::Utf8Path;
use sha2::{Digest, Sha256};
use solstice_model::Sha256Digest;

use super::{NewImage, Published, StoreError, failed};
use crate::file::{self, Links};
use crate::lock::{Boot, DiskEntry, DiskFormat, FileEntry, Files, ImageError, Lock};
use crate::verify::digest;

/// The largest disk, in bytes: what an MBR can tell. It bounds how long a small
/// file may be unpacked for.
const MAX_DISK_BYTES: u64 = 2 << 40;

/// The largest agent, in bytes: as much as a seed carries.
const MAX_AGENT_BYTES: u64 = 16 << 20;

impl Published {
    /// Finds out by a file's first bytes how a disk is written into it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it cannot be read, or is packed in a way that is not known here.
    pub fn of(path: &Utf8Path) -> Result<Self, StoreError> {
        let unreadable = || failed("read", path);
        let outer = beginning(&mut open(path)?).map_err(unreadable())?;
        if outer == *QCOW2 {
            return Ok(Published::Qcow2);
        }
        if outer == ZSTD {
            let inner = beginning(&mut unpacker(open(path)?).map_err(unreadable())?);
            let inner = inner.map_err(failed("unpack", path))?;
            return Ok(if inner == *QCOW2 { Published::Qcow2Zstd } else { Published::RawZstd });
        }
        match PACKED.iter().find(|(magic, _)| outer.starts_with(magic)) {
            Some((_, packer)) => Err(unfit(
                path,
                format!("it is packed by {packer}; unpack it and use `ciadm image lock`"),
            )),
            None => Ok(Published::Raw),
        }
    }
}

/// The first bytes of QEMU's format.
const QCOW2: &[u8; 4] = b"QFI\xfb";
/// The first bytes of a zstd frame (RFC 8878).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// The first bytes of what disks are published in besides, and who unpacks it.
const PACKED: [(&[u8], &str); 4] =
    [(b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zX", "xz"), (b"PK\x03\x04", "zip")];

/// The first four bytes; zeros for those that are missing.
fn beginning(reader: &mut dyn Read) -> io::Result<[u8; 4]> {
    let mut bytes = Vec::new();
    reader.take(4).read_to_end(&mut bytes)?;
    bytes.resize(4, 0);
    Ok(bytes.try_into().expect("they are four"))
}

/// Writes all files of a version into a new folder. A disk that is `ours` is
/// linked, not copied.
pub(super) fn write(new: &NewImage, folder: &Utf8Path, ours: bool) -> Result<(), StoreError> {
    std::fs::create_dir(folder).map_err(failed("make", folder))?;
    let disk = write_disk(new, folder, ours)?;
    let agent = match &new.agent {
        Some(agent) => {
            let name = "solstice-agent";
            Some(copy(&mut open(agent)?, agent, folder, name, MAX_AGENT_BYTES)?)
        }
        None => None,
    };
    let lock = Lock {
        name: new.name.clone(),
        files: Files { kernel: None, initrd: None, disk, agent },
        boot: Boot::Disk { firmware: new.firmware, seed: new.seed },
        packages: Vec::new(),
        folder: folder.to_owned(),
    };
    write_lock(&lock, folder)
}

fn write_lock(lock: &Lock, folder: &Utf8Path) -> Result<(), StoreError> {
    let text = serde_json::to_vec_pretty(lock).expect("a lock can be written as JSON");
    let path = folder.join("image.lock");
    let write = || -> io::Result<()> {
        let mut file = File::create_new(&path)?;
        file.write_all(&text)?;
        file.sync_all()?;
        File::open(folder)?.sync_all()
    };
    write().map_err(failed("write", &path))
}

/// Brings the disk in and compares it with the published digest.
fn write_disk(new: &NewImage, folder: &Utf8Path, ours: bool) -> Result<DiskEntry, StoreError> {
    let (name, format) = match new.format {
        Published::Qcow2 => ("disk.qcow2", DiskFormat::Qcow2),
        Published::Raw => ("disk.raw", DiskFormat::Raw),
        Published::RawZstd => ("disk.raw.zst", DiskFormat::RawZstd),
        Published::Qcow2Zstd => ("disk.qcow2.zst", DiskFormat::Qcow2),
    };
    let mut entry = if ours {
        link(&new.disk, folder, name)?
    } else {
        copy(&mut open(&new.disk)?, &new.disk, folder, name, MAX_DISK_BYTES)?
    };
    if entry.sha256 != new.sha256 {
        let (path, found, locked) = (new.disk.clone(), entry.sha256, new.sha256);
        return Err(ImageError::Differs { path, found, locked }.into());
    }
    if new.format == Published::Qcow2Zstd {
        let packed = folder.join(name);
        entry = unpack(&packed, folder, "disk.qcow2")?;
        std::fs::remove_file(&packed).map_err(failed("remove", &packed))?;
    }
    let virtual_bytes = virtual_bytes(&folder.join(&entry.path), format)?;
    let FileEntry { path, sha256, bytes } = entry;
    Ok(DiskEntry { path, sha256, bytes, format, virtual_bytes })
}

/// Opens a plain file that an operator named.
fn open(path: &Utf8Path) -> Result<File, StoreError> {
    Ok(file::open(path, Links::Followed)?)
}

/// Links a file into the folder and takes its digest.
fn link(from: &Utf8Path, folder: &Utf8Path, name: &str) -> Result<FileEntry, StoreError> {
    let to = folder.join(name);
    std::fs::hard_link(from, &to).map_err(failed("link", &to))?;
    let mut file = file::open(&to, Links::Refused)?;
    let bytes = file.metadata().map_err(failed("read", &to))?.len();
    let sha256 = digest(&mut file).map_err(failed("read", &to))?;
    Ok(FileEntry { path: name.into(), sha256, bytes })
}

/// Writes what a reader gives into the folder and takes its digest on the way.
fn copy(
    source: &mut dyn Read,
    from: &Utf8Path,
    folder: &Utf8Path,
    name: &str,
    most: u64,
) -> Result<FileEntry, StoreError> {
    let to = folder.join(name);
    let mut target = File::create_new(&to).map_err(failed("write", &to))?;
    let mut hasher = Sha256::new();
    let (mut buffer, mut bytes) = (vec![0; 1 << 20], 0);
    loop {
        let n = source.read(&mut buffer).map_err(failed("read", from))?;
        if n == 0 {
            break;
        }
        bytes += n as u64;
        if bytes > most {
            return Err(unfit(from, format!("it has more than {most} bytes")));
        }
        hasher.update(&buffer[..n]);
        target.write_all(&buffer[..n]).map_err(failed("write", &to))?;
    }
    target.sync_all().map_err(failed("write", &to))?;
    let sha256 = Sha256Digest::from_bytes(hasher.finalize().into());
    Ok(FileEntry { path: name.into(), sha256, bytes })
}

/// Unpacks a file of the folder.
fn unpack(packed: &Utf8Path, folder: &Utf8Path, name: &str) -> Result<FileEntry, StoreError> {
    let mut source = unpacker(open(packed)?).map_err(failed("unpack", packed))?;
    copy(&mut source, packed, folder, name, MAX_DISK_BYTES)
}

fn unpacker(file: File) -> io::Result<impl Read> {
    zstd::stream::read::Decoder::new(file)
}

/// The size of the disk in a file, in bytes, where the format does not tell it.
pub(crate) fn virtual_bytes(
    path: &Utf8Path,
    format: DiskFormat,
) -> Result<Option<u64>, StoreError> {
    let file = open(path)?;
    match format {
        DiskFormat::Qcow2 => check_qcow2(path, file).map(|()| None),
        DiskFormat::Raw => Ok(Some(file.metadata().map_err(failed("read", path))?.len())),
        DiskFormat::RawZstd => {
            let count = || io::copy(&mut unpacker(file)?.take(MAX_DISK_BYTES + 1), &mut io::sink());
            let bytes = count().map_err(failed("unpack", path))?;
            if bytes > MAX_DISK_BYTES {
                let why = format!("it unpacks to more than {MAX_DISK_BYTES} bytes");
                return Err(unfit(path, why));
            }
            Ok(Some(bytes))
        }
    }
}

/// Looks at the header of a qcow2 file (QEMU's docs/interop/qcow2.rst). A disk
/// that somebody else made must not refer to other files: a guest would read
/// whatever of the host's they name.
fn check_qcow2(path: &Utf8Path, mut file: File) -> Result<(), StoreError> {
    let mut header = [0; 80];
    if file.read_exact(&mut header).is_err() || header[..4] != *QCOW2 {
        return Err(unfit(path, "it is no qcow2 file".to_owned()));
    }
    let word = |at: usize| u32::from_be_bytes(header[at..at + 4].try_into().expect("four bytes"));
    let version = word(4);
    if ![2, 3].contains(&version) {
        return Err(unfit(path, format!("it is a qcow2 file of version {version}")));
    }
    if (word(8), word(12)) != (0, 0) {
        return Err(unfit(path, "it has a backing file, which it must not bring along".to_owned()));
    }
    // Bit 2 of the incompatible features, which version 2 has not.
    if version == 3 && word(76) & 4 != 0 {
        return Err(unfit(path, "its data is in another file".to_owned()));
    }
    Ok(())
}

fn unfit(path: &Utf8Path, why: String) -> StoreError {
    StoreError::Unfit { path: path.to_owned(), why }
}
