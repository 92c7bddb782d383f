//! Requests to the API: encoded, bounded in size and time, never led astray.
//!
//! octocrab carries them, over a reqwest client of ours, without its retries,
//! redirects, cache or paging: what comes back is the bare answer.

use std::fmt;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, USER_AGENT,
};
use http::{Method, Request, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use octocrab::service::middleware::base_uri::BaseUriLayer;
use octocrab::service::middleware::extra_headers::ExtraHeadersLayer;
use octocrab::service::middleware::reqwest_connector::ReqwestConnector;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use reqwest::redirect::Policy;
use solstice_forge::{ForgeError, Retry};
use solstice_model::RepoName;
use url::Url;

use crate::config::{ConfigError, Timeouts};
use crate::refusal;

/// Hops within the same server, for a repository that was renamed.
const MAX_REDIRECTS: usize = 3;

/// How much of an error is read for its message.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// The version of the API that is described in `tests/data`.
const API_VERSION: &str = "2022-11-28";

/// What an answer is wanted as.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted {
    /// JSON.
    Json,
    /// The bytes of a file.
    Raw,
}

/// The API of one server.
pub(crate) struct Client {
    http: reqwest::Client,
    /// Made on first use, because it needs a runtime.
    crab: OnceLock<Octocrab>,
    root: Url,
}

/// A request, before it is sent.
#[derive(Clone)]
pub(crate) struct Call {
    method: Method,
    url: Url,
    wanted: Wanted,
    body: Option<Bytes>,
    /// What it asks for, for errors: method, path and query.
    pub(crate) what: String,
}

/// A value of the header `Authorization`; shown to nobody.
#[derive(Clone)]
pub(crate) struct Bearer(HeaderValue);

/// What came back, before its body is read.
pub(crate) struct Answer {
    what: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: BoxBody<Bytes, octocrab::Error>,
}

/// An answer that the caller did not ask to see, or a part of one.
pub(crate) enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// It is larger than allowed.
    TooLarge,
}

impl Bearer {
    /// `None` if it has characters that no token has.
    pub(crate) fn new(token: &str) -> Option<Self> {
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return None;
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok()?;
        value.set_sensitive(true);
        Some(Self(value))
    }

    /// The token, for keeping it out of messages.
    pub(crate) fn token(&self) -> &str {
        self.0.to_str().ok().and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default()
    }
}

impl PartialEq for Bearer {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(redacted)")
    }
}

impl Client {
    pub(crate) fn new(root: Url, timeouts: Timeouts) -> Result<Self, ConfigError> {
        let http = reqwest::Client::builder()
            .redirect(Policy::none())
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.total)
            .build()
            .map_err(ConfigError::Client)?;
        Ok(Self { http, crab: OnceLock::new(), root })
    }

    fn crab(&self) -> &Octocrab {
        self.crab.get_or_init(|| {
            let origin = self.root.origin().ascii_serialization();
            let origin = origin.parse().expect("the origin of a web address is an address");
            let always = [
                (USER_AGENT, concat!("solstice-ci/", env!("CARGO_PKG_VERSION"))),
                (HeaderName::from_static("x-github-api-version"), API_VERSION),
            ];
            let always = always.map(|(name, value)| (name, HeaderValue::from_static(value)));
            let built = OctocrabBuilder::new_empty()
                .with_service(ReqwestConnector::new(self.http.clone()))
                .with_layer(&ExtraHeadersLayer::new(Arc::new(always.into())))
                .with_layer(&BaseUriLayer::new(origin))
                .with_auth(AuthState::None)
                .build();
            match built {
                Ok(crab) => crab,
                Err(never) => match never {},
            }
        })
    }

    /// A call of the API. Each part of the path is encoded by itself, so that
    /// no name can mean anything but itself; `.` and `..` are no names.
    pub(crate) fn call<'p>(
        &self,
        method: Method,
        path: impl IntoIterator<Item = &'p str>,
        query: &[(&str, &str)],
    ) -> Call {
        let path: Vec<String> = path.into_iter().map(encoded).collect();
        let mut url = self.root.clone();
        url.set_path(&format!("{}{}", self.root.path(), path.join("/")));
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let what = self.what(&method, &url);
        Call { method, url, wanted: Wanted::Json, body: None, what }
    }

    fn what(&self, method: &Method, url: &Url) -> String {
        let below = url.path().strip_prefix(self.root.path()).unwrap_or_default();
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{method} /{below}{query}")
    }

    /// Sends a call, after redirects within the same server; any answer is one.
    pub(crate) async fn send(&self, call: &Call, bearer: &Bearer) -> Result<Answer, ForgeError> {
        let mut call = call.clone();
        for _ in 0..MAX_REDIRECTS {
            let answer = self.send_once(&call, bearer).await?;
            match self.followed(&call, &answer) {
                Some(url) => call.url = url,
                None => return Ok(answer),
            }
        }
        self.send_once(&call, bearer).await
    }

    async fn send_once(&self, call: &Call, bearer: &Bearer) -> Result<Answer, ForgeError> {
        let response = self.crab().execute(call.request(bearer)).await;
        let response = response.map_err(|error| unreachable(&call.what, error))?;
        let (parts, body) = response.into_parts();
        let what = call.what.clone();
        Ok(Answer { what, status: parts.status, headers: parts.headers, body })
    }

    /// Where a redirect leads, if to the same server and with method and body
    /// as they are. Anything else is the answer.
    fn followed(&self, call: &Call, answer: &Answer) -> Option<Url> {
        let keeps = match answer.status {
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
            // What GitHub says of a repository that was renamed.
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => call.method == Method::GET,
            _ => false,
        };
        let location = answer.headers.get(LOCATION).filter(|_| keeps)?.to_str().ok()?;
        let url = call.url.join(location).ok()?;
        (url.origin() == self.root.origin() && url.path().starts_with(self.root.path()))
            .then_some(url)
    }
}

