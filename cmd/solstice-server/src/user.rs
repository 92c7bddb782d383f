//! The user API and the pages, implemented.

pub(crate) mod act;
mod artifact;
mod audit;
pub(crate) mod delivery;
mod events;
pub(crate) mod lines;
mod log;
mod operation;
pub(crate) mod queue;
pub(crate) mod records;
mod run;
mod token;
pub(crate) mod why;

use std::sync::Arc;

use dropshot::{
    Body, EmptyScanParams, HttpError, HttpResponseCreated, HttpResponseDeleted, HttpResponseOk,
    HttpResponseUpdatedNoContent, PaginationParams, Path, Query, RequestContext, ResultsPage,
    TypedBody, UntypedBody, WhichPage,
};
use http::Response;
use solstice_api::conditional::Tagged;
use solstice_api::user::{
    Annotations, AnnotationsQuery, Artifact, ArtifactPage, ArtifactPath, AssetPath, AuditEntry,
    AuditPage, AuditQuery, CommitQuery, CommitWhy, Delivery, DeliveryActionPath, DeliveryDetail,
    DeliveryPage, DeliveryPath, Health, Host, HostActionPath, HostPage, HostPath, HostUpdate,
    Image, Job, JobActionPath, JobDetail, JobPath, JobWhy, LinesPage, LinesQuery, LogMatches,
    LogSteps, LogStepsQuery, LoginPath, Queue, Ready, RecordsPage, RecordsQuery, Repository,
    RepositoryPage, RepositoryPath, Rerun, Retention, RetentionRun, Run, RunActionPath, RunCreate,
    RunDetail, RunFilter, RunPage, RunPath, RunWhy, SearchQuery, TokenCreate, TokenCreated,
    TokenInfo, TokenPage, TokenPath, UserApi, WhoAmI,
};
use solstice_model::{JobId, Role, RunId};
use solstice_store::RerunJobs;

use crate::auth::{Principal, identify, require, require_to_act, require_to_change};
use crate::context::Context;
use crate::csrf::Form;
use crate::error::{bad_request, client_error, from_store, not_ready};
use crate::once::{Answer, once};
use crate::pages;

/// The most entries of one page of results.
const MAX_PAGE: usize = 200;

/// The user API, implemented.
pub(crate) enum Users {}

type Rqctx = RequestContext<Arc<Context>>;

impl UserApi for Users {
    type Context = Arc<Context>;

    async fn repository_list(
        rqctx: Rqctx,
        query: Query<PaginationParams<EmptyScanParams, RepositoryPage>>,
    ) -> Result<Tagged<ResultsPage<Repository>>, HttpError> {
        let principal = require(&rqctx, Role::Reader).await?;
        let (before, limit) = wanted(&rqctx, query)?;
        let before = before.map(|page| page.run);
        let store = &rqctx.context().store;
        let found = store.repositories(principal.sight, before, limit).await.map_err(from_store)?;
        let found = page(found, |repository| RepositoryPage { run: repository.newest.id })?;
        Ok(tagged(&rqctx, found))
    }

    async fn queue_view(rqctx: Rqctx) -> Result<HttpResponseOk<Queue>, HttpError> {
        let principal = require(&rqctx, Role::Reader).await?;
        queue::view(rqctx.context(), principal.sight).await.map(HttpResponseOk)
    }

    async fn run_list(
        rqctx: Rqctx,
        query: Query<PaginationParams<RunFilter, RunPage>>,
    ) -> Result<Tagged<ResultsPage<Run>>, HttpError> {
        let principal = require(&rqctx, Role::Reader).await?;
        let query = query.into_inner();
        let limit = page_limit(&rqctx, &query)?;
        let runs = run::list(rqctx.context(), principal, query.page, limit).await?;
        Ok(tagged(&rqctx, runs))
    }

