//! The guest's side of a fake machine.

use solstice_model::{AttemptId, Token};

use super::world::FakeWorld;
use crate::MachineSpec;

/// A guest that has booted. It knows what a real one would find on its kernel
/// command line, and can print and power off. Once its machine has stopped,
/// whatever it does has no effect.
#[derive(Clone, Debug)]
pub struct FakeGuest {
    pub(super) world: FakeWorld,
    pub(super) spec: MachineSpec,
    /// Which boot of the world this is: a later machine of the same id is another guest's.
    pub(super) boot: u64,
}

impl FakeGuest {
    /// The machine's id.
    pub fn id(&self) -> AttemptId {
        self.spec.id
    }

    /// The token that the machine was booted with.
    pub fn token(&self) -> Token {
        self.spec.token.clone()
    }

    /// All that the machine was made from.
    pub fn spec(&self) -> &MachineSpec {
        &self.spec
    }

    /// Writes to the serial console.
    pub fn print(&self, bytes: impl AsRef<[u8]>) {
        self.world.guest_prints(self.spec.id, self.boot, bytes.as_ref());
    }

    /// Stops the machine from inside.
    pub fn power_off(&self) {
        self.world.guest_stops(self.spec.id, self.boot);
    }

    /// Whether the machine still runs.
    pub fn is_running(&self) -> bool {
        self.world.guest_runs(self.spec.id, self.boot)
    }

    /// Resolves when the machine has stopped, for whatever reason.
    pub async fn stopped(&self) {
        self.world.until(|| (!self.is_running()).then_some(())).await;
    }
}
