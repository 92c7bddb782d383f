//! The page of one run: its jobs, and why each of them waits or failed.

use askama::Template;
use chrono::{DateTime, Utc};
use dropshot::HttpError;
use solstice_api::user::{Job, Run, RunStatus};
use solstice_display::duration;
use solstice_engine::check::description;
use solstice_model::{JobName, JobSpec, JobState, Outcome, RunId};

use super::format::{Badge, iso, job_badge, job_time};
use super::runs::{RunView, unfinished};
use super::{Frame, Rqctx, reader, rendered};
use crate::context::Context;
use crate::error::from_store;

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
        let names: Vec<&str> = job.needs.iter().map(|need| need.job.as_str()).collect();
        let succeeded = matches!(job.state.outcome(), Some(Outcome::Succeeded));
        Self {
            href: format!("/jobs/{}", job.id),
            badge: job_badge(&job.state),
            name: job.name.to_string(),
            runs_on: job.runs_on.to_string(),
            matrix: matrix(job),
            rerun: job.rerun,
            needs: names.join(", "),
            why: if succeeded { String::new() } else { description(&job.state, waits_for, spec) },
            remarks: job.annotations.to_string(),
            took: took_text,
            since: since.map(iso),
            so_far: since.map_or_else(String::new, |since| duration(now - since)),
        }
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
    jobs: Vec<JobView>,
    /// Whether the script should look for news.
    unfinished: bool,
    may_approve: bool,
    may_cancel: bool,
    may_rerun: bool,
    /// Whether some job did not succeed.
    some_failed: bool,
    /// Where the buttons go.
    action: String,
}

pub(super) async fn render(rqctx: &Rqctx, run: RunId) -> Result<String, HttpError> {
    let principal = reader(rqctx).await?;
    let context = rqctx.context();
    principal.see_run(context, run).await?;
    let detail = context.store.run(run).await.map_err(from_store)?;
    let now = context.clock.now();
    let mut jobs = Vec::new();
    for job in &detail.jobs {
        let spec = spec(context, job).await?;
        let mut shown = JobView::new(job, &open_needs(job, &detail.jobs), spec.as_ref(), now);
        if detail.run.status == RunStatus::WaitingForApproval && job.state == JobState::Queued {
            shown.why = WAITS_FOR_APPROVAL.to_owned();
        }
        jobs.push(shown);
    }
    let unfinished = unfinished(detail.run.status);
    let waits = detail.run.status == RunStatus::WaitingForApproval;
    let may_act = principal.may_act(context, &detail.run.forge, &detail.run.repository).await
        && !jobs.is_empty();
    let failed = |job: &Job| {
        !matches!(job.state.outcome(), None | Some(Outcome::Succeeded | Outcome::Skipped { .. }))
    };
    rendered(&RunPage {
        frame: Frame::new(context, Some(&principal)),
        jobs,
        unfinished,
        may_approve: may_act && waits,
        may_cancel: may_act && unfinished,
        may_rerun: may_act && !unfinished && !refused(&detail.run),
        some_failed: detail.jobs.iter().any(failed),
        action: format!("/runs/{run}"),
        run: RunView::new(detail.run, now),
    })
}

/// Whether the run is over and nobody approved of it.
fn refused(run: &Run) -> bool {
    run.approval.as_ref().is_some_and(|approval| approval.by.is_none())
}

/// What a job was to do, if its end is told by that.
async fn spec(context: &Context, job: &Job) -> Result<Option<JobSpec>, HttpError> {
    match job.state.outcome() {
        Some(outcome) if *outcome != Outcome::Succeeded => {
            Ok(Some(context.store.job(job.id).await.map_err(from_store)?.spec))
        }
        _ => Ok(None),
    }
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
