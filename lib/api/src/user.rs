//! What people and their tools may ask of the server, and the pages.
//!
//! Reading needs the role `reader` (or `anonymous "reader"` in the server's
//! configuration); everything that changes something needs more. The pages are
//! left out of the OpenAPI document.

use dropshot::{
    Body, EmptyScanParams, HttpError, HttpResponseCreated, HttpResponseDeleted, HttpResponseOk,
    HttpResponseUpdatedNoContent, PaginationParams, Path, Query, RequestContext, ResultsPage,
    TypedBody, UntypedBody,
};
use http::Response;
use solstice_model::{JobId, RunId};

mod audit;
mod delivery;
mod host;
mod job;
mod log;
mod operation;
mod path;
mod queue;
mod repository;
mod run;
mod token;
mod why;

pub use self::audit::{AuditAction, AuditEntry, AuditPage, AuditQuery, AuditVia};
pub use self::delivery::{Delivery, DeliveryDetail, DeliveryPage, DeliverySource, Header};
pub use self::host::{Host, HostUpdate, Image};
pub use self::job::{Annotations, AnnotationsQuery, Artifact, Attempt, Job, JobDetail, Step};
pub use self::log::{RecordsPage, RecordsQuery};
pub use self::operation::{Health, Ready};
pub use self::path::{
    ArtifactPath, AssetPath, DeliveryActionPath, DeliveryPath, HostActionPath, HostPath,
    JobActionPath, JobPath, LoginPath, RepositoryPath, RunActionPath, RunPath, TokenPath,
};
pub use self::queue::{Queue, QueuedJob, RunningStep, WaitingJob, WorkingJob};
pub use self::repository::{Repository, RepositoryPage};
pub use self::run::{Approval, Rerun, Run, RunCreate, RunDetail, RunFilter, RunPage, RunStatus};
pub use self::token::{TokenCreate, TokenCreated, TokenInfo, WhoAmI};
pub use self::why::{
    CommitQuery, CommitWhy, Confidence, DeliveryWhy, Estimate, Fault, JobInShort, JobWhy, Place,
    QueuePlace, Reason, ReasonKind, RunWhy, Standing,
};

/// The user API.
#[dropshot::api_description]
pub trait UserApi {
    /// The implementation's shared state.
    type Context;

    /// List repositories that have had runs, those with the newest runs first
    #[endpoint { method = GET, path = "/api/v1/repositories", tags = ["runs"] }]
    async fn repository_list(
        rqctx: RequestContext<Self::Context>,
        query: Query<PaginationParams<EmptyScanParams, RepositoryPage>>,
    ) -> Result<HttpResponseOk<ResultsPage<Repository>>, HttpError>;

    /// Tell what runs and what waits, and why
    #[endpoint { method = GET, path = "/api/v1/queue", tags = ["runs"] }]
    async fn queue_view(
        rqctx: RequestContext<Self::Context>,
    ) -> Result<HttpResponseOk<Queue>, HttpError>;

