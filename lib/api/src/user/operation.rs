//! How the server is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the server is.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// The program's version.
    pub version: String,
    /// Jobs that wait.
    pub queued: u64,
    /// Jobs that a host works on.
    pub running: u64,
    /// Forge reports that are not delivered yet.
    pub unreported: u64,
}

/// The server can do its work.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Ready {
    /// What was tried: `store`, `logs`.
    pub checks: Vec<String>,
}
