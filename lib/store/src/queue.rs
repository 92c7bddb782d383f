//! What waits, as far as one host may take it: a few looks into an index, however
//! long the queue is.
//!
//! The index `job_ready` holds the jobs that could begin, by label, size and
//! repository, and within these in the order in which they are to go. Each such
//! lane is looked at by its first job alone.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use solstice_api::host::Offer;
use solstice_model::{JobId, Label, SizeName};

use crate::column::{Columns as _, json};
use crate::error::StoreError;

/// Jobs of one repository that ask for the same.
#[derive(Clone, Debug)]
struct Lane {
    label: Label,
    size: String,
    repository: i64,
}

/// The first job of a lane. Fields in the order in which jobs of one repository go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Head {
    /// Less is sooner.
    priority: i64,
    age: Age,
    job: JobId,
}

/// Less is older.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Age {
    queued_at: i64,
    run: String,
    position: i64,
}

/// The lanes that a host fits.
pub(crate) struct Queue {
    lanes: Vec<(Lane, Head)>,
    /// How many jobs of each repository are on machines.
    busy: HashMap<i64, u64>,
}

impl Queue {
    pub(crate) fn read(
        connection: &Connection,
        offers: &[Offer],
        sizes: &[SizeName],
    ) -> Result<Self, StoreError> {
        let mut found = Vec::new();
        for lane in lanes(connection, offers, sizes)? {
            if let Some(head) = head(connection, &lane)? {
                found.push((lane, head));
            }
        }
        let busy = if found.is_empty() { HashMap::new() } else { busy(connection)? };
        Ok(Self { lanes: found, busy })
    }

    /// The job that goes next, of those whose label has room: of the repository
    /// with the fewest jobs on machines, then of the one whose next job is oldest.
    pub(crate) fn next(&self, has_room: impl Fn(&Label) -> bool) -> Option<(JobId, Label)> {
        let mut best: HashMap<i64, &(Lane, Head)> = HashMap::new();
        for entry in self.lanes.iter().filter(|(lane, _)| has_room(&lane.label)) {
            let first = best.entry(entry.0.repository).or_insert(entry);
            if entry.1 < first.1 {
                *first = entry;
            }
        }
        let busy = |repository: i64| self.busy.get(&repository).copied().unwrap_or(0);
        let (lane, head) = best
            .into_values()
            .min_by_key(|(lane, head)| (busy(lane.repository), head.age.clone()))?;
        Some((head.job, lane.label.clone()))
    }

    /// Says that a job was given away, so that the one behind it comes forward.
    pub(crate) fn taken(&mut self, connection: &Connection, job: JobId) -> Result<(), StoreError> {
        let Some(at) = self.lanes.iter().position(|(_, head)| head.job == job) else {
            return Ok(());
        };
        let (lane, _) = self.lanes.swap_remove(at);
        *self.busy.entry(lane.repository).or_default() += 1;
        if let Some(head) = head(connection, &lane)? {
            self.lanes.push((lane, head));
        }
        Ok(())
    }
}

/// Whether there is anything for the host.
pub(crate) fn any(
    connection: &Connection,
    offers: &[Offer],
    sizes: &[SizeName],
) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{LANES} LIMIT 1"))?;
    Ok(statement.exists(wanted(offers, sizes))?)
}

/// Every lane that one of the labels and one of the sizes, or none, leads to. From
/// one repository to the next is one look: lanes are not read through.
fn lanes(
    connection: &Connection,
    offers: &[Offer],
    sizes: &[SizeName],
) -> Result<Vec<Lane>, StoreError> {
    let mut statement = connection.prepare_cached(LANES)?;
    let rows = statement.query_map(wanted(offers, sizes), |row| {
        Ok(Lane { label: row.word(0)?, size: row.get(1)?, repository: row.get(2)? })
    })?;
    rows.map(|row| Ok(row?)).collect()
}

/// The labels and the sizes, as [`LANES`] takes them.
fn wanted(offers: &[Offer], sizes: &[SizeName]) -> [String; 2] {
    let open = offers.iter().filter(|offer| offer.room > 0);
    let labels: BTreeSet<&Label> = open.flat_map(|offer| &offer.labels).collect();
    let sizes: BTreeSet<&str> = sizes.iter().map(SizeName::as_str).chain([""]).collect();
    [json(&labels), json(&sizes)]
}

