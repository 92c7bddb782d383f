//! `ciadm` as its users see it: the program itself, against a real server on
//! ports of its own with a forge that is played.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod bench;
mod follow;
mod forge;
mod mistakes;
mod network;
mod words;
