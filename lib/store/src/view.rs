//! What people look at: runs, jobs, the event log, counts.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use solstice_api::user::{Approval, Attempt, Job, JobDetail, Run, RunDetail, RunStatus, Step};
use solstice_model::{
    CommitSha, ForgeName, GitRef, JobEvent, JobId, JobSpec, JobState, RepoName, RunId,
};

use crate::column::{Columns as _, limit, text};
use crate::describe::PullRequestView;
use crate::error::StoreError;
use crate::sight::Sight;
use crate::status::run_status;
use crate::store::Store;

/// The most rows of any page.
pub const MAX_PAGE: usize = 500;

/// An entry of the event log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Its place in the log of all jobs.
    pub seq: i64,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// What happened.
    pub event: JobEvent,
}

/// How much there is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Jobs that wait.
    pub queued: u64,
    /// Jobs that a host works on.
    pub running: u64,
    /// Wishes that the forges do not show yet.
    pub unreported: u64,
    /// Deliveries without a verdict.
    pub waiting: u64,
}

/// Which runs are asked for; all that are in sight unless it says more.
#[derive(Clone, Debug, Default)]
pub struct RunQuery {
    /// Of what somebody may see.
    pub sight: Sight,
    /// Of this repository.
    pub repository: Option<(ForgeName, RepoName)>,
    /// Of this ref, in full.
    pub git_ref: Option<GitRef>,
    /// Of the workflow file at this path.
    pub file: Option<String>,
    /// Of this commit.
    pub commit: Option<CommitSha>,
    /// Of the pull request with this number.
    pub pull_request: Option<u64>,
}

impl Store {
    /// The runs that are asked for, newest first, those before `before` if it is
    /// given.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn runs(
        &self,
        which: RunQuery,
        before: Option<RunId>,
        at_most: usize,
    ) -> Result<Vec<Run>, StoreError> {
        self.read(move |connection| {
            let sql = format!(
                "{RUN} WHERE (?1 IS NULL OR run.id < ?1) AND {} \
                 AND (?3 IS NULL OR (repository.forge = ?3 AND repository.name = ?4)) \
                 AND (?5 IS NULL OR git_ref = ?5) AND (?6 IS NULL OR file = ?6) \
                 AND (?7 IS NULL OR commit_sha = ?7) AND (?8 IS NULL OR pull_request = ?8) \
                 ORDER BY run.id DESC LIMIT ?9",
                Sight::condition("?2"),
            );
            let mut statement = connection.prepare_cached(&sql)?;
            let (forge, name) = which.repository.unzip();
            let page = params![
                before.map(text),
                which.sight.parameter(),
                forge.map(text),
                name.map(text),
                which.git_ref.map(text),
                which.file,
                which.commit.map(text),
                which.pull_request,
                limit(at_most, MAX_PAGE),
            ];
            let rows = statement.query_map(page, run_without_status)?;
            let mut runs: Vec<Run> = rows.collect::<Result<_, _>>()?;
            for run in &mut runs {
                run.status = status(connection, run)?;
            }
            Ok(runs)
        })
        .await
    }

    /// A run with its jobs; of those that were run once more the last.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn run(&self, run: RunId) -> Result<RunDetail, StoreError> {
        self.read(move |connection| {
            let mut run = run_row(connection, run)?;
            let jobs = jobs(connection, run.id)?;
            let states = jobs.iter().map(|job| (&job.state, job.continue_on_error));
            run.status = run_status(run.problem.is_some(), awaits_approval(&run), states);
            Ok(RunDetail { run, jobs })
        })
        .await
    }

    /// A job with its run, its tries and the steps of the last one.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn job(&self, job: JobId) -> Result<JobDetail, StoreError> {
        self.read(move |connection| {
            let (job, spec) = connection
                .prepare_cached(&format!("{JOB} WHERE id = ?1"))?
                .query_row([text(job)], job_row)
                .optional()?
                .ok_or_else(|| StoreError::not_found("job", job))?;
            let mut run = run_row(connection, job.run)?;
            run.status = status(connection, &run)?;
            let attempts = attempts(connection, job.id)?;
            let steps = match attempts.last() {
                Some(last) => steps(connection, last, &spec)?,
                None => Vec::new(),
            };
            Ok(JobDetail { job, run, spec, attempts, steps })
        })
        .await
    }

    /// Where a job stands.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn job_state(&self, job: JobId) -> Result<JobState, StoreError> {
        self.read(move |connection| {
            connection
                .prepare_cached("SELECT data FROM job WHERE id = ?1")?
                .query_row([text(job)], |row| row.data(0))
                .optional()?
                .ok_or_else(|| StoreError::not_found("job", job))
        })
        .await
    }

    /// What happened to a job, in order, after entry `after` (0: from the start).
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn events(
        &self,
        job: JobId,
        after: i64,
        at_most: usize,
    ) -> Result<Vec<LoggedEvent>, StoreError> {
        self.read(move |connection| {
            let sql = "SELECT seq, at, event FROM event WHERE job = ?1 AND seq > ?2 \
                       ORDER BY seq LIMIT ?3";
            let mut statement = connection.prepare_cached(sql)?;
            let page = params![text(job), after, limit(at_most, MAX_PAGE)];
            let rows = statement.query_map(page, |row| {
                Ok(LoggedEvent { seq: row.get(0)?, at: row.time(1)?, event: row.data(2)? })
            })?;
            rows.map(|row| Ok(row?)).collect()
        })
        .await
    }

    /// How much there is to do.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn counts(&self) -> Result<Counts, StoreError> {
        self.read(counts).await
    }
}

