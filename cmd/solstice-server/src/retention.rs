//! Removes what is older or more than the configuration lets us keep.
//!
//! Only what belongs to runs that are over. Files go first and are noted as gone
//! then, so that whatever ends the process on the way, the next time finds it. A
//! rehearsal takes the same decisions and removes nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use slog::{Logger, error, info, warn};
use solstice_api::user::{Removed, Retention};
use solstice_artifact::{ArtifactError, ArtifactStore};
use solstice_config::server::{Keep, KeepBodies, RetentionConfig};
use solstice_engine::{Activation, Clock, Next};
use solstice_joblog::{JobLogs, LogError};
use solstice_log::{chain, keys};
use solstice_model::AttemptId;
use solstice_store::{EndedAttempt, Removal, Store, StoreError};
use tokio::sync::Mutex;

use crate::metrics::Metrics;

/// Attempts of one look.
const PAGE: usize = 500;

/// How often it looks.
pub(crate) const INTERVAL: Duration = Duration::from_secs(10 * 60);

/// What may be removed, and how.
pub(crate) struct Retain {
    pub(crate) store: Store,
    pub(crate) logs: JobLogs,
    pub(crate) artifacts: ArtifactStore,
    pub(crate) keep: RetentionConfig,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    /// One removes at a time, or two would free the same bytes.
    pub(crate) turn: Mutex<()>,
    pub(crate) log: Logger,
}

/// The task.
pub(crate) struct RetainTask(pub(crate) Arc<Retain>);

/// Why something could not be removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RetainError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}

#[async_trait]
impl Activation for RetainTask {
    async fn activate(&self) -> Next {
        let Retain { logs, log, .. } = &*self.0;
        for (attempt, why) in logs.take_seal_failures() {
            // It stays as it was; the next start tries again.
            warn!(log, "a log cannot be compressed";
                keys::ATTEMPT => %attempt, keys::ERROR => chain(&why));
        }
        if let Err(why) = self.0.run(false).await {
            error!(log, "cannot remove what is old"; keys::ERROR => chain(&why));
        }
        Next::Idle
    }
}

/// Logs or artifacts of attempts, while they are gone through from the oldest on.
struct Kind {
    name: &'static str,
    keep: Keep,
    /// How much is left, in bytes and in attempts.
    bytes: u64,
    attempts: u64,
    /// The size of each, where nothing is removed that would tell.
    sizes: HashMap<AttemptId, u64>,
    removed: u64,
    freed: u64,
}

impl Kind {
    /// Whether an attempt's things are older than may be, or all are too large or
    /// too many together.
    fn beyond(&self, attempt: &EndedAttempt, now: DateTime<Utc>) -> bool {
        let too_old = self.keep.age.and_then(|age| earlier(now, age));
        too_old.is_some_and(|before| attempt.ended_at < before)
            || self.keep.bytes.is_some_and(|most| self.bytes > most)
            || self.keep.count.is_some_and(|most| self.attempts > most.into())
    }

    fn gone(&mut self, freed: u64) {
        self.bytes = self.bytes.saturating_sub(freed);
        self.attempts = self.attempts.saturating_sub(1);
        self.removed += 1;
        self.freed += freed;
    }

    fn told(self) -> Option<Removed> {
        let Self { name, keep, removed, freed, .. } = self;
        (keep != Keep::default()).then(|| told(name, Removal { count: removed, bytes: freed }))
    }
}

impl Retain {
    /// Removes what is to go, or only says what would, kind by kind.
    pub(crate) async fn run(&self, dry_run: bool) -> Result<Retention, RetainError> {
        let _turn = self.turn.lock().await;
        let now = self.clock.now();
        let mut removed = self.attempts(dry_run, now).await?;
        removed.extend(self.rows(dry_run, now).await?);
        if !dry_run {
            // No setting keeps these: they open nothing any more.
            self.store.remove_expired_sessions(now).await?;
            removed.iter().for_each(|one| self.note(one));
        }
        Ok(Retention { dry_run, removed })
    }

    fn note(&self, removed: &Removed) {
        let kind = [("kind", removed.kind.clone())];
        self.metrics.removed.get_or_create(&kind).inc_by(removed.count);
        self.metrics.removed_bytes.get_or_create(&kind).inc_by(removed.bytes);
        if removed.count > 0 {
            info!(self.log, "old things removed"; keys::REASON => &removed.kind,
                keys::COUNT => removed.count, keys::BYTES => removed.bytes);
        }
    }

