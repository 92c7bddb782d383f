//! The HTTP APIs, one Dropshot trait per kind of caller.
//!
//! | trait | served by | called by | authenticated by |
//! | --- | --- | --- | --- |
//! | [`WebhookApi`](webhook::WebhookApi) | server | forges | signature over the body |
//! | [`UserApi`](user::UserApi) | server | people, browsers, tools | bearer token with a role |
//! | [`HostApi`](host::HostApi) | server | orchestrators | bearer token, role `host` |
//! | [`AgentApi`](agent::AgentApi) | orchestrator | agents in guests | single-job token |
//!
//! [`conditional`] has the answers that their caller may have already.
//!
//! A trait holds no code: programs implement it, `cargo xtask openapi` writes
//! `docs/openapi/*.json` from it, and `solstice-client` is generated from those
//! documents. Each trait has a listener of its own, so that an operator can put
//! the webhooks alone on the internet.
//!
//! Every endpoint that takes a body states its bound (invariant I12).

// Dropshot's macro writes each endpoint's future out in the trait's signature.
#![allow(missing_docs, reason = "the endpoint macro generates public items without docs")]

pub mod agent;
pub mod conditional;
pub mod host;
pub mod user;
pub mod webhook;
