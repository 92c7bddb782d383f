//! The one function that changes a job's state.
//!
//! It loads the row, applies the event with the model's table, and writes the
//! row, the attempt, the event log and the outbox. When a job ends, the jobs
//! that need it are released or skipped, and a run whose last job ended is
//! over: all in the caller's transaction (invariant I3).

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, Row, params};
use solstice_api::user::{AuditAction, RunStatus};
use solstice_forge::{Push, Repository};
use solstice_model::job::Holding;
use solstice_model::{
    AnnotationCounts, JobEvent, JobId, JobName, JobSpec, JobState, NeededOutcome, RunId,
    SkipReason, Transition,
};

use crate::audit::{Actor, note};
use crate::column::{Columns as _, json, millis, text};
use crate::describe::{JobView, PullRequestView, RunView};
use crate::error::StoreError;
use crate::report;
use crate::status::statuses;
use crate::store::Store;
use crate::writer::Tx;

/// What an event did to a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transitioned {
    /// The job is now in this state.
    Moved(JobState),
    /// The event is a repeat or belongs to an attempt that is over; nothing changed.
    Stale,
}

/// A job's row, as far as a transition looks at it.
pub(crate) struct Loaded {
    id: JobId,
    pub(crate) run: RunId,
    name: JobName,
    pub(crate) spec: JobSpec,
    pub(crate) state: JobState,
    pub(crate) attempts: u32,
}

impl Store {
    /// Applies an event to a job, with all that follows from it.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], or [`StoreError::IllegalTransition`] if the
    /// event makes no sense in the job's state.
    pub async fn transition(
        &self,
        job: JobId,
        event: JobEvent,
        now: DateTime<Utc>,
    ) -> Result<Transitioned, StoreError> {
        self.write(move |tx| transition(tx, job, event, now)).await
    }

    /// Stops a job for good, on somebody's wish.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], or [`StoreError::IllegalTransition`] if it is over.
    pub async fn cancel(
        &self,
        job: JobId,
        by: impl Into<Actor>,
        now: DateTime<Utc>,
    ) -> Result<Transitioned, StoreError> {
        let by = by.into();
        self.write(move |tx| {
            let moved = transition(tx, job, JobEvent::Cancel { by: by.name.clone() }, now)?;
            if let Transitioned::Moved(_) = &moved {
                note(tx, &by, AuditAction::JobCancel, Some(format!("job:{job}")), None, now)?;
            }
            Ok(moved)
        })
        .await
    }
}

/// Applies an event to a job within the caller's transaction.
pub(crate) fn transition(
    tx: &Tx<'_>,
    job: JobId,
    event: JobEvent,
    now: DateTime<Utc>,
) -> Result<Transitioned, StoreError> {
    let job = load(tx, job)?;
    let state = match job.state.apply(&event)? {
        Transition::Stale => return Ok(Transitioned::Stale),
        Transition::Moved(state) => state,
    };
    let mut ended = Vec::new();
    write(tx, job, &event, state.clone(), now, &mut ended)?;
    settle(tx, ended, now)?;
    Ok(Transitioned::Moved(state))
}

/// Cancels those of the jobs that are not over, and gives them. All are cancelled
/// before anything follows from it, so that none is skipped for another's sake.
pub(crate) fn cancel_all(
    tx: &Tx<'_>,
    jobs: Vec<JobId>,
    by: &str,
    now: DateTime<Utc>,
) -> Result<Vec<JobId>, StoreError> {
    end_all(tx, jobs, &JobEvent::Cancel { by: by.to_owned() }, now)
}

/// Ends those of the jobs that are not over by this event, as [`cancel_all`].
pub(crate) fn end_all(
    tx: &Tx<'_>,
    jobs: Vec<JobId>,
    event: &JobEvent,
    now: DateTime<Utc>,
) -> Result<Vec<JobId>, StoreError> {
    let (mut over, mut ended) = (Vec::new(), Vec::new());
    for id in jobs {
        let job = load(tx, id)?;
        if job.state.is_finished() {
            continue;
        }
        if let Transition::Moved(state) = job.state.apply(event)? {
            write(tx, job, event, state, now, &mut ended)?;
            over.push(id);
        }
    }
    settle(tx, ended, now)?;
    Ok(over)
}