    async fn run_create(
        rqctx: Rqctx,
        body: TypedBody<RunCreate>,
    ) -> Result<HttpResponseCreated<Vec<Run>>, HttpError> {
        let principal = require_to_act(&rqctx).await?;
        let (context, wanted) = (rqctx.context(), body.into_inner());
        let (forge, repository) = (wanted.forge.as_ref(), &wanted.repository);
        principal.may_start(context, forge, repository).await?;
        let start = |by| act::start(context, by, wanted.clone());
        once(&rqctx, &principal, &wanted, Answer::Plain, start).await.map(HttpResponseCreated)
    }

    async fn run_cancel(
        rqctx: Rqctx,
        path: Path<RunPath>,
    ) -> Result<HttpResponseOk<Vec<JobId>>, HttpError> {
        let principal = require_to_act(&rqctx).await?;
        let run = path.into_inner().run;
        principal.act_on_run(rqctx.context(), run).await?;
        act::cancel_run(rqctx.context(), principal.actor(), run).await.map(HttpResponseOk)
    }

    async fn run_approve(
        rqctx: Rqctx,
        path: Path<RunPath>,
    ) -> Result<HttpResponseOk<Vec<RunId>>, HttpError> {
        let principal = require_to_act(&rqctx).await?;
        let run = path.into_inner().run;
        principal.act_on_run(rqctx.context(), run).await?;
        act::approve(rqctx.context(), principal.actor(), run).await.map(HttpResponseOk)
    }

    async fn run_rerun(
        rqctx: Rqctx,
        path: Path<RunPath>,
        body: TypedBody<Rerun>,
    ) -> Result<HttpResponseCreated<Vec<Job>>, HttpError> {
        let principal = require_to_act(&rqctx).await?;
        let (context, run, body) = (rqctx.context(), path.into_inner().run, body.into_inner());
        let which = if body.failed_only { RerunJobs::Failed } else { RerunJobs::All };
        principal.act_on_run(context, run).await?;
        let rerun = |by| act::rerun(context, by, run, which);
        once(&rqctx, &principal, &body, Answer::Plain, rerun).await.map(HttpResponseCreated)
    }

    async fn run_view(rqctx: Rqctx, path: Path<RunPath>) -> Result<Tagged<RunDetail>, HttpError> {
        let principal = require(&rqctx, Role::Reader).await?;
        let (context, run) = (rqctx.context(), path.into_inner().run);
        principal.see_run(context, run).await?;
        let detail = context.store.run(run).await.map_err(from_store)?;
        Ok(tagged(&rqctx, detail))
    }

    async fn run_why(
        rqctx: Rqctx,
        path: Path<RunPath>,
    ) -> Result<HttpResponseOk<RunWhy>, HttpError> {
        let principal = require(&rqctx, Role::Reader).await?;
        let (context, run) = (rqctx.context(), path.into_inner().run);
        principal.see_run(context, run).await?;
        why::run(context, run).await.map(HttpResponseOk)
    }

    async fn commit_why(
        rqctx: Rqctx,
        query: Query<CommitQuery>,
    ) -> Result<HttpResponseOk<CommitWhy>, HttpError> {
        let principal = require(&rqctx, Role::Reader).await?;
        why::commit(rqctx.context(), principal, query.into_inner()).await.map(HttpResponseOk)
    }

    async fn job_why(
        rqctx: Rqctx,
        path: Path<JobPath>,
    ) -> Result<HttpResponseOk<JobWhy>, HttpError> {
        let (context, job) = readable(&rqctx, path).await?;
        why::job(context, job).await.map(HttpResponseOk)
    }

    async fn job_view(rqctx: Rqctx, path: Path<JobPath>) -> Result<Tagged<JobDetail>, HttpError> {
        let (context, job) = readable(&rqctx, path).await?;
        let detail = context.store.job(job).await.map_err(from_store)?;
        Ok(tagged(&rqctx, detail))
    }

