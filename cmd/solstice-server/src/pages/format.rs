//! Times and states in people's words.

use chrono::{DateTime, TimeDelta, Utc};
use solstice_api::user::{Job, LogStep, RunStatus, Step};
use solstice_display::duration;
use solstice_model::{AnnotationLevel, JobState, Outcome};

/// A coloured word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Badge {
    /// Its class: `ok`, `bad`, `warn`, `live` or none.
    pub(crate) kind: &'static str,
    /// The word; the colour never stands alone.
    pub(crate) text: &'static str,
}

const fn badge(kind: &'static str, text: &'static str) -> Badge {
    Badge { kind, text }
}

/// A moment, in the three ways that a page shows it.
#[derive(Clone, Debug)]
pub(crate) struct When {
    /// For programs (RFC 3339).
    pub(crate) iso: String,
    /// In full, in UTC.
    pub(crate) full: String,
    /// Seen from now.
    pub(crate) ago: String,
}

impl When {
    /// A moment as seen at `now`.
    pub(crate) fn new(at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self {
            iso: iso(at),
            full: at.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
            ago: ago(now - at),
        }
    }
}

/// A moment for programs, to the millisecond.
pub(crate) fn iso(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

fn ago(past: TimeDelta) -> String {
    match past.num_seconds() {
        ..60 => "just now".to_owned(),
        60..3_600 => format!("{} min ago", past.num_minutes()),
        3_600..86_400 => format!("{} h ago", past.num_hours()),
        _ => format!("{} d ago", past.num_days()),
    }
}

/// How bad a tool finds something.
pub(crate) fn level_badge(level: AnnotationLevel) -> Badge {
    match level {
        AnnotationLevel::Failure => badge("bad", "error"),
        AnnotationLevel::Warning => badge("warn", "warning"),
        AnnotationLevel::Notice => badge("", "notice"),
    }
}

/// A run's state.
pub(crate) fn run_badge(status: RunStatus) -> Badge {
    match status {
        RunStatus::WaitingForApproval => badge("warn", "needs approval"),
        RunStatus::Queued => badge("", "waiting"),
        RunStatus::Running => badge("live", "running"),
        RunStatus::Succeeded => badge("ok", "succeeded"),
        RunStatus::Failed => badge("bad", "failed"),
        RunStatus::InfraFailed => badge("warn", "could not be run"),
        RunStatus::Cancelled => badge("", "cancelled"),
    }
}

/// A job's state.
pub(crate) fn job_badge(state: &JobState) -> Badge {
    match state {
        JobState::Queued => badge("", "waiting"),
        JobState::Claimed(_) => badge("live", "claimed"),
        JobState::Starting(_) => badge("live", "starting"),
        JobState::Running(_) => badge("live", "running"),
        JobState::Finished { outcome } => match outcome {
            Outcome::Succeeded => badge("ok", "succeeded"),
            Outcome::Failed { .. } | Outcome::ArtifactFailed { .. } => badge("bad", "failed"),
            Outcome::TimedOut { .. } => badge("bad", "timed out"),
            Outcome::Cancelled { .. } => badge("", "cancelled"),
            Outcome::InfraFailed { .. } => badge("warn", "could not be run"),
            Outcome::Skipped { .. } => badge("", "not run"),
        },
    }
}

/// A step's state: it has begun if it is known, ended if it has an exit.
pub(crate) fn step_badge(step: Option<&Step>, job: &JobState) -> Badge {
    match step {
        Some(Step { tries: 0, exit: None, .. }) => badge("", "not run"),
        Some(Step { exit: Some(exit), .. }) if exit.success() => badge("ok", "succeeded"),
        Some(Step { exit: Some(_), .. }) => badge("bad", "failed"),
        Some(_) if job.holding().is_some() => badge("live", "running"),
        // Its attempt is over, and it was not the step that ended it.
        Some(_) => badge("bad", "stopped"),
        None if job.is_finished() => badge("", "not run"),
        None => badge("", "waiting"),
    }
}

/// A step's state in an attempt that another one followed.
pub(crate) fn earlier_step_badge(step: &LogStep) -> Badge {
    match (&step.exit, step.started_at) {
        (Some(exit), _) if exit.success() => badge("ok", "succeeded"),
        (Some(_), _) => badge("bad", "failed"),
        (None, Some(_)) => badge("bad", "stopped"),
        (None, None) => badge("", "not run"),
    }
}

/// How long a job has been at it: (the time taken, or the start of the count).
pub(crate) fn job_time(job: &Job) -> (Option<String>, Option<DateTime<Utc>>) {
    match (job.started_at.or(job.claimed_at), job.finished_at) {
        (Some(began), Some(ended)) => (Some(duration(ended - began)), None),
        (None, Some(_)) => (Some(String::new()), None),
        (Some(began), None) if job.state.holding().is_some() => (None, Some(began)),
        _ => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_seen_from_now() {
        let cases = [(-3, "just now"), (59, "just now"), (61, "1 min ago"), (90_000, "1 d ago")];
        for (seconds, text) in cases {
            assert_eq!(ago(TimeDelta::seconds(seconds)), text);
        }
    }
}
