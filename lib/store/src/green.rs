//! Which commit of a ref was the last to be found good, for one workflow file.

use rusqlite::{Connection, params};
use solstice_api::user::RunStatus;
use solstice_model::{
    CommitSha, ForgeName, GitRef, JobState, Outcome, RepoName, RunId, SkipReason,
};

use crate::column::{Columns as _, text};
use crate::error::StoreError;
use crate::status::run_status;
use crate::store::Store;

/// How many runs are looked at, the newest first.
const MAX_RUNS: u32 = 100;

/// Where a workflow file is looked for.
#[derive(Clone, Debug)]
pub struct WorkflowAt {
    /// The forge.
    pub forge: ForgeName,
    /// The repository.
    pub repository: RepoName,
    /// The branch, tag, or a pull request's `refs/pull/<number>/head`.
    pub git_ref: GitRef,
    /// The branch into which it would be merged, of a pull request.
    pub base: Option<String>,
    /// The file's path.
    pub file: String,
}

/// What is known of a workflow file at a ref.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastGreen {
    /// Its jobs all ended well at this commit, last.
    At(CommitSha),
    /// It ran, or was kept from it, and at no commit all of its jobs ended well.
    Nowhere,
    /// It never was to run there.
    NeverRan,
}

impl Store {
    /// The newest commit of a ref at which all jobs of a workflow file ended
    /// well. Runs that were skipped because no file had changed say nothing, and
    /// those that somebody asked for may be of any commit.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn last_green(&self, at: WorkflowAt) -> Result<LastGreen, StoreError> {
        self.read(move |connection| {
            let mut ran = false;
            for (run, commit) in runs(connection, &at)? {
                match judged(connection, run)? {
                    Some(true) => return Ok(LastGreen::At(commit)),
                    Some(false) => ran = true,
                    None => {}
                }
            }
            Ok(if ran { LastGreen::Nowhere } else { LastGreen::NeverRan })
        })
        .await
    }
}

fn runs(connection: &Connection, at: &WorkflowAt) -> Result<Vec<(RunId, CommitSha)>, StoreError> {
    let sql = "SELECT run.id, commit_sha FROM run \
               JOIN repository ON repository.id = run.repository \
               WHERE forge = ?1 AND name = ?2 AND git_ref = ?3 AND file = ?4 AND base IS ?5 \
               AND event <> 'manual' ORDER BY run.id DESC LIMIT ?6";
    let WorkflowAt { forge, repository, git_ref, base, file } = at;
    let key = params![forge.as_str(), repository.as_str(), git_ref.as_str(), file, base, MAX_RUNS];
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(key, |row| Ok((row.word(0)?, row.word(1)?)))?;
    rows.map(|row| Ok(row?)).collect()
}

/// Whether all jobs of a run ended well; `None` if it was not to run since no file
/// had changed.
fn judged(connection: &Connection, run: RunId) -> Result<Option<bool>, StoreError> {
    let sql = "SELECT data, coalesce(json_extract(spec, '$.continue_on_error'), 0) FROM job \
               WHERE run = ?1 AND replaced_by IS NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([text(run)], |row| Ok((row.data(0)?, row.get(1)?)))?;
    let jobs: Vec<(JobState, bool)> = rows.collect::<Result<_, _>>()?;
    let skipped = |job: &JobState, of: fn(&SkipReason) -> bool| matches!(job.outcome(), Some(Outcome::Skipped { why }) if of(why));
    let any = |of| jobs.iter().any(|(job, _)| skipped(job, of));
    if any(|why| *why == SkipReason::NoFileChanged) {
        return Ok(None);
    }
    // A run whose file is broken has no jobs.
    let broken = jobs.is_empty() || any(|why| matches!(why, SkipReason::CommitMessage { .. }));
    let states = jobs.iter().map(|(state, allowed)| (state, *allowed));
    Ok(Some(run_status(broken, false, states) == RunStatus::Succeeded))
}
