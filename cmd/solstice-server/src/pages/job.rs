//! The page of one job: where it stands, how its machine came up, its log.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use dropshot::HttpError;
use solstice_api::user::{Artifact, Attempt, JobDetail, RunStatus, Step};
use solstice_display::{duration, size};
use solstice_model::{Annotation, AttemptId, JobId, JobState};

use super::format::{Badge, When, iso, level_badge, step_badge};
use super::log::{LineView, LogTail, LogView, MAX_LINES};
use super::run::{JobView, WAITS_FOR_APPROVAL, open_needs};
use super::runs::RunView;
use super::why::WhyView;
use super::{Frame, Rqctx, query, reader, rendered};
use crate::context::Context;
use crate::error::{from_log, from_store};
use crate::user::records::check_kept;

/// How much of a log is read at once.
const PAGE_BYTES: usize = 512 * 1024;

/// The most annotations that are shown.
const MAX_ANNOTATIONS: usize = 100;

/// About as much of a log is read for a page, in bytes: lines may be endless.
const MAX_WINDOW_BYTES: u64 = 8 * 1024 * 1024;

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
            took: duration(TimeDelta::milliseconds(
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

struct ArtifactView {
    href: String,
    path: String,
    size: String,
    removed: bool,
}

impl ArtifactView {
    fn new(artifact: &Artifact, api: &str) -> Self {
        Self {
            href: format!("{api}/artifacts/{}", artifact.index),
            path: artifact.path.clone(),
            size: size(artifact.bytes),
            removed: artifact.removed_at.is_some(),
        }
    }
}

struct AnnotationView {
    badge: Badge,
    /// `src/main.c:3`, with the column if it is known.
    place: String,
    title: String,
    message: String,
}

impl AnnotationView {
    fn new(annotation: Annotation) -> Self {
        let Annotation { path, line, end_line, column, level, title, message } = annotation;
        let place = match column {
            Some(column) => format!("{path}:{line}:{column}"),
            None if end_line > line => format!("{path}:{line}–{end_line}"),
            None => format!("{path}:{line}"),
        };
        Self { badge: level_badge(level), place, title, message }
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
    /// The lines before those that are shown.
    earlier: Option<String>,
    /// The lines after them.
    later: Option<String>,
    /// Whether there was a log that was removed by age or size.
    log_removed: bool,
    artifacts: Vec<ArtifactView>,
    annotations: Vec<AnnotationView>,
    /// How many are not shown.
    more_annotations: usize,
    all_annotations: String,
    unfinished: bool,
    /// Whether the script is to follow the log.
    live: bool,
    may_cancel: bool,
    may_rerun: bool,
    /// Why it is where it is.
    why: WhyView,
    /// The job that took its place.
    replaced_by: Option<String>,
    cancel: String,
    rerun: String,
    raw: String,
    console: String,
    events: String,
}

pub(super) async fn render(rqctx: &Rqctx, job: JobId) -> Result<String, HttpError> {
    let principal = reader(rqctx).await?;
    let context = rqctx.context();
    principal.see_job(context, job).await?;
    let detail = context.store.job(job).await.map_err(from_store)?;
    let siblings = context.store.run(detail.run.id).await.map_err(from_store)?.jobs;
    let attempt = detail.attempts.last().map(|attempt| attempt.id);
    let line = query(rqctx, "line").and_then(|text| text.parse().ok());
    let removed = check_gone(context, attempt).await;
    let shown = attempt.filter(|_| !removed);
    let Window { mut log, at_end } = read_log(context, shown, line).await?;
    let artifacts = context.store.artifacts(job).await.map_err(from_store)?;
    let (mut annotations, omitted) = match attempt {
        Some(attempt) => context.store.annotations(attempt).await.map_err(from_store)?,
        None => (Vec::new(), 0),
    };
    let hidden = annotations.len().saturating_sub(MAX_ANNOTATIONS);
    annotations.truncate(MAX_ANNOTATIONS);
    let now = context.clock.now();
    let unfinished = !detail.job.state.is_finished();
    let waits_for = open_needs(&detail.job, &siblings);
    let api = format!("/api/v1/jobs/{job}");
    let after = if log.after.is_empty() { String::new() } else { format!("?after={}", log.after) };
    let detail_replaced = detail.job.replaced_by.map(|job| format!("/jobs/{job}"));
    let may_act = principal.may_act(context, &detail.run.forge, &detail.run.repository).await;
    let may_rerun = may_act && !unfinished && detail.job.replaced_by.is_none();
    let window = log.cut + 1;
    let mut shown_job = JobView::new(&detail.job, &waits_for, Some(&detail.spec), now);
    if detail.run.status == RunStatus::WaitingForApproval && detail.job.state == JobState::Queued {
        shown_job.why = WAITS_FOR_APPROVAL.to_owned();
    }
    rendered(&JobPage {
        job: shown_job,
        host: detail.attempts.last().map(|attempt| attempt.host.to_string()),
        waited: waited(&detail, now),
        attempts: detail.attempts.iter().map(|one| AttemptView::new(one, now)).collect(),
        steps: steps(&detail, &mut log, now),
        run: RunView::new(detail.run, now),
        frame: Frame::new(context, Some(&principal)),
        log,
        earlier: (window > 1).then(|| format!("?line={}", window - 1)),
        later: (!at_end).then(|| format!("?line={}", window + MAX_LINES as u64)),
        log_removed: removed,
        artifacts: artifacts.iter().map(|one| ArtifactView::new(one, &api)).collect(),
        annotations: annotations.into_iter().map(AnnotationView::new).collect(),
        more_annotations: hidden + omitted as usize,
        all_annotations: format!("{api}/annotations"),
        unfinished,
        live: unfinished && at_end,
        may_cancel: may_act && unfinished,
        may_rerun,
        why: WhyView::of_job(context, job).await?,
        replaced_by: detail_replaced,
        cancel: format!("/jobs/{job}/cancel"),
        rerun: format!("/jobs/{job}/rerun"),
        raw: format!("{api}/log"),
        console: format!("{api}/console"),
        events: format!("{api}/events{after}"),
    })
}

/// The part of the log that is shown: its end, or the lines around one.
struct Window {
    log: LogView,
    /// Whether it goes to the end of the log.
    at_end: bool,
}

/// Reads the last lines of the log, or those of the window that `line` is in.
/// However long the log and its lines are, only that part of it is read.
async fn read_log(
    context: &Context,
    attempt: Option<AttemptId>,
    line: Option<u64>,
) -> Result<Window, HttpError> {
    let Some(attempt) = attempt else {
        return Ok(Window { log: LogTail::default().finish(None), at_end: true });
    };
    let most = MAX_LINES as u64;
    let total = context.logs.extent(attempt).await.map_err(from_log)?.lines;
    // The last window is the end of the log, which goes on.
    let first = line.map(|line| line.saturating_sub(1) / most * most + 1);
    let first = first.filter(|first| first + most <= total);
    let place = match first {
        Some(first) => context.logs.line(attempt, first).await,
        None => context.logs.tail(attempt, most, MAX_WINDOW_BYTES).await,
    };
    let place = place.map_err(from_log)?;
    let (mut from, mut tail) = (place.seq, LogTail::at(place));
    let end = first.map(|first| first + most - 1);
    let mut room = MAX_WINDOW_BYTES;
    loop {
        let page = context.logs.read(attempt, from, PAGE_BYTES).await.map_err(from_log)?;
        for record in &page.records {
            tail.push(record);
            if end.is_some_and(|end| tail.lines() >= end) {
                return Ok(Window { log: tail.finish(Some(attempt)), at_end: false });
            }
        }
        if page.records.is_empty() || page.next_seq > page.last_seq {
            return Ok(Window { log: tail.finish(Some(attempt)), at_end: true });
        }
        room = room.saturating_sub(PAGE_BYTES as u64);
        if end.is_some() && room == 0 {
            return Ok(Window { log: tail.finish(Some(attempt)), at_end: false });
        }
        from = page.next_seq;
    }
}

/// Whether there was a log and there is none any more.
async fn check_gone(context: &Context, attempt: Option<AttemptId>) -> bool {
    match attempt {
        Some(attempt) => {
            let gone = dropshot::ErrorStatusCode::GONE;
            check_kept(context, attempt).await.is_err_and(|why| why.status_code == gone)
        }
        None => false,
    }
}

fn waited(detail: &JobDetail, now: DateTime<Utc>) -> String {
    let job = &detail.job;
    let until = job.claimed_at.or(job.finished_at).unwrap_or(now);
    duration(until - job.queued_at)
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
        Some(ended) => duration(ended - step.started_at),
        None if running => duration(now - step.started_at),
        None => String::new(),
    }
}
