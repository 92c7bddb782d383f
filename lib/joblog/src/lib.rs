//! The log of each attempt, append-only on disk.
//!
//! One file per attempt, one [`Record`](solstice_model::Record) per line in JSON,
//! in the order of their sequence numbers, without holes (invariant I5). What
//! [`JobLogs::append`] has answered is on disk; what it has not may be sent
//! again, in any batches: it is kept once. A tail that a crash tore is cut off
//! when the file is next opened, and since it was never acknowledged, it comes again.
//!
//! ```text
//! <dir>/.lock                   one process at a time
//! <dir>/3f/<attempt>.ndjson     the records; sharded by the id's last two digits,
//! <dir>/3f/<attempt>.console    which are random (the first are the time)
//! ```
//!
//! Readers page through a log from any sequence number and can follow it while
//! it grows. However long a log is, only a sparse index of it is in memory. All
//! work on files is done off the async threads.
//!
//! What the records mean for a job is the store's business, not this crate's.

mod console;
mod error;
mod index;
mod lines;
mod log;
mod logs;
mod plain;

pub use error::LogError;
pub use log::Page;
pub use logs::JobLogs;
pub use plain::{Plain, PlainReader};
