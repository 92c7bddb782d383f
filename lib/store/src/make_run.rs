//! Making runs: the workflow files of a commit become runs, jobs, needs and wishes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension as _, params};
use solstice_forge::{Event, MergeGroup, PullRequest, Push, Repository};
use solstice_model::{
    EventKind, ForgeName, Grounds, JobEvent, JobId, JobName, JobSpec, Need, RunId, SkipReason,
    id::new_id,
};

use crate::column::{Columns as _, json, millis, text};
use crate::describe::{PullRequestView, RunView};
use crate::error::StoreError;
use crate::new_job::{NewJob, insert, need, skip_unmet};
use crate::report;
use crate::transition::end_all;
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
    /// What keeps its jobs from running.
    pub hold: Hold,
    /// Why it is made, and where its file says what.
    pub grounds: Grounds,
}

/// What keeps the jobs of a run from running.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Hold {
    /// Nothing.
    #[default]
    None,
    /// Nobody has approved of them yet (invariant I10).
    Approval,
    /// They are not to run at all: each is skipped, so that a check that is
    /// required does not keep the change from being merged for ever.
    Skip(SkipReason),
}

/// The runs of an event.
#[derive(Clone, Debug)]
pub struct NewRuns {
    /// One per workflow file.
    pub runs: Vec<NewRun>,
    /// Whether they end what older commits of the same pull request run.
    pub supersede: bool,
}

impl From<Vec<NewRun>> for NewRuns {
    /// These, which supersede.
    fn from(runs: Vec<NewRun>) -> Self {
        Self { runs, supersede: true }
    }
}

/// A run that an event or somebody's wish led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunMade {
    /// The run.
    pub run: RunId,
    /// Whether it was made now; otherwise it had been there before.
    pub new: bool,
}

/// Where runs come from.
pub(crate) struct Origin<'a> {
    pub(crate) forge: &'a ForgeName,
    /// Runs of another kind are other runs.
    pub(crate) event: EventKind,
    pub(crate) pull_request: Option<PullRequestView>,
    /// The branch that it is for, of a pull request or a merge queue's entry.
    pub(crate) base: Option<&'a String>,
    pub(crate) push: &'a Push,
}

impl<'a> Origin<'a> {
    /// What an event of a forge starts runs of, if it does.
    pub(crate) fn of(forge: &'a ForgeName, event: &'a Event) -> Option<Self> {
        match event {
            Event::Push(push) => {
                Some(Self { forge, event: EventKind::Push, pull_request: None, base: None, push })
            }
            Event::PullRequest(PullRequest { number, base, outside, author, head, .. }) => {
                let pull_request = PullRequestView {
                    number: *number,
                    base: base.clone(),
                    outside: *outside,
                    author: Some(author.clone()),
                };
                Some(Self {
                    forge,
                    event: EventKind::PullRequest,
                    pull_request: Some(pull_request),
                    base: Some(base),
                    push: head,
                })
            }
            // The base is where it would be merged, as a pull request's.
            Event::MergeGroup(MergeGroup { base, head }) => Some(Self {
                forge,
                event: EventKind::MergeGroup,
                pull_request: None,
                base: Some(base),
                push: head,
            }),
            Event::PullRequestClosed { .. } | Event::RefDeleted { .. } | Event::CheckRequest(_) => {
                None
            }
        }
    }
}

/// Makes the runs that are not there yet.
pub(crate) fn make(
    tx: &Tx<'_>,
    origin: &Origin<'_>,
    runs: Vec<NewRun>,
    now: DateTime<Utc>,
) -> Result<Vec<RunMade>, StoreError> {
    let repository = note_repository(tx, origin.forge, &origin.push.repository)?;
    runs.into_iter().map(|new| make_one(tx, origin, repository, new, now)).collect()
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
    repository: i64,
    new: NewRun,
    now: DateTime<Utc>,
) -> Result<RunMade, StoreError> {
    if let Some(run) = known(tx, origin, repository, &new.file)? {
        return Ok(RunMade { run, new: false });
    }
    let NewRun { file, workflow, context, jobs, hold, grounds } = new;
    let view = RunView {
        id: new_id(),
        forge: origin.forge.clone(),
        event: origin.event,
        pull_request: origin.pull_request.clone(),
        push: origin.push.clone(),
        file,
        workflow,
        context,
        // Where there are no jobs, there is nothing to approve of.
        awaits_approval: hold == Hold::Approval && jobs.is_ok(),
    };
    insert_run(tx, &view, origin.base, repository, jobs.as_ref().err(), now)?;
    note_grounds(tx, view.id, &grounds)?;
    match jobs {
        Ok(jobs) => insert_jobs(tx, &view, &jobs, &hold, now)?,
        Err(problem) => {
            let wish = tx.describe.broken_run(&view, &problem);
            report::claim(tx, view.id, None, &wish, now)?;
        }
    }
    tx.changed();
    Ok(RunMade { run: view.id, new: true })
}

