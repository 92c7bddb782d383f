//! States and times in people's words.

use chrono::{DateTime, TimeDelta, Utc};
use solstice_api::user::{Approval, Job, Run, RunStatus, Step};
use solstice_display::duration;
use solstice_model::{Exit, JobState, Need, NeededOutcome, Outcome, SkipReason, TimeLimit};

/// A run's state.
pub(crate) fn status(status: RunStatus) -> &'static str {
    match status {
        RunStatus::WaitingForApproval => "needs approval",
        RunStatus::Queued => "waiting",
        RunStatus::Running => "running",
        RunStatus::Succeeded => "succeeded",
        RunStatus::Failed => "failed",
        RunStatus::InfraFailed => "could not be run",
        RunStatus::Cancelled => "cancelled",
    }
}

/// An approval, waited for or given.
pub(crate) fn approval(approval: &Approval) -> String {
    match (&approval.by, approval.at) {
        (Some(by), Some(at)) => format!("by {by}, {} ({})", moment(at), approval.why),
        _ => format!("none yet: {}", approval.why),
    }
}

/// A job's state in a word or two.
pub(crate) fn state(state: &JobState) -> &'static str {
    match state {
        JobState::Queued => "waiting",
        JobState::Claimed(_) => "claimed",
        JobState::Starting(_) => "starting",
        JobState::Running(_) => "running",
        JobState::Finished { outcome } => match outcome {
            Outcome::Succeeded => "succeeded",
            Outcome::Failed { .. } | Outcome::ArtifactFailed { .. } => "failed",
            Outcome::TimedOut { .. } => "timed out",
            Outcome::Cancelled { .. } => "cancelled",
            Outcome::InfraFailed { .. } => "could not be run",
            Outcome::Skipped { .. } => "not run",
        },
    }
}

/// What there is to add to a job's state: where it is, or why it ended so.
pub(crate) fn why(state: &JobState) -> String {
    match state {
        JobState::Queued => String::new(),
        JobState::Claimed(held) | JobState::Starting(held) | JobState::Running(held) => {
            format!("on {}", held.host)
        }
        JobState::Finished { outcome } => match outcome {
            Outcome::Succeeded => String::new(),
            Outcome::Failed { step, exit } => format!("step {}: {exit}", step + 1),
            Outcome::ArtifactFailed { pattern, why } => format!("artifact {pattern}: {why}"),
            Outcome::TimedOut { limit: TimeLimit::Job { seconds } } => {
                format!("after {}", duration(TimeDelta::seconds((*seconds).into())))
            }
            Outcome::TimedOut { limit: TimeLimit::Step { step, seconds } } => {
                let limit = duration(TimeDelta::seconds((*seconds).into()));
                format!("step {} after {limit}", step + 1)
            }
            Outcome::Cancelled { by } => format!("by {by}"),
            Outcome::InfraFailed { why } => why.clone(),
            Outcome::Skipped { why: SkipReason::NeedNotMet { need } } => {
                format!("{need} did not end as it must")
            }
            Outcome::Skipped { why: SkipReason::Condition { condition } } => {
                format!("the condition does not hold: {condition}")
            }
            Outcome::Skipped { why: SkipReason::CommitMessage { marker } } => {
                format!("the commit's message says {marker}")
            }
            Outcome::Skipped { why: SkipReason::NoFileChanged } => {
                "no file that it is for has changed".to_owned()
            }
        },
    }
}

/// A need as it is written in a workflow.
pub(crate) fn need(need: &Need) -> String {
    let outcome = match need.outcome {
        NeededOutcome::Succeeded => return need.job.to_string(),
        NeededOutcome::Failed => "failed",
        NeededOutcome::Completed => "completed",
        NeededOutcome::Any => "any",
    };
    format!("{} ({outcome})", need.job)
}

/// A job's values in its matrix: `os=omnios rust=1.95`.
pub(crate) fn matrix(job: &Job) -> String {
    let values = job.matrix.iter().flat_map(|cell| &cell.values);
    values.map(|(axis, value)| format!("{axis}={value}")).collect::<Vec<_>>().join(" ")
}

/// What started a run: `push main`, `pull request 7`.
pub(crate) fn event(run: &Run) -> String {
    match run.pull_request {
        Some(number) => format!("pull request {number}"),
        None => format!("{} {}", run.event.name(), run.git_ref.short()),
    }
}

/// How a step ended.
pub(crate) fn step(step: &Step) -> String {
    let tries = if step.tries > 1 { format!(" ({} tries)", step.tries) } else { String::new() };
    let said = match &step.exit {
        _ if step.tries == 0 => "not run".to_owned(),
        None if step.finished_at.is_none() => "running".to_owned(),
        None => "did not end".to_owned(),
        Some(Exit::Code { code: 0 }) => "succeeded".to_owned(),
        Some(exit) => exit.to_string(),
    };
    said + &tries
}

/// How long ago: `5 s`, `3 min`, `2 h`, `4 d`.
pub(crate) fn ago(at: DateTime<Utc>) -> String {
    let past = Utc::now() - at;
    match past.num_seconds() {
        ..60 => format!("{} s", past.num_seconds().max(0)),
        60..3_600 => format!("{} min", past.num_minutes()),
        3_600..86_400 => format!("{} h", past.num_hours()),
        _ => format!("{} d", past.num_days()),
    }
}

/// How long something took, or takes; nothing before it began.
pub(crate) fn took(from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> String {
    from.map_or_else(String::new, |from| duration(to.unwrap_or_else(Utc::now) - from))
}

/// A moment in full.
pub(crate) fn moment(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}
