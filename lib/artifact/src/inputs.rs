//! Artifacts as one archive, for the job that needs them.

use std::io::{self, BufWriter, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use futures::Stream;
use solstice_model::AttemptId;
use tokio::sync::mpsc;

use crate::error::ArtifactError;
use crate::names::Names;
use crate::reader::Reader;
use crate::store::Inner;

/// Speed matters more than size: the way into the guest is short, and much of
/// what jobs keep is compressed already.
const LEVEL: i32 = 1;

/// The size of the pieces in which the archive comes.
const PIECE_BYTES: usize = 64 * 1024;

/// How many pieces wait for whoever takes them.
const WAITING: usize = 4;

/// One artifact of one of the jobs that are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The job that made it: the first part of its name in the archive.
    pub job: String,
    /// The rest of its name, relative.
    pub path: String,
    /// The attempt that kept it.
    pub attempt: AttemptId,
    /// Its index.
    pub index: u32,
}

/// A tar archive with one file per artifact, compressed by zstd, piece by piece.
///
/// It is made while it is taken: a few pieces are in memory at a time, and when
/// it is dropped, making it ends. After an error nothing comes, and what came is
/// no whole archive.
#[derive(Debug)]
pub struct Inputs {
    pieces: mpsc::Receiver<Result<Bytes, ArtifactError>>,
}

impl Inputs {
    pub(crate) fn begin(inner: Arc<Inner>, wanted: Vec<Input>) -> Result<Self, ArtifactError> {
        let mut names = Names::default();
        let mut named = Vec::with_capacity(wanted.len());
        for input in wanted {
            // So that the caller is told before it has begun to answer.
            open(&inner, &input)?;
            named.push((names.take(&input.job, &input.path)?, input));
        }
        let (sender, pieces) = mpsc::channel(WAITING);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = archive(&inner, &named, &sender) {
                // Nobody is told if nobody takes the archive.
                let _ = sender.blocking_send(Err(error));
            }
        });
        Ok(Self { pieces })
    }
}

impl Stream for Inputs {
    type Item = Result<Bytes, ArtifactError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.poll_recv(context)
    }
}

fn open(inner: &Inner, input: &Input) -> Result<Reader, ArtifactError> {
    Reader::open(&inner.path(input.attempt, input.index), input.attempt, input.index)
}

fn archive(
    inner: &Inner,
    named: &[(String, Input)],
    sender: &mpsc::Sender<Result<Bytes, ArtifactError>>,
) -> Result<(), ArtifactError> {
    // Writing fails when nobody takes the archive any more, and for nothing else.
    let gone = |_: io::Error| ArtifactError::Closed;
    let pieces = BufWriter::with_capacity(PIECE_BYTES, Pieces(sender));
    let encoder = zstd::Encoder::new(pieces, LEVEL).map_err(gone)?;
    let mut builder = tar::Builder::new(encoder);
    for (name, input) in named {
        let mut contents = Contents { reader: open(inner, input)?, offset: 0, failed: None };
        let mut header = header(&contents.reader);
        let appended = builder.append_data(&mut header, name, &mut contents);
        if let Some(failed) = contents.failed {
            return Err(failed);
        }
        appended.map_err(gone)?;
    }
    let mut pieces = builder.into_inner().and_then(zstd::Encoder::finish).map_err(gone)?;
    pieces.flush().map_err(gone)
}

/// What is told of a file beside its name: anybody may read it.
fn header(reader: &Reader) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(reader.bytes());
    header.set_mode(0o644);
    let modified = reader.modified().duration_since(UNIX_EPOCH).unwrap_or_default();
    header.set_mtime(modified.as_secs());
    header
}

/// An artifact as whoever packs it reads it, all of it or with an error.
struct Contents {
    reader: Reader,
    offset: u64,
    failed: Option<ArtifactError>,
}

impl Read for Contents {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.reader.read_now(self.offset, into) {
            Ok(length) => {
                self.offset += length as u64;
                Ok(length)
            }
            Err(error) => {
                self.failed = Some(error);
                Err(io::ErrorKind::Other.into())
            }
        }
    }
}

/// Hands on what is written.
struct Pieces<'a>(&'a mpsc::Sender<Result<Bytes, ArtifactError>>);

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
