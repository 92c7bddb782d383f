//! From a delivery on disk to runs, or to a recorded reason (invariant I2).

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use slog::{Logger, error, info, warn};
use solstice_forge::{Event, Forge, ForgeError, Interpretation};
use solstice_log::{chain, keys};
use solstice_model::DeliveryId;
use solstice_policy::OperatorPolicy;
use solstice_store::{NewRuns, Store, StoreError, Verdict, WaitingDelivery};

use crate::clock::Clock;
use crate::driver::{Activation, Next};
use crate::leases::until;
use crate::reports::pause;
use crate::start::{Started, Starts, Trouble};

/// Deliveries of one forge that are worked on at the same time. Each may hold
/// a body of 25 MiB.
const CONCURRENCY: usize = 4;

/// How often the forge is asked for what a delivery needs: with pauses of up to
/// ten minutes that takes an hour, and longer where the forge asks for patience.
/// Tries are counted, not time, because the server may have been down meanwhile.
const MAX_TRIES: u32 = 15;

/// How often work on a delivery may end with the process. Less often than what
/// service managers take for a reason not to start a program again.
const MAX_CRASHES: u32 = 3;

/// Interprets the deliveries of one forge.
pub struct InterpretDeliveries {
    /// Where deliveries wait.
    pub store: Store,
    /// Who sent them.
    pub forge: Arc<dyn Forge>,
    /// Who may start what there, as the operator says (invariant I10).
    pub policy: OperatorPolicy,
    /// Says when a pause is over.
    pub clock: Arc<dyn Clock>,
    /// Where verdicts are told.
    pub log: Logger,
}

/// What is to become of a delivery.
enum Fate {
    /// These runs.
    Runs(Box<(Event, NewRuns)>),
    /// Runs are of no use any more.
    Ends(Box<Event>),
    /// Nothing, for this reason.
    Nothing(Verdict),
    /// The forge did not answer.
    Later(ForgeError),
}

/// A delivery whose fate is known.
struct Decided {
    id: DeliveryId,
    tries: u32,
    fate: Fate,
}

#[async_trait]
impl Activation for InterpretDeliveries {
    async fn activate(&self) -> Next {
        match self.interpret_all().await {
            Ok(next) => next,
            Err(error) => {
                error!(self.log, "cannot work on deliveries"; keys::ERROR => chain(&error));
                Next::Idle
            }
        }
    }
}

impl InterpretDeliveries {
    async fn interpret_all(&self) -> Result<Next, StoreError> {
        let forge = self.forge.name();
        loop {
            let now = self.clock.now();
            let waiting =
                self.store.next_waiting_deliveries(forge.clone(), now, CONCURRENCY).await?;
            if waiting.is_empty() {
                break;
            }
            self.interpret_batch(waiting).await?;
        }
        let next = self.store.next_delivery_try(forge.clone()).await?;
        Ok(next.map_or(Next::Idle, |at| Next::After(until(at, &*self.clock))))
    }

    /// Decides on deliveries and writes down what becomes of them. What ends runs
    /// comes last: those that it ends may be of the same batch.
    async fn interpret_batch(&self, waiting: Vec<WaitingDelivery>) -> Result<(), StoreError> {
        let mut decided = futures::stream::iter(waiting)
            .map(|delivery| self.decide(delivery))
            .buffer_unordered(CONCURRENCY);
        let mut last = Vec::new();
        while let Some(one) = decided.next().await {
            match one? {
                ends @ Decided { fate: Fate::Ends(_), .. } => last.push(ends),
                other => self.settle(other).await?,
            }
        }
        for one in last {
            self.settle(one).await?;
        }
        Ok(())
    }

