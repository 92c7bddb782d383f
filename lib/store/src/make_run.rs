//! Making runs: the workflow files of a commit become runs, jobs, needs and wishes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, params};
use solstice_forge::{Event, Push, Repository};
use solstice_model::{ForgeName, JobId, JobName, JobSpec, JobState, RunId, id::new_id};

use crate::column::{Columns as _, json, millis, text};
use crate::describe::{JobView, RunView};
use crate::error::StoreError;
use crate::report;
use crate::writer::Tx;

/// The most jobs of one run that are taken.
const MAX_JOBS: usize = 1024;

/// One workflow file at a commit, read.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// Its path in the repository.
    pub file: String,
    /// The workflow's name; the path if it has none or could not be read.
    pub workflow: String,
    /// How the contexts of its checks begin; differs between the files of a commit.
    pub context: String,
    /// Its jobs, in order, or the diagnostics for which there are none.
    pub jobs: Result<Vec<JobSpec>, String>,
}

/// A run that a delivery led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunMade {
    /// The run.
    pub run: RunId,
    /// Whether it was made now; otherwise it had been there before.
    pub new: bool,
}

/// Where runs come from.
struct Origin<'a> {
    forge: &'a ForgeName,
    /// The repository's row.
    repository: i64,
    /// The kind of event: runs of another kind are other runs.
    kind: &'static str,
    push: &'a Push,
}

/// Makes the runs that are not there yet.
pub(crate) fn make(
    tx: &Tx<'_>,
    forge: &ForgeName,
    event: &Event,
    runs: Vec<NewRun>,
    now: DateTime<Utc>,
) -> Result<Vec<RunMade>, StoreError> {
    let (kind, push) = match event {
        Event::Push(push) => ("push", push),
    };
    let repository = note_repository(tx, forge, &push.repository)?;
    let origin = Origin { forge, repository, kind, push };
    runs.into_iter().map(|new| make_one(tx, &origin, new, now)).collect()
}

/// Writes what the forge says now of the repository; gives its row.
fn note_repository(
    tx: &Tx<'_>,
    forge: &ForgeName,
    repository: &Repository,
) -> Result<i64, StoreError> {
    Ok(tx
        .prepare_cached(
            "INSERT INTO repository (forge, name, clone_url, html_url, private) \
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (forge, name) DO UPDATE SET \
             clone_url = excluded.clone_url, html_url = excluded.html_url, \
             private = excluded.private RETURNING id",
        )?
        .query_row(
            params![
                forge.as_str(),
                repository.name.as_str(),
                repository.clone_url.as_str(),
                repository.html_url.as_str(),
                repository.private
            ],
            |row| row.get(0),
        )?)
}

fn make_one(
    tx: &Tx<'_>,
    origin: &Origin<'_>,
    new: NewRun,
    now: DateTime<Utc>,
) -> Result<RunMade, StoreError> {
    if let Some(run) = known(tx, origin, &new.file)? {
        return Ok(RunMade { run, new: false });
    }
    let NewRun { file, workflow, context, jobs } = new;
    let view = RunView {
        id: new_id(),
        forge: origin.forge.clone(),
        push: origin.push.clone(),
        file,
        workflow,
        context,
    };
    insert_run(tx, origin, &view, jobs.as_ref().err(), now)?;
    match jobs {
        Ok(jobs) => insert_jobs(tx, &view, &jobs, now)?,
        Err(problem) => {
            let wish = tx.describe.broken_run(&view, &problem);
            report::wish(tx, view.id, None, &wish, now)?;
        }
    }
    tx.changed();
    Ok(RunMade { run: view.id, new: true })
}

fn known(tx: &Tx<'_>, origin: &Origin<'_>, file: &str) -> Result<Option<RunId>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT id FROM run WHERE repository = ?1 AND git_ref = ?2 AND commit_sha = ?3 \
         AND event = ?4 AND file = ?5",
    )?;
    let Push { git_ref, commit, .. } = origin.push;
    let key = params![origin.repository, git_ref.as_str(), commit.as_str(), origin.kind, file];
    Ok(statement.query_row(key, |row| row.word(0)).optional()?)
}

fn insert_run(
    tx: &Tx<'_>,
    origin: &Origin<'_>,
    run: &RunView,
    problem: Option<&String>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    // A run without jobs is over as it begins.
    let finished_at = problem.map(|_| millis(now));
    tx.prepare_cached(
        "INSERT INTO run (id, repository, event, git_ref, commit_sha, title, actor, file, \
         workflow, context, problem, created_at, finished_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        text(run.id),
        origin.repository,
        origin.kind,
        run.push.git_ref.as_str(),
        run.push.commit.as_str(),
        run.push.title,
        run.push.actor,
        run.file,
        run.workflow,
        run.context,
        problem,
        millis(now),
        finished_at
    ])?;
    Ok(())
}

fn insert_jobs(
    tx: &Tx<'_>,
    run: &RunView,
    specs: &[JobSpec],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    check(specs).map_err(|why| StoreError::conflict("workflow", why))?;
    let mut ids: BTreeMap<&JobName, JobId> = BTreeMap::new();
    for (position, spec) in (0_i64..).zip(specs) {
        let id = new_id();
        insert_job(tx, run, id, position, spec, now)?;
        ids.insert(&spec.name, id);
    }
    for spec in specs {
        for need in &spec.needs {
            tx.prepare_cached("INSERT OR IGNORE INTO need (job, needs) VALUES (?1, ?2)")?
                .execute([text(ids[&spec.name]), text(ids[need])])?;
        }
    }
    Ok(())
}

fn insert_job(
    tx: &Tx<'_>,
    run: &RunView,
    id: JobId,
    position: i64,
    spec: &JobSpec,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let state = JobState::Queued;
    tx.prepare_cached(
        "INSERT INTO job (id, run, position, name, runs_on, spec, state, data, queued_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        text(id),
        text(run.id),
        position,
        spec.name.as_str(),
        spec.runs_on.as_str(),
        json(spec),
        state.name(),
        json(&state),
        millis(now)
    ])?;
    let wish = tx.describe.job(run, &JobView { id, spec, state: &state, attempts: 0 });
    report::wish(tx, run.id, Some(id), &wish, now)?;
    tx.job_changed(id);
    Ok(())
}

/// Makes sure that every job can come to an end: names are unique, needs exist
/// and do not go in a circle.
fn check(specs: &[JobSpec]) -> Result<(), String> {
    if specs.is_empty() || specs.len() > MAX_JOBS {
        return Err(format!("it has {} jobs; 1 to {MAX_JOBS} are allowed", specs.len()));
    }
    let mut open: BTreeMap<&JobName, &[JobName]> = BTreeMap::new();
    for spec in specs {
        if open.insert(&spec.name, &spec.needs).is_some() {
            return Err(format!("two of its jobs are named {}", spec.name));
        }
    }
    if let Some(need) =
        specs.iter().flat_map(|spec| &spec.needs).find(|need| !open.contains_key(need))
    {
        return Err(format!("a job needs {need}, which is not there"));
    }
    while !open.is_empty() {
        let before = open.len();
        let free: Vec<&JobName> = open
            .iter()
            .filter(|(_, needs)| needs.iter().all(|need| !open.contains_key(need)))
            .map(|(name, _)| *name)
            .collect();
        for name in free {
            open.remove(name);
        }
        if open.len() == before {
            return Err("the needs of its jobs go in a circle".to_owned());
        }
    }
    Ok(())
}
