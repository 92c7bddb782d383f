//! What a job is to do, from the workflow file down to the guest.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::id::{AttemptId, JobId, RunId};
use crate::name::{CommitSha, GitRef, JobName, Label, RepoName};

/// The time limit of a job that names none.
pub const DEFAULT_TIMEOUT_S: u32 = 60 * 60;

/// The longest time limit that a job or a step may ask for.
pub const MAX_TIMEOUT_S: u32 = 24 * 60 * 60;

/// The command that runs a step which names none: POSIX sh, stopping at the first failure.
pub const DEFAULT_SHELL: [&str; 2] = ["/bin/sh", "-e"];

/// One job of a workflow, with nothing left to resolve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobSpec {
    /// Its id in the workflow.
    pub name: JobName,
    /// The label that a host must offer.
    pub runs_on: Label,
    /// Jobs of the same workflow that must have succeeded first.
    pub needs: Vec<JobName>,
    /// Environment of every step: the workflow's, then the job's.
    pub env: BTreeMap<String, String>,
    /// Time limit for all steps together, in seconds.
    pub timeout_s: u32,
    /// What to run, in order; at least one.
    pub steps: Vec<StepSpec>,
}

/// One step of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StepSpec {
    /// For people; unique or not.
    pub name: String,
    /// The script.
    pub run: String,
    /// Program and arguments that take the script's file as the last argument.
    pub shell: Vec<String>,
    /// Directory relative to the source's root; the root itself if absent.
    pub working_dir: Option<String>,
    /// Environment of this step alone, over the job's.
    pub env: BTreeMap<String, String>,
    /// Time limit of this step, in seconds.
    pub timeout_s: Option<u32>,
}

/// Where the source of a job comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Source {
    /// The repository's name on its forge.
    pub repository: RepoName,
    /// Where a host fetches it (git-fetch(1)).
    pub clone_url: Url,
    /// The commit to build.
    pub commit: CommitSha,
    /// The ref that was pushed.
    pub git_ref: GitRef,
}

/// All that a host needs to try a job once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Assignment {
    /// This try; also the id of the machine.
    pub attempt: AttemptId,
    /// The job.
    pub job: JobId,
    /// The run that it belongs to.
    pub run: RunId,
    /// Which try this is, from 1.
    pub number: u32,
    /// What to build.
    pub source: Source,
    /// What to run. Its `env` already holds `CI` and `SOLSTICE_*`.
    pub spec: JobSpec,
}
