//! Removes what is older or more than the configuration lets us keep.
//!
//! Only what belongs to runs that are over. Files go first and are noted as gone
//! then, so that whatever ends the process on the way, the next time finds it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use slog::{Logger, error, info, warn};
use solstice_artifact::{ArtifactError, ArtifactStore};
use solstice_config::server::{Keep, KeepBodies, RetentionConfig};
use solstice_engine::{Activation, Clock, Next};
use solstice_joblog::{JobLogs, LogError};
use solstice_log::{chain, keys};
use solstice_store::{EndedAttempt, Store, StoreError};

/// Attempts of one look.
const PAGE: usize = 500;

/// How often it looks.
pub(crate) const INTERVAL: Duration = Duration::from_secs(10 * 60);

/// The task.
pub(crate) struct Retain {
    pub(crate) store: Store,
    pub(crate) logs: JobLogs,
    pub(crate) artifacts: ArtifactStore,
    pub(crate) keep: RetentionConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) log: Logger,
}

/// Why something could not be removed.
#[derive(Debug, thiserror::Error)]
enum RetainError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}

#[async_trait]
impl Activation for Retain {
    async fn activate(&self) -> Next {
        for (attempt, why) in self.logs.take_seal_failures() {
            // It stays as it was; the next start tries again.
            warn!(self.log, "a log cannot be compressed";
                keys::ATTEMPT => %attempt, keys::ERROR => chain(&why));
        }
        for (what, done) in
            [("attempts", self.attempts().await), ("deliveries", self.deliveries().await)]
        {
            match done {
                Ok(0) => {}
                Ok(removed) => info!(self.log, "old things removed";
                    keys::REASON => what, keys::COUNT => removed),
                Err(why) => error!(self.log, "cannot remove what is old";
                    keys::REASON => what, keys::ERROR => chain(&why)),
            }
        }
        Next::Idle
    }
}

impl Retain {
    /// Removes logs and artifacts, the oldest first; gives how many.
    async fn attempts(&self) -> Result<usize, RetainError> {
        let RetentionConfig { logs, artifacts, .. } = self.keep;
        if logs == Keep::default() && artifacts == Keep::default() {
            return Ok(0);
        }
        let now = self.clock.now();
        let (mut removed, mut after) = (0, None);
        loop {
            let page = self.store.ended_attempts(now, after, PAGE).await?;
            for attempt in &page {
                if attempt.log_kept && beyond(&logs, attempt, self.logs.usage(), now) {
                    self.logs.remove(attempt.id).await?;
                    self.store.note_log_removed(attempt.id, now).await?;
                    removed += 1;
                }
                if attempt.artifacts_kept
                    && beyond(&artifacts, attempt, self.artifacts.usage(), now)
                {
                    self.artifacts.remove_attempt(attempt.id).await?;
                    self.store.note_artifacts_removed(attempt.id, now).await?;
                    removed += usize::from(attempt.artifact_bytes > 0);
                }
            }
            after = page.last().map(|attempt| attempt.id);
            if page.len() < PAGE {
                return Ok(removed);
            }
        }
    }

    async fn deliveries(&self) -> Result<usize, RetainError> {
        let now = self.clock.now();
        let KeepBodies { age, count } = self.keep.deliveries;
        let before = age.and_then(|age| earlier(now, age));
        let mut removed = 0;
        loop {
            match self.store.remove_bodies(before, count, now).await? {
                0 => return Ok(removed),
                some => removed += some,
            }
        }
    }
}

/// Whether an attempt's things are older than may be, or all are too large together.
fn beyond(keep: &Keep, attempt: &EndedAttempt, used: u64, now: DateTime<Utc>) -> bool {
    let too_old = keep.age.and_then(|age| earlier(now, age));
    too_old.is_some_and(|before| attempt.ended_at < before)
        || keep.bytes.is_some_and(|most| used > most)
}

fn earlier(now: DateTime<Utc>, age: Duration) -> Option<DateTime<Utc>> {
    now.checked_sub_signed(chrono::TimeDelta::from_std(age).ok()?)
}
