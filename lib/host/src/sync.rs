//! Brings what this host does to what the server wants.
//!
//! One call states both sets whole: the room and the attempts here, the
//! attempts wanted there. The answer is compared with what is here; what is new
//! is begun, what is not listed is ended. A lost answer is mended by the next
//! one. While the server is away, machines keep running.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use slog::{Logger, info, warn};
use solstice_api::host::{HostImage, HostReport, SyncRequest, SyncResponse};
use solstice_log::{chain, keys};
use solstice_model::{Assignment, AttemptId};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::attempt::{Attempt, Driver, Origin, Provenance, Tools};
use crate::backoff::Backoff;
use crate::ledger::Entry;
use crate::registry::{Known, Registry};
use crate::seats::Seat;
use crate::server::{Server, ServerError};
use crate::settings::{ImageSettings, Settings};
use crate::shutdown::Shutdown;
use crate::stage::Ending;
use crate::tasks::Tasks;
use crate::telemetry::Telemetry;

/// An answer that brings nothing new and comes quicker than this was no wait.
const TOO_QUICK: Duration = Duration::from_millis(50);

/// How long the last word to the server may take.
const RETRACT_LIMIT: Duration = Duration::from_secs(2);

/// The sync loop and what it works with.
pub(crate) struct SyncLoop {
    pub(crate) settings: Arc<Settings>,
    pub(crate) tools: Tools,
    pub(crate) origin: Origin,
    pub(crate) registry: Arc<Registry>,
    pub(crate) tasks: Tasks,
    /// How many answers were taken in; nothing is destroyed before the first.
    pub(crate) synced: watch::Sender<u64>,
    /// Entries of the ledger, registered, whose drivers wait for the first answer.
    pub(crate) adopted: Vec<(Arc<Attempt>, Seat)>,
    /// Entries of the ledger that cannot be taken up, with the reason.
    pub(crate) orphans: Vec<(Entry, String)>,
    /// Where it is told whether the server is there.
    pub(crate) telemetry: Telemetry,
    pub(crate) log: Logger,
}

/// How the server was at the last call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    Unknown,
    Here,
    Away,
}

impl SyncLoop {
    /// Syncs until dropped.
    ///
    /// # Errors
    ///
    /// If the server refuses the token in the very first answer that it gives.
    pub(crate) async fn run(
        mut self,
        shutdown: watch::Receiver<Shutdown>,
    ) -> Result<std::convert::Infallible, ServerError> {
        let limits = self.settings.limits;
        let mut backoff = Backoff::new(limits.retry_min, limits.retry_max);
        let mut presence = Presence::Unknown;
        let mut known: BTreeSet<AttemptId> = self.adopted.iter().map(|(it, _)| it.id()).collect();
        let mut freed = self.tools.seats.freed();
        let mut shutdown = shutdown;
        loop {
            freed.mark_unchanged();
            shutdown.mark_unchanged();
            let wait = if presence == Presence::Here { limits.poll } else { Duration::ZERO };
            let request = self.request(&known, wait, *shutdown.borrow());
            let round = self.registry.begin_round();
            let asked_at = Instant::now();
            let answer = tokio::select! {
                answer = self.tools.server.sync(&request) => answer,
                // What was offered is no longer true: ask anew.
                changed = freed.changed() => { changed.expect("we hold the seats"); continue }
                Ok(()) = shutdown.changed() => continue,
            };
            match answer {
                Ok(answer) => {
                    backoff.reset();
                    self.note(&mut presence, Presence::Here, "");
                    let wanted = self.take(answer, round).await;
                    let idle = wanted == known && wait > TOO_QUICK;
                    known = wanted;
                    if idle && asked_at.elapsed() < TOO_QUICK {
                        sleep(limits.retry_min).await;
                    }
                }
                Err(error @ ServerError::Unauthorized { .. })
                    if presence != Presence::Here && *self.synced.borrow() == 0 =>
                {
                    return Err(error);
                }
                Err(error) => {
                    self.note(&mut presence, Presence::Away, &chain(&error));
                    sleep(backoff.pause()).await;
                }
            }
        }
    }

    fn request(&self, known: &BTreeSet<AttemptId>, wait: Duration, state: Shutdown) -> SyncRequest {
        let (offers, room) = match state {
            // The first answer lists only what a former orchestrator was given.
            Shutdown::Run if *self.synced.borrow() > 0 => self.tools.seats.offers(),
            _ => (Vec::new(), 0),
        };
        SyncRequest {
            host: self.settings.host.clone(),
            offers,
            room,
            known: known.iter().copied().collect(),
            wait_ms: u32::try_from(wait.as_millis()).unwrap_or(u32::MAX).min(30_000),
            sizes: self.settings.sizes.keys().cloned().collect(),
            images: self.settings.images.iter().map(host_image).collect(),
        }
    }

