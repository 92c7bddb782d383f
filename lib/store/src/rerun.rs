//! Jobs that are run once more: a new row takes the place of the old one, which
//! keeps its one outcome (invariant I3).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, params};
use solstice_api::user::AuditAction;
use solstice_model::{JobId, JobName, Outcome, RunId, SkipReason, id::new_id};

use crate::audit::{Actor, note};
use crate::column::text;
use crate::describe::RunView;
use crate::error::StoreError;
use crate::new_job::{Current, NewJob, current, insert, need, skip_if_unmet};
use crate::store::Store;
use crate::transition::run_view;
use crate::writer::Tx;

/// Which jobs of a run are to be run once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RerunJobs {
    /// All.
    All,
    /// Those that ran and did not succeed, and all that need them.
    Failed,
    /// This one, and all that need it.
    Job(JobId),
}

impl Store {
    /// Makes new jobs in the place of those of a run that are to be run once
    /// more; gives them in the file's order.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`]; [`StoreError::Conflict`] if there is nothing to
    /// run, nobody has approved of what needs it, one of the jobs is not finished, or it was run once more before.
    pub async fn rerun(
        &self,
        run: RunId,
        which: RerunJobs,
        by: impl Into<Actor>,
        now: DateTime<Utc>,
    ) -> Result<Vec<JobId>, StoreError> {
        let by = by.into();
        self.write(move |tx| {
            let new = rerun(tx, run, which, &by.name, now)?;
            let (action, object, detail) = match which {
                RerunJobs::All => (AuditAction::RunRerun, format!("run:{run}"), None),
                RerunJobs::Failed => {
                    (AuditAction::RunRerun, format!("run:{run}"), Some("what failed".to_owned()))
                }
                RerunJobs::Job(job) => (AuditAction::JobRerun, format!("job:{job}"), None),
            };
            note(tx, &by, action, Some(object), detail, now)?;
            Ok(new)
        })
        .await
    }
}

pub(crate) fn rerun(
    tx: &Tx<'_>,
    run: RunId,
    which: RerunJobs,
    by: &str,
    now: DateTime<Utc>,
) -> Result<Vec<JobId>, StoreError> {
    let view = run_view(tx, run)?;
    // It would be a way around the approval (invariant I10).
    if view.awaits_approval {
        return Err(StoreError::conflict("run", "nobody has approved of it"));
    }
    let jobs = current(tx, run)?;
    let again = dependents_too(&jobs, chosen(tx, run, &jobs, which)?);
    let again: Vec<&Current> = jobs.iter().filter(|job| again.contains(&job.spec.name)).collect();
    check(&again, which).map_err(|why| StoreError::conflict("run", why))?;
    let mut new = BTreeMap::new();
    for old in &again {
        new.insert(&old.spec.name, replace(tx, &view, old, by, now)?);
    }
    tx.prepare_cached("UPDATE run SET finished_at = NULL, outcome = NULL WHERE id = ?1")?
        .execute([text(run)])?;
    // First all needs, then what follows from those that can never be met.
    let mut never = Vec::new();
    for old in &again {
        never.push(needs(tx, old, &jobs, &new)?);
    }
    for (old, why) in again.iter().zip(never) {
        skip_if_unmet(tx, new[&old.spec.name], &old.spec, why, now)?;
    }
    Ok(again.iter().map(|old| new[&old.spec.name]).collect())
}

/// Makes sure that there is something to run once more and that all of it is over.
fn check(again: &[&Current], which: RerunJobs) -> Result<(), String> {
    if again.is_empty() {
        return Err(match which {
            RerunJobs::Failed => "none of its jobs failed".to_owned(),
            RerunJobs::All | RerunJobs::Job(_) => "it has no jobs".to_owned(),
        });
    }
    match again.iter().find(|job| !job.state.is_finished()) {
        Some(open) => {
            Err(format!("its job {} is {}, not finished", open.spec.name, open.state.name()))
        }
        None => Ok(()),
    }
}

