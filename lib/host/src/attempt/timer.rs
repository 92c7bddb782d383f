//! When the limit of an attempt's stage is up.

use std::time::Duration;

use tokio::time::Instant;

use crate::attempt::Attempt;
use crate::stage::{Clock, Stage};

/// The limits of one attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StageLimits {
    /// From `ensure` to the agent's first request.
    pub(crate) boot: Duration,
    /// From the source being ready to the first step.
    pub(crate) unpack: Duration,
    /// From the beginning of the steps to their end.
    pub(crate) job: Duration,
    /// What is left at least of the limit of an attempt that was taken up
    /// again: its agent had nobody to talk to in between.
    pub(crate) resumed: Duration,
}

/// Keeps the deadline of the current clock on the monotonic clock of the system: neither a
/// change of the wall clock nor a suspended computer ends a job. The wall clock
/// is looked at once per clock, to see what was used up before a restart.
#[derive(Debug)]
pub(crate) struct Timer {
    limits: StageLimits,
    current: Option<(Clock, Instant)>,
    /// Whether nothing has been timed yet.
    first: bool,
}

impl Timer {
    pub(crate) fn new(limits: StageLimits) -> Self {
        Self { limits, current: None, first: true }
    }

    /// How long something may take.
    pub(crate) fn limit(&self, clock: Clock) -> Duration {
        match clock {
            Clock::Boot => self.limits.boot,
            Clock::Unpack => self.limits.unpack,
            Clock::Job => self.limits.job,
        }
    }

    /// When the stage's limit is up, if it has one.
    pub(crate) fn deadline(&mut self, attempt: &Attempt, stage: &Stage) -> Option<Instant> {
        let Some((clock, since)) = stage.clock() else {
            self.current = None;
            return None;
        };
        match self.current {
            Some((running, deadline)) if running == clock => Some(deadline),
            _ => {
                let used = (attempt.now() - since).to_std().unwrap_or(Duration::ZERO);
                let least = if self.first { self.limits.resumed } else { Duration::ZERO };
                self.first = false;
                let deadline = Instant::now() + left(self.limit(clock), used, least);
                self.current = Some((clock, deadline));
                Some(deadline)
            }
        }
    }
}

/// What is left of a limit, at least `least` unless the limit itself is shorter.
fn left(limit: Duration, used: Duration, least: Duration) -> Duration {
    limit.saturating_sub(used).max(least.min(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_that_is_taken_up_late_still_gets_to_say_how_it_ended() {
        let seconds = Duration::from_secs;
        assert_eq!(left(seconds(600), seconds(0), seconds(60)), seconds(600));
        assert_eq!(left(seconds(600), seconds(590), seconds(60)), seconds(60));
        assert_eq!(left(seconds(600), seconds(9_000), seconds(60)), seconds(60));
        assert_eq!(left(seconds(10), seconds(9), seconds(60)), seconds(10));
        assert_eq!(left(seconds(600), seconds(590), seconds(0)), seconds(10));
    }
}
