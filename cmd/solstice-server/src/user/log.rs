//! A job's log as plain text and as records, and its console.

use bytes::Bytes;
use dropshot::{Body, HttpError};
use http::{HeaderMap, HeaderValue, Response, header};
use solstice_api::conditional::{is_known, not_modified, put_tag};
use solstice_joblog::LogError;
use solstice_log::keys;
use solstice_model::{AttemptId, JobId, Record};

use super::records::check_kept;
use crate::context::Context;
use crate::error::{from_log, from_store, not_found};
use crate::pages::secure;
use crate::respond::transfer;

/// How much of a log is turned into JSON at a time, in bytes.
const PAGE_BYTES: usize = 64 * 1024;

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
    let reader = context.logs.plain(attempt, names);
    let pieces = futures::stream::try_unfold(reader, |mut reader| async {
        Ok::<_, LogError>(reader.next().await?.map(|piece| (Bytes::from(piece), reader)))
    });
    let log = context.log.new(slog::o!(keys::ATTEMPT => attempt.to_string()));
    let mut answer = text(transfer(context, pieces, log)?);
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

/// The records of the job's last attempt so far, a line of JSON for each.
pub(super) async fn json(context: &Context, job: JobId) -> Result<Response<Body>, HttpError> {
    let detail = context.store.job(job).await.map_err(from_store)?;
    let body = match detail.attempts.last().map(|attempt| attempt.id) {
        Some(attempt) => {
            check_kept(context, attempt).await?;
            let logs = context.logs.clone();
            let pieces = futures::stream::try_unfold((logs, 1), move |(logs, from)| async move {
                let page = logs.read(attempt, from, PAGE_BYTES).await?;
                let lines = (!page.records.is_empty()).then(|| as_lines(&page.records));
                Ok::<_, LogError>(lines.map(|lines| (lines, (logs, page.next_seq))))
            });
            let log = context.log.new(slog::o!(keys::ATTEMPT => attempt.to_string()));
            transfer(context, pieces, log)?
        }
        None => Body::empty(),
    };
    let mut response = text(body);
    let ndjson = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(header::CONTENT_TYPE, ndjson);
    Ok(response)
}

fn as_lines(records: &[Record]) -> Bytes {
    let mut lines = Vec::with_capacity(PAGE_BYTES);
    for record in records {
        serde_json::to_writer(&mut lines, record).expect("a record is always JSON");
        lines.push(b'\n');
    }
    lines.into()
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
