//! A job's log line by line.

use dropshot::HttpError;
use solstice_api::user::{
    Attempt, JobDetail, LinesPage, LinesQuery, LogHit, LogLine, LogMatch, LogMatches, LogStep,
    LogSteps, LogStepsQuery, SearchQuery,
};
use solstice_joblog::{Hit, Search, StepExtent, Wanted};
use solstice_model::{Chunk, JobId, RecordBody};

use super::records::{check_kept, chosen_attempt};
use crate::context::Context;
use crate::error::{bad_request, from_log, from_store, not_found};
use crate::pages::ansi;

/// The most lines of one answer, and where nothing else is asked for.
const MAX_LINES: u32 = 2_000;
const USUAL_LINES: u32 = 500;

/// The most hits of one answer, and where nothing else is asked for.
const MAX_HITS: u32 = 1_000;
const USUAL_HITS: u32 = 100;

/// Answers with a window of the log.
pub(super) async fn window(
    context: &Context,
    job: JobId,
    query: LinesQuery,
) -> Result<LinesPage, HttpError> {
    let limit = query.limit.unwrap_or(USUAL_LINES);
    if limit == 0 || limit > MAX_LINES {
        return Err(bad_request(format!("between 1 and {MAX_LINES} lines come at once")));
    }
    let detail = context.store.job(job).await.map_err(from_store)?;
    let attempt = chosen_attempt(&detail, query.attempt)?;
    check_kept(context, attempt.id).await?;
    let (mut from, mut last) = (query.from.unwrap_or(1).max(1), u64::MAX);
    if let Some(step) = query.step {
        if step as usize >= detail.spec.steps.len() {
            return Err(not_found(format!("the job has no step {step}")));
        }
        let steps = context.logs.steps(attempt.id).await.map_err(from_log)?;
        let extent = steps.iter().find(|extent| extent.step == step);
        from = from.max(extent.map_or(u64::MAX, |extent| extent.begin.lines + 1));
        last = extent.and_then(|extent| extent.end).map_or(last, |end| end.lines);
    }
    let read = context.logs.window(attempt.id, from, limit as usize).await.map_err(from_log)?;
    let wanted = read.lines.into_iter().filter(|line| line.number <= last);
    let wanted = wanted.filter(|line| query.step.is_none() || line.step == query.step);
    Ok(LinesPage {
        attempt: attempt.id,
        lines: wanted.map(|line| shown(line, query.styled)).collect(),
        total: read.total,
        next: read.next.filter(|next| *next <= last),
        over: attempt.ended_at.is_some(),
    })
}

/// A line as the API gives it.
pub(crate) fn shown(line: solstice_joblog::LogLine, styled: bool) -> LogLine {
    let solstice_joblog::LogLine { number, step, stream, at, bytes, cut, ended } = line;
    let (text, spans) =
        if styled { (None, Some(ansi::spans(&bytes))) } else { (Some(Chunk(bytes)), None) };
    LogLine { number, step, stream, at, text, spans, cut, open: !ended }
}

/// Answers with what a part of the log has of a text, or of errors.
pub(crate) async fn search(
    context: &Context,
    job: JobId,
    query: SearchQuery,
) -> Result<LogMatches, HttpError> {
    let limit = query.limit.unwrap_or(USUAL_HITS);
    if limit > MAX_HITS {
        return Err(bad_request(format!("at most {MAX_HITS} lines are found at once")));
    }
    let wanted = match (query.q.filter(|text| !text.is_empty()), query.errors) {
        (Some(text), false) => Wanted::Text { text, ignore_case: !query.case },
        (None, true) => Wanted::Errors,
        _ => return Err(bad_request("either `q` or `errors=true` says what is looked for")),
    };
    let detail = context.store.job(job).await.map_err(from_store)?;
    let attempt = chosen_attempt(&detail, query.attempt)?.id;
    check_kept(context, attempt).await?;
    let from = query.from.unwrap_or(1);
    let search = Search { wanted, from, to: None, limit: limit as usize };
    let found = context.logs.search(attempt, search).await.map_err(from_log)?;
    let total = context.logs.extent(attempt).await.map_err(from_log)?.lines;
    let hits = found.hits.into_iter().map(hit).collect();
    Ok(LogMatches { attempt, hits, count: found.count, total, next: found.next })
}

