//! From a delivery on disk to runs, or to a recorded reason (invariant I2).

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use slog::{Logger, error, info, warn};
use solstice_api::user::DeliverySource;
use solstice_forge::{CheckRequest, Event, Forge, ForgeError, Interpretation};
use solstice_joblog::JobLogs;
use solstice_log::{chain, keys};
use solstice_model::{CommitSha, DeliveryId, JobId, RepoName};
use solstice_policy::OperatorPolicy;
use solstice_store::{NewRuns, Store, StoreError, Verdict, WaitingDelivery};

use crate::clock::Clock;
use crate::driver::{Activation, Next};
use crate::leases::until;
use crate::records::close_logs;
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
    /// The logs of attempts, closed as these are cancelled.
    pub logs: JobLogs,
    /// Says when a pause is over.
    pub clock: Arc<dyn Clock>,
    /// Where verdicts are told.
    pub log: Logger,
}

/// What is to become of a delivery.
pub(crate) enum Fate {
    /// These runs.
    Runs(Box<(Event, NewRuns)>),
    /// Runs are of no use any more.
    Ends(Box<Event>),
    /// What somebody wants of the checks of a commit, and may.
    Act(Box<CheckRequest>),
    /// Nothing, for this reason.
    Nothing(Verdict),
    /// Nothing, for this reason; where its ref is was heard all the same.
    Heard(Box<Event>, String),
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
                self.ended(id, ended).await;
                Ok(())
            }
            Fate::Act(request) => self.act(id, *request).await,
            Fate::Nothing(verdict) => self.dismiss(id, verdict).await,
            Fate::Heard(event, reason) => {
                info!(self.log, "delivery starts nothing";
                    keys::DELIVERY => %id, keys::REASON => &reason);
                self.store.ignore_event(id, *event, reason, now).await
            }
            Fate::Later(failed) => {
                let error = chain(&failed);
                match pause(failed.retry(), tries).filter(|_| tries + 1 < MAX_TRIES) {
                    Some(pause) => {
                        warn!(self.log, "forge did not answer";
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

    /// Tells of jobs that were cancelled, and closes their logs.
    pub(crate) async fn ended(&self, id: DeliveryId, jobs: Vec<JobId>) {
        for job in jobs {
            info!(self.log, "job cancelled"; keys::DELIVERY => %id, keys::JOB => %job);
            close_logs(&self.store, &self.logs, job).await;
        }
    }

    async fn dismiss(&self, id: DeliveryId, verdict: Verdict) -> Result<(), StoreError> {
        let (Verdict::Ignored { reason } | Verdict::Rejected { reason }) = &verdict;
        info!(self.log, "delivery starts nothing"; keys::DELIVERY => %id, keys::REASON => reason);
        self.store.finish_delivery(id, verdict, self.clock.now()).await
    }

    async fn decide(&self, delivery: WaitingDelivery) -> Result<Decided, StoreError> {
        let WaitingDelivery { id, tries, event, source, body, .. } = delivery;
        let fate = match self.store.begin_delivery_try(id).await? {
            MAX_CRASHES.. => {
                let reason = format!("work on it ended with the server {MAX_CRASHES} times");
                Fate::Nothing(Verdict::Rejected { reason })
            }
            _ => match self.read(source, event, body).await {
                Ok(event) => {
                    if let Some((repository, commit)) = told_of(&event) {
                        self.store.note_subject(id, repository, commit).await?;
                    }
                    match event {
                        Event::CheckRequest(request) => self.permit(request).await?,
                        event => self.fate_heard(event).await?,
                    }
                }
                Err(verdict) => Fate::Nothing(verdict),
            },
        };
        Ok(Decided { id, tries, fate })
    }

    /// Reads what a delivery tells of, or why it tells of nothing.
    async fn read(
        &self,
        source: DeliverySource,
        event: String,
        body: Vec<u8>,
    ) -> Result<Event, Verdict> {
        let forge = Arc::clone(&self.forge);
        let reading = tokio::task::spawn_blocking(move || match source {
            DeliverySource::Webhook => forge.interpret(&event, &body),
            // Nobody but ourselves can write that source.
            DeliverySource::Sweep => serde_json::from_slice(&body).map_or_else(
                |error| Interpretation::Malformed { reason: error.to_string() },
                Interpretation::Event,
            ),
        });
        match reading.await {
            Ok(Interpretation::Event(event)) => Ok(event),
            Ok(Interpretation::Ignored { reason }) => Err(Verdict::Ignored { reason }),
            Ok(Interpretation::Malformed { reason }) => Err(Verdict::Rejected { reason }),
            // A panic where panics unwind; a release build aborts and is restarted.
            Err(_) => {
                Err(Verdict::Rejected { reason: "the body made the interpreter fail".to_owned() })
            }
        }
    }

    /// What becomes of an event. Where its ref is was heard even if it starts nothing.
    async fn fate_heard(&self, event: Event) -> Result<Fate, StoreError> {
        let heard = event.clone();
        Ok(match self.fate(event).await? {
            Fate::Nothing(Verdict::Ignored { reason }) => Fate::Heard(Box::new(heard), reason),
            fate => fate,
        })
    }

    async fn fate(&self, event: Event) -> Result<Fate, StoreError> {
        match &event {
            Event::Push(_) | Event::PullRequest(_) | Event::MergeGroup(_) => {}
            // See `requests`.
            Event::CheckRequest(_) => {
                let reason = "it is no push".to_owned();
                return Ok(Fate::Nothing(Verdict::Ignored { reason }));
            }
            Event::PullRequestClosed { .. } | Event::RefDeleted { .. } => {
                return Ok(Fate::Ends(Box::new(event)));
            }
        }
        let (store, forge, operator, log) = (&self.store, &*self.forge, &self.policy, &self.log);
        match (Starts { store, forge, operator, log }).of(event).await {
            Ok(Started::Runs(started)) => Ok(Fate::Runs(started)),
            Ok(Started::Nothing(verdict)) => Ok(Fate::Nothing(verdict)),
            Err(Trouble::Forge(error)) => Ok(Fate::Later(error)),
            Err(Trouble::Store(error)) => Err(error),
        }
    }
}

/// The commit that an event is about, and where that is.
fn told_of(event: &Event) -> Option<(RepoName, CommitSha)> {
    let push = match event {
        Event::Push(push) => push,
        Event::PullRequest(told) => &told.head,
        Event::MergeGroup(entry) => &entry.head,
        Event::CheckRequest(request) => {
            return Some((request.repository.name.clone(), request.commit.clone()));
        }
        Event::PullRequestClosed { .. } | Event::RefDeleted { .. } => return None,
    };
    Some((push.repository.name.clone(), push.commit.clone()))
}

#[cfg(test)]
mod tests;
