//! Who asks, and whether they may.

use std::net::IpAddr;
use std::sync::Arc;

use dropshot::{ErrorStatusCode, HttpError, RequestContext};
use http::{HeaderMap, HeaderValue, header};
use solstice_api::user::{AuditVia, TokenInfo};
use solstice_forge::Permission;
use solstice_model::{ForgeName, HostName, JobId, RepoName, Role, RunId, Token};
use solstice_store::{Actor, Session, Sight};

use crate::context::Context;
use crate::cookie::Cookie;
use crate::credentials::Credentials;
use crate::csrf::{self, Form};
use crate::error::{client_error, from_store};
use crate::permissions::ForgeUser;

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
    /// Whom a forge says that they are, if one does.
    pub(crate) user: Option<ForgeUser>,
    /// Where they are.
    remote: IpAddr,
    /// The id of their request.
    request: String,
}

impl Principal {
    /// Who they are in the audit log.
    pub(crate) fn actor(&self) -> Actor {
        let via = match self.via {
            Via::Nothing => AuditVia::Nothing,
            Via::Token => AuditVia::Token,
            Via::Session { .. } => AuditVia::Session,
        };
        let name = self.name.clone().unwrap_or_else(|| "somebody".to_owned());
        Actor {
            remote: Some(self.remote),
            request: Some(self.request.clone()),
            ..Actor::new(name, via)
        }
    }

    /// Whether this is somebody who may start, approve, cancel and run once more
    /// what is of this repository: by their role, or because they may push to it.
    pub(crate) async fn may_act(
        &self,
        context: &Context,
        forge: &ForgeName,
        repository: &RepoName,
    ) -> bool {
        self.may(Role::Submitter) || self.has(context, forge, repository, Permission::Write).await
    }

    /// Whether the forge says that they have at least this permission.
    async fn has(
        &self,
        context: &Context,
        forge: &ForgeName,
        repository: &RepoName,
        needed: Permission,
    ) -> bool {
        match &self.user {
            Some(user) if user.forge == *forge => {
                let told = context.permissions.permission(context, user, repository).await;
                told >= Some(needed)
            }
            _ => false,
        }
    }

    /// 404 unless they may see the run, 403 unless they may act on it.
    pub(crate) async fn act_on_run(&self, context: &Context, run: RunId) -> Result<(), HttpError> {
        self.see_run(context, run).await?;
        if self.may(Role::Submitter) {
            return Ok(());
        }
        let run = context.store.run(run).await.map_err(from_store)?.run;
        self.act_on(context, &run.forge, &run.repository).await
    }

    /// The same of a job.
    pub(crate) async fn act_on_job(&self, context: &Context, job: JobId) -> Result<(), HttpError> {
        self.see_job(context, job).await?;
        if self.may(Role::Submitter) {
            return Ok(());
        }
        let run = context.store.job(job).await.map_err(from_store)?.run;
        self.act_on(context, &run.forge, &run.repository).await
    }

    async fn act_on(
        &self,
        context: &Context,
        forge: &ForgeName,
        repository: &RepoName,
    ) -> Result<(), HttpError> {
        match self.may_act(context, forge, repository).await {
            true => Ok(()),
            false => Err(no_push()),
        }
    }

