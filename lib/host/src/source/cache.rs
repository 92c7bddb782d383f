//! Archives that are kept for the next job of their commit.

use std::fs::File;
use std::io;
use std::time::SystemTime;

use camino::{Utf8Path, Utf8PathBuf};
use sha2::{Digest, Sha256};
use solstice_model::CommitSha;
use tempfile::NamedTempFile;
use url::Url;

use super::{SourceError, io_error};
use crate::attempt::blocking;
use crate::file;

/// Part of every key; to be changed with the way in which archives are made.
const FORMAT: &str = "solstice-source-1";

/// The directory of archives, bounded in size; the longest unused goes first.
pub(crate) struct Cache {
    directory: Utf8PathBuf,
    limit: u64,
}

/// The name of a commit's archive.
pub(crate) fn key(url: &Url, commit: &CommitSha) -> String {
    hex::encode(Sha256::digest(format!("{FORMAT}\n{url}\n{commit}")))
}

impl Cache {
    pub(crate) fn open(directory: Utf8PathBuf, limit: u64) -> Result<Self, SourceError> {
        let made = std::fs::create_dir_all(&directory).and_then(|()| {
            // What a crash left of unfinished archives.
            for entry in directory.read_dir_utf8()? {
                let entry = entry?;
                if !entry.file_name().ends_with(".tar.zst") {
                    file::remove(entry.path())?;
                }
            }
            Ok(())
        });
        made.map_err(io_error(&directory))?;
        Ok(Self { directory, limit })
    }

    pub(crate) fn directory(&self) -> &Utf8Path {
        &self.directory
    }

    /// Opens an archive if it is kept, and notes that it was used.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<(File, u64)>, SourceError> {
        let path = self.path(key);
        let open = move || match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
            Ok(file) => {
                file.set_modified(SystemTime::now())?;
                let bytes = file.metadata()?.len();
                Ok(Some((file, bytes)))
            }
        };
        blocking(open).await.map_err(io_error(&self.path(key)))
    }

    /// Keeps a finished archive.
    pub(crate) async fn put(
        &self,
        key: &str,
        archive: NamedTempFile,
    ) -> Result<(File, u64), SourceError> {
        let (path, directory, limit) = (self.path(key), self.directory.clone(), self.limit);
        let keep = move || {
            file::persist(archive, &path)?;
            let file = File::open(&path)?;
            let bytes = file.metadata()?.len();
            tidy(&directory, limit)?;
            Ok((file, bytes))
        };
        blocking(keep).await.map_err(io_error(&self.path(key)))
    }

    /// Removes what has not been used for longest until the rest is within its bound.
    pub(crate) async fn tidy(&self) -> Result<(), SourceError> {
        let (directory, limit) = (self.directory.clone(), self.limit);
        blocking(move || tidy(&directory, limit)).await.map_err(io_error(&self.directory))
    }

    fn path(&self, key: &str) -> Utf8PathBuf {
        self.directory.join(format!("{key}.tar.zst"))
    }
}

fn tidy(directory: &Utf8Path, limit: u64) -> io::Result<()> {
    let mut archives = Vec::new();
    for entry in directory.read_dir_utf8()? {
        let path = entry?.into_path();
        if path.as_str().ends_with(".tar.zst") {
            let about = std::fs::metadata(&path)?;
            archives.push((about.modified()?, about.len(), path));
        }
    }
    archives.sort();
    let mut total: u64 = archives.iter().map(|(_, bytes, _)| bytes).sum();
    for (_, bytes, path) in archives {
        if total <= limit {
            break;
        }
        // Whoever reads it has it open.
        file::remove(&path)?;
        total -= bytes;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_longest_unused_archive_goes_first() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap();
        for (name, age) in [("a", 3), ("b", 9), ("c", 1)] {
            let path = root.join(format!("{name}.tar.zst"));
            std::fs::write(&path, [0; 10]).unwrap();
            let when = SystemTime::now() - Duration::from_secs(age);
            File::open(&path).unwrap().set_modified(when).unwrap();
        }
        tidy(root, 25).unwrap();
        let there = |name: &str| root.join(format!("{name}.tar.zst")).exists();
        assert!(there("a") && !there("b") && there("c"));
    }

    #[test]
    fn unfinished_archives_of_a_crash_are_removed_at_the_start() {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8Path::from_path(dir.path()).unwrap();
        std::fs::write(root.join(".tmpAbC"), "half").unwrap();
        std::fs::write(root.join("a.tar.zst"), "whole").unwrap();
        Cache::open(root.to_owned(), 100).unwrap();
        assert_eq!(std::fs::read_dir(root).unwrap().count(), 1);
    }
}
