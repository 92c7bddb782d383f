//! What may be removed by age: logs and artifacts of attempts, which lie elsewhere,
//! bodies of deliveries and the event log, which lie here.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, params};
use solstice_model::{AttemptId, JobId, RunId};

use crate::column::{Columns as _, limit, millis, text};
use crate::error::StoreError;
use crate::store::Store;
use crate::view::MAX_PAGE;

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

/// What was removed, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// How many.
    pub count: u64,
    /// How many bytes that frees; 0 where only rows are meant.
    pub bytes: u64,
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

    /// How many attempts [`Store::ended_attempts`] would give that have a log, and
    /// how many that have artifacts.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn kept_attempts(&self) -> Result<(u64, u64), StoreError> {
        self.read(|connection| {
            let sql = "SELECT count(*) FILTER (WHERE log_removed_at IS NULL), \
                       count(*) FILTER (WHERE artifacts_removed_at IS NULL AND EXISTS \
                       (SELECT 1 FROM artifact WHERE attempt = attempt.id AND bytes > 0)) \
                       FROM attempt JOIN job ON job.id = attempt.job \
                       JOIN run ON run.id = job.run WHERE ended_at IS NOT NULL \
                       AND (log_removed_at IS NULL OR artifacts_removed_at IS NULL) \
                       AND run.finished_at IS NOT NULL";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?)
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
    ) -> Result<Removal, StoreError> {
        self.write(move |tx| {
            let Some(before) = bodies_before(tx, before, at_most)? else {
                return Ok(Removal::default());
            };
            let ids = {
                let mut statement = tx.prepare_cached(&format!("{OLD_BODIES} LIMIT ?2"))?;
                let rows = statement.query_map(params![before, MAX_REMOVED], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?))
                })?;
                rows.collect::<Result<Vec<_>, _>>()?
            };
            let sql = "UPDATE delivery SET body = x'', body_removed_at = ?2 WHERE id = ?1";
            let mut removed = Removal::default();
            for (id, bytes) in ids {
                tx.prepare_cached(sql)?.execute(params![id, millis(now)])?;
                removed.count += 1;
                removed.bytes += bytes;
            }
            Ok(removed)
        })
        .await
    }

    /// What [`Store::remove_bodies`] would remove, all in all.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn old_bodies(
        &self,
        before: Option<DateTime<Utc>>,
        at_most: Option<u32>,
    ) -> Result<Removal, StoreError> {
        self.read(move |connection| {
            let Some(before) = bodies_before(connection, before, at_most)? else {
                return Ok(Removal::default());
            };
            let sql = format!("SELECT count(*), coalesce(sum(bytes), 0) FROM ({OLD_BODIES})");
            Ok(connection.prepare_cached(&sql)?.query_row([before], removal)?)
        })
        .await
    }

    /// Removes deliveries that have their verdict, whose runs, if any, are over, and
    /// that came before a time or are not among the newest so many; gives how many.
    /// While it gives any, there may be more.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn remove_deliveries(
        &self,
        before: Option<DateTime<Utc>>,
        at_most: Option<u32>,
    ) -> Result<Removal, StoreError> {
        self.write(move |tx| {
            let Some(before) = deliveries_before(tx, before, at_most)? else {
                return Ok(Removal::default());
            };
            let ids = {
                let mut statement = tx.prepare_cached(&format!("{OLD_DELIVERIES} LIMIT ?2"))?;
                let rows = statement.query_map(params![before, MAX_REMOVED], |row| row.get(0))?;
                rows.collect::<Result<Vec<String>, _>>()?
            };
            for id in &ids {
                tx.prepare_cached("DELETE FROM delivery_run WHERE delivery = ?1")?.execute([id])?;
                tx.prepare_cached("DELETE FROM delivery WHERE id = ?1")?.execute([id])?;
            }
            Ok(Removal { count: u64::try_from(ids.len()).unwrap_or(u64::MAX), bytes: 0 })
        })
        .await
    }

    /// What [`Store::remove_deliveries`] would remove, all in all.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn old_deliveries(
        &self,
        before: Option<DateTime<Utc>>,
        at_most: Option<u32>,
    ) -> Result<Removal, StoreError> {
        self.read(move |connection| {
            let Some(before) = deliveries_before(connection, before, at_most)? else {
                return Ok(Removal::default());
            };
            let sql = format!("SELECT count(*), 0 FROM ({OLD_DELIVERIES})");
            Ok(connection.prepare_cached(&sql)?.query_row([before], removal)?)
        })
        .await
    }

    /// Removes what the event log says of before a time, of jobs that are over;
    /// gives how many entries. While it gives any, there may be more.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn remove_events(&self, before: DateTime<Utc>) -> Result<Removal, StoreError> {
        self.write(move |tx| {
            let sql = format!("DELETE FROM event WHERE seq IN ({OLD_EVENTS} LIMIT ?2)");
            let count = tx.prepare_cached(&sql)?.execute(params![millis(before), MAX_REMOVED])?;
            Ok(Removal { count: u64::try_from(count).unwrap_or(u64::MAX), bytes: 0 })
        })
        .await
    }

    /// What [`Store::remove_events`] would remove, all in all.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn old_events(&self, before: DateTime<Utc>) -> Result<Removal, StoreError> {
        self.read(move |connection| {
            let sql = format!("SELECT count(*), 0 FROM ({OLD_EVENTS})");
            Ok(connection.prepare_cached(&sql)?.query_row([millis(before)], removal)?)
        })
        .await
    }

    /// What [`Store::remove_audit`] would remove.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn old_audit(&self, before: DateTime<Utc>) -> Result<Removal, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT count(*), 0 FROM audit WHERE at < ?1";
            Ok(connection.prepare_cached(sql)?.query_row([millis(before)], removal)?)
        })
        .await
    }
}

