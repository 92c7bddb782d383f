//! What is known when somebody asks why: the facts, without a judgement. Each
//! question is a bounded number of looks, however much there is.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension as _, params};
use solstice_api::user::{Attempt, DeliveryWhy, Host, Job, Run, Step};
use solstice_model::{
    Annotation, ForgeName, Grounds, JobId, JobName, JobSpec, JobState, Label, NeededOutcome,
    RepoName, RunId, SizeName,
};
use url::Url;

use crate::annotation::annotation;
use crate::column::{Columns as _, text};
use crate::error::StoreError;
use crate::host::hosts;
use crate::ledger::runs_of;
use crate::queue;
use crate::sight::Sight;
use crate::store::Store;
use crate::view;

/// The most jobs that are counted before one that waits.
const MAX_AHEAD: u32 = 500;

/// The newest runs of a repository among which jobs of the same name are looked for.
const AMONG_RUNS: i64 = 200;

/// The newest jobs among which those with the same label are looked for.
const AMONG_JOBS: i64 = 500;

/// The most jobs whose time is looked at.
const SAMPLES: i64 = 25;

/// The most deliveries of one answer.
const MAX_DELIVERIES: i64 = 20;

/// The most runs of one commit that are told.
const MAX_RUNS: i64 = 50;

/// A run, and how it came to be.
#[derive(Clone, Debug)]
pub struct Story {
    /// The run.
    pub run: Run,
    /// Where people look at its repository.
    pub html_url: Url,
    /// The branch into which it would be merged, of a pull request or a queue's entry.
    pub base: Option<String>,
    /// What was written down as it was planned; nothing of older versions' runs.
    pub grounds: Grounds,
    /// What told of it, oldest first.
    pub deliveries: Vec<DeliveryWhy>,
}

/// A job, and what it depends on.
#[derive(Clone, Debug)]
pub struct JobFacts {
    /// The job.
    pub job: Job,
    /// What it is to do.
    pub spec: JobSpec,
    /// Its tries, first to last.
    pub attempts: Vec<Attempt>,
    /// The steps of the last try, as many as have begun.
    pub steps: Vec<Step>,
    /// What it needs.
    pub needs: Vec<NeedFact>,
    /// Who wanted it run once more, if it was.
    pub rerun_by: Option<String>,
    /// The first failure that tools told of in its last try.
    pub failure: Option<Annotation>,
    /// Every host, if it waits.
    pub hosts: Vec<Host>,
    /// Those before it, if it could begin and that was asked for.
    pub queue: Option<QueueFacts>,
    /// How long jobs of the same name and file took that succeeded, newest first.
    pub took: Vec<TimeDelta>,
}

impl JobFacts {
    /// Whether a host offers what the job asks for.
    pub fn fits(&self, host: &Host) -> bool {
        let sized = self.job.size.as_ref().is_none_or(|size| host.sizes.contains(size));
        sized && host.labels.contains(&self.job.runs_on)
    }

    /// The hosts that could take the job now but for their room.
    pub fn able(&self) -> impl Iterator<Item = &Host> {
        self.hosts.iter().filter(|host| host.online && !host.draining && self.fits(host))
    }
}

/// The jobs that begin before one that waits, and what is on machines meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueFacts {
    /// How many begin before it, by the order in which hosts get them.
    pub ahead: u32,
    /// Whether there are more than were counted.
    pub more: bool,
    /// How long each job has been at work on the hosts that could take it.
    pub busy: Vec<TimeDelta>,
    /// How long jobs with the same label took.
    pub took: Vec<TimeDelta>,
}

/// A job that another one needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeedFact {
    /// Which.
    pub job: JobId,
    /// Its name.
    pub name: JobName,
    /// How it must have ended.
    pub outcome: NeededOutcome,
    /// Whether it has.
    pub met: bool,
    /// Where it stands.
    pub state: JobState,
}

impl Store {
    /// A job, its run, and what it waits for or came to.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn job_facts(
        &self,
        job: JobId,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<(Story, JobFacts), StoreError> {
        self.read(move |connection| {
            let (job, spec) = connection
                .prepare_cached(&format!("{} WHERE id = ?1", view::JOB))?
                .query_row([text(job)], view::job_row)
                .optional()?
                .ok_or_else(|| StoreError::not_found("job", job))?;
            let story = story(connection, job.run)?;
            let hosts = hosts(connection, None, now, lease)?;
            let mut facts = facts(connection, job, spec, &hosts)?;
            if let Some(last) = facts.attempts.last() {
                facts.steps = view::steps(connection, last, &facts.spec)?;
                facts.failure = first_failure(connection, last)?;
            }
            if waits_for_a_host(connection, &facts.job)? {
                facts.queue = Some(queue(connection, &facts, now)?);
            }
            facts.took = took_before(connection, &facts.job)?;
            Ok((story, facts))
        })
        .await
    }

