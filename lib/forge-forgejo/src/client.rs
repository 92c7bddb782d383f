//! Requests to the API: encoded, bounded in size and time, never led astray.

use std::error::Error as _;
use std::io;

use chrono::Utc;
use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Method, RequestBuilder, Response};
use serde::Deserialize;
use solstice_forge::{ForgeError, Retry, Secret, headers, text};
use solstice_model::RepoName;
use url::Url;

use crate::config::{ConfigError, Timeouts, api_root};

/// Hops within the same server, for a repository that was renamed.
const MAX_REDIRECTS: usize = 3;

/// How much of an error is read for its message.
const MAX_ERROR_BYTES: usize = 64 * 1024;

/// How much of a message is kept.
const MAX_MESSAGE_CHARS: usize = 500;

/// The API of one server.
pub(crate) struct Client {
    http: reqwest::Client,
    root: Url,
    /// For keeping it out of messages.
    token: Secret,
}

/// A request, before it is sent.
pub(crate) struct Call {
    request: RequestBuilder,
    /// What it asks for, for errors: method, path and query.
    pub(crate) what: String,
}

/// An answer that the caller did not ask to see, or a part of one.
pub(crate) enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// It is larger than allowed.
    TooLarge,
}

impl Client {
    pub(crate) fn new(
        base_url: &Url,
        token: &Secret,
        timeouts: Timeouts,
    ) -> Result<Self, ConfigError> {
        let graphic = token.expose().iter().all(u8::is_ascii_graphic);
        let value = [b"token ", token.expose()].concat();
        let mut value = HeaderValue::from_bytes(&value).map_err(|_| ConfigError::Token)?;
        if !graphic {
            return Err(ConfigError::Token);
        }
        value.set_sensitive(true);
        let http = reqwest::Client::builder()
            .user_agent(concat!("solstice-ci/", env!("CARGO_PKG_VERSION")))
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, value)]))
            .redirect(Policy::custom(follow))
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.total)
            .build()
            .map_err(ConfigError::Client)?;
        Ok(Self { http, root: api_root(base_url)?, token: token.clone() })
    }

    /// The token that calls are made with.
    pub(crate) fn token(&self) -> &Secret {
        &self.token
    }

    /// A call of the API. Each part of the path is encoded by itself, so that
    /// no name can mean anything but itself.
    pub(crate) fn call<'p>(
        &self,
        method: Method,
        path: impl IntoIterator<Item = &'p str>,
        query: &[(&str, &str)],
    ) -> Call {
        let mut url = self.root.clone();
        url.path_segments_mut().expect("a web address has a path").pop_if_empty().extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let below = url.path().strip_prefix(self.root.path()).unwrap_or_default();
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let what = format!("{method} /{below}{query}");
        Call { request: self.http.request(method, url), what }
    }

    /// Sends a call; the answer is one of this status.
    pub(crate) async fn send(
        &self,
        call: Call,
        wanted: StatusCode,
    ) -> Result<Response, ForgeError> {
        let Call { request, what } = call;
        let response = request.send().await.map_err(|error| unreachable(&what, error))?;
        if response.status() == wanted {
            return Ok(response);
        }
        Err(self.refusal(what, response).await)
    }

    async fn refusal(&self, what: String, response: Response) -> ForgeError {
        let status = response.status();
        if status.is_success() {
            let why = format!("its status is {}", status.as_u16());
            return ForgeError::BadAnswer { what, why, retry: Retry::Backoff };
        }
        let pause = headers::retry_after(response.headers(), Utc::now());
        let location = response.headers().get(LOCATION).cloned();
        let message = match location.as_ref().and_then(|location| location.to_str().ok()) {
            Some(location) if status.is_redirection() => format!("it is at {location} now"),
            // What was read before it broke off is not worth keeping.
            _ => match read(&what, response, MAX_ERROR_BYTES).await {
                Ok(Body::Whole(body)) => message(&body),
                Ok(Body::TooLarge) | Err(_) => String::new(),
            },
        };
        let token = String::from_utf8_lossy(self.token.expose());
        let message = text::one_line(&message.replace(&*token, "[token]"), MAX_MESSAGE_CHARS);
        let retry = Retry::of_status(status.as_u16(), pause);
        ForgeError::Refused { what, status: status.as_u16(), message, retry }
    }
}

impl Call {
    pub(crate) fn json(mut self, body: &impl serde::Serialize) -> Self {
        self.request = self.request.json(body);
        self
    }
}

/// The parts of a path below `/repos/{owner}/{repo}`.
pub(crate) fn below<'p>(repository: &'p RepoName, parts: &[&'p str]) -> Vec<&'p str> {
    let owner_and_name = repository.as_str().split('/');
    ["repos"].into_iter().chain(owner_and_name).chain(parts.iter().copied()).collect()
}

/// Follows a redirect only to the same server, and only where method and body
/// stay what they are. Anything else is the answer.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let keeps = [StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT];
    let first = attempt.previous().first();
    let stays = first.is_some_and(|first| first.origin() == attempt.url().origin());
    if keeps.contains(&attempt.status()) && stays && attempt.previous().len() <= MAX_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

/// Reads at most so many bytes of an answer.
pub(crate) async fn read(
    what: &str,
    mut response: Response,
    max_bytes: usize,
) -> Result<Body, ForgeError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreachable(what, error))? {
        if body.len() + chunk.len() > max_bytes {
            return Ok(Body::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Body::Whole(body))
}

fn unreachable(what: &str, error: reqwest::Error) -> ForgeError {
    // The address is in `what` already; the bare error of a limit of time says little.
    let source: Box<dyn std::error::Error + Send + Sync> = match error.is_timeout() {
        true if error.source().is_none_or(|source| !source.is::<io::Error>()) => {
            Box::new(io::Error::new(io::ErrorKind::TimedOut, "it took too long"))
        }
        _ => Box::new(error.without_url()),
    };
    ForgeError::Unreachable { what: what.to_owned(), source }
}

/// The words of an error: the API's, or the first of a page.
fn message(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct ApiError {
        message: String,
    }
    match serde_json::from_slice::<ApiError>(body) {
        Ok(error) => error.message,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}
