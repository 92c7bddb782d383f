//! The orchestrator's reconcilers: what happens between a job that the server
//! has given to this host and a machine that is gone again.
//!
//! | part | brings | to |
//! | --- | --- | --- |
//! | sync | what this host does | what the server wants |
//! | attempt | one machine | its attempt's stage |
//! | report | the server's view of an attempt | this host's |
//! | sweep | the machines that exist | those that somebody knows |
//! | source | the mirror and the archive | the commit |
//! | agent API | the server's records | the guest's |
//!
//! Each is one idempotent activation, run on a signal and on a slow timer.
//! Everything is keyed by the attempt's id. What was promised to a guest is on
//! disk first, so that killing this process at any instruction costs no job:
//! machines keep running, and the next orchestrator takes them up. Before the
//! server has answered it, it destroys nothing.
//!
//! What it does not do: make machines (that is a [`Hypervisor`]), decide about
//! retries (the server does), or hold a credential of a guest.
//!
//! ```no_run
//! # async fn example(
//! #     settings: solstice_host::Settings,
//! #     outside: solstice_host::Outside,
//! #     log: slog::Logger,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! use solstice_host::{DataDirectory, Orchestrator, Shutdown};
//!
//! let data = DataDirectory::open("/var/lib/solstice-orchestrator".into())?;
//! let orchestrator = Orchestrator::start(settings, data, outside, log).await?;
//! println!("guests are served at {}", orchestrator.agent_address());
//! let (_tell, told) = tokio::sync::watch::channel(Shutdown::Run);
//! orchestrator.run(told).await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Hypervisor`]: solstice_hypervisor::Hypervisor

mod agent_api;
mod attempt;
mod backoff;
mod clock;
mod data;
mod endpoint;
mod file;
mod ledger;
mod orchestrator;
mod registry;
pub mod relay;
mod seats;
mod server;
mod settings;
mod shell;
mod shutdown;
mod source;
mod stage;
mod sweep;
mod sync;
mod tasks;
mod telemetry;
#[cfg(test)]
mod testing;

pub use clock::{Clock, SystemClock};
pub use data::DataDirectory;
pub use endpoint::ENDPOINT_FILE;
pub use orchestrator::{Orchestrator, Outside, RunError, StartError};
pub use server::{ServerError, check_server};
pub use settings::{ImageSettings, Limits, MachineSize, Settings, SourceSettings};
pub use shell::{Visit, Visitors};
pub use shutdown::Shutdown;
pub use source::{SourceError, check_git};
pub use telemetry::Telemetry;
