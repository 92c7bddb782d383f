//! What lies below a machine's overlay: the image's disk, where QEMU reads its
//! format, or what was unpacked from it.
//!
//! ```text
//! disks/<digest>.raw     the disk of the image whose disk has this digest
//!       <digest>.json    how that file was when it was complete
//!       *.new            on its way, or left by a crash
//! ```
//!
//! An image's packed disk is unpacked once. What it is then is known by the
//! digest of what it was made from, and by its change time: nobody can write a
//! file without that moving (invariant I11).

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use solstice_hypervisor::folders::{make_private_dir, write_private_file};
use solstice_image::{DiskFormat, VerifiedImage};

use crate::error::QemuError;

/// How much is looked at and written at a time; a hole is this large at least.
const PIECE: usize = 64 * 1024;
static ZEROS: [u8; PIECE] = [0; PIECE];

/// A disk that overlays can be made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Golden {
    pub(crate) path: Utf8PathBuf,
    /// QEMU's name of its format.
    pub(crate) format: &'static str,
    /// The size that a guest sees, in bytes.
    pub(crate) bytes: u64,
}

/// The folder of unpacked disks.
#[derive(Clone, Debug)]
pub(crate) struct Disks {
    root: Utf8PathBuf,
    /// Held while one is unpacked, so that each is unpacked once.
    alone: Arc<Mutex<()>>,
}

/// By what a change to an unpacked disk is noticed.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Utf8Path) -> io::Result<Self> {
        let meta = std::fs::metadata(path)?;
        Ok(Self {
            device: meta.dev(),
            inode: meta.ino(),
            bytes: meta.size(),
            changed: (meta.ctime(), meta.ctime_nsec()),
        })
    }
}

impl Disks {
    /// The disks below a state directory.
    pub(crate) fn open(state_dir: &Utf8Path) -> Result<Self, QemuError> {
        let root = state_dir.join("disks");
        make_private_dir(&root)?;
        Ok(Self { root, alone: Arc::default() })
    }

    /// Removes what belongs to none of these images. Machines that still run on
    /// it keep their hold of it.
    pub(crate) fn keep_only(&self, images: &[VerifiedImage]) -> Result<(), QemuError> {
        let failed = || QemuError::file("list", &self.root);
        for entry in self.root.read_dir_utf8().map_err(failed())? {
            let entry = entry.map_err(failed())?;
            let of = |image: &VerifiedImage| entry.path().file_stem() == Some(&digits(image));
            let new = entry.path().extension() == Some("new");
            if new || !images.iter().any(of) {
                remove(entry.path())?;
            }
        }
        Ok(())
    }

    /// The disk of an image, unpacked if it has to be and is not. Unpacking goes
    /// on when this future is dropped; it makes nothing of a machine's.
    pub(crate) async fn golden(&self, image: &VerifiedImage) -> Result<Golden, QemuError> {
        let (this, image) = (self.clone(), image.clone());
        let found = tokio::task::spawn_blocking(move || match image.disk_format {
            DiskFormat::Qcow2 => {
                let bytes = qcow2_bytes(&image.disk.path)?;
                Ok(Golden { path: image.disk.path, format: "qcow2", bytes })
            }
            DiskFormat::Raw => {
                let path = image.disk.path;
                let meta = std::fs::metadata(&path).map_err(QemuError::file("read", &path))?;
                Ok(Golden { path, format: "raw", bytes: meta.len() })
            }
            DiskFormat::RawZstd => this.unpacked(&image),
        });
        found.await.expect("reading and writing do not panic")
    }

    fn unpacked(&self, image: &VerifiedImage) -> Result<Golden, QemuError> {
        let Some(bytes) = image.disk_bytes else {
            let why = format!("the lock of {} does not say how large its disk is", image.name);
            return Err(QemuError::Image { why });
        };
        let path = self.root.join(format!("{}.raw", digits(image)));
        let noted = path.with_extension("json");
        let _alone = self.alone.lock().unwrap_or_else(PoisonError::into_inner);
        let note = std::fs::read(&noted).ok().and_then(|it| serde_json::from_slice(&it).ok());
        if note.is_none() || note != Stamp::of(&path).ok() {
            let new = path.with_extension("new");
            unpack(&image.disk.path, &new, bytes)?;
            // It was the locked one all the while.
            image.recheck()?;
            std::fs::rename(&new, &path).map_err(QemuError::file("make", &path))?;
            let stamp = Stamp::of(&path).map_err(QemuError::file("read", &path))?;
            let stamp = serde_json::to_vec(&stamp).expect("a stamp can be written as JSON");
            write_private_file(&noted, &stamp)?;
        }
        Ok(Golden { path, format: "raw", bytes })
    }
}

