//! Repositories that have had runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solstice_model::{ForgeName, RepoName, RunId};

use super::Run;

/// Where a page of repositories ends.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RepositoryPage {
    /// The newest run of the last repository seen.
    pub run: RunId,
}

/// A repository that has had a run.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Repository {
    /// The forge.
    pub forge: ForgeName,
    /// `owner/name`.
    pub name: RepoName,
    /// Where people look at it.
    pub url: String,
    /// Whether only some may see it.
    pub private: bool,
    /// Its newest run.
    pub newest: Run,
}
