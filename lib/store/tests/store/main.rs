//! The store through its public door, on real files.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod annotations;
mod approvals;
mod artifacts;
mod claims;
mod concurrency;
mod crash;
mod deliveries;
mod fixture;
mod green;
mod history;
mod hosts_and_tokens;
mod leases;
mod ledger;
mod needs;
mod opening;
mod outbox;
mod pull_requests;
mod random;
mod records;
mod replay;
mod reruns;
mod retention;
mod retries;
mod schedule;
mod transitions;
mod views;
mod why;
