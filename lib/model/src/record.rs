//! What an agent says about its job: one ordered stream of records.
//!
//! Output and the bounds of steps share one sequence, so that their order is
//! what happened and "everything up to 1,204 is durable" is one number. The
//! sequence starts at 1 for each attempt and has no holes; whoever receives it
//! drops what it already has and refuses what leaves a gap (invariant I5).
//!
//! The time comes from the guest's clock and is shown, never trusted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::job::{AgentVerdict, Exit};

/// The most bytes of output in one record; a longer line comes in several.
pub const MAX_CHUNK_BYTES: usize = 32 * 1024;

/// The most records in one request.
pub const MAX_BATCH_RECORDS: usize = 4_096;

/// The most bytes of output, all chunks together, in one request.
pub const MAX_BATCH_BYTES: usize = 512 * 1024;

/// One thing that the agent saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Its place in the attempt's stream, from 1, without holes.
    pub seq: u64,
    /// The guest's wall clock (UTC).
    pub at: DateTime<Utc>,
    /// What happened.
    #[serde(flatten)]
    pub body: RecordBody,
}

/// The kinds of record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RecordBody {
    /// The step with this index (from 0) begins.
    StepStarted {
        /// Index into the job's steps.
        step: u32,
    },
    /// A line that the step wrote, or a part of one.
    Output {
        /// Index into the job's steps.
        step: u32,
        /// Which of its two streams.
        stream: Stream,
        /// The bytes, without the newline that ended them.
        chunk: Chunk,
        /// Whether a newline ended it. `false`: the line goes on in the next
        /// record of the same stream, or the step ended without a newline.
        newline: bool,
    },
    /// The step ended.
    StepFinished {
        /// Index into the job's steps.
        step: u32,
        /// How.
        exit: Exit,
    },
    /// The step failed and is tried again; more of its output follows.
    StepRetried {
        /// Index into the job's steps.
        step: u32,
        /// How this try ended.
        exit: Exit,
    },
    /// The step is not run: its condition does not hold.
    StepSkipped {
        /// Index into the job's steps.
        step: u32,
    },
    /// Something that the agent itself has to say, outside any step.
    Note {
        /// One line for people.
        text: String,
    },
    /// The job is over; nothing follows.
    Finished {
        /// How it ended.
        verdict: AgentVerdict,
    },
}

/// The stream that a line was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Bytes as a program wrote them. In JSON a string where they are UTF-8,
/// `{"base64": "…"}` where they are not: nothing is lost either way.
#[derive(Clone, PartialEq, Eq)]
pub struct Chunk(pub Vec<u8>);

impl Chunk {
    /// The bytes as text, with U+FFFD for what is not UTF-8.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl From<&str> for Chunk {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl std::fmt::Debug for Chunk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.text(), f)
    }
}

/// How a [`Chunk`] is written in JSON.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Chunk")]
enum ChunkRepr {
    /// Bytes that are UTF-8.
    Text(String),
    /// Any other bytes.
    Binary {
        /// Standard alphabet, padded (RFC 4648, section 4).
        base64: String,
    },
}

impl Serialize for Chunk {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => ChunkRepr::Binary { base64: STANDARD.encode(&self.0) }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Chunk {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match ChunkRepr::deserialize(deserializer)? {
            ChunkRepr::Text(text) => Ok(Chunk(text.into_bytes())),
            ChunkRepr::Binary { base64 } => {
                STANDARD.decode(base64).map(Chunk).map_err(serde::de::Error::custom)
            }
        }
    }
}

impl JsonSchema for Chunk {
    fn schema_name() -> String {
        ChunkRepr::schema_name()
    }

    fn json_schema(generator: &mut schemars::r#gen::SchemaGenerator) -> schemars::schema::Schema {
        ChunkRepr::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_survive_json(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let chunk = Chunk(bytes);
            let json = serde_json::to_string(&chunk).unwrap();
            prop_assert_eq!(serde_json::from_str::<Chunk>(&json).unwrap(), chunk);
        }
    }

    #[test]
    fn a_record_is_flat_json_that_people_can_read() {
        let record = Record {
            seq: 7,
            at: DateTime::from_timestamp_millis(0).unwrap(),
            body: RecordBody::Output {
                step: 0,
                stream: Stream::Stderr,
                chunk: "cc -c main.c".into(),
                newline: true,
            },
        };
        let json = serde_json::to_value(&record).unwrap();
        assert_eq!(json["kind"], "output");
        assert_eq!(json["chunk"], "cc -c main.c");
        assert_eq!(serde_json::from_value::<Record>(json).unwrap(), record);
    }
}