/// Makes a new job in the place of an old one.
fn replace(
    tx: &Tx<'_>,
    run: &RunView,
    old: &Current,
    by: &str,
    now: DateTime<Utc>,
) -> Result<JobId, StoreError> {
    let id = new_id();
    // Only then is the old one's place free.
    tx.prepare_cached("UPDATE job SET replaced_by = ?2 WHERE id = ?1")?
        .execute([text(old.id), text(id)])?;
    let Current { position, spec, rerun, .. } = old;
    let job = NewJob { id, position: *position, spec, rerun: rerun + 1, rerun_by: Some(by) };
    insert(tx, run, &job, now)?;
    tx.job_changed(old.id);
    Ok(id)
}

/// The jobs that are asked for.
fn chosen<'a>(
    tx: &Tx<'_>,
    run: RunId,
    jobs: &'a [Current],
    which: RerunJobs,
) -> Result<BTreeSet<&'a JobName>, StoreError> {
    if let RerunJobs::Job(wanted) = which
        && !jobs.iter().any(|job| job.id == wanted)
    {
        return Err(gone(tx, run, wanted)?);
    }
    let chosen = jobs.iter().filter(|job| match which {
        RerunJobs::All => true,
        RerunJobs::Job(wanted) => job.id == wanted,
        RerunJobs::Failed => match job.state.outcome() {
            None | Some(Outcome::Succeeded | Outcome::Skipped { .. }) => false,
            Some(_) => true,
        },
    });
    Ok(chosen.map(|job| &job.spec.name).collect())
}

/// Why a job is none of those of the run that count.
fn gone(tx: &Tx<'_>, run: RunId, job: JobId) -> Result<StoreError, StoreError> {
    let sql = "SELECT replaced_by FROM job WHERE id = ?1 AND run = ?2";
    let replaced: Option<Option<String>> = tx
        .prepare_cached(sql)?
        .query_row(params![text(job), text(run)], |row| row.get(0))
        .optional()?;
    Ok(match replaced {
        Some(Some(by)) => {
            StoreError::conflict("job", format!("it was run once more already, as {by}"))
        }
        Some(None) | None => StoreError::not_found("job", job),
    })
}

/// The chosen jobs and all that need them, directly or through others.
fn dependents_too<'a>(jobs: &'a [Current], chosen: BTreeSet<&'a JobName>) -> BTreeSet<&'a JobName> {
    let mut all = chosen;
    loop {
        let before = all.len();
        for job in jobs {
            if job.spec.needs.iter().any(|need| all.contains(&need.job)) {
                all.insert(&job.spec.name);
            }
        }
        if all.len() == before {
            return all;
        }
    }
}

/// Writes what a new job needs, of the new jobs and of those that stay. Gives the
/// reason if one that stays can never meet it.
fn needs(
    tx: &Tx<'_>,
    old: &Current,
    jobs: &[Current],
    new: &BTreeMap<&JobName, JobId>,
) -> Result<Option<SkipReason>, StoreError> {
    let id = new[&old.spec.name];
    let mut never = None;
    for wanted in &old.spec.needs {
        if let Some(needed) = new.get(&wanted.job) {
            need(tx, id, wanted, *needed, None)?;
            continue;
        }
        let Some(stays) = jobs.iter().find(|job| job.spec.name == wanted.job) else { continue };
        let outcome = stays.state.outcome().map(|outcome| (outcome, stays.spec.continue_on_error));
        need(tx, id, wanted, stays.id, outcome)?;
        let met = |(outcome, allowed)| wanted.outcome.is_met_by(outcome, allowed);
        if never.is_none() && outcome.is_some_and(|outcome| !met(outcome)) {
            never = Some(SkipReason::NeedNotMet { need: wanted.job.clone() });
        }
    }
    Ok(never)
}
