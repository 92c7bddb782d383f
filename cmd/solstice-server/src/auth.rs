//! Who asks, and whether they may.

use std::sync::Arc;

use dropshot::{ErrorStatusCode, HttpError, RequestContext};
use http::{HeaderValue, header};
use solstice_api::user::TokenInfo;
use solstice_model::{HostName, JobId, Role, RunId, Token};
use solstice_store::{Session, Sight};

use crate::context::Context;
use crate::cookie::Cookie;
use crate::credentials::Credentials;
use crate::csrf::{self, Form};
use crate::error::{client_error, from_store};

type Rqctx = RequestContext<Arc<Context>>;

/// How somebody showed who they are.
#[derive(Clone, Debug)]
pub(crate) enum Via {
    /// Not at all.
    Nothing,
    /// By a bearer token.
    Token,
    /// By a session's cookie.
    Session {
        /// What pages repeat to show that a request is theirs.
        csrf: String,
    },
}

/// Whoever a request comes from.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    /// The token's name; `None` for somebody without one.
    pub(crate) name: Option<String>,
    /// What they may do.
    pub(crate) role: Role,
    /// What they may see.
    pub(crate) sight: Sight,
    /// How they showed who they are.
    pub(crate) via: Via,
}

impl Principal {
    /// Whoever holds a token of ours.
    fn of_token(token: TokenInfo, via: Via) -> Self {
        Self { name: Some(token.name), role: token.role, sight: Sight::Everything, via }
    }

    /// Whether this is somebody who may do what needs `role`.
    pub(crate) fn may(&self, role: Role) -> bool {
        self.role.may(role)
    }

    /// 404 unless there is such a run and this is somebody who may see it.
    pub(crate) async fn see_run(&self, context: &Context, run: RunId) -> Result<(), HttpError> {
        context.store.see_run(run, &self.sight).await.map_err(from_store)
    }

    /// 404 unless there is such a job and this is somebody who may see it.
    pub(crate) async fn see_job(&self, context: &Context, job: JobId) -> Result<(), HttpError> {
        context.store.see_job(job, &self.sight).await.map_err(from_store)
    }
}

/// Finds out who asks and lets them through if they hold `needed`.
///
/// # Errors
///
/// 401 without a known token, 403 if its role does not suffice.
pub(crate) async fn require(rqctx: &Rqctx, needed: Role) -> Result<Principal, HttpError> {
    let principal = identify(rqctx).await?;
    if !principal.may(needed) {
        return Err(match principal.name {
            None => unauthenticated(),
            Some(_) => forbidden(format!("this needs the role {}", needed.as_str())),
        });
    }
    Ok(principal)
}

/// As [`require`], for what changes something: another site must not be able
/// to make a signed-in browser do it.
pub(crate) async fn require_to_change(rqctx: &Rqctx, needed: Role) -> Result<Principal, HttpError> {
    let principal = require(rqctx, needed).await?;
    let presented = rqctx.request.headers().get(csrf::HEADER).and_then(|it| it.to_str().ok());
    meant(rqctx, &principal, presented)?;
    Ok(principal)
}

/// As [`require_to_change`], for the forms of our pages.
pub(crate) async fn require_form(
    rqctx: &Rqctx,
    form: &Form,
    needed: Role,
) -> Result<Principal, HttpError> {
    let principal = require(rqctx, needed).await?;
    meant(rqctx, &principal, form.get(csrf::FIELD))?;
    Ok(principal)
}

/// Whether whoever is signed in meant to send this. A bearer token is never sent
/// but on purpose.
fn meant(rqctx: &Rqctx, principal: &Principal, presented: Option<&str>) -> Result<(), HttpError> {
    match &principal.via {
        Via::Session { csrf } => {
            csrf::check(rqctx.request.headers(), &rqctx.context().base_url, csrf, presented)
        }
        Via::Nothing | Via::Token => Ok(()),
    }
}

/// The host whose token the request carries.
pub(crate) async fn require_host(rqctx: &Rqctx) -> Result<HostName, HttpError> {
    let principal = require(rqctx, Role::Host).await?;
    let name = principal.name.and_then(|name| name.parse().ok());
    name.ok_or_else(|| forbidden("the token's name is not a host's name".to_owned()))
}

/// Who asks, whatever they may do.
///
/// # Errors
///
/// 401 without a known token, where one is needed.
pub(crate) async fn identify(rqctx: &Rqctx) -> Result<Principal, HttpError> {
    let (context, headers) = (rqctx.context(), rqctx.request.headers());
    match Credentials::of(headers) {
        Credentials::Bearer(token) => {
            // Found by its hash: how long that takes says nothing about the secret.
            let found = context.store.find_token(token.hash()).await.map_err(from_store)?;
            found.map(|token| Principal::of_token(token, Via::Token)).ok_or_else(unauthenticated)
        }
        Credentials::Unusable => Err(unauthenticated()),
        Credentials::None => match Cookie::Session.read(headers, &context.base_url) {
            Some(secret) => by_session(context, &secret).await,
            None => anonymous(context),
        },
    }
}

/// Whose session it is. One that is over is as none: its cookie stays in browsers.
async fn by_session(context: &Context, secret: &Token) -> Result<Principal, HttpError> {
    let session = context.store.find_session(secret.hash(), context.clock.now()).await;
    let via = Via::Session { csrf: csrf::value_of(secret) };
    match session.map_err(from_store)? {
        Some(Session::Token(token)) => Ok(Principal::of_token(token, via)),
        Some(Session::User { .. }) | None => anonymous(context),
    }
}

fn anonymous(context: &Context) -> Result<Principal, HttpError> {
    let role = context.anonymous.ok_or_else(unauthenticated)?;
    Ok(Principal { name: None, role, sight: Sight::public(), via: Via::Nothing })
}

/// 401, one text for every reason.
pub(crate) fn unauthenticated() -> HttpError {
    let message = "sign in, or send a token as bearer token";
    let mut error = client_error(ErrorStatusCode::UNAUTHORIZED, "unauthenticated", message);
    let value = HeaderValue::from_static("Bearer realm=\"Solstice CI\"");
    error.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    error
}

fn forbidden(message: String) -> HttpError {
    client_error(ErrorStatusCode::FORBIDDEN, "forbidden", message)
}
