//! When the limit of an attempt's stage is up.

use std::time::Duration;

use tokio::time::Instant;

use crate::attempt::Attempt;
use crate::stage::Stage;

/// The limits of one attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StageLimits {
    /// From `ensure` to the agent's first request.
    pub(crate) boot: Duration,
    /// From the beginning of the steps to their end.
    pub(crate) job: Duration,
}

/// Keeps the deadline of the current stage on the monotonic clock: neither a
/// change of the wall clock nor a suspended computer ends a job. The wall clock
/// is looked at once per stage, to see what was used up before a restart.
#[derive(Debug)]
pub(crate) struct Timer {
    limits: StageLimits,
    current: Option<(&'static str, Instant)>,
}

impl Timer {
    pub(crate) fn new(limits: StageLimits) -> Self {
        Self { limits, current: None }
    }

    /// How long the guest may take to report.
    pub(crate) fn boot_limit(&self) -> Duration {
        self.limits.boot
    }

    /// When the stage's limit is up, if it has one.
    pub(crate) fn deadline(&mut self, attempt: &Attempt, stage: &Stage) -> Option<Instant> {
        let Some((since, limit)) = stage.limit(self.limits.boot, self.limits.job) else {
            self.current = None;
            return None;
        };
        match self.current {
            Some((name, deadline)) if name == stage.name() => Some(deadline),
            _ => {
                let used = (attempt.now() - since).to_std().unwrap_or(Duration::ZERO);
                let deadline = Instant::now() + limit.saturating_sub(used);
                self.current = Some((stage.name(), deadline));
                Some(deadline)
            }
        }
    }
}
