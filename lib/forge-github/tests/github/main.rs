//! The App against a fake GitHub that judges every request by the published
//! description of the API, and against GitHub's own examples of webhooks.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod checks;
mod conformance;
mod outbox;
mod reading;
mod standing;
mod transport;
mod webhooks;
mod world;
