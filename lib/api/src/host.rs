//! What an orchestrator may ask of the server.
//!
//! The host says what it knows and what room it has; the server answers with
//! all that it wants there. One call is claim, heartbeat and cancellation in
//! one, and because it states whole sets, a lost answer or a crash on either
//! side is mended by the next call.

use std::fmt;

use dropshot::{
    Body, HttpError, HttpResponseOk, HttpResponseUpdatedNoContent, Path, Query, RequestContext,
    StreamingBody, TypedBody, UntypedBody,
};
use http::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solstice_model::{
    Assignment, AttemptId, HostName, ImageName, Label, Sha256Digest, SizeName, TimeLimit,
};

use crate::agent::{
    ArtifactName, ArtifactStored, DROPSHOT_ARTIFACT_BYTES, RecordBatch, RecordsAccepted,
};

/// The host API.
#[dropshot::api_description]
pub trait HostApi {
    /// The implementation's shared state.
    type Context;

    /// Renew the leases, learn what is wanted, claim what fits
    ///
    /// Answers at once when the set of wanted attempts differs from `known`,
    /// otherwise when it changes or after `wait_ms`.
    #[endpoint { method = POST, path = "/host/v1/sync", request_body_max_bytes = 262_144 }]
    async fn host_sync(
        rqctx: RequestContext<Self::Context>,
        body: TypedBody<SyncRequest>,
    ) -> Result<HttpResponseOk<SyncResponse>, HttpError>;

    /// Tell how the making of a machine goes
    ///
    /// A repeat changes nothing. 410 with the code `attempt_over` means that
    /// nobody waits for this attempt any more: destroy its machine.
    #[endpoint {
        method = POST,
        path = "/host/v1/attempts/{attempt}/report",
        request_body_max_bytes = 65_536,
    }]
    async fn host_report(
        rqctx: RequestContext<Self::Context>,
        path: Path<AttemptPath>,
        body: TypedBody<HostReport>,
    ) -> Result<HttpResponseUpdatedNoContent, HttpError>;

    /// Forward an agent's records
    ///
    /// Answers once they are durable (invariant I5). 409 with the code
    /// `record_gap` if records are missing, 410 as in `host_report`. An empty
    /// batch changes nothing and asks how many are durable.
    #[endpoint {
        method = POST,
        path = "/host/v1/attempts/{attempt}/records",
        request_body_max_bytes = 4_194_304,
    }]
    async fn host_records(
        rqctx: RequestContext<Self::Context>,
        path: Path<AttemptPath>,
        body: TypedBody<RecordBatch>,
    ) -> Result<HttpResponseOk<RecordsAccepted>, HttpError>;

    /// Ask for what is needed to fetch the source of a private repository
    ///
    /// 404 with the code `no_credential` if nothing is needed, or the forge has
    /// nothing to give; 503 if it does not answer.
    #[endpoint { method = GET, path = "/host/v1/attempts/{attempt}/credential" }]
    async fn host_credential(
        rqctx: RequestContext<Self::Context>,
        path: Path<AttemptPath>,
    ) -> Result<HttpResponseOk<FetchCredential>, HttpError>;

    /// Forward the request for the artifacts of the jobs that this one needs
    ///
    /// Body and members as in the agent API's `agent_inputs`.
    #[endpoint { method = GET, path = "/host/v1/attempts/{attempt}/inputs" }]
    async fn host_inputs(
        rqctx: RequestContext<Self::Context>,
        path: Path<AttemptPath>,
    ) -> Result<Response<Body>, HttpError>;

    /// Forward one artifact
    ///
    /// Answers once it is on disk; otherwise as the agent API's
    /// `agent_artifact`, and 507 with the code `no_room` if the server's disk
    /// or its bound for artifacts is full.
    #[endpoint {
        method = PUT,
        path = "/host/v1/attempts/{attempt}/artifacts/{index}",
        request_body_max_bytes = DROPSHOT_ARTIFACT_BYTES,
    }]
    async fn host_artifact(
        rqctx: RequestContext<Self::Context>,
        path: Path<AttemptArtifactPath>,
        query: Query<ArtifactName>,
        body: StreamingBody,
    ) -> Result<HttpResponseOk<ArtifactStored>, HttpError>;

    /// Hand over the machine's serial console, its last MiB at most
    #[endpoint {
        method = PUT,
        path = "/host/v1/attempts/{attempt}/console",
        request_body_max_bytes = 1_048_576,
    }]
    async fn host_console(
        rqctx: RequestContext<Self::Context>,
        path: Path<AttemptPath>,
        body: UntypedBody,
    ) -> Result<HttpResponseUpdatedNoContent, HttpError>;
}

