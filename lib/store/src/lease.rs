//! Attempts between claim and end: leases, and what hosts say of them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use solstice_api::host::{HostReport, Phase};
use solstice_model::spec::MAX_RETRIES;
use solstice_model::{AgentVerdict, AttemptId, HostName, JobEvent, JobId, JobSpec, RunId};

use crate::column::{Columns as _, json, millis, text};
use crate::error::StoreError;
use crate::store::Store;
use crate::transition::{Transitioned, transition};
use crate::verdict::cut;
use crate::writer::Tx;

/// The most leases that end in one transaction; the rest follows with the next call.
const MAX_EXPIRED: i64 = 256;

/// The most phases of a report that are kept.
const MAX_PHASES: usize = 32;

/// The most live attempts that are listed.
const MAX_LIVE: i64 = 100_000;

/// One try of a job, as far as the way of its records goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptInfo {
    /// Its id.
    pub id: AttemptId,
    /// The job.
    pub job: JobId,
    /// The run.
    pub run: RunId,
    /// Which try, from 1.
    pub number: u32,
    /// The host that makes it.
    pub host: HostName,
    /// Whether its end is recorded.
    pub over: bool,
    /// No record up to this one has anything left to say to the store.
    pub applied_seq: u64,
}

impl Store {
    /// Renews the leases of all attempts that the host works on.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn renew_leases(
        &self,
        host: HostName,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<(), StoreError> {
        let until = millis(now + lease);
        self.write(move |tx| {
            tx.prepare_cached(
                "UPDATE attempt SET lease_until = max(lease_until, ?2) \
                 WHERE host = ?1 AND ended_at IS NULL",
            )?
            .execute(params![host.as_str(), until])?;
            Ok(())
        })
        .await
    }

    /// Lets no lease end before `until`: after a pause of the server's own, for
    /// which no host is to blame.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn extend_leases(&self, until: DateTime<Utc>) -> Result<(), StoreError> {
        self.write(move |tx| {
            let sql = "UPDATE attempt SET lease_until = max(lease_until, ?1) \
                       WHERE ended_at IS NULL";
            tx.prepare_cached(sql)?.execute([millis(until)])?;
            Ok(())
        })
        .await
    }

    /// When the next lease ends.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn next_lease_end(&self) -> Result<Option<DateTime<Utc>>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT min(lease_until) FROM attempt WHERE ended_at IS NULL";
            Ok(connection.prepare_cached(sql)?.query_row([], |row| row.maybe_time(0))?)
        })
        .await
    }

    /// Gives up the attempts whose lease is over; their jobs are tried again
    /// while fewer than `max_attempts` have begun. Gives the jobs.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn expire_leases(
        &self,
        now: DateTime<Utc>,
        max_attempts: u32,
    ) -> Result<Vec<JobId>, StoreError> {
        self.write(move |tx| {
            let expired = expired(tx, now)?;
            for attempt in &expired {
                let why = format!("host {} did not report in time", attempt.host);
                lose(tx, attempt, why, now, max_attempts)?;
            }
            Ok(expired.into_iter().map(|attempt| attempt.job).collect())
        })
        .await
    }

    /// Takes what a host says of the making of a machine. A repeat changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::AttemptOver`] if the attempt is unknown, over or another host's.
    pub async fn report_from_host(
        &self,
        host: HostName,
        attempt: AttemptId,
        report: HostReport,
        now: DateTime<Utc>,
        max_attempts: u32,
    ) -> Result<Transitioned, StoreError> {
        self.write(move |tx| {
            let info = live(tx, &host, attempt)?;
            match report {
                HostReport::Starting => {
                    transition(tx, info.job, JobEvent::MachineStarting { attempt }, now)
                }
                HostReport::Progress { phases } => {
                    note_phases(tx, attempt, phases, false)?;
                    tx.job_changed(info.job);
                    transition(tx, info.job, JobEvent::MachineStarting { attempt }, now)
                }
                HostReport::Running { phases } => {
                    note_phases(tx, attempt, phases, true)?;
                    transition(tx, info.job, JobEvent::AgentRunning { attempt }, now)
                }
                HostReport::TimedOut { limit } => {
                    end(tx, &info, AgentVerdict::TimedOut { limit }, now)
                }
                HostReport::Lost { why } => lose(tx, &info, cut(why), now, max_attempts),
            }
        })
        .await
    }

    /// What is known of an attempt.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn attempt(&self, attempt: AttemptId) -> Result<AttemptInfo, StoreError> {
        self.read(move |connection| {
            find(connection, attempt)?.ok_or_else(|| StoreError::not_found("attempt", attempt))
        })
        .await
    }

    /// Every attempt that is not over: after a start, what their logs say beyond
    /// `applied_seq` is still to be applied.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn live_attempts(&self) -> Result<Vec<AttemptInfo>, StoreError> {
        self.read(|connection| {
            let sql =
                format!("{SELECT} WHERE attempt.ended_at IS NULL ORDER BY attempt.id LIMIT ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([MAX_LIVE], info)?;
            rows.map(|row| Ok(row?)).collect()
        })
        .await
    }
}

