//! Buttons of checks: what somebody wants of the checks of a commit, done together with
//! the verdict of the delivery that told of it.
//!
//! Whether they may is the caller's to ask before. A button that is pressed twice
//! does nothing the second time, and says why.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension as _, params};
use solstice_api::user::{AuditAction, AuditVia};
use solstice_forge::{CheckAction, CheckRequest};
use solstice_model::{CommitSha, DeliveryId, ForgeName, JobId, JobName, RunId};

use crate::approve::approve;
use crate::audit::{Actor, note};
use crate::column::{Columns as _, text};
use crate::error::StoreError;
use crate::rerun::{RerunJobs, rerun};
use crate::store::Store;
use crate::transition::cancel_all;
use crate::verdict::{finish, must_wait};
use crate::withdraw::cancel_whole;
use crate::writer::Tx;

/// The most runs that one request is about.
const MAX_RUNS: i64 = 100;

/// What became of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Obeyed {
    /// What was done, for people; empty if nothing was.
    pub done: Vec<String>,
    /// Why something was not, for people.
    pub refused: Vec<String>,
    /// The jobs that it ended.
    pub ended: Vec<JobId>,
}

/// What is meant by a request: a run, and the job of it if it is about one.
struct Meant {
    run: RunId,
    workflow: String,
    job: Option<(JobId, JobName)>,
}

impl Meant {
    /// `job build` or `CI`.
    fn name(&self) -> String {
        match &self.job {
            Some((_, name)) => format!("job {name}"),
            None => self.workflow.clone(),
        }
    }
}

impl Store {
    /// Why a request means nothing of ours, if it does not.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn means_nothing(
        &self,
        forge: ForgeName,
        request: CheckRequest,
    ) -> Result<Option<String>, StoreError> {
        self.read(move |connection| Ok(meant(connection, &forge, &request)?.err())).await
    }

    /// Does what a request asks for, together with the delivery's verdict, which
    /// says what that was, or why it was nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], or [`StoreError::Conflict`] if the delivery has
    /// its verdict.
    pub async fn finish_delivery_with_request(
        &self,
        id: DeliveryId,
        request: CheckRequest,
        now: DateTime<Utc>,
    ) -> Result<Obeyed, StoreError> {
        self.write(move |tx| {
            let forge = must_wait(tx, id)?;
            let by = Actor {
                request: Some(id.to_string()),
                ..Actor::new(format!("{}@{forge}", request.actor), AuditVia::Check)
            };
            let obeyed = match meant(tx, &forge, &request)? {
                Ok(meant) => obey_all(tx, &request, &meant, &by, now)?,
                Err(why) => Obeyed { refused: vec![why], ..Obeyed::default() },
            };
            let verdict = if obeyed.done.is_empty() { "ignored" } else { "acted" };
            let said = [obeyed.done.as_slice(), obeyed.refused.as_slice()].concat().join("; ");
            finish(tx, id, verdict, Some(said), now)?;
            Ok(obeyed)
        })
        .await
    }
}

