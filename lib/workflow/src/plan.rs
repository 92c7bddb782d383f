//! From a workflow to the jobs of one run: conditions are decided here.

use std::collections::BTreeMap;

use serde::Serialize;
use solstice_model::{EventKind, GitRef, JobSpec, RepoName, StepWhen};

use crate::condition::{Condition, Facts};
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
    /// The condition under which it is run.
    #[serde(rename = "if", skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
    /// The condition of each of its steps.
    #[serde(rename = "step_ifs", skip_serializing_if = "none_is_given")]
    pub step_conditions: Vec<Option<Condition>>,
}

fn none_is_given(conditions: &[Option<Condition>]) -> bool {
    conditions.iter().all(Option::is_none)
}

impl Workflow {
    /// The jobs of one run, in the file's order; one whose condition does not
    /// hold says so in [`JobSpec::unmet`].
    pub fn jobs(&self, run: &RunContext<'_>) -> Vec<JobSpec> {
        self.expanded.iter().map(|job| job.planned(run)).collect()
    }
}

impl Job {
    /// The job in a run, all conditions decided.
    pub fn planned(&self, run: &RunContext<'_>) -> JobSpec {
        let mut spec = self.spec.clone();
        let (none, no_values) = (BTreeMap::new(), BTreeMap::new());
        let matrix = self.spec.matrix.as_ref().map_or(&no_values, |cell| &cell.values);
        let facts = Facts { run, matrix, env: [&self.spec.env, &none], failed: false };
        let unmet = self.condition.as_ref().filter(|condition| !condition.holds(&facts));
        spec.unmet = unmet.map(ToString::to_string);
        for (step, condition) in spec.steps.iter_mut().zip(&self.step_conditions) {
            let Some(condition) = condition else { continue };
            step.when = when(condition, &Facts { env: [&step.env, &self.spec.env], ..facts });
        }
        spec
    }
}

/// A step's condition, decided for both that the job can have come to.
fn when(condition: &Condition, facts: &Facts<'_>) -> StepWhen {
    let holds = |failed: bool| {
        let implied = condition.asks_for_status() || !failed;
        implied && condition.holds(&Facts { failed, ..*facts })
    };
    match (holds(false), holds(true)) {
        (true, true) => StepWhen::Always,
        (true, false) => StepWhen::OnSuccess,
        (false, true) => StepWhen::OnFailure,
        (false, false) => StepWhen::Never,
    }
}
