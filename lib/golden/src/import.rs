//! The way of a locked disk into the pool.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;

use camino::Utf8Path;
use solstice_illumos::zfs::{self, Dataset, Setting, VolumeSize};
use solstice_illumos::{Cause, IllumosError};
use solstice_image::{Boot, Lock};

use crate::error::GoldenError;
use crate::pool::{DIGEST, Golden, HOLD, IMAGE, Pool, SNAPSHOT};
use crate::source::Source;

/// How much is read, compared and written at a time.
const PIECE: usize = 1024 * 1024;

/// How far an import is, in bytes of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes read, and written where they are not zeros.
    pub done: u64,
    /// The disk's size.
    pub total: u64,
}

/// What an import came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imported {
    /// The image is in the pool now.
    Now(Golden),
    /// It was there already; nothing was read.
    Before(Golden),
}

impl Pool {
    /// Brings the disk of a locked image into the pool: streamed, zeros left
    /// out, taken up again where an earlier try was cut off, and golden only
    /// when every byte was found to be the locked one. Needs the right to write
    /// to raw volumes, which on illumos only root has.
    ///
    /// # Errors
    ///
    /// [`GoldenError`]. What is written so far is kept for the next try, unless
    /// the file is not the locked one.
    pub async fn import(
        &self,
        lock: &Lock,
        progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<Imported, GoldenError> {
        let digest = lock.files.disk.sha256;
        if let Some(golden) = self.find(&digest).await? {
            return Ok(Imported::Before(golden));
        }
        let bytes = disk_bytes(lock)?;
        let (partial, volume) = (self.partial(&digest)?, self.volume(&digest)?);
        let snapshot = partial.at(SNAPSHOT)?;
        if !is_finished(&partial, &snapshot).await? {
            let fresh = prepare(&partial, bytes).await?;
            let copied = self.copy(lock, &partial, bytes, fresh, progress).await;
            if let Err(GoldenError::Image(_)) = copied {
                // Nobody wants to go on from there.
                let _kept = zfs::destroy(&partial).await;
            }
            copied?;
            let marks = [
                Setting::new(DIGEST, digest.to_string())?,
                Setting::new(IMAGE, lock.name.as_str())?,
            ];
            zfs::snapshot(&snapshot, &marks).await.map_err(GoldenError::zfs("make", &snapshot))?;
        }
        zfs::rename(&partial, &volume).await.map_err(GoldenError::zfs("rename", &partial))?;
        let golden = volume.at(SNAPSHOT)?;
        tolerate(Cause::Exists, zfs::hold(&golden, HOLD).await)
            .map_err(GoldenError::zfs("hold", &golden))?;
        let found = self.find(&digest).await?;
        found.map(Imported::Now).ok_or_else(|| GoldenError::Unfit {
            name: lock.name.to_string(),
            why: "its snapshot was made and is gone again",
        })
    }

    async fn copy(
        &self,
        lock: &Lock,
        partial: &Dataset,
        bytes: u64,
        fresh: bool,
        progress: impl FnMut(Progress) + Send + 'static,
    ) -> Result<(), GoldenError> {
        let disk = &lock.files.disk;
        let path = lock.folder().join(&disk.path);
        let source = Source::open(&path, disk.format, disk.sha256)?;
        let device = partial.raw_device();
        let copy = move || copy(source, &path, &device, bytes, fresh, progress);
        tokio::task::spawn_blocking(copy).await.expect("copying does not panic")
    }
}

/// The size of the disk that the lock describes.
fn disk_bytes(lock: &Lock) -> Result<u64, GoldenError> {
    let unfit = |why| GoldenError::Unfit { name: lock.name.to_string(), why };
    if !matches!(lock.boot, Boot::Disk { .. }) {
        return Err(unfit("it does not boot from its disk"));
    }
    lock.files.disk.virtual_bytes.filter(|bytes| *bytes > 0).ok_or_else(|| {
        unfit("its lock does not say how large the disk is (`virtual_bytes`); lock it again")
    })
}

/// Whether an earlier try got as far as the snapshot.
async fn is_finished(partial: &Dataset, snapshot: &zfs::Snapshot) -> Result<bool, GoldenError> {
    match zfs::get(&snapshot.to_string(), &[DIGEST.parse()?]).await {
        Ok(_) => Ok(true),
        Err(error) if error.cause() == Cause::Absent => Ok(false),
        Err(error) => Err(GoldenError::zfs("look at", partial)(error)),
    }
}

/// Makes the volume, or finds the one of an earlier try. Gives whether it is new.
async fn prepare(partial: &Dataset, bytes: u64) -> Result<bool, GoldenError> {
    match zfs::create_volume(partial, VolumeSize::at_least(bytes)?, true, &[]).await {
        Ok(()) => Ok(true),
        Err(error) if error.cause() == Cause::Exists => Ok(false),
        Err(error) => Err(GoldenError::zfs("make", partial)(error)),
    }
}

fn tolerate(cause: Cause, ended: Result<(), IllumosError>) -> Result<(), IllumosError> {
    match ended {
        Err(error) if error.cause() == cause => Ok(()),
        ended => ended,
    }
}

/// Copies the disk onto the device. A volume that is not fresh is read and only
/// written where it differs: what an earlier try wrote is not taken on trust.
fn copy(
    mut source: Source,
    path: &Utf8Path,
    device_path: &Utf8Path,
    total: u64,
    fresh: bool,
    mut progress: impl FnMut(Progress),
) -> Result<(), GoldenError> {
    let open = OpenOptions::new().read(true).write(true).open(device_path);
    let device = open.map_err(GoldenError::file("write to", device_path))?;
    let mut piece = vec![0; PIECE];
    let mut there = vec![0; PIECE];
    let mut done = 0;
    loop {
        let n = source.fill(&mut piece)?;
        if done + n as u64 > total {
            let path = path.to_owned();
            return Err(GoldenError::Size { path, found: total + 1, locked: total });
        }
        put(&device, &piece[..n], &mut there[..n], done, fresh)
            .map_err(GoldenError::file("write to", device_path))?;
        done += n as u64;
        progress(Progress { done, total });
        if n < PIECE {
            break;
        }
    }
    source.finish()?;
    if done != total {
        return Err(GoldenError::Size { path: path.to_owned(), found: done, locked: total });
    }
    device.sync_all().map_err(GoldenError::file("write to", device_path))
}

fn put(device: &File, piece: &[u8], there: &mut [u8], at: u64, fresh: bool) -> std::io::Result<()> {
    let same = if fresh {
        piece.iter().all(|byte| *byte == 0)
    } else {
        device.read_exact_at(there, at)?;
        there == piece
    };
    if same { Ok(()) } else { device.write_all_at(piece, at) }
}

#[cfg(test)]
mod tests {
    use camino::Utf8PathBuf;
    use solstice_image::DiskFormat;
    use solstice_model::Sha256Digest;

    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn file(&self, name: &str, bytes: &[u8]) -> Utf8PathBuf {
            let path = Utf8Path::from_path(self.0.path()).unwrap().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        }
    }

