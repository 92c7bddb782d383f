//! What survives the orchestrator: the machines and everybody else's things.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::BoxFuture;
use solstice_model::{AttemptId, Observed};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::fault::{Fault, FaultPoint};
use super::guest::FakeGuest;
use super::handle::FakeHypervisor;
use crate::MachineSpec;

/// A part of a machine that can be left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Claim,
    Disk,
    Network,
}

/// How far a machine's guest got.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Run {
    Never,
    Running { boot: u64 },
    Stopped,
}

/// A machine, whole or in part.
#[derive(Debug)]
pub(super) struct FakeMachine {
    pub(super) parts: BTreeSet<Part>,
    pub(super) run: Run,
    pub(super) spec: Option<MachineSpec>,
    pub(super) console: Vec<u8>,
    script: Option<AbortHandle>,
}

impl FakeMachine {
    pub(super) fn new() -> Self {
        Self {
            parts: BTreeSet::new(),
            run: Run::Never,
            spec: None,
            console: Vec::new(),
            script: None,
        }
    }

    pub(super) fn observed(&self) -> Observed {
        match self.run {
            Run::Never => Observed::Partial,
            Run::Running { .. } => Observed::Running,
            Run::Stopped => Observed::Stopped,
        }
    }

    /// Ends the guest from outside; its script ends with it.
    pub(super) fn halt(&mut self) {
        if let Run::Running { .. } = self.run {
            self.run = Run::Stopped;
        }
        if let Some(script) = self.script.take() {
            script.abort();
        }
    }
}

type Script = Arc<dyn Fn(FakeGuest) -> BoxFuture<'static, ()> + Send + Sync>;

#[derive(Default)]
pub(super) struct State {
    pub(super) epoch: u64,
    pub(super) machines: BTreeMap<AttemptId, FakeMachine>,
    pub(super) foreign: BTreeSet<String>,
    pub(super) faults: Vec<Fault>,
    /// What is being done to a machine right now.
    pub(super) busy: BTreeMap<AttemptId, &'static str>,
    pub(super) capacity: Option<usize>,
    hanging: usize,
    boots: u64,
    booted: VecDeque<FakeGuest>,
    script: Option<Script>,
    complaints: Vec<String>,
}

struct Inner {
    /// Guards all of the world; never held across an await.
    state: Mutex<State>,
    /// Counts changes, for those who wait for one.
    changes: watch::Sender<u64>,
}

/// The host that a [`FakeHypervisor`] works on. Clones are the same world.
#[derive(Clone)]
pub struct FakeWorld(Arc<Inner>);

impl FakeWorld {
    /// An empty world.
    #[expect(clippy::new_without_default, reason = "a world is made with intent")]
    pub fn new() -> Self {
        let inner = Inner { state: Mutex::default(), changes: watch::Sender::new(0) };
        Self(Arc::new(inner))
    }

    /// A handle, as an orchestrator makes at its start. Handles made before
    /// belong to an orchestrator that crashed: using one is misuse.
    pub fn hypervisor(&self) -> FakeHypervisor {
        let mut state = self.state();
        state.epoch += 1;
        FakeHypervisor { world: self.clone(), epoch: state.epoch }
    }

    /// Starts this script for every guest that boots from now on, as a task
    /// that is aborted when the machine is halted from outside.
    pub fn on_boot<F>(&self, script: impl Fn(FakeGuest) -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.state().script = Some(Arc::new(move |guest| script(guest).boxed()));
    }

    /// Waits for the next guest that boots; each is given out once, in order.
    /// Cancel safe.
    pub async fn next_boot(&self) -> FakeGuest {
        self.until(|| self.state().booted.pop_front()).await
    }

