//! How things stand, for metrics: a few looks into indexes.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use solstice_model::{DeliveryId, HostName, Label, RunId};

use crate::column::{Columns as _, text};
use crate::error::StoreError;
use crate::store::Store;
use crate::view::{Counts, counts};

/// The most hosts that are told of.
const MAX_HOSTS: i64 = 1024;

/// How things stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// How much there is to do.
    pub counts: Counts,
    /// The jobs that a host could take, by label. Authors write labels: those that
    /// no host offers are counted together under `None`.
    pub queue: BTreeMap<Option<Label>, Waiting>,
    /// Attempts that are not over, by host and state of their job.
    pub machines: BTreeMap<(HostName, String), u64>,
    /// The hosts.
    pub hosts: Vec<HostGauge>,
}

/// Jobs that wait for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many.
    pub jobs: u64,
    /// Since when the first of them does.
    pub oldest: DateTime<Utc>,
}

/// What a host last said of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostGauge {
    /// Its name.
    pub name: HostName,
    /// How many more machines it has room for.
    pub room: u32,
    /// When it was last heard.
    pub seen_at: DateTime<Utc>,
    /// Whether it takes no jobs.
    pub draining: bool,
}

impl Store {
    /// How things stand. Reads the queue's index and what is under way, never what
    /// is over.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn gauges(&self) -> Result<Gauges, StoreError> {
        self.read(|connection| {
            let (hosts, labels) = hosts(connection)?;
            Ok(Gauges {
                counts: counts(connection)?,
                queue: queue(connection, &labels)?,
                machines: machines(connection)?,
                hosts,
            })
        })
        .await
    }

    /// The first delivery of which a run came; `None` if somebody started it by hand.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn origin(&self, run: RunId) -> Result<Option<DeliveryId>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT min(delivery) FROM delivery_run WHERE run = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.query_row([text(run)], |row| row.maybe_word(0))?)
        })
        .await
    }
}

const QUEUE: &str = "SELECT runs_on, count(*), min(queued_at) FROM job \
     WHERE state = 'queued' AND open_needs = 0 GROUP BY runs_on";

const MACHINES: &str = "SELECT attempt.host, job.state, count(*) \
     FROM attempt JOIN job ON job.id = attempt.job \
     WHERE attempt.ended_at IS NULL GROUP BY attempt.host, job.state";

fn queue(
    connection: &Connection,
    offered: &BTreeSet<Label>,
) -> Result<BTreeMap<Option<Label>, Waiting>, StoreError> {
    let mut statement = connection.prepare_cached(QUEUE)?;
    let rows = statement.query_map([], |row| {
        let waiting = Waiting { jobs: row.get(1)?, oldest: row.time(2)? };
        Ok((row.word::<Label>(0)?, waiting))
    })?;
    let mut queue: BTreeMap<Option<Label>, Waiting> = BTreeMap::new();
    for row in rows {
        let (label, waiting) = row?;
        let all = queue.entry(Some(label).filter(|label| offered.contains(label)));
        let all = all.or_insert(Waiting { jobs: 0, oldest: waiting.oldest });
        all.jobs += waiting.jobs;
        all.oldest = all.oldest.min(waiting.oldest);
    }
    Ok(queue)
}

fn machines(connection: &Connection) -> Result<BTreeMap<(HostName, String), u64>, StoreError> {
    let mut statement = connection.prepare_cached(MACHINES)?;
    let rows = statement.query_map([], |row| Ok(((row.word(0)?, row.get(1)?), row.get(2)?)))?;
    rows.map(|row| Ok(row?)).collect()
}

/// The hosts, and every label that one of them offers.
fn hosts(connection: &Connection) -> Result<(Vec<HostGauge>, BTreeSet<Label>), StoreError> {
    let sql = "SELECT name, room, seen_at, draining, labels FROM host ORDER BY name LIMIT ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([MAX_HOSTS], |row| {
        let (name, room) = (row.word(0)?, row.get(1)?);
        let host = HostGauge { name, room, seen_at: row.time(2)?, draining: row.get(3)? };
        Ok((host, row.data::<Vec<Label>>(4)?))
    })?;
    let (mut hosts, mut labels) = (Vec::new(), BTreeSet::new());
    for row in rows {
        let (host, offered) = row?;
        hosts.push(host);
        labels.extend(offered);
    }
    Ok((hosts, labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_reads_indexes_and_nothing_that_is_over() {
        let mut connection = Connection::open_in_memory().unwrap();
        crate::migrate::up(&mut connection).unwrap();
        for (sql, table, index) in
            [(QUEUE, "job", "job_ready"), (MACHINES, "attempt", "attempt_host")]
        {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let lines = plan.query_map([], |row| row.get::<_, String>("detail")).unwrap();
            let lines: Vec<String> = lines.collect::<Result<_, _>>().unwrap();
            let of_table = lines.iter().find(|line| line.contains(&format!(" {table} ")));
            let of_table = of_table.unwrap_or_else(|| panic!("{lines:?}"));
            assert!(of_table.contains(index), "{of_table}");
        }
    }
}