pub(crate) fn counts(connection: &Connection) -> Result<Counts, StoreError> {
    let sql = "SELECT \
         (SELECT count(*) FROM job WHERE state = 'queued'), \
         (SELECT count(*) FROM job WHERE state IN ('claimed', 'starting', 'running') \
          AND state <> 'finished'), \
         (SELECT count(*) FROM report WHERE desired_version > sent_version \
          AND desired_version > dropped_version), \
         (SELECT count(*) FROM delivery WHERE verdict = 'waiting')";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| {
        Ok(Counts {
            queued: row.get(0)?,
            running: row.get(1)?,
            unreported: row.get(2)?,
            waiting: row.get(3)?,
        })
    })?)
}

const RUN: &str = "SELECT run.id, repository.forge, repository.name, commit_sha, git_ref, title, \
                   actor, file, workflow, problem, created_at, finished_at, event, pull_request, \
                   base, outside, author, approval IS NOT NULL, approved_by, approved_at \
                   FROM run JOIN repository ON repository.id = run.repository";

const JOB: &str = "SELECT id, run, name, runs_on, data, queued_at, claimed_at, started_at, \
                   finished_at, spec, rerun, replaced_by, \
                   (SELECT annotation_counts FROM attempt WHERE attempt.job = job.id \
                    ORDER BY number DESC LIMIT 1) FROM job";

/// The run itself; its status is its jobs' to say.
fn run_without_status(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        id: row.word(0)?,
        forge: row.word(1)?,
        repository: row.word(2)?,
        commit: row.word(3)?,
        event: row.kind(12)?,
        pull_request: row.get(13)?,
        git_ref: row.word(4)?,
        title: row.get(5)?,
        actor: row.get(6)?,
        file: row.get(7)?,
        workflow: row.get(8)?,
        problem: row.get(9)?,
        status: RunStatus::Queued,
        created_at: row.time(10)?,
        finished_at: row.maybe_time(11)?,
        approval: approval(row)?,
    })
}

/// The approval that a run needs or has, if so.
fn approval(row: &Row<'_>) -> rusqlite::Result<Option<Approval>> {
    if !row.get(17)? {
        return Ok(None);
    }
    let pull_request = match row.get(13)? {
        None => None,
        Some(number) => {
            let (base, outside, author) = (row.get(14)?, row.get(15)?, row.get(16)?);
            Some(PullRequestView { number, base, outside, author })
        }
    };
    let why = PullRequestView::approval_reason(pull_request.as_ref());
    Ok(Some(Approval { why, by: row.get(18)?, at: row.maybe_time(19)? }))
}