/// How many jobs go before one that could begin, if hosts with these labels and
/// sizes take one after another as [`Queue::next`] says, and whether there may be
/// more than were counted. Nothing is given away.
pub(crate) fn before(
    connection: &Connection,
    labels: &BTreeSet<&Label>,
    sizes: &BTreeSet<&SizeName>,
    job: JobId,
    at_most: u32,
) -> Result<(u32, bool), StoreError> {
    let sizes: BTreeSet<&str> = sizes.iter().map(|size| size.as_str()).chain([""]).collect();
    let mut statement = connection.prepare_cached(READY)?;
    let key = params![json(labels), json(&sizes), MAX_READY];
    let rows = statement.query_map(key, |row| Ok((row.get::<_, i64>(5)?, read_head(row)?)))?;
    // Of each repository, in the order in which they go.
    let mut waiting: HashMap<i64, BTreeSet<Head>> = HashMap::new();
    for row in rows {
        let (repository, head) = row?;
        waiting.entry(repository).or_default().insert(head);
    }
    let mut busy = busy(connection)?;
    for ahead in 0..at_most {
        let next = waiting
            .iter()
            .filter_map(|(repository, heads)| Some((*repository, heads.first()?)))
            .min_by_key(|(repository, head)| {
                (busy.get(repository).copied().unwrap_or(0), head.age.clone())
            });
        let Some((repository, head)) = next else { return Ok((ahead, true)) };
        if head.job == job {
            return Ok((ahead, false));
        }
        waiting.get_mut(&repository).map(BTreeSet::pop_first);
        *busy.entry(repository).or_default() += 1;
    }
    Ok((at_most, true))
}

/// The most jobs that are looked at to say how many go before one.
const MAX_READY: i64 = 2_000;

const READY: &str = "SELECT id, priority, queued_at, run, position, repository FROM job \
     WHERE state = 'queued' AND open_needs = 0 \
     AND runs_on IN (SELECT value FROM json_each(?1)) \
     AND size IN (SELECT value FROM json_each(?2)) LIMIT ?3";

const LANES: &str = "WITH RECURSIVE lane (label, size, repository) AS ( \
     SELECT label.value, size.value, (SELECT min(job.repository) FROM job \
     WHERE state = 'queued' AND open_needs = 0 \
     AND job.runs_on = label.value AND job.size = size.value) \
     FROM json_each(?1) AS label, json_each(?2) AS size \
     UNION ALL \
     SELECT lane.label, lane.size, (SELECT min(job.repository) FROM job \
     WHERE state = 'queued' AND open_needs = 0 \
     AND job.runs_on = lane.label AND job.size = lane.size \
     AND job.repository > lane.repository) \
     FROM lane WHERE lane.repository IS NOT NULL) \
     SELECT label, size, repository FROM lane WHERE repository IS NOT NULL";

const HEAD: &str = "SELECT id, priority, queued_at, run, position FROM job \
     WHERE state = 'queued' AND open_needs = 0 \
     AND runs_on = ?1 AND size = ?2 AND repository = ?3 \
     ORDER BY priority DESC, queued_at, run, position LIMIT 1";

const BUSY: &str = "SELECT repository, count(*) FROM job \
     WHERE state IN ('claimed', 'starting', 'running') GROUP BY repository";

fn head(connection: &Connection, lane: &Lane) -> Result<Option<Head>, StoreError> {
    let mut statement = connection.prepare_cached(HEAD)?;
    let key = params![lane.label.as_str(), lane.size, lane.repository];
    Ok(statement.query_row(key, read_head).optional()?)
}

/// The columns of [`HEAD`].
fn read_head(row: &Row<'_>) -> rusqlite::Result<Head> {
    let priority: i64 = row.get(1)?;
    let age = Age { queued_at: row.get(2)?, run: row.get(3)?, position: row.get(4)? };
    Ok(Head { priority: -priority, age, job: row.word(0)? })
}

fn busy(connection: &Connection) -> Result<HashMap<i64, u64>, StoreError> {
    let mut statement = connection.prepare_cached(BUSY)?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.map(|row| Ok(row?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(connection: &Connection, sql: &str) -> Vec<String> {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let unbound = statement.raw_query();
        let lines = unbound.mapped(|row| row.get("detail"));
        lines.collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn a_claim_never_reads_through_the_queue_nor_through_what_is_over() {
        let mut connection = Connection::open_in_memory().unwrap();
        crate::migrate::up(&mut connection).unwrap();
        for (sql, index, how) in [
            (LANES, "job_ready", "SEARCH"),
            (HEAD, "job_ready", "SEARCH"),
            (READY, "job_ready", "SEARCH"),
            // Those on machines are few, and the index has no others.
            (BUSY, "job_on_machine", "SCAN"),
        ] {
            let lines = plan(&connection, sql);
            let of_jobs: Vec<_> = lines.iter().filter(|line| line.contains(" job ")).collect();
            assert!(!of_jobs.is_empty(), "{lines:?}");
            for line in &of_jobs {
                assert!(line.starts_with(how) && line.contains(index), "{sql}: {line}");
            }
            assert!(!lines.iter().any(|line| line.contains("TEMP B-TREE")), "{lines:?}");
        }
    }
}
