//! The logs through their public door, on real files.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod crash;
mod fixture;
mod full;
mod paging;
mod records;
