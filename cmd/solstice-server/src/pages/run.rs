//! The page of one run: its jobs, and why each of them waits or failed.

use askama::Template;
use chrono::{DateTime, Utc};
use dropshot::HttpError;
use solstice_api::user::{Job, Run, RunDetail, RunStatus};
use solstice_display::duration;
use solstice_engine::check::description;
use solstice_model::{AnnotationCounts, JobName, JobSpec, JobState, Outcome, Role, RunId};
use solstice_store::WholeRun;

use super::format::{Badge, iso, job_badge, job_time};
use super::nav::Section;
use super::run_parts::{GraphView, MatrixView, NotRun, Parts, RemarkView, Source};
use super::runs::RunView;

use super::why::WhyView;
use super::{Frame, Rqctx, reader, rendered};
use crate::error::from_store;

/// The most jobs that are named where some are needed.
const MAX_NAMED: usize = 3;

/// The most annotations that are shown.
const MAX_ANNOTATIONS: usize = 50;

/// Why a job is not in the queue yet.
pub(super) const WAITS_FOR_APPROVAL: &str = "waiting for an approval";

/// A job, as every page shows it.
pub(super) struct JobView {
    pub(super) href: String,
    pub(super) badge: Badge,
    pub(super) name: String,
    pub(super) runs_on: String,
    /// Its values in a matrix; empty without one.
    pub(super) matrix: String,
    /// How often it was run once more before.
    pub(super) rerun: u32,
    pub(super) needs: String,
    /// What it waits for, or why it ended as it did; empty if the badge says it all.
    pub(super) why: String,
    /// How much tools had to say of the source; empty if nothing.
    pub(super) remarks: String,
    /// How long it took, if it is over.
    pub(super) took: Option<String>,
    /// Since when it runs.
    pub(super) since: Option<String>,
    /// How long it has run.
    pub(super) so_far: String,
}

impl JobView {
    pub(super) fn new(
        job: &Job,
        waits_for: &[JobName],
        spec: Option<&JobSpec>,
        now: DateTime<Utc>,
    ) -> Self {
        let (took_text, since) = job_time(job);
        let succeeded = matches!(job.state.outcome(), Some(Outcome::Succeeded));
        Self {
            href: format!("/jobs/{}", job.id),
            badge: job_badge(&job.state),
            name: job.name.to_string(),
            runs_on: job.runs_on.to_string(),
            matrix: matrix(job),
            rerun: job.rerun,
            needs: named(job.needs.iter().map(|need| &need.job)),
            why: match waits_for.len() {
                _ if succeeded => String::new(),
                ..=MAX_NAMED => description(&job.state, waits_for, spec),
                _ => format!("waiting for {} and a machine", named(waits_for)),
            },
            remarks: job.annotations.to_string(),
            took: took_text,
            since: since.map(iso),
            so_far: since.map_or_else(String::new, |since| duration(now - since)),
        }
    }
}

/// Some of the names, and how many there are besides.
fn named<'a>(names: impl IntoIterator<Item = &'a JobName, IntoIter: ExactSizeIterator>) -> String {
    let names = names.into_iter();
    let more = names.len().saturating_sub(MAX_NAMED);
    let told: Vec<&str> = names.take(MAX_NAMED).map(JobName::as_str).collect();
    match more {
        0 => told.join(", "),
        more => format!("{} and {more} more", told.join(", ")),
    }
}

/// The values of a job's place in its matrix: `os=omnios rust=1.95`.
fn matrix(job: &Job) -> String {
    let values = job.matrix.iter().flat_map(|cell| &cell.values);
    values.map(|(axis, value)| format!("{axis}={value}")).collect::<Vec<_>>().join(" ")
}

