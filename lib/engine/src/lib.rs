//! The engine: what the server does by itself, as reconcilers over the store.
//!
//! | task | brings together |
//! | --- | --- |
//! | [`InterpretDeliveries`] | deliveries that were taken, and the runs that they start or end |
//! | [`ExpireLeases`] | attempts of hosts that fell silent, and jobs that need another try |
//! | [`Report`] | what a forge shows, and what it should show |
//! | [`Sweep`] | what a forge holds, and what its webhooks told of |
//!
//! Each task is an [`Activation`]: it takes no input, looks at the store, does
//! what is to be done and may be repeated at any time. The [`Driver`] runs it on
//! a signal and on a slow timer; after a crash, running it again is the
//! recovery. [`recover`] mends what a crash may have left between the logs and
//! the store. Forges are talked to by one task each, so that a slow one keeps
//! nobody waiting.
//!
//! [`start_by_hand`] is no task: it makes runs at once, because somebody waits.
//!
//! Which events start what is the policy's to say (`solstice-policy`); the module
//! `start` asks the forge for what that depends on (invariant I10).
//!
//! What a check says is in [`check`], pure; the store calls it in the
//! transaction of each transition.
//!
//! It does not: serve HTTP, hold SQL, or know any forge by name.

mod annotate;
#[cfg(test)]
mod bench;
mod by_hand;
pub mod check;
mod clock;
mod deliveries;
mod driver;
mod files;
mod leases;
mod plan;
mod problem;
mod records;
mod reports;
mod requests;
mod start;
mod sweep;
pub mod why;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use annotate::Annotate;
pub use by_hand::{StartError, start_by_hand};
pub use check::Checks;
pub use clock::{Clock, ManualClock, SystemClock};
pub use deliveries::InterpretDeliveries;
pub use driver::{Activation, Driver, Next, Signal};
pub use leases::ExpireLeases;
pub use plan::{Cause, NothingToRun, Plan, plan};
pub use records::{Applier, ApplyError, close_logs, recover};
pub use reports::Report;
use solstice_forge::Forge;
use solstice_model::ForgeName;
pub use sweep::Sweep;

/// The forges of the configuration.
pub type Forges = BTreeMap<ForgeName, Arc<dyn Forge>>;
