//! Answers of the recording forge.

use std::io;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};

pub(super) type Body = BoxBody<Bytes, io::Error>;

/// A body that is at hand.
pub(super) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}

/// An answer for people.
pub(super) fn text(status: StatusCode, text: &str) -> Response<Body> {
    typed(status, "text/plain; charset=utf-8", text.to_owned())
}

/// An answer of any type.
pub(super) fn typed(
    status: StatusCode,
    content_type: &str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .body(full(body))
        .expect("status and content type are well formed")
}

/// An answer of the API.
pub(super) fn json(status: StatusCode, value: &Value) -> Response<Body> {
    typed(status, "application/json;charset=utf-8", value.to_string())
}

/// An error of the API, as Forgejo words it.
pub(super) fn error(status: u16, message: &str) -> Response<Body> {
    let status = StatusCode::from_u16(status).expect("an HTTP status has three digits");
    json(status, &json!({ "message": message, "url": "https://forge.invalid/api/swagger" }))
}

/// Forgejo's word for whatever is absent.
pub(super) fn not_found() -> Response<Body> {
    json(
        StatusCode::NOT_FOUND,
        &json!({
            "errors": null,
            "message": "The target couldn't be found.",
            "url": "https://forge.invalid/api/swagger",
        }),
    )
}
