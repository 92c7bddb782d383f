//! What a commit's checks say is the caller's to choose; when they are to say it is ours.

use solstice_forge::{CheckReport, Push};
use solstice_model::{AnnotationCounts, EventKind, ForgeName, JobId, JobSpec, JobState, RunId};

/// Says what the forge is to show. It is called inside the transaction of each
/// transition, so it must be pure and quick.
///
/// A report's `context` must depend on the run's `context` and the job's name
/// alone: the forge knows a check by it.
pub trait Describe: Send + Sync + 'static {
    /// What to show for a job in this state.
    fn job(&self, run: &RunView, job: &JobView<'_>) -> CheckReport;

    /// What to show for a run whose workflow cannot be run.
    fn broken_run(&self, run: &RunView, problem: &str) -> CheckReport;
}

/// What is known of a run from its beginning.
#[derive(Clone, Debug)]
pub struct RunView {
    /// Its id.
    pub id: RunId,
    /// The forge that it came from.
    pub forge: ForgeName,
    /// What started it.
    pub event: EventKind,
    /// The pull request, if it is one.
    pub pull_request: Option<PullRequestView>,
    /// The push that it builds; a pull request's head.
    pub push: Push,
    /// Path of the workflow file.
    pub file: String,
    /// The workflow's name.
    pub workflow: String,
    /// How its checks' contexts begin.
    pub context: String,
    /// Whether it waits for somebody's approval (invariant I10).
    pub awaits_approval: bool,
}

/// A pull request, as far as a run knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequestView {
    /// Its number.
    pub number: u64,
    /// The branch into which it would be merged, without `refs/heads/`.
    pub base: String,
    /// Whether its commits come from outside (invariant I10).
    pub outside: bool,
    /// Who opened it; unknown of what older versions wrote.
    pub author: Option<String>,
}

/// A job, as it is after a transition.
#[derive(Clone, Copy, Debug)]
pub struct JobView<'a> {
    /// Its id.
    pub id: JobId,
    /// What it is to do.
    pub spec: &'a JobSpec,
    /// Where it stands.
    pub state: &'a JobState,
    /// How many attempts have begun.
    pub attempts: u32,
    /// The step that runs, from 0, while one does.
    pub step: Option<u32>,
    /// What tools had to say in the last attempt, once that is known.
    pub annotations: AnnotationCounts,
}
