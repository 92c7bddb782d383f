//! Looks for what no webhook told of: forges lose deliveries, and repeat none by themselves.
//!
//! A round first asks the forge to send again what did not arrive, then looks at each
//! repository that is in use, the longest ago first, one after the other. Where
//! a branch or pull request is not where it was last heard of, the store takes
//! a delivery of our own, which is interpreted like any other. What is found twice,
//! by this and by a delivery that came late, starts nothing twice.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use slog::{Logger, debug, error, info, warn};
use solstice_forge::{Forge, ForgeError, Retry, Standing};
use solstice_log::{chain, keys};
use solstice_model::RepoName;
use solstice_store::{Store, StoreError};

use crate::clock::Clock;
use crate::driver::{Activation, Next};

/// The most repositories of one round.
const MAX_REPOSITORIES: usize = 100;

/// A round that left some over goes on after this long.
const REST: Duration = Duration::from_secs(60);

/// A repository without a run for this long is not looked at.
const ACTIVE: TimeDelta = TimeDelta::days(30);

/// Forges can send again what is at most this old.
const REDELIVERABLE: TimeDelta = TimeDelta::days(3);

/// After this long a look at one repository counts as failed.
const LOOK_TIMEOUT: Duration = Duration::from_secs(120);

/// Sweeps one forge.
pub struct Sweep {
    store: Store,
    forge: Arc<dyn Forge>,
    clock: Arc<dyn Clock>,
    every: TimeDelta,
    started_at: DateTime<Utc>,
    /// Guards when the forge was last asked to send again what was lost.
    asked_at: Mutex<Option<DateTime<Utc>>>,
    log: Logger,
}

#[async_trait]
impl Activation for Sweep {
    async fn activate(&self) -> Next {
        match self.round().await {
            Ok(next) => next,
            Err(error) => {
                error!(self.log, "cannot sweep"; keys::ERROR => chain(&error));
                Next::Idle
            }
        }
    }
}

impl Sweep {
    /// A repository is looked at once in `every`; the task's timer is to be the same.
    pub fn new(
        store: Store,
        forge: Arc<dyn Forge>,
        clock: Arc<dyn Clock>,
        every: Duration,
        log: Logger,
    ) -> Self {
        let every = TimeDelta::from_std(every).unwrap_or(TimeDelta::days(1));
        let started_at = clock.now();
        Self { store, forge, clock, every, started_at, asked_at: Mutex::default(), log }
    }

    async fn round(&self) -> Result<Next, StoreError> {
        let (forge, now) = (self.forge.name(), self.clock.now());
        if let Looked::Down = self.redeliver(now).await? {
            return Ok(Next::Idle);
        }
        // Half, so that a timer that fires a little early misses nothing. What was
        // lost while the server was down is found at once.
        let before = (now - self.every / 2).max(self.started_at);
        let due =
            self.store.repositories_to_sweep(forge.clone(), now - ACTIVE, before, MAX_REPOSITORIES);
        let due = due.await?;
        let mut busy = BTreeSet::new();
        for repository in &due {
            let owner = repository.as_str().split('/').next().unwrap_or_default();
            if busy.contains(owner) {
                continue;
            }
            match self.look(repository).await? {
                Looked::Done | Looked::Failed => {}
                Looked::Busy => {
                    busy.insert(owner);
                }
                Looked::Down => return Ok(Next::Idle),
            }
        }
        let more = due.len() == MAX_REPOSITORIES && busy.is_empty();
        Ok(if more { Next::After(REST) } else { Next::Idle })
    }

    /// Has the forge send again what did not arrive since shortly before the last round.
    async fn redeliver(&self, now: DateTime<Utc>) -> Result<Looked, StoreError> {
        let Some(last) = self.store.last_sweep(self.forge.name().clone()).await? else {
            return Ok(Looked::Done);
        };
        let asked_at = *self.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        if asked_at.is_some_and(|at| now - at < self.every / 2) {
            return Ok(Looked::Done);
        }
        *self.asked_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        let since = (last - self.every).max(now - REDELIVERABLE);
        Ok(match self.forge.redeliver(since).await {
            Ok(0) => Looked::Done,
            Ok(count) => {
                info!(self.log, "lost deliveries asked for again"; keys::COUNT => count);
                Looked::Done
            }
            Err(error) => {
                warn!(self.log, "lost deliveries cannot be asked for";
                    keys::ERROR => chain(&error));
                Looked::failed(&error)
            }
        })
    }

    /// Looks at one repository.
    async fn look(&self, repository: &RepoName) -> Result<Looked, StoreError> {
        let (forge, now) = (self.forge.name().clone(), self.clock.now());
        match self.standing(repository).await {
            Ok(standing) => {
                let found = self.store.note_standing(forge, repository.clone(), standing, now);
                for delivery in found.await? {
                    info!(self.log, "found what no webhook told of";
                        keys::REPOSITORY => %repository, keys::DELIVERY => %delivery);
                }
                debug!(self.log, "repository swept"; keys::REPOSITORY => %repository);
                Ok(Looked::Done)
            }
            Err(error) => {
                warn!(self.log, "repository not swept";
                    keys::REPOSITORY => %repository, keys::ERROR => chain(&error));
                let looked = Looked::failed(&error);
                if let Looked::Failed = looked {
                    self.store.note_no_standing(forge, repository.clone(), now).await?;
                }
                Ok(looked)
            }
        }
    }

    async fn standing(&self, repository: &RepoName) -> Result<Standing, ForgeError> {
        let looking = tokio::time::timeout(LOOK_TIMEOUT, self.forge.standing(repository));
        looking.await.unwrap_or_else(|elapsed| {
            let what = format!("what {repository} holds");
            Err(ForgeError::Unreachable { what, source: Box::new(elapsed) })
        })
    }
}

/// How a look at the forge ended.
enum Looked {
    /// Well.
    Done,
    /// Badly, for a reason that has to do with what was looked at.
    Failed,
    /// The forge wants no more of its owner's to be looked at for now.
    Busy,
    /// The forge is down: it is left in peace.
    Down,
}

impl Looked {
    fn failed(error: &ForgeError) -> Self {
        match error {
            ForgeError::Unreachable { .. } | ForgeError::Refused { status: 500..=599, .. } => {
                Self::Down
            }
            ForgeError::Refused { status: 429, .. }
            | ForgeError::Refused { retry: Retry::After(_), .. } => Self::Busy,
            _ => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests;
