//! One attempt: what its machine's driver, its agent and the sync loop share.

mod console;
mod drive;
mod report;
mod timer;

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use slog::{Logger, info, warn};
use solstice_api::host::Phase;
use solstice_log::keys;
use solstice_model::{Assignment, AttemptId, Record, Token, TokenHash};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::time::Instant;

pub(crate) use self::drive::{Driver, Provenance, Tools};
use crate::clock::Clock;
use crate::ledger::{Entry, Ledger, Standing};
use crate::source::Prepared;
use crate::stage::{Ending, Stage, StageEvent};
use crate::telemetry::{AttemptTelemetry, Telemetry};

/// The most requests of one guest that are worked on at once.
const REQUESTS_AT_ONCE: usize = 4;

/// One attempt on this host.
pub(crate) struct Attempt {
    /// What is to be done.
    pub(crate) assignment: Assignment,
    /// Its image, by place in the settings.
    pub(crate) image: usize,
    /// Bounds what one guest may keep us busy with.
    pub(crate) requests: Semaphore,
    /// Bounds the artifacts that are on their way at once.
    pub(crate) uploads: Semaphore,
    /// What the guest has tried to hand over, repeats and all, in bytes.
    pub(crate) received: AtomicU64,
    /// The artifacts that the server finds too large, by index, with its words:
    /// the guest may not have seen the answer while it was sending.
    pub(crate) too_large: std::sync::Mutex<BTreeMap<u32, String>>,
    /// When something of an artifact last moved.
    moved: std::sync::Mutex<Option<Instant>>,
    /// How much output the server has from us, in bytes.
    logged: AtomicU64,
    /// Guards the order of batches: one is forwarded at a time. Holds what the
    /// server is known to have.
    pub(crate) forward: Mutex<Option<u64>>,
    /// When the server last did not take what the agent had to say.
    unheard: std::sync::Mutex<Option<Instant>>,
    /// How far its source is.
    pub(crate) source: watch::Sender<SourceState>,
    /// Whether the server knows that the agent runs.
    informed: watch::Sender<bool>,
    standing: watch::Sender<Standing>,
    /// Guards the entry's file: a standing is written before it counts.
    ledger: Mutex<Ledger>,
    image_name: solstice_model::ImageName,
    clock: Arc<dyn Clock>,
    /// What is told of it.
    pub(crate) telemetry: AttemptTelemetry,
    log: Logger,
}

/// How far an attempt's source is.
#[derive(Clone)]
pub(crate) enum SourceState {
    /// Nobody has asked for it.
    Idle,
    /// It is to be fetched.
    Asked,
    /// It was fetched, which took so many milliseconds, and is being packed.
    Fetched(u64),
    /// It is there.
    Ready(Arc<Prepared>),
    /// It cannot be had; the attempt is lost.
    Failed,
}

impl SourceState {
    /// Where the time for it went so far.
    pub(crate) fn phases(&self) -> Vec<Phase> {
        match self {
            SourceState::Fetched(took_ms) => {
                vec![Phase { name: "fetch".to_owned(), took_ms: *took_ms }]
            }
            SourceState::Ready(prepared) => prepared.phases(),
            SourceState::Idle | SourceState::Asked | SourceState::Failed => Vec::new(),
        }
    }
}

/// What a redemption came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Redemption {
    /// The token is redeemed now.
    First,
    /// It was redeemed before, with the same session key.
    Again,
    /// It was redeemed before, with another session key.
    Refused,
    /// The attempt is over.
    Over,
}

/// What all attempts are made with.
#[derive(Clone)]
pub(crate) struct Origin {
    pub(crate) ledger: Ledger,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) telemetry: Telemetry,
    pub(crate) log: Logger,
}

impl Attempt {
    /// A new attempt, written to the ledger.
    ///
    /// # Errors
    ///
    /// If the ledger cannot be written; nothing has begun then.
    pub(crate) async fn take(
        origin: &Origin,
        assignment: Assignment,
        image: usize,
        image_name: solstice_model::ImageName,
    ) -> io::Result<Arc<Self>> {
        let standing = Standing { token: None, session: None, stage: Stage::Making };
        let entry = Entry { assignment, image: image_name, standing };
        write(&origin.ledger, entry.clone()).await?;
        Ok(Self::adopt(origin, entry, image))
    }