const OLD_BODIES: &str = "SELECT id, length(body) AS bytes FROM delivery \
     WHERE body_removed_at IS NULL AND received_at < ?1 AND verdict <> 'waiting' \
     ORDER BY received_at";

/// Ids are in the order of time, so that only what is old is looked at.
const OLD_DELIVERIES: &str = "SELECT id FROM delivery WHERE id < ?1 AND verdict <> 'waiting' \
     AND NOT EXISTS (SELECT 1 FROM delivery_run JOIN run ON run.id = delivery_run.run \
     WHERE delivery = delivery.id AND run.finished_at IS NULL) ORDER BY id";

const OLD_EVENTS: &str = "SELECT seq FROM event JOIN job ON job.id = event.job \
     WHERE at < ?1 AND job.finished_at < ?1 ORDER BY at";

fn removal(row: &rusqlite::Row<'_>) -> rusqlite::Result<Removal> {
    Ok(Removal { count: row.get(0)?, bytes: row.get(1)? })
}

/// Before when bodies may go, if any may.
fn bodies_before(
    connection: &Connection,
    before: Option<DateTime<Utc>>,
    at_most: Option<u32>,
) -> Result<Option<i64>, StoreError> {
    let oldest = match at_most {
        Some(count) => oldest_kept(connection, count)?,
        None => None,
    };
    Ok(before.map(millis).max(oldest))
}

/// Before which id deliveries may go, if any may.
fn deliveries_before(
    connection: &Connection,
    before: Option<DateTime<Utc>>,
    at_most: Option<u32>,
) -> Result<Option<String>, StoreError> {
    let oldest: Option<String> = match at_most {
        Some(count) => connection
            .prepare_cached("SELECT id FROM delivery ORDER BY id DESC LIMIT 1 OFFSET ?1")?
            .query_row([count.saturating_sub(1)], |row| row.get(0))
            .optional()?,
        None => None,
    };
    Ok(before.map(first_id).max(oldest))
}

/// What no id of this time or later is less than (RFC 9562, section 5.7: 48 bits of
/// milliseconds come first).
fn first_id(at: DateTime<Utc>) -> String {
    let milliseconds = millis(at).max(0);
    format!("{:08x}-{:04x}-7000-8000-000000000000", milliseconds >> 16, milliseconds & 0xffff)
}

/// When the oldest of the newest so many bodies came, if there are more.
fn oldest_kept(connection: &Connection, count: u32) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT received_at FROM delivery WHERE body_removed_at IS NULL \
               ORDER BY received_at DESC LIMIT 1 OFFSET ?1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([count.saturating_sub(1)], |row| row.get(0)).optional()?)
}
