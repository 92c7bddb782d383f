//! A job's log and console as plain text.

use dropshot::{Body, HttpError};
use http::{HeaderMap, HeaderValue, Response, header};
use slog::error;
use solstice_api::conditional::{is_known, not_modified, put_tag};
use solstice_log::{chain, keys};
use solstice_model::{AttemptId, JobId};

use super::records::check_kept;
use crate::context::Context;
use crate::error::{from_log, from_store, not_found};
use crate::pages::secure;
use crate::respond::stream;

/// The output of the job's last attempt so far, piece by piece. Once the attempt
/// is over it has a tag, and who has it already is told so before it is read.
pub(super) async fn plain(
    context: &Context,
    job: JobId,
    request: &HeaderMap,
) -> Result<Response<Body>, HttpError> {
    let detail = context.store.job(job).await.map_err(from_store)?;
    let Some(last) = detail.attempts.last() else {
        return Ok(text(Body::empty()));
    };
    let (attempt, over) = (last.id, last.ended_at.is_some());
    check_kept(context, attempt).await?;
    let tag = if over { Some(tag(context, attempt).await?) } else { None };
    if let Some(tag) = &tag
        && is_known(request.get_all(header::IF_NONE_MATCH), tag)
    {
        return Ok(not_modified(tag));
    }
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
    let mut answer = text(body);
    if let Some(tag) = tag {
        put_tag(&mut answer, &tag);
    }
    Ok(answer)
}

/// What a log that grows no more is known by: its records do not change, and how
/// they are written out is this program's.
async fn tag(context: &Context, attempt: AttemptId) -> Result<String, HttpError> {
    let last = context.logs.last_seq(attempt).await.map_err(from_log)?;
    Ok(format!("\"{attempt}-{last}-{}\"", env!("CARGO_PKG_VERSION")))
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