/// What follows from the end of jobs: those that need them may run or never will,
/// and their runs may be over.
fn settle(tx: &Tx<'_>, mut ended: Vec<Loaded>, now: DateTime<Utc>) -> Result<(), StoreError> {
    // Each turn ends jobs that were queued before, so this comes to an end.
    while let Some(job) = ended.pop() {
        for (dependent, why) in settle_needs(tx, &job)? {
            let dependent = load(tx, dependent)?;
            if dependent.state != JobState::Queued {
                continue;
            }
            let event = JobEvent::Skip { why };
            if let Transition::Moved(state) = dependent.state.apply(&event)? {
                write(tx, dependent, &event, state, now, &mut ended)?;
            }
        }
        finish_run(tx, job.run, now)?;
    }
    Ok(())
}

/// Writes one move of one job; a job that ended goes to `ended`.
fn write(
    tx: &Tx<'_>,
    mut job: Loaded,
    event: &JobEvent,
    state: JobState,
    now: DateTime<Utc>,
    ended: &mut Vec<Loaded>,
) -> Result<(), StoreError> {
    if let JobEvent::Claim(held) = event {
        job.attempts += 1;
        begin_attempt(tx, &job, held, now)?;
    }
    if let (Some(held), None) = (job.state.holding(), state.holding()) {
        end_attempt(tx, held, event, now)?;
    }
    write_job(tx, job.id, &state, now)?;
    tx.prepare_cached("INSERT INTO event (job, at, event) VALUES (?1, ?2, ?3)")?
        .execute(params![text(job.id), millis(now), json(event)])?;
    job.state = state;
    wish(tx, &job, None, now)?;
    tx.job_changed(job.id);
    if job.state.is_finished() {
        ended.push(job);
    }
    Ok(())
}

/// Writes what the check of a job shows now, since another step began.
pub(crate) fn progress(tx: &Tx<'_>, job: JobId, now: DateTime<Utc>) -> Result<(), StoreError> {
    let job = load(tx, job)?;
    let Some(held) = job.state.holding() else { return Ok(()) };
    let sql = "SELECT max(position) FROM step WHERE attempt = ?1 AND finished_at IS NULL";
    let step = tx.prepare_cached(sql)?.query_row([text(held.attempt)], |row| row.get(0))?;
    wish(tx, &job, step, now)
}

/// Writes what the check of a job is to show in the state in which it is.
fn wish(
    tx: &Tx<'_>,
    job: &Loaded,
    step: Option<u32>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Loaded { id, spec, state, attempts, .. } = job;
    let annotations = AnnotationCounts::default();
    let view = JobView { id: *id, spec, state, attempts: *attempts, step, annotations };
    report::wish(tx, *id, &tx.describe.job(&run_view(tx, job.run)?, &view), now)
}

pub(crate) fn load(tx: &Tx<'_>, id: JobId) -> Result<Loaded, StoreError> {
    tx.prepare_cached(
        "SELECT run, name, spec, data, \
         (SELECT coalesce(max(number), 0) FROM attempt WHERE attempt.job = job.id) \
         FROM job WHERE id = ?1",
    )?
    .query_row([text(id)], |row| {
        Ok(Loaded {
            id,
            run: row.word(0)?,
            name: row.word(1)?,
            spec: row.data(2)?,
            state: row.data(3)?,
            attempts: row.get(4)?,
        })
    })
    .optional()?
    .ok_or_else(|| StoreError::not_found("job", id))
}

fn write_job(
    tx: &Tx<'_>,
    id: JobId,
    state: &JobState,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    // A claim begins a new attempt, which has not started; each time is set once
    // per attempt and stays when the job goes back to the queue.
    tx.prepare_cached(
        "UPDATE job SET state = ?2, data = ?3, \
         claimed_at = iif(?2 = 'claimed', ?4, claimed_at), \
         started_at = CASE ?2 WHEN 'claimed' THEN NULL WHEN 'running' THEN ?4 \
         ELSE started_at END, \
         finished_at = iif(?2 = 'finished', ?4, NULL) WHERE id = ?1",
    )?
    .execute(params![text(id), state.name(), json(state), millis(now)])?;
    if let JobState::Running(held) = state {
        tx.prepare_cached("UPDATE attempt SET running_at = ?2 WHERE id = ?1")?
            .execute(params![text(held.attempt), millis(now)])?;
    }
    Ok(())
}

/// The lease is the claim's to set; until then it is over.
fn begin_attempt(
    tx: &Tx<'_>,
    job: &Loaded,
    held: &Holding,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO attempt (id, job, number, host, claimed_at, lease_until) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
    )?
    .execute(params![
        text(held.attempt),
        text(job.id),
        job.attempts,
        held.host.as_str(),
        millis(now)
    ])?;
    Ok(())
}

