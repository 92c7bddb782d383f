//! A job's log and console as plain text.

use dropshot::{Body, HttpError};
use http::{HeaderValue, Response, header};
use slog::error;
use solstice_log::{chain, keys};
use solstice_model::JobId;

use super::records::check_kept;
use crate::context::Context;
use crate::error::{from_log, from_store, not_found};
use crate::pages::secure;
use crate::respond::stream;

/// The output of the job's last attempt so far, piece by piece.
pub(super) async fn plain(context: &Context, job: JobId) -> Result<Response<Body>, HttpError> {
    let detail = context.store.job(job).await.map_err(from_store)?;
    let Some(attempt) = detail.attempts.last().map(|attempt| attempt.id) else {
        return Ok(text(Body::empty()));
    };
    check_kept(context, attempt).await?;
    let names = detail.spec.steps.into_iter().map(|step| step.name).collect();
    let mut reader = context.logs.plain(attempt, names);
    let (writer, body) = stream(&context.streams)?;
    let (log, stop) = (context.log.clone(), context.stop.clone());
    tokio::spawn(async move {
        let write = async {
            loop {
                match reader.next().await {
                    Ok(Some(piece)) => {
                        if writer.send(piece).await.is_err() {
                            return;
                        }
                    }
                    Ok(None) => return,
                    Err(failed) => {
                        error!(log, "cannot read a log";
                            keys::ATTEMPT => %attempt, keys::ERROR => chain(&failed));
                        let _ = writer.fail().await;
                        return;
                    }
                }
            }
        };
        stop.run_until_cancelled(write).await
    });
    Ok(text(body))
}

/// The serial console of the last machine that left one.
pub(super) async fn console(context: &Context, job: JobId) -> Result<Response<Body>, HttpError> {
    let detail = context.store.job(job).await.map_err(from_store)?;
    for attempt in detail.attempts.iter().rev() {
        if let Some(bytes) = context.logs.console(attempt.id).await.map_err(from_log)? {
            return Ok(text(Body::from(bytes)));
        }
    }
    Err(not_found("no console was kept yet: it comes when the machine has ended"))
}

/// Text that no browser takes for anything else.
fn text(body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    secure(&mut response);
    response
}