impl Call {
    pub(crate) fn json(mut self, body: &impl serde::Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("our own structures are JSON");
        self.body = Some(body.into());
        self
    }

    pub(crate) fn raw(mut self) -> Self {
        self.wanted = Wanted::Raw;
        self
    }

    fn request(&self, bearer: &Bearer) -> Request<OctoBody> {
        // Without a host: the root's is put before it, and only there goes the token.
        let query = self.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let uri = format!("{}{query}", self.url.path());
        let accept = match self.wanted {
            Wanted::Json => "application/vnd.github+json",
            Wanted::Raw => "application/vnd.github.raw+json",
        };
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(uri)
            .header(ACCEPT, accept)
            .header(AUTHORIZATION, bearer.0.clone());
        if self.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = self.body.clone().map(|body| OctoBody::new(Full::new(body)));
        request
            .body(body.unwrap_or_else(OctoBody::empty))
            .expect("an encoded path is one, and the headers were checked")
    }
}

impl Answer {
    /// The answer if it has this status, the forge's refusal otherwise.
    pub(crate) async fn wanted(
        self,
        status: StatusCode,
        bearer: &Bearer,
    ) -> Result<Self, ForgeError> {
        if self.status == status {
            return Ok(self);
        }
        let Self { what, status, headers, .. } = &self;
        if status.is_success() {
            let why = format!("its status is {}", status.as_u16());
            return Err(ForgeError::BadAnswer { what: what.clone(), why, retry: Retry::Backoff });
        }
        let (what, status, headers) = (what.clone(), *status, headers.clone());
        // What was read before it broke off is not worth keeping.
        let body = match self.read(MAX_ERROR_BYTES).await {
            Ok(Body::Whole(body)) => body,
            Ok(Body::TooLarge) | Err(_) => Vec::new(),
        };
        Err(refusal::refused(what, status, &headers, &body, bearer))
    }

    /// Reads at most so many bytes of the answer.
    pub(crate) async fn read(self, max_bytes: usize) -> Result<Body, ForgeError> {
        let Self { what, mut body, .. } = self;
        let mut read = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| unreachable(&what, error))?;
            let Ok(chunk) = frame.into_data() else { continue };
            if read.len() + chunk.len() > max_bytes {
                return Ok(Body::TooLarge);
            }
            read.extend_from_slice(&chunk);
        }
        Ok(Body::Whole(read))
    }
}

/// A part of a path, in which only unreserved characters stand for themselves
/// (RFC 3986, section 2.3).
fn encoded(part: &str) -> String {
    let mut encoded = String::with_capacity(part.len());
    for byte in part.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || b"-._~".contains(&b) => encoded.push(char::from(b)),
            b => encoded.push_str(&format!("%{b:02X}")),
        }
    }
    encoded
}

/// The parts of a path below `/repos/{owner}/{repo}`.
pub(crate) fn below<'p>(repository: &'p RepoName, parts: &[&'p str]) -> Vec<&'p str> {
    let owner_and_name = repository.as_str().split('/');
    ["repos"].into_iter().chain(owner_and_name).chain(parts.iter().copied()).collect()
}

fn unreachable(what: &str, error: octocrab::Error) -> ForgeError {
    ForgeError::Unreachable { what: what.to_owned(), source: refusal::cause(error) }
}
