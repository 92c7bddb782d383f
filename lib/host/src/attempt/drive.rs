//! Makes an attempt's machine, looks after it, and makes it go away.
//!
//! One activation observes, asks [`next_step`] and acts. It takes no input but
//! what it sees, so that running it again, after whatever happened, is right.
//! It runs when the attempt's stage or source changes, when the machine stops,
//! when a limit is up, and on a slow timer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use slog::{info, warn};
use solstice_api::agent::RecordBatch;
use solstice_api::host::{FetchCredential, Phase};
use solstice_hypervisor::{Hypervisor, HypervisorError, MachineSpec};
use solstice_log::{chain, keys};
use solstice_model::{MachineStep, Observed, SizeName, TimeLimit, Token, next_step};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::timer::{StageLimits, Timer};
use super::{Attempt, SourceState, blocking, console, report};
use crate::backoff::Backoff;
use crate::ledger::Ledger;
use crate::seats::{Seat, Seats};
use crate::server::{Server, ServerError};
use crate::settings::{ImageSettings, Limits, MachineSize};
use crate::source::SourceStore;
use crate::stage::{Clock, Ending, Stage, StageEvent};

/// What drivers work with.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) hypervisor: Arc<dyn Hypervisor>,
    pub(crate) server: Server,
    pub(crate) sources: Arc<SourceStore>,
    pub(crate) seats: Arc<Seats>,
    pub(crate) ledger: Ledger,
    pub(crate) sizes: Arc<BTreeMap<SizeName, MachineSize>>,
    pub(crate) limits: Limits,
}

/// Where an attempt came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Provenance {
    /// The server has just given it to us.
    New,
    /// The server says that it is ours, but the ledger does not know it.
    Unrecorded,
    /// From the ledger.
    Recorded,
}

/// The task of one attempt.
pub(crate) struct Driver {
    attempt: Arc<Attempt>,
    image: ImageSettings,
    tools: Tools,
    seat: Option<Seat>,
    provenance: Provenance,
    timer: Timer,
    backoff: Backoff,
}

/// What an activation leaves to do.
enum Next {
    /// Wait for a change, or until then.
    Wait { running: bool, deadline: Option<Instant> },
    /// Act again at once.
    Again,
    /// The machine is gone and not wanted.
    Gone,
}

impl Driver {
    pub(crate) fn new(
        attempt: Arc<Attempt>,
        image: ImageSettings,
        tools: Tools,
        seat: Option<Seat>,
        provenance: Provenance,
    ) -> Self {
        let limits = &tools.limits;
        let timeout = Duration::from_secs(attempt.assignment.spec.timeout_s.into());
        let timer = Timer::new(StageLimits {
            boot: image.boot_timeout.unwrap_or_else(|| tools.hypervisor.boot_limit()),
            unpack: limits.unpack,
            job: timeout + limits.job_grace,
            resumed: limits.job_grace,
        });
        let backoff = Backoff::new(limits.retry_min, limits.retry_max);
        Self { attempt, image, tools, seat, provenance, timer, backoff }
    }

    /// Sees the attempt through to its end: the machine gone, the server told,
    /// its console handed over, its entry removed. May be dropped at any point;
    /// a new driver of the same entry goes on.
    pub(crate) async fn run(mut self) {
        let (attempt, tools) = (self.attempt.clone(), self.tools.clone());
        if self.provenance == Provenance::Unrecorded {
            self.check_unrecorded().await;
        }
        tokio::join!(
            async {
                self.look_after_machine().await;
                attempt.telemetry.torn_down(attempt.now());
            },
            supply_source(&attempt, &tools),
            report::keep_informed(&attempt, &tools.server, &tools.limits),
        );
        self.hand_over_console().await;
        let (ledger, id) = (tools.ledger.clone(), attempt.id());
        if let Err(error) = blocking(move || ledger.remove(id)).await {
            warn!(attempt.log, "cannot write the ledger"; keys::ERROR => chain(&error));
        }
    }

