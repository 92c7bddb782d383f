//! What compilers and tests print, as remarks on lines of the source.
//!
//! A [`Finder`] is fed what one stream of a step wrote, as it was written, and
//! puts what it recognises into [`Findings`]: rustc and Rust's panics, gcc, clang
//! and whatever prints like them, Go, pytest, TAP, and the workflow commands
//! `::error`, `::warning` and `::notice`. Nothing has to be configured: each line
//! says by its look what it is. [`junit`] reads the reports that test runners
//! write, [`of_problem`] our own diagnostics of a workflow file.
//!
//! All of it comes from strangers (invariant I12): bytes may be anything, lines
//! are cut, what is kept is bounded. A remark on a file that does not belong to
//! the source is dropped. Whether there is such a file is not looked at.
//!
//! Everything here is pure. It does not: read logs, or know any forge.
//!
//! ```
//! use solstice_annotate::{Finder, Findings, Workspace};
//!
//! let mut findings = Findings::default();
//! let mut finder = Finder::new(Workspace::new("/work/src"));
//! finder.output(b"/work/src/main.c:3:7: error: expected ;", true, &mut findings);
//! finder.end(&mut findings);
//! let (annotations, omitted) = findings.into_annotations();
//! assert_eq!((annotations[0].path.as_str(), annotations[0].line, omitted), ("main.c", 3, 0));
//! ```

mod command;
mod finder;
mod findings;
mod gcc;
mod go;
mod junit;
mod make;
mod panic;
mod perl;
mod place;
mod problem;
mod pytest;
mod rustc;
mod sink;
mod tap;
mod text;
mod workspace;

pub use finder::{Finder, MAX_LINE_BYTES};
pub use findings::Findings;
pub use junit::{BadReport, MAX_REPORT_BYTES, junit};
pub use problem::of_problem;
pub use workspace::Workspace;
