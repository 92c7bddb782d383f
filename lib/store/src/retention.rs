//! What may be removed by age: logs and artifacts of attempts, which lie elsewhere,
//! bodies of deliveries and the event log, which lie here.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, params};
use solstice_model::{AttemptId, JobId, RunId};

use crate::column::{Columns as _, limit, millis, text};
use crate::error::StoreError;
use crate::store::Store;
use crate::view::MAX_PAGE;
use crate::writer::Tx;

/// The most rows that one call removes; the rest follows with the next.
const MAX_REMOVED: i64 = 1_000;

/// An attempt that is over, of a run that is, and of which something is still kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedAttempt {
    /// Its id.
    pub id: AttemptId,
    /// The job.
    pub job: JobId,
    /// The run.
    pub run: RunId,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Whether its log was not removed yet.
    pub log_kept: bool,
    /// Whether its artifacts were not removed yet.
    pub artifacts_kept: bool,
    /// The size of its artifacts, all together.
    pub artifact_bytes: u64,
}

impl Store {
    /// Attempts that ended before a time and of which something is kept, in the
    /// order in which they began, those after `after` if it is given. Attempts of
    /// a run that is not over are not among them: others may need their artifacts.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn ended_attempts(
        &self,
        before: DateTime<Utc>,
        after: Option<AttemptId>,
        at_most: usize,
    ) -> Result<Vec<EndedAttempt>, StoreError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT attempt.id, attempt.job, job.run, ended_at, log_removed_at IS NULL, \
                 artifacts_removed_at IS NULL, \
                 (SELECT coalesce(sum(bytes), 0) FROM artifact WHERE attempt = attempt.id) \
                 FROM attempt JOIN job ON job.id = attempt.job JOIN run ON run.id = job.run \
                 WHERE ended_at IS NOT NULL \
                 AND (log_removed_at IS NULL OR artifacts_removed_at IS NULL) \
                 AND ended_at < ?1 AND attempt.id > ?2 AND run.finished_at IS NOT NULL \
                 ORDER BY attempt.id LIMIT ?3",
            )?;
            // Every id is greater than the empty text.
            let after = after.map(text).unwrap_or_default();
            let rows = statement.query_map(
                params![millis(before), after, limit(at_most, MAX_PAGE)],
                |row| {
                    Ok(EndedAttempt {
                        id: row.word(0)?,
                        job: row.word(1)?,
                        run: row.word(2)?,
                        ended_at: row.time(3)?,
                        log_kept: row.get(4)?,
                        artifacts_kept: row.get(5)?,
                        artifact_bytes: row.get(6)?,
                    })
                },
            )?;
            rows.map(|row| Ok(row?)).collect()
        })
        .await
    }

    /// Notes that an attempt's log was removed; the first time stands.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn note_log_removed(
        &self,
        attempt: AttemptId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.note_removed("log_removed_at", attempt, now).await
    }

    /// Notes that an attempt's artifacts were removed; the first time stands.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn note_artifacts_removed(
        &self,
        attempt: AttemptId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.note_removed("artifacts_removed_at", attempt, now).await
    }

    async fn note_removed(
        &self,
        column: &'static str,
        attempt: AttemptId,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        self.write(move |tx| {
            let sql = format!("UPDATE attempt SET {column} = coalesce({column}, ?2) WHERE id = ?1");
            match tx.prepare_cached(&sql)?.execute(params![text(attempt), millis(now)])? {
                0 => Err(StoreError::not_found("attempt", attempt)),
                _ => Ok(()),
            }
        })
        .await
    }

    /// Removes the bodies of deliveries that have their verdict and came before a
    /// time, or are not among the newest so many bodies; gives how many. While it
    /// gives any, there may be more.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn remove_bodies(
        &self,
        before: Option<DateTime<Utc>>,
        at_most: Option<u32>,
        now: DateTime<Utc>,
    ) -> Result<usize, StoreError> {
        self.write(move |tx| {
            let sql = "UPDATE delivery SET body = x'', body_removed_at = ?2 WHERE id IN ( \
                       SELECT id FROM delivery WHERE body_removed_at IS NULL \
                       AND received_at < ?1 AND verdict <> 'waiting' \
                       ORDER BY received_at LIMIT ?3)";
            let oldest = match at_most {
                Some(count) => oldest_kept(tx, count)?,
                None => None,
            };
            let Some(before) = before.map(millis).max(oldest) else { return Ok(0) };
            let key = params![before, millis(now), MAX_REMOVED];
            Ok(tx.prepare_cached(sql)?.execute(key)?)
        })
        .await
    }

    /// Removes what the event log says of before a time, of jobs that are over;
    /// gives how many entries. While it gives any, there may be more.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn remove_events(&self, before: DateTime<Utc>) -> Result<usize, StoreError> {
        self.write(move |tx| {
            let sql = "DELETE FROM event WHERE seq IN ( \
                       SELECT seq FROM event JOIN job ON job.id = event.job \
                       WHERE at < ?1 AND job.finished_at < ?1 ORDER BY at LIMIT ?2)";
            Ok(tx.prepare_cached(sql)?.execute(params![millis(before), MAX_REMOVED])?)
        })
        .await
    }
}

/// When the oldest of the newest so many bodies came, if there are more.
fn oldest_kept(tx: &Tx<'_>, count: u32) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT received_at FROM delivery WHERE body_removed_at IS NULL \
               ORDER BY received_at DESC LIMIT 1 OFFSET ?1";
    let mut statement = tx.prepare_cached(sql)?;
    Ok(statement.query_row([count.saturating_sub(1)], |row| row.get(0)).optional()?)
}
