//! The time, passed in, so that tests need not wait.

use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// Tells the wall clock's time, and how much time has really passed.
pub trait Clock: Send + Sync + 'static {
    /// Now, UTC. May jump, since people and other machines set it.
    fn now(&self) -> DateTime<Utc>;

    /// Since a moment that stays the same while the process lives; never jumps.
    fn elapsed(&self) -> Duration;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn elapsed(&self) -> Duration {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        START.elapsed()
    }
}

/// A clock that moves only when told to, for tests.
#[derive(Debug)]
pub struct ManualClock(
    /// Guards what the clock shows, and how long it has run.
    Mutex<(DateTime<Utc>, Duration)>,
);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(Mutex::new((now, Duration::ZERO)))
    }

    /// Lets time pass; none if `by` is negative.
    pub fn advance(&self, by: TimeDelta) {
        let mut shown = self.lock();
        shown.0 += by;
        shown.1 += by.to_std().unwrap_or_default();
    }

    /// Sets the clock forward or back, though no time has passed.
    pub fn jump(&self, by: TimeDelta) {
        self.lock().0 += by;
    }

    fn lock(&self) -> MutexGuard<'_, (DateTime<Utc>, Duration)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.lock().0
    }

    fn elapsed(&self) -> Duration {
        self.lock().1
    }
}
