//! The recording forge's HTTP server.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::answer::{self, Body};
use super::api::Api;
use super::community::Community;
use super::description::Description;
use super::fault::{Fault, Faults};
use super::repositories::Repositories;
use super::smart_http::{self, GitRequest};
use super::status::Statuses;

/// The largest request; a fetch of many refs is far smaller.
const MAX_REQUEST_BYTES: usize = 16 * 1024 * 1024;

/// One request that reached the forge's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRequest {
    /// The HTTP method.
    pub method: String,
    /// Path and query, as they came.
    pub uri: String,
    /// The User-Agent header.
    pub user_agent: String,
    /// The status of the answer.
    pub status: u16,
    /// How the request broke the forge's description of its API, if it did.
    pub violation: Option<String>,
}

/// What all connections share.
pub(super) struct Shared {
    pub(super) repositories: Repositories,
    pub(super) statuses: Statuses,
    pub(super) community: Community,
    pub(super) faults: Faults,
    pub(super) description: Description,
    /// What clients have to present.
    pub(super) token: String,
    pub(super) requests: Mutex<Vec<RecordedRequest>>,
}

/// Serves until the sender of `wanted` is dropped; off the network while
/// `wanted` is false, and `is` follows it.
pub(super) async fn run(
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    mut wanted: watch::Receiver<bool>,
    is: watch::Sender<bool>,
) {
    let mut listener = Some(listener);
    loop {
        if let Some(listener) = listener.take() {
            is.send_replace(true);
            if serve(&listener, &shared, &mut wanted).await.is_err() {
                return;
            }
        }
        is.send_replace(false);
        if wanted.wait_for(|up| *up).await.is_err() {
            return;
        }
        // Somebody else may have the port for a moment.
        while listener.is_none() {
            match TcpListener::bind(address).await {
                Ok(bound) => listener = Some(bound),
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }
}

/// Serves until it is not wanted any more; then every connection is cut.
async fn serve(
    listener: &TcpListener,
    shared: &Arc<Shared>,
    wanted: &mut watch::Receiver<bool>,
) -> Result<(), watch::error::RecvError> {
    let mut connections = JoinSet::new();
    let down = loop {
        tokio::select! {
            down = async { wanted.wait_for(|up| !up).await.map(drop) } => break down,
            Ok((stream, _)) = listener.accept() => {
                connections.spawn(connection(stream, shared.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    };
    connections.shutdown().await;
    down
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(move |request| {
        let shared = shared.clone();
        async move { Ok::<_, io::Error>(shared.handle(request).await) }
    });
    // A client that breaks off, or a fault that does, is part of the test.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl Shared {
    async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, MAX_REQUEST_BYTES).collect().await else {
            return answer::text(StatusCode::PAYLOAD_TOO_LARGE, "too large\n");
        };
        let body = body.to_bytes();
        let path = head.uri.path();
        if let Some((repository, service)) = smart_http::recognise(path) {
            if self.repositories.private() && !self.knows(&head.headers) {
                return unauthorized();
            }
            let (method, query) = (head.method.as_str(), head.uri.query().unwrap_or_default());
            let headers = &head.headers;
            let request = GitRequest { repository, service, method, query, headers, body };
            return smart_http::serve(&self.repositories, request).await;
        }
        if path.starts_with("/api/v1/") {
            return self.api(&head, &body).await;
        }
        answer::text(StatusCode::NOT_FOUND, "Not found.\n")
    }

    async fn api(&self, head: &http::request::Parts, body: &[u8]) -> Response<Body> {
        let method = head.method.as_str();
        let text = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let path = head.uri.path().strip_prefix("/api/v1").unwrap_or_default();
        let query = head.uri.query().unwrap_or_default();
        let call = self.description.judge(method, path, query, text("content-type"), body);
        let fault = self.faults.next();
        if let Some(Fault::Slow(pause)) = &fault {
            tokio::time::sleep(*pause).await;
        }
        let response = match (&call, fault.and_then(play)) {
            (_, Some(response)) => response,
            (Err(violation), None) => answer::error(violation.status, &violation.why),
            (Ok(call), None) if !self.may(&call.operation, &head.headers) => unauthorized(),
            (Ok(call), None) => {
                let Self { repositories, statuses, community, .. } = self;
                Api { repositories, statuses, community }.answer(call, body).await
            }
        };
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.push(RecordedRequest {
            method: method.to_owned(),
            uri: head.uri.to_string(),
            user_agent: text("user-agent").unwrap_or_default().to_owned(),
            status: response.status().as_u16(),
            violation: call.err().map(|violation| violation.why),
        });
        response
    }

    /// Whether a call may be made: writing needs the token; a wrong token opens nothing.
    fn may(&self, operation: &str, headers: &HeaderMap) -> bool {
        if headers.contains_key("authorization") {
            return self.knows(headers);
        }
        operation == "GET /version"
            || (operation.starts_with("GET ") && !self.repositories.private())
    }

    /// Whether the one Authorization header holds the token, in a way that Forgejo takes.
    fn knows(&self, headers: &HeaderMap) -> bool {
        let mut all = headers.get_all("authorization").iter();
        let (Some(value), None) = (all.next(), all.next()) else { return false };
        let Some((scheme, value)) = value.to_str().ok().and_then(|text| text.split_once(' '))
        else {
            return false;
        };
        match scheme.to_ascii_lowercase().as_str() {
            "token" | "bearer" => value == self.token,
            "basic" => {
                let decoded = STANDARD.decode(value).unwrap_or_default();
                let text = String::from_utf8_lossy(&decoded).into_owned();
                text.split_once(':')
                    .is_some_and(|(name, word)| [name, word].contains(&&*self.token))
            }
            _ => false,
        }
    }
}

fn unauthorized() -> Response<Body> {
    let mut response = answer::error(401, "token is required");
    let value = http::HeaderValue::from_static("Basic realm=\"Gitea\"");
    response.headers_mut().insert("www-authenticate", value);
    response
}

/// The answer that a fault gives, if it gives one.
fn play(fault: Fault) -> Option<Response<Body>> {
    match fault {
        Fault::Slow(_) => None,
        Fault::Status(status) => Some(answer::error(status, "ordered by the test")),
        Fault::RetryAfter(status, seconds) => {
            let mut response = answer::error(status, "ordered by the test");
            response.headers_mut().insert("retry-after", seconds.into());
            Some(response)
        }
        Fault::Page => {
            let page = "<!DOCTYPE html><title>Be right back</title>";
            Some(answer::typed(StatusCode::OK, "text/html; charset=utf-8", page))
        }
        Fault::Redirect(status, target) => {
            let mut response = answer::error(status, "moved");
            let target = target.as_str().parse().expect("an address fits a header");
            response.headers_mut().insert("location", target);
            Some(response)
        }
        Fault::CutOff => {
            let cut = io::Error::new(io::ErrorKind::ConnectionAborted, "ordered by the test");
            let parts = [Ok(Frame::data(Bytes::from_static(b"[{\"name\":"))), Err(cut)];
            Some(Response::new(BodyExt::boxed(StreamBody::new(futures::stream::iter(parts)))))
        }
        Fault::Endless(bytes) => {
            let chunk = Bytes::from(vec![b' '; 64 * 1024]);
            let count = usize::try_from(bytes.div_ceil(64 * 1024)).unwrap_or(usize::MAX);
            let begin = futures::stream::iter([Bytes::from_static(b"[")]);
            let chunks = begin.chain(futures::stream::repeat(chunk).take(count));
            let frames = chunks.map(|chunk| Ok(Frame::data(chunk)));
            Some(Response::new(BodyExt::boxed(StreamBody::new(frames))))
        }
    }
}
