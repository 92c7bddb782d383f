//! The server as its callers see it: a real one, on ports of its own, with a
//! real database.

#![allow(clippy::unwrap_used, reason = "a test fails where it stands")]

mod access;
mod acting;
mod annotations;
mod artifacts;
mod audit;
mod bench;
mod crash;
mod events;
mod hosts;
mod ledger;
mod lines;
mod oauth;
mod once;
mod overview;
mod pages;
mod provider;
mod pushes;
mod sign_in;
mod visibility;
mod webhooks;
