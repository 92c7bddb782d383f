//! Answers that their caller may have already (RFC 9110, section 13).
//!
//! The tag is a hash of the very bytes of the body, and so a strong one: it says
//! the same on every server and after every restart, needs no bookkeeping that
//! could forget a table, and does not change with what others do. The price is
//! that the answer is made before it is left out; what is saved is its way.

use dropshot::{
    ApiEndpointResponse, Body, HttpError, HttpResponse, HttpResponseHeaders, HttpResponseOk,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solstice_model::Sha256Digest;

/// A copy may be kept, by the caller alone, and is asked about before it is used.
pub const CACHE_CONTROL: &str = "private, no-cache";

/// A JSON answer with an entity tag, or 304 for who has it.
#[derive(Debug)]
pub struct Tagged<T> {
    value: T,
    known: Vec<HeaderValue>,
}

/// What goes with it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct TagHeaders {
    /// What this answer is known by: to be sent as `If-None-Match` the next time.
    etag: String,
    /// `private, no-cache`: to be kept, and to be asked about each time.
    #[serde(rename = "cache-control")]
    cache_control: String,
}

impl<T> Tagged<T> {
    /// An answer to a request with these headers.
    pub fn new(value: T, request: &HeaderMap) -> Self {
        let known = request.get_all(header::IF_NONE_MATCH).iter().cloned().collect();
        Self { value, known }
    }
}

impl<T> HttpResponse for Tagged<T>
where
    T: JsonSchema + Serialize + Send + Sync + 'static,
{
    fn to_result(self) -> Result<Response<Body>, HttpError> {
        let body = serde_json::to_vec(&self.value)
            .map_err(|error| HttpError::for_internal_error(error.to_string()))?;
        let tag = format!("\"{}\"", Sha256Digest::of(&body).hex());
        if is_known(&self.known, &tag) {
            return Ok(not_modified(&tag));
        }
        let mut response = Response::new(Body::from(body));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        put_tag(&mut response, &tag);
        Ok(response)
    }

    fn response_metadata() -> ApiEndpointResponse {
        HttpResponseHeaders::<HttpResponseOk<T>, TagHeaders>::response_metadata()
    }

    fn status_code(&self) -> StatusCode {
        StatusCode::OK
    }
}

/// Whether a request's `If-None-Match` names this tag, or anything at all. As a
/// condition of GET it is compared weakly (RFC 9110, sections 8.8.3.2 and 13.1.2).
pub fn is_known<'a>(known: impl IntoIterator<Item = &'a HeaderValue>, tag: &str) -> bool {
    let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
    let tag = opaque(tag);
    let lists = known.into_iter().filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || opaque(one) == tag
    })
}

/// 304 with what the whole answer would have said of itself.
pub fn not_modified(tag: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    put_tag(&mut response, tag);
    response
}

/// Says what an answer is known by.
///
/// # Panics
///
/// If the tag is not printable ASCII; ours are digests.
pub fn put_tag(response: &mut Response<Body>, tag: &str) {
    let tag = HeaderValue::from_str(tag).expect("tags are made of digests");
    response.headers_mut().insert(header::ETAG, tag);
    let kept = HeaderValue::from_static(CACHE_CONTROL);
    response.headers_mut().insert(header::CACHE_CONTROL, kept);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(lists: &[&'static str], tag: &str) -> bool {
        let lists: Vec<_> = lists.iter().map(|list| HeaderValue::from_static(list)).collect();
        is_known(&lists, tag)
    }

    #[test]
    fn a_tag_is_known_in_any_list_and_by_weak_comparison() {
        assert!(known(&["\"a\""], "\"a\""));
        assert!(known(&["\"b\" , W/\"a\""], "\"a\""));
        assert!(known(&["\"b\"", "\"a\""], "W/\"a\""));
        assert!(known(&["*"], "\"a\""));
        for other in [&["\"b\""][..], &["a"], &[""], &[]] {
            assert!(!known(other, "\"a\""), "{other:?}");
        }
    }

    #[test]
    fn who_has_the_answer_gets_its_tag_and_no_body() {
        let ask = |headers: &HeaderMap| Tagged::new(vec![1, 2], headers).to_result().unwrap();
        let first = ask(&HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        let tag = first.headers()[header::ETAG].clone();
        let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, tag.clone())]);
        let second = ask(&headers);
        assert_eq!(second.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(second.headers()[header::ETAG], tag);
        assert_eq!(second.headers()[header::CACHE_CONTROL], CACHE_CONTROL);
        let other = Tagged::new(vec![1, 3], &headers).to_result().unwrap();
        assert_eq!(other.status(), StatusCode::OK);
    }
}
