//! What runs and what waits, over all repositories.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solstice_model::{
    CommitSha, ForgeName, JobId, JobName, JobState, Label, RepoName, RunId, SizeName,
};

/// What runs and what waits.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Queue {
    /// The jobs on machines, the longest there first; the first of them if they
    /// are many.
    pub working: Vec<WorkingJob>,
    /// How many there are.
    pub working_total: u64,
    /// The jobs that wait: first those that could begin, in the order of the
    /// queue, then those that wait for others; the first of them if they are many.
    pub waiting: Vec<WaitingJob>,
    /// How many there are.
    pub waiting_total: u64,
}

/// Which job of what.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct QueuedJob {
    /// The job.
    pub id: JobId,
    /// Its id in the workflow.
    pub name: JobName,
    /// Its run.
    pub run: RunId,
    /// The forge.
    pub forge: ForgeName,
    /// The repository.
    pub repository: RepoName,
    /// The commit.
    pub commit: CommitSha,
    /// First line of the commit's message, cut.
    pub title: String,
}

/// A job on a machine.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WorkingJob {
    /// Which.
    #[serde(flatten)]
    pub job: QueuedJob,
    /// Where it stands, with its host.
    pub state: JobState,
    /// When its host claimed it.
    pub claimed_at: DateTime<Utc>,
    /// When its agent began.
    pub started_at: Option<DateTime<Utc>>,
    /// The step that runs, if one does.
    pub step: Option<RunningStep>,
}

/// The step that runs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunningStep {
    /// Its index, from 0.
    pub index: u32,
    /// How many steps the job has.
    pub of: u32,
    /// Its name.
    pub name: String,
}

/// A job that waits.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WaitingJob {
    /// Which.
    #[serde(flatten)]
    pub job: QueuedJob,
    /// The label that it asks for.
    pub runs_on: Label,
    /// The size of machine that it asks for.
    pub size: Option<SizeName>,
    /// Since when.
    pub queued_at: DateTime<Utc>,
    /// Its place among the jobs that ask for the same label, from 1, by age;
    /// absent while it waits for something else. The repository with the fewest
    /// machines goes first, so that it may come sooner.
    pub place: Option<u64>,
    /// The jobs of its run that it waits for.
    pub needs: Vec<JobName>,
    /// Whether it waits until somebody approves of its run.
    pub approval: bool,
    /// What it waits for, for people.
    pub why: String,
}
