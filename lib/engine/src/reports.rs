//! Brings a forge's view to the store's view.
//!
//! The store keeps one wish per check: the newest state that the commit is to
//! show, with a version. A wish is sent until the forge has taken that version,
//! so states that were overtaken meanwhile are never sent and the forge is
//! finally equal (invariant I3). Sending twice is harmless.
//!
//! Ends are sent before beginnings, and these before progress. How often one check
//! and one owner of repositories may be told is the forge's [`Pace`](solstice_forge::Pace);
//! what may not be sent yet waits in the store. Where a forge shows details, they are
//! put together when the wish is sent.

mod details;
mod gather;
mod markdown;
mod tail;
mod throttle;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use futures::StreamExt as _;
use slog::{Logger, debug, error, warn};
use solstice_forge::{Check, CheckDetails, Forge, ForgeError, Retry};
use solstice_joblog::JobLogs;
use solstice_log::{chain, keys};
use solstice_metrics::Counter;
use solstice_store::{DueReport, Heed, ReportFailure, Store, StoreError};

use self::throttle::Throttle;
use crate::clock::Clock;
use crate::driver::{Activation, Next};
use crate::leases::until;

/// Requests to one forge at the same time.
const CONCURRENCY: usize = 4;

/// Wishes looked at together.
const BATCH: usize = 64;

/// After this long a request counts as failed.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Tries after which a wish is given up; with pauses of up to ten minutes this
/// is more than a week.
const MAX_TRIES: u32 = 1_100;

/// The longest pause between two tries.
pub(crate) const MAX_PAUSE: Duration = Duration::from_secs(600);

/// Sends the reports of one forge.
pub struct Report {
    store: Store,
    logs: JobLogs,
    forge: Arc<dyn Forge>,
    clock: Arc<dyn Clock>,
    throttle: Throttle,
    /// How often a report had to wait for its owner's turn.
    waits: Counter,
    log: Logger,
}

#[async_trait]
impl Activation for Report {
    async fn activate(&self) -> Next {
        match self.send_all().await {
            Ok(next) => next,
            Err(error) => {
                error!(self.log, "cannot read the outbox"; keys::ERROR => chain(&error));
                Next::Idle
            }
        }
    }
}

/// A wish, and what more of it its forge shows.
type Detailed = (DueReport, Option<CheckDetails>);

impl Report {
    /// The wishes are in the store, the ends of logs in `logs`; the clock says when
    /// a pause is over.
    pub fn new(
        store: Store,
        logs: JobLogs,
        forge: Arc<dyn Forge>,
        clock: Arc<dyn Clock>,
        log: Logger,
    ) -> Self {
        let throttle = Throttle::new(forge.pace());
        Self { store, logs, forge, clock, throttle, waits: Counter::default(), log }
    }

    /// Counts here how often a report has to wait because its owner has been told
    /// enough for now.
    pub fn count_waits(mut self, waits: Counter) -> Self {
        self.waits = waits;
        self
    }

    async fn send_all(&self) -> Result<Next, StoreError> {
        let forge = self.forge.name();
        loop {
            let (heed, _) = self.heed();
            let now = self.clock.now();
            let due = self.store.next_reports(forge.clone(), now, heed, BATCH).await?;
            if due.is_empty() {
                break;
            }
            // However long each takes to be put together, they take their turns in order.
            let sent: Vec<Result<(), StoreError>> = futures::stream::iter(due)
                .map(|wish| self.with_details(wish))
                .buffered(CONCURRENCY)
                .map(|wish| self.send_in_turn(wish))
                .buffer_unordered(CONCURRENCY)
                .collect()
                .await;
            sent.into_iter().collect::<Result<(), _>>()?;
        }
        let (heed, free_in) = self.heed();
        let next = self.store.next_report_try(forge.clone(), heed).await?;
        let next = next.map(|at| until(at, &*self.clock));
        Ok(next.into_iter().chain(free_in).min().map_or(Next::Idle, Next::After))
    }

