//! Parts of a job's log.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solstice_model::{AttemptId, Record};

/// Which part of a log: the records from `from` on, or the last `tail`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RecordsQuery {
    /// The attempt, from 1; the last if absent.
    #[serde(default)]
    pub attempt: Option<u32>,
    /// The first sequence number wanted; 1 if absent.
    #[serde(default)]
    pub from: Option<u64>,
    /// So many records of output from the end, at most 10,000, instead of `from`.
    #[serde(default)]
    pub tail: Option<u32>,
    /// The most records of the answer; at most 10,000, and 1,000 if absent.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// A part of a log.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RecordsPage {
    /// Of which attempt.
    pub attempt: AttemptId,
    /// The records, in order.
    pub records: Vec<Record>,
    /// Where the next page begins.
    pub next_seq: u64,
    /// The last record that was durable when this was read.
    pub last_seq: u64,
    /// Whether none will follow `last_seq`.
    pub over: bool,
}
