//! What an agent's records mean for its job: steps begin and end, and a verdict falls.
//!
//! The records themselves are in the attempt's log, which also keeps their
//! order; here only what changes rows is applied, once, however often and in
//! however many pieces it is told.

use chrono::{DateTime, Utc};
use rusqlite::params;
use solstice_model::{
    AgentVerdict, AttemptId, Exit, HostName, JobEvent, JobSpec, Record, RecordBody, TimeLimit,
};

use crate::column::{Columns as _, json, millis, text};
use crate::error::StoreError;
use crate::lease::{AttemptInfo, end, of_host};
use crate::store::Store;
use crate::transition::{progress, transition};
use crate::writer::Tx;

/// What became of an attempt's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Whether the attempt is over and its agent should stop.
    pub over: bool,
}

/// A record that changes rows.
enum Change {
    Started { step: u32, at: DateTime<Utc> },
    Retried { step: u32, at: DateTime<Utc>, exit: Exit },
    Finished { step: u32, at: DateTime<Utc>, exit: Exit },
    Skipped { step: u32, at: DateTime<Utc> },
    Ended { verdict: AgentVerdict },
}

impl Store {
    /// Applies records that are durable in the attempt's log. What was applied
    /// before is passed over; a repeat of an attempt's last records is fine even
    /// though it is over.
    ///
    /// # Errors
    ///
    /// [`StoreError::AttemptOver`] if the attempt is unknown, another host's, or
    /// over and these records are new; [`StoreError::BadRecord`] if one names a
    /// step that the job does not have.
    pub async fn apply_records(
        &self,
        host: HostName,
        attempt: AttemptId,
        records: &[Record],
        now: DateTime<Utc>,
    ) -> Result<Applied, StoreError> {
        let Some(last) = records.last().map(|record| record.seq) else {
            let info = self.read(move |connection| of_host(connection, &host, attempt)).await?;
            return Ok(Applied { over: info.over });
        };
        let changes: Vec<(u64, Change)> = records.iter().filter_map(change).collect();
        if changes.is_empty() {
            // Mere output needs no write, once the agent is known to run.
            let host = host.clone();
            let quiet = self.read(move |connection| quiet(connection, &host, attempt)).await?;
            if quiet {
                return Ok(Applied { over: false });
            }
        }
        self.write(move |tx| apply(tx, &host, attempt, changes, last, now)).await
    }
}

fn change(record: &Record) -> Option<(u64, Change)> {
    let at = record.at;
    let change = match &record.body {
        RecordBody::StepStarted { step } => Change::Started { step: *step, at },
        RecordBody::StepFinished { step, exit } => {
            Change::Finished { step: *step, at, exit: exit.clone() }
        }
        RecordBody::StepRetried { step, exit } => {
            Change::Retried { step: *step, at, exit: exit.clone() }
        }
        RecordBody::StepSkipped { step } => Change::Skipped { step: *step, at },
        RecordBody::Finished { verdict } => Change::Ended { verdict: verdict.clone() },
        RecordBody::Output { .. } | RecordBody::Note { .. } => return None,
    };
    Some((record.seq, change))
}

/// Whether the attempt is live and its agent is known to run.
fn quiet(
    connection: &rusqlite::Connection,
    host: &HostName,
    attempt: AttemptId,
) -> Result<bool, StoreError> {
    let info = of_host(connection, host, attempt)?;
    let sql = "SELECT running_at IS NOT NULL FROM attempt WHERE id = ?1";
    let running: bool =
        connection.prepare_cached(sql)?.query_row([text(attempt)], |row| row.get(0))?;
    Ok(running && !info.over)
}

