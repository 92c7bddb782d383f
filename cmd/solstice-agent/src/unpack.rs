//! Unpacks an archive that comes from a repository, or from a job, that anybody
//! may have written: nothing in it may reach outside the directory, and its
//! size and count are bounded (invariant I12). A symbolic link may point anywhere, but nothing is ever
//! written through one.

use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use tar::EntryType;

/// What an archive may have at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Members.
    pub(crate) entries: u64,
    /// Bytes, unpacked.
    pub(crate) bytes: u64,
}

/// Why an archive is not unpacked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnpackError {
    #[error("the archive broke off or is damaged")]
    Archive(#[source] io::Error),
    #[error("cannot unpack {path}")]
    Unpack {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the archive has a member that is refused: {path:?} {why}")]
    Forbidden { path: PathBuf, why: &'static str },
    #[error("it has more than {0} files")]
    TooMany(u64),
    #[error("it has more than {0} bytes")]
    TooLarge(u64),
}

impl UnpackError {
    /// Whether fetching it again may help.
    pub(crate) fn retry(&self) -> bool {
        matches!(self, UnpackError::Archive(_))
    }
}

/// Unpacks one or several archives in a row; gives the number of members.
///
/// # Errors
///
/// [`UnpackError`]; what was unpacked until then stays.
pub(crate) fn unpack(
    compressed: impl Read,
    into: &Path,
    limits: Limits,
) -> Result<u64, UnpackError> {
    let plain = zstd::stream::read::Decoder::new(compressed).map_err(UnpackError::Archive)?;
    let mut reading = Watched { inner: plain, left: limits.bytes, ended: None };
    // Whoever unpacks cannot tell a failed read from a failed write; the reader can.
    unpack_entries(&mut reading, into, limits.entries).map_err(|error| match reading.ended {
        Some(Ended::TooLarge) => UnpackError::TooLarge(limits.bytes),
        Some(Ended::Failed) => match error {
            UnpackError::Unpack { source, .. } => UnpackError::Archive(source),
            other => other,
        },
        None => error,
    })
}

fn unpack_entries(reading: impl Read, into: &Path, most: u64) -> Result<u64, UnpackError> {
    let mut archive = tar::Archive::new(reading);
    archive.set_ignore_zeros(true);
    // Without set-user-id and its kind: only rwx bits are a repository's to set.
    archive.set_preserve_permissions(false);
    archive.set_preserve_mtime(true);
    archive.set_unpack_xattrs(false);

    let mut count = 0;
    for entry in archive.entries().map_err(UnpackError::Archive)? {
        let mut entry = entry.map_err(UnpackError::Archive)?;
        let path = entry.path().map_err(UnpackError::Archive)?.into_owned();
        if entry.header().entry_type() == EntryType::XGlobalHeader {
            // git-archive(1) names the commit in one.
            continue;
        }
        count += 1;
        if count > most {
            return Err(UnpackError::TooMany(most));
        }
        if let Err(why) = check_member(entry.header().entry_type(), &path) {
            return Err(UnpackError::Forbidden { path, why });
        }
        match entry.unpack_in(into) {
            Ok(true) => {}
            Ok(false) => return Err(UnpackError::Forbidden { path, why: "leads outside" }),
            Err(source) => return Err(UnpackError::Unpack { path, source }),
        }
    }
    Ok(count)
}

/// Says why a member is refused by its kind or name. What links on the way do
/// to a name is `unpack_in`'s to check, on the file system as it is.
fn check_member(kind: EntryType, path: &Path) -> Result<(), &'static str> {
    match kind {
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {}
        EntryType::Directory | EntryType::Symlink => {}
        _ => return Err("is no file, directory or symbolic link"),
    }
    for component in path.components() {
        match component {
            Component::Normal(_) | Component::CurDir => {}
            Component::ParentDir => return Err("leads outside"),
            Component::RootDir | Component::Prefix(_) => return Err("is absolute"),
        }
    }
    Ok(())
}

/// Why a [`Watched`] reader gives no more.
#[derive(Clone, Copy, Debug)]
enum Ended {
    Failed,
    TooLarge,
}

/// A reader that gives a bounded number of bytes and remembers how it ended.
struct Watched<R> {
    inner: R,
    left: u64,
    ended: Option<Ended>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.ended = Some(Ended::Failed);
            }
        })?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                self.ended = Some(Ended::TooLarge);
                return Err(io::Error::other("too many bytes"));
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use tar::{Builder, Header};

    use super::*;

    const SMALL: Limits = Limits { entries: 10, bytes: 100_000 };

    /// An archive of members whose names are written as they are, unchecked.
    struct Archive(Builder<Vec<u8>>);

    impl Archive {
        fn new() -> Self {
            Self(Builder::new(Vec::new()))
        }

        fn member(mut self, kind: EntryType, name: &str, link: &str, data: &[u8]) -> Self {
            let mut header = Header::new_ustar();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
            header.set_entry_type(kind);
            header.set_mode(0o4755);
            header.set_size(data.len() as u64);
            header.set_cksum();
            self.0.append(&header, data).unwrap();
            self
        }

        fn file(self, name: &str, data: &[u8]) -> Self {
            self.member(EntryType::Regular, name, "", data)
        }

        fn link(self, name: &str, to: &str) -> Self {
            self.member(EntryType::Symlink, name, to, b"")
        }

        fn packed(self) -> Vec<u8> {
            zstd::encode_all(&self.0.into_inner().unwrap()[..], 1).unwrap()
        }
    }

    /// Unpacks into `src` of a directory that has a file and a directory beside it.
    fn try_unpack(packed: &[u8]) -> (tempfile::TempDir, Result<u64, UnpackError>) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("src")).unwrap();
        std::fs::create_dir(dir.path().join("beside")).unwrap();
        std::fs::write(dir.path().join("beside/secret"), "untouched").unwrap();
        let mode = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(dir.path().join("beside"), mode).unwrap();
        let result = unpack(packed, &dir.path().join("src"), SMALL);
        (dir, result)
    }

    fn assert_nothing_escaped(dir: &Path) {
        let beside = dir.join("beside");
        assert_eq!(std::fs::read_to_string(beside.join("secret")).unwrap(), "untouched");
        assert_eq!(std::fs::read_dir(&beside).unwrap().count(), 1);
        assert_eq!(std::fs::read_dir(dir).unwrap().count(), 2);
        let mode = std::fs::metadata(&beside).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o700);
    }

    #[test]
    fn files_modes_and_links_arrive_from_several_archives() {
        let mut packed = Archive::new().file("a/run.sh", b"#!/bin/sh\n").packed();
        packed.extend(Archive::new().link("b", "a/run.sh").file("c", b"").packed());
        let (dir, result) = try_unpack(&packed);
        assert_eq!(result.unwrap(), 3);
        let script = std::fs::metadata(dir.path().join("src/b")).unwrap();
        assert_eq!(script.permissions().mode() & 0o7777, 0o755);
        assert_nothing_escaped(dir.path());
    }

    #[test]
    fn a_link_may_point_outside_but_nothing_is_written_through_it() {
        let (dir, result) = try_unpack(&Archive::new().link("l", "/etc/passwd").packed());
        assert!(result.is_ok());
        assert!(dir.path().join("src/l").is_symlink());
    }

    #[test]
    fn hostile_archives_do_not_escape() {
        let hostile = [
            Archive::new().file("../escape", b"x"),
            Archive::new().file("a/../../escape", b"x"),
            Archive::new().file("/tmp/solstice-escape", b"x"),
            Archive::new().link("l", "../beside").file("l/new", b"x"),
            Archive::new().link("l", "../beside").file("l/secret", b"x"),
            Archive::new().link("l", "..").link("l/beside/m", "x"),
            Archive::new().link("l", "../beside").member(EntryType::Directory, "l/d", "", b""),
            Archive::new().member(EntryType::Link, "h", "../beside/secret", b""),
            Archive::new().member(EntryType::Fifo, "f", "", b""),
            Archive::new().member(EntryType::Char, "c", "", b""),
        ];
        for (index, archive) in hostile.into_iter().enumerate() {
            let (dir, result) = try_unpack(&archive.packed());
            assert!(result.is_err(), "archive {index}");
            assert_nothing_escaped(dir.path());
        }
        assert!(!Path::new("/tmp/solstice-escape").exists());
    }

    #[test]
    fn what_replaces_a_link_replaces_the_link_and_not_its_target() {
        for kind in [EntryType::Regular, EntryType::Directory, EntryType::Symlink] {
            for target in ["../beside", "../beside/secret"] {
                let archive = Archive::new().link("l", target).member(kind, "l", "elsewhere", b"");
                let (dir, _) = try_unpack(&archive.packed());
                assert_nothing_escaped(dir.path());
            }
        }
    }

    #[test]
    fn a_link_that_was_there_before_is_no_door_either() {
        let dir = tempfile::tempdir().unwrap();
        symlink("/tmp", dir.path().join("l")).unwrap();
        let packed = Archive::new().file("l/solstice-escape", b"x").packed();
        assert!(unpack(&packed[..], dir.path(), SMALL).is_err());
        assert!(!Path::new("/tmp/solstice-escape").exists());
    }

    #[test]
    fn size_and_count_are_bounded() {
        let large = Archive::new().file("zeros", &vec![0; 200_000]).packed();
        assert!(matches!(try_unpack(&large).1, Err(UnpackError::TooLarge(100_000))));
        let many = (0..11).fold(Archive::new(), |archive, n| archive.file(&format!("f{n}"), b""));
        assert!(matches!(try_unpack(&many.packed()).1, Err(UnpackError::TooMany(10))));
    }

    #[test]
    fn an_archive_that_breaks_off_is_fetched_again() {
        let noise: Vec<u8> =
            (0..60_000u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
        let packed = Archive::new().file("noise", &noise).packed();
        let (_dir, result) = try_unpack(&packed[..packed.len() / 2]);
        assert!(result.unwrap_err().retry());
        let (_dir, result) = try_unpack(b"this is no archive");
        assert!(result.unwrap_err().retry());
    }
}