    /// Writes down what becomes of a delivery.
    async fn settle(&self, decided: Decided) -> Result<(), StoreError> {
        let Decided { id, tries, fate } = decided;
        let now = self.clock.now();
        match fate {
            Fate::Runs(planned) => {
                let (event, runs) = *planned;
                let made = self.store.finish_delivery_with_runs(id, event, runs, now).await?;
                for run in made.iter().filter(|run| run.new) {
                    info!(self.log, "run made"; keys::DELIVERY => %id, keys::RUN => %run.run);
                }
                Ok(())
            }
            Fate::Ends(event) => {
                let ended = self.store.finish_delivery_with_cancellation(id, *event, now).await?;
                for job in ended {
                    info!(self.log, "job cancelled"; keys::DELIVERY => %id, keys::JOB => %job);
                }
                Ok(())
            }
            Fate::Nothing(verdict) => self.dismiss(id, verdict).await,
            Fate::Later(failed) => {
                let error = chain(&failed);
                match pause(failed.retry(), tries).filter(|_| tries + 1 < MAX_TRIES) {
                    Some(pause) => {
                        warn!(self.log, "forge not asked";
                            keys::DELIVERY => %id, keys::ERROR => &error);
                        self.store.postpone_delivery(id, now + pause, error).await
                    }
                    None => {
                        let reason =
                            format!("what it needs of the forge could not be read: {error}");
                        self.dismiss(id, Verdict::Rejected { reason }).await
                    }
                }
            }
        }
    }

    async fn dismiss(&self, id: DeliveryId, verdict: Verdict) -> Result<(), StoreError> {
        let (Verdict::Ignored { reason } | Verdict::Rejected { reason }) = &verdict;
        info!(self.log, "delivery starts nothing"; keys::DELIVERY => %id, keys::REASON => reason);
        self.store.finish_delivery(id, verdict, self.clock.now()).await
    }

    async fn decide(&self, delivery: WaitingDelivery) -> Result<Decided, StoreError> {
        let WaitingDelivery { id, tries, event, body, .. } = delivery;
        let fate = match self.store.begin_delivery_try(id).await? {
            MAX_CRASHES.. => {
                let reason = format!("work on it ended with the server {MAX_CRASHES} times");
                Fate::Nothing(Verdict::Rejected { reason })
            }
            _ => self.fate(event, body).await?,
        };
        Ok(Decided { id, tries, fate })
    }

    async fn fate(&self, event: String, body: Vec<u8>) -> Result<Fate, StoreError> {
        let forge = Arc::clone(&self.forge);
        let reading = tokio::task::spawn_blocking(move || forge.interpret(&event, &body));
        let event = match reading.await {
            Ok(Interpretation::Event(event)) => event,
            Ok(Interpretation::Ignored { reason }) => {
                return Ok(Fate::Nothing(Verdict::Ignored { reason }));
            }
            Ok(Interpretation::Malformed { reason }) => {
                return Ok(Fate::Nothing(Verdict::Rejected { reason }));
            }
            // A panic where panics unwind; a release build aborts and is restarted.
            Err(_) => {
                let reason = "the body made the interpreter fail".to_owned();
                return Ok(Fate::Nothing(Verdict::Rejected { reason }));
            }
        };
        match &event {
            Event::Push(_) | Event::PullRequest(_) | Event::MergeGroup(_) => {}
            Event::CheckRequest(_) => {
                let reason = "buttons of checks are not obeyed yet".to_owned();
                return Ok(Fate::Nothing(Verdict::Ignored { reason }));
            }
            Event::PullRequestClosed { .. } | Event::RefDeleted { .. } => {
                return Ok(Fate::Ends(Box::new(event)));
            }
        }
        let (store, forge, operator, log) = (&self.store, &*self.forge, &self.policy, &self.log);
        match (Starts { store, forge, operator, log }).of(event).await {
            Ok(Started::Runs(event, runs)) => Ok(Fate::Runs(Box::new((event, runs)))),
            Ok(Started::Nothing(verdict)) => Ok(Fate::Nothing(verdict)),
            Err(Trouble::Forge(error)) => Ok(Fate::Later(error)),
            Err(Trouble::Store(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
