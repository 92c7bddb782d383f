//! The page of one job: where it stands, how its machine came up, its log.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use dropshot::HttpError;
use solstice_api::user::{Artifact, Attempt, Image, JobDetail, LogStep, RunStatus};
use solstice_display::{duration, size};
use solstice_model::{Annotation, AttemptId, JobId, JobState};

use super::find::{Find, FoundView, SameLog};
use super::format::{Badge, When, earlier_step_badge, iso, level_badge, step_badge};
use super::log::{LineView, LogView};
use super::run::{JobView, WAITS_FOR_APPROVAL, open_needs};
use super::runs::RunView;
use super::why::WhyView;
use super::{Frame, Rqctx, query, reader, rendered};
use crate::context::Context;
use crate::error::{from_log, from_store};
use crate::user::lines::log_steps;
use crate::user::records::{check_kept, chosen_attempt};

/// The most annotations that are shown.
const MAX_ANNOTATIONS: usize = 100;

/// How much of the end of a console is shown, in bytes.
const CONSOLE_BYTES: usize = 16 * 1024;

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
    sha256: String,
    short: String,
    removed: bool,
}

impl ArtifactView {
    fn new(artifact: &Artifact, api: &str) -> Self {
        Self {
            href: format!("{api}/artifacts/{}", artifact.index),
            path: artifact.path.clone(),
            size: size(artifact.bytes),
            sha256: artifact.sha256.to_string(),
            short: shortened(&artifact.sha256.to_string()),
            removed: artifact.removed_at.is_some(),
        }
    }
}

struct AnnotationView {
    badge: Badge,
    /// `src/main.c:3`, with the column if it is known.
    place: String,
    /// Where the log names the place.
    find: String,
    title: String,
    message: String,
}

impl AnnotationView {
    fn new(annotation: Annotation, same: &SameLog) -> Self {
        let find = same.find(&format!("{}:{}", annotation.path, annotation.line), None);
        let Annotation { path, line, end_line, column, level, title, message } = annotation;
        let place = match column {
            Some(column) => format!("{path}:{line}:{column}"),
            None if end_line > line => format!("{path}:{line}–{end_line}"),
            None => format!("{path}:{line}"),
        };
        Self { badge: level_badge(level), place, find, title, message }
    }
}

struct StepView {
    index: u32,
    name: String,
    badge: Badge,
    running: bool,
    /// Where its first line is.
    href: String,
    /// The first line and the last; empty if it has none, or goes on.
    first: String,
    last: String,
    /// When it began, by the guest's clock; empty if it has not.
    began: String,
    /// Since when it runs.
    since: Option<String>,
    took: String,
    lines: Vec<LineView>,
}

/// The line to look at first.
struct FirstError {
    line: u64,
    href: String,
    text: String,
}

struct ImageView {
    name: String,
    digest: String,
    short: String,
}

/// The end of a machine's serial console.
struct ConsoleView {
    text: String,
    cut: bool,
}

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage {
    frame: Frame,
    run: RunView,
    job: JobView,
    first_error: Option<FirstError>,
    /// Whether that is still being looked for.
    finding: bool,
    /// The host of the last attempt.
    host: Option<String>,
    image: Option<ImageView>,
    size: Option<String>,
    waited: String,
    attempts: Vec<AttemptView>,
    /// The number of the attempt whose log is shown; 0 if there is none.
    shown_attempt: u32,
    steps: Vec<StepView>,
    log: LogView,
    /// The line that the log is to be opened at, if not its end.
    go_to: Option<u64>,
    /// The lines before those that are shown.
    earlier: Option<String>,
    /// The lines after them.
    later: Option<String>,
    first_window: String,
    last_window: String,
    /// Whether there was a log that was removed by age or size.
    log_removed: bool,
    /// What is looked for.
    query: String,
    found: FoundView,
    artifacts: Vec<ArtifactView>,
    console: Option<ConsoleView>,
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
    api: String,
    /// What a download is called.
    file_name: String,
    events: String,
}

/// What the page's query asks for.
struct Asked {
    attempt: Option<u32>,
    line: Option<u64>,
    /// Only what is around the log: the script has the log itself.
    without_log: bool,
    find: Find,
}

impl Asked {
    fn of(rqctx: &Rqctx) -> Self {
        let number = |name| query(rqctx, name).and_then(|text| text.parse().ok());
        Self {
            attempt: query(rqctx, "attempt").and_then(|text| text.parse().ok()),
            line: number("line"),
            without_log: query(rqctx, "part").as_deref() == Some("head"),
            find: Find { text: query(rqctx, "q").unwrap_or_default(), from: number("from") },
        }
    }
}

