//! The disk that a locked file holds, read once from beginning to end.

use std::fs::File;
use std::io::{self, BufReader, Read};

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest, Sha256};
use solstice_image::{DiskFormat, ImageError};
use solstice_model::Sha256Digest;

use crate::error::GoldenError;

/// A disk's bytes, while the digest of the file that holds them is taken.
pub(crate) struct Source {
    path: Utf8PathBuf,
    locked: Sha256Digest,
    disk: Disk,
}

enum Disk {
    Raw(Hashing<File>),
    Zstd(Box<zstd::stream::read::Decoder<'static, BufReader<Hashing<File>>>>),
}

/// Passes bytes on and takes their digest.
struct Hashing<R> {
    inner: R,
    hasher: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..n]);
        Ok(n)
    }
}

impl Source {
    /// Opens a locked file.
    pub(crate) fn open(
        path: &Utf8Path,
        format: DiskFormat,
        locked: Sha256Digest,
    ) -> Result<Self, GoldenError> {
        let failed = || GoldenError::file("read", path);
        let file = Hashing { inner: File::open(path).map_err(failed())?, hasher: Sha256::new() };
        let disk = match format {
            DiskFormat::Raw => Disk::Raw(file),
            DiskFormat::RawZstd => {
                let decoder = zstd::stream::read::Decoder::new(file).map_err(failed())?;
                Disk::Zstd(Box::new(decoder))
            }
            DiskFormat::Qcow2 => {
                let why =
                    "its disk is qcow2; convert it with `qemu-img convert -O raw` and lock that";
                return Err(GoldenError::Unfit { name: path.to_string(), why });
            }
        };
        Ok(Self { path: path.to_owned(), locked, disk })
    }

    /// Fills the buffer as far as the disk goes; gives how far.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, GoldenError> {
        let mut filled = 0;
        while filled < buffer.len() {
            let read = match &mut self.disk {
                Disk::Raw(file) => file.read(&mut buffer[filled..]),
                Disk::Zstd(decoder) => decoder.read(&mut buffer[filled..]),
            };
            match read {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(GoldenError::file("read", &self.path)(error)),
            }
        }
        Ok(filled)
    }

    /// Reads what is left of the file and compares its digest with the locked one.
    pub(crate) fn finish(self) -> Result<(), GoldenError> {
        let mut file = match self.disk {
            Disk::Raw(file) => file,
            // What the decoder has buffered went through the digest already.
            Disk::Zstd(decoder) => decoder.finish().into_inner(),
        };
        io::copy(&mut file, &mut io::sink()).map_err(GoldenError::file("read", &self.path))?;
        let found = Sha256Digest::from_bytes(file.hasher.finalize().into());
        if found != self.locked {
            let (path, locked) = (self.path, self.locked);
            return Err(ImageError::Differs { path, found, locked }.into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        bytes: &[u8],
        format: DiskFormat,
        locked: Sha256Digest,
    ) -> Result<Vec<u8>, GoldenError> {
        let folder = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(folder.path()).unwrap().join("disk");
        std::fs::write(&path, bytes).unwrap();
        let mut source = Source::open(&path, format, locked)?;
        let (mut disk, mut buffer) = (Vec::new(), [0; 1000]);
        loop {
            let n = source.fill(&mut buffer)?;
            disk.extend_from_slice(&buffer[..n]);
            if n < buffer.len() {
                source.finish()?;
                return Ok(disk);
            }
        }
    }

    #[test]
    fn a_disk_comes_out_whichever_way_it_was_packed() {
        let disk: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
        let packed = zstd::encode_all(&disk[..], 3).unwrap();
        let digest = Sha256Digest::of;
        assert_eq!(read(&disk, DiskFormat::Raw, digest(&disk)).unwrap(), disk);
        assert_eq!(read(&packed, DiskFormat::RawZstd, digest(&packed)).unwrap(), disk);
    }

    #[test]
    fn other_bytes_than_the_locked_ones_are_refused() {
        let packed = zstd::encode_all(&[7; 5000][..], 3).unwrap();
        let locked = Sha256Digest::of(b"another");
        for (bytes, format) in [(&packed, DiskFormat::RawZstd), (&packed, DiskFormat::Raw)] {
            let refused = read(bytes, format, locked).unwrap_err();
            assert!(matches!(refused, GoldenError::Image(ImageError::Differs { .. })), "{refused}");
        }
        // Something behind the packed disk counts too.
        let mut longer = packed.clone();
        longer.extend([0; 4]);
        assert!(read(&longer, DiskFormat::RawZstd, Sha256Digest::of(&packed)).is_err());
        // Half of it is no disk.
        let half = &packed[..packed.len() / 2];
        assert!(read(half, DiskFormat::RawZstd, Sha256Digest::of(half)).is_err());
    }
}
