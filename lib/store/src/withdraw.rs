//! Runs that are of no use any more: their pull request went on or was closed,
//! their ref is gone, or somebody does not want them.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, ToSql, params};
use solstice_api::user::AuditAction;
use solstice_forge::{Event, Repository};
use solstice_model::{CommitSha, ForgeName, JobId, RepoName, RunId};

use crate::audit::{Actor, note};
use crate::column::{Columns as _, millis, text};
use crate::error::StoreError;
use crate::store::Store;
use crate::transition::cancel_all;
use crate::writer::Tx;

impl Store {
    /// Cancels what is unfinished of a run, on somebody's wish; gives the jobs. One
    /// that waits for an approval is withdrawn: nobody can approve of it any more,
    /// and the same event again asks once more.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn cancel_run(
        &self,
        run: RunId,
        by: impl Into<Actor>,
        now: DateTime<Utc>,
    ) -> Result<Vec<JobId>, StoreError> {
        let by = by.into();
        self.write(move |tx| {
            tx.prepare_cached("SELECT 1 FROM run WHERE id = ?1")?
                .query_row([text(run)], |_| Ok(()))
                .optional()?
                .ok_or_else(|| StoreError::not_found("run", run))?;
            let ended = cancel_whole(tx, run, &by.name, now)?;
            if !ended.is_empty() {
                note(tx, &by, AuditAction::RunCancel, Some(format!("run:{run}")), None, now)?;
            }
            Ok(ended)
        })
        .await
    }
}

/// As [`Store::cancel_run`], of a run that is there, within the caller's transaction.
pub(crate) fn cancel_whole(
    tx: &Tx<'_>,
    run: RunId,
    by: &str,
    now: DateTime<Utc>,
) -> Result<Vec<JobId>, StoreError> {
    tx.prepare_cached(
        "UPDATE run SET withdrawn_at = ?2 WHERE id = ?1 AND approval = 'waiting' \
         AND withdrawn_at IS NULL",
    )?
    .execute(params![text(run), millis(now)])?;
    cancel_all(tx, unfinished(tx, run)?, by, now)
}

/// Withdraws the runs of a pull request at all commits but its newest one. Which
/// one that is the deliveries say by the order in which they came, since they may
/// have been interpreted in another.
pub(crate) fn older_commits(
    tx: &Tx<'_>,
    forge: &ForgeName,
    repository: &RepoName,
    number: u64,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let newest: Option<CommitSha> = tx
        .prepare_cached(
            "SELECT commit_sha FROM run \
             JOIN repository ON repository.id = run.repository \
             JOIN delivery_run ON delivery_run.run = run.id \
             WHERE forge = ?1 AND name = ?2 AND pull_request = ?3 \
             ORDER BY delivery_run.delivery DESC LIMIT 1",
        )?
        .query_row(params![forge.as_str(), repository.as_str(), number], |row| row.word(0))
        .optional()?;
    let Some(newest) = newest else { return Ok(()) };
    let older = runs(
        tx,
        "pull_request = ?3 AND commit_sha <> ?4",
        params![forge.as_str(), repository.as_str(), number, newest.as_str()],
    )?;
    let by = format!("commit {}, which supersedes it", newest.short());
    withdraw(tx, older, &by, now)?;
    Ok(())
}

/// Withdraws the runs of what an event says is gone, if it says so. Gives what
/// happened, for people, and the jobs that this ended.
pub(crate) fn what_is_gone(
    tx: &Tx<'_>,
    forge: &ForgeName,
    event: &Event,
    now: DateTime<Utc>,
) -> Result<Option<(String, Vec<JobId>)>, StoreError> {
    let (what, by, of, key, repository): (_, _, _, &dyn ToSql, &Repository) = match event {
        Event::PullRequestClosed { repository, number, actor } => {
            let by = format!("{actor}, who closed pull request {number}");
            (format!("pull request {number} was closed"), by, "pull_request", number, repository)
        }
        Event::RefDeleted { repository, git_ref, actor } => {
            let name = git_ref.short();
            let by = format!("{actor}, who deleted {name}");
            (format!("{name} was deleted"), by, "git_ref", &git_ref.as_str(), repository)
        }
        Event::Push(_) | Event::PullRequest(_) | Event::MergeGroup(_) | Event::CheckRequest(_) => {
            return Ok(None);
        }
    };
    let key = params![forge.as_str(), repository.name.as_str(), key];
    let gone = runs(tx, &format!("{of} = ?3"), key)?;
    Ok(Some((what, withdraw(tx, gone, &by, now)?)))
}

/// The unfinished runs of a repository (forge ?1, name ?2) of which this holds.
fn runs(tx: &Tx<'_>, that: &str, key: &[&dyn ToSql]) -> Result<Vec<RunId>, StoreError> {
    let sql = format!(
        "SELECT run.id FROM run JOIN repository ON repository.id = run.repository \
         WHERE forge = ?1 AND name = ?2 AND finished_at IS NULL AND {that} ORDER BY run.id"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let rows = statement.query_map(key, |row| row.word(0))?;
    rows.map(|row| Ok(row?)).collect()
}

/// Cancels what is unfinished of these runs. The same event again makes new ones.
fn withdraw(
    tx: &Tx<'_>,
    runs: Vec<RunId>,
    by: &str,
    now: DateTime<Utc>,
) -> Result<Vec<JobId>, StoreError> {
    let mut cancelled = Vec::new();
    for run in runs {
        cancelled.extend(cancel_all(tx, unfinished(tx, run)?, by, now)?);
        tx.prepare_cached("UPDATE run SET withdrawn_at = ?2 WHERE id = ?1")?
            .execute(params![text(run), millis(now)])?;
    }
    Ok(cancelled)
}

fn unfinished(tx: &Tx<'_>, run: RunId) -> Result<Vec<JobId>, StoreError> {
    let sql = "SELECT id FROM job WHERE run = ?1 AND state <> 'finished' ORDER BY position";
    let mut statement = tx.prepare_cached(sql)?;
    let rows = statement.query_map([text(run)], |row| row.word(0))?;
    rows.map(|row| Ok(row?)).collect()
}
