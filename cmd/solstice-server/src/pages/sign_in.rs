//! The page on which people sign in, and what its forms do.

use askama::Template;
use dropshot::{Body, ErrorStatusCode, HttpError};
use http::{HeaderValue, Response, StatusCode, header};
use solstice_model::{Role, Token, TokenHash};
use solstice_store::SessionOf;

use super::{Frame, Rqctx, finish, query, rendered, see_other};
use crate::auth::{Via, identify};
use crate::context::Context;
use crate::cookie::Cookie;
use crate::csrf::{self, Form};
use crate::error::{client_error, from_store};
use crate::return_to;
use crate::throttle::TooMany;

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
    let asked = query(rqctx, "return_to").and_then(|path| return_to::ours(&path, &context.base_url));
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
    let html = rendered(&LoginPage {
        frame,
        forges: Vec::new(),
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
        Ok(name) => begin(rqctx, SessionOf::Token(name), back).await,
        Err(wrong) if wrong.status_code.as_status().is_client_error() => {
            page(rqctx, back, Some(&wrong))
        }
        Err(wrong) => finish(rqctx, Err(wrong)),
    }
}

/// The name of the token that a form holds.
async fn holder(rqctx: &Rqctx, form: &Form) -> Result<String, HttpError> {
    let (context, headers) = (rqctx.context(), rqctx.request.headers());
    let (now, address) = (context.clock.now(), rqctx.request.remote_addr().ip());
    let secret = Cookie::SignIn.read(headers, &context.base_url);
    let expected = csrf::value_of(&secret.unwrap_or_else(Token::generate));
    csrf::check(headers, &context.base_url, &expected, form.get(csrf::FIELD))?;
    context.throttle.check(address, now).map_err(too_many)?;
    let token = Token::from_text(form.get("token").unwrap_or_default().trim());
    let found = context.store.find_token(token.hash()).await.map_err(from_store)?;
    match found {
        Some(token) if token.role.may(Role::Reader) => Ok(token.name),
        Some(_) => Err(refused("this is the token of a host, which opens no page")),
        None => {
            context.throttle.count(address, now);
            Err(refused("this token is not known: it was mistyped or revoked"))
        }
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
async fn begin(rqctx: &Rqctx, of: SessionOf, back: &str) -> Response<Body> {
    let context = rqctx.context();
    let secret = Token::generate();
    let now = context.clock.now();
    let begun = context.store.begin_session(secret.hash(), of, presented(rqctx), now).await;
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
        context.store.end_session(hash).await.map_err(from_store)?;
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
