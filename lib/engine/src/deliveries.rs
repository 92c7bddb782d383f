//! From a delivery on disk to runs, or to a recorded reason (invariant I2).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use futures::StreamExt as _;
use slog::{Logger, error, info, warn};
use solstice_forge::{Event, Forge, ForgeError, Interpretation, Push, WorkflowFile};
use solstice_log::{chain, keys};
use solstice_store::{Store, StoreError, Verdict, WaitingDelivery};

use crate::clock::Clock;
use crate::driver::{Activation, Next};
use crate::leases::until;
use crate::plan::{Plan, plan_push};
use crate::reports::pause;

/// Deliveries of one forge that are worked on at the same time. Each may hold
/// a body of 25 MiB.
const CONCURRENCY: usize = 4;

/// After this long a request to the forge counts as failed.
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// How long the workflow files of a delivery are asked for.
const PATIENCE: TimeDelta = TimeDelta::hours(1);

/// Interprets the deliveries of one forge.
pub struct InterpretDeliveries {
    /// Where deliveries wait.
    pub store: Store,
    /// Who sent them.
    pub forge: Arc<dyn Forge>,
    /// Says when a pause is over.
    pub clock: Arc<dyn Clock>,
    /// Where verdicts are told.
    pub log: Logger,
}

/// What is to become of a delivery.
enum Fate {
    /// These runs.
    Runs(Box<(Event, Plan)>),
    /// Nothing, for this reason.
    Nothing(Verdict),
    /// The forge did not answer.
    Later(ForgeError),
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
            let done: Vec<Result<(), StoreError>> = futures::stream::iter(waiting)
                .map(|delivery| self.interpret(delivery))
                .buffer_unordered(CONCURRENCY)
                .collect()
                .await;
            done.into_iter().collect::<Result<(), _>>()?;
        }
        let next = self.store.next_delivery_try(forge.clone()).await?;
        Ok(next.map_or(Next::Idle, |at| Next::After(until(at, &*self.clock))))
    }

    /// Decides on one delivery and writes it down.
    async fn interpret(&self, delivery: WaitingDelivery) -> Result<(), StoreError> {
        let (id, tries, received_at) = (delivery.id, delivery.tries, delivery.received_at);
        let fate = self.decide(delivery).await;
        let now = self.clock.now();
        match fate {
            Fate::Runs(planned) => {
                let (event, plan) = *planned;
                let made = self.store.finish_delivery_with_runs(id, event, plan.runs, now).await?;
                for run in made.iter().filter(|run| run.new) {
                    info!(self.log, "run made"; keys::DELIVERY => %id, keys::RUN => %run.run);
                }
                Ok(())
            }
            Fate::Nothing(verdict) => self.dismiss(id, verdict).await,
            Fate::Later(failed) => {
                let error = chain(&failed);
                let pause = pause(failed.retry(), tries)
                    .filter(|pause| now + *pause < received_at + PATIENCE);
                match pause {
                    Some(pause) => {
                        warn!(self.log, "workflow files not read";
                            keys::DELIVERY => %id, keys::ERROR => &error);
                        self.store.postpone_delivery(id, now + pause, error).await
                    }
                    None => {
                        let reason = format!("the workflow files could not be read: {error}");
                        self.dismiss(id, Verdict::Rejected { reason }).await
                    }
                }
            }
        }
    }

    async fn dismiss(
        &self,
        id: solstice_model::DeliveryId,
        verdict: Verdict,
    ) -> Result<(), StoreError> {
        let (Verdict::Ignored { reason } | Verdict::Rejected { reason }) = &verdict;
        info!(self.log, "delivery starts nothing"; keys::DELIVERY => %id, keys::REASON => reason);
        self.store.finish_delivery(id, verdict, self.clock.now()).await
    }

    async fn decide(&self, delivery: WaitingDelivery) -> Fate {
        let forge = Arc::clone(&self.forge);
        let WaitingDelivery { event, body, .. } = delivery;
        let reading = tokio::task::spawn_blocking(move || forge.interpret(&event, &body));
        let push = match reading.await {
            Ok(Interpretation::Event(Event::Push(push))) => push,
            Ok(Interpretation::Event(_)) => {
                let reason = "events of this kind start nothing yet".to_owned();
                return Fate::Nothing(Verdict::Ignored { reason });
            }
            Ok(Interpretation::Ignored { reason }) => {
                return Fate::Nothing(Verdict::Ignored { reason });
            }
            Ok(Interpretation::Malformed { reason }) => {
                return Fate::Nothing(Verdict::Rejected { reason });
            }
            // A panic where panics unwind; a release build aborts and is restarted.
            Err(_) => {
                let reason = "the body made the interpreter fail".to_owned();
                return Fate::Nothing(Verdict::Rejected { reason });
            }
        };
        match self.files(&push).await {
            Ok(files) => self.planned(push, files).await,
            Err(error) => Fate::Later(error),
        }
    }

    async fn files(&self, push: &Push) -> Result<Vec<WorkflowFile>, ForgeError> {
        let reading = self.forge.workflow_files(&push.repository.name, &push.commit);
        match tokio::time::timeout(FETCH_TIMEOUT, reading).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(ForgeError::Unreachable {
                what: "the workflow files".to_owned(),
                source: Box::new(elapsed),
            }),
        }
    }

    /// Parses the files off the async threads.
    async fn planned(&self, push: Push, files: Vec<WorkflowFile>) -> Fate {
        let planning = tokio::task::spawn_blocking(move || {
            let plan = plan_push(&push, &files);
            plan.map(|plan| Box::new((Event::Push(push), plan)))
        });
        match planning.await {
            Ok(Ok(planned)) => Fate::Runs(planned),
            Ok(Err(reason)) => Fate::Nothing(Verdict::Ignored { reason }),
            Err(_) => {
                let reason = "a workflow file made the parser fail".to_owned();
                Fate::Nothing(Verdict::Rejected { reason })
            }
        }
    }
}
