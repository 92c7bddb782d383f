//! The fake's HTTP server: it judges every request, then lets the state answer.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::answers;
use super::description::{self, Violation};
use super::fault::{self, Fault};
use super::state::State;

pub(crate) type Body = BoxBody<Bytes, io::Error>;

/// An answer, before it is on its way.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Result<Value, Vec<u8>>,
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    /// Method, path and query, as they came.
    pub(crate) line: String,
    /// Its body, `null` if there is none.
    pub(crate) body: Value,
}

/// A fake GitHub.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    server: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    address: SocketAddr,
    state: Mutex<State>,
    requests: Mutex<Vec<Recorded>>,
    violations: Mutex<Vec<String>>,
    /// Still to come; of a certain operation, or of any.
    faults: Mutex<Vec<(Option<&'static str>, Fault)>>,
}

impl Reply {
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self { status, headers: Vec::new(), body: Ok(body) }
    }

    pub(crate) fn bytes(status: u16, body: Vec<u8>) -> Self {
        Self { status, headers: Vec::new(), body: Err(body) }
    }

    pub(crate) fn error(status: u16, message: &str) -> Self {
        Self::json(status, json!({ "message": message, "documentation_url": "https://docs" }))
    }

    pub(crate) fn response(self) -> Response<Body> {
        let bytes = self.body.map_or_else(|bytes| bytes, |json| json.to_string().into_bytes());
        let body = Full::new(Bytes::from(bytes)).map_err(|never| match never {}).boxed();
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(body).unwrap()
    }
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            address,
            state: Mutex::new(State::new()),
            requests: Mutex::default(),
            violations: Mutex::default(),
            faults: Mutex::default(),
        });
        let server = tokio::spawn(serve(listener, shared.clone()));
        Self { address, shared, server: Mutex::new(Some(server)) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap()
    }

    pub(crate) fn requests(&self) -> Vec<Recorded> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Those whose line begins so, such as `POST /app/`.
    pub(crate) fn requests_like(&self, begin: &str) -> Vec<Recorded> {
        let requests = self.requests().into_iter();
        requests.filter(|request| request.line.starts_with(begin)).collect()
    }

    pub(crate) fn violations(&self) -> Vec<String> {
        self.shared.violations.lock().unwrap().clone()
    }

    pub(crate) fn fail(&self, operation: Option<&'static str>, fault: Fault) {
        self.shared.faults.lock().unwrap().push((operation, fault));
    }

    pub(crate) async fn go_down(&self) {
        let server = self.server.lock().unwrap().take();
        let Some(server) = server else { return };
        server.abort();
        assert!(server.await.unwrap_err().is_cancelled());
    }

    pub(crate) async fn come_up(&self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let server = tokio::spawn(serve(listener, self.shared.clone()));
        *self.server.lock().unwrap() = Some(server);
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        if let Some(server) = self.server.lock().unwrap().take() {
            server.abort();
        }
    }
}

/// Serves until it is aborted, and its connections with it.
async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((stream, _)) = listener.accept() => {
                let shared = shared.clone();
                connections.spawn(async move {
                    let service = service_fn(move |request| {
                        let shared = shared.clone();
                        async move { Ok::<_, io::Error>(shared.handle(request).await) }
                    });
                    // A client that breaks off, or a fault that does, is part of the test.
                    let stream = TokioIo::new(stream);
                    let _ = http1::Builder::new().serve_connection(stream, service).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

impl Shared {
    async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
        self.requests.lock().unwrap().push(Recorded {
            line: format!("{} {}", head.method, head.uri),
            body: serde_json::from_slice(&body).unwrap_or_default(),
        });
        let content_type = head.headers.get("content-type").map(|value| value.to_str().unwrap());
        let judged = description::judge(head.method.as_str(), path, query, content_type, &body);
        let judged = judged.and_then(|call| check_headers(&head.headers).map(|()| call));
        let call = match judged {
            Ok(call) => call,
            Err(Violation { status, why }) => {
                self.violations
                    .lock()
                    .unwrap()
                    .push(format!("{} {}: {why}", head.method, head.uri));
                return Reply::error(status, &why).response();
            }
        };
        let fault = self.fault(&call.operation);
        if let Some(Fault::Slow(pause)) = fault {
            tokio::time::sleep(pause).await;
        }
        if let Some(response) = fault.as_ref().and_then(Fault::play) {
            return response;
        }
        let origin = format!("http://{}", self.address);
        let reply = answers::answer(&mut self.state.lock().unwrap(), &origin, &call, &head.headers);
        if let Ok(body) = &reply.body
            && (200..300).contains(&reply.status)
            && let Err(why) = description::check_answer(&call.operation, reply.status, body)
        {
            let why = format!("the fake's answer to {}: {why}", call.operation);
            self.violations.lock().unwrap().push(why);
        }
        match fault {
            Some(Fault::Lost) => fault::cut(reply.response()),
            _ => reply.response(),
        }
    }

    fn fault(&self, operation: &str) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let mine = |(of, _): &(Option<&str>, Fault)| of.is_none_or(|of| of == operation);
        let at = faults.iter().position(mine)?;
        Some(faults.remove(at).1)
    }
}

/// What every request says about itself, once.
fn check_headers(headers: &HeaderMap) -> Result<(), Violation> {
    let fits = |name: &str, fits: fn(&str) -> bool| {
        let values: Vec<_> = headers.get_all(name).iter().collect();
        let one = match values[..] {
            [value] => value.to_str().is_ok_and(fits),
            _ => false,
        };
        let why = format!("header {name}: {values:?}");
        if one { Ok(()) } else { Err(Violation { status: 400, why }) }
    };
    fits("user-agent", |value| value.starts_with("solstice-ci/"))?;
    fits("x-github-api-version", |value| value == "2022-11-28")?;
    fits("authorization", |value| value.starts_with("Bearer "))?;
    fits("accept", |value| {
        ["application/vnd.github+json", "application/vnd.github.raw+json"].contains(&value)
    })
}
