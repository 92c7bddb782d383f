//! Clients of the user API in other languages, made by public generators from
//! `docs/openapi/user.json`, and a public tester of APIs; all of them call a
//! real server, which runs in the test's own process.
//!
//! [`Served`] is that server with something to show; [`Tools`] are the programs
//! that `cargo xtask test` has installed.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod served;
mod tools;

pub use served::Served;
pub use tools::Tools;
