//! How the server fares, and what it keeps no longer.

use dropshot::{Body, HttpError};
use http::{HeaderValue, Response, header};
use solstice_api::user::Retention;

use crate::context::Context;
use crate::error::{from_artifact, from_log, from_store};
use crate::retention::RetainError;

/// What a scraper gets.
pub(super) async fn metrics(context: &Context) -> Result<Response<Body>, HttpError> {
    let mut response = Response::new(Body::from(context.metrics.text(context).await));
    let kind = HeaderValue::from_static(solstice_metrics::CONTENT_TYPE);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    let never = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, never);
    Ok(response)
}

/// Removes what is old or too much, or says what would be removed.
pub(super) async fn retain(context: &Context, dry_run: bool) -> Result<Retention, HttpError> {
    context.retain.run(dry_run).await.map_err(|failed| match failed {
        RetainError::Store(error) => from_store(error),
        RetainError::Log(error) => from_log(error),
        RetainError::Artifact(error) => from_artifact(error),
    })
}