fn awaits_approval(run: &Run) -> bool {
    run.approval.as_ref().is_some_and(|approval| approval.by.is_none())
}

fn run_row(connection: &Connection, run: RunId) -> Result<Run, StoreError> {
    connection
        .prepare_cached(&format!("{RUN} WHERE run.id = ?1"))?
        .query_row([text(run)], run_without_status)
        .optional()?
        .ok_or_else(|| StoreError::not_found("run", run))
}

fn status(connection: &Connection, run: &Run) -> Result<RunStatus, StoreError> {
    let sql = "SELECT data, coalesce(json_extract(spec, '$.continue_on_error'), 0) FROM job \
               WHERE run = ?1 AND replaced_by IS NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([text(run.id)], |row| Ok((row.data(0)?, row.get(1)?)))?;
    let states: Vec<(JobState, bool)> = rows.collect::<Result<_, _>>()?;
    let states = states.iter().map(|(state, allowed)| (state, *allowed));
    Ok(run_status(run.problem.is_some(), awaits_approval(run), states))
}

fn jobs(connection: &Connection, run: RunId) -> Result<Vec<Job>, StoreError> {
    let sql = format!("{JOB} WHERE run = ?1 AND replaced_by IS NULL ORDER BY position");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([text(run)], job_row)?;
    rows.map(|row| Ok(row?.0)).collect()
}

fn job_row(row: &Row<'_>) -> rusqlite::Result<(Job, JobSpec)> {
    let spec: JobSpec = row.data(9)?;
    let job = Job {
        id: row.word(0)?,
        run: row.word(1)?,
        name: row.word(2)?,
        runs_on: row.word(3)?,
        size: spec.size.clone(),
        matrix: spec.matrix.clone(),
        needs: spec.needs.clone(),
        continue_on_error: spec.continue_on_error,
        priority: spec.priority,
        rerun: row.get(10)?,
        replaced_by: row.maybe_word(11)?,
        state: row.data(4)?,
        queued_at: row.time(5)?,
        claimed_at: row.maybe_time(6)?,
        started_at: row.maybe_time(7)?,
        finished_at: row.maybe_time(8)?,
        annotations: row.maybe_data(12)?.unwrap_or_default(),
    };
    Ok((job, spec))
}

fn attempts(connection: &Connection, job: JobId) -> Result<Vec<Attempt>, StoreError> {
    let sql = "SELECT id, number, host, claimed_at, ended_at, lost, phases, verdict FROM attempt \
               WHERE job = ?1 ORDER BY number";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([text(job)], |row| {
        Ok(Attempt {
            id: row.word(0)?,
            number: row.get(1)?,
            host: row.word(2)?,
            claimed_at: row.time(3)?,
            ended_at: row.maybe_time(4)?,
            lost: row.get(5)?,
            verdict: row.maybe_data(7)?,
            phases: row.data(6)?,
        })
    })?;
    rows.map(|row| Ok(row?)).collect()
}

fn steps(
    connection: &Connection,
    attempt: &Attempt,
    spec: &JobSpec,
) -> Result<Vec<Step>, StoreError> {
    let sql = "SELECT position, started_at, finished_at, exit, tries FROM step \
               WHERE attempt = ?1 ORDER BY position";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([text(attempt.id)], |row| {
        let index: u32 = row.get(0)?;
        let named = usize::try_from(index).ok().and_then(|index| spec.steps.get(index));
        Ok(Step {
            index,
            name: named.map(|step| step.name.clone()).unwrap_or_default(),
            started_at: row.time(1)?,
            finished_at: row.maybe_time(2)?,
            exit: row.maybe_data(3)?,
            tries: row.get(4)?,
        })
    })?;
    rows.map(|row| Ok(row?)).collect()
}
