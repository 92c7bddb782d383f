//! Approvals: somebody lets run what waits for that (invariant I10).

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, params};
use solstice_api::user::AuditAction;
use solstice_model::{AnnotationCounts, JobState, RunId};

use crate::audit::{Actor, note};
use crate::column::{Columns as _, millis, text};
use crate::describe::JobView;
use crate::error::StoreError;
use crate::new_job::{current, skip_unmet};
use crate::report;
use crate::store::Store;
use crate::transition::run_view;
use crate::writer::Tx;

impl Store {
    /// Approves of a run and of all others of the same commit, and the same pull
    /// request or ref, that wait as well: one look at a commit is enough for all
    /// of its files, and none is for another commit (invariant I10). Gives those
    /// that this let run; none if somebody had approved before.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] if the run needs no
    /// approval, or is over or withdrawn without one.
    pub async fn approve(
        &self,
        run: RunId,
        by: impl Into<Actor>,
        now: DateTime<Utc>,
    ) -> Result<Vec<RunId>, StoreError> {
        let by = by.into();
        self.write(move |tx| {
            let approved = approve(tx, run, &by.name, now)?;
            for run in &approved {
                note(tx, &by, AuditAction::RunApprove, Some(format!("run:{run}")), None, now)?;
            }
            Ok(approved)
        })
        .await
    }
}

/// As [`Store::approve`], within the caller's transaction.
pub(crate) fn approve(
    tx: &Tx<'_>,
    run: RunId,
    by: &str,
    now: DateTime<Utc>,
) -> Result<Vec<RunId>, StoreError> {
    if !waits(tx, run)? {
        return Ok(Vec::new());
    }
    let approved = siblings(tx, run)?;
    for run in &approved {
        release(tx, *run, by, now)?;
    }
    Ok(approved)
}

/// Whether the run waits; not if somebody has approved.
fn waits(tx: &Tx<'_>, run: RunId) -> Result<bool, StoreError> {
    let sql = "SELECT approval, finished_at IS NOT NULL, withdrawn_at IS NOT NULL \
               FROM run WHERE id = ?1";
    let (approval, finished, withdrawn): (Option<String>, bool, bool) = tx
        .prepare_cached(sql)?
        .query_row([text(run)], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?
        .ok_or_else(|| StoreError::not_found("run", run))?;
    let refused = |why| Err(StoreError::conflict("run", why));
    match approval.as_deref() {
        None => refused("it needs no approval"),
        Some("given") => Ok(false),
        Some(_) if withdrawn => refused("it was withdrawn; a new commit asks again"),
        Some(_) if finished => refused("it is over; a new commit asks again"),
        Some(_) => Ok(true),
    }
}

/// The runs that wait as this one does, itself among them.
fn siblings(tx: &Tx<'_>, run: RunId) -> Result<Vec<RunId>, StoreError> {
    let sql = "SELECT run.id FROM run JOIN run AS this ON this.id = ?1 \
               WHERE run.repository = this.repository AND run.commit_sha = this.commit_sha \
               AND run.git_ref = this.git_ref AND run.pull_request IS this.pull_request \
               AND run.approval = 'waiting' AND run.finished_at IS NULL \
               AND run.withdrawn_at IS NULL ORDER BY run.id";
    let mut statement = tx.prepare_cached(sql)?;
    let rows = statement.query_map([text(run)], |row| row.word(0))?;
    rows.map(|row| Ok(row?)).collect()
}

/// Puts the jobs of a run that waited into the queue.
fn release(tx: &Tx<'_>, run: RunId, by: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE run SET approval = 'given', approved_by = ?2, approved_at = ?3 WHERE id = ?1",
    )?
    .execute(params![text(run), by, millis(now)])?;
    // Each job got one open need more as it was made. It is in the queue from now on.
    tx.prepare_cached(
        "UPDATE job SET open_needs = open_needs - 1, \
         queued_at = iif(state = 'queued', ?2, queued_at) WHERE run = ?1",
    )?
    .execute(params![text(run), millis(now)])?;
    let view = run_view(tx, run)?;
    let jobs = current(tx, run)?;
    let open = || jobs.iter().filter(|job| job.state == JobState::Queued);
    for job in open() {
        let (spec, state) = (&job.spec, &job.state);
        let annotations = AnnotationCounts::default();
        let told = JobView { id: job.id, spec, state, attempts: 0, step: None, annotations };
        report::wish(tx, job.id, &tx.describe.job(&view, &told), now)?;
        tx.job_changed(job.id);
    }
    skip_unmet(tx, open().map(|job| (job.id, &job.spec)), now)?;
    tx.changed();
    Ok(())
}
