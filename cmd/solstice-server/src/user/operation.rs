//! How the server fares, and what it keeps no longer.

use dropshot::{Body, HttpError};
use http::{HeaderValue, Response, header};
use solstice_api::user::{AuditAction, Retention};
use solstice_store::Actor;

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

/// Writes down who had things removed, and how many of what.
pub(super) async fn note_retention(
    context: &Context,
    by: Actor,
    told: &Retention,
) -> Result<(), HttpError> {
    let removed = told.removed.iter().filter(|one| one.count > 0);
    let removed: Vec<String> = removed.map(|one| format!("{} {}", one.count, one.kind)).collect();
    let (action, now) = (AuditAction::RetentionRun, context.clock.now());
    let noted = context.store.note(by, action, None, Some(removed.join(", ")), now).await;
    noted.map_err(from_store)
}
