//! Takes deliveries: is it genuine, is it on disk, 202. Nothing else.
//!
//! The checks come in an order in which none costs more than the one before:
//! forge, content type, whether it is signed at all and its length before a byte
//! of the body is read, then the signature over all of it. What is read before
//! the signature is known anybody may have sent: it is bounded, all together. What is turned away leaves no
//! trace, so a forged request cannot use up the id of a true one.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use dropshot::{Body, ErrorStatusCode, HttpError, Path, RequestContext, StreamingBody};
use futures::StreamExt as _;
use http::{HeaderMap, Response, StatusCode, header};
use slog::{info, warn};
use solstice_api::webhook::{DeliveryTaken, ForgePath, MAX_BODY_BYTES, WebhookApi};
use solstice_forge::Rejection;
use solstice_forge::headers::require_json;
use solstice_log::keys;
use solstice_model::ForgeName;
use solstice_store::{MAX_HEADER_BYTES, MAX_HEADERS, NewDelivery};
use tokio::sync::SemaphorePermit;

use crate::context::Context;
use crate::error::{bad_request, client_error, from_store, not_found};
use crate::requests;
use crate::respond::json;

/// A body that is read without waiting for a turn; most are much smaller.
const SMALL_BODY_BYTES: usize = 1024 * 1024;

/// What each body counts for at least, so that their number is bounded too.
const LEAST_BODY_BYTES: usize = 16 * 1024;

/// A body that takes longer is not waited for.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// The webhook API, implemented.
pub(crate) enum Webhooks {}

impl WebhookApi for Webhooks {
    type Context = Arc<Context>;

    async fn webhook_deliver(
        rqctx: RequestContext<Self::Context>,
        path: Path<ForgePath>,
        body: StreamingBody,
    ) -> Result<Response<Body>, HttpError> {
        let taken = deliver(&rqctx, path.into_inner().forge, body).await;
        if let Err(refused) = &taken {
            let reason = refused.error_code.clone().unwrap_or_else(|| "bad_request".to_owned());
            rqctx.context().metrics.rejections.get_or_create(&[("reason", reason)]).inc();
        }
        taken
    }
}