/// Which attempt.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct AttemptPath {
    /// The attempt's id.
    pub attempt: AttemptId,
}

/// What a host needs to fetch a private repository by HTTP (RFC 7617). It stays
/// on the host (invariant I6) and is good for that repository's address alone.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct FetchCredential {
    /// The name.
    pub username: String,
    /// The password, which may be a token.
    pub password: String,
}

impl fmt::Debug for FetchCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchCredential").finish_non_exhaustive()
    }
}

/// Which artifact of which attempt.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct AttemptArtifactPath {
    /// The attempt's id.
    pub attempt: AttemptId,
    /// The artifact's number, from 0.
    pub index: u32,
}

/// What a host knows and has room for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SyncRequest {
    /// The host; must be the one that the token was made for.
    pub host: HostName,
    /// The labels that it offers, each with the number of further machines
    /// that it could take of it now. Empty while the host drains.
    pub offers: Vec<Offer>,
    /// The number of further machines that it could take altogether.
    pub room: u32,
    /// The attempts that it works on.
    pub known: Vec<AttemptId>,
    /// How long the server may wait for news, in milliseconds; at most 30,000.
    pub wait_ms: u32,
    /// The sizes of machine that it can make, of whichever image.
    #[serde(default)]
    pub sizes: Vec<SizeName>,
    /// The golden images that it has.
    #[serde(default)]
    pub images: Vec<HostImage>,
}

/// A golden image of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostImage {
    /// Its name in the host's configuration.
    pub name: ImageName,
    /// The digest of its lock.
    pub digest: Sha256Digest,
    /// What jobs ask for to get it.
    pub labels: Vec<Label>,
}

/// Room for machines of one kind. Labels that are aliases of one image share it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Offer {
    /// Labels that this room serves: any of them takes one from `room`.
    pub labels: Vec<Label>,
    /// How many more.
    pub room: u32,
}

/// What the server wants of a host.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SyncResponse {
    /// Every attempt that this host is to work on; whatever is not listed is
    /// no longer wanted and its machine must go.
    pub wanted: Vec<Assignment>,
}

/// How the making of a machine goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum HostReport {
    /// The host has begun to make the machine.
    Starting,
    /// The machine is not there yet, but something of the way is done.
    Progress {
        /// Where the time went so far, in order; replaces what was told before.
        phases: Vec<Phase>,
    },
    /// The agent has redeemed its token; the machine took this long.
    Running {
        /// Where the time went, in order.
        phases: Vec<Phase>,
    },
    /// The job overstayed a limit of the workflow's and the agent did not say so.
    TimedOut {
        /// Which.
        limit: TimeLimit,
    },
    /// The attempt came to nothing through no fault of the author's.
    Lost {
        /// What went wrong, for people.
        why: String,
    },
}

/// The most bytes of a reason in a report.
pub const MAX_WHY_BYTES: usize = 4_000;

impl HostReport {
    /// A loss, its reason cut to what the server takes.
    pub fn lost(why: &str) -> Self {
        let mut end = why.len().min(MAX_WHY_BYTES);
        while !why.is_char_boundary(end) {
            end -= 1;
        }
        Self::Lost { why: why[..end].to_owned() }
    }
}

/// One stretch of the way to a running job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Phase {
    /// What was done: `fetch`, `archive`, `create`, `boot`.
    pub name: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// Codes in error answers of this API that a host acts upon.
pub mod codes {
    /// 410: the attempt is over; destroy its machine.
    pub const ATTEMPT_OVER: &str = "attempt_over";
    /// 409: records are missing between what is durable and what was sent.
    pub const RECORD_GAP: &str = "record_gap";
    /// 413: what is sent is more than the server keeps of one attempt.
    pub const TOO_LARGE: &str = "too_large";
    /// 404: nothing is needed to fetch the source, or the forge gives nothing.
    pub const NO_CREDENTIAL: &str = "no_credential";
    /// 507: the server has no room.
    pub const NO_ROOM: &str = "no_room";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let HostReport::Lost { why } = HostReport::lost(&"ä💡".repeat(2_000)) else { panic!() };
        assert!(why.len() <= MAX_WHY_BYTES && why.len() > MAX_WHY_BYTES - 4);
        assert_eq!(HostReport::lost("short"), HostReport::Lost { why: "short".to_owned() });
    }
}
