//! How times, sizes and what programs wrote are shown to people: the same on
//! pages, in `ciadm` and in `cidev`.
//!
//! Everything here is pure. It does not: colour, write anywhere, or know what a job is.
//!
//! ```
//! use solstice_display::{line, size};
//!
//! assert_eq!(size(4200), "4.1 KiB");
//! assert_eq!(line(b"\x1b[2Jdone", true), "done");
//! ```

mod amount;
pub mod escape;
mod harmless;
mod line;
mod table;

pub use amount::{duration, size};
pub use harmless::harmless;
pub use line::{MAX_LINE_BYTES, line};
pub use table::{Table, cut};