    async fn job_cancel(
        rqctx: Rqctx,
        path: Path<JobPath>,
    ) -> Result<HttpResponseUpdatedNoContent, HttpError> {
        let principal = require_to_act(&rqctx).await?;
        let job = path.into_inner().job;
        principal.act_on_job(rqctx.context(), job).await?;
        act::cancel_job(rqctx.context(), principal.actor(), job).await?;
        Ok(HttpResponseUpdatedNoContent())
    }

    async fn job_rerun(
        rqctx: Rqctx,
        path: Path<JobPath>,
    ) -> Result<HttpResponseCreated<Vec<Job>>, HttpError> {
        let principal = require_to_act(&rqctx).await?;
        let (context, job) = (rqctx.context(), path.into_inner().job);
        principal.act_on_job(context, job).await?;
        let rerun = |by| act::rerun_job(context, by, job);
        once(&rqctx, &principal, &(), Answer::Plain, rerun).await.map(HttpResponseCreated)
    }

    async fn job_artifacts(
        rqctx: Rqctx,
        path: Path<JobPath>,
        query: Query<PaginationParams<EmptyScanParams, ArtifactPage>>,
    ) -> Result<HttpResponseOk<ResultsPage<Artifact>>, HttpError> {
        let (context, job) = readable(&rqctx, path).await?;
        let wanted = wanted(&rqctx, query)?;
        let artifacts = context.store.artifacts(job).await.map_err(from_store)?;
        let artifacts = after(artifacts, wanted, |artifact, last| artifact.index > last.index);
        page(artifacts, |artifact| ArtifactPage { index: artifact.index }).map(HttpResponseOk)
    }

    async fn job_artifact(
        rqctx: Rqctx,
        path: Path<ArtifactPath>,
    ) -> Result<Response<Body>, HttpError> {
        let principal = require(&rqctx, Role::Reader).await?;
        let ArtifactPath { job, index } = path.into_inner();
        principal.see_job(rqctx.context(), job).await?;
        artifact::download(rqctx.context(), job, index, rqctx.request.headers()).await
    }

    async fn job_annotations(
        rqctx: Rqctx,
        path: Path<JobPath>,
        query: Query<AnnotationsQuery>,
    ) -> Result<HttpResponseOk<Annotations>, HttpError> {
        let (context, job) = readable(&rqctx, path).await?;
        let store = &context.store;
        let detail = store.job(job).await.map_err(from_store)?;
        let (attempt, _) = records::chosen(&detail, query.into_inner().attempt)?;
        let (annotations, omitted) = store.annotations(attempt).await.map_err(from_store)?;
        Ok(HttpResponseOk(Annotations { attempt, annotations, omitted }))
    }

    async fn job_records(
        rqctx: Rqctx,
        path: Path<JobPath>,
        query: Query<RecordsQuery>,
    ) -> Result<HttpResponseOk<RecordsPage>, HttpError> {
        let (context, job) = readable(&rqctx, path).await?;
        records::page(context, job, query.into_inner()).await.map(HttpResponseOk)
    }

    async fn job_log(rqctx: Rqctx, path: Path<JobPath>) -> Result<Response<Body>, HttpError> {
        let (context, job) = readable(&rqctx, path).await?;
        log::plain(context, job, rqctx.request.headers()).await
    }

    async fn job_log_json(rqctx: Rqctx, path: Path<JobPath>) -> Result<Response<Body>, HttpError> {
        let (context, job) = readable(&rqctx, path).await?;
        log::json(context, job).await
    }

    async fn job_lines(
        rqctx: Rqctx,
        path: Path<JobPath>,
        query: Query<LinesQuery>,
    ) -> Result<HttpResponseOk<LinesPage>, HttpError> {
        let (context, job) = readable(&rqctx, path).await?;
        lines::window(context, job, query.into_inner()).await.map(HttpResponseOk)
    }

    async fn job_search(
        rqctx: Rqctx,
        path: Path<JobPath>,
        query: Query<SearchQuery>,
    ) -> Result<HttpResponseOk<LogMatches>, HttpError> {
        let (context, job) = readable(&rqctx, path).await?;
        lines::search(context, job, query.into_inner()).await.map(HttpResponseOk)
    }