/// What an image's unpacked disk is named by.
fn digits(image: &VerifiedImage) -> String {
    image.disk.sha256.hex()
}

fn remove(path: &Utf8Path) -> Result<(), QemuError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(QemuError::file("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Unpacks a disk of this size; what is all zeros becomes a hole.
fn unpack(packed: &Utf8Path, to: &Utf8Path, bytes: u64) -> Result<(), QemuError> {
    remove(to)?;
    let from = File::open(packed).map_err(QemuError::file("read", packed))?;
    let mut from =
        zstd::stream::read::Decoder::new(from).map_err(QemuError::file("unpack", packed))?;
    let mut disk = File::create_new(to).map_err(QemuError::file("make", to))?;
    let mut piece = Vec::with_capacity(PIECE);
    let mut found = 0;
    loop {
        piece.clear();
        let read = (&mut from).take(PIECE as u64).read_to_end(&mut piece);
        found += read.map_err(QemuError::file("unpack", packed))? as u64;
        if piece.is_empty() {
            break;
        }
        // A packed disk may hold any number of bytes, and the host's disk does not.
        if found > bytes {
            return Err(QemuError::DiskSize { path: packed.to_owned(), locked: bytes });
        }
        write_or_skip(&mut disk, &piece).map_err(QemuError::file("write", to))?;
    }
    if found != bytes {
        return Err(QemuError::DiskSize { path: packed.to_owned(), locked: bytes });
    }
    disk.set_len(bytes).map_err(QemuError::file("write", to))
}

fn write_or_skip(disk: &mut File, piece: &[u8]) -> io::Result<()> {
    if piece == &ZEROS[..piece.len()] {
        let by = i64::try_from(piece.len()).expect("a piece is short");
        disk.seek(SeekFrom::Current(by)).map(drop)
    } else {
        disk.write_all(piece)
    }
}

/// The size of a qcow2 disk: bytes 24 to 31 of the header (QEMU, docs/interop/qcow2.rst).
fn qcow2_bytes(disk: &Utf8Path) -> Result<u64, QemuError> {
    let mut header = [0; 32];
    let read = File::open(disk).and_then(|mut file| file.read_exact(&mut header));
    read.map_err(QemuError::file("read", disk))?;
    let (start, size) = header.split_at(24);
    match size.try_into() {
        Ok(size) if start.starts_with(b"QFI\xfb") => Ok(u64::from_be_bytes(size)),
        _ => Err(QemuError::NotQcow2 { path: disk.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_qcow2_disk_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("disk");
        std::fs::write(&path, [0; 100]).unwrap();
        assert!(matches!(qcow2_bytes(&path), Err(QemuError::NotQcow2 { .. })));
        let mut header = [0; 100];
        header[..4].copy_from_slice(b"QFI\xfb");
        header[24..32].copy_from_slice(&(3u64 << 30).to_be_bytes());
        std::fs::write(&path, header).unwrap();
        assert_eq!(qcow2_bytes(&path).unwrap(), 3 << 30);
    }

    #[test]
    fn an_unpacked_disk_is_what_was_packed_with_holes_and_of_the_locked_size() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        let (packed, to) = (dir.join("disk.raw.zst"), dir.join("disk.raw"));
        let mut disk = vec![0; 40 * PIECE];
        disk[20 * PIECE + 7] = 1;
        std::fs::write(&packed, zstd::encode_all(&disk[..], 1).unwrap()).unwrap();
        unpack(&packed, &to, disk.len() as u64).unwrap();
        assert_eq!(std::fs::read(&to).unwrap(), disk);
        assert!(std::fs::metadata(&to).unwrap().blocks() * 512 <= 2 * PIECE as u64);
        for wrong in [disk.len() as u64 - 1, disk.len() as u64 + 1] {
            let refused = unpack(&packed, &to, wrong);
            assert!(matches!(refused, Err(QemuError::DiskSize { .. })), "{wrong}: {refused:?}");
        }
    }
}