/// The run that the same event made before, unless it was withdrawn.
fn known(
    tx: &Tx<'_>,
    origin: &Origin<'_>,
    repository: i64,
    file: &str,
) -> Result<Option<RunId>, StoreError> {
    if origin.event == EventKind::Manual {
        return Ok(None);
    }
    let mut statement = tx.prepare_cached(
        "SELECT id FROM run WHERE repository = ?1 AND git_ref = ?2 AND commit_sha = ?3 \
         AND event = ?4 AND file = ?5 AND event <> 'manual' AND withdrawn_at IS NULL",
    )?;
    let Push { git_ref, commit, .. } = origin.push;
    let key = params![repository, git_ref.as_str(), commit.as_str(), origin.event.name(), file];
    Ok(statement.query_row(key, |row| row.word(0)).optional()?)
}

fn insert_run(
    tx: &Tx<'_>,
    run: &RunView,
    base: Option<&String>,
    repository: i64,
    problem: Option<&String>,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    // A run without jobs is over as it begins.
    let finished_at = problem.map(|_| millis(now));
    let pull_request = run.pull_request.as_ref();
    tx.prepare_cached(
        "INSERT INTO run (id, repository, event, pull_request, base, outside, author, \
         git_ref, commit_sha, title, actor, file, workflow, context, problem, created_at, \
         finished_at, outcome, approval) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, \
         ?12, ?13, ?14, ?15, ?16, ?17, iif(?17 IS NULL, NULL, 'failed'), \
         iif(?18, 'waiting', NULL))",
    )?
    .execute(params![
        text(run.id),
        repository,
        run.event.name(),
        pull_request.map(|pull| pull.number),
        base,
        pull_request.is_some_and(|pull| pull.outside),
        pull_request.and_then(|pull| pull.author.as_ref()),
        run.push.git_ref.as_str(),
        run.push.commit.as_str(),
        run.push.title,
        run.push.actor,
        run.file,
        run.workflow,
        run.context,
        problem,
        millis(now),
        finished_at,
        run.awaits_approval
    ])?;
    Ok(())
}

/// Writes why a run was made.
fn note_grounds(tx: &Tx<'_>, run: RunId, grounds: &Grounds) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE run SET grounds = ?2 WHERE id = ?1")?
        .execute([text(run), json(grounds)])?;
    Ok(())
}

fn insert_jobs(
    tx: &Tx<'_>,
    run: &RunView,
    specs: &[JobSpec],
    hold: &Hold,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    check(specs).map_err(|why| StoreError::conflict("workflow", why))?;
    let mut ids: BTreeMap<&JobName, JobId> = BTreeMap::new();
    for (position, spec) in (0..).zip(specs) {
        let id = new_id();
        insert(tx, run, &NewJob { id, position, spec, rerun: 0, rerun_by: None }, now)?;
        ids.insert(&spec.name, id);
    }
    for spec in specs {
        for wanted in &spec.needs {
            need(tx, ids[&spec.name], wanted, ids[&wanted.job], None)?;
        }
    }
    match hold {
        Hold::None => skip_unmet(tx, specs.iter().map(|spec| (ids[&spec.name], spec)), now),
        // Not even that a stranger's job is not to run shows before somebody has looked.
        Hold::Approval => Ok(()),
        Hold::Skip(why) => {
            let all = specs.iter().map(|spec| ids[&spec.name]).collect();
            end_all(tx, all, &JobEvent::Skip { why: why.clone() }, now).map(drop)
        }
    }
}

/// Makes sure that every job can come to an end: names are unique, needs exist
/// and do not go in a circle.
fn check(specs: &[JobSpec]) -> Result<(), String> {
    if specs.is_empty() || specs.len() > MAX_JOBS {
        return Err(format!("it has {} jobs; 1 to {MAX_JOBS} are allowed", specs.len()));
    }
    let mut open: BTreeMap<&JobName, &[Need]> = BTreeMap::new();
    for spec in specs {
        if open.insert(&spec.name, &spec.needs).is_some() {
            return Err(format!("two of its jobs are named {}", spec.name));
        }
    }
    let mut needs = specs.iter().flat_map(|spec| &spec.needs);
    if let Some(need) = needs.find(|need| !open.contains_key(&need.job)) {
        return Err(format!("a job needs {}, which is not there", need.job));
    }
    while !open.is_empty() {
        let before = open.len();
        let free: Vec<&JobName> = open
            .iter()
            .filter(|(_, needs)| needs.iter().all(|need| !open.contains_key(&need.job)))
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
