//! What is kept no longer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What to do about what may be removed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionRun {
    /// Only say what would be removed.
    #[serde(default)]
    pub dry_run: bool,
}

/// What was removed, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Retention {
    /// Whether everything is still there.
    pub dry_run: bool,
    /// A line per kind that the configuration sets limits for.
    pub removed: Vec<Removed>,
}

/// What was removed of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Removed {
    /// `logs`, `artifacts`, `deliveries` (their bodies), `ledger` (what remains of
    /// them), `events` or `audit`: as in the configuration.
    pub kind: String,
    /// How many: attempts whose logs or artifacts, deliveries, entries.
    pub count: u64,
    /// How many bytes that frees, as far as is known: rows of the database count as 0.
    pub bytes: u64,
}
