//! The pages that people look at: rendered here, live by a little script.
//!
//! Whatever a template shows is escaped by it. The security policy allows no
//! inline script or style and nothing from elsewhere, so that even a mistake in
//! a template runs nothing.

mod ansi;
mod assets;
mod audit;
mod badge;
mod chart;
mod deliveries;
mod filter;
mod format;
mod graph;
mod hosts;
mod images;
mod job;
mod log;
mod matrix;
mod nav;
mod repositories;
mod repository;
mod run;
mod run_parts;
mod runs;
pub(crate) mod sign_in;
mod start;
mod why;

use std::sync::Arc;

use askama::Template;
use dropshot::{Body, HttpError, RequestContext};
use http::{HeaderValue, Method, Response, StatusCode, header};
use slog::error;
use solstice_api::user::RepositoryPath;
use solstice_log::keys;
use solstice_model::{DeliveryId, HostName, JobId, Role, RunId};
use solstice_store::RerunJobs;

pub(crate) use self::assets::{AssetUrls, answer as asset};
use self::nav::{NavItem, Section};
use crate::auth::{Principal, Via, require, require_form_to_act};
use crate::context::Context;
use crate::csrf::Form;
use crate::error::{from_store, not_found};
use crate::return_to;
use crate::user::act;

type Rqctx = RequestContext<Arc<Context>>;

/// What every page's frame shows.
pub(crate) struct Frame {
    /// The style sheet's URL.
    css: String,
    /// The script's URL.
    js: String,
    /// The server's time, for the script.
    now: String,
    /// Who is signed in.
    viewer: Option<String>,
    /// What every form of the page sends along, as `csrf.html` writes it.
    csrf: String,
    /// The ways to the other pages.
    nav: Vec<NavItem>,
}

impl Frame {
    fn new(context: &Context, principal: Option<&Principal>) -> Self {
        let AssetUrls { css, js } = context.assets.clone();
        let viewer = principal.and_then(|principal| principal.name.clone());
        let now = format::iso(context.clock.now());
        let csrf = match principal.map(|principal| &principal.via) {
            Some(Via::Session { csrf }) => csrf.clone(),
            Some(Via::Nothing | Via::Token) | None => String::new(),
        };
        let nav = nav::items(principal);
        Self { css, js, now, viewer, csrf, nav }
    }

    /// The page is this entry of the navigation.
    fn at(mut self, section: Section) -> Self {
        nav::mark(&mut self.nav, section, "page");
        self
    }

    /// The page is below this entry of the navigation.
    fn within(mut self, section: Section) -> Self {
        nav::mark(&mut self.nav, section, "true");
        self
    }
}

/// A page that says why there is no page.
#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    frame: Frame,
    heading: String,
    text: String,
}

/// Page: what runs, what waits, the newest runs.
pub(crate) async fn start(rqctx: &Rqctx) -> Response<Body> {
    finish(rqctx, start::render(rqctx).await)
}

/// Page: repositories.
pub(crate) async fn repositories(rqctx: &Rqctx) -> Response<Body> {
    finish(rqctx, repositories::render(rqctx).await)
}

/// Page: the runs of one repository.
pub(crate) async fn repository(rqctx: &Rqctx, path: RepositoryPath) -> Response<Body> {
    finish(rqctx, repository::render(rqctx, path).await)
}

/// Picture: how a branch stands.
pub(crate) async fn badge(rqctx: &Rqctx, path: RepositoryPath) -> Response<Body> {
    match badge::answer(rqctx, path).await {
        Ok(picture) => picture,
        Err(wrong) => finish(rqctx, Err(wrong)),
    }
}

/// Page: hosts.
pub(crate) async fn hosts(rqctx: &Rqctx) -> Response<Body> {
    finish(rqctx, hosts::render(rqctx).await)
}

/// A button for a host; then the page again.
pub(crate) async fn host_action(
    rqctx: &Rqctx,
    host: HostName,
    action: &str,
    form: &Form,
) -> Response<Body> {
    finish_action(rqctx, hosts::act(rqctx, host, action, form).await)
}

/// Page: golden images.
pub(crate) async fn images(rqctx: &Rqctx) -> Response<Body> {
    finish(rqctx, images::render(rqctx).await)
}

/// Page: deliveries.
pub(crate) async fn deliveries(rqctx: &Rqctx) -> Response<Body> {
    finish(rqctx, deliveries::render(rqctx).await)
}

/// Page: one delivery.
pub(crate) async fn delivery(rqctx: &Rqctx, delivery: DeliveryId) -> Response<Body> {
    finish(rqctx, deliveries::render_one(rqctx, delivery).await)
}

/// A button of a delivery's page; then the page again.
pub(crate) async fn delivery_action(
    rqctx: &Rqctx,
    delivery: DeliveryId,
    action: &str,
    form: &Form,
) -> Response<Body> {
    finish_action(rqctx, deliveries::act(rqctx, delivery, action, form).await)
}

/// Page: one run.
pub(crate) async fn run(rqctx: &Rqctx, run: RunId) -> Response<Body> {
    finish(rqctx, run::render(rqctx, run).await)
}

/// Page: one job with its log.
pub(crate) async fn job(rqctx: &Rqctx, job: JobId) -> Response<Body> {
    finish(rqctx, job::render(rqctx, job).await)
}

/// Page: what was done.
pub(crate) async fn audit(rqctx: &Rqctx) -> Response<Body> {
    finish(rqctx, audit::render(rqctx).await)
}

/// A button of a run's page; then the page again.
pub(crate) async fn run_action(
    rqctx: &Rqctx,
    run: RunId,
    action: &str,
    form: &Form,
) -> Response<Body> {
    finish_action(rqctx, act_on_run(rqctx, run, action, form).await)
}

