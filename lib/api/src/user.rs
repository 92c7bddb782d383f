//! What people and their tools may ask of the server, and the pages.
//!
//! Reading needs the role `reader` (or `anonymous "reader"` in the server's
//! configuration); everything that changes something needs more. The pages are
//! left out of the OpenAPI document.

use chrono::{DateTime, Utc};
use dropshot::{
    Body, EmptyScanParams, HttpError, HttpResponseCreated, HttpResponseDeleted, HttpResponseOk,
    HttpResponseUpdatedNoContent, PaginationParams, Path, Query, RequestContext, ResultsPage,
    TypedBody,
};
use http::Response;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solstice_model::{
    AgentVerdict, Annotation, AnnotationCounts, AttemptId, CommitSha, DeliveryId, EventKind, Exit,
    ForgeName, GitRef, HostName, JobId, JobName, JobSpec, JobState, Label, MatrixCell, Need,
    Record, RepoName, Role, RunId, Sha256Digest, SizeName, Token,
};

use crate::host::{HostImage, Phase};

/// The user API.
#[dropshot::api_description]
pub trait UserApi {
    /// The implementation's shared state.
    type Context;

    /// List runs, newest first
    #[endpoint { method = GET, path = "/api/v1/runs", tags = ["runs"] }]
    async fn run_list(
        rqctx: RequestContext<Self::Context>,
        query: Query<PaginationParams<EmptyScanParams, RunPage>>,
    ) -> Result<HttpResponseOk<ResultsPage<Run>>, HttpError>;

