//! The page of one job: where it stands, how its machine came up, its log.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use dropshot::HttpError;
use solstice_api::user::{Attempt, JobDetail, Step};
use solstice_model::{AttemptId, JobId, Role};

use super::format::{Badge, When, iso, step_badge, took};
use super::log::{LineView, LogTail, LogView};
use super::run::{JobView, open_needs};
use super::runs::RunView;
use super::{Frame, Rqctx, reader, rendered};
use crate::context::Context;
use crate::error::{from_log, from_store};

/// How much of a log is read at once.
const PAGE_BYTES: usize = 512 * 1024;

struct PhaseView {
    name: String,
    took: String,
}

struct AttemptView {
    number: u32,
    host: String,
    claimed: When,
    ended: Option<When>,
    lost: Option<String>,
    phases: Vec<PhaseView>,
}

impl AttemptView {
    fn new(attempt: &Attempt, now: DateTime<Utc>) -> Self {
        let phase = |phase: &solstice_api::host::Phase| PhaseView {
            name: phase.name.clone(),
            took: took(TimeDelta::milliseconds(
                i64::try_from(phase.took_ms).unwrap_or(i64::MAX / 2),
            )),
        };
        Self {
            number: attempt.number,
            host: attempt.host.to_string(),
            claimed: When::new(attempt.claimed_at, now),
            ended: attempt.ended_at.map(|at| When::new(at, now)),
            lost: attempt.lost.clone(),
            phases: attempt.phases.iter().map(phase).collect(),
        }
    }
}

struct StepView {
    index: usize,
    name: String,
    badge: Badge,
    /// When it began, by the guest's clock; empty if it has not.
    began: String,
    /// Since when it runs.
    since: Option<String>,
    took: String,
    /// Whether it is shown unfolded.
    open: bool,
    lines: Vec<LineView>,
}

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage {
    frame: Frame,
    run: RunView,
    job: JobView,
    /// The host of the last attempt.
    host: Option<String>,
    waited: String,
    attempts: Vec<AttemptView>,
    steps: Vec<StepView>,
    log: LogView,
    unfinished: bool,
    may_cancel: bool,
    cancel: String,
    raw: String,
    console: String,
    events: String,
}

pub(super) async fn render(rqctx: &Rqctx, job: JobId) -> Result<String, HttpError> {
    let principal = reader(rqctx).await?;
    let context = rqctx.context();
    let detail = context.store.job(job).await.map_err(from_store)?;
    let siblings = context.store.run(detail.run.id).await.map_err(from_store)?.jobs;
    let attempt = detail.attempts.last().map(|attempt| attempt.id);
    let mut log = read_log(context, attempt).await?;
    let now = context.clock.now();
    let unfinished = !detail.job.state.is_finished();
    let waits_for = open_needs(&detail.job, &siblings);
    let api = format!("/api/v1/jobs/{job}");
    let after = if log.after.is_empty() { String::new() } else { format!("?after={}", log.after) };
    let may_cancel = unfinished && principal.may(Role::Submitter);
    rendered(&JobPage {
        job: JobView::new(&detail.job, &waits_for, &detail.spec.steps, now),
        host: detail.attempts.last().map(|attempt| attempt.host.to_string()),
        waited: waited(&detail, now),
        attempts: detail.attempts.iter().map(|one| AttemptView::new(one, now)).collect(),
        steps: steps(&detail, &mut log, now),
        run: RunView::new(detail.run, now),
        frame: Frame::new(context, principal.name),
        log,
        unfinished,
        may_cancel,
        cancel: format!("{api}/cancel"),
        raw: format!("{api}/log"),
        console: format!("{api}/console"),
        events: format!("{api}/events{after}"),
    })
}

/// Reads what came since the page was last looked at; keeps the log's end.
async fn read_log(context: &Context, attempt: Option<AttemptId>) -> Result<LogView, HttpError> {
    let Some(attempt) = attempt else { return Ok(LogTail::default().finish(None)) };
    let mut tail = context.tails.get(attempt);
    loop {
        let from = tail.next_seq();
        let page = context.logs.read(attempt, from, PAGE_BYTES).await.map_err(from_log)?;
        page.records.iter().for_each(|record| tail.push(record));
        if page.records.is_empty() || page.next_seq > page.last_seq {
            break;
        }
    }
    context.tails.put(attempt, tail.clone());
    Ok(tail.finish(Some(attempt)))
}

fn waited(detail: &JobDetail, now: DateTime<Utc>) -> String {
    let job = &detail.job;
    let until = job.claimed_at.or(job.finished_at).unwrap_or(now);
    took(until - job.queued_at)
}

fn steps(detail: &JobDetail, log: &mut LogView, now: DateTime<Utc>) -> Vec<StepView> {
    let state = &detail.job.state;
    let specs = detail.spec.steps.iter().enumerate();
    specs
        .map(|(index, spec)| {
            let number = u32::try_from(index).unwrap_or(u32::MAX);
            let step = detail.steps.iter().find(|step| step.index == number);
            let badge = step_badge(step, state);
            let running = badge.kind == "live";
            StepView {
                index,
                name: spec.name.clone(),
                badge,
                began: step.map_or_else(String::new, |step| iso(step.started_at)),
                since: step.filter(|_| running).map(|step| iso(step.started_at)),
                took: step.map_or_else(String::new, |step| step_took(step, running, now)),
                open: running || badge.kind == "bad",
                lines: log.steps.remove(&number).unwrap_or_default(),
            }
        })
        .collect()
}

fn step_took(step: &Step, running: bool, now: DateTime<Utc>) -> String {
    match step.finished_at {
        Some(ended) => took(ended - step.started_at),
        None if running => took(now - step.started_at),
        None => String::new(),
    }
}
