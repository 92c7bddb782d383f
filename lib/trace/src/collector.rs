//! A collector for tests: strict where a real one is lenient.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

/// The longest request that is read.
const MAX_BYTES: usize = 16 << 20;

/// Listens on a port of its own, until dropped.
#[derive(Debug)]
pub struct Collector {
    endpoint: Url,
    found: Arc<Mutex<Found>>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Found {
    spans: Vec<Collected>,
    faults: Vec<String>,
}

/// A span as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collected {
    /// The program that did it.
    pub service: String,
    /// The trace's id.
    pub trace: String,
    /// Its own id.
    pub id: String,
    /// The id of the span that it belongs to.
    pub parent: Option<String>,
    /// Its name.
    pub name: String,
    /// When it began and ended, in nanoseconds since 1970.
    pub when: (u64, u64),
    /// Its attributes, numbers too as text.
    pub attributes: BTreeMap<String, String>,
    /// Whether something went wrong.
    pub error: bool,
}

impl Collector {
    /// Listens.
    ///
    /// # Errors
    ///
    /// Whatever bind(2) says.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let endpoint = endpoint.parse().map_err(io::Error::other)?;
        let found = Arc::new(Mutex::new(Found::default()));
        let kept = Arc::clone(&found);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&kept)));
            }
        });
        Ok(Self { endpoint, found, task })
    }

    /// Where it is, for [`crate::Target::endpoint`].
    pub fn endpoint(&self) -> Url {
        self.endpoint.clone()
    }

    /// What came so far, each span once.
    pub fn spans(&self) -> Vec<Collected> {
        let mut spans: Vec<Collected> = Vec::new();
        for span in &self.found.lock().unwrap_or_else(PoisonError::into_inner).spans {
            if !spans.iter().any(|it| (&it.trace, &it.id) == (&span.trace, &span.id)) {
                spans.push(span.clone());
            }
        }
        spans
    }

    /// What was wrong with what came.
    pub fn faults(&self) -> Vec<String> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).faults.clone()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers one request.
async fn serve(mut stream: TcpStream, found: Arc<Mutex<Found>>) {
    let Ok((head, body)) = read(&mut stream).await else { return };
    let checked = check(&head, &body);
    let status = if checked.is_ok() { "200 OK" } else { "400 Bad Request" };
    {
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        match checked {
            Ok(spans) => found.spans.extend(spans),
            Err(fault) => found.faults.push(fault),
        }
    }
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\
         connection: close\r\n\r\n{{}}"
    );
    // Whoever has gone wants no answer.
    let _ = stream.write_all(answer.as_bytes()).await;
}

async fn read(stream: &mut TcpStream) -> io::Result<(String, Vec<u8>)> {
    let (mut all, mut part) = (Vec::new(), [0; 16 * 1024]);
    loop {
        let end = all.windows(4).position(|it| it == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&all[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.and_then(|it| it.parse().ok()).unwrap_or(0);
            if all.len() >= end + 4 + length {
                return Ok((head, all[end + 4..end + 4 + length].to_vec()));
            }
        }
        match stream.read(&mut part).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            _ if all.len() > MAX_BYTES => return Err(io::ErrorKind::InvalidData.into()),
            count => all.extend_from_slice(&part[..count]),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Export {
    resource_spans: Vec<OfResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfResource {
    resource: Resource,
    scope_spans: Vec<OfScope>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Resource {
    attributes: Vec<Pair>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfScope {
    #[serde(rename = "scope")]
    _scope: serde_json::Value,
    spans: Vec<Wire>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    key: String,
    value: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    trace_id: String,
    span_id: String,
    parent_span_id: Option<String>,
    name: String,
    kind: u8,
    start_time_unix_nano: String,
    end_time_unix_nano: String,
    attributes: Vec<Pair>,
    status: Status,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Status {
    #[serde(default)]
    code: u8,
    #[serde(default, rename = "message")]
    _message: String,
}

fn check(head: &str, body: &[u8]) -> Result<Vec<Collected>, String> {
    if !head.starts_with("post /v1/traces http/1.1") || !head.contains("application/json") {
        return Err(format!("it is no export of traces: {head}"));
    }
    let export: Export = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    for of in export.resource_spans {
        let attributes = pairs(of.resource.attributes)?;
        let service = attributes.get("service.name").ok_or("a resource has no service.name")?;
        for span in of.scope_spans.into_iter().flat_map(|it| it.spans) {
            all.push(one(service.clone(), span)?);
        }
    }
    Ok(all)
}

fn one(service: String, span: Wire) -> Result<Collected, String> {
    let hexadecimal = |id: &str, length: usize| {
        let digits = id.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        let fits = id.len() == length && digits && id.bytes().any(|it| it != b'0');
        if fits { Ok(()) } else { Err(format!("{id:?} is no id of {length} digits")) }
    };
    hexadecimal(&span.trace_id, 32)?;
    hexadecimal(&span.span_id, 16)?;
    span.parent_span_id.iter().try_for_each(|id| hexadecimal(id, 16))?;
    let time = |text: &str| text.parse::<u64>().map_err(|_| format!("{text:?} is no time"));
    let when = (time(&span.start_time_unix_nano)?, time(&span.end_time_unix_nano)?);
    if when.1 < when.0 || when.0 == 0 || !(1..=5).contains(&span.kind) || span.name.is_empty() {
        return Err(format!("the span {:?} makes no sense", span.name));
    }
    let (trace, id, parent) = (span.trace_id, span.span_id, span.parent_span_id);
    let (attributes, error) = (pairs(span.attributes)?, span.status.code == 2);
    Ok(Collected { service, trace, id, parent, name: span.name, when, attributes, error })
}

/// Each value is an object with one member that says its type.
fn pairs(pairs: Vec<Pair>) -> Result<BTreeMap<String, String>, String> {
    let mut all = BTreeMap::new();
    for Pair { key, value } in pairs {
        let mut value = value.into_iter();
        let text = match (value.next(), value.next()) {
            (Some((kind, serde_json::Value::String(text))), None)
                if kind == "stringValue" || (kind == "intValue" && text.parse::<i64>().is_ok()) =>
            {
                text
            }
            (Some((kind, serde_json::Value::Bool(flag))), None) if kind == "boolValue" => {
                flag.to_string()
            }
            other => return Err(format!("{key} has no value of a known type: {other:?}")),
        };
        if all.insert(key.clone(), text).is_some() {
            return Err(format!("{key} is there twice"));
        }
    }
    Ok(all)
}
