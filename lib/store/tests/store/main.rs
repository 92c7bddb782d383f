//! The store through its public door, on real files.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod claims;
mod concurrency;
mod crash;
mod deliveries;
mod fixture;
mod hosts_and_tokens;
mod leases;
mod opening;
mod outbox;
mod records;
mod replay;
mod transitions;
mod views;
