//! Brings a forge's view to the store's view.
//!
//! The store keeps one wish per check: the newest state that the commit is to
//! show, with a version. A wish is sent until the forge has taken that version,
//! so states that were overtaken meanwhile are never sent and the forge is
//! finally equal (invariant I3). Sending twice is harmless.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use futures::StreamExt as _;
use slog::{Logger, debug, error, warn};
use solstice_forge::{Check, Forge, ForgeError, Retry};
use solstice_log::{chain, keys};
use solstice_store::{DueReport, ReportFailure, Store, StoreError};

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
    /// Where the wishes are.
    pub store: Store,
    /// Who is to show them.
    pub forge: Arc<dyn Forge>,
    /// Says when a pause is over.
    pub clock: Arc<dyn Clock>,
    /// Where failures are told.
    pub log: Logger,
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

impl Report {
    async fn send_all(&self) -> Result<Next, StoreError> {
        let forge = self.forge.name();
        loop {
            let due = self.store.due_reports(forge.clone(), self.clock.now(), BATCH).await?;
            if due.is_empty() {
                break;
            }
            let sent: Vec<Result<(), StoreError>> = futures::stream::iter(due)
                .map(|wish| self.send(wish))
                .buffer_unordered(CONCURRENCY)
                .collect()
                .await;
            sent.into_iter().collect::<Result<(), _>>()?;
        }
        let next = self.store.next_report_try(forge.clone()).await?;
        Ok(next.map_or(Next::Idle, |at| Next::After(until(at, &*self.clock))))
    }

    /// Sends one wish and notes what became of it.
    async fn send(&self, wish: DueReport) -> Result<(), StoreError> {
        let subject = wish.subject();
        let check = Check {
            repository: &wish.repository,
            commit: &wish.commit,
            subject: &subject,
            report: &wish.report,
            details: None,
        };
        let sending = self.forge.report(&check);
        let failed = match tokio::time::timeout(REQUEST_TIMEOUT, sending).await {
            Ok(Ok(())) => {
                debug!(self.log, "report sent";
                    keys::REPOSITORY => %wish.repository, keys::COMMIT => %wish.commit,
                    keys::STATE => ?wish.report.state);
                return self.store.report_sent(wish.id, wish.version).await;
            }
            Ok(Err(error)) => error,
            Err(elapsed) => {
                ForgeError::Unreachable { what: "a report".to_owned(), source: Box::new(elapsed) }
            }
        };
        let error = chain(&failed);
        let pause = pause(patience(&failed), wish.tries).filter(|_| wish.tries < MAX_TRIES);
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
mod tests {
    use super::*;

    #[test]
    fn what_an_operator_can_mend_is_tried_again() {
        let refused = |status| ForgeError::Refused {
            what: "POST".to_owned(),
            status,
            message: String::new(),
            retry: Retry::Never,
        };
        assert_eq!(patience(&refused(403)), Retry::Backoff);
        assert_eq!(patience(&refused(404)), Retry::Backoff);
        assert_eq!(patience(&refused(422)), Retry::Never);
    }

    #[test]
    fn pauses_grow_up_to_a_bound_and_obey_the_forge() {
        let seconds = |retry, tries| pause(retry, tries).map(|pause| pause.num_seconds());
        assert_eq!(seconds(Retry::Backoff, 0), Some(1));
        assert_eq!(seconds(Retry::Backoff, 3), Some(8));
        assert_eq!(seconds(Retry::Backoff, 1000), Some(600));
        assert_eq!(seconds(Retry::After(Duration::from_secs(90)), 0), Some(90));
        assert_eq!(seconds(Retry::After(Duration::ZERO), 5), Some(1));
        assert_eq!(seconds(Retry::After(Duration::from_secs(1 << 40)), 0), Some(3600));
        assert_eq!(seconds(Retry::Never, 0), None);
    }
}
