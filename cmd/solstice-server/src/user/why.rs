//! Why: what the store, the log and the forge know, judged by the engine.

use dropshot::HttpError;
use solstice_api::user::{CommitQuery, CommitWhy, JobWhy, RunWhy};
use solstice_display::line;
use solstice_engine::why::{self, Asked, LogEnd};
use solstice_model::{AttemptId, JobId, Outcome, RecordBody, RunId, TimeLimit};
use solstice_store::{JobFacts, Story};
use url::Url;

use crate::auth::Principal;
use crate::context::Context;
use crate::error::from_store;

/// How much of the log is read for one line, in bytes.
const LINE_BYTES: usize = 64 * 1024;

/// Why a job, which may be seen, is where it is.
pub(crate) async fn job(context: &Context, job: JobId) -> Result<JobWhy, HttpError> {
    let now = context.clock.now();
    let asking = context.store.job_facts(job, now, context.lease);
    let (story, facts) = asking.await.map_err(from_store)?;
    let log = match ended_with(&facts) {
        // A log that is gone or damaged leaves out no more than its line.
        Some((attempt, step)) => log_end(context, attempt, step).await,
        None => None,
    };
    let line_url = line_url(context, &story);
    let (story, max_attempts) = (&story, context.max_attempts);
    let asked = Asked { story, now, max_attempts, line_url: &line_url };
    Ok(why::job(&asked, &facts, log.as_ref()))
}

/// Why a run, which may be seen, is where it is.
pub(crate) async fn run(context: &Context, run: RunId) -> Result<RunWhy, HttpError> {
    let now = context.clock.now();
    let asking = context.store.run_facts(run, now, context.lease);
    let (story, jobs) = asking.await.map_err(from_store)?;
    let line_url = line_url(context, &story);
    let (story, max_attempts) = (&story, context.max_attempts);
    let asked = Asked { story, now, max_attempts, line_url: &line_url };
    Ok(why::run(&asked, &jobs))
}

/// What came of a commit, as far as somebody may see that.
pub(super) async fn commit(
    context: &Context,
    principal: Principal,
    query: CommitQuery,
) -> Result<CommitWhy, HttpError> {
    let CommitQuery { repository, commit, forge } = query;
    let asking = context.store.commit_facts(principal.sight, forge, repository, commit.into());
    let (runs, deliveries) = asking.await.map_err(from_store)?;
    Ok(why::commit(runs, deliveries))
}

/// Where the forge shows a line at the run's commit.
fn line_url(context: &Context, story: &Story) -> impl Fn(&str, u32) -> Option<Url> {
    move |path, line| {
        let forge = context.forges.get(&story.run.forge)?;
        forge.line_url(&story.html_url, &story.run.commit, path, line)
    }
}

/// The attempt and the step that a job ended with, if it was a step.
fn ended_with(facts: &JobFacts) -> Option<(AttemptId, u32)> {
    let attempt = facts.attempts.last()?.id;
    match facts.job.state.outcome()? {
        Outcome::Failed { step, .. } => Some((attempt, *step)),
        Outcome::TimedOut { limit: TimeLimit::Step { step, .. } } => Some((attempt, *step)),
        Outcome::TimedOut { limit: TimeLimit::Job { .. } } => {
            Some((attempt, facts.steps.last()?.index))
        }
        _ => None,
    }
}

/// The last line that a step wrote.
async fn log_end(context: &Context, attempt: AttemptId, step: u32) -> Option<LogEnd> {
    let extents = context.logs.steps(attempt).await.ok()?;
    let extent = extents.into_iter().find(|extent| extent.step == step)?;
    let last = match extent.end {
        Some(end) => end.lines,
        None => context.logs.extent(attempt).await.ok()?.lines,
    };
    if last == extent.begin.lines {
        return None;
    }
    let place = context.logs.line(attempt, last).await.ok()?;
    let page = context.logs.read(attempt, place.seq, LINE_BYTES).await.ok()?;
    let mut bytes = Vec::new();
    for record in page.records {
        match record.body {
            RecordBody::Output { step: of, chunk, newline, .. } if of == step => {
                bytes.extend_from_slice(&chunk.0);
                if newline {
                    break;
                }
            }
            RecordBody::StepFinished { .. } | RecordBody::StepStarted { .. } => break,
            _ => {}
        }
    }
    Some(LogEnd { line: last, text: line(&bytes, false) })
}