    fn disk() -> Vec<u8> {
        let mut disk = vec![0; 5 * PIECE + 1000];
        disk[10] = 1;
        disk[3 * PIECE..3 * PIECE + 4].copy_from_slice(b"data");
        disk.extend_from_slice(b"end");
        disk
    }

    fn copied(device: &Utf8Path, fresh: bool, locked: u64) -> Result<(), GoldenError> {
        let folder = Folder::new();
        let path = folder.file("disk", &disk());
        let source = Source::open(&path, DiskFormat::Raw, Sha256Digest::of(&disk())).unwrap();
        copy(source, &path, device, locked, fresh, |_| ())
    }

    #[test]
    fn a_fresh_volume_gets_the_disk_and_stays_sparse() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = Folder::new();
        let device = folder.file("volume", b"");
        let size = disk().len() as u64;
        File::options().write(true).open(&device).unwrap().set_len(size).unwrap();
        copied(&device, true, size).unwrap();
        assert_eq!(std::fs::read(&device).unwrap(), disk());
        let blocks = std::fs::metadata(&device).unwrap().blocks() * 512;
        assert!(blocks <= 4 * PIECE as u64, "{blocks}");
    }

    #[test]
    fn what_an_earlier_try_wrote_is_not_taken_on_trust() {
        let folder = Folder::new();
        let mut wrong = disk();
        wrong[2 * PIECE + 7] = 9;
        wrong[10] = 3;
        let device = folder.file("volume", &wrong);
        copied(&device, false, wrong.len() as u64).unwrap();
        assert_eq!(std::fs::read(&device).unwrap(), disk());
    }

    #[test]
    fn a_disk_of_another_size_is_refused() {
        let folder = Folder::new();
        let size = disk().len() as u64;
        for locked in [size - 1, size + 1] {
            let device = folder.file("volume", &vec![0; disk().len() + PIECE]);
            let refused = copied(&device, true, locked).unwrap_err();
            assert!(matches!(refused, GoldenError::Size { .. }), "{refused}");
        }
    }
}
