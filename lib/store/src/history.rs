//! Repositories and how their branches and workflows have fared lately.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use solstice_api::user::{Repository, RunStatus};
use solstice_model::{EventKind, ForgeName, GitRef, RepoName, RunId};

use crate::column::{Columns as _, limit};
use crate::error::StoreError;
use crate::select::Conditions;
use crate::sight::Sight;
use crate::status::statuses;
use crate::store::Store;
use crate::view::{MAX_PAGE, runs_by_id};

/// How many of a repository's runs are "lately".
const RECENT: i64 = 1_000;

/// The most workflow files of a commit that a badge is of.
const MAX_BADGE_RUNS: i64 = 100;

/// A run, as far as a repository's history tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentRun {
    /// Its id.
    pub id: RunId,
    /// What started it.
    pub event: EventKind,
    /// The ref.
    pub git_ref: GitRef,
    /// The workflow's path.
    pub file: String,
    /// The workflow's name.
    pub workflow: String,
    /// Where it stands.
    pub status: RunStatus,
    /// Whether the workflow could not be read.
    pub broken: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was over.
    pub finished_at: Option<DateTime<Utc>>,
}

impl Store {
    /// The repositories in sight that have had runs, those with the newest runs
    /// first: those whose newest run is before `before`, if it is given.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn repositories(
        &self,
        sight: Sight,
        before: Option<RunId>,
        at_most: usize,
    ) -> Result<Vec<Repository>, StoreError> {
        self.read(move |connection| {
            let mut which = Conditions::in_sight(&sight);
            which.and_always("newest IS NOT NULL");
            let before = before.map(|run| run.to_string());
            which.and_some(|before| format!("newest < {before}"), before);
            let most = which.bind(limit(at_most, MAX_PAGE));
            let order = format!("ORDER BY newest DESC LIMIT {most}");
            repositories(connection, which, &order)
        })
        .await
    }

    /// A repository in sight that has had runs.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn repository(
        &self,
        forge: ForgeName,
        name: RepoName,
        sight: Sight,
    ) -> Result<Repository, StoreError> {
        self.read(move |connection| {
            let mut which = Conditions::in_sight(&sight);
            which.and(|forge| format!("forge = {forge}"), forge.to_string());
            which.and(|name| format!("name = {name}"), name.to_string());
            which.and_always("newest IS NOT NULL");
            let found = repositories(connection, which, "")?.pop();
            found.ok_or_else(|| StoreError::not_found("repository", name))
        })
        .await
    }

    /// The last thousand runs of a repository, newest first. Ask whether it may be
    /// seen before.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn recent_runs(
        &self,
        forge: ForgeName,
        name: RepoName,
    ) -> Result<Vec<RecentRun>, StoreError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(RECENT_RUNS)?;
            let key = params![forge.as_str(), name.as_str(), RECENT];
            let rows = statement.query_map(key, recent_run)?;
            let mut runs: Vec<RecentRun> = rows.collect::<Result<_, _>>()?;
            let open = |run: &&RecentRun| run.status.is_open();
            let ids: Vec<RunId> = runs.iter().filter(open).map(|run| run.id).collect();
            let known = statuses(connection, &ids)?;
            for run in &mut runs {
                run.status = known.get(&run.id).copied().unwrap_or(run.status);
            }
            Ok(runs)
        })
        .await
    }

    /// How the newest commit of a branch fared at which a workflow came to an end:
    /// the worst of its workflows, or the one whose name or file this is. Without a
    /// branch: `main`, `master`, `trunk`, or where the last push went. `None` if
    /// nothing of it is in sight.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn branch_status(
        &self,
        forge: ForgeName,
        name: RepoName,
        sight: Sight,
        branch: Option<String>,
        workflow: Option<String>,
    ) -> Result<Option<RunStatus>, StoreError> {
        self.read(move |connection| {
            let Some(repository) = seen(connection, &forge, &name, &sight)? else {
                return Ok(None);
            };
            let git_ref = match branch {
                Some(branch) => Some(format!("refs/heads/{branch}")),
                None => main_branch(connection, repository)?,
            };
            let Some(git_ref) = git_ref else { return Ok(None) };
            branch_status(connection, repository, &git_ref, workflow.as_deref())
        })
        .await
    }
}

const RECENT_RUNS: &str = "SELECT id, event, git_ref, file, workflow, outcome, \
     problem IS NOT NULL, created_at, finished_at FROM run \
     WHERE repository = (SELECT id FROM repository WHERE forge = ?1 AND name = ?2) \
     ORDER BY id DESC LIMIT ?3";

