//! Pages and answers of the API under load, beside the same bytes out of memory.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use solstice_model::JobId;
use tokio::net::TcpListener;
use tokio::process::Command;

use crate::report::Section;
use crate::stats::Figure;
use crate::world::World;
use crate::{Failure, Run};

const ABOUT: &str = "`wrk` asks the server process over 16 connections that stay open, with a \
token: the page of a job with a large log (it opens at its end) and of one with a small log, the \
start page, and the list of runs, whole and where the caller has it already (`If-None-Match`). Beside \
each the very same answer, headers and all, out of the memory of the measuring process, by \
the same HTTP library: what is left is what our answer costs to make. Requests per second: more is \
better; p99: less is.";

/// Connections at once.
const CONNECTIONS: &str = "16";

/// What is asked for.
struct Page {
    name: String,
    path: String,
    /// Whether the caller says that it has it.
    known: bool,
}

pub(crate) async fn measure(run: &Run) -> Result<Section, Failure> {
    let lines = run.pick(1_000_000, 10_000);
    let mut world = World::start(run).await?;
    world.start_host(run, 1).await?;
    let large = job(&mut world, &format!("seq 1 {lines}")).await?;
    let small = job(&mut world, "seq 1 20").await?;
    let page = |name: String, path: String| Page { name, path, known: false };
    let pages = [
        page(format!("page of a job, {lines} lines"), format!("/jobs/{large}")),
        page("page of a job, 20 lines".to_owned(), format!("/jobs/{small}")),
        page("start page".to_owned(), "/".to_owned()),
        page("list of runs".to_owned(), "/api/v1/runs".to_owned()),
        Page { name: "list of runs, known".into(), path: "/api/v1/runs".into(), known: true },
    ];
    let mut section = Section::new("Pages", ABOUT);
    for page in &pages {
        one(run, &world, page, &mut section).await?;
    }
    Ok(section)
}

async fn job(world: &mut World, command: &str) -> Result<JobId, Failure> {
    let step = format!("step run=\"{command}\"");
    let workflow =
        format!("workflow name=\"CI\" {{ job id=\"a\" runs_on=\"linux-mini\" {{ {step}; }}; }}\n");
    let run = world.push(&workflow).await?;
    let job = world.api().run(run).await?.jobs.first().map(|job| job.id).ok_or("it has a job")?;
    world.finished(job).await?;
    Ok(job)
}

async fn one(run: &Run, world: &World, page: &Page, section: &mut Section) -> Result<(), Failure> {
    let token = world.installation.make_token("reader", &format!("wrk-{}", unused_name())).await?;
    let url = world.installation.people_url().join(&page.path)?;
    let client = reqwest::Client::builder().no_proxy().build()?;
    let whole = client.get(url.clone()).bearer_auth(token.secret()).send().await?;
    let mut headers = vec![format!("Authorization: Bearer {}", token.secret())];
    if page.known {
        let tag = whole.headers().get(http::header::ETAG).ok_or("it has no tag")?;
        headers.push(format!("If-None-Match: {}", tag.to_str()?));
    }
    let model = if page.known { None } else { Some(whole) };
    let seconds = run.pick(10, 2);
    let ours = wrk(url.as_str(), &headers, seconds).await?;
    let copy = Copy::serve(model).await?;
    let theirs = wrk(&format!("http://{}/", copy.address), &headers, seconds).await?;
    section.beside(
        format!("{}, requests", page.name),
        Figure::once(ours.per_second, "/s"),
        "the same bytes out of memory",
        Figure::once(theirs.per_second, "/s"),
    );
    section.beside(
        format!("{}, p99", page.name),
        Figure::once(ours.p99_ms, "ms"),
        "the same bytes out of memory",
        Figure::once(theirs.p99_ms, "ms"),
    );
    Ok(())
}

/// A name that no token has yet.
fn unused_name() -> uuid::Uuid {
    uuid::Uuid::new_v4()
}

/// What `wrk` has seen.
#[derive(Debug, PartialEq)]
struct Seen {
    per_second: f64,
    p99_ms: f64,
}

/// Asks as fast as it goes, for so many seconds.
async fn wrk(url: &str, headers: &[String], seconds: usize) -> Result<Seen, Failure> {
    let mut command = Command::new("wrk");
    command.args(["--threads", "1", "--connections", CONNECTIONS, "--latency", "--duration"]);
    command.arg(format!("{seconds}s"));
    for header in headers {
        command.args(["--header", header]);
    }
    let output = command.arg(url).output().await?;
    let said = String::from_utf8_lossy(&output.stdout);
    parse(&said).ok_or_else(|| format!("wrk says of {url}: {said}").into())
}

/// Reads what `wrk --latency` prints; nothing if some answers were refusals.
fn parse(said: &str) -> Option<Seen> {
    if said.contains("Non-2xx or 3xx responses") || said.contains("Socket errors") {
        return None;
    }
    let after = |name: &str| said.lines().find_map(|line| line.trim().strip_prefix(name));
    let per_second = after("Requests/sec:")?.trim().parse().ok()?;
    let p99 = after("99%")?.trim();
    let (number, unit) = p99.split_at(p99.find(|c: char| c.is_ascii_alphabetic())?);
    let factor = match unit {
        "us" => 0.001,
        "ms" => 1.0,
        "s" => 1000.0,
        _ => return None,
    };
    Some(Seen { per_second, p99_ms: number.parse::<f64>().ok()? * factor })
}

/// A process that answers everything with a copy of one answer.
struct Copy {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Copy {
    /// Serves a copy of `model`, or 304 without one.
    async fn serve(model: Option<reqwest::Response>) -> Result<Self, Failure> {
        let mut copy = Response::new(Bytes::new());
        *copy.status_mut() = http::StatusCode::NOT_MODIFIED;
        if let Some(model) = model {
            *copy.status_mut() = model.status();
            *copy.headers_mut() = model.headers().clone();
            // The library says itself when it answered and how.
            for name in [http::header::DATE, http::header::TRANSFER_ENCODING] {
                copy.headers_mut().remove(name);
            }
            *copy.body_mut() = model.bytes().await?;
        }
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let copy = copy.clone();
                let answer = service_fn(move |_| {
                    let copy = copy.clone();
                    async move { Ok::<_, Infallible>(copy.map(Full::new)) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), answer);
                tokio::spawn(connection);
            }
        });
        Ok(Self { address, task })
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Running 2s test @ http://127.0.0.1:1/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.21ms  443.00us   9.52ms   88.65%
    Req/Sec    13.29k     1.10k   14.91k    80.00%
  Latency Distribution
     50%    1.13ms
     75%    1.31ms
     90%    1.61ms
     99%  990.00us
  26436 requests in 2.00s, 9.10MB read
Requests/sec:  13212.99
Transfer/sec:      4.55MB
";

    #[test]
    fn what_wrk_prints_is_read() {
        assert_eq!(parse(SAID), Some(Seen { per_second: 13212.99, p99_ms: 0.99 }));
        assert_eq!(parse(&SAID.replace("990.00us", "1.20s")).unwrap().p99_ms, 1200.0);
        assert_eq!(parse(&format!("{SAID}  Non-2xx or 3xx responses: 3\n")), None);
        assert_eq!(parse("unable to connect"), None);
    }
}