    /// Makes something go wrong.
    pub fn inject(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    /// Waits until a call hangs in a fault. Cancel safe.
    pub async fn until_hanging(&self) {
        self.until(|| (self.state().hanging > 0).then_some(())).await;
    }

    /// Lets no more than this many machines run; more get `NoRoom`.
    pub fn set_capacity(&self, machines: usize) {
        self.state().capacity = Some(machines);
    }

    /// Puts something that belongs to somebody else on the host.
    pub fn add_foreign(&self, name: &str) {
        self.state().foreign.insert(name.to_owned());
    }

    /// The names of everybody else's things.
    pub fn foreign(&self) -> Vec<String> {
        self.state().foreign.iter().cloned().collect()
    }

    /// What is seen of a machine, without a handle and without faults.
    pub fn observed(&self, id: AttemptId) -> Observed {
        self.state().machines.get(&id).map_or(Observed::Absent, FakeMachine::observed)
    }

    /// Waits until a machine is in this state. Cancel safe.
    pub async fn until_observed(&self, id: AttemptId, wanted: Observed) {
        self.until(|| (self.observed(id) == wanted).then_some(())).await;
    }

    /// Everything of ours that exists, a line each.
    pub fn leftovers(&self) -> Vec<String> {
        let state = self.state();
        state.machines.iter().map(|(id, it)| format!("{id}: {:?} {:?}", it.run, it.parts)).collect()
    }

    /// Fails the test if the fake was misused or a guest's script panicked.
    ///
    /// # Panics
    ///
    /// If so.
    pub fn assert_well_used(&self) {
        let complaints = self.state().complaints.clone();
        assert!(complaints.is_empty(), "the fake hypervisor complains: {complaints:#?}");
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A misuse panics outside the lock, so the state is whole even then.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn changed(&self) {
        self.0.changes.send_modify(|count| *count += 1);
    }

    /// Waits until `look` finds something; it is called again after each change.
    pub(super) async fn until<T>(&self, look: impl Fn() -> Option<T>) -> T {
        let mut changes = self.0.changes.subscribe();
        loop {
            changes.mark_unchanged();
            if let Some(found) = look() {
                return found;
            }
            changes.changed().await.expect("the world that we borrow holds the sender");
        }
    }

    pub(super) fn complain(&self, what: String) {
        self.state().complaints.push(what);
    }

    pub(super) fn misuse(&self, what: String) -> ! {
        self.complain(what.clone());
        panic!("the fake hypervisor is misused: {what}");
    }

    /// Uses up a fault that strikes here, if there is one.
    pub(super) fn fault(&self, point: FaultPoint, id: Option<AttemptId>) -> Option<Fault> {
        let mut state = self.state();
        let fault = state.faults.iter_mut().find(|fault| fault.strikes(point, id))?;
        fault.left -= 1;
        Some(*fault)
    }

    pub(super) async fn hang(&self) -> ! {
        /// Counts the call as hanging until it is dropped.
        struct Hanging<'a>(&'a FakeWorld);
        impl Drop for Hanging<'_> {
            fn drop(&mut self) {
                self.0.state().hanging -= 1;
            }
        }
        self.state().hanging += 1;
        let _counted = Hanging(self);
        self.changed();
        std::future::pending::<std::convert::Infallible>().await;
        unreachable!("a pending future never resolves")
    }

    pub(super) fn boot(&self, spec: &MachineSpec) {
        let mut state = self.state();
        state.boots += 1;
        let guest = FakeGuest { world: self.clone(), spec: spec.clone(), boot: state.boots };
        state.booted.push_back(guest.clone());
        let script = state.script.clone().map(|script| {
            let world = self.clone();
            let id = guest.id();
            tokio::spawn(async move {
                if AssertUnwindSafe(async { script(guest).await }).catch_unwind().await.is_err() {
                    world.complain(format!("the script of guest {id} panicked"));
                }
            })
            .abort_handle()
        });
        let boot = state.boots;
        if let Some(machine) = state.machines.get_mut(&spec.id) {
            machine.run = Run::Running { boot };
            machine.spec = Some(spec.clone());
            machine.script = script;
        }
    }

    pub(super) fn guest_runs(&self, id: AttemptId, boot: u64) -> bool {
        self.state().machines.get(&id).is_some_and(|it| it.run == Run::Running { boot })
    }

    pub(super) fn guest_prints(&self, id: AttemptId, boot: u64, bytes: &[u8]) {
        if let Some(machine) = self.state().machines.get_mut(&id)
            && machine.run == (Run::Running { boot })
        {
            machine.console.extend_from_slice(bytes);
        }
        self.changed();
    }

    pub(super) fn guest_stops(&self, id: AttemptId, boot: u64) {
        if let Some(machine) = self.state().machines.get_mut(&id)
            && machine.run == (Run::Running { boot })
        {
            machine.run = Run::Stopped;
        }
        self.changed();
    }
}

impl fmt::Debug for FakeWorld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.leftovers()).finish()
    }
}