    /// An attempt that we ought to know may have run already, under another
    /// ledger. Its steps must not run twice.
    async fn check_unrecorded(&mut self) {
        let empty = RecordBatch { records: Vec::new() };
        loop {
            match self.tools.server.records(self.attempt.id(), &empty).await {
                Ok(accepted) if accepted.durable_seq == 0 && !accepted.stop => return,
                // Not to know is to assume that it ran.
                Ok(_) | Err(ServerError::Refused { .. }) => {
                    let why = "the host has lost its record of this attempt".to_owned();
                    return self.attempt.end(Ending::Lost { why }).await;
                }
                Err(ServerError::Over) => return self.attempt.end(Ending::Unwanted).await,
                Err(error) => {
                    warn!(self.attempt.log, "cannot ask the server about an attempt";
                        keys::ERROR => chain(&error));
                    tokio::select! {
                        () = sleep(self.backoff.pause()) => {}
                        () = self.attempt.over() => return,
                    }
                }
            }
        }
    }

    async fn look_after_machine(&mut self) {
        let mut standing = self.attempt.watch();
        let mut source = self.attempt.source.subscribe();
        loop {
            standing.mark_unchanged();
            source.mark_unchanged();
            let wait = match self.activate().await {
                Ok(Next::Gone) => return,
                Ok(Next::Again) => continue,
                Ok(Next::Wait { running, deadline }) => {
                    self.backoff.reset();
                    (running, deadline)
                }
                Err(error) => {
                    warn!(self.attempt.log, "cannot look after the machine";
                        keys::ERROR => chain(&error));
                    (false, Some(Instant::now() + self.backoff.pause()))
                }
            };
            let (running, deadline) = wait;
            let until = Instant::now() + self.tools.limits.reconcile;
            tokio::select! {
                changed = standing.changed() => changed.expect("the attempt holds the sender"),
                changed = source.changed() => changed.expect("the attempt holds the sender"),
                () = self.machine_stopped(), if running => {}
                () = sleep_until(deadline.map_or(until, |it| it.min(until))) => {}
            }
        }
    }

    /// One activation: observe, decide, act.
    async fn activate(&mut self) -> Result<Next, HypervisorError> {
        let id = self.attempt.id();
        let machines = self.tools.hypervisor.observe().await?;
        let seen = machines.iter().find(|machine| machine.id == id);
        let observed = seen.map_or(Observed::Absent, |machine| machine.observed);
        let stage = self.attempt.stage();
        if stage == Stage::Making && matches!(observed, Observed::Running | Observed::Stopped) {
            // Made under a ledger that is lost: nobody knows its token.
            self.tools.hypervisor.destroy(id).await?;
            return Ok(Next::Again);
        }
        match next_step(stage.wanted(), observed) {
            MachineStep::Create => self.create(&stage, observed).await,
            MachineStep::Collect => self.collect().await,
            MachineStep::Destroy => self.destroy(&stage, observed).await,
            MachineStep::Nothing if stage.is_over() => {
                self.seat = None;
                Ok(Next::Gone)
            }
            MachineStep::Nothing => self.watch_over(&stage).await,
        }
    }

    async fn create(&mut self, stage: &Stage, seen: Observed) -> Result<Next, HypervisorError> {
        match stage {
            Stage::Making | Stage::Booting { created_at: None, .. } => {}
            _ => {
                let why = "the machine is gone; the host was restarted or somebody removed it";
                self.attempt.end(Ending::Lost { why: why.to_owned() }).await;
                return Ok(Next::Again);
            }
        }
        if self.seat.is_none() {
            tokio::select! {
                seat = self.tools.seats.take(self.attempt.image) => self.seat = Some(seat),
                () = self.attempt.over() => return Ok(Next::Again),
            }
        }
        if seen == Observed::Partial {
            // What a crash left was made with a token that nobody knows any more.
            self.tools.hypervisor.destroy(self.attempt.id()).await?;
        }
        let token = Token::generate();
        match self.attempt.making(&token).await {
            Ok(true) => self.ensure(token).await,
            Ok(false) => {}
            Err(error) => {
                let why = format!("the host cannot write its ledger: {}", chain(&error));
                self.attempt.end(Ending::Lost { why }).await;
            }
        }
        Ok(Next::Again)
    }

    /// Makes the machine; gives up when the attempt is over.
    async fn ensure(&mut self, token: Token) {
        let Some(MachineSize { cpus, memory_mib, disk_mib }) = self.size().await else { return };
        let (id, image) = (self.attempt.id(), self.image.image.clone());
        let spec = MachineSpec { id, image, cpus, memory_mib, disk_mib, token };
        let made = tokio::select! {
            made = self.tools.hypervisor.ensure(&spec) => made,
            () = self.attempt.over() => return,
        };
        match made {
            Ok(()) => {
                let created = StageEvent::Created(self.attempt.now());
                if let Err(error) = self.attempt.apply(created).await {
                    // Only the phases of the report become less exact.
                    warn!(self.attempt.log, "cannot write the ledger"; keys::ERROR => chain(&error));
                }
            }
            Err(error) => self.attempt.end(Ending::Lost { why: chain(&error) }).await,
        }
    }

