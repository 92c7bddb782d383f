//! The page on which people sign in, and what its forms do.

use askama::Template;
use dropshot::{Body, ErrorStatusCode, HttpError};
use http::{HeaderValue, Response, StatusCode, header};
use slog::warn;
use solstice_api::user::{AuditAction, AuditVia};
use solstice_log::{chain, keys};
use solstice_model::{ForgeName, Role, Token, TokenHash};
use solstice_store::{Actor, SessionOf};

use super::{Frame, Rqctx, finish, query, rendered, see_other};
use crate::auth::{Via, identify, remote};
use crate::context::Context;
use crate::cookie::Cookie;
use crate::csrf::{self, Form};
use crate::error::{bad_request, client_error, from_store, not_found};
use crate::pending::Begun;
use crate::permissions::ForgeUser;
use crate::return_to;
use crate::throttle::TooMany;

/// The longest code of a forge, in bytes.
const MAX_CODE_BYTES: usize = 512;

/// A forge with which people can sign in.
struct ForgeLink {
    name: String,
    href: String,
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    forges: Vec<ForgeLink>,
    return_to: String,
    wrong: Option<String>,
}

/// Page: how to sign in.
pub(crate) fn show(rqctx: &Rqctx) -> Response<Body> {
    let (context, headers) = (rqctx.context(), rqctx.request.headers());
    let asked =
        query(rqctx, "return_to").and_then(|path| return_to::ours(&path, &context.base_url));
    let back = asked.or_else(|| return_to::referer(headers, &context.base_url));
    page(rqctx, back.as_deref().unwrap_or("/"), None)
}

/// The page, with what went wrong if something did.
fn page(rqctx: &Rqctx, return_to: &str, wrong: Option<&HttpError>) -> Response<Body> {
    let context = rqctx.context();
    let known = Cookie::SignIn.read(rqctx.request.headers(), &context.base_url);
    let secret = known.unwrap_or_else(Token::generate);
    let mut frame = Frame::new(context, None);
    frame.csrf = csrf::value_of(&secret);
    let link = |forge: &ForgeName| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let query = query.append_pair("return_to", return_to).finish();
        ForgeLink { name: forge.to_string(), href: format!("/login/{forge}?{query}") }
    };
    let html = rendered(&LoginPage {
        frame,
        forges: context.sign_in.forges().map(link).collect(),
        return_to: return_to.to_owned(),
        wrong: wrong.map(|wrong| wrong.external_message.clone()),
    });
    let mut response = finish(rqctx, html);
    if let Some(wrong) = wrong {
        *response.status_mut() = wrong.status_code.as_status();
        response.headers_mut().extend(wrong.headers.as_deref().cloned().unwrap_or_default());
    }
    let cookie = Cookie::SignIn.set(&secret, &context.base_url);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// Signs in by a token.
pub(crate) async fn by_token(rqctx: &Rqctx, form: &Form) -> Response<Body> {
    let base = &rqctx.context().base_url;
    let back = form.get("return_to").and_then(|path| return_to::ours(path, base));
    let back = back.as_deref().unwrap_or("/");
    match holder(rqctx, form).await {
        Ok(name) => {
            let by = actor(rqctx, name.clone(), AuditVia::Token);
            begin(rqctx, SessionOf::Token(name), by, back).await
        }
        Err(wrong) => try_again(rqctx, back, wrong),
    }
}

/// The page once more, unless it would be no better.
fn try_again(rqctx: &Rqctx, back: &str, wrong: HttpError) -> Response<Body> {
    match wrong.status_code.as_status() {
        status if status.is_client_error() || status == StatusCode::BAD_GATEWAY => {
            page(rqctx, back, Some(&wrong))
        }
        _ => finish(rqctx, Err(wrong)),
    }
}