fn recent_run(row: &Row<'_>) -> rusqlite::Result<RecentRun> {
    let outcome: Option<String> = row.get(5)?;
    Ok(RecentRun {
        id: row.word(0)?,
        event: row.kind(1)?,
        git_ref: row.word(2)?,
        file: row.get(3)?,
        workflow: row.get(4)?,
        // Of one that is not over its jobs tell.
        status: if outcome.is_some() { row.kind(5)? } else { RunStatus::Queued },
        broken: row.get(6)?,
        created_at: row.time(7)?,
        finished_at: row.maybe_time(8)?,
    })
}

fn repositories(
    connection: &Connection,
    which: Conditions,
    order: &str,
) -> Result<Vec<Repository>, StoreError> {
    let sql = format!(
        "SELECT forge, name, html_url, private, \
         (SELECT max(run.id) FROM run WHERE run.repository = repository.id) AS newest \
         FROM repository WHERE {} {order}",
        which.sql()
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(which.values(), |row| {
        let found: (ForgeName, RepoName) = (row.word(0)?, row.word(1)?);
        let url: String = row.get(2)?;
        let newest: RunId = row.word(4)?;
        Ok((found, url, row.get(3)?, newest))
    })?;
    let found: Vec<((ForgeName, RepoName), String, bool, RunId)> =
        rows.collect::<Result<_, _>>()?;
    let ids: Vec<RunId> = found.iter().map(|(.., newest)| *newest).collect();
    let newest = runs_by_id(connection, &ids)?;
    let whole = |((forge, name), url, private, id)| {
        let newest = newest.iter().find(|run| run.id == id)?.clone();
        Some(Repository { forge, name, url, private, newest })
    };
    Ok(found.into_iter().filter_map(whole).collect())
}

fn seen(
    connection: &Connection,
    forge: &ForgeName,
    name: &RepoName,
    sight: &Sight,
) -> Result<Option<i64>, StoreError> {
    let mut which = Conditions::in_sight(sight);
    which.and(|forge| format!("forge = {forge}"), forge.to_string());
    which.and(|name| format!("name = {name}"), name.to_string());
    let sql = format!("SELECT id FROM repository WHERE {}", which.sql());
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row(which.values(), |row| row.get(0)).optional()?)
}

/// The branch that is taken for the main one: no delivery tells for sure.
fn main_branch(connection: &Connection, repository: i64) -> Result<Option<String>, StoreError> {
    let exists = "SELECT 1 FROM run WHERE repository = ?1 AND git_ref = ?2 LIMIT 1";
    for usual in ["refs/heads/main", "refs/heads/master", "refs/heads/trunk"] {
        if connection.prepare_cached(exists)?.exists(params![repository, usual])? {
            return Ok(Some(usual.to_owned()));
        }
    }
    let newest = "SELECT git_ref FROM (SELECT git_ref, id FROM run WHERE repository = ?1 \
                  ORDER BY id DESC LIMIT ?2) WHERE git_ref LIKE 'refs/heads/%' \
                  ORDER BY id DESC LIMIT 1";
    let mut statement = connection.prepare_cached(newest)?;
    Ok(statement.query_row(params![repository, RECENT], |row| row.get(0)).optional()?)
}

fn branch_status(
    connection: &Connection,
    repository: i64,
    git_ref: &str,
    workflow: Option<&str>,
) -> Result<Option<RunStatus>, StoreError> {
    let sql = "WITH over AS (SELECT id, commit_sha, file, outcome FROM run \
               WHERE repository = ?1 AND git_ref = ?2 AND outcome IS NOT NULL \
               AND (?3 IS NULL OR file = ?3 OR workflow = ?3)) \
               SELECT outcome FROM over WHERE commit_sha = \
               (SELECT commit_sha FROM over ORDER BY id DESC LIMIT 1) \
               GROUP BY file HAVING id = max(id) LIMIT ?4";
    let mut statement = connection.prepare_cached(sql)?;
    let key = params![repository, git_ref, workflow, MAX_BADGE_RUNS];
    let rows = statement.query_map(key, |row| row.kind(0))?;
    let all: Vec<RunStatus> = rows.collect::<Result<_, _>>()?;
    let worst =
        [RunStatus::Failed, RunStatus::InfraFailed, RunStatus::Cancelled, RunStatus::Succeeded];
    Ok(worst.into_iter().find(|status| all.contains(status)))
}
