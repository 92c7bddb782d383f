//! The steps of a fake machine's life and what can go wrong at them.

use solstice_model::AttemptId;

use crate::HypervisorError;

/// A step of `ensure` or `destroy`, in the order in which they are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// `ensure` writes down that the machine is ours.
    Claim,
    /// `ensure` clones the root disk.
    CloneDisk,
    /// `ensure` makes the network.
    MakeNetwork,
    /// `ensure` boots the guest.
    Boot,
    /// `destroy` stops the guest.
    Halt,
    /// `destroy` removes the network.
    RemoveNetwork,
    /// `destroy` removes the root disk and the console.
    RemoveDisk,
    /// `destroy` removes the note that the machine is ours.
    Forget,
}

impl Step {
    /// The steps of `ensure`.
    pub const ENSURE: [Step; 4] = [Step::Claim, Step::CloneDisk, Step::MakeNetwork, Step::Boot];
    /// The steps of `destroy`.
    pub const DESTROY: [Step; 4] =
        [Step::Halt, Step::RemoveNetwork, Step::RemoveDisk, Step::Forget];
}

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultPoint {
    /// Before the step has had any effect.
    Before(Step),
    /// After the step has had its whole effect.
    After(Step),
    /// In a call of `observe`.
    Observe,
    /// In a call of `console`.
    Console,
    /// In a call of `stopped`.
    Stopped,
}

/// The kind of error that a fault gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// [`HypervisorError::NoRoom`].
    NoRoom,
    /// [`HypervisorError::Failed`].
    Failed,
    /// [`HypervisorError::Unusable`].
    Unusable,
}

/// Something that goes wrong, once unless [`Fault::times`] says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub(super) point: FaultPoint,
    pub(super) failure: Option<Failure>,
    pub(super) machine: Option<AttemptId>,
    pub(super) left: u32,
}

impl Fault {
    /// The call fails.
    pub fn fail(point: FaultPoint, failure: Failure) -> Self {
        Self { point, failure: Some(failure), machine: None, left: 1 }
    }

    /// The call never returns; drop its future to crash there.
    pub fn hang(point: FaultPoint) -> Self {
        Self { point, failure: None, machine: None, left: 1 }
    }

    /// Strikes only at this machine.
    pub fn only(mut self, id: AttemptId) -> Self {
        self.machine = Some(id);
        self
    }

    /// Strikes this often.
    pub fn times(mut self, times: u32) -> Self {
        self.left = times;
        self
    }

    pub(super) fn strikes(&self, point: FaultPoint, id: Option<AttemptId>) -> bool {
        self.left > 0
            && self.point == point
            && (self.machine.is_none() || id.is_none() || self.machine == id)
    }
}

impl Failure {
    pub(super) fn error(self, action: &'static str, id: Option<AttemptId>) -> HypervisorError {
        match (self, id) {
            (Failure::Failed, Some(id)) => {
                HypervisorError::Failed { action, id, source: "injected failure".into() }
            }
            (Failure::NoRoom, _) => HypervisorError::NoRoom { what: "injected".to_owned() },
            (Failure::Unusable | Failure::Failed, _) => HypervisorError::Unusable {
                what: format!("injected failure to {action}"),
                remedy: "remove the fault".to_owned(),
            },
        }
    }
}
