//! What goes between a guest and the server as a stream: the inputs of its job,
//! its artifacts. A stream cannot be sent again from here, so whatever breaks is
//! answered 503 and the agent begins anew.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use dropshot::{ClientErrorStatusCode, HttpError, StreamingBody};
use futures::StreamExt as _;
use slog::{debug, warn};
use solstice_api::agent::{
    ArtifactStored, MAX_ARTIFACT_BYTES, MAX_ARTIFACT_PATH_BYTES, MAX_ARTIFACTS,
};
use solstice_api::host::codes;
use solstice_log::{chain, keys};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::body::Pieces;
use super::{AgentContext, over, permit, refusal, server_away};
use crate::attempt::Attempt;
use crate::server::ServerError;
use crate::stage::Ending;

/// The most that a guest may send of artifacts, repeats and all, in bytes.
const MAX_RECEIVED_BYTES: u64 = 256 * 1024 * 1024 * 1024;

/// An artifact as it is announced.
pub(super) struct Announced {
    pub(super) index: u32,
    pub(super) path: String,
    /// Its size, if the guest says it.
    pub(super) bytes: Option<u64>,
}

impl AgentContext {
    /// Begins to pass on what the jobs that an attempt's job needs have left.
    pub(super) async fn inputs(&self, attempt: Arc<Attempt>) -> Result<Pieces, HttpError> {
        // What follows has a permit of its own.
        drop(permit(&attempt)?);
        if !attempt.assignment.has_inputs {
            let message = "no job that this one needs has left anything";
            return Err(refusal(ClientErrorStatusCode::NOT_FOUND, "no_inputs", message));
        }
        let began = tokio::select! {
            began = timeout(self.limits.silence, self.server.inputs(attempt.id())) => began,
            () = attempt.over() => return Err(over()),
        };
        match began {
            Ok(Ok(stream)) => {
                attempt.heard(true);
                Ok(Pieces::of_stream(stream.into_inner(), attempt))
            }
            Ok(Err(error)) => Err(self.refused("inputs", &attempt, error).await),
            Err(_) => Err(server_away()),
        }
    }

    /// Passes on one artifact.
    pub(super) async fn artifact(
        &self,
        attempt: &Attempt,
        announced: Announced,
        body: StreamingBody,
    ) -> Result<ArtifactStored, HttpError> {
        let bytes = check(&announced)?;
        let Ok(_alone) = attempt.uploads.try_acquire() else {
            let message = "one artifact at a time";
            let status = ClientErrorStatusCode::TOO_MANY_REQUESTS;
            return Err(refusal(status, "too_many_requests", message));
        };
        self.check_bounds(attempt, &announced, bytes)?;
        attempt.informed().await;
        attempt.note_move();
        let Announced { index, path, .. } = announced;
        let (sender, content) = Pieces::channel(Some(bytes));
        let content = reqwest::Body::wrap(content);
        let call = self.server.artifact(attempt.id(), index, &path, content);
        let answer = tokio::select! {
            answer = call => answer,
            never = pump(body, sender, attempt) => match never {},
            () = stalled(attempt, self.limits.silence) => return Err(server_away()),
            () = attempt.over() => return Err(over()),
        };
        match answer {
            Ok(stored) => {
                attempt.heard(true);
                Ok(stored)
            }
            Err(ServerError::TooLarge { why }) => {
                attempt
                    .too_large
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(index, why.clone());
                Err(too_large(&why))
            }
            Err(error) => Err(self.refused("an artifact", attempt, error).await),
        }
    }

    /// Refuses what is known to be too much.
    fn check_bounds(
        &self,
        attempt: &Attempt,
        announced: &Announced,
        bytes: u64,
    ) -> Result<(), HttpError> {
        let refused = attempt.too_large.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = refused.get(&announced.index) {
            return Err(too_large(why));
        }
        let received = attempt.received.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if received > MAX_RECEIVED_BYTES {
            return Err(too_large(&format!("a job may send {MAX_RECEIVED_BYTES} bytes in all")));
        }
        Ok(())
    }

    /// What a guest is told when the server did not take, or give, something.
    async fn refused(&self, what: &str, attempt: &Attempt, error: ServerError) -> HttpError {
        let id = attempt.id().to_string();
        match error {
            ServerError::Over => {
                attempt.end(Ending::Unwanted).await;
                over()
            }
            ServerError::Away { why } | ServerError::Unauthorized { why } => {
                debug!(self.log, "a transfer must wait"; keys::ATTEMPT => id, keys::REASON => why);
                attempt.heard(false);
                server_away()
            }
            ServerError::Refused { status: 400, why } => {
                HttpError::for_bad_request(Some("refused".to_owned()), why)
            }
            error => {
                warn!(self.log, "a transfer is refused for good";
                    keys::ATTEMPT => id, keys::ERROR => chain(&error));
                let why = format!("cannot pass on {what}: {}", chain(&error));
                attempt.end(Ending::Lost { why }).await;
                over()
            }
        }
    }
}

/// Checks what does not depend on the attempt; gives the artifact's size.
fn check(announced: &Announced) -> Result<u64, HttpError> {
    let Announced { index, path, bytes } = announced;
    let bad =
        |message: String| HttpError::for_bad_request(Some("bad_artifact".to_owned()), message);
    if *index >= MAX_ARTIFACTS {
        return Err(bad(format!("a job has at most {MAX_ARTIFACTS} artifacts")));
    }
    let parts_are_names = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if !parts_are_names || path.len() > MAX_ARTIFACT_PATH_BYTES || path.contains('\0') {
        return Err(bad(format!(
            "an artifact's path has at most {MAX_ARTIFACT_PATH_BYTES} bytes and no part that is \
             empty, `.` or `..`"
        )));
    }
    match bytes {
        None => {
            let message = "an artifact is announced with its size";
            Err(refusal(ClientErrorStatusCode::LENGTH_REQUIRED, "no_length", message))
        }
        Some(bytes) if *bytes > MAX_ARTIFACT_BYTES => {
            Err(too_large(&format!("an artifact has at most {MAX_ARTIFACT_BYTES} bytes")))
        }
        Some(bytes) => Ok(*bytes),
    }
}

fn too_large(why: &str) -> HttpError {
    refusal(ClientErrorStatusCode::PAYLOAD_TOO_LARGE, codes::TOO_LARGE, why)
}

/// Puts what comes from the guest into a body; then waits for ever.
async fn pump(
    body: StreamingBody,
    sender: mpsc::Sender<io::Result<Bytes>>,
    attempt: &Attempt,
) -> std::convert::Infallible {
    let mut pieces = std::pin::pin!(body.into_stream());
    while let Some(piece) = pieces.next().await {
        attempt.note_move();
        let piece = piece.map_err(|error| io::Error::other(error.external_message));
        let last = piece.is_err();
        if sender.send(piece).await.is_err() || last {
            break;
        }
    }
    drop(sender);
    std::future::pending().await
}

/// Resolves when nothing has moved for this long.
async fn stalled(attempt: &Attempt, silence: Duration) {
    while let Some(until) = attempt.moved().map(|moved| moved + silence) {
        if until <= Instant::now() {
            return;
        }
        sleep_until(until).await;
    }
}