    /// What keeps wishes back now, and how long until some owner is free again.
    fn heed(&self) -> (Heed, Option<Duration>) {
        let elapsed = self.clock.elapsed();
        let (paused, first) = self.throttle.busy(elapsed);
        let free_in = first.map(|free_at| free_at.saturating_sub(elapsed));
        (Heed { progress: self.forge.pace().progress, paused }, free_in)
    }

    async fn with_details(&self, wish: DueReport) -> Result<Detailed, StoreError> {
        let details = match self.forge.pace().details {
            true => Some(gather::details(&self.store, &self.logs, &wish, &self.log).await?),
            false => None,
        };
        Ok((wish, details))
    }

    /// Sends one wish, unless its owner has been told enough for now; then it stays due.
    /// Takes its turn before it waits for anything.
    async fn send_in_turn(&self, wish: Result<Detailed, StoreError>) -> Result<(), StoreError> {
        let (wish, details) = wish?;
        let (owner, pace) = (wish.owner().to_owned(), self.forge.pace());
        let requests = pace.requests(details.as_ref());
        if !self.throttle.take(&owner, requests, self.clock.elapsed()) {
            self.waits.inc();
            return Ok(());
        }
        let subject = wish.subject();
        let check = Check {
            repository: &wish.repository,
            commit: &wish.commit,
            subject: &subject,
            report: &wish.report,
            details: details.as_ref(),
        };
        match self.tell(&check).await {
            Ok(()) => {
                debug!(self.log, "report sent";
                    keys::REPOSITORY => %wish.repository, keys::COMMIT => %wish.commit,
                    keys::STATE => ?wish.report.state);
                self.store.report_sent(wish.id, wish.version, self.clock.now()).await
            }
            Err(failed) => self.failed(&wish, &owner, &failed).await,
        }
    }

    async fn tell(&self, check: &Check<'_>) -> Result<(), ForgeError> {
        match tokio::time::timeout(REQUEST_TIMEOUT, self.forge.report(check)).await {
            Ok(told) => told,
            Err(elapsed) => Err(ForgeError::Unreachable {
                what: "a report".to_owned(),
                source: Box::new(elapsed),
            }),
        }
    }

    /// Notes when a wish is sent again. A forge that asks for patience means all
    /// that is its owner's.
    async fn failed(
        &self,
        wish: &DueReport,
        owner: &str,
        failed: &ForgeError,
    ) -> Result<(), StoreError> {
        let error = chain(failed);
        let retry = patience(failed);
        let pause = pause(retry, wish.tries).filter(|_| wish.tries < MAX_TRIES);
        if let (Retry::After(_), Some(Ok(pause))) = (retry, pause.map(|pause| pause.to_std())) {
            self.throttle.pause(owner, pause, self.clock.elapsed());
        }
        warn!(self.log, "report not sent";
            keys::REPOSITORY => %wish.repository, keys::COMMIT => %wish.commit,
            keys::ERROR => &error, keys::COUNT => wish.tries + 1);
        let failure = match pause {
            Some(pause) => ReportFailure::Retry { next_try_at: self.clock.now() + pause, error },
            None => ReportFailure::GiveUp { error },
        };
        self.store.report_failed(wish.id, wish.version, failure).await
    }
}

/// Whether a wish is sent again. A forge that forbids, or does not see the
/// repository, may have been told otherwise by tomorrow (invariant I3); only a
/// request that it finds senseless stays senseless.
fn patience(error: &ForgeError) -> Retry {
    match error {
        ForgeError::Refused { status: 401 | 403 | 404, retry: Retry::Never, .. } => Retry::Backoff,
        other => other.retry(),
    }
}

/// How long to wait before the next try, if there is to be one: what the forge
/// asks for, or 1 s, 2 s, 4 s, … up to [`MAX_PAUSE`].
pub(crate) fn pause(retry: Retry, tries: u32) -> Option<TimeDelta> {
    let growing = Duration::from_secs(1u64 << tries.min(10));
    let pause = match retry {
        Retry::Never => return None,
        Retry::Backoff => growing.min(MAX_PAUSE),
        Retry::After(asked) => asked.clamp(Duration::from_secs(1), Duration::from_secs(3600)),
    };
    TimeDelta::from_std(pause).ok()
}

#[cfg(test)]
mod tests;