    /// A run and its jobs, without what is before them in the queue and without
    /// their steps.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`].
    pub async fn run_facts(
        &self,
        run: RunId,
        now: DateTime<Utc>,
        lease: Duration,
    ) -> Result<(Story, Vec<JobFacts>), StoreError> {
        self.read(move |connection| {
            let story = story(connection, run)?;
            let hosts = hosts(connection, None, now, lease)?;
            let sql =
                format!("{} WHERE run = ?1 AND replaced_by IS NULL ORDER BY position", view::JOB);
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map([text(run)], view::job_row)?;
            let jobs = rows.map(|row| {
                let (job, spec) = row?;
                facts(connection, job, spec, &hosts)
            });
            Ok((story, jobs.collect::<Result<_, _>>()?))
        })
        .await
    }

    /// What came of a commit whose id begins so: runs, and what deliveries told of
    /// it, both newest first.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn commit_facts(
        &self,
        sight: Sight,
        forge: Option<ForgeName>,
        repository: RepoName,
        commit: String,
    ) -> Result<(Vec<Run>, Vec<DeliveryWhy>), StoreError> {
        self.read(move |connection| {
            // `g` comes after every hexadecimal digit.
            let key = params![
                forge.map(text),
                repository.as_str(),
                commit,
                format!("{commit}g"),
                sight.parameter(),
                MAX_RUNS
            ];
            let sql = format!(
                "{} WHERE (?1 IS NULL OR repository.forge = ?1) AND repository.name = ?2 \
                 AND commit_sha >= ?3 AND commit_sha < ?4 AND {} ORDER BY run.id DESC LIMIT ?6",
                view::RUN,
                Sight::condition("?5"),
            );
            let runs = view::runs(connection, &sql, key)?;
            let sql = format!(
                "SELECT {DELIVERY} FROM delivery WHERE (?1 IS NULL OR forge = ?1) \
                 AND delivery.repository = ?2 AND commit_sha >= ?3 AND commit_sha < ?4 \
                 AND (?5 IS NULL OR EXISTS (SELECT 1 FROM repository \
                 WHERE repository.forge = delivery.forge \
                 AND repository.name = delivery.repository AND {})) \
                 ORDER BY id DESC LIMIT ?6",
                Sight::condition("?5"),
            );
            Ok((runs, deliveries(connection, &sql, key)?))
        })
        .await
    }
}

const DELIVERY: &str = "delivery.id, delivery.forge, event, received_at, verdict, reason";

fn deliveries(
    connection: &Connection,
    sql: &str,
    key: impl rusqlite::Params,
) -> Result<Vec<DeliveryWhy>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(key, |row| {
        Ok(DeliveryWhy {
            id: row.word(0)?,
            forge: row.word(1)?,
            event: row.get(2)?,
            received_at: row.time(3)?,
            verdict: row.get(4)?,
            reason: row.get(5)?,
            runs: Vec::new(),
        })
    })?;
    let mut found: Vec<DeliveryWhy> = rows.collect::<Result<_, _>>()?;
    let mut runs = runs_of(connection, found.iter().map(|delivery| delivery.id).collect())?;
    for delivery in &mut found {
        delivery.runs = runs.remove(&delivery.id).unwrap_or_default();
    }
    Ok(found)
}

fn story(connection: &Connection, run: RunId) -> Result<Story, StoreError> {
    let mut told = view::run_row(connection, run)?;
    view::set_statuses(connection, std::slice::from_mut(&mut told))?;
    let sql = "SELECT html_url, base, grounds FROM run \
               JOIN repository ON repository.id = run.repository WHERE run.id = ?1";
    let (html_url, base, grounds): (Url, Option<String>, Option<Grounds>) = connection
        .prepare_cached(sql)?
        .query_row([text(run)], |row| Ok((row.word(0)?, row.get(1)?, row.maybe_data(2)?)))?;
    let sql = format!(
        "SELECT {DELIVERY} FROM delivery_run JOIN delivery ON delivery.id = delivery_run.delivery \
         WHERE delivery_run.run = ?1 ORDER BY delivery.id LIMIT ?2"
    );
    let deliveries = deliveries(connection, &sql, params![text(run), MAX_DELIVERIES])?;
    Ok(Story { run: told, html_url, base, grounds: grounds.unwrap_or_default(), deliveries })
}

