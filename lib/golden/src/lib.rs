//! Golden images in a ZFS pool: where they are, how they get there, how they go.
//!
//! ```text
//! DATASET/images/<32 hex digits of the disk's digest>            the volume
//! DATASET/images/<32 hex digits of the disk's digest>@golden     what machines are cloned from
//! DATASET/images/<32 hex digits of the disk's digest>.partial    an import that is not done
//! ```
//!
//! The snapshot bears the whole digest of the locked file in the user property
//! `org.solstice:sha256`, set in the transaction that made it and only after
//! every byte was found to be the locked one (invariant I11). A snapshot does
//! not change, so nothing has to be read again before a machine boots.

mod error;
mod import;
mod pool;
mod source;

pub use error::GoldenError;
pub use import::{Imported, Progress};
pub use pool::{Golden, Pool};
