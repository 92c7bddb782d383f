//! Git over HTTP (gitprotocol-http(5)), reading only, by git-http-backend(1).

use std::io::{Error, ErrorKind};
use std::process::Stdio;

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt as _;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use solstice_model::RepoName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdout, Command};
use tokio_util::io::ReaderStream;

use super::answer::{Body, text};
use super::git;
use super::repositories::Repositories;

/// The most bytes of CGI headers.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// A request for a repository's data.
pub(super) struct GitRequest<'a> {
    pub(super) repository: RepoName,
    /// `info/refs` or `git-upload-pack`.
    pub(super) service: &'static str,
    pub(super) method: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: Bytes,
}

/// The repository and service that a path names, if it is one of Git's. A
/// repository answers to its name with and without `.git`.
pub(super) fn recognise(path: &str) -> Option<(RepoName, &'static str)> {
    let path = path.strip_prefix('/')?;
    ["info/refs", "git-upload-pack", "git-receive-pack"].into_iter().find_map(|service| {
        let repository = path.strip_suffix(service)?.strip_suffix('/')?;
        let repository = repository.strip_suffix(".git").unwrap_or(repository);
        Some((repository.parse().ok()?, service))
    })
}

/// Answers a request. Pushes are refused: tests push to the bare repository itself.
pub(super) async fn serve(repositories: &Repositories, request: GitRequest<'_>) -> Response<Body> {
    let fits = match request.service {
        "info/refs" => request.method == "GET" && request.query == "service=git-upload-pack",
        "git-upload-pack" => request.method == "POST",
        _ => false,
    };
    if !fits {
        return text(StatusCode::FORBIDDEN, "only git-upload-pack over smart HTTP is served\n");
    }
    if !repositories.exists(&request.repository) {
        return text(StatusCode::NOT_FOUND, "Repository not found\n");
    }
    match run(repositories, request).await {
        Ok(response) => response,
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    }
}

async fn run(
    repositories: &Repositories,
    request: GitRequest<'_>,
) -> Result<Response<Body>, Error> {
    let body = request.body.clone();
    let mut child = backend(repositories, &request).spawn()?;
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    tokio::spawn(async move {
        // Git may end before it has read everything; its answer tells.
        let _ = stdin.write_all(&body).await;
    });
    let mut stdout = child.stdout.take().expect("standard output is a pipe");
    let (head, begin) = read_head(&mut stdout).await?;
    respond(&head, begin, stdout, child)
}

/// The CGI program (RFC 3875) with this request in its environment.
fn backend(repositories: &Repositories, request: &GitRequest<'_>) -> Command {
    let mut command = git::command(repositories.directory());
    command.arg("http-backend");
    // What a forge allows: any commit by its id, and partial clones; and the
    // repositories may belong to whoever made them.
    let config = [
        ("uploadpack.allowAnySHA1InWant", "true"),
        ("uploadpack.allowFilter", "true"),
        ("safe.directory", "*"),
    ];
    command.env("GIT_CONFIG_COUNT", config.len().to_string());
    for (n, (key, value)) in config.iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{n}"), key);
        command.env(format!("GIT_CONFIG_VALUE_{n}"), value);
    }
    command
        .env("GIT_PROJECT_ROOT", repositories.directory())
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", format!("/{}.git/{}", request.repository, request.service))
        .env("REQUEST_METHOD", request.method)
        .env("QUERY_STRING", request.query);
    for (header, variable) in [
        ("content-type", "CONTENT_TYPE"),
        ("content-encoding", "HTTP_CONTENT_ENCODING"),
        ("git-protocol", "GIT_PROTOCOL"),
    ] {
        let value = request.headers.get(header).and_then(|value| value.to_str().ok());
        command.env(variable, value.unwrap_or_default());
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Reads up to the empty line; returns the head and what came after it already.
async fn read_head(stdout: &mut ChildStdout) -> Result<(String, Bytes), Error> {
    let mut read = BytesMut::new();
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read.split_to(end)).into_owned();
            return Ok((head, read.split_off(4).freeze()));
        }
        if read.len() > MAX_HEAD_BYTES || stdout.read_buf(&mut read).await? == 0 {
            return Err(Error::new(ErrorKind::InvalidData, "git http-backend sent no head"));
        }
    }
}

fn respond(
    head: &str,
    begin: Bytes,
    stdout: ChildStdout,
    child: Child,
) -> Result<Response<Body>, Error> {
    let mut response = Response::builder();
    for (name, value) in head.split("\r\n").filter_map(|line| line.split_once(": ")) {
        response = match name {
            "Status" => response.status(value.split(' ').next().unwrap_or_default()),
            _ => response.header(name, value),
        };
    }
    // The child lives as long as its output is read, and is killed with it.
    let rest = ReaderStream::new(stdout).inspect_ok(move |_| {
        let _ = &child;
    });
    let begin = futures::stream::iter([Ok(begin)]);
    let body = futures::StreamExt::chain(begin, rest).map_ok(Frame::data);
    response.body(StreamBody::new(body).boxed()).map_err(Error::other)
}
