//! The outbox: what each check is to show, until the forge shows it (invariant I3).
//!
//! A wish is written in the transaction that makes it true. Only the newest is
//! kept: its version grows, and it is due until that version was sent or dropped.
//! A check of a commit belongs to the run and job that claimed it last.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, Row, params};
use solstice_forge::CheckReport;
use solstice_model::{CommitSha, ForgeName, JobId, RepoName, RunId};

use crate::column::{Columns as _, json, limit, millis, text};
use crate::error::StoreError;
use crate::store::Store;
use crate::verdict::cut;
use crate::view::MAX_PAGE;
use crate::writer::Tx;

/// One check on one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ReportId(i64);

/// A wish that the forge is to be told now.
#[derive(Clone, Debug)]
pub struct DueReport {
    /// Which check.
    pub id: ReportId,
    /// The forge to tell.
    pub forge: ForgeName,
    /// The repository.
    pub repository: RepoName,
    /// The commit.
    pub commit: CommitSha,
    /// The run that has the check.
    pub run: RunId,
    /// The job of it that has; the run itself is broken if there is none.
    pub job: Option<JobId>,
    /// What it is to show.
    pub report: CheckReport,
    /// The version of the wish, to be given back with the result.
    pub version: u64,
    /// How often telling it has failed.
    pub tries: u32,
}

impl DueReport {
    /// Who owns the repository.
    pub fn owner(&self) -> &str {
        self.repository.as_str().split('/').next().unwrap_or_default()
    }

    /// What the check is of, as the forge is told ([`solstice_forge::Check::subject`]).
    pub fn subject(&self) -> String {
        self.job.map_or_else(|| self.run.to_string(), |job| job.to_string())
    }
}

/// What keeps wishes back that are due otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heed {
    /// The least time between two reports of one check that is not over.
    pub progress: Duration,
    /// Owners of repositories to which nothing is to be sent now.
    pub paused: Vec<String>,
}

/// How telling the forge failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportFailure {
    /// Try again.
    Retry {
        /// When.
        next_try_at: DateTime<Utc>,
        /// What went wrong, for people.
        error: String,
    },
    /// The forge will never take it. A newer wish is tried all the same.
    GiveUp {
        /// What went wrong, for people.
        error: String,
    },
}

/// As the index `report_due` has them, the open wishes of a forge (`?1`) whose repositories' owners (`?2`, JSON) are not paused.
const OPEN_OF_FORGE: &str = "FROM report JOIN repository ON repository.id = report.repository \
     WHERE desired_version > sent_version AND desired_version > dropped_version \
     AND repository.forge = ?1 \
     AND substr(repository.name, 1, instr(repository.name, '/') - 1) \
     NOT IN (SELECT value FROM json_each(?2))";

/// What kind of news a wish is: an end, a beginning, or how it goes on meanwhile.
const RANK: &str = "CASE WHEN json_extract(desired, '$.state') \
     NOT IN ('pending', 'running', 'action_required') THEN 0 \
     WHEN sent_at IS NULL THEN 1 ELSE 2 END";

/// Takes the check for a run, or for a job of it: whatever had it before, on this
/// commit, has nothing more to say there. Two refs may be at one commit, and a job
/// may be run once more; who came last is shown.
pub(crate) fn claim(
    tx: &Tx<'_>,
    run: RunId,
    job: Option<JobId>,
    report: &CheckReport,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO report (repository, commit_sha, context, run, job, desired, next_try_at) \
         SELECT repository, commit_sha, ?3, id, ?2, ?4, ?5 FROM run WHERE id = ?1 \
         ON CONFLICT (repository, commit_sha, context) DO UPDATE SET \
         run = excluded.run, job = excluded.job, desired = excluded.desired, sent_at = NULL, \
         desired_version = desired_version + 1, \
         tries = 0, next_try_at = excluded.next_try_at, last_error = NULL",
    )?
    .execute(params![text(run), job.map(text), report.context, json(report), millis(now)])?;
    Ok(())
}

/// Writes what a job's check is to show from now on, if it is still the job's;
/// the same wish again changes nothing.
pub(crate) fn wish(
    tx: &Tx<'_>,
    job: JobId,
    report: &CheckReport,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE report SET desired = ?2, desired_version = desired_version + 1, \
         tries = 0, next_try_at = ?3, last_error = NULL WHERE job = ?1 AND desired <> ?2",
    )?
    .execute(params![text(job), json(report), millis(now)])?;
    Ok(())
}