    /// An attempt from the ledger, or one that is to have no entry.
    pub(crate) fn adopt(origin: &Origin, entry: Entry, image: usize) -> Arc<Self> {
        let Entry { assignment, image: image_name, standing } = entry;
        let source = match standing.stage {
            Stage::Making | Stage::Booting { .. } => SourceState::Asked,
            // Its agent may have it already; it asks again if not.
            Stage::Running { begun: Some(_), .. } | Stage::Over { .. } => SourceState::Idle,
            Stage::Running { begun: None, .. } => SourceState::Asked,
        };
        let id = assignment.attempt.to_string();
        Arc::new(Self {
            log: origin.log.new(slog::o!(keys::ATTEMPT => id)),
            telemetry: AttemptTelemetry::of(&origin.telemetry, &assignment, &standing.stage),
            assignment,
            image,
            requests: Semaphore::new(REQUESTS_AT_ONCE),
            uploads: Semaphore::new(1),
            received: AtomicU64::new(0),
            too_large: std::sync::Mutex::default(),
            moved: std::sync::Mutex::default(),
            logged: AtomicU64::new(0),
            forward: Mutex::new(None),
            unheard: std::sync::Mutex::new(None),
            source: watch::Sender::new(source),
            informed: watch::Sender::new(false),
            standing: watch::Sender::new(standing),
            ledger: Mutex::new(origin.ledger.clone()),
            image_name,
            clock: origin.clock.clone(),
        })
    }

    /// Notes whether the server took what the agent had to say.
    pub(crate) fn heard(&self, heard: bool) {
        let when = (!heard).then(Instant::now);
        *self.unheard.lock().unwrap_or_else(PoisonError::into_inner) = when;
    }

    /// Whether the agent has tried to say something within this time and the
    /// server was away. Not longer than the agent goes on trying: a guest that
    /// falls silent gains nothing.
    pub(crate) fn is_unheard(&self, within: Duration) -> bool {
        let when = *self.unheard.lock().unwrap_or_else(PoisonError::into_inner);
        when.is_some_and(|when| when.elapsed() < within)
    }

