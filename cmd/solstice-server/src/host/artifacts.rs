//! Artifacts: taken from guests by way of their hosts, and given to the jobs
//! that need them.
//!
//! Nothing of a file is in memory but the piece that has come. It is there only
//! when all of it is on disk, and then it is noted; whoever dies in between
//! leaves a file that nobody names, which goes with its attempt.

use std::time::Duration;

use dropshot::{Body, ErrorStatusCode, HttpError, StreamingBody};
use futures::StreamExt as _;
use http::{HeaderValue, Response, header};
use slog::{info, o};
use solstice_api::agent::{ArtifactStored, MAX_ARTIFACT_PATH_BYTES, MAX_ARTIFACTS};
use solstice_artifact::{Input, Stored};
use solstice_log::keys;
use solstice_store::{AttemptInfo, NewArtifact};

use crate::context::Context;
use crate::error::{bad_request, client_error, from_artifact, from_store};
use crate::respond::transfer;

/// A host that sends nothing for this long has gone.
const SILENCE: Duration = Duration::from_secs(60);

/// Takes an artifact; answers once it is on disk and noted.
pub(super) async fn take(
    context: &Context,
    attempt: &AttemptInfo,
    index: u32,
    path: String,
    body: StreamingBody,
) -> Result<ArtifactStored, HttpError> {
    check_name(index, &path)?;
    let mut writer = context.artifacts.begin(attempt.id, index).await.map_err(from_artifact)?;
    let mut parts = std::pin::pin!(body.into_stream());
    loop {
        let part = tokio::time::timeout(SILENCE, parts.next()).await.map_err(|_| too_slow())?;
        let Some(part) = part.transpose()? else { break };
        writer.write(part).await.map_err(from_artifact)?;
    }
    let Stored { bytes, sha256 } = writer.commit().await.map_err(from_artifact)?;
    let noted = NewArtifact { index, path, bytes, sha256 };
    let now = context.clock.now();
    context
        .store
        .note_artifact(attempt.host.clone(), attempt.id, noted, now)
        .await
        .map_err(from_store)?;
    context.metrics.artifact_bytes.inc_by(bytes);
    info!(context.log, "artifact taken"; keys::ATTEMPT => %attempt.id, keys::JOB => %attempt.job);
    Ok(ArtifactStored { bytes, sha256 })
}

fn too_slow() -> HttpError {
    client_error(
        ErrorStatusCode::REQUEST_TIMEOUT,
        "too_slow",
        "the artifact did not arrive in time",
    )
}

/// A guest chose them; checked before a byte of the file is read.
fn check_name(index: u32, path: &str) -> Result<(), HttpError> {
    if index >= MAX_ARTIFACTS {
        return Err(bad_request(format!("an attempt has at most {MAX_ARTIFACTS} artifacts")));
    }
    if path.len() > MAX_ARTIFACT_PATH_BYTES {
        let message = format!("a path may have at most {MAX_ARTIFACT_PATH_BYTES} bytes");
        return Err(bad_request(message));
    }
    let odd = |part: &str| matches!(part, "" | "." | "..") || part.contains('\0');
    if path.split('/').any(odd) {
        return Err(bad_request("no part of a path may be empty, `.` or `..`"));
    }
    Ok(())
}

/// Answers with the artifacts of the jobs that this attempt's job needs.
pub(super) async fn inputs(
    context: &Context,
    attempt: &AttemptInfo,
) -> Result<Response<Body>, HttpError> {
    let files = context.store.inputs(attempt.id).await.map_err(from_store)?;
    let wanted = files.into_iter().map(|file| Input {
        job: file.job.to_string(),
        path: file.path,
        attempt: file.attempt,
        index: file.index,
    });
    let pieces = context.artifacts.inputs(wanted.collect()).await.map_err(from_artifact)?;
    let log = context.log.new(o!(keys::ATTEMPT => attempt.id.to_string()));
    let body = transfer(context, pieces, log)?;
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static("application/zstd");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}
