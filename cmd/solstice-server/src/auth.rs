//! Who asks, and whether they may.

use dropshot::{ErrorStatusCode, HttpError, RequestContext};
use http::{HeaderValue, header};
use solstice_model::{HostName, JobId, Role, RunId};
use solstice_store::Sight;

use crate::context::Context;
use crate::credentials::{Credentials, same_origin};
use crate::error::{client_error, from_store};

/// Whoever a request comes from.
#[derive(Clone, Debug)]
pub(crate) struct Principal {
    /// The token's name; `None` for somebody without one.
    pub(crate) name: Option<String>,
    /// What they may do.
    pub(crate) role: Role,
    /// What they may see.
    pub(crate) sight: Sight,
}

impl Principal {
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

/// How a refused caller may present a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// In the header, by itself: programs.
    Bearer,
    /// By asking its user: browsers on pages.
    Basic,
}

/// Finds out who asks and lets them through if they hold `needed`.
///
/// # Errors
///
/// 401 without a known token, 403 if its role does not suffice.
pub(crate) async fn require(
    rqctx: &RequestContext<std::sync::Arc<Context>>,
    needed: Role,
    challenge: Challenge,
) -> Result<Principal, HttpError> {
    let principal = identify(rqctx, challenge).await?;
    if !principal.may(needed) {
        return Err(match principal.name {
            None => unauthenticated(challenge),
            Some(_) => forbidden(format!("this needs the role {}", needed.as_str())),
        });
    }
    Ok(principal)
}

/// As [`require`], for what changes something: another site must not be able
/// to make a signed-in browser do it.
pub(crate) async fn require_to_change(
    rqctx: &RequestContext<std::sync::Arc<Context>>,
    needed: Role,
) -> Result<Principal, HttpError> {
    let headers = rqctx.request.headers();
    if matches!(Credentials::of(headers), Credentials::Browser(_))
        && !same_origin(headers, &rqctx.context().base_url)
    {
        return Err(forbidden("this request was made by another site".to_owned()));
    }
    require(rqctx, needed, Challenge::Bearer).await
}

/// The host whose token the request carries.
pub(crate) async fn require_host(
    rqctx: &RequestContext<std::sync::Arc<Context>>,
) -> Result<HostName, HttpError> {
    let principal = require(rqctx, Role::Host, Challenge::Bearer).await?;
    let name = principal.name.and_then(|name| name.parse().ok());
    name.ok_or_else(|| forbidden("the token's name is not a host's name".to_owned()))
}

/// Who asks, whatever they may do.
///
/// # Errors
///
/// 401 without a known token, where one is needed.
pub(crate) async fn identify(
    rqctx: &RequestContext<std::sync::Arc<Context>>,
    challenge: Challenge,
) -> Result<Principal, HttpError> {
    let context = rqctx.context();
    let token = match Credentials::of(rqctx.request.headers()) {
        Credentials::Bearer(token) | Credentials::Browser(token) => token,
        Credentials::None => {
            let anonymous = context.anonymous;
            let anonymous =
                anonymous.map(|role| Principal { name: None, role, sight: Sight::public() });
            return anonymous.ok_or_else(|| unauthenticated(challenge));
        }
        Credentials::Unusable => return Err(unauthenticated(challenge)),
    };
    // Found by its hash: how long that takes says nothing about the secret.
    match context.store.find_token(token.hash()).await.map_err(from_store)? {
        Some(info) => {
            Ok(Principal { name: Some(info.name), role: info.role, sight: Sight::Everything })
        }
        None => Err(unauthenticated(challenge)),
    }
}

/// 401, one text for every reason.
pub(crate) fn unauthenticated(challenge: Challenge) -> HttpError {
    let message = "a token is needed: send it as bearer token, or as the password of any user";
    let mut error = client_error(ErrorStatusCode::UNAUTHORIZED, "unauthenticated", message);
    let value = match challenge {
        Challenge::Bearer => "Bearer realm=\"Solstice CI\"",
        Challenge::Basic => {
            "Basic realm=\"Solstice CI: the token is the password\", charset=\"UTF-8\""
        }
    };
    error.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(value));
    error
}

fn forbidden(message: String) -> HttpError {
    client_error(ErrorStatusCode::FORBIDDEN, "forbidden", message)
}
