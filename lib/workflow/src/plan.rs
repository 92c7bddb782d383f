//! From a workflow to the jobs of one run: conditions are decided here.

use serde::Serialize;
use solstice_model::{EventKind, GitRef, JobSpec, RepoName};

use crate::workflow::Workflow;

/// What is known of a run when its jobs are planned; conditions ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunContext<'c> {
    /// What the run was started by.
    pub event: EventKind,
    /// The full ref that is built.
    pub git_ref: &'c GitRef,
    /// The repository's name on its forge.
    pub repository: &'c RepoName,
    /// Who caused it, as the forge calls them.
    pub actor: &'c str,
    /// The branch into which a pull request would be merged, without `refs/heads/`.
    pub base: Option<&'c str>,
    /// The number of the pull request.
    pub pull_request: Option<u64>,
    /// Whether a pull request comes from another repository.
    pub fork: bool,
}

/// A job of the file, or one cell of its matrix, with its conditions still open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Job {
    /// The job as it is when all conditions hold.
    #[serde(flatten)]
    pub spec: JobSpec,
}

impl Workflow {
    /// The jobs of one run, in the file's order; one whose condition does not
    /// hold says so in [`JobSpec::unmet`].
    pub fn jobs(&self, run: &RunContext<'_>) -> Vec<JobSpec> {
        let _ = run;
        self.expanded.iter().map(|job| job.spec.clone()).collect()
    }
}