    /// Notes that something of an artifact moves now.
    pub(crate) fn note_move(&self) {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// When something of an artifact last moved.
    pub(crate) fn moved(&self) -> Option<Instant> {
        *self.moved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts output that the server has now; gives all of it.
    pub(crate) fn note_output(&self, bytes: u64) -> u64 {
        self.telemetry.took_output(bytes);
        self.logged.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes)
    }

    /// Tells of those records that the server has now and did not have before.
    pub(crate) fn note_records(&self, records: &[Record], before: u64, durable: u64) {
        let begin = records.partition_point(|record| record.seq <= before);
        let end = records.partition_point(|record| record.seq <= durable);
        let new = records.get(begin..end).unwrap_or_default();
        self.telemetry.recorded(&self.assignment, new, self.now());
    }

    /// Notes that the agent's steps have begun.
    pub(crate) async fn stepped(&self) {
        let stage = self.stage();
        let stepped = StageEvent::Stepped(self.now());
        if stage.apply(&stepped).is_none() {
            return;
        }
        if let Err(error) = self.apply(stepped).await {
            // The next record of a step tries again.
            warn!(self.log, "cannot write the ledger"; keys::ERROR => solstice_log::chain(&error));
        }
    }

    pub(crate) fn id(&self) -> AttemptId {
        self.assignment.attempt
    }

    /// Where it stands.
    pub(crate) fn stage(&self) -> Stage {
        self.standing.borrow().stage.clone()
    }

    /// Tells when its standing changes.
    pub(crate) fn watch(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Resolves when it is over. Cancel safe.
    pub(crate) async fn over(&self) {
        let mut standing = self.watch();
        standing.wait_for(|it| it.stage.is_over()).await.expect("we hold the sender");
    }

    /// Resolves when the server knows that the agent runs, or is not about to be
    /// told: what an agent says is to come after that. Cancel safe.
    pub(crate) async fn informed(&self) {
        if !matches!(*self.source.borrow(), SourceState::Ready(_)) {
            return;
        }
        let mut informed = self.informed.subscribe();
        if !*informed.borrow() {
            // The agent speaks, and the server cannot be told yet.
            self.heard(false);
        }
        tokio::select! {
            informed = informed.wait_for(|informed| *informed) => {
                drop(informed.expect("we hold the sender"));
            }
            () = self.over() => {}
        }
    }

    /// Whether this is its single-use token.
    pub(crate) fn has_token(&self, token: &Token) -> bool {
        matches(&self.standing.borrow().token, token)
    }

    /// Whether this is its agent's session key.
    pub(crate) fn has_session(&self, session: &Token) -> bool {
        matches(&self.standing.borrow().session, session)
    }

    /// Exchanges the token, which was looked at already, for a session.
    ///
    /// # Errors
    ///
    /// If the session cannot be written down; the token is then as good as before.
    pub(crate) async fn redeem(&self, session: &Token) -> io::Result<Redemption> {
        let ledger = self.ledger.lock().await;
        let mut next = self.standing.borrow().clone();
        if next.stage.is_over() {
            return Ok(Redemption::Over);
        }
        if next.session.is_some() {
            let same = matches(&next.session, session);
            return Ok(if same { Redemption::Again } else { Redemption::Refused });
        }
        let Some(stage) = next.stage.apply(&StageEvent::Redeemed(self.now())) else {
            return Ok(Redemption::Refused);
        };
        next.session = Some(session.hash());
        next.stage = stage;
        self.publish(&ledger, next).await?;
        Ok(Redemption::First)
    }

    /// Notes that a machine is about to be made, with this token.
    ///
    /// # Errors
    ///
    /// If it cannot be written down; no machine may be made then.
    pub(crate) async fn making(&self, token: &Token) -> io::Result<bool> {
        let ledger = self.ledger.lock().await;
        let mut next = self.standing.borrow().clone();
        let Some(stage) = next.stage.apply(&StageEvent::Making(self.now())) else {
            return Ok(false);
        };
        next.token = Some(token.hash());
        next.stage = stage;
        self.publish(&ledger, next).await?;
        Ok(true)
    }

    /// Takes in what happened to its machine.
    ///
    /// # Errors
    ///
    /// If it cannot be written down; then it has not happened.
    pub(crate) async fn apply(&self, event: StageEvent) -> io::Result<()> {
        let ledger = self.ledger.lock().await;
        let mut next = self.standing.borrow().clone();
        if let Some(stage) = next.stage.apply(&event) {
            next.stage = stage;
            self.publish(&ledger, next).await?;
        }
        Ok(())
    }

    /// Ends it, unless it is over. It ends even if that cannot be written down:
    /// a restarted orchestrator finds out by itself.
    pub(crate) async fn end(&self, ending: Ending) {
        let ledger = self.ledger.lock().await;
        let mut next = self.standing.borrow().clone();
        let Some(stage) = next.stage.apply(&StageEvent::Ended(ending)) else { return };
        next.stage = stage;
        if let Err(error) = self.publish(&ledger, next.clone()).await {
            warn!(self.log, "cannot write the ledger"; keys::ERROR => solstice_log::chain(&error));
            self.announce(next);
        }
    }

    /// Asks for the source, if nobody has yet.
    pub(crate) fn ask_for_source(&self) {
        self.source.send_if_modified(|state| {
            let idle = matches!(state, SourceState::Idle);
            if idle {
                *state = SourceState::Asked;
            }
            idle
        });
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    async fn publish(&self, ledger: &Ledger, next: Standing) -> io::Result<()> {
        let entry = Entry {
            assignment: self.assignment.clone(),
            image: self.image_name.clone(),
            standing: next.clone(),
        };
        write(ledger, entry).await?;
        self.announce(next);
        Ok(())
    }

    fn announce(&self, next: Standing) {
        let state = next.stage.name();
        self.telemetry.moved(&self.stage(), &next.stage, self.now());
        match &next.stage {
            _ if state == self.stage().name() => {}
            Stage::Over { ending: Ending::Lost { why } } => {
                warn!(self.log, "attempt lost"; keys::STATE => state, keys::REASON => why);
            }
            _ => info!(self.log, "attempt moved on"; keys::STATE => state),
        }
        self.standing.send_replace(next);
    }
}

fn matches(hash: &Option<TokenHash>, token: &Token) -> bool {
    hash.as_ref().is_some_and(|hash| hash.matches(token))
}

async fn write(ledger: &Ledger, entry: Entry) -> io::Result<()> {
    let ledger = ledger.clone();
    blocking(move || ledger.write(&entry)).await
}

/// Runs something short that blocks.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
