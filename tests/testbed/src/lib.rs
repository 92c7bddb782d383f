//! A whole installation of Solstice CI on one computer, for the demonstration
//! and for end-to-end tests: a forge that records what it is told, the server
//! and the orchestrator, started as a user would start them.
//!
//! It is no part of the product: only tests depend on it.

mod api;
mod daemon;
mod error;
pub mod forge;
mod host;
mod installation;
mod zones;

pub use api::{Api, Follower, JobNews};
pub use daemon::Daemon;
pub use error::TestbedError;
pub use host::{HostPlan, TestHost};
pub use installation::{Backend, Built, HOST, Installation, wait_for};