fn apply(
    tx: &Tx<'_>,
    host: &HostName,
    attempt: AttemptId,
    changes: Vec<(u64, Change)>,
    last: u64,
    now: DateTime<Utc>,
) -> Result<Applied, StoreError> {
    let info = of_host(tx, host, attempt)?;
    if last <= info.applied_seq {
        return Ok(Applied { over: info.over });
    }
    if info.over {
        return Err(StoreError::AttemptOver { attempt });
    }
    check(tx, &info, &changes)?;
    transition(tx, info.job, JobEvent::AgentRunning { attempt }, now)?;
    let (mut over, mut begun) = (false, false);
    for (_, change) in changes.into_iter().filter(|(seq, _)| *seq > info.applied_seq) {
        if over {
            break;
        }
        match change {
            Change::Started { step, at } => {
                start_step(tx, attempt, step, at)?;
                begun = true;
            }
            Change::Finished { step, at, exit } => finish_step(tx, attempt, step, at, &exit)?,
            Change::Retried { step, at, exit } => retry_step(tx, attempt, step, at, &exit)?,
            Change::Skipped { step, at } => skip_step(tx, attempt, step, at)?,
            Change::Ended { verdict } => {
                end(tx, &info, verdict, now)?;
                over = true;
            }
        }
    }
    tx.prepare_cached("UPDATE attempt SET applied_seq = ?2 WHERE id = ?1")?
        .execute(params![text(attempt), last])?;
    if begun && !over {
        progress(tx, info.job, now)?;
    }
    tx.job_changed(info.job);
    Ok(Applied { over })
}

/// Makes sure that every step which is named exists.
fn check(tx: &Tx<'_>, info: &AttemptInfo, changes: &[(u64, Change)]) -> Result<(), StoreError> {
    let spec: JobSpec = tx
        .prepare_cached("SELECT spec FROM job WHERE id = ?1")?
        .query_row([text(info.job)], |row| row.data(0))?;
    for (seq, change) in changes {
        let step = match change {
            Change::Started { step, .. }
            | Change::Retried { step, .. }
            | Change::Finished { step, .. }
            | Change::Skipped { step, .. } => *step,
            Change::Ended { verdict: AgentVerdict::Failed { step, .. } } => *step,
            Change::Ended {
                verdict: AgentVerdict::TimedOut { limit: TimeLimit::Step { step, .. } },
            } => *step,
            Change::Ended { .. } => continue,
        };
        if usize::try_from(step).is_ok_and(|step| step >= spec.steps.len()) {
            let why = format!("there is no step {step}, the job has {}", spec.steps.len());
            return Err(StoreError::BadRecord { seq: *seq, why });
        }
    }
    Ok(())
}

fn start_step(
    tx: &Tx<'_>,
    attempt: AttemptId,
    step: u32,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let sql = "INSERT OR IGNORE INTO step (attempt, position, started_at) VALUES (?1, ?2, ?3)";
    tx.prepare_cached(sql)?.execute(params![text(attempt), step, millis(at)])?;
    Ok(())
}

/// The next try begins with the end of this one.
fn retry_step(
    tx: &Tx<'_>,
    attempt: AttemptId,
    step: u32,
    at: DateTime<Utc>,
    exit: &Exit,
) -> Result<(), StoreError> {
    start_step(tx, attempt, step, at)?;
    tx.prepare_cached(
        "UPDATE step SET tries = tries + 1, exit = ?3 \
         WHERE attempt = ?1 AND position = ?2 AND finished_at IS NULL",
    )?
    .execute(params![text(attempt), step, json(exit)])?;
    Ok(())
}

fn skip_step(
    tx: &Tx<'_>,
    attempt: AttemptId,
    step: u32,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT OR IGNORE INTO step (attempt, position, started_at, finished_at, tries) \
         VALUES (?1, ?2, ?3, ?3, 0)",
    )?
    .execute(params![text(attempt), step, millis(at)])?;
    Ok(())
}

fn finish_step(
    tx: &Tx<'_>,
    attempt: AttemptId,
    step: u32,
    at: DateTime<Utc>,
    exit: &Exit,
) -> Result<(), StoreError> {
    start_step(tx, attempt, step, at)?;
    tx.prepare_cached(
        "UPDATE step SET finished_at = ?3, exit = ?4 \
         WHERE attempt = ?1 AND position = ?2 AND finished_at IS NULL",
    )?
    .execute(params![text(attempt), step, millis(at), json(exit)])?;
    Ok(())
}