    /// Start the workflows of a branch, tag or commit that have `on "manual"`
    ///
    /// The forge is asked where the ref is now. 404 if it knows no such
    /// repository or ref, 422 with the code `nothing_to_run` and the reason if
    /// no workflow there is to be started by hand.
    #[endpoint {
        method = POST,
        path = "/api/v1/runs",
        tags = ["runs"],
        request_body_max_bytes = 65_536,
    }]
    async fn run_create(
        rqctx: RequestContext<Self::Context>,
        body: TypedBody<RunCreate>,
    ) -> Result<HttpResponseCreated<Vec<Run>>, HttpError>;

    /// Show a run and its jobs
    #[endpoint { method = GET, path = "/api/v1/runs/{run}", tags = ["runs"] }]
    async fn run_view(
        rqctx: RequestContext<Self::Context>,
        path: Path<RunPath>,
    ) -> Result<HttpResponseOk<RunDetail>, HttpError>;

    /// Cancel what is not finished of a run; gives the jobs that this ended
    #[endpoint { method = POST, path = "/api/v1/runs/{run}/cancel", tags = ["runs"] }]
    async fn run_cancel(
        rqctx: RequestContext<Self::Context>,
        path: Path<RunPath>,
    ) -> Result<HttpResponseOk<Vec<JobId>>, HttpError>;

    /// Approve of a run that waits for that; gives the runs that may go on now
    ///
    /// Those are all that wait at the same commit of the same pull request; none
    /// if somebody approved before. 409 if it needs no approval, or is over
    /// without one.
    #[endpoint { method = POST, path = "/api/v1/runs/{run}/approve", tags = ["runs"] }]
    async fn run_approve(
        rqctx: RequestContext<Self::Context>,
        path: Path<RunPath>,
    ) -> Result<HttpResponseOk<Vec<RunId>>, HttpError>;

    /// Run jobs of a run once more; gives the new ones
    ///
    /// A new job takes the place of each, with an outcome of its own; the old
    /// one stays readable. 409 while one of them is not finished.
    #[endpoint {
        method = POST,
        path = "/api/v1/runs/{run}/rerun",
        tags = ["runs"],
        request_body_max_bytes = 4096,
    }]
    async fn run_rerun(
        rqctx: RequestContext<Self::Context>,
        path: Path<RunPath>,
        body: TypedBody<Rerun>,
    ) -> Result<HttpResponseCreated<Vec<Job>>, HttpError>;

    /// Show a job, its steps and its attempts
    #[endpoint { method = GET, path = "/api/v1/jobs/{job}", tags = ["jobs"] }]
    async fn job_view(
        rqctx: RequestContext<Self::Context>,
        path: Path<JobPath>,
    ) -> Result<HttpResponseOk<JobDetail>, HttpError>;

    /// Cancel a job; 409 if it is over
    #[endpoint { method = POST, path = "/api/v1/jobs/{job}/cancel", tags = ["jobs"] }]
    async fn job_cancel(
        rqctx: RequestContext<Self::Context>,
        path: Path<JobPath>,
    ) -> Result<HttpResponseUpdatedNoContent, HttpError>;

    /// Run a job, and those that need it, once more; gives the new ones
    ///
    /// As `run_rerun`.
    #[endpoint { method = POST, path = "/api/v1/jobs/{job}/rerun", tags = ["jobs"] }]
    async fn job_rerun(
        rqctx: RequestContext<Self::Context>,
        path: Path<JobPath>,
    ) -> Result<HttpResponseCreated<Vec<Job>>, HttpError>;

    /// List the artifacts of a job's last attempt
    #[endpoint { method = GET, path = "/api/v1/jobs/{job}/artifacts", tags = ["jobs"] }]
    async fn job_artifacts(
        rqctx: RequestContext<Self::Context>,
        path: Path<JobPath>,
    ) -> Result<HttpResponseOk<Vec<Artifact>>, HttpError>;

    /// Download an artifact
    ///
    /// Always as `application/octet-stream`, to be saved: its bytes are a
    /// stranger's. 410 if it was removed by age or size.
    #[endpoint { method = GET, path = "/api/v1/jobs/{job}/artifacts/{index}", tags = ["jobs"] }]
    async fn job_artifact(
        rqctx: RequestContext<Self::Context>,
        path: Path<ArtifactPath>,
    ) -> Result<Response<Body>, HttpError>;

    /// List what tools had to say of the source in an attempt of a job
    ///
    /// Nothing until the attempt is over and its output was looked through.
    #[endpoint { method = GET, path = "/api/v1/jobs/{job}/annotations", tags = ["jobs"] }]
    async fn job_annotations(
        rqctx: RequestContext<Self::Context>,
        path: Path<JobPath>,
        query: Query<AnnotationsQuery>,
    ) -> Result<HttpResponseOk<Annotations>, HttpError>;

    /// Read a part of a job's log as records
    #[endpoint { method = GET, path = "/api/v1/jobs/{job}/records", tags = ["jobs"] }]
    async fn job_records(
        rqctx: RequestContext<Self::Context>,
        path: Path<JobPath>,
        query: Query<RecordsQuery>,
    ) -> Result<HttpResponseOk<RecordsPage>, HttpError>;

    /// Read a job's log as plain text
    ///
    /// The output of the last attempt so far, lines as written, step headings
    /// as `=== step 1: Build`.
    #[endpoint { method = GET, path = "/api/v1/jobs/{job}/log", tags = ["jobs"] }]
    async fn job_log(
        rqctx: RequestContext<Self::Context>,
        path: Path<JobPath>,
    ) -> Result<Response<Body>, HttpError>;

    /// Follow a job's log and state as server-sent events
    ///
    /// Events `record` (data: a record, id: `ATTEMPT:SEQ`), `state` (data: the
    /// job's state), `attempt` (data: the id of the attempt that the records
    /// after it are of) and, last, `end`. Begins after the event named by the
    /// `Last-Event-ID` header, or at the start of the last attempt.
    #[endpoint { method = GET, path = "/api/v1/jobs/{job}/events", tags = ["jobs"] }]
    async fn job_events(
        rqctx: RequestContext<Self::Context>,
        path: Path<JobPath>,
    ) -> Result<Response<Body>, HttpError>;

    /// Read the serial console of a job's last machine, once it has ended
    #[endpoint { method = GET, path = "/api/v1/jobs/{job}/console", tags = ["jobs"] }]
    async fn job_console(
        rqctx: RequestContext<Self::Context>,
        path: Path<JobPath>,
    ) -> Result<Response<Body>, HttpError>;

    /// List deliveries, newest first
    #[endpoint { method = GET, path = "/api/v1/deliveries", tags = ["deliveries"] }]
    async fn delivery_list(
        rqctx: RequestContext<Self::Context>,
        query: Query<PaginationParams<EmptyScanParams, DeliveryPage>>,
    ) -> Result<HttpResponseOk<ResultsPage<Delivery>>, HttpError>;

    /// Show a delivery
    #[endpoint { method = GET, path = "/api/v1/deliveries/{delivery}", tags = ["deliveries"] }]
    async fn delivery_view(
        rqctx: RequestContext<Self::Context>,
        path: Path<DeliveryPath>,
    ) -> Result<HttpResponseOk<DeliveryDetail>, HttpError>;

    /// Read the body of a delivery as it came; for operators, since it may tell
    /// of private repositories
    #[endpoint { method = GET, path = "/api/v1/deliveries/{delivery}/body", tags = ["deliveries"] }]
    async fn delivery_body(
        rqctx: RequestContext<Self::Context>,
        path: Path<DeliveryPath>,
    ) -> Result<Response<Body>, HttpError>;

    /// Have a delivery interpreted again
    #[endpoint {
        method = POST,
        path = "/api/v1/deliveries/{delivery}/replay",
        tags = ["deliveries"],
    }]
    async fn delivery_replay(
        rqctx: RequestContext<Self::Context>,
        path: Path<DeliveryPath>,
    ) -> Result<HttpResponseOk<Delivery>, HttpError>;

    /// List the hosts that have ever reported
    #[endpoint { method = GET, path = "/api/v1/hosts", tags = ["hosts"] }]
    async fn host_list(
        rqctx: RequestContext<Self::Context>,
    ) -> Result<HttpResponseOk<Vec<Host>>, HttpError>;

    /// Let a host drain, or take jobs again
    ///
    /// A draining host gets no further job; what runs there goes on.
    #[endpoint {
        method = PUT,
        path = "/api/v1/hosts/{host}",
        tags = ["hosts"],
        request_body_max_bytes = 4096,
    }]
    async fn host_update(
        rqctx: RequestContext<Self::Context>,
        path: Path<HostPath>,
        body: TypedBody<HostUpdate>,
    ) -> Result<HttpResponseOk<Host>, HttpError>;

    /// List the golden images of all hosts
    #[endpoint { method = GET, path = "/api/v1/images", tags = ["hosts"] }]
    async fn image_list(
        rqctx: RequestContext<Self::Context>,
    ) -> Result<HttpResponseOk<Vec<Image>>, HttpError>;

    /// Tell whose token this is
    #[endpoint { method = GET, path = "/api/v1/whoami", tags = ["tokens"] }]
    async fn whoami(
        rqctx: RequestContext<Self::Context>,
    ) -> Result<HttpResponseOk<WhoAmI>, HttpError>;

    /// List tokens, without their secrets
    #[endpoint { method = GET, path = "/api/v1/tokens", tags = ["tokens"] }]
    async fn token_list(
        rqctx: RequestContext<Self::Context>,
    ) -> Result<HttpResponseOk<Vec<TokenInfo>>, HttpError>;

    /// Make a token; its secret is in this answer and nowhere else
    #[endpoint {
        method = POST,
        path = "/api/v1/tokens",
        tags = ["tokens"],
        request_body_max_bytes = 4096,
    }]
    async fn token_create(
        rqctx: RequestContext<Self::Context>,
        body: TypedBody<TokenCreate>,
    ) -> Result<HttpResponseCreated<TokenCreated>, HttpError>;

    /// Revoke a token
    #[endpoint { method = DELETE, path = "/api/v1/tokens/{name}", tags = ["tokens"] }]
    async fn token_revoke(
        rqctx: RequestContext<Self::Context>,
        path: Path<TokenPath>,
    ) -> Result<HttpResponseDeleted, HttpError>;

    /// Tell that the server lives, and what it has to do
    #[endpoint { method = GET, path = "/health", tags = ["operation"] }]
    async fn health(
        rqctx: RequestContext<Self::Context>,
    ) -> Result<HttpResponseOk<Health>, HttpError>;

    /// Tell whether the server can do its work
    ///
    /// 503 with the reasons if what it keeps cannot be written, and while it
    /// stops.
    #[endpoint { method = GET, path = "/ready", tags = ["operation"] }]
    async fn ready(
        rqctx: RequestContext<Self::Context>,
    ) -> Result<HttpResponseOk<Ready>, HttpError>;

    /// Page: the newest runs
    #[endpoint { method = GET, path = "/", unpublished = true }]
    async fn page_runs(rqctx: RequestContext<Self::Context>) -> Result<Response<Body>, HttpError>;

    /// Page: one run
    #[endpoint { method = GET, path = "/runs/{run}", unpublished = true }]
    async fn page_run(
        rqctx: RequestContext<Self::Context>,
        path: Path<RunPath>,
    ) -> Result<Response<Body>, HttpError>;

    /// A button of a run's page: `approve`, `cancel`, `rerun` or `rerun-failed`
    #[endpoint { method = POST, path = "/runs/{run}/{action}", unpublished = true }]
    async fn page_run_action(
        rqctx: RequestContext<Self::Context>,
        path: Path<RunActionPath>,
    ) -> Result<Response<Body>, HttpError>;

    /// A button of a job's page: `cancel` or `rerun`
    #[endpoint { method = POST, path = "/jobs/{job}/{action}", unpublished = true }]
    async fn page_job_action(
        rqctx: RequestContext<Self::Context>,
        path: Path<JobActionPath>,
    ) -> Result<Response<Body>, HttpError>;

    /// Page: one job with its log
    #[endpoint { method = GET, path = "/jobs/{job}", unpublished = true }]
    async fn page_job(
        rqctx: RequestContext<Self::Context>,
        path: Path<JobPath>,
    ) -> Result<Response<Body>, HttpError>;

    /// The pages' style sheet and script
    #[endpoint { method = GET, path = "/assets/{file}", unpublished = true }]
    async fn page_asset(
        rqctx: RequestContext<Self::Context>,
        path: Path<AssetPath>,
    ) -> Result<Response<Body>, HttpError>;
}

