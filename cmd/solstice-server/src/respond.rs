//! Answers that the server writes by hand: JSON with a status of its own, and
//! bodies that are produced while they are read.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use bytes::Bytes;
use dropshot::{Body, HttpError};
use futures::{Stream, StreamExt as _};
use http::{HeaderValue, Response, StatusCode, header};
use hyper::body::Frame;
use serde::Serialize;
use slog::{Logger, error};
use solstice_log::{chain, keys};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::context::Context;
use crate::error::busy;

/// Pieces that wait for a slow reader. With pieces of at most about 100 KiB a
/// reader costs less than half a megabyte, however slow it is.
const WAITING_PIECES: usize = 2;

/// A reader that takes nothing for this long has gone.
const STALLED: Duration = Duration::from_secs(300);

/// A JSON answer.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    let body = serde_json::to_vec(value).expect("our own types have string keys only");
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// The writing end of a body that is produced while it is read.
pub(crate) struct Writer {
    pieces: mpsc::Sender<Result<Bytes, Broken>>,
    /// Given back when the writer is gone.
    _permit: OwnedSemaphorePermit,
}

/// The reader has gone.
#[derive(Debug)]
pub(crate) struct Gone;

/// There is more, but it cannot be read: the connection is cut, so that nobody
/// takes what came for all of it.
#[derive(Debug, thiserror::Error)]
#[error("the rest cannot be read")]
pub(crate) struct Broken;

impl Writer {
    /// Hands over a piece; waits while the reader is behind.
    pub(crate) async fn send(&self, piece: impl Into<Bytes>) -> Result<(), Gone> {
        self.pieces.send_timeout(Ok(piece.into()), STALLED).await.map_err(|_| Gone)
    }

    /// Cuts the connection.
    pub(crate) async fn fail(&self) -> Result<(), Gone> {
        let _ = self.pieces.send_timeout(Err(Broken), STALLED).await;
        Err(Gone)
    }

    /// Returns when the reader has gone.
    pub(crate) async fn closed(&self) {
        self.pieces.closed().await;
    }
}

/// Makes a body and its writing end, if there is room for another.
pub(crate) fn stream(streams: &Arc<Semaphore>) -> Result<(Writer, Body), HttpError> {
    let permit = Arc::clone(streams).try_acquire_owned();
    let permit = permit.map_err(|_| busy("too many logs are being read; try again soon"))?;
    let (sender, receiver) = mpsc::channel(WAITING_PIECES);
    Ok((Writer { pieces: sender, _permit: permit }, Body::wrap(Pieces(receiver))))
}

/// Makes a body of pieces that are read while it is taken. Where they break
/// off, or the server stops, the connection is cut: what came does not pass for
/// all of it.
pub(crate) fn transfer<E>(
    context: &Context,
    pieces: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    log: Logger,
) -> Result<Body, HttpError>
where
    E: std::error::Error + Send + 'static,
{
    let (writer, body) = stream(&context.streams)?;
    let stop = context.stop.clone();
    tokio::spawn(async move {
        let mut pieces = Box::pin(pieces);
        let write = async {
            while let Some(piece) = pieces.next().await {
                match piece {
                    Ok(piece) => writer.send(piece).await?,
                    Err(failed) => {
                        error!(log, "a transfer breaks off"; keys::ERROR => chain(&failed));
                        writer.fail().await?;
                    }
                }
            }
            Ok::<(), Gone>(())
        };
        if stop.run_until_cancelled(write).await.is_none() {
            // Nobody may be there to notice.
            let _ = writer.fail().await;
        }
    });
    Ok(body)
}

/// The reading end.
struct Pieces(mpsc::Receiver<Result<Bytes, Broken>>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(task).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
