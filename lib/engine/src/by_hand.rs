//! Runs that somebody asks for.

use chrono::{DateTime, Utc};
use solstice_api::user::RunCreate;
use solstice_forge::{Forge, ForgeError, Push};
use solstice_model::{ForgeName, RunId};
use solstice_store::{Actor, Store, StoreError};

use crate::Forges;
use crate::files::{in_time, workflow_files};
use crate::plan::{Cause, NothingToRun, Plan, plan};

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
    NothingToRun(NothingToRun),
    /// The forge does not answer as it should.
    #[error("the forge could not be asked")]
    Forge(#[source] ForgeError),
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Starts the workflows with `on "manual"` of a branch, tag or commit, for `by`.
/// The files are read at that commit, and every call makes new runs.
///
/// Whose change that is plays no part: whoever may ask decides (invariant I10).
///
/// # Errors
///
/// [`StartError`]; then nothing was started.
pub async fn start_by_hand(
    store: &Store,
    forges: &Forges,
    wanted: RunCreate,
    by: impl Into<Actor>,
    now: DateTime<Utc>,
) -> Result<Vec<RunId>, StartError> {
    let RunCreate { forge, repository, git_ref, commit, file } = wanted;
    let (name, forge) = chosen(forges, forge.as_ref())?;
    let asking = forge.head(&repository, git_ref.as_deref(), commit.as_ref());
    let head = in_time("the head of a ref", asking).await.map_err(|error| match error {
        absent @ ForgeError::Absent { .. } => StartError::Absent(absent),
        other => StartError::Forge(other),
    })?;
    let by = by.into();
    let push = head.pushed_by(&by.name);
    let files = workflow_files(forge, &push).await.map_err(StartError::Forge)?;
    let (push, plan) = planned(push, file, files).await.map_err(StartError::NothingToRun)?;
    let made = store.make_runs_by_hand(name.clone(), push, by, plan.runs, now);
    Ok(made.await?)
}

/// The forge of this name, or the only one.
fn chosen<'f>(
    forges: &'f Forges,
    wanted: Option<&ForgeName>,
) -> Result<(&'f ForgeName, &'f dyn Forge), StartError> {
    let unknown = |given: String| {
        let names: Vec<&str> = forges.keys().map(ForgeName::as_str).collect();
        StartError::UnknownForge { given, known: names.join(", ") }
    };
    let found = match wanted {
        Some(name) => forges
            .get_key_value(name)
            .ok_or_else(|| unknown(format!("there is no forge {:?}", name.as_str())))?,
        None if forges.len() > 1 => {
            return Err(unknown("there are several forges, and none is named".to_owned()));
        }
        None => forges.iter().next().ok_or_else(|| unknown("there is no forge".to_owned()))?,
    };
    Ok((found.0, &**found.1))
}

/// Parses the files off the async threads.
async fn planned(
    push: Push,
    file: Option<String>,
    files: Vec<solstice_forge::WorkflowFile>,
) -> Result<(Push, Plan), NothingToRun> {
    let planning = tokio::task::spawn_blocking(move || {
        let plan = plan(&Cause::Manual { push: &push, file: file.as_deref() }, &files);
        plan.map(|plan| (push, plan))
    });
    // A panic where panics unwind.
    let failed = |_| NothingToRun::from("a workflow file made the parser fail".to_owned());
    planning.await.map_err(failed)?
}

#[cfg(test)]
mod tests;
