//! Typed decoding of KDL documents, with the place of everything that is wrong.
//!
//! Configuration files and workflow files are KDL. This crate turns the bytes
//! of such a file into values of Rust types and, where that fails, into
//! diagnostics: what is wrong, where (file, line, column, span), and what to
//! write instead. All problems of a file are collected, up to
//! [`MAX_DIAGNOSTICS`], so that one round of edits is enough.
//!
//! KDL 2 is the language; a file that is not KDL 2 but is KDL 1 is read as
//! KDL 1; a file that is neither gets the diagnostics of KDL 2.
//!
//! A workflow file comes from strangers (invariant I12), so the document is
//! parsed here, with an explicit stack and [`Limits`] on bytes, items and depth.
//! The `kdl` crate is what the tests compare with, and not more: its parsers
//! recurse for every block, comment and recovered error, so that 40 kB of
//! closing braces overflow the stack and end the process, and its parser of
//! KDL 1 panics on some words.
//!
//! What it does not do: write KDL, keep comments, or give meaning to type
//! annotations such as `(u8)5`, which it refuses.
//!
//! ```
//! use std::time::Duration;
//! use solstice_kdl::{Document, Limits, value};
//!
//! let file = br#"
//!     cache keep="30m" {
//!         path "/var/cache/solstice"
//!     }
//! "#;
//! let document = Document::parse("host.kdl", file, Limits::default())?;
//! let (keep, path) = document.decode(|top| {
//!     let mut cache = top.required_child("cache")?;
//!     let keep = cache.prop("keep", value::duration);
//!     let path = cache.required_setting("path", value::absolute_path);
//!     cache.finish();
//!     Some((keep, path?))
//! })?;
//! assert_eq!(keep, Some(Duration::from_secs(1800)));
//! assert_eq!(path.to_str(), Some("/var/cache/solstice"));
//!
//! let misspelt = Document::parse("host.kdl", b"cahce {}", Limits::default())?;
//! let wrong = misspelt.decode(|top| top.required_child("cache").map(|_| ())).unwrap_err();
//! assert_eq!(wrong.list()[0].line(), 1);
//! # Ok::<(), solstice_kdl::Diagnostics>(())
//! ```

mod diagnostic;
mod document;
mod lexer;
mod parser;
mod place;
mod reader;
mod scalar;
mod source;
mod suggest;
mod text;
pub mod value;

pub use diagnostic::{Diagnostic, Diagnostics, MAX_DIAGNOSTICS, Problem};
pub use document::Document;
pub use miette::SourceSpan as Span;
pub use reader::Reader;
pub use source::Limits;
pub use suggest::{nearest, quoted};
pub use value::{Refusal, Spanned, Value};