/// Which run.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunPath {
    /// The run's id.
    pub run: RunId,
}

/// Which job.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct JobPath {
    /// The job's id.
    pub job: JobId,
}

/// Which button of which run's page.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunActionPath {
    /// The run's id.
    pub run: RunId,
    /// What is to be done.
    pub action: String,
}

/// Which button of which job's page.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct JobActionPath {
    /// The job's id.
    pub job: JobId,
    /// What is to be done.
    pub action: String,
}

/// Which artifact.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ArtifactPath {
    /// The job's id.
    pub job: JobId,
    /// The artifact's number, from 0.
    pub index: u32,
}

/// Which delivery.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryPath {
    /// The delivery's id.
    pub delivery: DeliveryId,
}

/// Which host.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct HostPath {
    /// The host's name.
    pub host: HostName,
}

/// Which token.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenPath {
    /// The token's name.
    pub name: String,
}

/// Which file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct AssetPath {
    /// Its name.
    pub file: String,
}

/// Where a page of runs ends.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunPage {
    /// The last run seen.
    pub run: RunId,
}

/// Where a page of deliveries ends.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryPage {
    /// The last delivery seen.
    pub delivery: DeliveryId,
}

/// What is to be started by hand.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunCreate {
    /// The forge; may be left out if only one is configured.
    #[serde(default)]
    pub forge: Option<ForgeName>,
    /// The repository.
    pub repository: RepoName,
    /// A branch, a tag or a full ref; the repository's default branch if absent.
    #[serde(default, rename = "ref")]
    pub git_ref: Option<String>,
    /// The commit, if not where the ref is now.
    #[serde(default)]
    pub commit: Option<CommitSha>,
    /// Path of the one workflow file to start; all that may be if absent.
    #[serde(default)]
    pub file: Option<String>,
}

