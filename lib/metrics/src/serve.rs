//! A listener for scrapers alone.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;

use crate::CONTENT_TYPE;

/// Scrapers at the same time; more wait.
const MAX_CONNECTIONS: usize = 8;

/// How long a request may take to arrive.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a scraper may keep a connection.
const CONNECTION_LIMIT: Duration = Duration::from_secs(300);

/// How long to wait after the system had no descriptor for a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Where scrapers are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An address, which everybody who can reach it may read.
    Tcp(SocketAddr),
    /// A socket in the file system, which its owner and group may use.
    Unix(PathBuf),
}

/// A listener that scrapers can connect to.
#[derive(Debug)]
pub struct Listener(Kind);

#[derive(Debug)]
enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Listens. A socket of an earlier process is replaced; any other file is not.
    ///
    /// # Errors
    ///
    /// Whatever bind(2) says; `AlreadyExists` if something else has the name.
    pub async fn bind(place: &Place) -> io::Result<Self> {
        Ok(Self(match place {
            Place::Tcp(address) => Kind::Tcp(TcpListener::bind(address).await?),
            Place::Unix(path) => {
                match std::fs::symlink_metadata(path) {
                    Ok(found) if found.file_type().is_socket() => std::fs::remove_file(path)?,
                    Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
                    Err(_) => {}
                }
                let listener = UnixListener::bind(path)?;
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
                Kind::Unix(listener)
            }
        }))
    }

    /// The address, if it is not a socket in the file system.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        match &self.0 {
            Kind::Tcp(listener) => listener.local_addr().ok(),
            Kind::Unix(_) => None,
        }
    }
}

/// Answers `GET /metrics` with what `text` gives, until dropped.
pub async fn serve<F, T>(listener: Listener, text: F)
where
    F: Fn() -> T + Send + Sync + 'static,
    T: Future<Output = String> + Send + 'static,
{
    let (text, room) = (Arc::new(text), Arc::new(Semaphore::new(MAX_CONNECTIONS)));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let permit = Arc::clone(&room).acquire_owned().await.expect("it is never closed");
        while connections.try_join_next().is_some() {}
        let accepted: io::Result<Box<dyn Connection>> = match &listener.0 {
            Kind::Tcp(listener) => listener.accept().await.map(|(it, _)| Box::new(it) as _),
            Kind::Unix(listener) => listener.accept().await.map(|(it, _)| Box::new(it) as _),
        };
        let Ok(connection) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let text = Arc::clone(&text);
        connections.spawn(async move {
            let _permit = permit;
            let service = service_fn(move |request| {
                let text = Arc::clone(&text);
                async move { Ok::<_, Infallible>(answer(&request, &*text).await) }
            });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .serve_connection(TokioIo::new(connection), service);
            // A scraper that breaks off asks again.
            drop(tokio::time::timeout(CONNECTION_LIMIT, served).await);
        });
    }
}

trait Connection: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Connection for T {}

async fn answer<F, T>(request: &Request<Incoming>, text: &F) -> Response<Full<Bytes>>
where
    F: Fn() -> T,
    T: Future<Output = String>,
{
    let (status, kind, body) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => (StatusCode::OK, CONTENT_TYPE, text().await),
        (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "text/plain", "see /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpStream, UnixStream};

    use super::*;

    async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, line: &str) -> String {
        let request = format!("{line} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn scrapers_are_answered_by_tcp_and_by_socket() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("metrics.sock");
        let tcp = Listener::bind(&Place::Tcp("127.0.0.1:0".parse().unwrap())).await.unwrap();
        let address = tcp.local_addr().unwrap();
        let text = || async { "# EOF\n".to_owned() };
        let first = Listener::bind(&Place::Unix(path.clone())).await.unwrap();
        drop(first);
        let unix = Listener::bind(&Place::Unix(path.clone())).await.unwrap();
        let _tasks = (tokio::spawn(serve(tcp, text)), tokio::spawn(serve(unix, text)));
        let over_tcp = ask(TcpStream::connect(address).await.unwrap(), "GET /metrics").await;
        let over_unix = ask(UnixStream::connect(&path).await.unwrap(), "GET /metrics").await;
        for answer in [&over_tcp, &over_unix] {
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            assert!(answer.contains("openmetrics-text") && answer.ends_with("# EOF\n"), "{answer}");
        }
        let posted = ask(TcpStream::connect(address).await.unwrap(), "POST /metrics").await;
        assert!(posted.starts_with("HTTP/1.1 405"), "{posted}");
        let absent = ask(TcpStream::connect(address).await.unwrap(), "GET /").await;
        assert!(absent.starts_with("HTTP/1.1 404"), "{absent}");
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("precious");
        std::fs::write(&path, "keep me").unwrap();
        let refused = Listener::bind(&Place::Unix(path.clone())).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"keep me");
    }
}
