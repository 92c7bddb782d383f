//! Why a run was made, and where its workflow file says what: written down as the
//! run is planned, since the file itself is not kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::JobName;
use crate::spec::JobSpec;

/// What is known of how a run came to be. Lines are counted from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grounds {
    /// The line of the trigger; `None` if the file has none, or if it is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<u32>,
    /// What the policy said, one line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// A file that changed and that the trigger asks for, where it asks for some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<String>,
    /// Where the jobs are written, by their ids in the file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub jobs: BTreeMap<JobName, JobLines>,
}

/// Where a job is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobLines {
    /// The job itself.
    pub job: u32,
    /// Its label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_on: Option<u32>,
    /// Its condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<u32>,
    /// Its time limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
    /// The jobs that it needs, by their ids in the file.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub needs: BTreeMap<JobName, u32>,
    /// Its steps, in order.
    pub steps: Vec<StepLines>,
}

/// Where a step is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepLines {
    /// The step itself.
    pub step: u32,
    /// Its time limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u32>,
}

impl Grounds {
    /// Where this job is written; that of a matrix where the job of the file is.
    pub fn job(&self, spec: &JobSpec) -> Option<&JobLines> {
        self.jobs.get(spec.matrix.as_ref().map_or(&spec.name, |cell| &cell.job))
    }
}
