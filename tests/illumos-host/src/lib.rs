//! A strict simulated illumos host, for tests on Linux.
//!
//! One program stands in for illumos' commands. It is put in their places by
//! an overlay on `/usr` in a private mount namespace, so that the product
//! executes the true absolute paths and contains no hook for it. Each command
//! accepts only its documented grammar, keeps the documented states, prints the
//! documented messages with the documented exit codes, and refuses everything
//! else. See README.md for what that proves and what it cannot.
//!
//! - [`World`]: the state of the host, one JSON file under a lock.
//! - [`Reply`]: what a command prints and how it ends.
//! - [`faults`]: latency and failures for any command, and the journal.
//! - [`enter`]: the namespaces.
//! - [`transcript`]: tests that are written as one would see them at a terminal.
//! - [`guest`]: tiny guests for its zones.

pub mod command;
pub mod enter;
pub mod faults;
pub mod guest;
mod reply;
pub mod transcript;
mod world;

pub use reply::Reply;
pub use world::{World, WorldError, state_dir};