    async fn job_steps(
        rqctx: Rqctx,
        path: Path<JobPath>,
        query: Query<LogStepsQuery>,
    ) -> Result<HttpResponseOk<LogSteps>, HttpError> {
        let (context, job) = readable(&rqctx, path).await?;
        lines::steps(context, job, &query.into_inner()).await.map(HttpResponseOk)
    }

    async fn job_events(rqctx: Rqctx, path: Path<JobPath>) -> Result<Response<Body>, HttpError> {
        let (context, job) = readable(&rqctx, path).await?;
        let last = rqctx.request.headers().get("last-event-id");
        let last = last.map(|value| value.to_str().map(str::to_owned)).transpose();
        let last = last.map_err(|_| bad_request("bad Last-Event-ID"))?;
        // A browser cannot set that header on its first request; our page asks so.
        let after = last.or_else(|| pages::query(&rqctx, "after")).filter(|text| !text.is_empty());
        let form = events::Form::asked(pages::query(&rqctx, "form").as_deref())?;
        events::follow(context, job, after.as_deref(), form).await
    }

    async fn job_console(rqctx: Rqctx, path: Path<JobPath>) -> Result<Response<Body>, HttpError> {
        let (context, job) = readable(&rqctx, path).await?;
        log::console(context, job).await
    }

    async fn delivery_list(
        rqctx: Rqctx,
        query: Query<PaginationParams<EmptyScanParams, DeliveryPage>>,
    ) -> Result<Tagged<ResultsPage<Delivery>>, HttpError> {
        require(&rqctx, Role::Operator).await?;
        let (before, limit) = wanted(&rqctx, query)?;
        let before = before.map(|page| page.delivery);
        let store = &rqctx.context().store;
        let deliveries = store.deliveries(before, limit).await.map_err(from_store)?;
        Ok(tagged(&rqctx, page(deliveries, |delivery| DeliveryPage { delivery: delivery.id })?))
    }

    async fn delivery_view(
        rqctx: Rqctx,
        path: Path<DeliveryPath>,
    ) -> Result<HttpResponseOk<DeliveryDetail>, HttpError> {
        require(&rqctx, Role::Operator).await?;
        let detail = rqctx.context().store.delivery_detail(path.into_inner().delivery).await;
        detail.map(HttpResponseOk).map_err(from_store)
    }

    async fn delivery_body(
        rqctx: Rqctx,
        path: Path<DeliveryPath>,
    ) -> Result<Response<Body>, HttpError> {
        require(&rqctx, Role::Operator).await?;
        delivery::body(rqctx.context(), path.into_inner().delivery).await
    }

    async fn delivery_replay(
        rqctx: Rqctx,
        path: Path<DeliveryPath>,
    ) -> Result<HttpResponseOk<Delivery>, HttpError> {
        let principal = require_to_change(&rqctx, Role::Operator).await?;
        let id = path.into_inner().delivery;
        delivery::replay(rqctx.context(), principal.actor(), id).await.map(HttpResponseOk)
    }

    async fn host_list(
        rqctx: Rqctx,
        query: Query<PaginationParams<EmptyScanParams, HostPage>>,
    ) -> Result<Tagged<ResultsPage<Host>>, HttpError> {
        require(&rqctx, Role::Operator).await?;
        let wanted = wanted(&rqctx, query)?;
        let context = rqctx.context();
        let hosts = context.store.hosts(context.clock.now(), context.lease).await;
        let hosts = after(hosts.map_err(from_store)?, wanted, |host, last| host.name > last.host);
        Ok(tagged(&rqctx, page(hosts, |host| HostPage { host: host.name.clone() })?))
    }

