//! The orchestrator whole, between a fake server and a fake hypervisor; a
//! module per story.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod hostile;
mod life;
mod restart;
mod shutdown;
mod support;
mod transfer;
