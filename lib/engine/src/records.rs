//! Logs and store together: what a crash may have left between the two.
//!
//! Records are first made durable in an attempt's log, then applied to the
//! store (steps, outcome). Whoever dies in between leaves records that are
//! logged and not applied; applying them again from the log is the recovery.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use slog::{Logger, info, warn};
use solstice_joblog::{JobLogs, LogError};
use solstice_log::{chain, keys};
use solstice_model::{AttemptId, JobId};
use solstice_store::{AttemptInfo, Store, StoreError};

/// How much of a log is read at once.
const PAGE_BYTES: usize = 512 * 1024;

/// Why logged records could not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The log could not be read.
    #[error("cannot read the attempt's log")]
    Log(#[from] LogError),
    /// The store did not take them.
    #[error("cannot apply the attempt's records")]
    Store(#[from] StoreError),
}

/// The most attempts whose progress is remembered.
const MAX_REMEMBERED: usize = 4_096;

/// Applies logged records to the store, each once.
///
/// The store's own mark moves only with what changes a row, so that a step's
/// output costs no write. How far mere output has been looked at is remembered
/// here; when it is forgotten (a restart), one batch reads it again.
#[derive(Debug, Default)]
pub struct Applier {
    /// The last record of each attempt that needs no further look.
    seen: Mutex<HashMap<AttemptId, u64>>,
}

impl Applier {
    /// Applies what an attempt's log holds beyond `attempt.applied_seq`; says
    /// whether the attempt is over. A repeat changes nothing.
    ///
    /// # Errors
    ///
    /// [`ApplyError`] if the log cannot be read or the store does not take a record.
    pub async fn apply(
        &self,
        store: &Store,
        logs: &JobLogs,
        attempt: &AttemptInfo,
        now: DateTime<Utc>,
    ) -> Result<bool, ApplyError> {
        let mut next = self.seen(attempt.id).max(attempt.applied_seq) + 1;
        let mut over = attempt.over;
        while !over {
            let page = logs.read(attempt.id, next, PAGE_BYTES).await?;
            if page.records.is_empty() {
                break;
            }
            let host = attempt.host.clone();
            over = store.apply_records(host, attempt.id, &page.records, now).await?.over;
            next = page.next_seq;
            self.note(attempt.id, next - 1);
        }
        if over {
            logs.finish(attempt.id).await;
            self.forget(attempt.id);
        }
        Ok(over)
    }

    fn seen(&self, attempt: AttemptId) -> u64 {
        self.lock().get(&attempt).copied().unwrap_or(0)
    }

    fn note(&self, attempt: AttemptId, seq: u64) {
        let mut seen = self.lock();
        // Attempts that were lost leave their entry; to forget one costs a look at its log.
        if seen.len() >= MAX_REMEMBERED && !seen.contains_key(&attempt) {
            seen.clear();
        }
        let known = seen.entry(attempt).or_default();
        *known = seq.max(*known);
    }

    fn forget(&self, attempt: AttemptId) {
        self.lock().remove(&attempt);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AttemptId, u64>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Applies what all logs hold and the store does not know of. Run it once,
/// before hosts are served.
///
/// # Errors
///
/// [`StoreError`] if the store cannot be read. An attempt whose log cannot be
/// applied is told to the log and left to its host and its lease.
pub async fn recover(
    applier: &Applier,
    store: &Store,
    logs: &JobLogs,
    now: DateTime<Utc>,
    log: &Logger,
) -> Result<(), StoreError> {
    let attempts = store.live_attempts().await?;
    for attempt in &attempts {
        match applier.apply(store, logs, attempt, now).await {
            Ok(true) => info!(log, "attempt ended by its log"; keys::ATTEMPT => %attempt.id),
            Ok(false) => {}
            Err(error) => warn!(log, "cannot apply the log of an attempt";
                keys::ATTEMPT => %attempt.id, keys::ERROR => chain(&error)),
        }
    }
    // All others are over: what an earlier process did not seal is sealed now.
    let live = attempts.iter().map(|attempt| attempt.id).collect();
    if let Err(error) = logs.seal_others(live).await {
        warn!(log, "cannot look for logs to seal"; keys::ERROR => chain(&error));
    }
    Ok(())
}

/// Closes the logs of a job's attempts that are over, so that nobody waits for
/// more. Harmless if they are closed already.
pub async fn close_logs(store: &Store, logs: &JobLogs, job: JobId) {
    // A job that cannot be read is left as it is: readers look at the store too.
    let Ok(detail) = store.job(job).await else { return };
    for attempt in detail.attempts.iter().filter(|attempt| attempt.ended_at.is_some()) {
        logs.finish(attempt.id).await;
    }
}