const SELECT: &str = "SELECT attempt.id, job.id, job.run, attempt.number, attempt.host, \
                      attempt.ended_at IS NOT NULL, attempt.applied_seq \
                      FROM attempt JOIN job ON job.id = attempt.job";

fn info(row: &Row<'_>) -> rusqlite::Result<AttemptInfo> {
    Ok(AttemptInfo {
        id: row.word(0)?,
        job: row.word(1)?,
        run: row.word(2)?,
        number: row.get(3)?,
        host: row.word(4)?,
        over: row.get(5)?,
        applied_seq: row.get(6)?,
    })
}

fn find(connection: &Connection, id: AttemptId) -> Result<Option<AttemptInfo>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE attempt.id = ?1"))?;
    Ok(statement.query_row([text(id)], info).optional()?)
}

/// The attempt, if it is this host's; over or not.
pub(crate) fn of_host(
    connection: &Connection,
    host: &HostName,
    attempt: AttemptId,
) -> Result<AttemptInfo, StoreError> {
    find(connection, attempt)?
        .filter(|info| info.host == *host)
        .ok_or(StoreError::AttemptOver { attempt })
}

pub(crate) fn live(
    tx: &Tx<'_>,
    host: &HostName,
    attempt: AttemptId,
) -> Result<AttemptInfo, StoreError> {
    let info = of_host(tx, host, attempt)?;
    if info.over { Err(StoreError::AttemptOver { attempt }) } else { Ok(info) }
}

fn expired(tx: &Tx<'_>, now: DateTime<Utc>) -> Result<Vec<AttemptInfo>, StoreError> {
    let sql = format!(
        "{SELECT} WHERE attempt.ended_at IS NULL AND lease_until < ?1 \
         ORDER BY lease_until LIMIT ?2"
    );
    let mut statement = tx.prepare_cached(&sql)?;
    let rows = statement.query_map(params![millis(now), MAX_EXPIRED], info)?;
    rows.map(|row| Ok(row?)).collect()
}

/// Keeps where the time went. What comes late does not undo what was told once
/// `all` phases were over.
fn note_phases(
    tx: &Tx<'_>,
    attempt: AttemptId,
    mut phases: Vec<Phase>,
    all: bool,
) -> Result<(), StoreError> {
    phases.truncate(MAX_PHASES);
    let sql = "UPDATE attempt SET phases = ?2 WHERE id = ?1 AND (?3 OR running_at IS NULL)";
    tx.prepare_cached(sql)?.execute(params![text(attempt), json(&phases), all])?;
    Ok(())
}

fn lose(
    tx: &Tx<'_>,
    attempt: &AttemptInfo,
    why: String,
    now: DateTime<Utc>,
    max_attempts: u32,
) -> Result<Transitioned, StoreError> {
    // Tries that failed are the author's to count, not ours.
    let sql = "SELECT count(*) FROM attempt WHERE job = ?1 AND lost IS NOT NULL";
    let lost: u32 = tx.prepare_cached(sql)?.query_row([text(attempt.job)], |row| row.get(0))?;
    let retry = lost + 1 < max_attempts;
    let event = JobEvent::AttemptLost { attempt: attempt.id, why, retry };
    transition(tx, attempt.job, event, now)
}

/// Ends an attempt with a verdict; its job is tried again if that is a failure and
/// the workflow has tries left. What the infrastructure lost does not use them up.
pub(crate) fn end(
    tx: &Tx<'_>,
    attempt: &AttemptInfo,
    verdict: AgentVerdict,
    now: DateTime<Utc>,
) -> Result<Transitioned, StoreError> {
    let (spec, failed): (JobSpec, u32) = tx
        .prepare_cached(
            "SELECT spec, (SELECT count(*) FROM attempt \
             WHERE attempt.job = job.id AND verdict IS NOT NULL) FROM job WHERE id = ?1",
        )?
        .query_row([text(attempt.job)], |row| Ok((row.data(0)?, row.get(1)?)))?;
    let retry = verdict != AgentVerdict::Succeeded && failed < spec.retries.min(MAX_RETRIES);
    let event = JobEvent::AttemptEnded { attempt: attempt.id, verdict, retry };
    transition(tx, attempt.job, event, now)
}
