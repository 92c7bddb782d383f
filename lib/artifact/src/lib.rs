//! The artifacts of jobs, on disk: bytes by attempt and index.
//!
//! What they are called, and which of them are kept, is the store's business.
//! An artifact is written once, by streaming, and is there only when all of it
//! is on disk and is what it should be ([`Writer::commit`]); what is not
//! committed leaves nothing. Everything is bounded ([`Limits`], invariant I12):
//! what is being written counts from the byte on that arrives.
//!
//! ```text
//! <dir>/.lock                   one process at a time
//! <dir>/.new/<number>           what is being written; emptied at the start
//! <dir>/3f/<attempt>/<index>    the artifacts; sharded by the id's last two digits,
//!                               which are random (the first are the time)
//! ```
//!
//! A job gets the artifacts of those that it needs as one archive
//! ([`ArtifactStore::inputs`]). All work on files is done off the async threads.

mod books;
mod error;
mod files;
mod inputs;
mod names;
mod reader;
mod store;
mod writer;

pub use error::ArtifactError;
pub use inputs::{Input, Inputs};
pub use reader::Reader;
pub use store::{ArtifactStore, Kept, Limits};
pub use writer::{Stored, Writer};
