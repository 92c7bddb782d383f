//! What an agent may ask of its host. Every byte from it is hostile.
//!
//! A guest learns its endpoint and its token from the kernel command line. It
//! redeems the token once, together with a session key of its own making; a
//! repeat with the same key (the answer was lost) is answered as the first
//! time, any other key is refused. From then on the session key is its bearer
//! token; it dies with the machine (invariant I6).

use dropshot::{Body, HttpError, HttpResponseOk, RequestContext, TypedBody};
use http::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solstice_model::{JobSpec, Record, Token};

/// The agent API.
#[dropshot::api_description]
pub trait AgentApi {
    /// The implementation's shared state.
    type Context;

    /// Exchange the single-use token for the job
    #[endpoint { method = POST, path = "/agent/v1/redeem", request_body_max_bytes = 4096 }]
    async fn agent_redeem(
        rqctx: RequestContext<Self::Context>,
        body: TypedBody<Redeem>,
    ) -> Result<HttpResponseOk<Redeemed>, HttpError>;

    /// Fetch the source of the job's commit
    ///
    /// The body is a zstd-compressed tar archive (possibly several archives in
    /// a row: unpack with zero blocks ignored), one entry per file, relative
    /// paths, submodules in place.
    #[endpoint { method = GET, path = "/agent/v1/source" }]
    async fn agent_source(
        rqctx: RequestContext<Self::Context>,
    ) -> Result<Response<Body>, HttpError>;

    /// Hand over records, in order
    ///
    /// Answers once the server has made them durable. Records that are already
    /// durable are dropped; a gap is refused with 409.
    #[endpoint { method = POST, path = "/agent/v1/records", request_body_max_bytes = 4_194_304 }]
    async fn agent_records(
        rqctx: RequestContext<Self::Context>,
        body: TypedBody<RecordBatch>,
    ) -> Result<HttpResponseOk<RecordsAccepted>, HttpError>;
}

/// The body of `agent_redeem`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Redeem {
    /// The token from the kernel command line.
    pub token: Token,
    /// The session key that the agent made up: at least 32 random bytes in text.
    pub session: Token,
}

/// The agent's job.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Redeemed {
    /// What to run.
    pub spec: JobSpec,
    /// The next sequence number that the server lacks: 1, unless the agent
    /// was restarted inside a running machine.
    pub next_seq: u64,
}

/// Some records, in order and without holes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RecordBatch {
    /// At most [`solstice_model::record::MAX_BATCH_RECORDS`].
    pub records: Vec<Record>,
}

/// What became of a batch.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RecordsAccepted {
    /// Everything up to and including this sequence number is durable.
    pub durable_seq: u64,
    /// Whether the attempt is over and the agent should power off now.
    pub stop: bool,
}
