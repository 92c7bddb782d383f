//! Hosts: what they said of themselves when they were last heard.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, params};
use solstice_api::user::Host;
use solstice_model::{HostName, JobId, Label};

use crate::column::{Columns as _, json, millis};
use crate::error::StoreError;
use crate::store::Store;

/// The most labels of one host that are kept.
const MAX_LABELS: usize = 256;

/// The most hosts that are listed.
const MAX_HOSTS: i64 = 1024;

impl Store {
    /// Writes down that a host reported.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn note_host(
        &self,
        name: HostName,
        mut labels: Vec<Label>,
        room: u32,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        labels.sort();
        labels.dedup();
        labels.truncate(MAX_LABELS);
        self.write(move |tx| {
            tx.prepare_cached(
                "INSERT INTO host (name, labels, room, seen_at) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (name) DO UPDATE SET labels = excluded.labels, \
                 room = excluded.room, seen_at = max(seen_at, excluded.seen_at)",
            )?
            .execute(params![name.as_str(), json(&labels), room, millis(now)])?;
            Ok(())
        })
        .await
    }

    /// Every host that ever reported, by name.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn hosts(&self) -> Result<Vec<Host>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT name, labels, room, seen_at FROM host ORDER BY name LIMIT ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([MAX_HOSTS], |row| {
                Ok(Host {
                    name: row.word(0)?,
                    labels: row.data(1)?,
                    room: row.get(2)?,
                    seen_at: row.time(3)?,
                    jobs: Vec::new(),
                })
            })?;
            let mut hosts: Vec<Host> = rows.collect::<Result<_, _>>()?;
            for host in &mut hosts {
                host.jobs = jobs(connection, &host.name)?;
            }
            Ok(hosts)
        })
        .await
    }
}

fn jobs(connection: &Connection, host: &HostName) -> Result<Vec<JobId>, StoreError> {
    let sql = "SELECT job FROM attempt WHERE host = ?1 AND ended_at IS NULL ORDER BY id";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([host.as_str()], |row| row.word(0))?;
    rows.map(|row| Ok(row?)).collect()
}
