//! What runs and what waits, over all repositories in sight.

use rusqlite::{Connection, Row};
use solstice_api::user::{Queue, QueuedJob, RunningStep, WaitingJob, WorkingJob};
use solstice_model::JobName;

use crate::column::{Columns as _, limit};
use crate::error::StoreError;
use crate::select::Conditions;
use crate::sight::Sight;
use crate::store::Store;
use crate::view::MAX_PAGE;

impl Store {
    /// At most so many jobs that are on machines, the longest there first.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn working(
        &self,
        sight: Sight,
        at_most: usize,
    ) -> Result<Vec<WorkingJob>, StoreError> {
        self.read(move |connection| at_work(connection, &sight, at_most)).await
    }

    /// At most so many jobs that are on machines, the longest there first, and so
    /// many that wait: those that could begin first, by age, then the others. Why
    /// they wait is told by their facts; the text is the caller's.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn queue(
        &self,
        sight: Sight,
        working: usize,
        waiting: usize,
    ) -> Result<Queue, StoreError> {
        self.read(move |connection| {
            let (working_total, waiting_total) = totals(connection, &sight)?;
            Ok(Queue {
                working: at_work(connection, &sight, working)?,
                working_total,
                waiting: in_line(connection, &sight, waiting)?,
                waiting_total,
            })
        })
        .await
    }
}

fn totals(connection: &Connection, sight: &Sight) -> Result<(u64, u64), StoreError> {
    let which = Conditions::in_sight(sight);
    let sql = format!(
        "SELECT coalesce(sum(state <> 'queued'), 0), coalesce(sum(state = 'queued'), 0) FROM job \
         JOIN repository ON repository.id = job.repository \
         WHERE state <> 'finished' AND {}",
        which.sql()
    );
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row(which.values(), |row| Ok((row.get(0)?, row.get(1)?)))?)
}

fn at_work(
    connection: &Connection,
    sight: &Sight,
    at_most: usize,
) -> Result<Vec<WorkingJob>, StoreError> {
    let mut which = Conditions::in_sight(sight);
    which.and_always("state IN ('claimed', 'starting', 'running')");
    let most = which.bind(limit(at_most, MAX_PAGE));
    // Steps are looked for only of those that are shown.
    let sql = format!(
        "WITH shown AS MATERIALIZED (SELECT job.id FROM job \
         JOIN repository ON repository.id = job.repository WHERE {} \
         ORDER BY claimed_at, job.id LIMIT {most}) \
         SELECT {JOB}, data, claimed_at, started_at, json_array_length(spec, '$.steps'), step, \
         json_extract(spec, '$.steps[' || step || '].name') FROM \
         (SELECT shown.id, (SELECT max(position) FROM attempt JOIN step \
         ON step.attempt = attempt.id WHERE attempt.job = shown.id \
         AND attempt.ended_at IS NULL AND step.finished_at IS NULL) AS step FROM shown) AS shown \
         {FROM} ORDER BY claimed_at, job.id",
        which.sql()
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(which.values(), |row| {
        let step = match row.get(11)? {
            None => None,
            Some(index) => Some(RunningStep { index, of: row.get(10)?, name: row.get(12)? }),
        };
        Ok(WorkingJob {
            job: queued_job(row)?,
            state: row.data(7)?,
            claimed_at: row.time(8)?,
            started_at: row.maybe_time(9)?,
            step,
        })
    })?;
    rows.map(|row| Ok(row?)).collect()
}

fn in_line(
    connection: &Connection,
    sight: &Sight,
    at_most: usize,
) -> Result<Vec<WaitingJob>, StoreError> {
    let mut which = Conditions::in_sight(sight);
    which.and_always("state = 'queued'");
    let most = which.bind(limit(at_most, MAX_PAGE));
    // The places count all that waits, in sight or not: a number tells of nobody.
    let sql = format!(
        "WITH ready AS MATERIALIZED (SELECT id, \
         row_number() OVER (PARTITION BY runs_on ORDER BY queued_at, run, position) AS place \
         FROM job WHERE state = 'queued' AND open_needs = 0), \
         shown AS MATERIALIZED (SELECT job.id, place FROM job \
         JOIN repository ON repository.id = job.repository LEFT JOIN ready ON ready.id = job.id \
         WHERE {} ORDER BY place IS NULL, queued_at, job.run, job.position LIMIT {most}) \
         SELECT {JOB}, runs_on, size, queued_at, place, \
         (SELECT json_group_array(other.name) FROM need JOIN job AS other ON other.id = need.needs \
         WHERE need.job = job.id AND met = 0), approval IS 'waiting' \
         FROM shown {FROM} ORDER BY place IS NULL, queued_at, job.run, job.position",
        which.sql()
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(which.values(), |row| {
        let size: String = row.get(8)?;
        let needs: Vec<JobName> = row.data(11)?;
        Ok(WaitingJob {
            job: queued_job(row)?,
            runs_on: row.word(7)?,
            size: size.parse().ok(),
            queued_at: row.time(9)?,
            place: row.get(10)?,
            needs,
            approval: row.get(12)?,
            why: String::new(),
        })
    })?;
    rows.map(|row| Ok(row?)).collect()
}

const JOB: &str = "job.id, job.name, job.run, repository.forge, repository.name, commit_sha, title";

const FROM: &str = "JOIN job ON job.id = shown.id JOIN run ON run.id = job.run \
                    JOIN repository ON repository.id = job.repository";

fn queued_job(row: &Row<'_>) -> rusqlite::Result<QueuedJob> {
    Ok(QueuedJob {
        id: row.word(0)?,
        name: row.word(1)?,
        run: row.word(2)?,
        forge: row.word(3)?,
        repository: row.word(4)?,
        commit: row.word(5)?,
        title: row.get(6)?,
    })
}