pub(super) async fn render(rqctx: &Rqctx, job: JobId) -> Result<String, HttpError> {
    let principal = reader(rqctx).await?;
    let context = rqctx.context();
    principal.see_job(context, job).await?;
    let detail = context.store.job(job).await.map_err(from_store)?;
    let siblings = context.store.run(detail.run.id).await.map_err(from_store)?.jobs;
    let asked = Asked::of(rqctx);
    let attempt = match (asked.attempt, detail.attempts.last()) {
        (None, last) => last,
        (number, _) => Some(chosen_attempt(&detail, number)?),
    };
    let is_last = attempt.map(|one| one.id) == detail.attempts.last().map(|last| last.id);
    let removed = check_gone(context, attempt.map(|attempt| attempt.id)).await;
    let kept = attempt.filter(|_| !removed);
    let known = match kept {
        Some(attempt) => {
            context.first_errors.soon(&context.logs, attempt).await.map_err(from_log)?
        }
        None => Some(None),
    };
    let first_error = first_error(context, &detail, kept, known.flatten()).await?;
    let go_to = asked.line.or(first_error.as_ref().map(|error| error.line));
    let mut log = match kept.filter(|_| !asked.without_log) {
        Some(attempt) => LogView::read(context, attempt.id, go_to).await?,
        None => LogView::default(),
    };
    let same = SameLog { attempt: attempt.filter(|_| !is_last).map(|attempt| attempt.number) };
    let found = asked.find.run(context, job, kept, &same).await?;
    let artifacts = context.store.artifacts(job).await.map_err(from_store)?;
    let (mut annotations, omitted) = match attempt {
        Some(attempt) => context.store.annotations(attempt.id).await.map_err(from_store)?,
        None => (Vec::new(), 0),
    };
    let hidden = annotations.len().saturating_sub(MAX_ANNOTATIONS);
    annotations.truncate(MAX_ANNOTATIONS);
    let now = context.clock.now();
    let unfinished = !detail.job.state.is_finished();
    let waits_for = open_needs(&detail.job, &siblings);
    let api = format!("/api/v1/jobs/{job}");
    let after = if log.after.is_empty() { String::new() } else { format!("&after={}", log.after) };
    let may_act = principal.may_act(context, &detail.run.forge, &detail.run.repository).await;
    let mut shown_job = JobView::new(&detail.job, &waits_for, Some(&detail.spec), now);
    if detail.run.status == RunStatus::WaitingForApproval && detail.job.state == JobState::Queued {
        shown_job.why = WAITS_FOR_APPROVAL.to_owned();
    }
    rendered(&JobPage {
        job: shown_job,
        first_error,
        finding: known.is_none(),
        host: detail.attempts.last().map(|attempt| attempt.host.to_string()),
        image: image(context, &detail, attempt).await?,
        size: detail.job.size.as_ref().map(ToString::to_string),
        waited: waited(&detail, now),
        attempts: detail.attempts.iter().map(|one| AttemptView::new(one, now)).collect(),
        shown_attempt: attempt.map_or(0, |attempt| attempt.number),
        steps: steps(context, &detail, kept, &mut log, now, &same).await?,
        earlier: log.earlier().map(|line| same.line(line)),
        later: log.later().map(|line| same.line(line)),
        first_window: same.line(1),
        last_window: same.line(log.total),
        log,
        go_to,
        log_removed: removed,
        query: asked.find.text,
        found,
        artifacts: artifacts.iter().map(|one| ArtifactView::new(one, &api)).collect(),
        console: console(context, attempt.map(|attempt| attempt.id)).await?,
        annotations: annotations.into_iter().map(|one| AnnotationView::new(one, &same)).collect(),
        more_annotations: hidden + omitted as usize,
        all_annotations: format!("{api}/annotations"),
        unfinished,
        live: unfinished && is_last,
        may_cancel: may_act && unfinished,
        may_rerun: may_act && !unfinished && detail.job.replaced_by.is_none(),
        why: WhyView::of_job(context, job).await?,
        replaced_by: detail.job.replaced_by.map(|job| format!("/jobs/{job}")),
        cancel: format!("/jobs/{job}/cancel"),
        rerun: format!("/jobs/{job}/rerun"),
        events: format!("{api}/events?form=lines{after}"),
        file_name: format!("{}-{}", detail.job.name, &job.to_string()[..8]),
        api,
        run: RunView::new(detail.run, now),
        frame: Frame::new(context, Some(&principal)),
    })
}

