//! What a job is to do, from the workflow file down to the guest.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::id::{AttemptId, JobId, RunId};
use crate::job::Outcome;
use crate::name::{CommitSha, GitRef, JobName, Label, RepoName, SizeName};

/// The time limit of a job that names none.
pub const DEFAULT_TIMEOUT_S: u32 = 60 * 60;

/// The longest time limit that a job or a step may ask for.
pub const MAX_TIMEOUT_S: u32 = 24 * 60 * 60;

/// The most times that a job or a step may be tried again after it failed.
pub const MAX_RETRIES: u32 = 5;

/// The command that runs a step which names none: POSIX sh, stopping at the first failure.
pub const DEFAULT_SHELL: [&str; 2] = ["/bin/sh", "-e"];

/// One job of a workflow, with nothing left to resolve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobSpec {
    /// Its id, unique in the run. A job of a matrix has one of its own, made of
    /// the file's id and its values.
    pub name: JobName,
    /// The place in a matrix, if it is one of many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<MatrixCell>,
    /// The label that a host must offer.
    pub runs_on: Label,
    /// The size of machine; the image's usual one if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<SizeName>,
    /// Jobs of the same run that must have ended before, and how.
    pub needs: Vec<Need>,
    /// The condition, as written, for which this job is not to run in this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmet: Option<String>,
    /// Environment of every step: the workflow's, then the job's.
    pub env: BTreeMap<String, String>,
    /// Time limit for all steps together, in seconds.
    pub timeout_s: u32,
    /// How many more times, at most [`MAX_RETRIES`], the job is tried on a fresh
    /// machine when it failed or ran out of time.
    #[serde(default)]
    pub retries: u32,
    /// Whether its failure counts neither against the run nor against a need.
    #[serde(default)]
    pub continue_on_error: bool,
    /// Of the waiting jobs of one repository the one with the higher number
    /// begins first; -100 to 100.
    #[serde(default)]
    pub priority: i8,
    /// What to run, in order; at least one.
    pub steps: Vec<StepSpec>,
    /// What to keep of the work, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub artifacts: Vec<ArtifactRule>,
}

/// One combination of a job's matrix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MatrixCell {
    /// The id that the job has in the workflow file.
    pub job: JobName,
    /// The value of each axis.
    pub values: BTreeMap<String, String>,
}

/// A job that must have ended before another one begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "NeedForm")]
pub struct Need {
    /// Which.
    pub job: JobName,
    /// How it must have ended.
    pub outcome: NeededOutcome,
}

/// How a [`Need`] may be written down; the name alone is the older form.
#[derive(Deserialize)]
#[serde(untagged)]
enum NeedForm {
    Name(JobName),
    Full { job: JobName, outcome: NeededOutcome },
}

impl From<NeedForm> for Need {
    fn from(form: NeedForm) -> Self {
        match form {
            NeedForm::Name(job) => Need { job, outcome: NeededOutcome::Succeeded },
            NeedForm::Full { job, outcome } => Need { job, outcome },
        }
    }
}

/// How a needed job must have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NeededOutcome {
    /// It succeeded, or failed and may.
    #[default]
    Succeeded,
    /// It failed or ran out of time.
    Failed,
    /// Either of these: it ran to an end.
    Completed,
    /// Whatever became of it.
    Any,
}

impl NeededOutcome {
    /// Whether this is how a job ended. `allowed` says whether its failure is
    /// allowed ([`JobSpec::continue_on_error`]).
    pub fn is_met_by(self, outcome: &Outcome, allowed: bool) -> bool {
        let failed = outcome.is_failure();
        let succeeded = *outcome == Outcome::Succeeded;
        match self {
            NeededOutcome::Succeeded => succeeded || (failed && allowed),
            NeededOutcome::Failed => failed,
            NeededOutcome::Completed => succeeded || failed,
            NeededOutcome::Any => true,
        }
    }
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
    /// Time limit of this step, in seconds; of each of its tries.
    pub timeout_s: Option<u32>,
    /// When it is run.
    #[serde(default)]
    pub when: StepWhen,
    /// Whether the job goes on, and may succeed, when this step failed.
    #[serde(default)]
    pub continue_on_error: bool,
    /// How many more times, at most [`MAX_RETRIES`], it is tried when it failed.
    #[serde(default)]
    pub retries: u32,
}

/// When a step is run; what its condition comes to once the run is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepWhen {
    /// If no step before it failed.
    #[default]
    OnSuccess,
    /// If a step before it failed.
    OnFailure,
    /// Whatever happened before, unless the job's time is over.
    Always,
    /// Not in this run.
    Never,
}

impl StepWhen {
    /// Whether the step is run after steps of which one `failed`, or none did.
    pub fn holds(self, failed: bool) -> bool {
        match self {
            StepWhen::OnSuccess => !failed,
            StepWhen::OnFailure => failed,
            StepWhen::Always => true,
            StepWhen::Never => false,
        }
    }
}

/// Files that a job leaves behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactRule {
    /// Which: a path from the source's root or from `/`, with `*`, `**`, `?`,
    /// `[a-z]` and `{a,b}`.
    pub pattern: String,
    /// Patterns of the same kind for what is left out all the same.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Whether a job fails that leaves no such file, or an empty one.
    #[serde(default)]
    pub required: bool,
    /// Whether a file may change while it is read.
    #[serde(default)]
    pub may_change: bool,
    /// Whether its files are reports of tests in JUnit's XML, to be read for
    /// annotations.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub junit: bool,
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
    /// Whether the jobs that it needs have left artifacts.
    #[serde(default)]
    pub has_inputs: bool,
    /// Whether only some may read the repository: then the host asks for a
    /// credential before it fetches.
    #[serde(default)]
    pub private: bool,
    /// The span that the attempt's belongs to, as W3C's Trace Context writes it; absent
    /// if nobody makes traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{Exit, SkipReason};

    #[test]
    fn which_outcome_meets_which_need() {
        let failed = Outcome::Failed { step: 0, exit: Exit::Code { code: 1 } };
        let skipped = SkipReason::NeedNotMet { need: "a".parse().unwrap() };
        // succeeded, failed, completed, any; a letter where it is met.
        let table = [
            (Outcome::Succeeded, false, "s-ca"),
            (failed.clone(), false, "-fca"),
            (failed, true, "sfca"),
            (Outcome::Cancelled { by: "ada".to_owned() }, true, "---a"),
            (Outcome::InfraFailed { why: "no disk".to_owned() }, true, "---a"),
            (Outcome::Skipped { why: skipped }, true, "---a"),
        ];
        use NeededOutcome::{Any, Completed, Failed, Succeeded};
        for (outcome, allowed, expected) in table {
            let met: String = [(Succeeded, 's'), (Failed, 'f'), (Completed, 'c'), (Any, 'a')]
                .map(|(need, letter)| if need.is_met_by(&outcome, allowed) { letter } else { '-' })
                .into_iter()
                .collect();
            assert_eq!(met, expected, "{outcome:?}, allowed: {allowed}");
        }
    }

    #[test]
    fn a_need_may_be_a_name_alone_as_older_versions_wrote_it() {
        let need: Need = serde_json::from_str("\"build\"").unwrap();
        assert_eq!(need.outcome, NeededOutcome::Succeeded);
        let text = serde_json::to_string(&need).unwrap();
        assert_eq!(serde_json::from_str::<Need>(&text).unwrap(), need);
    }
}
