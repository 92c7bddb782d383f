//! The log of each attempt, append-only on disk.
//!
//! One file per attempt, one [`Record`](solstice_model::Record) per line in JSON,
//! in the order of their sequence numbers, without holes (invariant I5). What
//! [`JobLogs::append`] has answered is on disk; what it has not may be sent
//! again, in any batches: it is kept once. A tail that a crash tore is cut off
//! when the file is next opened, and since it was never acknowledged, it comes again.
//!
//! ```text
//! <dir>/.lock                      one process at a time
//! <dir>/3f/<attempt>.ndjson        the records; sharded by the id's last two digits,
//! <dir>/3f/<attempt>.index         which are random (the first are the time)
//! <dir>/3f/<attempt>.ndjson.zst    the records of an attempt that is over
//! <dir>/3f/<attempt>.console       what its machine wrote to the serial port
//! ```
//!
//! Readers page through a log from any sequence number and can follow it while
//! it grows; they open it at its end, at a step, at a line or where something is
//! written. However long a log is, none of that reads more than a small part
//! of it (a search: a bounded part for each call), and nothing is in memory of
//! it but a page. All work on files is done off the async threads.
//!
//! # The index
//!
//! A log of more than about a mebibyte has an index beside it: `solstice-index-1`,
//! the attempt's id, and checkpoints of 104 bytes (their layout is in
//! `checkpoint.rs`), one for every 64 KiB of the log and one for each record that
//! begins or ends a step. It tells only of what is durable, is never waited for,
//! and may be lost at any time: opening a log takes its last checkpoint that the
//! log confirms and reads on from there.
//!
//! # Sealed logs
//!
//! A log that is over is compressed ([`JobLogs::seal`]): frames of Zstandard (RFC
//! 8878), each with a checksum, each of 256 KiB of the log (the last has less),
//! and then one frame that decoders skip. So `zstd -dc` gives the records as they
//! were appended. All numbers are little-endian; the skipped frame holds:
//!
//! | bytes | what |
//! | --- | --- |
//! | 8 (n + 1) | where each of n frames begins in the file, and where the last ends |
//! | 104 c | the checkpoints of the index |
//! | 104 s | those of them again that tell of steps |
//! | 104 | the checkpoint after the last record: its offset is the size of the log |
//! | 8, 8, 8, 8 | where in the file the first of these tables begins; n; c; s |
//! | 8 | FNV-1a of the attempt's id and the 136 bytes before |
//! | 16 | `solstice-seal-1` and a newline |
//!
//! The file is written beside the log, synced and renamed before the log is
//! removed; whatever ends the process on the way leaves one log that is whole.
//! A sealed log that is damaged is never written to: what can be read is.
//!
//! What the records mean for a job is the store's business, not this crate's; so
//! is who decides which logs are kept ([`JobLogs::oldest`], [`JobLogs::remove`]).

mod assemble;
mod checkpoint;
mod console;
mod error;
mod errors;
mod files;
mod find;
mod index;
mod line;
mod lines;
mod log;
mod logs;
mod numbers;
mod plain;
mod recover;
mod seal;
mod sealed;
mod sealer;
mod search;
mod shelf;
mod source;
mod state;
mod steps;
mod usage;
mod window;

pub use assemble::{Assembler, LogLine};
pub use error::LogError;
pub use errors::find_error;
pub use find::Place;
pub use logs::{Extent, JobLogs, Limits};
pub use numbers::LineNumbers;
pub use plain::{Plain, PlainReader};
pub use search::{Found, Hit, Search, Wanted};
pub use shelf::Kept;
pub use state::Page;
pub use steps::{StepEdge, StepExtent};
pub use window::Window;
