//! The page of one run: its jobs, and why each of them waits or failed.

use askama::Template;
use chrono::{DateTime, Utc};
use dropshot::HttpError;
use solstice_api::user::Job;
use solstice_engine::check::description;
use solstice_model::{JobName, JobState, Outcome, RunId, StepSpec};

use super::format::{Badge, iso, job_badge, job_time, took};
use super::runs::{RunView, unfinished};
use super::{Frame, Rqctx, reader, rendered};
use crate::context::Context;
use crate::error::from_store;

/// A job, as every page shows it.
pub(super) struct JobView {
    pub(super) href: String,
    pub(super) badge: Badge,
    pub(super) name: String,
    pub(super) runs_on: String,
    pub(super) needs: String,
    /// What it waits for, or why it ended as it did; empty if the badge says it all.
    pub(super) why: String,
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
        steps: &[StepSpec],
        now: DateTime<Utc>,
    ) -> Self {
        let (took_text, since) = job_time(job);
        let names: Vec<&str> = job.needs.iter().map(JobName::as_str).collect();
        let succeeded = matches!(job.state.outcome(), Some(Outcome::Succeeded));
        Self {
            href: format!("/jobs/{}", job.id),
            badge: job_badge(&job.state),
            name: job.name.to_string(),
            runs_on: job.runs_on.to_string(),
            needs: names.join(", "),
            why: if succeeded { String::new() } else { description(&job.state, waits_for, steps) },
            took: took_text,
            since: since.map(iso),
            so_far: since.map_or_else(String::new, |since| took(now - since)),
        }
    }
}

#[derive(Template)]
#[template(path = "run.html")]
struct RunPage {
    frame: Frame,
    run: RunView,
    jobs: Vec<JobView>,
    /// Whether the script should look for news.
    unfinished: bool,
}

pub(super) async fn render(rqctx: &Rqctx, run: RunId) -> Result<String, HttpError> {
    let principal = reader(rqctx).await?;
    let context = rqctx.context();
    let detail = context.store.run(run).await.map_err(from_store)?;
    let now = context.clock.now();
    let mut jobs = Vec::new();
    for job in &detail.jobs {
        let steps = step_names(context, job).await?;
        jobs.push(JobView::new(job, &open_needs(job, &detail.jobs), &steps, now));
    }
    let unfinished = unfinished(detail.run.status);
    let (frame, run) = (Frame::new(context, principal.name), RunView::new(detail.run, now));
    rendered(&RunPage { frame, run, jobs, unfinished })
}

/// The steps of a job whose end is told by one of them.
async fn step_names(context: &Context, job: &Job) -> Result<Vec<StepSpec>, HttpError> {
    match job.state.outcome() {
        Some(Outcome::Failed { .. } | Outcome::TimedOut { .. }) => {
            Ok(context.store.job(job.id).await.map_err(from_store)?.spec.steps)
        }
        _ => Ok(Vec::new()),
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
    job.needs.iter().filter(open).cloned().collect()
}