/// What is known of a job at little cost.
fn facts(
    connection: &Connection,
    job: Job,
    spec: JobSpec,
    hosts: &[Host],
) -> Result<JobFacts, StoreError> {
    let sql = "SELECT rerun_by FROM job WHERE id = ?1";
    let rerun_by = connection.prepare_cached(sql)?.query_row([text(job.id)], |row| row.get(0))?;
    let waits = job.state == JobState::Queued;
    Ok(JobFacts {
        attempts: view::attempts(connection, job.id)?,
        needs: needs(connection, job.id)?,
        hosts: if waits { hosts.to_vec() } else { Vec::new() },
        rerun_by,
        steps: Vec::new(),
        failure: None,
        queue: None,
        took: Vec::new(),
        job,
        spec,
    })
}

fn needs(connection: &Connection, job: JobId) -> Result<Vec<NeedFact>, StoreError> {
    let sql = "SELECT job.id, job.name, need.outcome, need.met, job.data FROM need \
               JOIN job ON job.id = need.needs WHERE need.job = ?1 ORDER BY job.position";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([text(job)], |row| {
        Ok(NeedFact {
            job: row.word(0)?,
            name: row.word(1)?,
            outcome: row.kind(2)?,
            met: row.get(3)?,
            state: row.data(4)?,
        })
    })?;
    rows.map(|row| Ok(row?)).collect()
}

fn first_failure(
    connection: &Connection,
    attempt: &Attempt,
) -> Result<Option<Annotation>, StoreError> {
    let sql = "SELECT path, line, end_line, \"column\", level, title, message FROM annotation \
               WHERE attempt = ?1 AND level = 'failure' ORDER BY position LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let row = statement.query_row([text(attempt.id)], annotation);
    Ok(row.optional()?)
}

/// Whether nothing but a host keeps a job from beginning.
fn waits_for_a_host(connection: &Connection, job: &Job) -> Result<bool, StoreError> {
    let sql = "SELECT state = 'queued' AND open_needs = 0 FROM job WHERE id = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([text(job.id)], |row| row.get(0))?)
}

/// Lets the queue go by until it is the job's turn.
fn queue(
    connection: &Connection,
    facts: &JobFacts,
    now: DateTime<Utc>,
) -> Result<QueueFacts, StoreError> {
    let able: Vec<&Host> = facts.able().collect();
    let labels: BTreeSet<&Label> = able.iter().flat_map(|host| &host.labels).collect();
    let sizes: BTreeSet<&SizeName> = able.iter().flat_map(|host| &host.sizes).collect();
    let (ahead, more) = match able.is_empty() {
        true => (0, true),
        false => queue::before(connection, &labels, &sizes, facts.job.id, MAX_AHEAD)?,
    };
    let sql = "SELECT claimed_at FROM attempt WHERE host = ?1 AND ended_at IS NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let mut busy = Vec::new();
    for host in able {
        let rows = statement.query_map([host.name.as_str()], |row| row.time(0))?;
        for row in rows {
            busy.push(now - row?);
        }
    }
    let took = took_with_label(connection, &facts.job)?;
    Ok(QueueFacts { ahead, more, busy, took })
}

/// How long jobs took from claim to end that are the same job of the same file.
fn took_before(connection: &Connection, job: &Job) -> Result<Vec<TimeDelta>, StoreError> {
    let sql = "SELECT job.claimed_at, job.finished_at FROM (SELECT run.id FROM run \
               JOIN run AS this ON this.id = ?1 WHERE run.repository = this.repository \
               AND run.file = this.file ORDER BY run.id DESC LIMIT ?3) AS recent \
               JOIN job ON job.run = recent.id \
               WHERE job.name = ?2 AND job.state = 'finished' AND job.claimed_at IS NOT NULL \
               AND json_extract(job.data, '$.outcome.outcome') = 'succeeded' \
               ORDER BY recent.id DESC LIMIT ?4";
    times(connection, sql, params![text(job.run), job.name.as_str(), AMONG_RUNS, SAMPLES])
}

/// How long jobs with the same label took.
fn took_with_label(connection: &Connection, job: &Job) -> Result<Vec<TimeDelta>, StoreError> {
    let sql = "SELECT claimed_at, finished_at FROM (SELECT claimed_at, finished_at, runs_on \
               FROM job ORDER BY id DESC LIMIT ?2) \
               WHERE runs_on = ?1 AND claimed_at IS NOT NULL AND finished_at IS NOT NULL LIMIT ?3";
    times(connection, sql, params![job.runs_on.as_str(), AMONG_JOBS, SAMPLES])
}

fn times(
    connection: &Connection,
    sql: &str,
    key: impl rusqlite::Params,
) -> Result<Vec<TimeDelta>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map(key, |row| Ok(row.time(1)? - row.time(0)?))?;
    rows.map(|row| Ok(row?)).collect()
}
