//! Configuration files, typed: one module per program.
//!
//! Files are KDL, read through [`solstice_kdl`], so that every mistake is shown
//! at its place with a way out. Secrets stand in files of their own that nobody
//! else can read, and are refused otherwise.

mod error;
pub mod orchestrator;
mod secret;
pub mod server;
mod telemetry;

pub use error::ConfigError;
pub use orchestrator::OrchestratorConfig;
pub use secret::Secret;
pub use server::ServerConfig;
