//! The orchestrator whole, between a fake server and a fake hypervisor; a
//! module per story.

mod hostile;
mod life;
mod restart;
mod shutdown;
mod support;