/// The same, but due even if the wish is as before: there is more to be shown with it.
pub(crate) fn wish_anew(
    tx: &Tx<'_>,
    job: JobId,
    report: &CheckReport,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE report SET desired = ?2, desired_version = desired_version + 1, \
         tries = 0, next_try_at = ?3, last_error = NULL WHERE job = ?1",
    )?
    .execute(params![text(job), json(report), millis(now)])?;
    Ok(())
}

impl Store {
    /// The wishes of one forge that are due, whatever the pace.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn due_reports(
        &self,
        forge: ForgeName,
        now: DateTime<Utc>,
        at_most: usize,
    ) -> Result<Vec<DueReport>, StoreError> {
        self.next_reports(forge, now, Heed::default(), at_most).await
    }

    /// The wishes of one forge that are due and that nothing keeps back: ends
    /// before beginnings before progress, of each the longest due first.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn next_reports(
        &self,
        forge: ForgeName,
        now: DateTime<Utc>,
        heed: Heed,
        at_most: usize,
    ) -> Result<Vec<DueReport>, StoreError> {
        self.read(move |connection| {
            let due_at = due_at(&heed);
            let mut statement = connection.prepare_cached(&format!(
                "SELECT report.id, repository.forge, repository.name, commit_sha, desired, \
                 desired_version, tries, run, job {OPEN_OF_FORGE} AND {due_at} <= ?3 \
                 ORDER BY {RANK}, next_try_at, report.id LIMIT ?4"
            ))?;
            let page =
                params![forge.as_str(), json(&heed.paused), millis(now), limit(at_most, MAX_PAGE)];
            let rows = statement.query_map(page, due)?;
            rows.map(|row| Ok(row?)).collect()
        })
        .await
    }

    /// When the next wish of one forge is due that nothing keeps back.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn next_report_try(
        &self,
        forge: ForgeName,
        heed: Heed,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.read(move |connection| {
            let sql = format!("SELECT min({}) {OPEN_OF_FORGE}", due_at(&heed));
            let mut statement = connection.prepare_cached(&sql)?;
            let key = params![forge.as_str(), json(&heed.paused)];
            Ok(statement.query_row(key, |row| row.maybe_time(0))?)
        })
        .await
    }

    /// Records that the forge shows this version of the wish. A newer one stays due.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn report_sent(
        &self,
        id: ReportId,
        version: u64,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            let changed = tx
                .prepare_cached(
                    "UPDATE report SET sent_version = max(sent_version, min(?2, desired_version)), \
                     sent_at = ?3, last_error = NULL WHERE id = ?1",
                )?
                .execute(params![id.0, version, millis(now)])?;
            if changed == 0 {
                return Err(StoreError::not_found("report", id.0));
            }
            Ok(())
        })
        .await
    }

    /// Records that this version of the wish could not be told. If there is a
    /// newer one, that one stands as it is.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn report_failed(
        &self,
        id: ReportId,
        version: u64,
        failure: ReportFailure,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            let newest: u64 = tx
                .prepare_cached("SELECT desired_version FROM report WHERE id = ?1")?
                .query_row([id.0], |row| row.get(0))
                .optional()?
                .ok_or_else(|| StoreError::not_found("report", id.0))?;
            if newest != version {
                return Ok(());
            }
            let (next_try_at, dropped, error) = match failure {
                ReportFailure::Retry { next_try_at, error } => {
                    (Some(millis(next_try_at)), None, error)
                }
                ReportFailure::GiveUp { error } => (None, Some(version), error),
            };
            tx.prepare_cached(
                "UPDATE report SET tries = tries + 1, next_try_at = coalesce(?2, next_try_at), \
                 dropped_version = coalesce(?3, dropped_version), last_error = ?4 WHERE id = ?1",
            )?
            .execute(params![id.0, next_try_at, dropped, cut(error)])?;
            Ok(())
        })
        .await
    }
}

/// From when on a wish may be sent.
fn due_at(heed: &Heed) -> String {
    let progress = i64::try_from(heed.progress.as_millis()).unwrap_or(i64::MAX / 2);
    format!("CASE {RANK} WHEN 2 THEN max(next_try_at, sent_at + {progress}) ELSE next_try_at END")
}

fn due(row: &Row<'_>) -> rusqlite::Result<DueReport> {
    Ok(DueReport {
        id: ReportId(row.get(0)?),
        forge: row.word(1)?,
        repository: row.word(2)?,
        commit: row.word(3)?,
        report: row.data(4)?,
        version: row.get(5)?,
        tries: row.get(6)?,
        run: row.word(7)?,
        job: row.maybe_word(8)?,
    })
}
