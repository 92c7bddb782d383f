//! Jobs come to be: their rows, what they need, their first wish, and the end of
//! those that are never to run.

use chrono::{DateTime, Utc};
use rusqlite::params;
use solstice_model::{
    AnnotationCounts, JobEvent, JobId, JobSpec, JobState, Need, NeededOutcome, Outcome, RunId,
    SkipReason,
};

use crate::column::{Columns as _, json, millis, text};
use crate::describe::{JobView, RunView};
use crate::error::StoreError;
use crate::report;
use crate::transition::transition;
use crate::writer::Tx;

/// A job to be made.
pub(crate) struct NewJob<'a> {
    pub(crate) id: JobId,
    /// Its place in the file.
    pub(crate) position: i64,
    pub(crate) spec: &'a JobSpec,
    /// How often it was run before.
    pub(crate) rerun: u32,
    /// Who wants it run once more.
    pub(crate) rerun_by: Option<&'a str>,
}

/// Writes a job's row and takes its check. Its needs are still to be told.
pub(crate) fn insert(
    tx: &Tx<'_>,
    run: &RunView,
    job: &NewJob<'_>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let NewJob { id, position, spec, rerun, rerun_by } = job;
    let state = JobState::Queued;
    tx.prepare_cached(
        "INSERT INTO job (id, run, repository, position, name, runs_on, size, priority, spec, \
         rerun, rerun_by, state, data, queued_at) \
         SELECT ?2, id, repository, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13 \
         FROM run WHERE id = ?1",
    )?
    .execute(params![
        text(run.id),
        text(id),
        position,
        spec.name.as_str(),
        spec.runs_on.as_str(),
        spec.size.as_ref().map_or("", |size| size.as_str()),
        spec.priority,
        json(spec),
        rerun,
        rerun_by,
        state.name(),
        json(&state),
        millis(now)
    ])?;
    let annotations = AnnotationCounts::default();
    let view = JobView { id: *id, spec, state: &state, attempts: 0, step: None, annotations };
    let wish = tx.describe.job(run, &view);
    report::claim(tx, run.id, Some(*id), &wish, now)?;
    tx.job_changed(*id);
    Ok(())
}

/// Writes that a job needs another one, of which `outcome` is known if it is over,
/// and whether its failure is allowed.
pub(crate) fn need(
    tx: &Tx<'_>,
    job: JobId,
    need: &Need,
    needed: JobId,
    outcome: Option<(&Outcome, bool)>,
) -> Result<(), StoreError> {
    let met = outcome.is_some_and(|(outcome, allowed)| need.outcome.is_met_by(outcome, allowed));
    let added = tx
        .prepare_cached(
            "INSERT OR IGNORE INTO need (job, needs, outcome, met) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![text(job), text(needed), name(need.outcome), met])?;
    if added > 0 && !met {
        tx.prepare_cached("UPDATE job SET open_needs = open_needs + 1 WHERE id = ?1")?
            .execute([text(job)])?;
    }
    Ok(())
}

/// Ends the job at once if its condition does not hold, or for the reason given.
pub(crate) fn skip_if_unmet(
    tx: &Tx<'_>,
    job: JobId,
    spec: &JobSpec,
    never: Option<SkipReason>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let condition = spec.unmet.clone().map(|condition| SkipReason::Condition { condition });
    let Some(why) = condition.or(never) else { return Ok(()) };
    // It may have been skipped already, with a job that it needs.
    match transition(tx, job, JobEvent::Skip { why }, now) {
        Ok(_) | Err(StoreError::IllegalTransition(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The jobs of a run that count, in the file's order: of those that were run once
/// more the last.
pub(crate) fn current(tx: &Tx<'_>, run: RunId) -> Result<Vec<Current>, StoreError> {
    let sql = "SELECT id, position, spec, data, rerun FROM job \
               WHERE run = ?1 AND replaced_by IS NULL ORDER BY position";
    let mut statement = tx.prepare_cached(sql)?;
    let rows = statement.query_map([text(run)], |row| {
        Ok(Current {
            id: row.word(0)?,
            position: row.get(1)?,
            spec: row.data(2)?,
            state: row.data(3)?,
            rerun: row.get(4)?,
        })
    })?;
    rows.map(|row| Ok(row?)).collect()
}

/// A job of a run as it stands.
pub(crate) struct Current {
    pub(crate) id: JobId,
    pub(crate) position: i64,
    pub(crate) spec: JobSpec,
    pub(crate) state: JobState,
    pub(crate) rerun: u32,
}

/// The outcome's name, as in the database and in JSON.
fn name(outcome: NeededOutcome) -> &'static str {
    match outcome {
        NeededOutcome::Succeeded => "succeeded",
        NeededOutcome::Failed => "failed",
        NeededOutcome::Completed => "completed",
        NeededOutcome::Any => "any",
    }
}
