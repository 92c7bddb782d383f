//! The pages that a browser on this computer sees meanwhile.
//!
//! Whoever gets hold of the state could hand us an App of their own, so that it
//! is on a page which only a browser that asks for this very address is shown:
//! a name that somebody lets point here (DNS rebinding) is refused.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use subtle::ConstantTimeEq as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

use super::manifest::page;

/// Where the browser comes back to.
const REDIRECT: &str = "/made";

/// The longest code of GitHub's that is believed, in characters.
const MAX_CODE_CHARS: usize = 200;

/// How long the last answer may take to be sent.
const GRACE: Duration = Duration::from_secs(2);

/// The browser came back with the right state.
pub(super) struct Redirect {
    /// GitHub's code, of plain characters.
    pub(super) code: String,
    /// Takes the page that the browser is shown; without one it is told of a failure.
    pub(super) answer: oneshot::Sender<String>,
}

/// The pages, on a port of this computer's own.
pub(super) struct Local {
    address: SocketAddr,
    listener: TcpListener,
}

/// What the connections share.
struct Site {
    address: SocketAddr,
    page: String,
    state: String,
    redirects: mpsc::Sender<Redirect>,
}

/// The server of the pages.
pub(super) struct Served {
    pub(super) redirects: mpsc::Receiver<Redirect>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
}

impl Local {
    pub(super) async fn bind() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Self { address: listener.local_addr()?, listener })
    }

    /// The address of the first page.
    pub(super) fn url(&self) -> Url {
        format!("http://{}/", self.address).parse().expect("a socket address makes a web address")
    }

    /// Where GitHub is to send the browser.
    pub(super) fn redirect(&self) -> Url {
        self.url().join(REDIRECT).expect("a path joins to a web address")
    }

    /// Serves `page`, and waits for redirects with this state.
    pub(super) fn serve(self, page: String, state: String) -> Served {
        let (sender, redirects) = mpsc::channel(1);
        let site = Site { address: self.address, page, state, redirects: sender };
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(accept(self.listener, Arc::new(site), stopped));
        Served { redirects, stop, server }
    }
}

impl Served {
    /// Stops when what is under way is sent.
    pub(super) async fn stop(self) {
        drop(self.stop);
        // Whoever is too slow has seen the rest in the terminal.
        let _ = tokio::time::timeout(GRACE, self.server).await;
    }
}

async fn accept(listener: TcpListener, site: Arc<Site>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Ok((stream, _)) = listener.accept() => {
                connections.spawn(connection(stream, site.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
    connections.join_all().await;
}

/// One request per connection, so that none holds up the end.
async fn connection(stream: TcpStream, site: Arc<Site>) {
    let service = service_fn(move |request| {
        let site = site.clone();
        async move { Ok::<_, Infallible>(site.answer(request).await) }
    });
    // A browser that breaks off asks again.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(30))
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Site {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        if host != Some(&self.address.to_string()) {
            return problem(StatusCode::MISDIRECTED_REQUEST, "This is another computer.");
        }
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/") => html(StatusCode::OK, self.page.clone()),
            (&Method::GET, REDIRECT) => self.redirected(request.uri().query()).await,
            _ => problem(StatusCode::NOT_FOUND, "There is no such page."),
        }
    }

    async fn redirected(&self, query: Option<&str>) -> Response<Full<Bytes>> {
        let Some(code) = self.code(query.unwrap_or_default()) else {
            eprintln!(
                "ciadm: warning: a browser came back with another state, and was not believed"
            );
            let text = "This is not the answer to the question that was asked. Begin again.";
            return problem(StatusCode::BAD_REQUEST, text);
        };
        let (answer, answered) = oneshot::channel();
        if self.redirects.try_send(Redirect { code, answer }).is_err() {
            return problem(StatusCode::CONFLICT, "The answer was given already.");
        }
        match answered.await {
            Ok(page) => html(StatusCode::OK, page),
            Err(_) => problem(StatusCode::BAD_GATEWAY, "It did not work. The terminal says why."),
        }
    }

    /// The code of an answer to our question.
    fn code(&self, query: &str) -> Option<String> {
        let only = |wanted: &str| {
            let pairs = url::form_urlencoded::parse(query.as_bytes());
            let mut values = pairs.filter(|(name, _)| name == wanted).map(|(_, value)| value);
            values.next().filter(|_| values.next().is_none())
        };
        let (code, state) = (only("code")?, only("state")?);
        let known = bool::from(state.as_bytes().ct_eq(self.state.as_bytes()));
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        let fits = (1..=MAX_CODE_CHARS).contains(&code.len()) && code.chars().all(plain);
        (known && fits).then(|| code.into_owned())
    }
}

fn problem(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    html(status, page("Connect GitHub", &format!("<p>{text}</p>")))
}

fn html(status: StatusCode, page: String) -> Response<Full<Bytes>> {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                  frame-ancestors 'none'";
    let mut response = Response::builder()
        .status(status)
        .header(CONTENT_TYPE, "text/html; charset=utf-8")
        .header(CONTENT_SECURITY_POLICY, policy)
        .header(CACHE_CONTROL, "no-store");
    if status != StatusCode::OK {
        response = response.header(REFERRER_POLICY, "no-referrer");
    }
    response.body(Full::from(page)).expect("these headers are well formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_our_question_has_a_code() {
        let (redirects, _keep) = mpsc::channel(1);
        let address = ([127, 0, 0, 1], 1).into();
        let site = Site { address, page: String::new(), state: "s3".to_owned(), redirects };
        assert_eq!(site.code("code=a1-B_&state=s3").as_deref(), Some("a1-B_"));
        let long = format!("state=s3&code={}", "a".repeat(201));
        for bad in [
            "",
            "code=a1",
            "state=s3",
            "code=a1&state=",
            "code=a1&state=s",
            "code=a1&state=S3",
            "code=a1&state=s3&state=s3",
            "code=a1&code=a2&state=s3",
            "code=&state=s3",
            "code=..&state=s3",
            "code=a%2Fb&state=s3",
            &long,
        ] {
            assert_eq!(site.code(bad), None, "{bad}");
        }
    }
}