fn obey_all(
    tx: &Tx<'_>,
    request: &CheckRequest,
    meant: &[Meant],
    by: &Actor,
    now: DateTime<Utc>,
) -> Result<Obeyed, StoreError> {
    let mut obeyed = Obeyed::default();
    for one in meant {
        match obey(tx, request, one, now, &mut obeyed.ended) {
            Ok(done) => {
                obeyed.done.push(done);
                note_request(tx, request.action, one, by, now)?;
            }
            // None of these has written anything.
            Err(StoreError::Conflict { why, .. }) => {
                obeyed.refused.push(format!("{}: {why}", one.name()));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(obeyed)
}

/// Does what is asked of one run or job; says what that was.
fn obey(
    tx: &Tx<'_>,
    request: &CheckRequest,
    meant: &Meant,
    now: DateTime<Utc>,
    ended: &mut Vec<JobId>,
) -> Result<String, StoreError> {
    let (by, run, name) = (&request.actor, meant.run, meant.name());
    match request.action {
        CheckAction::Rerun => {
            let which = meant.job.as_ref().map_or(RerunJobs::All, |(id, _)| RerunJobs::Job(*id));
            rerun(tx, run, which, by, now)?;
            Ok(format!("{by} ran {name} once more"))
        }
        CheckAction::RerunFailed => {
            let again = rerun(tx, run, RerunJobs::Failed, by, now)?;
            let jobs = if again.len() == 1 { "job" } else { "jobs" };
            Ok(format!(
                "{by} ran what failed of {} once more: {} {jobs}",
                meant.workflow,
                again.len()
            ))
        }
        CheckAction::Cancel => {
            let cancelled = match &meant.job {
                Some((id, _)) => cancel_all(tx, vec![*id], by, now)?,
                None => cancel_whole(tx, run, by, now)?,
            };
            if cancelled.is_empty() {
                return Err(StoreError::conflict("job", "it is over already"));
            }
            ended.extend(cancelled);
            Ok(format!("{by} cancelled {name}"))
        }
        CheckAction::Approve => match approve(tx, run, by, now)?.len() {
            0 => Err(StoreError::conflict("run", "somebody approved of it before")),
            _ => Ok(format!("{by} approved of commit {}", request.commit.short())),
        },
    }
}

/// Writes down who pressed what.
fn note_request(
    tx: &Tx<'_>,
    action: CheckAction,
    meant: &Meant,
    by: &Actor,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (run, job) = (format!("run:{}", meant.run), meant.job.as_ref());
    let job = job.map(|(id, _)| format!("job:{id}"));
    let (action, object, detail) = match (action, job) {
        (CheckAction::Rerun, Some(job)) => (AuditAction::JobRerun, job, None),
        (CheckAction::Rerun, None) => (AuditAction::RunRerun, run, None),
        (CheckAction::RerunFailed, _) => {
            (AuditAction::RunRerun, run, Some("what failed".to_owned()))
        }
        (CheckAction::Cancel, Some(job)) => (AuditAction::JobCancel, job, None),
        (CheckAction::Cancel, None) => (AuditAction::RunCancel, run, None),
        (CheckAction::Approve, _) => (AuditAction::RunApprove, run, None),
    };
    note(tx, by, action, Some(object), detail, now)
}

/// What a request means of ours, or why nothing.
fn meant(
    connection: &Connection,
    forge: &ForgeName,
    request: &CheckRequest,
) -> Result<Result<Vec<Meant>, String>, StoreError> {
    let repository = &request.repository.name;
    let Some(subject) = &request.subject else {
        let all = of_commit(connection, forge, request)?;
        if all.is_empty() {
            return Ok(Err(format!("no run of {repository} is at {}", request.commit.short())));
        }
        return Ok(Ok(all));
    };
    let Some(found) = of_subject(connection, forge, request, subject)? else {
        return Ok(Err(format!("it means no check of ours in {repository}")));
    };
    if found.commit != request.commit {
        let (of, told) = (found.commit.short(), request.commit.short());
        return Ok(Err(format!("the check is of commit {of}, not of {told}")));
    }
    if let Some(newer) = found.newer {
        return Ok(Err(format!("its pull request went on to commit {}", newer.short())));
    }
    Ok(Ok(vec![found.meant]))
}

/// The newest run of each workflow of the commit: that is what its checks show.
fn of_commit(
    connection: &Connection,
    forge: &ForgeName,
    request: &CheckRequest,
) -> Result<Vec<Meant>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT max(run.id), workflow FROM run JOIN repository ON repository.id = run.repository \
         WHERE forge = ?1 AND name = ?2 AND commit_sha = ?3 AND withdrawn_at IS NULL \
         GROUP BY context ORDER BY context LIMIT ?4",
    )?;
    let CheckRequest { repository, commit, .. } = request;
    let key = params![forge.as_str(), repository.name.as_str(), commit.as_str(), MAX_RUNS];
    let rows = statement
        .query_map(key, |row| Ok(Meant { run: row.word(0)?, workflow: row.get(1)?, job: None }))?;
    rows.map(|row| Ok(row?)).collect()
}

/// The job or run with this id, if it is of the repository.
struct Subject {
    meant: Meant,
    commit: CommitSha,
    /// Where its pull request is since, if it went on.
    newer: Option<CommitSha>,
}

fn of_subject(
    connection: &Connection,
    forge: &ForgeName,
    request: &CheckRequest,
    subject: &str,
) -> Result<Option<Subject>, StoreError> {
    let job: Option<JobId> = subject.parse().ok();
    let run: Option<RunId> = subject.parse().ok();
    let mut statement = connection.prepare_cached(
        "SELECT run.id, workflow, run.commit_sha, job.id, job.name, seen_head.commit_sha \
         FROM run JOIN repository ON repository.id = run.repository \
         LEFT JOIN job ON job.run = run.id AND job.id = ?3 \
         LEFT JOIN seen_head ON seen_head.repository = run.repository \
         AND seen_head.git_ref = run.git_ref AND seen_head.commit_sha <> run.commit_sha \
         AND run.pull_request IS NOT NULL \
         WHERE forge = ?1 AND repository.name = ?2 \
         AND run.id = coalesce((SELECT run FROM job WHERE id = ?3), ?4)",
    )?;
    let key =
        params![forge.as_str(), request.repository.name.as_str(), job.map(text), run.map(text)];
    let found = statement.query_row(key, |row| {
        let id: Option<JobId> = row.maybe_word(3)?;
        let job = id.map(|id| Ok::<_, rusqlite::Error>((id, row.word(4)?))).transpose()?;
        let meant = Meant { run: row.word(0)?, workflow: row.get(1)?, job };
        Ok(Subject { meant, commit: row.word(2)?, newer: row.maybe_word(5)? })
    });
    Ok(found.optional()?)
}
