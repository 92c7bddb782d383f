//! Jobs, their attempts, steps, artifacts and annotations.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solstice_model::{
    AgentVerdict, Annotation, AnnotationCounts, AttemptId, Exit, HostName, JobId, JobName, JobSpec,
    JobState, Label, MatrixCell, Need, RunId, Sha256Digest, SizeName,
};

use super::Run;
use crate::host::Phase;

/// Of which attempt.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AnnotationsQuery {
    /// The attempt, from 1; the last if absent.
    #[serde(default)]
    pub attempt: Option<u32>,
}

/// What tools had to say of the source in one attempt.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Annotations {
    /// Of which attempt.
    pub attempt: AttemptId,
    /// What was found, in that order.
    pub annotations: Vec<Annotation>,
    /// How much more there was than is kept.
    pub omitted: u32,
}

/// Where a page of artifacts ends.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactPage {
    /// The number of the last artifact seen.
    pub index: u32,
}

/// A file that a job left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Artifact {
    /// Its number, from 0.
    pub index: u32,
    /// Its path from the source's root, or from `/` without that slash.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Sha256Digest,
    /// When it was removed by age or size, if it was.
    pub removed_at: Option<DateTime<Utc>>,
}

/// A job.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The run that it belongs to.
    pub run: RunId,
    /// Its id in the workflow.
    pub name: JobName,
    /// The label that it asks for.
    pub runs_on: Label,
    /// The size of machine that it asks for.
    pub size: Option<SizeName>,
    /// Its place in a matrix.
    pub matrix: Option<MatrixCell>,
    /// The jobs that it needs.
    pub needs: Vec<Need>,
    /// Whether its failure does not count.
    pub continue_on_error: bool,
    /// Its priority among the waiting jobs of its repository.
    pub priority: i8,
    /// How often it was run once more before, from 0.
    pub rerun: u32,
    /// The job that took its place, if it was run once more.
    pub replaced_by: Option<JobId>,
    /// Where it stands.
    pub state: JobState,
    /// When it was made.
    pub queued_at: DateTime<Utc>,
    /// When its last attempt was claimed.
    pub claimed_at: Option<DateTime<Utc>>,
    /// When its last attempt's agent began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it got its outcome.
    pub finished_at: Option<DateTime<Utc>>,
    /// How much tools had to say of the source in its last attempt.
    #[serde(default)]
    pub annotations: AnnotationCounts,
}

/// A job with what is known of its last attempt.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct JobDetail {
    /// The job.
    pub job: Job,
    /// The run that it belongs to.
    pub run: Run,
    /// What it is to do.
    pub spec: JobSpec,
    /// Its tries, first to last.
    pub attempts: Vec<Attempt>,
    /// The steps of the last try, as many as have begun.
    pub steps: Vec<Step>,
}

/// One try of a job.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// Its id, also the machine's.
    pub id: AttemptId,
    /// Which try, from 1.
    pub number: u32,
    /// The host that makes it.
    pub host: HostName,
    /// When the host claimed it.
    pub claimed_at: DateTime<Utc>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it came to nothing, if it did.
    pub lost: Option<String>,
    /// What its agent said in the end, if it did.
    pub verdict: Option<AgentVerdict>,
    /// Where the time until its agent began went.
    pub phases: Vec<Phase>,
}

/// One step of an attempt.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Its index, from 0.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// When it began, by the guest's clock.
    pub started_at: DateTime<Utc>,
    /// When it ended, by the guest's clock.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it ended, or how its last try did.
    pub exit: Option<Exit>,
    /// How often it was tried; 0 if it was not run.
    pub tries: u32,
}
