//! The line of a log that somebody who looks at a failed job wants to see first.
//!
//! Of the step that failed, or was stopped: the first line that looks like an
//! error (`solstice_joblog::find_error`), among the first 256 MiB of its records;
//! else its last line on stderr, if that is among its last 500; else its last.
//! Steps that failed and may fail do not count. A log that is over does not change,
//! so it is looked through once while the server runs, however many ask.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use solstice_api::user::Attempt;
use solstice_joblog::{JobLogs, LogError, Search, StepExtent, Wanted};
use solstice_model::{AgentVerdict, AttemptId, Stream, TimeLimit};
use tokio::sync::OnceCell;

/// The most calls of a search, each of which reads 16 MiB.
const MAX_CALLS: usize = 16;

/// How far back a line on stderr is looked for.
const LAST_LINES: u64 = 500;

/// How long a page waits for it.
const SOON: Duration = Duration::from_millis(500);

/// The most attempts of which the line is remembered.
const MAX_KNOWN: usize = 1000;

type Line = Arc<OnceCell<Option<u64>>>;

/// What is known of logs that are over.
#[derive(Debug, Default)]
pub(crate) struct FirstErrors {
    /// Guards the map alone.
    known: Mutex<HashMap<AttemptId, Line>>,
}

impl FirstErrors {
    /// The line to look at first; `None` while the attempt goes on, and if nothing of it failed.
    pub(crate) async fn of(
        &self,
        logs: &JobLogs,
        attempt: &Attempt,
    ) -> Result<Option<u64>, LogError> {
        let good = Some(&AgentVerdict::Succeeded);
        if attempt.ended_at.is_none() || attempt.verdict.as_ref() == good {
            return Ok(None);
        }
        let line = self.line(attempt.id);
        line.get_or_try_init(|| look(logs, attempt)).await.copied()
    }

    /// The same, if it is known within half a second; `None` if it takes longer:
    /// then it goes on to be looked for, and the next who asks may have it.
    pub(crate) async fn soon(
        self: &Arc<Self>,
        logs: &JobLogs,
        attempt: &Attempt,
    ) -> Result<Option<Option<u64>>, LogError> {
        let (errors, logs, attempt) = (Arc::clone(self), logs.clone(), attempt.clone());
        let looking = tokio::spawn(async move { errors.of(&logs, &attempt).await });
        match tokio::time::timeout(SOON, looking).await {
            Ok(Ok(line)) => line.map(Some),
            Ok(Err(_)) => Err(LogError::Closed),
            Err(_) => Ok(None),
        }
    }

    fn line(&self, attempt: AttemptId) -> Line {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN && !known.contains_key(&attempt) {
            known.clear();
        }
        Arc::clone(known.entry(attempt).or_default())
    }
}

async fn look(logs: &JobLogs, attempt: &Attempt) -> Result<Option<u64>, LogError> {
    let steps = logs.steps(attempt.id).await?;
    let Some(step) = failed_step(attempt, &steps) else { return Ok(None) };
    let total = logs.extent(attempt.id).await?.lines;
    let (first, last) = (step.begin.lines + 1, step.end.map_or(total, |end| end.lines));
    if last < first {
        return Ok(None);
    }
    let mut from = Some(first);
    for _ in 0..MAX_CALLS {
        let Some(begin) = from else { break };
        let search = Search { wanted: Wanted::Errors, from: begin, to: Some(last), limit: 1 };
        let found = logs.search(attempt.id, search).await?;
        if let Some(hit) = found.hits.first() {
            return Ok(Some(hit.line));
        }
        from = found.next;
    }
    let near = last.saturating_sub(LAST_LINES - 1).max(first);
    let end = logs.window(attempt.id, near, 500).await?.lines;
    let own = end.iter().rev().filter(|line| line.number <= last && line.step == Some(step.step));
    let err = own.clone().find(|line| line.stream == Some(Stream::Stderr));
    Ok(err.or_else(|| own.clone().next()).map(|line| line.number).or(Some(last)))
}

/// The step that ended the attempt; that which it was at when something else did.
fn failed_step<'s>(attempt: &Attempt, steps: &'s [StepExtent]) -> Option<&'s StepExtent> {
    match &attempt.verdict {
        Some(
            AgentVerdict::Failed { step, .. }
            | AgentVerdict::TimedOut { limit: TimeLimit::Step { step, .. } },
        ) => steps.iter().find(|one| one.step == *step),
        Some(AgentVerdict::Succeeded | AgentVerdict::ArtifactFailed { .. }) => None,
        Some(AgentVerdict::TimedOut { limit: TimeLimit::Job { .. } }) | None => steps.last(),
    }
}
