//! Who does which job: claims, and the set of attempts that a host is to work on.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use solstice_api::host::Offer;
use solstice_model::job::Holding;
use solstice_model::{Assignment, AttemptId, HostName, JobEvent, JobId, Label, Source, id::new_id};

use crate::column::{Columns as _, json, millis, text};
use crate::environment::environment;
use crate::error::StoreError;
use crate::store::Store;
use crate::transition::transition;
use crate::writer::Tx;

/// The most jobs that one claim takes; a host with more room asks again.
const MAX_CLAIM: u32 = 64;

/// The most attempts that one host works on.
const MAX_WANTED: i64 = 1024;

impl Store {
    /// Gives the host as many jobs as fit its offers and its room: the oldest
    /// first, of those whose needs are met. One transaction: no job is given twice.
    ///
    /// # Errors
    ///
    /// Whatever the disk does; then no job is given.
    pub async fn claim(
        &self,
        host: HostName,
        offers: Vec<Offer>,
        room: u32,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Vec<AttemptId>, StoreError> {
        if room == 0 || offers.iter().all(|offer| offer.room == 0) {
            return Ok(Vec::new());
        }
        // Most claims find nothing; those need no write.
        let open = offers.clone();
        if self.read(move |connection| oldest(connection, &open)).await?.is_none() {
            return Ok(Vec::new());
        }
        self.write(move |tx| claim(tx, &host, offers, room, now, now + lease)).await
    }

    /// Every attempt that the host is to work on, with all that it takes, in the
    /// order in which they were claimed.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn wanted(&self, host: HostName) -> Result<Vec<Assignment>, StoreError> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT attempt.id, job.id, run.id, attempt.number, repository.name, clone_url, \
                 commit_sha, git_ref, job.spec, run.workflow \
                 FROM attempt JOIN job ON job.id = attempt.job JOIN run ON run.id = job.run \
                 JOIN repository ON repository.id = run.repository \
                 WHERE attempt.host = ?1 AND attempt.ended_at IS NULL \
                 ORDER BY attempt.id LIMIT ?2",
            )?;
            let rows = statement.query_map(params![host.as_str(), MAX_WANTED], assignment)?;
            rows.map(|row| Ok(row?)).collect()
        })
        .await
    }
}

fn claim(
    tx: &Tx<'_>,
    host: &HostName,
    mut offers: Vec<Offer>,
    room: u32,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
) -> Result<Vec<AttemptId>, StoreError> {
    let mut claimed = Vec::new();
    for _ in 0..room.min(MAX_CLAIM) {
        let Some((job, label)) = oldest(tx, &offers)? else { break };
        let attempt = new_id();
        transition(tx, job, JobEvent::Claim(Holding { attempt, host: host.clone() }), now)?;
        tx.prepare_cached("UPDATE attempt SET lease_until = ?2 WHERE id = ?1")?
            .execute(params![text(attempt), millis(lease_until)])?;
        let offer = offers.iter_mut().find(|offer| offer.room > 0 && offer.labels.contains(&label));
        offer.expect("the job was looked for with the labels of open offers").room -= 1;
        claimed.push(attempt);
    }
    Ok(claimed)
}

/// The oldest job that may run and that an offer with room fits.
fn oldest(connection: &Connection, offers: &[Offer]) -> Result<Option<(JobId, Label)>, StoreError> {
    let open = offers.iter().filter(|offer| offer.room > 0);
    let labels: Vec<&Label> = open.flat_map(|offer| &offer.labels).collect();
    Ok(connection
        .prepare_cached(
            "SELECT id, runs_on FROM job WHERE state = 'queued' \
             AND runs_on IN (SELECT value FROM json_each(?1)) \
             AND NOT EXISTS (SELECT 1 FROM need WHERE need.job = job.id AND met = 0) \
             ORDER BY queued_at, run, position LIMIT 1",
        )?
        .query_row([json(&labels)], |row| Ok((row.word(0)?, row.word(1)?)))
        .optional()?)
}

fn assignment(row: &Row<'_>) -> rusqlite::Result<Assignment> {
    let mut assignment = Assignment {
        attempt: row.word(0)?,
        job: row.word(1)?,
        run: row.word(2)?,
        number: row.get(3)?,
        source: Source {
            repository: row.word(4)?,
            clone_url: row.word(5)?,
            commit: row.word(6)?,
            git_ref: row.word(7)?,
        },
        spec: row.data(8)?,
    };
    let workflow: String = row.get(9)?;
    assignment.spec.env = environment(&assignment, &workflow);
    Ok(assignment)
}
