//! Who does which job: claims, and the set of attempts that a host is to work on.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use solstice_api::host::Offer;
use solstice_model::job::Holding;
use solstice_model::{
    Assignment, AttemptId, HostName, JobEvent, Label, SizeName, Source, id::new_id,
};

use crate::column::{Columns as _, millis, text};
use crate::environment::{RunFacts, environment};
use crate::error::StoreError;
use crate::image;
use crate::queue::{self, Queue};
use crate::store::Store;
use crate::transition::transition;
use crate::writer::Tx;

/// The most jobs that one claim takes; a host with more room asks again.
const MAX_CLAIM: usize = 64;

/// The most attempts that one host works on.
const MAX_WANTED: i64 = 1024;

impl Store {
    /// Gives the host as many jobs as fit its offers, its sizes of machine and its
    /// room, of those whose needs are met. The repository with the fewest jobs on
    /// machines goes first; of its jobs that of the highest priority, then the
    /// oldest. A host that drains gets none. One transaction: no job is given twice.
    ///
    /// # Errors
    ///
    /// Whatever the disk does; then no job is given.
    pub async fn claim(
        &self,
        host: HostName,
        offers: Vec<Offer>,
        sizes: Vec<SizeName>,
        room: u32,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<Vec<AttemptId>, StoreError> {
        if room == 0 || offers.iter().all(|offer| offer.room == 0) {
            return Ok(Vec::new());
        }
        // Most claims find nothing; those need no write.
        let (name, open, fits) = (host.clone(), offers.clone(), sizes.clone());
        let any = self.read(move |connection| {
            Ok(!drains(connection, &name)? && queue::any(connection, &open, &fits)?)
        });
        if !any.await? {
            return Ok(Vec::new());
        }
        self.write(move |tx| {
            if drains(tx, &host)? {
                return Ok(Vec::new());
            }
            claim(tx, &host, offers, &sizes, room, now, now + lease)
        })
        .await
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
                 commit_sha, git_ref, job.spec, \
                 EXISTS (SELECT 1 FROM need JOIN attempt AS before ON before.job = need.needs \
                 JOIN artifact ON artifact.attempt = before.id \
                 WHERE need.job = job.id AND before.artifacts_removed_at IS NULL \
                 AND before.number = (SELECT max(number) FROM attempt WHERE job = need.needs)), \
                 run.workflow, event, pull_request, base, rerun, private \
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
    sizes: &[SizeName],
    room: u32,
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
) -> Result<Vec<AttemptId>, StoreError> {
    let mut queue = Queue::read(tx, &offers, sizes)?;
    let mut claimed = Vec::new();
    while claimed.len() < MAX_CLAIM.min(usize::try_from(room).unwrap_or(MAX_CLAIM)) {
        let has_room = |label: &Label| {
            offers.iter().any(|offer| offer.room > 0 && offer.labels.contains(label))
        };
        let Some((job, label)) = queue.next(has_room) else { break };
        let attempt = new_id();
        transition(tx, job, JobEvent::Claim(Holding { attempt, host: host.clone() }), now)?;
        tx.prepare_cached("UPDATE attempt SET lease_until = ?2 WHERE id = ?1")?
            .execute(params![text(attempt), millis(lease_until)])?;
        let offer = offers.iter_mut().find(|offer| offer.room > 0 && offer.labels.contains(&label));
        offer.expect("the job was looked for with the labels of open offers").room -= 1;
        queue.taken(tx, job)?;
        image::used(tx, host, &label, now)?;
        claimed.push(attempt);
    }
    Ok(claimed)
}

/// Whether an operator lets the host drain.
fn drains(connection: &Connection, host: &HostName) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached("SELECT draining FROM host WHERE name = ?1")?;
    let drains = statement.query_row([host.as_str()], |row| row.get(0)).optional()?;
    Ok(drains.unwrap_or(false))
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
        has_inputs: row.get(9)?,
        private: row.get(15)?,
    };
    let run = RunFacts {
        workflow: row.get(10)?,
        event: row.kind(11)?,
        pull_request: row.get(12)?,
        base: row.get(13)?,
        rerun: row.get(14)?,
    };
    assignment.spec.env = environment(&assignment, &run);
    Ok(assignment)
}
