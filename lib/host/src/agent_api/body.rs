//! A file as the body of an answer: read as fast as the guest takes it.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use crate::attempt::{Attempt, blocking};
use crate::source::Prepared;

/// How much is read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// The body. A task of its own reads; it ends when the body is dropped or the
/// attempt is over, so that a guest which takes nothing keeps nothing busy.
pub(crate) struct FileBody {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    left: u64,
}

impl FileBody {
    /// Must be called inside the runtime.
    pub(crate) fn new(prepared: Arc<Prepared>, attempt: Arc<Attempt>) -> Self {
        let (sender, pieces) = mpsc::channel(2);
        let left = prepared.bytes;
        tokio::spawn(async move {
            // What is read is bounded per guest, like its requests.
            let _permit = attempt.requests.acquire().await;
            tokio::select! {
                () = read(prepared, sender) => {}
                () = attempt.over() => {}
            }
        });
        Self { pieces, left }
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

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.pieces.poll_recv(cx).map(|piece| match piece {
            Some(Ok(bytes)) => {
                self.left -= bytes.len() as u64;
                Some(Ok(Frame::data(bytes)))
            }
            Some(Err(error)) => Some(Err(error)),
            None if self.left > 0 => Some(Err(io::ErrorKind::UnexpectedEof.into())),
            None => None,
        })
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
