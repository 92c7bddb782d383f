//! What a run was started by.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of event that starts a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A branch or tag was pushed.
    Push,
    /// A pull request was opened or got new commits.
    PullRequest,
    /// A merge queue wants to know whether its entry may be merged.
    MergeGroup,
    /// Somebody asked for it.
    Manual,
}

impl EventKind {
    /// The kind's name, as in the database, the API and a workflow's `on`.
    pub fn name(self) -> &'static str {
        match self {
            EventKind::Push => "push",
            EventKind::PullRequest => "pull_request",
            EventKind::MergeGroup => "merge_group",
            EventKind::Manual => "manual",
        }
    }
}
