//! The tables at the end: what the forge was told, and where the time went.

use chrono::{DateTime, Utc};
use solstice_api::user::JobDetail;
use solstice_model::CommitSha;
use solstice_testbed::Installation;

use crate::screen::Screen;

/// The newest status of each context on the commit.
pub(crate) fn statuses(installation: &Installation, commit: &CommitSha, screen: &Screen) {
    for status in installation.forge().newest_statuses(commit.as_str()) {
        screen.plain(&format!("{:<8} {:<28} {}", status.state, status.context, status.description));
    }
}

/// Where the time of a job's last attempt went.
pub(crate) fn phases(job: &JobDetail, screen: &Screen) {
    let row = |name: &str, seconds: f64| {
        let bar = "▇".repeat(bar_length(seconds));
        screen.plain(&format!("{name:<28} {seconds:>8.3} s  {bar}"));
    };
    let between = |name: &str, from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>| {
        if let (Some(from), Some(to)) = (from, to) {
            row(name, (to - from).as_seconds_f64().max(0.0));
        }
    };
    let it = &job.job;
    between("waiting for a host", Some(it.queued_at), it.claimed_at);
    for attempt in job.attempts.iter().rev().take(1) {
        for phase in &attempt.phases {
            row(&phase.name, std::time::Duration::from_millis(phase.took_ms).as_secs_f64());
        }
    }
    between("claim to running agent", it.claimed_at, it.started_at);
    for step in &job.steps {
        let name: String = step.name.chars().take(18).collect();
        let name = format!("step {} {name}", step.index + 1);
        between(&name, Some(step.started_at), step.finished_at);
    }
    between("from queue to outcome", Some(it.queued_at), it.finished_at);
}

/// A block for each quarter of a second, at most forty.
fn bar_length(seconds: f64) -> usize {
    let quarters = (seconds * 4.0).round().clamp(0.0, 40.0);
    (0..40).take_while(|n| f64::from(*n) < quarters).count()
}
