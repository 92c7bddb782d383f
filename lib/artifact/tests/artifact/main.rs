//! The store of artifacts through its public door, on real files.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bounds;
mod crash;
mod fixture;
mod inputs;
mod whole;
