//! The time, passed in, so that tests need not wait.

use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};

/// Tells the wall clock's time.
pub trait Clock: Send + Sync + 'static {
    /// Now, UTC.
    fn now(&self) -> DateTime<Utc>;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// A clock that moves only when told to, for tests.
#[derive(Debug)]
pub struct ManualClock(
    /// Guards the time that the clock shows.
    Mutex<DateTime<Utc>>,
);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock forward.
    ///
    /// # Panics
    ///
    /// If another thread panicked while it held the clock.
    pub fn advance(&self, by: TimeDelta) {
        *self.0.lock().expect("nobody panics with the clock in hand") += by;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().expect("nobody panics with the clock in hand")
    }
}
