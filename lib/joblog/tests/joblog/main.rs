//! The logs through their public door, on real files.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod crash;
mod find;
mod fixture;
mod full;
mod index;
mod paging;
mod records;
mod retention;
mod seal;
mod search;
mod ways;
mod window;
