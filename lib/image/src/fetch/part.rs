//! What has arrived of a file, and of which one.
//!
//! ```text
//! FOLDER/<64 hex digits>.part   the first bytes of the file with this digest
//! FOLDER/<64 hex digits>.json   where they came from, and what tells whether
//!                               the server still has the same file
//! ```
//!
//! The record is replaced only while the part is empty, so that a process that
//! is killed at any instruction never leaves bytes under a wrong record.

use std::fs::{File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};
use solstice_model::Sha256Digest;

use super::FetchError;
use crate::verify::digest;

/// A file that was downloaded whole and has the wanted digest. Nobody else can
/// download it while this exists.
#[derive(Debug)]
pub struct Fetched {
    /// Where it is.
    pub path: Utf8PathBuf,
    _locked: File,
}

/// A file of which something may have arrived.
pub(crate) struct Part {
    path: Utf8PathBuf,
    /// Locked, so that two processes do not write into it.
    file: File,
    have: u64,
    /// The most that was ever there while this existed, in bytes.
    furthest: u64,
    /// Whether what is there came in more than one answer.
    pieced: bool,
    record: Record,
}

/// What the part is a part of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    url: String,
    /// A strong entity tag, or the time of the last change, as the server wrote it.
    validator: Option<String>,
    total: Option<u64>,
}

fn failed(action: &'static str, path: &Utf8Path) -> impl FnOnce(io::Error) -> FetchError {
    let path = path.to_owned();
    move |source| FetchError::File { action, path, source }
}

impl Part {
    /// Finds what there is of the file with this digest.
    pub(crate) fn open(
        folder: &Utf8Path,
        sha256: Sha256Digest,
        url: &str,
    ) -> Result<Self, FetchError> {
        std::fs::create_dir_all(folder).map_err(failed("make", folder))?;
        let path = folder.join(format!("{}.part", sha256.hex()));
        let file = open_locked(&path)?;
        let have = file.metadata().map_err(failed("read", &path))?.len();
        let record = Record::default();
        let mut part = Self { path, file, have, furthest: have, pieced: have > 0, record };
        // A record that cannot be read is as good as none.
        let text = std::fs::read(part.record_path()).unwrap_or_default();
        part.record = serde_json::from_slice(&text).unwrap_or_default();
        if part.record.url != url {
            part.truncate()?;
            part.record = Record { url: url.to_owned(), ..Record::default() };
        }
        Ok(part)
    }

    /// How much of the file is there, in bytes.
    pub(crate) fn have(&self) -> u64 {
        self.have
    }

    /// The most that was ever there while this existed, in bytes: progress is
    /// what goes beyond it.
    pub(crate) fn furthest(&self) -> u64 {
        self.furthest
    }

    /// The size of the file, in bytes, if the server said it.
    pub(crate) fn total(&self) -> Option<u64> {
        self.record.total
    }

    /// Whether all that the server promised is there.
    pub(crate) fn is_whole(&self) -> bool {
        self.total() == Some(self.have)
    }

    /// Whether what is there came in more than one answer.
    pub(crate) fn is_pieced(&self) -> bool {
        self.pieced
    }

    /// Notes that what arrives from now on is of another answer.
    pub(crate) fn go_on(&mut self) {
        self.pieced = true;
    }

    /// The first byte that is missing and what tells whether the file is still
    /// the same; nothing if the whole has to be asked for.
    pub(crate) fn continuation(&self) -> Option<(u64, String)> {
        let validator = self.record.validator.clone()?;
        (self.have > 0).then_some((self.have, validator))
    }

    /// Forgets what has arrived; what arrives from now on is of this file.
    pub(crate) fn start_over(
        &mut self,
        total: Option<u64>,
        validator: Option<String>,
    ) -> Result<(), FetchError> {
        self.truncate()?;
        self.record.total = total;
        self.record.validator = validator;
        let (path, new) = (self.record_path(), self.path.with_extension("json.new"));
        let text = serde_json::to_vec(&self.record).expect("a record can be written as JSON");
        std::fs::write(&new, text).map_err(failed("write", &new))?;
        std::fs::rename(&new, &path).map_err(failed("write", &path))
    }

    /// Appends bytes that have arrived.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        self.file.write_all(bytes).map_err(failed("write", &self.path))?;
        self.have += bytes.len() as u64;
        self.furthest = self.furthest.max(self.have);
        Ok(())
    }

    /// The digest of what is there.
    pub(crate) fn digest(&mut self) -> Result<Sha256Digest, FetchError> {
        let mut read = || {
            self.file.rewind()?;
            let found = digest(&mut self.file)?;
            self.file.seek(SeekFrom::End(0)).map(|_| found)
        };
        read().map_err(failed("read", &self.path))
    }

    /// Makes what is there last.
    pub(crate) fn finish(self) -> Result<Fetched, FetchError> {
        self.file.sync_all().map_err(failed("write", &self.path))?;
        Ok(Fetched { path: self.path, _locked: self.file })
    }

    /// Removes everything.
    pub(crate) fn discard(self) -> Result<(), FetchError> {
        remove(&self.record_path())?;
        remove(&self.path)
    }

    fn truncate(&mut self) -> Result<(), FetchError> {
        self.have = 0;
        self.pieced = false;
        let emptied = self.file.set_len(0).and_then(|()| self.file.rewind());
        emptied.map_err(failed("write", &self.path))
    }

    fn record_path(&self) -> Utf8PathBuf {
        self.path.with_extension("json")
    }
}

impl Fetched {
    /// Removes the file, once it has been brought to where it belongs.
    ///
    /// # Errors
    ///
    /// [`FetchError::File`] if it cannot be removed.
    pub fn discard(self) -> Result<(), FetchError> {
        remove(&self.path.with_extension("json"))?;
        remove(&self.path)
    }
}

/// Opens a part and locks it. Whoever had the lock before may have removed the
/// file: then it is another one that has to be locked.
fn open_locked(path: &Utf8Path) -> Result<File, FetchError> {
    use std::os::unix::fs::MetadataExt as _;
    loop {
        let mut options = File::options();
        let file = options.create(true).truncate(false).read(true).write(true).open(path);
        let mut file = file.map_err(failed("write", path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(FetchError::Busy(path.to_owned())),
            Err(TryLockError::Error(source)) => return Err(failed("lock", path)(source)),
        }
        let ours = file.metadata().map_err(failed("read", path))?;
        if path.metadata().is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino()))
        {
            file.seek(SeekFrom::End(0)).map_err(failed("read", path))?;
            return Ok(file);
        }
    }
}

fn remove(path: &Utf8Path) -> Result<(), FetchError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", path)(error)),
        _ => Ok(()),
    }
}
