//! Reading one artifact.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures::stream::{self, Stream};
use solstice_model::AttemptId;

use crate::error::ArtifactError;
use crate::files::blocking;

/// The most that is read at once.
const READ_BYTES: u64 = 256 * 1024;

/// An open artifact. It can be read although it is deleted meanwhile.
#[derive(Clone, Debug)]
pub struct Reader {
    file: Arc<File>,
    path: PathBuf,
    bytes: u64,
    modified: SystemTime,
}

impl Reader {
    pub(crate) fn open(path: &Path, attempt: AttemptId, index: u32) -> Result<Self, ArtifactError> {
        let opened = File::open(path).and_then(|file| {
            let about = file.metadata()?;
            Ok((file, about.len(), about.modified()?))
        });
        match opened {
            Ok((file, bytes, modified)) => {
                Ok(Self { file: Arc::new(file), path: path.to_owned(), bytes, modified })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(ArtifactError::Absent { attempt, index })
            }
            Err(error) => Err(ArtifactError::io("open", path)(error)),
        }
    }

    /// The size, in bytes.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// When it was written.
    pub fn modified(&self) -> SystemTime {
        self.modified
    }

    /// Reads from an offset on: at most `max_bytes` (and a bound of our own);
    /// nothing only at the end.
    ///
    /// # Errors
    ///
    /// [`ArtifactError::Damaged`] if it was cut, and whatever the disk does.
    pub async fn read(&self, offset: u64, max_bytes: u64) -> Result<Bytes, ArtifactError> {
        let reader = self.clone();
        blocking(move || {
            let length = reader.bytes.saturating_sub(offset).min(max_bytes).min(READ_BYTES);
            let mut bytes = vec![0; usize::try_from(length).expect("a read is small")];
            reader.read_now(offset, &mut bytes)?;
            Ok(Bytes::from(bytes))
        })
        .await
    }

    /// Fills `into`, up to the end; gives how much that is.
    pub(crate) fn read_now(&self, offset: u64, into: &mut [u8]) -> Result<usize, ArtifactError> {
        let left = usize::try_from(self.bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let length = left.min(into.len());
        match self.file.read_exact_at(&mut into[..length], offset) {
            Ok(()) => Ok(length),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(ArtifactError::Damaged { path: self.path.clone() })
            }
            Err(error) => Err(ArtifactError::io("read", &self.path)(error)),
        }
    }

    /// The bytes from an offset on, so many or up to the end, piece by piece; one
    /// piece is in memory at a time. Nothing comes after an error.
    pub fn stream(
        self,
        offset: u64,
        bytes: u64,
    ) -> impl Stream<Item = Result<Bytes, ArtifactError>> + Send + 'static {
        stream::try_unfold((self, offset, bytes), |(reader, offset, left)| async move {
            let piece = reader.read(offset, left).await?;
            let length = piece.len() as u64;
            Ok((length > 0).then_some((piece, (reader, offset + length, left - length))))
        })
    }
}