    async fn host_update(
        rqctx: Rqctx,
        path: Path<HostPath>,
        body: TypedBody<HostUpdate>,
    ) -> Result<HttpResponseOk<Host>, HttpError> {
        let principal = require_to_change(&rqctx, Role::Operator).await?;
        let (name, draining) = (path.into_inner().host, body.into_inner().draining);
        let host = act::set_draining(rqctx.context(), principal.actor(), name, draining).await?;
        Ok(HttpResponseOk(host))
    }

    async fn image_list(rqctx: Rqctx) -> Result<Tagged<Vec<Image>>, HttpError> {
        require(&rqctx, Role::Operator).await?;
        let images = rqctx.context().store.images().await.map_err(from_store)?;
        Ok(tagged(&rqctx, images))
    }

    async fn whoami(rqctx: Rqctx) -> Result<HttpResponseOk<WhoAmI>, HttpError> {
        let Principal { name, role, .. } = identify(&rqctx).await?;
        Ok(HttpResponseOk(WhoAmI { name, role }))
    }

    async fn token_list(
        rqctx: Rqctx,
        query: Query<PaginationParams<EmptyScanParams, TokenPage>>,
    ) -> Result<HttpResponseOk<ResultsPage<TokenInfo>>, HttpError> {
        require(&rqctx, Role::Admin).await?;
        let wanted = wanted(&rqctx, query)?;
        let tokens = rqctx.context().store.tokens().await.map_err(from_store)?;
        let tokens = after(tokens, wanted, |token, last| token.name > last.name);
        page(tokens, |token| TokenPage { name: token.name.clone() }).map(HttpResponseOk)
    }

    async fn token_create(
        rqctx: Rqctx,
        body: TypedBody<TokenCreate>,
    ) -> Result<HttpResponseCreated<TokenCreated>, HttpError> {
        let principal = require_to_change(&rqctx, Role::Admin).await?;
        let (context, wanted) = (rqctx.context(), body.into_inner());
        let make = |by| token::create(context, by, wanted.clone());
        once(&rqctx, &principal, &wanted, Answer::Secret, make).await.map(HttpResponseCreated)
    }

    async fn token_revoke(
        rqctx: Rqctx,
        path: Path<TokenPath>,
    ) -> Result<HttpResponseDeleted, HttpError> {
        let principal = require_to_change(&rqctx, Role::Admin).await?;
        let name = path.into_inner().name;
        token::revoke(rqctx.context(), principal.actor(), name).await?;
        Ok(HttpResponseDeleted())
    }

    async fn audit_list(
        rqctx: Rqctx,
        query: Query<PaginationParams<AuditQuery, AuditPage>>,
    ) -> Result<HttpResponseOk<ResultsPage<AuditEntry>>, HttpError> {
        require(&rqctx, Role::Admin).await?;
        audit::page(&rqctx, query.into_inner()).await
    }

    async fn health(rqctx: Rqctx) -> Result<HttpResponseOk<Health>, HttpError> {
        let counts = rqctx.context().store.counts().await.map_err(from_store)?;
        Ok(HttpResponseOk(Health {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            queued: counts.queued,
            running: counts.running,
            unreported: counts.unreported,
        }))
    }

    async fn ready(rqctx: Rqctx) -> Result<HttpResponseOk<Ready>, HttpError> {
        let context = rqctx.context();
        let problems = context.readiness.problems(context).await;
        if !problems.is_empty() {
            return Err(not_ready(&problems));
        }
        let checks = ["store", "logs", "artifacts"].map(str::to_owned).to_vec();
        Ok(HttpResponseOk(Ready { checks }))
    }

    async fn metrics(rqctx: Rqctx) -> Result<Response<Body>, HttpError> {
        require(&rqctx, Role::Operator).await?;
        operation::metrics(rqctx.context()).await
    }

    async fn retention_view(rqctx: Rqctx) -> Result<HttpResponseOk<Retention>, HttpError> {
        require(&rqctx, Role::Operator).await?;
        operation::retain(rqctx.context(), true).await.map(HttpResponseOk)
    }

