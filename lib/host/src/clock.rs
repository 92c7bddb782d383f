//! The wall clock, as something that is passed in.
//!
//! It is read only to write times down and to tell, after a restart, how much
//! of a limit is used up. Limits themselves are kept by tokio's monotonic clock.

use chrono::{DateTime, Utc};

/// Whoever knows the time.
pub trait Clock: Send + Sync + 'static {
    /// The time now (UTC).
    fn now(&self) -> DateTime<Utc>;
}

/// The system's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
