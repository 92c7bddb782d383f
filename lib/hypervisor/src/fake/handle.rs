//! One orchestrator's handle on the world.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use solstice_model::{AttemptId, Observed};
use tokio::task::yield_now;

use super::fault::{FaultPoint, Step};
use super::world::{FakeMachine, FakeWorld, Part, Run};
use crate::{Console, Hypervisor, HypervisorError, Machine, MachineSpec};

/// A handle on a [`FakeWorld`]; see there.
#[derive(Debug)]
pub struct FakeHypervisor {
    pub(super) world: FakeWorld,
    pub(super) epoch: u64,
}

/// Marks a machine as being worked on; lifted when the call ends or is dropped.
struct Working<'a> {
    world: &'a FakeWorld,
    id: AttemptId,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.world.state().busy.remove(&self.id);
    }
}

impl FakeHypervisor {
    /// The rules for every call.
    fn enter(&self, action: &'static str) {
        if self.world.state().epoch != self.epoch {
            self.world.misuse(format!("{action} on the handle of an orchestrator that crashed"));
        }
    }

    /// The rules for calls that change a machine.
    fn work(&self, action: &'static str, id: AttemptId) -> Working<'_> {
        self.enter(action);
        let other = self.world.state().busy.insert(id, action);
        if let Some(other) = other {
            self.world.misuse(format!("{action} while {other} is under way for machine {id}"));
        }
        Working { world: &self.world, id }
    }

    fn check(&self, spec: &MachineSpec) {
        let MachineSpec { id, cpus, memory_mib, disk_mib, .. } = spec;
        if *cpus == 0 || *memory_mib == 0 || *disk_mib == 0 || spec.token.secret().is_empty() {
            self.world.misuse(format!("machine {id} has {cpus} CPUs, {memory_mib} MiB, {disk_mib} MiB of disk, or no token"));
        }
        let state = self.world.state();
        let booted = state.machines.get(id).and_then(|it| it.spec.as_ref());
        if booted.is_some_and(|it| it.token.secret() != spec.token.secret()) {
            drop(state);
            self.world.misuse(format!("machine {id} has booted with another token"));
        }
    }

    async fn strike(
        &self,
        point: FaultPoint,
        action: &'static str,
        id: Option<AttemptId>,
    ) -> Result<(), HypervisorError> {
        match self.world.fault(point, id) {
            None => Ok(()),
            Some(fault) => match fault.failure {
                Some(failure) => Err(failure.error(action, id)),
                None => self.world.hang().await,
            },
        }
    }

    /// Takes one step, with an await point and a place for a fault on either side.
    async fn step(
        &self,
        step: Step,
        action: &'static str,
        id: AttemptId,
        effect: impl FnOnce(&FakeWorld) + Send,
    ) -> Result<(), HypervisorError> {
        yield_now().await;
        self.strike(FaultPoint::Before(step), action, Some(id)).await?;
        effect(&self.world);
        self.world.changed();
        yield_now().await;
        self.strike(FaultPoint::After(step), action, Some(id)).await
    }

    /// A step of `ensure` that adds a part.
    async fn add(&self, step: Step, id: AttemptId, part: Part) -> Result<(), HypervisorError> {
        let effect = |world: &FakeWorld| {
            world.state().machines.entry(id).or_insert_with(FakeMachine::new).parts.insert(part);
        };
        self.step(step, "make", id, effect).await
    }

    /// A step of `destroy`.
    async fn take(
        &self,
        step: Step,
        id: AttemptId,
        effect: impl FnOnce(&mut FakeMachine) + Send,
    ) -> Result<(), HypervisorError> {
        let effect = |world: &FakeWorld| {
            if let Some(machine) = world.state().machines.get_mut(&id) {
                effect(machine);
            }
        };
        self.step(step, "destroy", id, effect).await
    }

    fn room(&self) -> Result<(), HypervisorError> {
        let state = self.world.state();
        let running =
            state.machines.values().filter(|it| it.observed() == Observed::Running).count();
        match state.capacity {
            Some(capacity) if running >= capacity => {
                Err(HypervisorError::NoRoom { what: format!("{capacity} machines run already") })
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Hypervisor for FakeHypervisor {
    fn name(&self) -> &'static str {
        "fake"
    }

    async fn observe(&self) -> Result<Vec<Machine>, HypervisorError> {
        self.enter("observe");
        yield_now().await;
        self.strike(FaultPoint::Observe, "observe", None).await?;
        let state = self.world.state();
        let machines = state.machines.iter();
        Ok(machines.map(|(id, it)| Machine { id: *id, observed: it.observed() }).collect())
    }

    async fn ensure(&self, spec: &MachineSpec) -> Result<(), HypervisorError> {
        let _working = self.work("ensure", spec.id);
        self.check(spec);
        if matches!(self.world.observed(spec.id), Observed::Running | Observed::Stopped) {
            return Ok(());
        }
        spec.image.recheck().map_err(HypervisorError::Image)?;
        self.room()?;
        self.add(Step::Claim, spec.id, Part::Claim).await?;
        self.add(Step::CloneDisk, spec.id, Part::Disk).await?;
        self.add(Step::MakeNetwork, spec.id, Part::Network).await?;
        self.step(Step::Boot, "boot", spec.id, |world| world.boot(spec)).await
    }

    async fn destroy(&self, id: AttemptId) -> Result<(), HypervisorError> {
        let _working = self.work("destroy", id);
        if self.world.observed(id) == Observed::Absent {
            return Ok(());
        }
        self.take(Step::Halt, id, FakeMachine::halt).await?;
        self.take(Step::RemoveNetwork, id, |it| it.parts.retain(|part| *part != Part::Network))
            .await?;
        self.take(Step::RemoveDisk, id, |it| {
            it.parts.retain(|part| *part != Part::Disk);
            it.console.clear();
        })
        .await?;
        let forget = |world: &FakeWorld| drop(world.state().machines.remove(&id));
        self.step(Step::Forget, "destroy", id, forget).await
    }

    async fn console(
        &self,
        id: AttemptId,
        from: u64,
        limit: usize,
    ) -> Result<Console, HypervisorError> {
        self.enter("console");
        self.strike(FaultPoint::Console, "read the console of", Some(id)).await?;
        let state = self.world.state();
        let machine = state.machines.get(&id).ok_or(HypervisorError::Absent { id })?;
        let start = usize::try_from(from).unwrap_or(usize::MAX).min(machine.console.len());
        let rest = &machine.console[start..];
        let bytes = Bytes::copy_from_slice(&rest[..rest.len().min(limit)]);
        let next = from + bytes.len() as u64;
        Ok(Console { bytes, next })
    }

    async fn stopped(&self, id: AttemptId) -> Result<(), HypervisorError> {
        self.enter("stopped");
        self.strike(FaultPoint::Stopped, "watch", Some(id)).await?;
        let look = || {
            let state = self.world.state();
            let running = state.machines.get(&id).map(|it| &it.run);
            (!matches!(running, Some(Run::Running { .. }))).then_some(())
        };
        self.world.until(look).await;
        Ok(())
    }

    fn boot_limit(&self) -> Duration {
        Duration::from_secs(10)
    }
}