    /// List runs, newest first
    #[endpoint { method = GET, path = "/api/v1/runs", tags = ["runs"] }]
    async fn run_list(
        rqctx: RequestContext<Self::Context>,
        query: Query<PaginationParams<RunFilter, RunPage>>,
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

    /// Tell why there is such a run and why it stands where it stands
    #[endpoint { method = GET, path = "/api/v1/runs/{run}/why", tags = ["runs"] }]
    async fn run_why(
        rqctx: RequestContext<Self::Context>,
        path: Path<RunPath>,
    ) -> Result<HttpResponseOk<RunWhy>, HttpError>;

    /// Tell what came of a commit: runs, or the recorded reasons why there are none
    #[endpoint { method = GET, path = "/api/v1/why", tags = ["runs"] }]
    async fn commit_why(
        rqctx: RequestContext<Self::Context>,
        query: Query<CommitQuery>,
    ) -> Result<HttpResponseOk<CommitWhy>, HttpError>;

    /// Show a job, its steps and its attempts
    #[endpoint { method = GET, path = "/api/v1/jobs/{job}", tags = ["jobs"] }]
    async fn job_view(
        rqctx: RequestContext<Self::Context>,
        path: Path<JobPath>,
    ) -> Result<HttpResponseOk<JobDetail>, HttpError>;

    /// Tell why a job waits, runs, was skipped or failed, by whose fault, and what helps
    #[endpoint { method = GET, path = "/api/v1/jobs/{job}/why", tags = ["jobs"] }]
    async fn job_why(
        rqctx: RequestContext<Self::Context>,
        path: Path<JobPath>,
    ) -> Result<HttpResponseOk<JobWhy>, HttpError>;

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

    /// List what was done, newest first
    ///
    /// Sign-ins, and all that people and tools made the server do.
    #[endpoint { method = GET, path = "/api/v1/audit", tags = ["audit"] }]
    async fn audit_list(
        rqctx: RequestContext<Self::Context>,
        query: Query<PaginationParams<AuditQuery, AuditPage>>,
    ) -> Result<HttpResponseOk<ResultsPage<AuditEntry>>, HttpError>;

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

    /// Page: repositories
    #[endpoint { method = GET, path = "/repositories", unpublished = true }]
    async fn page_repositories(
        rqctx: RequestContext<Self::Context>,
    ) -> Result<Response<Body>, HttpError>;

    /// Page: the runs of one repository
    #[endpoint { method = GET, path = "/repositories/{forge}/{owner}/{name}", unpublished = true }]
    async fn page_repository(
        rqctx: RequestContext<Self::Context>,
        path: Path<RepositoryPath>,
    ) -> Result<Response<Body>, HttpError>;

    /// How a branch stands, as a picture; `name` ends with `.svg`
    #[endpoint { method = GET, path = "/badges/{forge}/{owner}/{name}", unpublished = true }]
    async fn page_badge(
        rqctx: RequestContext<Self::Context>,
        path: Path<RepositoryPath>,
    ) -> Result<Response<Body>, HttpError>;

    /// Page: hosts
    #[endpoint { method = GET, path = "/hosts", unpublished = true }]
    async fn page_hosts(rqctx: RequestContext<Self::Context>) -> Result<Response<Body>, HttpError>;

    /// A button of the page of hosts: `drain` or `undrain`
    #[endpoint { method = POST, path = "/hosts/{host}/{action}", unpublished = true }]
    async fn page_host_action(
        rqctx: RequestContext<Self::Context>,
        path: Path<HostActionPath>,
        body: UntypedBody,
    ) -> Result<Response<Body>, HttpError>;

    /// Page: golden images
    #[endpoint { method = GET, path = "/images", unpublished = true }]
    async fn page_images(rqctx: RequestContext<Self::Context>)
    -> Result<Response<Body>, HttpError>;

    /// Page: deliveries
    #[endpoint { method = GET, path = "/deliveries", unpublished = true }]
    async fn page_deliveries(
        rqctx: RequestContext<Self::Context>,
    ) -> Result<Response<Body>, HttpError>;

    /// Page: one delivery
    #[endpoint { method = GET, path = "/deliveries/{delivery}", unpublished = true }]
    async fn page_delivery(
        rqctx: RequestContext<Self::Context>,
        path: Path<DeliveryPath>,
    ) -> Result<Response<Body>, HttpError>;

    /// A button of a delivery's page: `replay`
    #[endpoint { method = POST, path = "/deliveries/{delivery}/{action}", unpublished = true }]
    async fn page_delivery_action(
        rqctx: RequestContext<Self::Context>,
        path: Path<DeliveryActionPath>,
        body: UntypedBody,
    ) -> Result<Response<Body>, HttpError>;

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
        body: UntypedBody,
    ) -> Result<Response<Body>, HttpError>;

    /// A button of a job's page: `cancel` or `rerun`
    #[endpoint { method = POST, path = "/jobs/{job}/{action}", unpublished = true }]
    async fn page_job_action(
        rqctx: RequestContext<Self::Context>,
        path: Path<JobActionPath>,
        body: UntypedBody,
    ) -> Result<Response<Body>, HttpError>;

    /// Page: one job with its log
    #[endpoint { method = GET, path = "/jobs/{job}", unpublished = true }]
    async fn page_job(
        rqctx: RequestContext<Self::Context>,
        path: Path<JobPath>,
    ) -> Result<Response<Body>, HttpError>;

    /// Page: how to sign in
    #[endpoint { method = GET, path = "/login", unpublished = true }]
    async fn page_login(rqctx: RequestContext<Self::Context>) -> Result<Response<Body>, HttpError>;

    /// Signs in by a token
    #[endpoint {
        method = POST,
        path = "/login",
        unpublished = true,
        request_body_max_bytes = 8192,
    }]
    async fn page_login_action(
        rqctx: RequestContext<Self::Context>,
        body: UntypedBody,
    ) -> Result<Response<Body>, HttpError>;

    /// Begins to sign in at a forge
    #[endpoint { method = GET, path = "/login/{forge}", unpublished = true }]
    async fn page_login_forge(
        rqctx: RequestContext<Self::Context>,
        path: Path<LoginPath>,
    ) -> Result<Response<Body>, HttpError>;

    /// Ends to sign in at a forge
    #[endpoint { method = GET, path = "/login/{forge}/callback", unpublished = true }]
    async fn page_login_callback(
        rqctx: RequestContext<Self::Context>,
        path: Path<LoginPath>,
    ) -> Result<Response<Body>, HttpError>;

    /// Page: the audit log
    #[endpoint { method = GET, path = "/audit", unpublished = true }]
    async fn page_audit(rqctx: RequestContext<Self::Context>) -> Result<Response<Body>, HttpError>;

    /// Signs out
    #[endpoint { method = POST, path = "/logout", unpublished = true }]
    async fn page_logout(
        rqctx: RequestContext<Self::Context>,
        body: UntypedBody,
    ) -> Result<Response<Body>, HttpError>;

    /// The pages' style sheet and script
    #[endpoint { method = GET, path = "/assets/{file}", unpublished = true }]
    async fn page_asset(
        rqctx: RequestContext<Self::Context>,
        path: Path<AssetPath>,
    ) -> Result<Response<Body>, HttpError>;
}
