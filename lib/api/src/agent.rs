//! What an agent may ask of its host. Every byte from it is hostile.
//!
//! A guest learns its endpoint and its token from the kernel command line. It
//! redeems the token once, together with a session key of its own making; a
//! repeat with the same key (the answer was lost) is answered as the first
//! time, any other key is refused. From then on the session key is its bearer
//! token; it dies with the machine (invariant I6).

use dropshot::{
    Body, HttpError, HttpResponseOk, HttpResponseUpdatedNoContent, Path, Query, RequestContext,
    StreamingBody, TypedBody,
};
use http::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solstice_model::{JobSpec, Record, Sha256Digest, Token};

/// The most artifacts of one attempt.
pub const MAX_ARTIFACTS: u32 = 10_000;

/// The most bytes of one artifact.
pub const MAX_ARTIFACT_BYTES: u64 = 8 * 1024 * 1024 * 1024;

/// The most bytes of an artifact's path.
pub const MAX_ARTIFACT_PATH_BYTES: usize = 1024;

/// Where Dropshot itself would step in; the implementation counts for itself
/// and answers 413.
pub(crate) const DROPSHOT_ARTIFACT_BYTES: usize = 16 * 1024 * 1024 * 1024;

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

    /// Fetch the artifacts of the jobs that this one needs
    ///
    /// The body is as in `agent_source`; its members are `JOB/PATH`. It is
    /// empty of members if those jobs have left none.
    #[endpoint { method = GET, path = "/agent/v1/inputs" }]
    async fn agent_inputs(
        rqctx: RequestContext<Self::Context>,
    ) -> Result<Response<Body>, HttpError>;

    /// Hand over one artifact
    ///
    /// Answers once the server has it on disk. A repeat of an index with the
    /// same content changes nothing, with another it is refused by 409. 413 if
    /// it is larger than one, or all together, may be.
    #[endpoint {
        method = PUT,
        path = "/agent/v1/artifacts/{index}",
        request_body_max_bytes = DROPSHOT_ARTIFACT_BYTES,
    }]
    async fn agent_artifact(
        rqctx: RequestContext<Self::Context>,
        path: Path<ArtifactIndex>,
        query: Query<ArtifactName>,
        body: StreamingBody,
    ) -> Result<HttpResponseOk<ArtifactStored>, HttpError>;

    /// Say that a shell is there where a step has failed; what is typed comes back
    ///
    /// The body goes on for as long as somebody is there; it is frames of
    /// `solstice_model::terminal`. Only where `shell_on_failure` was told; 404
    /// otherwise.
    #[endpoint { method = GET, path = "/agent/v1/shell/input" }]
    async fn agent_shell_input(
        rqctx: RequestContext<Self::Context>,
    ) -> Result<Response<Body>, HttpError>;

    /// Send what the shell prints, as it does; after `agent_shell_input`
    #[endpoint {
        method = POST,
        path = "/agent/v1/shell/output",
        request_body_max_bytes = DROPSHOT_ARTIFACT_BYTES,
    }]
    async fn agent_shell_output(
        rqctx: RequestContext<Self::Context>,
        body: StreamingBody,
    ) -> Result<HttpResponseUpdatedNoContent, HttpError>;

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
    /// Whether there is anything at `agent_inputs`.
    #[serde(default)]
    pub has_inputs: bool,
    /// How many bytes of output, all steps together, are taken; what is beyond
    /// the agent drops, and says so.
    #[serde(default = "default_log_limit")]
    pub log_limit_bytes: u64,
    /// Whether somebody wants a shell where a step has failed.
    #[serde(default)]
    pub shell_on_failure: bool,
}

/// The bytes of output that are taken of a job where nothing else is said.
pub const DEFAULT_LOG_LIMIT_BYTES: u64 = 4 * 1024 * 1024 * 1024;

fn default_log_limit() -> u64 {
    DEFAULT_LOG_LIMIT_BYTES
}

/// Which artifact of the attempt.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactIndex {
    /// Its number, from 0, below [`MAX_ARTIFACTS`].
    pub index: u32,
}

/// What an artifact is called.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactName {
    /// Its path from the source's root, or from `/` without that slash: parts
    /// that are neither empty nor `.` nor `..`, at most
    /// [`MAX_ARTIFACT_PATH_BYTES`].
    pub path: String,
}

/// What the server has of an artifact; the agent compares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactStored {
    /// Its size.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Sha256Digest,
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
