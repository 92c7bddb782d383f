//! Attempts whose host fell silent.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use slog::{Logger, error, info};
use solstice_joblog::JobLogs;
use solstice_log::{chain, keys};
use solstice_store::Store;

use crate::clock::Clock;
use crate::driver::{Activation, Next};
use crate::records::close_logs;

/// Ends attempts whose lease has run out: the job waits for another try, or, if
/// none is left, ends as an infrastructure failure (invariant I9).
pub struct ExpireLeases {
    /// Where leases are.
    pub store: Store,
    /// Where the logs of ended attempts are closed.
    pub logs: JobLogs,
    /// Says when a lease has run out.
    pub clock: Arc<dyn Clock>,
    /// How often a job is tried.
    pub max_attempts: u32,
    /// Where ended attempts are told.
    pub log: Logger,
}

#[async_trait]
impl Activation for ExpireLeases {
    async fn activate(&self) -> Next {
        match self.store.expire_leases(self.clock.now(), self.max_attempts).await {
            Ok(jobs) => {
                for job in jobs {
                    info!(self.log, "lease expired"; keys::JOB => %job);
                    close_logs(&self.store, &self.logs, job).await;
                }
            }
            Err(error) => error!(self.log, "cannot expire leases"; keys::ERROR => chain(&error)),
        }
        match self.store.next_lease_end().await {
            Ok(Some(end)) => Next::After(until(end, &*self.clock)),
            Ok(None) => Next::Idle,
            Err(error) => {
                error!(self.log, "cannot read leases"; keys::ERROR => chain(&error));
                Next::Idle
            }
        }
    }
}

/// How long it is until a moment, and a little more, so that it has passed.
pub(crate) fn until(moment: chrono::DateTime<chrono::Utc>, clock: &dyn Clock) -> Duration {
    (moment - clock.now()).to_std().unwrap_or_default() + Duration::from_millis(20)
}