#[derive(Template)]
#[template(path = "run.html")]
struct RunPage {
    frame: Frame,
    run: RunView,
    /// The repository at its forge; empty if that is no web address.
    url: String,
    graph: Option<GraphView>,
    /// The jobs that are told one by one.
    jobs: Vec<JobView>,
    matrices: Vec<MatrixView>,
    not_run: Vec<NotRun>,
    annotations: Vec<RemarkView>,
    more_annotations: u64,
    /// Where it came from, for operators.
    deliveries: Vec<String>,
    /// Whether the script should look for news.
    unfinished: bool,
    may_approve: bool,
    may_cancel: bool,
    may_rerun: bool,
    /// Whether some job did not succeed.
    some_failed: bool,
    /// Why it is where it is.
    why: WhyView,
    /// Where the buttons go.
    action: String,
}

pub(super) async fn render(rqctx: &Rqctx, run: RunId) -> Result<String, HttpError> {
    let principal = reader(rqctx).await?;
    let context = rqctx.context();
    principal.see_run(context, run).await?;
    let WholeRun { detail, specs, url, deliveries } =
        context.store.whole_run(run).await.map_err(from_store)?;
    let found = context.store.run_annotations(run, MAX_ANNOTATIONS).await.map_err(from_store)?;
    let forge = context.forges.get(&detail.run.forge).map(|forge| &**forge);
    let commit = detail.run.commit.clone();
    let source = Source::new(forge, &url, &commit);
    let now = context.clock.now();
    let jobs = views(&detail, &specs, now);
    let unfinished = detail.run.status.is_open();
    let waits = detail.run.status == RunStatus::WaitingForApproval;
    let may_act = principal.may_act(context, &detail.run.forge, &detail.run.repository).await
        && !jobs.is_empty();
    let parts = Parts::new(&detail.jobs, jobs, now);
    let count = |job: &Job| {
        let AnnotationCounts { failures, warnings, notices } = job.annotations;
        u64::from(failures) + u64::from(warnings) + u64::from(notices)
    };
    let remarks: u64 = detail.jobs.iter().map(count).sum();
    let operator = principal.may(Role::Operator);
    rendered(&RunPage {
        frame: Frame::new(context, Some(&principal)).within(Section::Runs),
        graph: parts.graph,
        jobs: parts.jobs,
        matrices: parts.matrices,
        not_run: parts.not_run,
        more_annotations: remarks.saturating_sub(u64::try_from(found.len()).unwrap_or(0)),
        annotations: found.into_iter().map(|one| RemarkView::new(one, &source)).collect(),
        deliveries: deliveries
            .iter()
            .filter(|_| operator)
            .map(|id| format!("/deliveries/{id}"))
            .collect(),
        url: source.repository(),
        unfinished,
        may_approve: may_act && waits,
        may_cancel: may_act && unfinished,
        may_rerun: may_act && !unfinished && !refused(&detail.run),
        some_failed: detail.jobs.iter().any(failed),
        why: WhyView::of_run(context, run).await?,
        action: format!("/runs/{run}"),
        run: RunView::new(detail.run, now),
    })
}

/// The jobs as they are told.
fn views(detail: &RunDetail, specs: &[JobSpec], now: DateTime<Utc>) -> Vec<JobView> {
    let view = |(job, spec): (&Job, &JobSpec)| {
        let mut shown = JobView::new(job, &open_needs(job, &detail.jobs), Some(spec), now);
        if detail.run.status == RunStatus::WaitingForApproval && job.state == JobState::Queued {
            shown.why = WAITS_FOR_APPROVAL.to_owned();
        }
        shown
    };
    detail.jobs.iter().zip(specs).map(view).collect()
}

/// Whether a job came to an end that somebody should look at.
pub(super) fn failed(job: &Job) -> bool {
    !matches!(job.state.outcome(), None | Some(Outcome::Succeeded | Outcome::Skipped { .. }))
}

/// Whether the run is over and nobody approved of it.
fn refused(run: &Run) -> bool {
    run.approval.as_ref().is_some_and(|approval| approval.by.is_none())
}

/// The needs of a waiting job that are not over.
pub(super) fn open_needs(job: &Job, all: &[Job]) -> Vec<JobName> {
    if job.state != JobState::Queued {
        return Vec::new();
    }
    let open = |need: &&JobName| {
        all.iter().any(|other| other.name == **need && !other.state.is_finished())
    };
    job.needs.iter().map(|need| &need.job).filter(open).cloned().collect()
}
