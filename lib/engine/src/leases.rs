//! Attempts whose host fell silent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use slog::{Logger, error, info, warn};
use solstice_joblog::JobLogs;
use solstice_log::{chain, keys};
use solstice_store::{Store, StoreError};

use crate::clock::Clock;
use crate::driver::{Activation, Next};
use crate::records::close_logs;

/// By how much more than the time that really passed the wall clock may have moved
/// before that counts as a jump.
const TOLERANCE: TimeDelta = TimeDelta::seconds(5);

/// Ends attempts whose lease has run out: the job waits for another try, or, if
/// none is left, ends as an infrastructure failure (invariant I9). If the wall
/// clock jumped forward, leases begin anew: no host had that time to report in.
pub struct ExpireLeases {
    store: Store,
    logs: JobLogs,
    clock: Arc<dyn Clock>,
    lease: Duration,
    max_attempts: u32,
    watch: Watch,
    log: Logger,
}

/// Watches the wall clock for jumps.
#[derive(Default)]
struct Watch {
    /// Guards what the clock showed at the last look, and how long it had run then.
    seen: Mutex<Option<(DateTime<Utc>, Duration)>>,
}

impl ExpireLeases {
    /// The logs are those of the attempts, closed as these end. A host has a
    /// `lease` to report in; a job is tried `max_attempts` times.
    pub fn new(
        store: Store,
        logs: JobLogs,
        clock: Arc<dyn Clock>,
        lease: Duration,
        max_attempts: u32,
        log: Logger,
    ) -> Self {
        Self { store, logs, clock, lease, max_attempts, watch: Watch::default(), log }
    }

    async fn expire(&self) -> Result<Next, StoreError> {
        let now = self.clock.now();
        if let Some(jump) = self.watch.jump(now, self.clock.elapsed()) {
            warn!(self.log, "clock jumped forward"; keys::TOOK_MS => jump.num_milliseconds());
            self.store.extend_leases(now + self.lease).await?;
        }
        for job in self.store.expire_leases(now, self.max_attempts).await? {
            info!(self.log, "lease expired"; keys::JOB => %job);
            close_logs(&self.store, &self.logs, job).await;
        }
        let end = self.store.next_lease_end().await?;
        Ok(end.map_or(Next::Idle, |end| Next::After(until(end, &*self.clock))))
    }
}

impl Watch {
    /// How far the wall clock jumped forward since the last look, if it did.
    fn jump(&self, now: DateTime<Utc>, elapsed: Duration) -> Option<TimeDelta> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (then, before) = seen.replace((now, elapsed))?;
        let passed = TimeDelta::from_std(elapsed.saturating_sub(before)).ok()?;
        Some(now - then - passed).filter(|jump| *jump > TOLERANCE)
    }
}

#[async_trait]
impl Activation for ExpireLeases {
    async fn activate(&self) -> Next {
        self.expire().await.unwrap_or_else(|error| {
            error!(self.log, "cannot expire leases"; keys::ERROR => chain(&error));
            Next::Idle
        })
    }
}

/// How long it is until a moment, and a little more, so that it has passed.
pub(crate) fn until(moment: chrono::DateTime<chrono::Utc>, clock: &dyn Clock) -> Duration {
    (moment - clock.now()).to_std().unwrap_or_default() + Duration::from_millis(20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn only_time_that_did_not_pass_is_a_jump() {
        let clock = ManualClock::at(DateTime::from_timestamp(1_700_000_000, 0).unwrap());
        let watch = Watch::default();
        let look = || watch.jump(clock.now(), clock.elapsed());
        assert_eq!(look(), None, "the first look knows nothing");
        clock.advance(TimeDelta::hours(9));
        assert_eq!(look(), None);
        clock.jump(TimeDelta::seconds(5));
        assert_eq!(look(), None, "clocks are set a little all the time");
        clock.jump(TimeDelta::hours(-1));
        assert_eq!(look(), None);
        clock.advance(TimeDelta::minutes(1));
        clock.jump(TimeDelta::hours(2));
        assert_eq!(look(), Some(TimeDelta::hours(2)));
        assert_eq!(look(), None, "told once");
    }
}