/// The line to look at first, with what it says.
async fn first_error(
    context: &Context,
    detail: &JobDetail,
    attempt: Option<&Attempt>,
    line: Option<u64>,
) -> Result<Option<FirstError>, HttpError> {
    let Some((attempt, line)) = attempt.zip(line) else { return Ok(None) };
    let read = context.logs.window(attempt.id, line, 1).await.map_err(from_log)?;
    let bytes = read.lines.first().map_or(&[][..], |line| &line.bytes);
    let text = solstice_display::line(bytes, false).trim().chars().take(200).collect();
    let last = detail.attempts.last().is_some_and(|last| last.id == attempt.id);
    let same = SameLog { attempt: (!last).then_some(attempt.number) };
    Ok(Some(FirstError { line, href: same.line(line), text }))
}

/// The image that the attempt's host has for the job's label.
async fn image(
    context: &Context,
    detail: &JobDetail,
    attempt: Option<&Attempt>,
) -> Result<Option<ImageView>, HttpError> {
    let Some(attempt) = attempt else { return Ok(None) };
    let images = context.store.images().await.map_err(from_store)?;
    let fits = |image: &&Image| {
        image.hosts.contains(&attempt.host) && image.image.labels.contains(&detail.job.runs_on)
    };
    Ok(images.iter().find(fits).map(|Image { image, .. }| {
        let digest = image.digest.to_string();
        ImageView { name: image.name.to_string(), short: shortened(&digest), digest }
    }))
}

/// The end of the console, if it was kept.
async fn console(
    context: &Context,
    attempt: Option<AttemptId>,
) -> Result<Option<ConsoleView>, HttpError> {
    let Some(attempt) = attempt else { return Ok(None) };
    let Some(bytes) = context.logs.console(attempt).await.map_err(from_log)? else {
        return Ok(None);
    };
    let cut = bytes.len().saturating_sub(CONSOLE_BYTES);
    let lines = bytes[cut..].split(|byte| *byte == b'\n');
    let lines: Vec<String> = lines.map(|line| solstice_display::line(line, false)).collect();
    Ok(Some(ConsoleView { text: lines.join("\n"), cut: cut > 0 }))
}

/// The first digits of a digest, after its algorithm.
fn shortened(digest: &str) -> String {
    digest.rsplit(':').next().unwrap_or(digest).chars().take(12).collect()
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

async fn steps(
    context: &Context,
    detail: &JobDetail,
    attempt: Option<&Attempt>,
    log: &mut LogView,
    now: DateTime<Utc>,
    same: &SameLog,
) -> Result<Vec<StepView>, HttpError> {
    let Some(attempt) = attempt else {
        let names = detail.spec.steps.iter().map(|step| step.name.clone());
        let waiting = |(index, name)| {
            let (first_line, last_line, started_at, finished_at, exit) = Default::default();
            LogStep { index, name, first_line, last_line, started_at, finished_at, exit }
        };
        let steps = (0..).zip(names).map(waiting);
        return Ok(steps.map(|step| step_view(step, detail, false, log, now, same)).collect());
    };
    let last = detail.attempts.last().is_some_and(|last| last.id == attempt.id);
    let steps = log_steps(context, detail, attempt, log.total).await?;
    Ok(steps.into_iter().map(|step| step_view(step, detail, !last, log, now, same)).collect())
}

fn step_view(
    step: LogStep,
    detail: &JobDetail,
    earlier: bool,
    log: &mut LogView,
    now: DateTime<Utc>,
    same: &SameLog,
) -> StepView {
    let known = detail.steps.iter().find(|known| known.index == step.index && !earlier);
    let badge = match earlier {
        true => earlier_step_badge(&step),
        false => step_badge(known, &detail.job.state),
    };
    let running = badge.kind == "live";
    let number = |line: Option<u64>| line.map_or_else(String::new, |line| line.to_string());
    StepView {
        index: step.index,
        badge,
        running,
        href: step.first_line.map_or_else(|| "#log".to_owned(), |line| same.line(line)),
        first: number(step.first_line),
        last: number(step.last_line.filter(|_| !running)),
        began: step.started_at.map_or_else(String::new, iso),
        since: step.started_at.filter(|_| running).map(iso),
        took: step_took(step.started_at, step.finished_at, running, now),
        lines: log.steps.remove(&step.index).unwrap_or_default(),
        name: step.name,
    }
}

fn step_took(
    began: Option<DateTime<Utc>>,
    ended: Option<DateTime<Utc>>,
    running: bool,
    now: DateTime<Utc>,
) -> String {
    match (began, ended) {
        (Some(began), Some(ended)) => duration(ended - began),
        (Some(began), None) if running => duration(now - began),
        _ => String::new(),
    }
}