    /// How large the machine is to be; ends an attempt that asks for a size
    /// which this host does not have.
    async fn size(&self) -> Option<MachineSize> {
        let Some(name) = &self.attempt.assignment.spec.size else { return Some(self.image.size) };
        let size = self.tools.sizes.get(name).copied();
        if size.is_none() {
            let why = format!("this host has no machines of the size {name}");
            self.attempt.end(Ending::Lost { why }).await;
        }
        size
    }

    /// The machine runs: begins the job's time when all is there, ends what overstays.
    async fn watch_over(&mut self, stage: &Stage) -> Result<Next, HypervisorError> {
        if let (Stage::Running { begun: None, .. }, Some(before)) = (stage, self.source_phases()) {
            let began = StageEvent::Began(self.attempt.now(), before);
            if let Err(error) = self.attempt.apply(began).await {
                warn!(self.attempt.log, "cannot write the ledger"; keys::ERROR => chain(&error));
                return Ok(Next::Wait {
                    running: true,
                    deadline: Some(Instant::now() + self.backoff.pause()),
                });
            }
            return Ok(Next::Again);
        }
        let deadline = self.timer.deadline(&self.attempt, stage);
        let overdue = deadline.and_then(|it| Instant::now().checked_duration_since(it));
        let (Some(overdue), Some((clock, _))) = (overdue, stage.clock()) else {
            return Ok(Next::Wait { running: true, deadline });
        };
        let limits = &self.tools.limits;
        if self.attempt.is_unheard(limits.job_grace) || self.hands_over(clock, overdue) {
            // The verdict may be waiting in the guest until the server is back,
            // or until its artifacts are there.
            let deadline = Some(Instant::now() + limits.retry_max);
            return Ok(Next::Wait { running: true, deadline });
        }
        let ending = match clock {
            Clock::Boot => self.never("report", clock).await,
            Clock::Unpack => {
                self.never("begin the steps of a job whose source was ready", clock).await
            }
            Clock::Job => {
                let seconds = self.attempt.assignment.spec.timeout_s;
                Ending::TimedOut { limit: TimeLimit::Job { seconds } }
            }
        };
        self.attempt.end(ending).await;
        Ok(Next::Again)
    }

    /// Whether a job whose time is over may go on because its artifacts, which
    /// cost it no time, are on their way.
    fn hands_over(&self, clock: Clock, overdue: Duration) -> bool {
        let limits = &self.tools.limits;
        let moved = self.attempt.moved().is_some_and(|it| it.elapsed() < limits.silence);
        clock == Clock::Job && moved && overdue < limits.artifacts
    }

    fn source_phases(&self) -> Option<Vec<Phase>> {
        match &*self.attempt.source.borrow() {
            SourceState::Ready(source) => Some(source.phases()),
            _ => None,
        }
    }

    async fn never(&self, what: &str, clock: Clock) -> Ending {
        let limit = self.timer.limit(clock).as_secs_f32();
        let why = format!("the guest did not {what} within {limit} s");
        Ending::Lost { why: console::with_last_lines(why, &self.console().await) }
    }

    /// The machine stopped while it was wanted.
    async fn collect(&mut self) -> Result<Next, HypervisorError> {
        // The agent's last word may be on its way to the server.
        self.no_word_under_way().await;
        if !self.attempt.stage().is_over() {
            let why = "the machine stopped before the agent told how the job ended".to_owned();
            let why = console::with_last_lines(why, &self.console().await);
            self.attempt.end(Ending::Lost { why }).await;
        }
        Ok(Next::Again)
    }

    /// Keeps the console, then removes the machine.
    async fn destroy(&mut self, stage: &Stage, seen: Observed) -> Result<Next, HypervisorError> {
        let id = self.attempt.id();
        let ending = |it: Ending| *stage == Stage::Over { ending: it };
        if seen == Observed::Running && ending(Ending::Unwanted) {
            // Perhaps because of a verdict whose receipt is on its way to us.
            self.no_word_under_way().await;
            if self.attempt.stage() != *stage {
                return Ok(Next::Again);
            }
        }
        if seen == Observed::Running && ending(Ending::Finished) {
            // Its last words are in the console once it has powered off.
            drop(timeout(self.tools.limits.poweroff, self.machine_stopped()).await);
        }
        let bytes = if seen == Observed::Partial { Vec::new() } else { self.console().await };
        // An earlier driver may have kept it and died while it destroyed the machine.
        if !bytes.is_empty() {
            let ledger = self.tools.ledger.clone();
            if let Err(error) = blocking(move || ledger.keep_console(id, &bytes)).await {
                warn!(self.attempt.log, "cannot keep a console"; keys::ERROR => chain(&error));
            }
        }
        self.tools.hypervisor.destroy(id).await?;
        info!(self.attempt.log, "machine destroyed");
        Ok(Next::Again)
    }