    async fn retention_run(
        rqctx: Rqctx,
        body: TypedBody<RetentionRun>,
    ) -> Result<HttpResponseOk<Retention>, HttpError> {
        let principal = require_to_change(&rqctx, Role::Admin).await?;
        let (context, dry_run) = (rqctx.context(), body.into_inner().dry_run);
        let told = operation::retain(context, dry_run).await?;
        if !dry_run {
            operation::note_retention(context, principal.actor(), &told).await?;
        }
        Ok(HttpResponseOk(told))
    }

    async fn page_runs(rqctx: Rqctx) -> Result<Response<Body>, HttpError> {
        Ok(pages::start(&rqctx).await)
    }

    async fn page_repositories(rqctx: Rqctx) -> Result<Response<Body>, HttpError> {
        Ok(pages::repositories(&rqctx).await)
    }

    async fn page_repository(
        rqctx: Rqctx,
        path: Path<RepositoryPath>,
    ) -> Result<Response<Body>, HttpError> {
        Ok(pages::repository(&rqctx, path.into_inner()).await)
    }

    async fn page_badge(
        rqctx: Rqctx,
        path: Path<RepositoryPath>,
    ) -> Result<Response<Body>, HttpError> {
        Ok(pages::badge(&rqctx, path.into_inner()).await)
    }

    async fn page_hosts(rqctx: Rqctx) -> Result<Response<Body>, HttpError> {
        Ok(pages::hosts(&rqctx).await)
    }

    async fn page_host_action(
        rqctx: Rqctx,
        path: Path<HostActionPath>,
        body: UntypedBody,
    ) -> Result<Response<Body>, HttpError> {
        let HostActionPath { host, action } = path.into_inner();
        Ok(pages::host_action(&rqctx, host, &action, &Form::read(&body)).await)
    }

    async fn page_images(rqctx: Rqctx) -> Result<Response<Body>, HttpError> {
        Ok(pages::images(&rqctx).await)
    }

    async fn page_deliveries(rqctx: Rqctx) -> Result<Response<Body>, HttpError> {
        Ok(pages::deliveries(&rqctx).await)
    }

    async fn page_delivery(
        rqctx: Rqctx,
        path: Path<DeliveryPath>,
    ) -> Result<Response<Body>, HttpError> {
        Ok(pages::delivery(&rqctx, path.into_inner().delivery).await)
    }

    async fn page_delivery_action(
        rqctx: Rqctx,
        path: Path<DeliveryActionPath>,
        body: UntypedBody,
    ) -> Result<Response<Body>, HttpError> {
        let DeliveryActionPath { delivery, action } = path.into_inner();
        Ok(pages::delivery_action(&rqctx, delivery, &action, &Form::read(&body)).await)
    }

    async fn page_run(rqctx: Rqctx, path: Path<RunPath>) -> Result<Response<Body>, HttpError> {
        Ok(pages::run(&rqctx, path.into_inner().run).await)
    }

    async fn page_job(rqctx: Rqctx, path: Path<JobPath>) -> Result<Response<Body>, HttpError> {
        Ok(pages::job(&rqctx, path.into_inner().job).await)
    }

    async fn page_run_action(
        rqctx: Rqctx,
        path: Path<RunActionPath>,
        body: UntypedBody,
    ) -> Result<Response<Body>, HttpError> {
        let RunActionPath { run, action } = path.into_inner();
        Ok(pages::run_action(&rqctx, run, &action, &Form::read(&body)).await)
    }

    async fn page_job_action(
        rqctx: Rqctx,
        path: Path<JobActionPath>,
        body: UntypedBody,
    ) -> Result<Response<Body>, HttpError> {
        let JobActionPath { job, action } = path.into_inner();
        Ok(pages::job_action(&rqctx, job, &action, &Form::read(&body)).await)
    }

    async fn page_login(rqctx: Rqctx) -> Result<Response<Body>, HttpError> {
        Ok(pages::sign_in::show(&rqctx))
    }