fn hit(hit: Hit) -> LogHit {
    let matches = hit.matches.into_iter();
    let matches =
        matches.map(|range| LogMatch { start: range.start as u64, end: range.end as u64 });
    LogHit {
        number: hit.line,
        step: hit.step,
        text: hit.text,
        offset: hit.offset as u64,
        matches: matches.collect(),
    }
}

/// Answers with where the steps are.
pub(super) async fn steps(
    context: &Context,
    job: JobId,
    query: &LogStepsQuery,
) -> Result<LogSteps, HttpError> {
    let detail = context.store.job(job).await.map_err(from_store)?;
    let attempt = chosen_attempt(&detail, query.attempt)?;
    check_kept(context, attempt.id).await?;
    let total = context.logs.extent(attempt.id).await.map_err(from_log)?.lines;
    let first_error_line =
        context.first_errors.of(&context.logs, attempt).await.map_err(from_log)?;
    Ok(LogSteps {
        attempt: attempt.id,
        steps: log_steps(context, &detail, attempt, total).await?,
        total,
        first_error_line,
        over: attempt.ended_at.is_some(),
    })
}

/// The steps of an attempt, with where their lines are.
pub(crate) async fn log_steps(
    context: &Context,
    detail: &JobDetail,
    attempt: &Attempt,
    total: u64,
) -> Result<Vec<LogStep>, HttpError> {
    let extents = context.logs.steps(attempt.id).await.map_err(from_log)?;
    let is_last = detail.attempts.last().is_some_and(|last| last.id == attempt.id);
    let mut steps = Vec::new();
    for (index, spec) in (0_u32..).zip(&detail.spec.steps) {
        let extent = extents.iter().find(|extent| extent.step == index);
        let mut step = placed(index, spec.name.clone(), extent, total);
        if is_last {
            let known = detail.steps.iter().find(|step| step.index == index);
            step.started_at = known.map(|known| known.started_at);
            step.finished_at = known.and_then(|known| known.finished_at);
            step.exit = known.and_then(|known| known.exit.clone());
        } else if let Some(extent) = extent {
            read_edges(context, attempt, extent, &mut step).await?;
        }
        steps.push(step);
    }
    Ok(steps)
}

fn placed(index: u32, name: String, extent: Option<&StepExtent>, total: u64) -> LogStep {
    let first = extent.map(|extent| extent.begin.lines + 1);
    let last = extent.map(|extent| extent.end.map_or(total, |end| end.lines));
    let any = first.zip(last).filter(|(first, last)| first <= last);
    LogStep {
        index,
        name,
        first_line: any.map(|(first, _)| first),
        last_line: any.map(|(_, last)| last),
        started_at: None,
        finished_at: None,
        exit: None,
    }
}

/// What the store does not keep of an earlier attempt's step, the log tells.
async fn read_edges(
    context: &Context,
    attempt: &Attempt,
    extent: &StepExtent,
    step: &mut LogStep,
) -> Result<(), HttpError> {
    let read = |seq| context.logs.read(attempt.id, seq, 1);
    let begin = read(extent.begin.seq).await.map_err(from_log)?;
    step.started_at = begin.records.first().map(|record| record.at);
    if let Some(end) = extent.end {
        let end = read(end.seq).await.map_err(from_log)?.records.into_iter().next();
        step.finished_at = end.as_ref().map(|record| record.at);
        step.exit = end.and_then(|record| match record.body {
            RecordBody::StepFinished { exit, .. } => Some(exit),
            _ => None,
        });
    }
    Ok(())
}