    /// Waits until nothing of the agent's is on its way to the server.
    async fn no_word_under_way(&self) {
        drop(timeout(self.tools.limits.forward, self.attempt.forward.lock()).await);
    }

    async fn console(&self) -> Vec<u8> {
        match console::tail(&*self.tools.hypervisor, self.attempt.id()).await {
            Ok(bytes) => bytes,
            Err(error) => {
                warn!(self.attempt.log, "cannot read a console"; keys::ERROR => chain(&error));
                Vec::new()
            }
        }
    }

    /// Resolves when the machine has stopped; never if that cannot be found out.
    async fn machine_stopped(&self) {
        let stopped = self.tools.hypervisor.stopped(self.attempt.id()).await;
        if let Err(error @ HypervisorError::NoRoom { .. }) = &stopped {
            return self.attempt.end(Ending::Lost { why: chain(error) }).await;
        }
        if let Err(error) = stopped {
            warn!(self.attempt.log, "cannot watch a machine"; keys::ERROR => chain(&error));
            std::future::pending::<()>().await;
        }
    }

    /// Hands the kept console to the server, however long that takes.
    async fn hand_over_console(&mut self) {
        let (ledger, id) = (self.tools.ledger.clone(), self.attempt.id());
        let kept = blocking(move || ledger.console(id)).await;
        let Some(bytes) = kept.ok().flatten().filter(|bytes| !bytes.is_empty()) else { return };
        self.backoff.reset();
        loop {
            match self.tools.server.console(id, bytes.clone()).await {
                Ok(()) | Err(ServerError::Over) => return,
                Err(ServerError::Away { .. } | ServerError::Unauthorized { .. }) => {
                    sleep(self.backoff.pause()).await;
                }
                Err(error) => {
                    warn!(self.attempt.log, "the server does not take a console";
                        keys::ERROR => chain(&error));
                    return;
                }
            }
        }
    }
}

/// Prepares the source as soon as somebody asks for it, until the attempt is over.
async fn supply_source(attempt: &Attempt, tools: &Tools) {
    let mut source = attempt.source.subscribe();
    let supply = async {
        let asked = source.wait_for(|state| matches!(state, SourceState::Asked));
        drop(asked.await.expect("the attempt holds the sender"));
        let fetched = |took_ms| {
            attempt.source.send_replace(SourceState::Fetched(took_ms));
        };
        let Some(credential) = credential(attempt, tools).await else { return };
        let (source, began) = (&attempt.assignment.source, attempt.now());
        match tools.sources.prepare(source, credential.as_ref(), fetched).await {
            Ok(prepared) => {
                attempt.telemetry.has_source(began, attempt.now());
                attempt.source.send_replace(SourceState::Ready(Arc::new(prepared)));
            }
            Err(error) => {
                attempt.source.send_replace(SourceState::Failed);
                let why = format!("the source cannot be fetched: {}", chain(&error));
                attempt.end(Ending::Lost { why }).await;
            }
        }
    };
    tokio::select! {
        () = supply => {}
        () = attempt.over() => {}
    }
}

/// What the source is fetched with, if anything; asks until the server answers.
/// `None` if the attempt is over by then.
async fn credential(attempt: &Attempt, tools: &Tools) -> Option<Option<FetchCredential>> {
    if !attempt.assignment.private {
        return Some(None);
    }
    let mut backoff = Backoff::new(tools.limits.retry_min, tools.limits.retry_max);
    loop {
        match tools.server.credential(attempt.id()).await {
            Ok(credential) => return Some(credential),
            Err(ServerError::Over) => {
                attempt.end(Ending::Unwanted).await;
                return None;
            }
            Err(error) => {
                warn!(attempt.log, "no credential for the source yet";
                    keys::ERROR => chain(&error));
                sleep(backoff.pause()).await;
            }
        }
    }
}