/// Which jobs of a run are to be run once more.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rerun {
    /// Only those that did not succeed; otherwise all.
    #[serde(default)]
    pub failed_only: bool,
}

/// Of which attempt.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct AnnotationsQuery {
    /// The attempt, from 1; the last if absent.
    #[serde(default)]
    pub attempt: Option<u32>,
}

/// What tools had to say of the source in one attempt.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Annotations {
    /// Of which attempt.
    pub attempt: AttemptId,
    /// What was found, in that order.
    pub annotations: Vec<Annotation>,
    /// How much more there was than is kept.
    pub omitted: u32,
}

/// Which part of a log: the records from `from` on, or the last `tail`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RecordsQuery {
    /// The attempt, from 1; the last if absent.
    #[serde(default)]
    pub attempt: Option<u32>,
    /// The first sequence number wanted; 1 if absent.
    #[serde(default)]
    pub from: Option<u64>,
    /// So many records of output from the end, at most 10,000, instead of `from`.
    #[serde(default)]
    pub tail: Option<u32>,
    /// The most records of the answer; at most 10,000, and 1,000 if absent.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// A part of a log.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RecordsPage {
    /// Of which attempt.
    pub attempt: AttemptId,
    /// The records, in order.
    pub records: Vec<Record>,
    /// Where the next page begins.
    pub next_seq: u64,
    /// The last record that was durable when this was read.
    pub last_seq: u64,
    /// Whether none will follow `last_seq`.
    pub over: bool,
}

