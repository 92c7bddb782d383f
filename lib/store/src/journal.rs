//! What happened to all jobs, in order: for who counts it, or makes traces of it.

use chrono::{DateTime, Utc};
use rusqlite::params;
use solstice_model::{JobEvent, JobId};

use crate::column::{Columns as _, limit};
use crate::error::StoreError;
use crate::store::Store;
use crate::view::MAX_PAGE;

/// An entry of the event log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// Its place.
    pub seq: i64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// To which job.
    pub job: JobId,
    /// What.
    pub event: JobEvent,
}

impl Store {
    /// What happened to any job after entry `after`, in order.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn journal(
        &self,
        after: i64,
        at_most: usize,
    ) -> Result<Vec<JournalEntry>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT seq, at, job, event FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![after, limit(at_most, MAX_PAGE)], |row| {
                Ok(JournalEntry {
                    seq: row.get(0)?,
                    at: row.time(1)?,
                    job: row.word(2)?,
                    event: row.data(3)?,
                })
            })?;
            rows.map(|row| Ok(row?)).collect()
        })
        .await
    }

    /// The last entry of the event log there is; 0 if there is none.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn journal_end(&self) -> Result<i64, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT max(seq) FROM event")?;
            Ok(statement.query_row([], |row| row.get::<_, Option<i64>>(0))?.unwrap_or(0))
        })
        .await
    }
}