    async fn page_login_action(
        rqctx: Rqctx,
        body: UntypedBody,
    ) -> Result<Response<Body>, HttpError> {
        Ok(pages::sign_in::by_token(&rqctx, &Form::read(&body)).await)
    }

    async fn page_login_forge(
        rqctx: Rqctx,
        path: Path<LoginPath>,
    ) -> Result<Response<Body>, HttpError> {
        Ok(pages::sign_in::at_forge(&rqctx, &path.into_inner().forge))
    }

    async fn page_login_callback(
        rqctx: Rqctx,
        path: Path<LoginPath>,
    ) -> Result<Response<Body>, HttpError> {
        Ok(pages::sign_in::back_from_forge(&rqctx, &path.into_inner().forge).await)
    }

    async fn page_audit(rqctx: Rqctx) -> Result<Response<Body>, HttpError> {
        Ok(pages::audit(&rqctx).await)
    }

    async fn page_logout(rqctx: Rqctx, body: UntypedBody) -> Result<Response<Body>, HttpError> {
        Ok(pages::sign_in::out(&rqctx, &Form::read(&body)).await)
    }

    async fn page_asset(rqctx: Rqctx, path: Path<AssetPath>) -> Result<Response<Body>, HttpError> {
        let request = &rqctx.request;
        let file = path.into_inner().file;
        let answer = pages::asset(&file, request.uri().query(), request.headers());
        answer.ok_or_else(|| {
            let status = dropshot::ErrorStatusCode::NOT_FOUND;
            client_error(status, "not_found", "there is no such file")
        })
    }
}

/// Lets a reader of this job in.
async fn readable(rqctx: &Rqctx, path: Path<JobPath>) -> Result<(&Arc<Context>, JobId), HttpError> {
    let principal = require(rqctx, Role::Reader).await?;
    let (context, job) = (rqctx.context(), path.into_inner().job);
    principal.see_job(context, job).await?;
    Ok((context, job))
}

/// An answer that its caller may have already.
fn tagged<T>(rqctx: &Rqctx, value: T) -> Tagged<T> {
    Tagged::new(value, rqctx.request.headers())
}

/// How much of a list is wanted at most.
fn page_limit<Scan, Page>(
    rqctx: &Rqctx,
    query: &PaginationParams<Scan, Page>,
) -> Result<usize, HttpError>
where
    Scan: serde::de::DeserializeOwned,
    Page: serde::de::DeserializeOwned + serde::Serialize,
{
    let asked = rqctx.page_limit(query)?.get();
    Ok(usize::try_from(asked).unwrap_or(MAX_PAGE).min(MAX_PAGE))
}

/// Which page is wanted: what the one before ended with, and how much at most.
fn wanted<Page>(
    rqctx: &Rqctx,
    query: Query<PaginationParams<EmptyScanParams, Page>>,
) -> Result<(Option<Page>, usize), HttpError>
where
    Page: serde::de::DeserializeOwned + schemars::JsonSchema + serde::Serialize + Send + Sync,
{
    let query = query.into_inner();
    let limit = page_limit(rqctx, &query)?;
    let last = match query.page {
        WhichPage::First(_) => None,
        WhichPage::Next(page) => Some(page),
    };
    Ok((last, limit))
}

/// The wanted part of a list that is bounded and in order.
fn after<Item, Page>(
    items: Vec<Item>,
    (last, limit): (Option<Page>, usize),
    follows: impl Fn(&Item, &Page) -> bool,
) -> Vec<Item> {
    let items = items.into_iter();
    items.filter(|item| last.as_ref().is_none_or(|last| follows(item, last))).take(limit).collect()
}

fn page<Item, Page>(
    items: Vec<Item>,
    place: impl Fn(&Item) -> Page,
) -> Result<ResultsPage<Item>, HttpError>
where
    Item: schemars::JsonSchema + serde::Serialize + Send + Sync + 'static,
    Page: serde::Serialize,
{
    ResultsPage::new(items, &EmptyScanParams {}, |item, _| place(item))
}