/// A file that a job left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Artifact {
    /// Its number, from 0.
    pub index: u32,
    /// Its path from the source's root, or from `/` without that slash.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its digest.
    pub sha256: Sha256Digest,
    /// When it was removed by age or size, if it was.
    pub removed_at: Option<DateTime<Utc>>,
}

/// One workflow file at one commit.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The forge that it came from.
    pub forge: ForgeName,
    /// The repository.
    pub repository: RepoName,
    /// The commit that it builds.
    pub commit: CommitSha,
    /// What started it.
    pub event: EventKind,
    /// The pull request's number, if it is one.
    pub pull_request: Option<u64>,
    /// The ref that was pushed, or the pull request's.
    pub git_ref: GitRef,
    /// First line of the commit's message, cut.
    pub title: String,
    /// Who pushed, as the forge says.
    pub actor: String,
    /// Path of the workflow file.
    pub file: String,
    /// The workflow's name; the file's path if it has none or could not be read.
    pub workflow: String,
    /// Why the workflow could not be run, if so: the diagnostics as text.
    pub problem: Option<String>,
    /// Where it stands, all jobs together.
    pub status: RunStatus,
    /// When the server made it.
    pub created_at: DateTime<Utc>,
    /// When its last job ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// The approval that it needs before its jobs may run, if it needs one.
    #[serde(default)]
    pub approval: Option<Approval>,
}

/// Somebody's approval of a run, waited for or given.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    /// Why it is needed, for people.
    pub why: String,
    /// Who gave it; it is waited for if absent.
    pub by: Option<String>,
    /// When.
    pub at: Option<DateTime<Utc>>,
}

/// Where a run stands; derived from its jobs, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Nobody has approved of it yet: its jobs may not run.
    WaitingForApproval,
    /// No job has begun.
    Queued,
    /// Some job is not finished.
    Running,
    /// Every job succeeded.
    Succeeded,
    /// A job failed or ran out of time, or the workflow is broken.
    Failed,
    /// A job could not be run through no fault of the author's; none failed.
    InfraFailed,
    /// A job was cancelled; none failed.
    Cancelled,
}

/// A run with its jobs.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RunDetail {
    /// The run.
    pub run: Run,
    /// Its jobs, in the order of the file; of those that were run once more the
    /// last.
    pub jobs: Vec<Job>,
}

/// A job.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The run that it belongs to.
    pub run: RunId,
    /// Its id in the workflow.
    pub name: JobName,
    /// The label that it asks for.
    pub runs_on: Label,
    /// The size of machine that it asks for.
    pub size: Option<SizeName>,
    /// Its place in a matrix.
    pub matrix: Option<MatrixCell>,
    /// The jobs that it needs.
    pub needs: Vec<Need>,
    /// Whether its failure does not count.
    pub continue_on_error: bool,
    /// Its priority among the waiting jobs of its repository.
    pub priority: i8,
    /// How often it was run once more before, from 0.
    pub rerun: u32,
    /// The job that took its place, if it was run once more.
    pub replaced_by: Option<JobId>,
    /// Where it stands.
    pub state: JobState,
    /// When it was made.
    pub queued_at: DateTime<Utc>,
    /// When its last attempt was claimed.
    pub claimed_at: Option<DateTime<Utc>>,
    /// When its last attempt's agent began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it got its outcome.
    pub finished_at: Option<DateTime<Utc>>,
    /// How much tools had to say of the source in its last attempt.
    #[serde(default)]
    pub annotations: AnnotationCounts,
}

/// A job with what is known of its last attempt.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct JobDetail {
    /// The job.
    pub job: Job,
    /// The run that it belongs to.
    pub run: Run,
    /// What it is to do.
    pub spec: JobSpec,
    /// Its tries, first to last.
    pub attempts: Vec<Attempt>,
    /// The steps of the last try, as many as have begun.
    pub steps: Vec<Step>,
}

