//! Taking one artifact.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use solstice_model::AttemptId;
use solstice_model::digest::Sha256Digest;

use crate::error::ArtifactError;
use crate::files::{self, attempt_dir, blocking, private_directory, sync_parents};
use crate::store::{Inner, account};

/// How much is gathered before it is written.
const GATHERED_BYTES: usize = 256 * 1024;

/// What there is of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its size.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Sha256Digest,
}

/// Takes one artifact, piece by piece. Dropping it leaves nothing.
pub struct Writer {
    /// `None` once a call failed or was not waited for.
    unfinished: Option<Unfinished>,
    /// What has come and is not written yet.
    gathered: Vec<Bytes>,
    gathered_bytes: usize,
}

impl Writer {
    pub(crate) fn begin(
        inner: Arc<Inner>,
        attempt: AttemptId,
        index: u32,
    ) -> Result<Self, ArtifactError> {
        let dir = attempt_dir(&inner.dir, attempt);
        {
            let _places = inner.places();
            let on_disk = account(&dir)?;
            inner.books().begin(attempt, index, on_disk)?;
        }
        // From here on, dropping gives back what is taken.
        let place = Place { path: inner.new_path(), inner, attempt, index, bytes: 0, kept: false };
        let file = files::create(&place.path)?;
        let unfinished = Unfinished { place, file, hasher: Sha256::new() };
        Ok(Self { unfinished: Some(unfinished), gathered: Vec::new(), gathered_bytes: 0 })
    }

    /// Takes the next bytes. If the future is dropped before it is ready, the
    /// artifact is given up.
    ///
    /// # Errors
    ///
    /// [`ArtifactError::TooLarge`], [`ArtifactError::AttemptTooLarge`],
    /// [`ArtifactError::Full`], [`ArtifactError::Removed`], and whatever the disk
    /// does; then the artifact is given up.
    pub async fn write(&mut self, bytes: Bytes) -> Result<(), ArtifactError> {
        let unfinished = self.unfinished.as_mut().ok_or(ArtifactError::GivenUp)?;
        if let Err(refused) = unfinished.place.grow(bytes.len()) {
            self.unfinished = None;
            return Err(refused);
        }
        self.gathered_bytes += bytes.len();
        self.gathered.push(bytes);
        if self.gathered_bytes >= GATHERED_BYTES { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), ArtifactError> {
        let mut unfinished = self.unfinished.take().ok_or(ArtifactError::GivenUp)?;
        let gathered = std::mem::take(&mut self.gathered);
        self.gathered_bytes = 0;
        let written = blocking(move || {
            unfinished.write(&gathered)?;
            Ok(unfinished)
        });
        self.unfinished = Some(written.await?);
        Ok(())
    }

    /// Puts the artifact in its place, and says what came once that is on disk:
    /// whoever sent it can tell whether it is what was sent. The same again is fine.
    ///
    /// # Errors
    ///
    /// [`ArtifactError::Exists`] if something else has its place, and those of
    /// [`Writer::write`]; then nothing was changed.
    pub async fn commit(mut self) -> Result<Stored, ArtifactError> {
        self.flush().await?;
        let unfinished = self.unfinished.take().ok_or(ArtifactError::GivenUp)?;
        blocking(move || unfinished.commit()).await
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.unfinished.as_ref().map(|unfinished| &unfinished.place.path);
        f.debug_struct("Writer").field("path", &path).finish_non_exhaustive()
    }
}

/// The file that is being written.
struct Unfinished {
    place: Place,
    file: File,
    hasher: Sha256,
}

impl Unfinished {
    fn write(&mut self, pieces: &[Bytes]) -> Result<(), ArtifactError> {
        for piece in pieces {
            self.file.write_all(piece).map_err(ArtifactError::io("write", &self.place.path))?;
            self.hasher.update(piece);
        }
        Ok(())
    }

    fn commit(self) -> Result<Stored, ArtifactError> {
        let Self { mut place, file, hasher } = self;
        let sha256 = Sha256Digest::from_bytes(hasher.finalize().into());
        let stored = Stored { bytes: place.bytes, sha256 };
        file.sync_all().map_err(ArtifactError::io("sync", &place.path))?;
        let target = place.inner.path(place.attempt, place.index);
        if !place.take(&target)? {
            same(&target, stored)?
                .ok_or(ArtifactError::Exists { attempt: place.attempt, index: place.index })?;
        }
        sync_parents(&target)?;
        Ok(stored)
    }
}

/// Waits for a file to be on disk if it has these contents; `None` if it has others.
fn same(path: &Path, stored: Stored) -> Result<Option<()>, ArtifactError> {
    let compare = || -> io::Result<bool> {
        let mut file = File::open(path)?;
        if file.metadata()?.len() != stored.bytes {
            return Ok(false);
        }
        let (mut hasher, mut block) = (Sha256::new(), vec![0; GATHERED_BYTES]);
        loop {
            match file.read(&mut block)? {
                0 => break,
                length => hasher.update(&block[..length]),
            }
        }
        file.sync_all()?;
        Ok(Sha256Digest::from_bytes(hasher.finalize().into()) == stored.sha256)
    };
    let same = compare().map_err(ArtifactError::io("read", path))?;
    Ok(same.then_some(()))
}

/// The unfinished file's name and what it takes in the books; both go with it.
struct Place {
    inner: Arc<Inner>,
    path: PathBuf,
    attempt: AttemptId,
    index: u32,
    bytes: u64,
    /// Whether the file has its own name and goes on to count.
    kept: bool,
}

impl Place {
    fn grow(&mut self, more: usize) -> Result<(), ArtifactError> {
        let more = more as u64;
        self.inner.books().grow(self.attempt, self.bytes, more)?;
        self.bytes += more;
        Ok(())
    }

    /// Gives the file its name; `false` if another has it.
    fn take(&mut self, target: &Path) -> Result<bool, ArtifactError> {
        private_directory(&attempt_dir(&self.inner.dir, self.attempt))?;
        let _places = self.inner.places();
        self.inner.books().still_wanted(self.attempt)?;
        if fs::exists(target).map_err(ArtifactError::io("look for", target))? {
            return Ok(false);
        }
        fs::rename(&self.path, target).map_err(ArtifactError::io("write", target))?;
        self.kept = true;
        Ok(true)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.kept {
            // What is left if this fails is cleared away at the next start.
            let _ = fs::remove_file(&self.path);
        }
        self.inner.books().end(self.attempt, self.index, self.bytes, self.kept);
    }
}