    /// 403 unless they may start what is in a repository of the only forge, or of
    /// this one. Nothing tells whether there is such a repository.
    pub(crate) async fn may_start(
        &self,
        context: &Context,
        forge: Option<&ForgeName>,
        repository: &RepoName,
    ) -> Result<(), HttpError> {
        if self.may(Role::Submitter) && self.sight == Sight::Everything {
            return Ok(());
        }
        let needed = if self.may(Role::Submitter) { Permission::Read } else { Permission::Write };
        let only = context.forges.keys().next().filter(|_| context.forges.len() == 1);
        match forge.or(only) {
            Some(forge) if self.has(context, forge, repository, needed).await => Ok(()),
            _ => Err(no_push()),
        }
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

/// As [`require_to_change`], for what is done to a run or a job: whoever may push to
/// its repository may do that, which is asked where it is known which one it is.
pub(crate) async fn require_to_act(rqctx: &Rqctx) -> Result<Principal, HttpError> {
    might_act(require_to_change(rqctx, Role::Reader).await?)
}

/// As [`require_to_act`], for the forms of our pages.
pub(crate) async fn require_form_to_act(
    rqctx: &Rqctx,
    form: &Form,
) -> Result<Principal, HttpError> {
    might_act(require_form(rqctx, form, Role::Reader).await?)
}

fn might_act(principal: Principal) -> Result<Principal, HttpError> {
    match (&principal.name, &principal.user) {
        _ if principal.may(Role::Submitter) => Ok(principal),
        (_, Some(_)) => Ok(principal),
        (Some(_), None) => Err(forbidden("this needs the role submitter".to_owned())),
        (None, None) => Err(unauthenticated()),
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
            found.map(|token| of_token(rqctx, token, Via::Token)).ok_or_else(unauthenticated)
        }
        Credentials::Unusable => Err(unauthenticated()),
        Credentials::None => match Cookie::Session.read(headers, &context.base_url) {
            Some(secret) => by_session(rqctx, &secret).await,
            None => anonymous(rqctx),
        },
    }
}

/// Whose session it is. One that is over is as none: its cookie stays in browsers.
async fn by_session(rqctx: &Rqctx, secret: &Token) -> Result<Principal, HttpError> {
    let context = rqctx.context();
    let session = context.store.find_session(secret.hash(), context.clock.now()).await;
    let via = Via::Session { csrf: csrf::value_of(secret) };
    match session.map_err(from_store)? {
        Some(Session::Token(token)) => Ok(of_token(rqctx, token, via)),
        Some(Session::User { forge, login }) => {
            // Its users signed in while they could; they cannot any more.
            let Some(provider) = context.sign_in.provider(&forge) else { return anonymous(rqctx) };
            let role = provider.role_of(&login);
            of_user(rqctx, ForgeUser { forge, login }, role, via).await
        }
        None => anonymous(rqctx),
    }
}

fn anonymous(rqctx: &Rqctx) -> Result<Principal, HttpError> {
    let role = rqctx.context().anonymous.ok_or_else(unauthenticated)?;
    Ok(principal(rqctx, None, role, Sight::public(), Via::Nothing))
}

/// Whoever holds a token of ours.
fn of_token(rqctx: &Rqctx, token: TokenInfo, via: Via) -> Principal {
    principal(rqctx, Some(token.name), token.role, Sight::Everything, via)
}

/// A user of a forge. Operators see what came from every repository anyway.
async fn of_user(
    rqctx: &Rqctx,
    user: ForgeUser,
    role: Role,
    via: Via,
) -> Result<Principal, HttpError> {
    let context = rqctx.context();
    let sight = match role.may(Role::Operator) {
        true => Sight::Everything,
        false => context.permissions.sight(context, &user).await.map_err(from_store)?,
    };
    let name = Some(user.to_string());
    Ok(Principal { user: Some(user), ..principal(rqctx, name, role, sight, via) })
}

fn principal(rqctx: &Rqctx, name: Option<String>, role: Role, sight: Sight, via: Via) -> Principal {
    let (remote, request) = (remote(rqctx), rqctx.request_id.clone());
    Principal { name, role, sight, via, user: None, remote, request }
}

/// Where a request comes from: what the last proxy says that is not ours.
pub(crate) fn remote(rqctx: &Rqctx) -> IpAddr {
    let (context, headers) = (rqctx.context(), rqctx.request.headers());
    behind(rqctx.request.remote_addr().ip(), headers, &context.trusted_proxies)
}

fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let mut remote = peer.to_canonical();
    let texts = headers.get_all("x-forwarded-for").iter().filter_map(|text| text.to_str().ok());
    let hops: Vec<&str> = texts.flat_map(|text| text.split(',')).map(str::trim).collect();
    for hop in hops.into_iter().rev() {
        match hop.parse::<IpAddr>() {
            Ok(before) if trusted.contains(&remote) => remote = before.to_canonical(),
            _ => break,
        }
    }
    remote
}

/// 401, one text for every reason.
pub(crate) fn unauthenticated() -> HttpError {
    let message = "sign in, or send a token as bearer token";
    let mut error = client_error(ErrorStatusCode::UNAUTHORIZED, "unauthenticated", message);
    let value = HeaderValue::from_static("Bearer realm=\"Solstice CI\"");
    error.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    error
}

fn no_push() -> HttpError {
    forbidden("this needs the role submitter, or the right to push to the repository".to_owned())
}

fn forbidden(message: String) -> HttpError {
    client_error(ErrorStatusCode::FORBIDDEN, "forbidden", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_trusted_proxy_says_where_a_request_comes_from() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let trusted = [ip("127.0.0.1"), ip("10.0.0.1")];
        let from = |peer: &str, forwarded: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", forwarded.parse().unwrap());
            behind(ip(peer), &headers, &trusted).to_string()
        };
        assert_eq!(from("192.0.2.1", "198.51.100.7"), "192.0.2.1");
        assert_eq!(from("127.0.0.1", "198.51.100.7"), "198.51.100.7");
        assert_eq!(from("127.0.0.1", "203.0.113.9, 198.51.100.7, 10.0.0.1"), "198.51.100.7");
        assert_eq!(from("::ffff:127.0.0.1", "2001:db8::1"), "2001:db8::1");
        assert_eq!(from("127.0.0.1", "nonsense"), "127.0.0.1");
    }
}