/// One try of a job.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// Its id, also the machine's.
    pub id: AttemptId,
    /// Which try, from 1.
    pub number: u32,
    /// The host that makes it.
    pub host: HostName,
    /// When the host claimed it.
    pub claimed_at: DateTime<Utc>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it came to nothing, if it did.
    pub lost: Option<String>,
    /// What its agent said in the end, if it did.
    pub verdict: Option<AgentVerdict>,
    /// Where the time until its agent began went.
    pub phases: Vec<Phase>,
}

/// One step of an attempt.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Its index, from 0.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// When it began, by the guest's clock.
    pub started_at: DateTime<Utc>,
    /// When it ended, by the guest's clock.
    pub finished_at: Option<DateTime<Utc>>,
    /// How it ended, or how its last try did.
    pub exit: Option<Exit>,
    /// How often it was tried; 0 if it was not run.
    pub tries: u32,
}

/// One webhook request.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// Our id.
    pub id: DeliveryId,
    /// The forge.
    pub forge: ForgeName,
    /// The forge's own id.
    pub forge_id: String,
    /// The kind of event, as the forge names it.
    pub event: String,
    /// When it was taken.
    pub received_at: DateTime<Utc>,
    /// Where it comes from.
    pub source: DeliverySource,
    /// What became of it: `waiting`, `runs`, `acted`, `ignored` or `rejected`.
    pub verdict: String,
    /// Why, or what was done, for people.
    pub reason: Option<String>,
    /// How often somebody had it interpreted again.
    pub replays: u32,
    /// The runs that came of it.
    pub runs: Vec<RunId>,
}

/// Where a delivery comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliverySource {
    /// The forge sent it.
    Webhook,
    /// The server found at the forge what no webhook had told of.
    Sweep,
}

impl DeliverySource {
    /// Its name, as in the database and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            DeliverySource::Webhook => "webhook",
            DeliverySource::Sweep => "sweep",
        }
    }
}

/// A delivery with what is seldom asked for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryDetail {
    /// The delivery.
    #[serde(flatten)]
    pub delivery: Delivery,
    /// Its headers, without those that are secret.
    pub headers: Vec<Header>,
    /// The size of its body in bytes.
    pub body_bytes: u64,
    /// When the body was removed, if it was.
    pub body_removed_at: Option<DateTime<Utc>>,
    /// How often it has been postponed.
    pub tries: u32,
    /// When it got its verdict.
    pub finished_at: Option<DateTime<Utc>>,
    /// Who had it interpreted again last.
    pub replayed_by: Option<String>,
}

/// A header of a webhook request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// Its name, in small letters.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A computer that runs an orchestrator.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// Its name.
    pub name: HostName,
    /// The labels that it offers.
    pub labels: Vec<Label>,
    /// Further machines that it could take when it last reported.
    pub room: u32,
    /// When it last reported.
    pub seen_at: DateTime<Utc>,
    /// The jobs that it works on.
    pub jobs: Vec<JobId>,
    /// Whether an operator lets it drain.
    pub draining: bool,
    /// Whether it has reported within the time of a lease.
    pub online: bool,
    /// The sizes of machine that it can make.
    pub sizes: Vec<SizeName>,
    /// The golden images that it has.
    pub images: Vec<HostImage>,
}

/// A change of a host.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostUpdate {
    /// Whether it is to get no further job.
    pub draining: bool,
}

/// A golden image and the hosts that have it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Image {
    /// The image.
    pub image: HostImage,
    /// Which hosts.
    pub hosts: Vec<HostName>,
}

/// Whose token it is.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct WhoAmI {
    /// The token's name; none without a token.
    pub name: Option<String>,
    /// What it opens.
    pub role: Role,
}

/// A token, without its secret.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenInfo {
    /// Its name, unique.
    pub name: String,
    /// What it opens.
    pub role: Role,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A token to be made.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenCreate {
    /// Its name, unique; for the role `host` the host's name.
    pub name: String,
    /// What it opens.
    pub role: Role,
}

/// A new token.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TokenCreated {
    /// What was made.
    pub info: TokenInfo,
    /// The secret; it is not shown again.
    pub token: Token,
}

/// How the server is.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// The program's version.
    pub version: String,
    /// Jobs that wait.
    pub queued: u64,
    /// Jobs that a host works on.
    pub running: u64,
    /// Forge reports that are not delivered yet.
    pub unreported: u64,
}

/// The server can do its work.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Ready {
    /// What was tried: `store`, `logs`.
    pub checks: Vec<String>,
}