async fn deliver(
    rqctx: &RequestContext<Arc<Context>>,
    name: ForgeName,
    body: StreamingBody,
) -> Result<Response<Body>, HttpError> {
    let (context, log) = (rqctx.context(), requests::log(rqctx));
    let begun = context.clock.now();
    let forge = context.forges.get(&name).ok_or_else(|| not_found("there is no such forge"))?;
    let headers = rqctx.request.headers();
    require_json(headers).map_err(|rejection| rejected(&rejection))?;
    check_signed(headers)?;
    let announced = check_length(headers)?;
    let read = tokio::time::timeout(BODY_TIMEOUT, read(body, announced, context)).await;
    let (body, _turn) = read.map_err(|_| too_slow())??;
    let genuine = forge.authenticate(headers, &body).map_err(|rejection| {
        warn!(log, "delivery turned away";
                keys::FORGE => %name, keys::REASON => %rejection);
        rejected(&rejection)
    })?;
    let taken = context
        .store
        .take_delivery(NewDelivery {
            forge: name.clone(),
            forge_id: genuine.id,
            event: genuine.event,
            headers: kept(headers),
            body: body.into(),
            received_at: context.clock.now(),
        })
        .await
        .map_err(from_store)?;
    if !taken.repeat {
        context.observer.taken(&name, taken.id, (begun, context.clock.now()));
    }
    info!(log, "delivery taken"; keys::FORGE => %name,
            keys::DELIVERY => %taken.id, keys::STATE => if taken.repeat { "repeat" } else { "new" });
    let status = if taken.repeat { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok(json(status, &DeliveryTaken { delivery: taken.id, repeat: taken.repeat }))
}

/// The headers that people may read: none that proves who sent it or opens a door.
fn kept(headers: &HeaderMap) -> Vec<(String, String)> {
    let secret = |name: &str| {
        ["signature", "authorization", "cookie", "token", "secret", "key"]
            .iter()
            .any(|part| name.contains(part))
    };
    let plain = headers.iter().filter(|(name, _)| !secret(name.as_str()));
    plain
        .take(MAX_HEADERS)
        .map(|(name, value)| {
            let value = &value.as_bytes()[..value.len().min(MAX_HEADER_BYTES)];
            (name.to_string(), String::from_utf8_lossy(value).into_owned())
        })
        .collect()
}

fn too_large() -> HttpError {
    let message = format!("the body has more than {MAX_BODY_BYTES} bytes");
    client_error(ErrorStatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
}

/// Refuses by the announced length, before anything is read; gives it.
fn check_length(headers: &HeaderMap) -> Result<Option<usize>, HttpError> {
    if headers.contains_key(header::CONTENT_LENGTH)
        && headers.contains_key(header::TRANSFER_ENCODING)
    {
        return Err(bad_request("the body has two lengths"));
    }
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match announced.and_then(|text| text.parse::<usize>().ok()) {
        Some(length) if length > MAX_BODY_BYTES => Err(too_large()),
        announced => Ok(announced),
    }
}

/// Refuses what no forge has signed, before anything is read. Which header it
/// has to be, and whether it is right, the forge says later.
fn check_signed(headers: &HeaderMap) -> Result<(), HttpError> {
    let signed = headers.keys().any(|name| name.as_str().contains("signature"));
    if signed { Ok(()) } else { Err(rejected(&Rejection::Signature)) }
}

fn too_slow() -> HttpError {
    let message = "the body did not arrive in time";
    client_error(ErrorStatusCode::REQUEST_TIMEOUT, "too_slow", message)
}

/// The right to a body in memory, given back when the delivery is stored.
struct Turn<'a> {
    _small: SemaphorePermit<'a>,
    large: Option<SemaphorePermit<'a>>,
}

/// Reads the body. Its signature is known only at its end, so that anybody can
/// send one: there is room for so much, and a large one takes a turn besides.
/// Who takes turns holds room, and never the other way round.
async fn read(
    body: StreamingBody,
    announced: Option<usize>,
    context: &Context,
) -> Result<(BytesMut, Turn<'_>), HttpError> {
    let small = announced.map_or(SMALL_BODY_BYTES, |bytes| bytes.min(SMALL_BODY_BYTES));
    let room = small.max(LEAST_BODY_BYTES).div_ceil(1024);
    let room = context.body_room.acquire_many(u32::try_from(room).unwrap_or(u32::MAX));
    let mut turn = Turn { _small: room.await.expect("it is never closed"), large: None };
    let mut all = BytesMut::new();
    let mut stream = std::pin::pin!(body.into_stream());
    while let Some(part) = stream.next().await {
        let part = part?;
        if all.len() + part.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        if turn.large.is_none() && all.len() + part.len() > SMALL_BODY_BYTES {
            turn.large = Some(context.large_bodies.acquire().await.expect("it is never closed"));
        }
        all.extend_from_slice(&part);
    }
    Ok((all, turn))
}

fn rejected(rejection: &Rejection) -> HttpError {
    let message = rejection.to_string();
    match rejection {
        Rejection::Signature => {
            client_error(ErrorStatusCode::UNAUTHORIZED, "unauthenticated", message)
        }
        Rejection::Header(_) => bad_request(message),
        Rejection::MediaType(_) => {
            client_error(ErrorStatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", message)
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn what_is_secret_is_not_kept() {
        let mut headers = HeaderMap::new();
        for name in [
            "authorization",
            "proxy-authorization",
            "cookie",
            "x-hub-signature-256",
            "x-gitea-signature",
            "x-gitlab-token",
            "x-github-event",
        ] {
            headers.insert(name, HeaderValue::from_static("v"));
        }
        headers.insert("x-odd", HeaderValue::from_bytes(b"a\xffb").unwrap());
        let kept = kept(&headers);
        let names: Vec<&str> = kept.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["x-github-event", "x-odd"]);
        assert_eq!(kept[1].1, "a\u{fffd}b");
    }
}
