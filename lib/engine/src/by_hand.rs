//! Runs that somebody asks for.

use chrono::{DateTime, Utc};
use solstice_api::user::RunCreate;
use solstice_forge::ForgeError;
use solstice_model::RunId;
use solstice_store::{Store, StoreError};

use crate::Forges;

/// Why nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No such forge is configured, or it has to be named.
    #[error("{given}; the configured forges are {known}")]
    UnknownForge {
        /// What was asked for.
        given: String,
        /// The names of those that there are.
        known: String,
    },
    /// There is no such repository, branch, tag or commit.
    #[error("{}", .0)]
    Absent(ForgeError),
    /// No workflow there is to be started by hand.
    #[error("nothing to run: {0}")]
    NothingToRun(String),
    /// The forge does not answer as it should.
    #[error("the forge could not be asked")]
    Forge(#[source] ForgeError),
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Starts the workflows with `on "manual"` of a branch, tag or commit, for `by`.
///
/// # Errors
///
/// [`StartError`]; then nothing was started.
pub async fn start_by_hand(
    _store: &Store,
    _forges: &Forges,
    _wanted: RunCreate,
    _by: &str,
    _now: DateTime<Utc>,
) -> Result<Vec<RunId>, StartError> {
    Err(StartError::NothingToRun("not built yet".to_owned()))
}