/// The name of the token that a form holds.
async fn holder(rqctx: &Rqctx, form: &Form) -> Result<String, HttpError> {
    let (context, headers) = (rqctx.context(), rqctx.request.headers());
    let secret = Cookie::SignIn.read(headers, &context.base_url);
    let expected = csrf::value_of(&secret.unwrap_or_else(Token::generate));
    csrf::check(headers, &context.base_url, &expected, form.get(csrf::FIELD))?;
    may_try(rqctx)?;
    let token = Token::from_text(form.get("token").unwrap_or_default().trim());
    let found = context.store.find_token(token.hash()).await.map_err(from_store)?;
    match found {
        Some(token) if token.role.may(Role::Reader) => Ok(token.name),
        Some(token) => {
            note_refused(rqctx, token.name, "the token of a host").await;
            Err(refused("this is the token of a host, which opens no page"))
        }
        None => {
            note_refused(rqctx, "somebody".to_owned(), "an unknown token").await;
            Err(refused("this token is not known: it was mistyped or revoked"))
        }
    }
}

/// Begins to sign in at a forge.
pub(crate) fn at_forge(rqctx: &Rqctx, forge: &ForgeName) -> Response<Body> {
    let (context, base) = (rqctx.context(), &rqctx.context().base_url);
    let back = query(rqctx, "return_to").and_then(|path| return_to::ours(&path, base));
    let back = back.unwrap_or_else(|| "/".to_owned());
    let Some(provider) = context.sign_in.provider(forge) else {
        return finish(rqctx, Err(not_found("people do not sign in there")));
    };
    if let Err(wrong) = may_try(rqctx) {
        return page(rqctx, &back, Some(&wrong));
    }
    let known = Cookie::SignIn.read(rqctx.request.headers(), base);
    let browser = known.unwrap_or_else(Token::generate);
    let begun = Begun::new(forge.clone(), &browser, back, context.clock.now());
    let verifier = begun.verifier.clone();
    let state = context.sign_in.pending.keep(begun);
    let mut response = see_other(provider.start(base, &state, &verifier).as_str());
    let cookie = Cookie::SignIn.set(&browser, base);
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// Ends to sign in at a forge.
pub(crate) async fn back_from_forge(rqctx: &Rqctx, forge: &ForgeName) -> Response<Body> {
    let mut back = "/".to_owned();
    match told(rqctx, forge, &mut back).await {
        Ok(login) => {
            let user = ForgeUser { forge: forge.clone(), login };
            let by = actor(rqctx, user.to_string(), AuditVia::Forge);
            let ForgeUser { forge, login } = user;
            begin(rqctx, SessionOf::User { forge, login }, by, &back).await
        }
        Err(wrong) => try_again(rqctx, &back, wrong),
    }
}

/// Whom the forge says that the browser is; sets where it is to go.
async fn told(rqctx: &Rqctx, forge: &ForgeName, back: &mut String) -> Result<String, HttpError> {
    let (context, base) = (rqctx.context(), &rqctx.context().base_url);
    let provider = context.sign_in.provider(forge);
    let provider = provider.ok_or_else(|| not_found("people do not sign in there"))?;
    may_try(rqctx)?;
    let begun = begun(rqctx, forge).ok_or_else(|| {
        bad_request("this sign-in was not begun in this browser, or it took too long: try again")
    });
    let begun = match begun {
        Ok(begun) => begun,
        Err(wrong) => {
            note_refused(rqctx, format!("somebody@{forge}"), "a state that is not known").await;
            return Err(wrong);
        }
    };
    back.clone_from(&begun.return_to);
    let code = query(rqctx, "code").filter(|code| (1..=MAX_CODE_BYTES).contains(&code.len()));
    let (Some(code), None) = (code, query(rqctx, "error")) else {
        note_refused(rqctx, format!("somebody@{forge}"), "the forge sent no code").await;
        return Err(refused("the forge did not let you in, or you did not want it to"));
    };
    match provider.login(base, &code, &begun.verifier).await {
        Ok(login) => Ok(login),
        Err(why) => {
            warn!(context.log, "a forge does not say who somebody is";
                keys::FORGE => %forge, keys::ERROR => chain(&why));
            note_refused(rqctx, format!("somebody@{forge}"), "the forge says not who it is").await;
            let message = "the forge does not say who you are; try again later";
            Err(client_error(ErrorStatusCode::BAD_GATEWAY, "forge_failed", message))
        }
    }
}

/// What the answer of a forge belongs to, if this browser began it. It is used up.
fn begun(rqctx: &Rqctx, forge: &ForgeName) -> Option<Begun> {
    let context = rqctx.context();
    let state = query(rqctx, "state")?;
    let begun = context.sign_in.pending.take(&state, context.clock.now())?;
    let browser = Cookie::SignIn.read(rqctx.request.headers(), &context.base_url)?;
    (begun.forge == *forge && begun.is_of(&browser)).then_some(begun)
}

fn actor(rqctx: &Rqctx, name: String, via: AuditVia) -> Actor {
    let request = Some(rqctx.request_id.clone());
    Actor { remote: Some(remote(rqctx)), request, ..Actor::new(name, via) }
}

/// Whether this address may try now.
fn may_try(rqctx: &Rqctx) -> Result<(), HttpError> {
    let context = rqctx.context();
    context.sign_in.throttle.check(remote(rqctx), context.clock.now()).map_err(too_many)
}

/// Counts a try in vain, and writes it down.
async fn note_refused(rqctx: &Rqctx, name: String, why: &str) {
    let (context, now) = (rqctx.context(), rqctx.context().clock.now());
    context.sign_in.throttle.count(remote(rqctx), now);
    let by = actor(rqctx, name, AuditVia::Nothing);
    let action = AuditAction::SignInRefused;
    let noted = context.store.note(by, action, None, Some(why.to_owned()), now).await;
    if let Err(why) = noted {
        warn!(context.log, "a refused sign-in is not in the audit log";
            keys::ERROR => chain(&why));
    }
}

fn refused(message: &str) -> HttpError {
    client_error(ErrorStatusCode::FORBIDDEN, "forbidden", message)
}

fn too_many(TooMany(seconds): TooMany) -> HttpError {
    let message = format!("too many tries; wait {seconds} seconds");
    let mut error = client_error(ErrorStatusCode::TOO_MANY_REQUESTS, "too_many_tries", message);
    error.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    error
}

/// Begins a session under a new secret, whatever the browser had before, and sends
/// it on.
async fn begin(rqctx: &Rqctx, of: SessionOf, by: Actor, back: &str) -> Response<Body> {
    let context = rqctx.context();
    let secret = Token::generate();
    let now = context.clock.now();
    let begun = context.store.begin_session(secret.hash(), of, presented(rqctx), by, now).await;
    if let Err(wrong) = begun {
        return finish(rqctx, Err(from_store(wrong)));
    }
    let mut response = see_other(back);
    set_cookies(&mut response, context, Cookie::Session.set(&secret, &context.base_url));
    response
}

/// Signs out.
pub(crate) async fn out(rqctx: &Rqctx, form: &Form) -> Response<Body> {
    match end(rqctx, form).await {
        Ok(()) => {
            let context = rqctx.context();
            let mut response = see_other("/login");
            set_cookies(&mut response, context, Cookie::Session.clear(&context.base_url));
            response
        }
        Err(wrong) => finish(rqctx, Err(wrong)),
    }
}

async fn end(rqctx: &Rqctx, form: &Form) -> Result<(), HttpError> {
    let context = rqctx.context();
    // Whoever is not signed in is signed out.
    let Ok(principal) = identify(rqctx).await else { return Ok(()) };
    if let Via::Session { csrf } = &principal.via {
        let presented = form.get(csrf::FIELD);
        csrf::check(rqctx.request.headers(), &context.base_url, csrf, presented)?;
    }
    if let Some(hash) = presented(rqctx) {
        let now = context.clock.now();
        context.store.end_session(hash, principal.actor(), now).await.map_err(from_store)?;
    }
    Ok(())
}

/// The session that the browser has.
fn presented(rqctx: &Rqctx) -> Option<TokenHash> {
    let base = &rqctx.context().base_url;
    Cookie::Session.read(rqctx.request.headers(), base).map(|secret| secret.hash())
}

/// The sign-in is over, whichever way: what it went by is of no use any more.
fn set_cookies(response: &mut Response<Body>, context: &Context, session: HeaderValue) {
    response.headers_mut().append(header::SET_COOKIE, session);
    let over = Cookie::SignIn.clear(&context.base_url);
    response.headers_mut().append(header::SET_COOKIE, over);
    debug_assert_eq!(response.status(), StatusCode::SEE_OTHER);
}
