//! Runs: one workflow file at one commit.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solstice_model::{CommitSha, EventKind, ForgeName, GitRef, RepoName, RunId};

use super::Job;

/// Where a page of runs ends.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunPage {
    /// The last run seen.
    pub run: RunId,
}

/// What is to be started by hand.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunCreate {
    /// The forge; may be left out if only one is configured.
    #[serde(default)]
    pub forge: Option<ForgeName>,
    /// The repository.
    pub repository: RepoName,
    /// A branch, a tag or a full ref; the repository's default branch if absent.
    #[serde(default, rename = "ref")]
    pub git_ref: Option<String>,
    /// The commit, if not where the ref is now.
    #[serde(default)]
    pub commit: Option<CommitSha>,
    /// Path of the one workflow file to start; all that may be if absent.
    #[serde(default)]
    pub file: Option<String>,
}

/// Which jobs of a run are to be run once more.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rerun {
    /// Only those that did not succeed; otherwise all.
    #[serde(default)]
    pub failed_only: bool,
}

/// One workflow file at one commit.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The forge that it came from.
    pub forge: ForgeName,
    /// The repository.
    pub repository: RepoName,
    /// The commit that it builds.
    pub commit: CommitSha,
    /// What started it.
    pub event: EventKind,
    /// The pull request's number, if it is one.
    pub pull_request: Option<u64>,
    /// The ref that was pushed, or the pull request's.
    pub git_ref: GitRef,
    /// First line of the commit's message, cut.
    pub title: String,
    /// Who pushed, as the forge says.
    pub actor: String,
    /// Path of the workflow file.
    pub file: String,
    /// The workflow's name; the file's path if it has none or could not be read.
    pub workflow: String,
    /// Why the workflow could not be run, if so: the diagnostics as text.
    pub problem: Option<String>,
    /// Where it stands, all jobs together.
    pub status: RunStatus,
    /// When the server made it.
    pub created_at: DateTime<Utc>,
    /// When its last job ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// The approval that it needs before its jobs may run, if it needs one.
    #[serde(default)]
    pub approval: Option<Approval>,
}

/// Somebody's approval of a run, waited for or given.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// Why it is needed, for people.
    pub why: String,
    /// Who gave it; it is waited for if absent.
    pub by: Option<String>,
    /// When.
    pub at: Option<DateTime<Utc>>,
}

/// Where a run stands; derived from its jobs, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Nobody has approved of it yet: its jobs may not run.
    WaitingForApproval,
    /// No job has begun.
    Queued,
    /// Some job is not finished.
    Running,
    /// Every job succeeded.
    Succeeded,
    /// A job failed or ran out of time, or the workflow is broken.
    Failed,
    /// A job could not be run through no fault of the author's; none failed.
    InfraFailed,
    /// A job was cancelled; none failed.
    Cancelled,
}

/// A run with its jobs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunDetail {
    /// The run.
    pub run: Run,
    /// Its jobs, in the order of the file; of those that were run once more the
    /// last.
    pub jobs: Vec<Job>,
}
