//! A part of a job's log as records.

use dropshot::HttpError;
use solstice_api::user::{Attempt, JobDetail, RecordsPage, RecordsQuery};
use solstice_model::{AttemptId, JobId};

use crate::context::Context;
use crate::error::{bad_request, from_log, from_store, not_found, removed};

/// The most records of one answer.
const MAX_RECORDS: u32 = 10_000;

/// The records of an answer where nothing else is asked for.
const USUAL_RECORDS: u32 = 1_000;

/// How much of a log is read for one answer.
const PAGE_BYTES: usize = 2 * 1024 * 1024;

/// Answers with the records from `from` on, or with the last `tail`.
pub(super) async fn page(
    context: &Context,
    job: JobId,
    query: RecordsQuery,
) -> Result<RecordsPage, HttpError> {
    let RecordsQuery { attempt, from, tail, limit } = query;
    if from.is_some() && tail.is_some() {
        return Err(bad_request("`from` and `tail` exclude one another"));
    }
    let limit = limit.unwrap_or(if tail.is_some() { MAX_RECORDS } else { USUAL_RECORDS });
    if limit == 0 || limit > MAX_RECORDS || tail.is_some_and(|tail| tail > MAX_RECORDS) {
        return Err(bad_request(format!("between 1 and {MAX_RECORDS} records come at once")));
    }
    let detail = context.store.job(job).await.map_err(from_store)?;
    let (attempt, over) = chosen(&detail, attempt)?;
    check_kept(context, attempt).await?;
    let from = match tail {
        Some(lines) => {
            context.logs.tail(attempt, lines.into(), u64::MAX).await.map_err(from_log)?.seq
        }
        None => from.unwrap_or(1).max(1),
    };
    let read = context.logs.read(attempt, from, PAGE_BYTES).await.map_err(from_log)?;
    let mut records = read.records;
    records.truncate(limit as usize);
    let next_seq = records.last().map_or(from, |last| last.seq + 1);
    Ok(RecordsPage { attempt, records, next_seq, last_seq: read.last_seq, over })
}

/// The attempt that is meant, and whether it is over.
pub(super) fn chosen(
    detail: &JobDetail,
    number: Option<u32>,
) -> Result<(AttemptId, bool), HttpError> {
    let found = chosen_attempt(detail, number)?;
    Ok((found.id, found.ended_at.is_some()))
}

/// The attempt that is meant.
pub(crate) fn chosen_attempt(
    detail: &JobDetail,
    number: Option<u32>,
) -> Result<&Attempt, HttpError> {
    let found = match number {
        Some(number) => detail.attempts.iter().find(|attempt| attempt.number == number),
        None => detail.attempts.last(),
    };
    found.ok_or_else(|| not_found("the job has no such attempt (yet)"))
}

/// 410 if there was a log of this attempt and there is none any more.
pub(crate) async fn check_kept(context: &Context, attempt: AttemptId) -> Result<(), HttpError> {
    if context.logs.last_seq(attempt).await.map_err(from_log)? > 0 {
        return Ok(());
    }
    let applied = context.store.attempt(attempt).await.map_err(from_store)?.applied_seq;
    if applied > 0 { Err(removed("the log")) } else { Ok(()) }
}