/// A button of a job's page; then the page of the job that there is now.
pub(crate) async fn job_action(
    rqctx: &Rqctx,
    job: JobId,
    action: &str,
    form: &Form,
) -> Response<Body> {
    finish_action(rqctx, act_on_job(rqctx, job, action, form).await)
}

async fn act_on_run(
    rqctx: &Rqctx,
    run: RunId,
    action: &str,
    form: &Form,
) -> Result<String, HttpError> {
    let principal = require_form_to_act(rqctx, form).await?;
    let context = rqctx.context();
    principal.act_on_run(context, run).await?;
    match action {
        "approve" => drop(act::approve(context, principal.actor(), run).await?),
        "cancel" => drop(act::cancel_run(context, principal.actor(), run).await?),
        "rerun" => drop(act::rerun(context, principal.actor(), run, RerunJobs::All).await?),
        "rerun-failed" => {
            drop(act::rerun(context, principal.actor(), run, RerunJobs::Failed).await?)
        }
        _ => return Err(not_found("there is no such button")),
    }
    Ok(format!("/runs/{run}"))
}

async fn act_on_job(
    rqctx: &Rqctx,
    job: JobId,
    action: &str,
    form: &Form,
) -> Result<String, HttpError> {
    let principal = require_form_to_act(rqctx, form).await?;
    let context = rqctx.context();
    principal.act_on_job(context, job).await?;
    match action {
        "cancel" => {
            act::cancel_job(context, principal.actor(), job).await?;
            Ok(format!("/jobs/{job}"))
        }
        "rerun" => {
            let name = context.store.job(job).await.map_err(from_store)?.job.name;
            let new = act::rerun_job(context, principal.actor(), job).await?;
            let new = new.iter().find(|one| one.name == name).map_or(job, |new| new.id);
            Ok(format!("/jobs/{new}"))
        }
        _ => Err(not_found("there is no such button")),
    }
}

/// See Other: reloading the page that comes does not press the button again.
fn finish_action(rqctx: &Rqctx, done: Result<String, HttpError>) -> Response<Body> {
    match done {
        Ok(location) => see_other(&location),
        Err(wrong) => finish(rqctx, Err(wrong)),
    }
}

/// Sends a browser to another URL, which has only what a header may hold.
fn see_other(location: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let location = location.parse().expect("URLs that were parsed or made here are ASCII");
    response.headers_mut().insert(header::LOCATION, location);
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    secure(&mut response);
    response
}

/// Lets an operator in.
async fn operator(rqctx: &Rqctx) -> Result<Principal, HttpError> {
    require(rqctx, Role::Operator).await
}

/// Sends somebody who has to sign in to where they can, and then back.
fn to_sign_in(rqctx: &Rqctx) -> Response<Body> {
    let (request, base) = (&rqctx.request, &rqctx.context().base_url);
    let back = match *request.method() {
        Method::GET => request.uri().path_and_query().map(|path| path.as_str().to_owned()),
        _ => return_to::referer(request.headers(), base),
    };
    match back.and_then(|path| return_to::ours(&path, base)) {
        Some(path) if path != "/" => {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            see_other(&format!("/login?{}", query.append_pair("return_to", &path).finish()))
        }
        _ => see_other("/login"),
    }
}

/// Lets a reader in.
async fn reader(rqctx: &Rqctx) -> Result<Principal, HttpError> {
    require(rqctx, Role::Reader).await
}

/// A value of the query. The pages' own parameters are no part of the API.
pub(crate) fn query(rqctx: &Rqctx, name: &str) -> Option<String> {
    let query = rqctx.request.uri().query()?;
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

fn rendered(page: &impl Template) -> Result<String, HttpError> {
    let failed = |error: askama::Error| HttpError::for_internal_error(error.to_string());
    page.render().map_err(failed)
}

/// Makes an answer of a page, or of the reason why there is none.
fn finish(rqctx: &Rqctx, page: Result<String, HttpError>) -> Response<Body> {
    let (status, html, headers) = match page {
        Ok(html) => (StatusCode::OK, html, None),
        Err(wrong) => {
            let status = wrong.status_code.as_status();
            // A program that sent a token wants to know that it is no good.
            let browser = !rqctx.request.headers().contains_key(header::AUTHORIZATION);
            if status == StatusCode::UNAUTHORIZED && browser {
                return to_sign_in(rqctx);
            }
            if status.is_server_error() {
                error!(rqctx.log, "page failed"; keys::ERROR => &wrong.internal_message);
            }
            (status, problem(rqctx.context(), status, &wrong.external_message), wrong.headers)
        }
    };
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    response.headers_mut().extend(headers.map(|headers| *headers).unwrap_or_default());
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, html);
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    secure(&mut response);
    response
}

fn problem(context: &Context, status: StatusCode, message: &str) -> String {
    let heading = match status {
        StatusCode::UNAUTHORIZED => "Please sign in",
        StatusCode::FORBIDDEN => "This is not yours to see",
        StatusCode::NOT_FOUND => "Not found",
        _ => "That did not work",
    };
    let (heading, text) = (heading.to_owned(), message.to_owned());
    let page = ProblemPage { frame: Frame::new(context, None), heading, text };
    page.render().unwrap_or_else(|_| message.to_owned())
}

/// What a browser may do with an answer: show it, and nothing else.
pub(crate) fn secure(response: &mut Response<Body>) {
    const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
                          connect-src 'self'; img-src 'self' data:; base-uri 'none'; \
                          form-action 'self'; frame-ancestors 'none'";
    let fields = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in fields {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
}