fn end_attempt(
    tx: &Tx<'_>,
    held: &Holding,
    event: &JobEvent,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (lost, verdict) = match event {
        JobEvent::AttemptLost { why, .. } => (Some(why), None),
        JobEvent::AttemptEnded { verdict, .. } => (None, Some(json(verdict))),
        _ => (None, None),
    };
    tx.prepare_cached("UPDATE attempt SET ended_at = ?2, lost = ?3, verdict = ?4 WHERE id = ?1")?
        .execute(params![text(held.attempt), millis(now), lost, verdict])?;
    Ok(())
}

/// Tells the jobs that need this one, which has ended. Gives those that can
/// never run now.
fn settle_needs(tx: &Tx<'_>, job: &Loaded) -> Result<Vec<(JobId, SkipReason)>, StoreError> {
    let Some(outcome) = job.state.outcome() else { return Ok(Vec::new()) };
    let sql = "SELECT job, outcome FROM need WHERE needs = ?1 AND met = 0 ORDER BY job";
    let mut statement = tx.prepare_cached(sql)?;
    let dependents = statement.query_map([text(job.id)], |row| Ok((row.word(0)?, row.kind(1)?)))?;
    let dependents: Vec<(JobId, NeededOutcome)> = dependents.collect::<Result<_, _>>()?;
    let mut never = Vec::new();
    for (dependent, needed) in dependents {
        if needed.is_met_by(outcome, job.spec.continue_on_error) {
            meet_need(tx, dependent, job.id)?;
        } else {
            never.push((dependent, SkipReason::NeedNotMet { need: job.name.clone() }));
        }
    }
    Ok(never)
}

fn meet_need(tx: &Tx<'_>, job: JobId, needed: JobId) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE need SET met = 1 WHERE job = ?1 AND needs = ?2")?
        .execute([text(job), text(needed)])?;
    tx.prepare_cached("UPDATE job SET open_needs = open_needs - 1 WHERE id = ?1")?
        .execute([text(job)])?;
    Ok(())
}

/// A run is over with its last job.
fn finish_run(tx: &Tx<'_>, run: RunId, now: DateTime<Utc>) -> Result<(), StoreError> {
    let over = tx
        .prepare_cached(
            "UPDATE run SET finished_at = ?2 WHERE id = ?1 AND finished_at IS NULL \
             AND NOT EXISTS (SELECT 1 FROM job WHERE job.run = ?1 AND job.state <> 'finished')",
        )?
        .execute(params![text(run), millis(now)])?;
    if over > 0 {
        let outcome = statuses(tx, &[run])?.remove(&run).unwrap_or(RunStatus::Succeeded);
        tx.prepare_cached("UPDATE run SET outcome = ?2 WHERE id = ?1")?
            .execute([text(run), outcome.name().to_owned()])?;
    }
    Ok(())
}

/// The run as it was made.
pub(crate) fn run_view(tx: &Tx<'_>, run: RunId) -> Result<RunView, StoreError> {
    tx.prepare_cached(
        "SELECT forge, file, workflow, context, name, clone_url, html_url, private, \
         git_ref, commit_sha, title, actor, event, pull_request, base, outside, author, \
         approval IS 'waiting' \
         FROM run JOIN repository ON repository.id = run.repository WHERE run.id = ?1",
    )?
    .query_row([text(run)], |row| {
        Ok(RunView {
            id: run,
            forge: row.word(0)?,
            event: row.kind(12)?,
            pull_request: pull_request(row)?,
            push: push(row)?,
            file: row.get(1)?,
            workflow: row.get(2)?,
            context: row.get(3)?,
            awaits_approval: row.get(17)?,
        })
    })
    .optional()?
    .ok_or_else(|| StoreError::not_found("run", run))
}

fn pull_request(row: &Row<'_>) -> rusqlite::Result<Option<PullRequestView>> {
    let Some(number) = row.get(13)? else { return Ok(None) };
    let (base, outside, author) = (row.get(14)?, row.get(15)?, row.get(16)?);
    Ok(Some(PullRequestView { number, base, outside, author }))
}

fn push(row: &Row<'_>) -> rusqlite::Result<Push> {
    Ok(Push {
        repository: Repository {
            name: row.word(4)?,
            clone_url: row.word(5)?,
            html_url: row.word(6)?,
            private: row.get(7)?,
        },
        git_ref: row.word(8)?,
        commit: row.word(9)?,
        before: None,
        title: row.get(10)?,
        actor: row.get(11)?,
    })
}
