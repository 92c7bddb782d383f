//! Bodies that are passed on piece by piece, as fast as whoever is at the other
//! end takes them: a few pieces are in memory, never a whole file.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::attempt::{Attempt, blocking};
use crate::source::Prepared;

/// How much of a file is read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// How many pieces may wait for whoever takes them.
const PIECES: usize = 2;

/// A body whose pieces come from a task of their own.
pub(crate) struct Pieces {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    /// How many bytes are yet to come, where that is known.
    left: Option<u64>,
}

impl Pieces {
    /// A body of so many bytes, and where its pieces are put in. Without the
    /// right number of bytes it ends in an error.
    pub(crate) fn channel(bytes: Option<u64>) -> (mpsc::Sender<io::Result<Bytes>>, Self) {
        let (sender, pieces) = mpsc::channel(PIECES);
        (sender, Self { pieces, left: bytes })
    }

    /// The archive of a source. What reads ends when the body is dropped or the
    /// attempt is over, so that a guest which takes nothing keeps nothing busy.
    /// Must be called inside the runtime.
    pub(crate) fn of_file(prepared: Arc<Prepared>, attempt: Arc<Attempt>) -> Self {
        let (sender, body) = Self::channel(Some(prepared.bytes));
        spawn(attempt, read(prepared, sender));
        body
    }

    /// What comes from the server; otherwise as [`Pieces::of_file`].
    pub(crate) fn of_stream<E>(
        stream: impl Stream<Item = Result<Bytes, E>> + Send + Unpin + 'static,
        attempt: Arc<Attempt>,
    ) -> Self
    where
        E: std::error::Error + Send + Sync + 'static,
    {
        let (sender, body) = Self::channel(None);
        spawn(attempt, pass_on(stream, sender));
        body
    }
}

fn spawn(attempt: Arc<Attempt>, work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(async move {
        // What is read is bounded per guest, like its requests.
        let _permit = attempt.requests.acquire().await;
        tokio::select! {
            () = work => {}
            () = attempt.over() => {}
        }
    });
}

async fn pass_on<E: std::error::Error + Send + Sync + 'static>(
    mut stream: impl Stream<Item = Result<Bytes, E>> + Unpin,
    sender: mpsc::Sender<io::Result<Bytes>>,
) {
    while let Some(piece) = stream.next().await {
        let last = piece.is_err();
        if sender.send(piece.map_err(io::Error::other)).await.is_err() || last {
            return;
        }
    }
}

async fn read(prepared: Arc<Prepared>, sender: mpsc::Sender<io::Result<Bytes>>) {
    let mut at = 0;
    while at < prepared.bytes {
        let source = prepared.clone();
        let piece = blocking(move || piece(&source, at)).await;
        match &piece {
            Ok(bytes) => at += bytes.len() as u64,
            Err(_) => at = prepared.bytes,
        }
        if sender.send(piece).await.is_err() {
            return;
        }
    }
}

fn piece(source: &Prepared, at: u64) -> io::Result<Bytes> {
    let left = usize::try_from(source.bytes - at).unwrap_or(usize::MAX);
    let mut buffer = vec![0; left.min(PIECE_BYTES)];
    source.file.read_exact_at(&mut buffer, at)?;
    Ok(buffer.into())
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.pieces.poll_recv(cx).map(|piece| match (piece, self.left) {
            (Some(Ok(bytes)), None) => Some(Ok(Frame::data(bytes))),
            (Some(Ok(bytes)), Some(left)) => match left.checked_sub(bytes.len() as u64) {
                Some(left) => {
                    self.left = Some(left);
                    Some(Ok(Frame::data(bytes)))
                }
                None => Some(Err(io::Error::other("more bytes than were announced"))),
            },
            (Some(Err(error)), _) => Some(Err(error)),
            (None, Some(1..)) => Some(Err(io::ErrorKind::UnexpectedEof.into())),
            (None, _) => None,
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
