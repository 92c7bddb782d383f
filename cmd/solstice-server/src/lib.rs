//! The server of Solstice CI: takes webhooks, keeps what is to be done, gives
//! jobs to hosts, and shows people and forges how they fare.
//!
//! Three listeners, one per kind of caller, so that an operator can put the
//! webhooks alone on the internet:
//!
//! | listener | API | module |
//! | --- | --- | --- |
//! | webhooks | [`WebhookApi`](solstice_api::webhook::WebhookApi) | `webhook` |
//! | people | [`UserApi`](solstice_api::user::UserApi) and the pages | `user`, `pages` |
//! | hosts | [`HostApi`](solstice_api::host::HostApi) | `host` |
//!
//! Handlers hold no state of their own: everything is in the store and in the
//! logs, and what is left to do is done by the tasks of `solstice-engine`. It
//! may be killed at any instruction and started again.
//!
//! It does not: make machines, hold privileges, or speak TLS (put a proxy in
//! front of it).

mod auth;
mod context;
mod cookie;
mod credentials;
mod csrf;
mod error;
mod host;
mod live;
mod oauth;
mod once;
mod pages;
mod pending;
mod permissions;
mod ready;
mod requests;
mod respond;
mod retention;
mod return_to;
mod server;
mod sign_in;
mod throttle;
pub mod tokens;
mod user;
mod webhook;

pub use server::{Server, StartError, database};
