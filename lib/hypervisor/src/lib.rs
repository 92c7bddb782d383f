//! The hypervisor seam: what the orchestrator asks of whatever makes machines,
//! a strict fake of it, and the conformance suite that every backend passes.
//!
//! A backend is one crate with one `impl Hypervisor` and one line that runs the
//! suite over it. It knows nothing of jobs: it is told to make a machine with
//! an id, and to make it go away again.
//!
//! The laws (see [`conformance`]): `ensure` twice changes nothing; destroying
//! what is absent is fine; `destroy` works from every half-made state and is
//! quick even if the guest ignores it; `observe` lists only what is ours; a
//! crash anywhere followed by the same calls again leads to the same end;
//! nothing is left behind (invariant I4).

pub mod conformance;
mod door;
pub mod fake;
pub mod folders;
mod seam;
mod subnet;

pub use door::Door;
pub use seam::{Console, Hypervisor, HypervisorError, Machine, MachineSpec};
pub use subnet::{Slot, Subnet};