    /// Takes back what was offered, so that the server gives no job to a host
    /// that is about to stop.
    pub(crate) async fn retract(server: &Server, settings: &Settings) {
        let nothing = SyncRequest {
            host: settings.host.clone(),
            offers: Vec::new(),
            room: 0,
            known: Vec::new(),
            wait_ms: 0,
            sizes: settings.sizes.keys().cloned().collect(),
            images: settings.images.iter().map(host_image).collect(),
        };
        // A server that is away gives no jobs either.
        drop(timeout(RETRACT_LIMIT, server.sync(&nothing)).await);
    }

    fn note(&self, presence: &mut Presence, now: Presence, why: &str) {
        if *presence == now {
            return;
        }
        self.telemetry.set_server(now == Presence::Here);
        match now {
            Presence::Away => {
                warn!(self.log, "the server is away, machines keep running"; keys::REASON => why);
            }
            _ => info!(self.log, "the server is here"),
        }
        *presence = now;
    }

    /// Takes an answer in; returns what is wanted.
    async fn take(&mut self, answer: SyncResponse, round: u64) -> BTreeSet<AttemptId> {
        let wanted: BTreeSet<_> = answer.wanted.iter().map(|it| it.attempt).collect();
        let first = *self.synced.borrow() == 0;
        for attempt in self.registry.all() {
            if !wanted.contains(&attempt.id()) {
                attempt.end(Ending::Unwanted).await;
            }
        }
        if first {
            self.take_up_ledger(&wanted);
        }
        for assignment in answer.wanted {
            match self.registry.known(assignment.attempt, round) {
                Known::Here | Known::JustEnded => {}
                Known::New => {
                    let from = if first { Provenance::Unrecorded } else { Provenance::New };
                    self.begin(assignment, from).await;
                }
                Known::Ended => {
                    let why = "this host has ended the attempt already".to_owned();
                    self.refuse(assignment.attempt, why);
                }
            }
        }
        self.registry.forget_ended(&wanted, round);
        self.synced.send_modify(|count| *count += 1);
        wanted
    }

    /// Goes on with what a former orchestrator of this host had begun.
    fn take_up_ledger(&mut self, wanted: &BTreeSet<AttemptId>) {
        for (attempt, seat) in std::mem::take(&mut self.adopted) {
            self.drive(attempt, Some(seat), Provenance::Recorded);
        }
        for (entry, why) in std::mem::take(&mut self.orphans) {
            let id = entry.assignment.attempt;
            if wanted.contains(&id) {
                self.refuse(id, why);
            }
            // Its machine is nobody's now: the sweep removes it.
            if let Err(error) = self.tools.ledger.remove(id) {
                warn!(self.log, "cannot write the ledger"; keys::ERROR => chain(&error));
            }
        }
    }

    async fn begin(&mut self, assignment: Assignment, from: Provenance) {
        let id = assignment.attempt;
        let label = assignment.spec.runs_on.clone();
        let found = self.settings.images.iter().position(|it| it.labels.contains(&label));
        let Some(image) = found else {
            return self.refuse(id, format!("this host does not offer the label {label}"));
        };
        let name = self.settings.images[image].image.name.clone();
        info!(self.log, "attempt taken";
            keys::ATTEMPT => id.to_string(), keys::JOB => assignment.job.to_string(),
            keys::REPOSITORY => assignment.source.repository.to_string(),
            keys::COMMIT => assignment.source.commit.to_string(), keys::IMAGE => name.to_string());
        match Attempt::take(&self.origin, assignment, image, name).await {
            Ok(attempt) => {
                self.registry.add(attempt.clone());
                let seat = self.tools.seats.try_take(image);
                self.drive(attempt, seat, from);
            }
            Err(error) => {
                self.refuse(id, format!("the host cannot write its ledger: {}", chain(&error)));
            }
        }
    }

    fn drive(&self, attempt: Arc<Attempt>, seat: Option<Seat>, from: Provenance) {
        let image = self.settings.images[attempt.image].clone();
        let (id, registry) = (attempt.id(), self.registry.clone());
        let driver = Driver::new(attempt, image, self.tools.clone(), seat, from);
        self.tasks.spawn(async move {
            driver.run().await;
            registry.finish(id);
        });
    }

    /// Tells the server that an attempt comes to nothing here.
    fn refuse(&self, id: AttemptId, why: String) {
        warn!(self.log, "attempt refused";
            keys::ATTEMPT => id.to_string(), keys::REASON => &why);
        self.registry.finish(id);
        let (server, limits) = (self.tools.server.clone(), self.settings.limits);
        self.tasks.spawn(async move {
            let mut backoff = Backoff::new(limits.retry_min, limits.retry_max);
            let report = HostReport::lost(&why);
            while let Err(ServerError::Away { .. } | ServerError::Unauthorized { .. }) =
                server.report(id, &report).await
            {
                sleep(backoff.pause()).await;
            }
        });
    }
}

/// What the server is to know of an image.
fn host_image(it: &ImageSettings) -> HostImage {
    HostImage { name: it.image.name.clone(), digest: it.digest, labels: it.labels.clone() }
}
