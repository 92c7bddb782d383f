//! Runs: one workflow file at one commit.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use solstice_model::{CommitSha, EventKind, ForgeName, GitRef, RepoName, RunId};

use super::Job;

/// Which runs are listed: those for which all that is given holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunFilter {
    /// Of this repository; with `forge`, where more than one is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<RepoName>,
    /// Of repositories of this forge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forge: Option<ForgeName>,
    /// Of this ref, in full.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub git_ref: Option<GitRef>,
    /// Of this branch; not with `ref`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Of the workflow file at this path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Of this commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitSha>,
    /// Of the pull request with this number.
    #[serde(default, deserialize_with = "number_or_text", skip_serializing_if = "Option::is_none")]
    pub pull_request: Option<u64>,
    /// With this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<RunStatus>,
}

/// In a query a number comes as text, in a page's token as a number.
fn number_or_text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Number(u64),
        Text(String),
    }
    match Option::<Form>::deserialize(from)? {
        None => Ok(None),
        Some(Form::Number(number)) => Ok(Some(number)),
        Some(Form::Text(text)) => text.parse().map(Some).map_err(D::Error::custom),
    }
}

/// Where a page of runs ends.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunPage {
    /// The last run seen.
    pub run: RunId,
    /// What was asked for: it holds for all pages.
    #[serde(default)]
    pub filter: RunFilter,
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

impl RunStatus {
    /// Every status.
    pub const ALL: [RunStatus; 7] = [
        RunStatus::WaitingForApproval,
        RunStatus::Queued,
        RunStatus::Running,
        RunStatus::Succeeded,
        RunStatus::Failed,
        RunStatus::InfraFailed,
        RunStatus::Cancelled,
    ];

    /// Its name, as in the database and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            RunStatus::WaitingForApproval => "waiting_for_approval",
            RunStatus::Queued => "queued",
            RunStatus::Running => "running",
            RunStatus::Succeeded => "succeeded",
            RunStatus::Failed => "failed",
            RunStatus::InfraFailed => "infra_failed",
            RunStatus::Cancelled => "cancelled",
        }
    }

    /// Whether the run may still change.
    pub fn is_open(self) -> bool {
        matches!(self, RunStatus::WaitingForApproval | RunStatus::Queued | RunStatus::Running)
    }
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