    /// Logs and artifacts, the oldest first.
    async fn attempts(&self, dry: bool, now: DateTime<Utc>) -> Result<Vec<Removed>, RetainError> {
        let RetentionConfig { logs, artifacts, .. } = self.keep;
        if logs == Keep::default() && artifacts == Keep::default() {
            return Ok(Vec::new());
        }
        let (mut logs, mut artifacts) = self.kinds(dry).await?;
        let mut after = None;
        loop {
            let page = self.store.ended_attempts(now, after, PAGE).await?;
            for attempt in &page {
                if attempt.log_kept && logs.beyond(attempt, now) {
                    logs.gone(self.remove_log(attempt.id, &logs.sizes, dry, now).await?);
                }
                if attempt.artifact_bytes > 0
                    && attempt.artifacts_kept
                    && artifacts.beyond(attempt, now)
                {
                    artifacts.gone(self.remove_artifacts(attempt, dry, now).await?);
                }
            }
            after = page.last().map(|attempt| attempt.id);
            if page.len() < PAGE {
                return Ok([logs.told(), artifacts.told()].into_iter().flatten().collect());
            }
        }
    }

    /// Logs and artifacts, with how much there is of each.
    async fn kinds(&self, dry: bool) -> Result<(Kind, Kind), RetainError> {
        let RetentionConfig { logs, artifacts, .. } = self.keep;
        let (with_log, with_artifacts) = self.store.kept_attempts().await?;
        let mut sizes = HashMap::new();
        if dry {
            let all = self.logs.oldest(usize::MAX).await?;
            sizes.extend(all.into_iter().map(|kept| (kept.attempt, kept.bytes)));
        }
        let kind = |name, keep, bytes, attempts, sizes| {
            let (removed, freed) = (0, 0);
            Kind { name, keep, bytes, attempts, sizes, removed, freed }
        };
        let logs = kind("logs", logs, self.logs.usage(), with_log, sizes);
        let (bytes, none) = (self.artifacts.usage(), HashMap::new());
        Ok((logs, kind("artifacts", artifacts, bytes, with_artifacts, none)))
    }

    async fn remove_log(
        &self,
        attempt: AttemptId,
        sizes: &HashMap<AttemptId, u64>,
        dry: bool,
        now: DateTime<Utc>,
    ) -> Result<u64, RetainError> {
        if dry {
            return Ok(sizes.get(&attempt).copied().unwrap_or(0));
        }
        let freed = self.logs.remove(attempt).await?;
        self.store.note_log_removed(attempt, now).await?;
        Ok(freed)
    }

    async fn remove_artifacts(
        &self,
        attempt: &EndedAttempt,
        dry: bool,
        now: DateTime<Utc>,
    ) -> Result<u64, RetainError> {
        if dry {
            return Ok(attempt.artifact_bytes);
        }
        let freed = self.artifacts.remove_attempt(attempt.id).await?;
        self.store.note_artifacts_removed(attempt.id, now).await?;
        Ok(freed)
    }

    /// What lies in the database.
    async fn rows(&self, dry: bool, now: DateTime<Utc>) -> Result<Vec<Removed>, RetainError> {
        let (keep, store) = (&self.keep, &self.store);
        let mut removed = Vec::new();
        if keep.deliveries != KeepBodies::default() {
            let KeepBodies { age, count } = keep.deliveries;
            let before = age.and_then(|age| earlier(now, age));
            let bodies = match dry {
                true => store.old_bodies(before, count).await?,
                false => until_none(|| store.remove_bodies(before, count, now)).await?,
            };
            removed.push(told("deliveries", bodies));
        }
        if keep.ledger != KeepBodies::default() {
            let KeepBodies { age, count } = keep.ledger;
            let before = age.and_then(|age| earlier(now, age));
            let rows = match dry {
                true => store.old_deliveries(before, count).await?,
                false => until_none(|| store.remove_deliveries(before, count)).await?,
            };
            removed.push(told("ledger", rows));
        }
        if let Some(before) = keep.events.and_then(|age| earlier(now, age)) {
            let entries = match dry {
                true => store.old_events(before).await?,
                false => until_none(|| store.remove_events(before)).await?,
            };
            removed.push(told("events", entries));
        }
        if let Some(before) = keep.audit.and_then(|age| earlier(now, age)) {
            let entries = match dry {
                true => store.old_audit(before).await?,
                false => {
                    let count = store.remove_audit(before).await?;
                    Removal { count: u64::try_from(count).unwrap_or(u64::MAX), bytes: 0 }
                }
            };
            removed.push(told("audit", entries));
        }
        Ok(removed)
    }
}

/// Removes so many at a time until there are none.
async fn until_none<F>(remove: impl Fn() -> F) -> Result<Removal, StoreError>
where
    F: Future<Output = Result<Removal, StoreError>>,
{
    let mut all = Removal::default();
    loop {
        let some = remove().await?;
        if some.count == 0 {
            return Ok(all);
        }
        all.count += some.count;
        all.bytes += some.bytes;
    }
}

fn told(kind: &str, Removal { count, bytes }: Removal) -> Removed {
    Removed { kind: kind.to_owned(), count, bytes }
}

fn earlier(now: DateTime<Utc>, age: Duration) -> Option<DateTime<Utc>> {
    now.checked_sub_signed(chrono::TimeDelta::from_std(age).ok()?)
}
