//! Takes spans and brings them to the collector.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use slog::{Logger, info, warn};
use solstice_log::{chain, keys};
use solstice_metrics::Counter;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use url::Url;

use crate::otlp::{self, Resource};
use crate::span::Span;

/// Spans that wait; a span of a kilobyte makes this four megabytes.
const QUEUE: usize = 4096;

/// Spans of one request.
const BATCH: usize = 256;

/// How long the first span of a batch waits for others.
const LINGER: Duration = Duration::from_secs(1);

/// How long a request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);

/// How often a batch is sent before it is given up.
const TRIES: u32 = 4;

/// The pause after the first try, which doubles.
const PAUSE: Duration = Duration::from_secs(1);

/// Where traces go.
#[derive(Clone, Debug)]
pub struct Target {
    /// The collector, without `/v1/traces`.
    pub endpoint: Url,
    /// The program.
    pub service: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Which one of its kind this is, such as the host's name.
    pub instance: String,
}

/// Why nothing can be sent.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the HTTP client for the traces' collector {endpoint}")]
pub struct SetupError {
    endpoint: Url,
    #[source]
    source: reqwest::Error,
}

/// What became of spans.
#[derive(Clone, Debug, Default)]
pub struct Meters {
    /// Those that the collector took.
    pub exported: Counter,
    /// Those that were forgotten: the queue was full or the collector would not take them.
    pub dropped: Counter,
}

/// Takes spans. Clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Tracer {
    inner: Option<Arc<Inner>>,
    meters: Meters,
}

#[derive(Debug)]
struct Inner {
    /// `None` once it was stopped. Guards nothing else; held for a `try_send` only.
    queue: Mutex<Option<mpsc::Sender<Span>>>,
    /// Guards the one who waits for the end.
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl Tracer {
    /// Takes nothing.
    pub fn off() -> Self {
        Self::default()
    }

    /// Brings spans to a collector. Must be called within a runtime.
    ///
    /// # Errors
    ///
    /// [`SetupError`] if TLS cannot be set up.
    pub fn to(target: Target, log: Logger) -> Result<Self, SetupError> {
        let Target { endpoint, service, version, instance } = target;
        let setup = |source| SetupError { endpoint: endpoint.clone(), source };
        let http = reqwest::Client::builder()
            .user_agent(concat!("solstice/", env!("CARGO_PKG_VERSION")))
            .timeout(REQUEST_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(setup)?;
        let url = format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/'));
        let (queue, spans) = mpsc::channel(QUEUE);
        let meters = Meters::default();
        let resource = Resource { service, version, instance };
        let exporter = Exporter { http, url, resource, meters: meters.clone(), away: false, log };
        let worker = tokio::spawn(exporter.run(spans));
        let (queue, worker) = (Mutex::new(Some(queue)), Mutex::new(Some(worker)));
        Ok(Self { inner: Some(Arc::new(Inner { queue, worker })), meters })
    }

    /// Whether anybody wants spans; what makes them can be left out otherwise.
    pub fn is_on(&self) -> bool {
        self.inner.is_some()
    }

    /// Takes a span, or counts it as dropped. Never waits.
    pub fn record(&self, span: Span) {
        let Some(inner) = &self.inner else { return };
        let queue = inner.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = queue.as_ref().is_some_and(|queue| queue.try_send(span).is_ok());
        if !taken {
            self.meters.dropped.inc();
        }
    }

    /// What became of spans so far.
    pub fn meters(&self) -> &Meters {
        &self.meters
    }

    /// Sends what waits, for so long at most. What comes later is dropped.
    pub async fn stop(&self, limit: Duration) {
        let Some(inner) = &self.inner else { return };
        drop(inner.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let worker = inner.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut worker) = worker
            && timeout(limit, &mut worker).await.is_err()
        {
            worker.abort();
        }
    }
}

struct Exporter {
    http: reqwest::Client,
    url: String,
    resource: Resource,
    meters: Meters,
    /// Whether the collector was away at the last batch.
    away: bool,
    log: Logger,
}

impl Exporter {
    async fn run(mut self, mut spans: mpsc::Receiver<Span>) {
        let mut batch = Vec::with_capacity(BATCH);
        while let Some(first) = spans.recv().await {
            batch.push(first);
            let until = Instant::now() + LINGER;
            while batch.len() < BATCH {
                match timeout_at(until, spans.recv_many(&mut batch, BATCH)).await {
                    Ok(1..) => {}
                    Ok(0) | Err(_) => break,
                }
            }
            self.export(&batch).await;
            batch.clear();
        }
    }

    async fn export(&mut self, batch: &[Span]) {
        let body = otlp::request(&self.resource, batch).to_string();
        let mut pause = PAUSE;
        for last in (0..TRIES).rev() {
            let why = match self.send(body.clone()).await {
                Ok(()) => return self.sent(batch.len()),
                Err(Failed { why, again }) if again && last > 0 => why,
                Err(Failed { why, .. }) => return self.dropped(batch.len(), &why),
            };
            self.note_away(&why);
            sleep(pause).await;
            pause *= 2;
        }
    }

    async fn send(&self, body: String) -> Result<(), Failed> {
        let request = self.http.post(&self.url).body(body);
        let request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let away = |error: reqwest::Error| Failed { why: chain(&error.without_url()), again: true };
        let status = request.send().await.map_err(away)?.status();
        // What may be sent again: https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes
        let again = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        match status.is_success() {
            true => Ok(()),
            false => Err(Failed { why: format!("it answers {status}"), again }),
        }
    }

    fn sent(&mut self, count: usize) {
        self.meters.exported.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
        if std::mem::take(&mut self.away) {
            info!(self.log, "traces are exported again");
        }
    }

    fn dropped(&mut self, count: usize, why: &str) {
        self.note_away(why);
        self.meters.dropped.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// Said once until it is over.
    fn note_away(&mut self, why: &str) {
        if !std::mem::replace(&mut self.away, true) {
            warn!(self.log, "traces cannot be exported"; keys::REASON => why);
        }
    }
}

struct Failed {
    why: String,
    again: bool,
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use uuid::Uuid;

    use super::*;
    use crate::{SpanId, TraceId};

    fn span(number: u64) -> Span {
        let (origin, now) = (Uuid::from_u128(7), chrono::Utc::now());
        let id = SpanId::nth("test", origin, number);
        Span::new(TraceId::of(origin), id, "test", (now, now)).with("number", "x")
    }

    fn tracer(address: std::net::SocketAddr) -> Tracer {
        let endpoint = format!("http://{address}").parse().unwrap();
        let (service, version, instance) = ("solstice-test", "1", "here".to_owned());
        let target = Target { endpoint, service, version, instance };
        Tracer::to(target, Logger::root(slog::Discard, slog::o!())).unwrap()
    }

    /// Answers one request with each of these statuses; gives the bodies.
    async fn collector(listener: TcpListener, statuses: Vec<u16>) -> Vec<String> {
        let mut bodies = Vec::new();
        for status in statuses {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut all = Vec::new();
            let body = loop {
                let mut part = [0; 4096];
                let count = stream.read(&mut part).await.unwrap();
                all.extend_from_slice(&part[..count]);
                let text = String::from_utf8_lossy(&all);
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                if body.len() >= length.unwrap().parse::<usize>().unwrap() {
                    break body.to_owned();
                }
            };
            bodies.push(body);
            let answer =
                format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        bodies
    }

    #[tokio::test]
    async fn a_batch_that_was_not_taken_is_sent_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tracer = tracer(listener.local_addr().unwrap());
        let collector = tokio::spawn(collector(listener, vec![503, 200]));
        (0..3).for_each(|number| tracer.record(span(number)));
        tracer.stop(Duration::from_secs(20)).await;
        let bodies = collector.await.unwrap();
        assert_eq!(bodies[0], bodies[1]);
        let sent: serde_json::Value = serde_json::from_str(&bodies[0]).unwrap();
        let spans = &sent["resourceSpans"][0]["scopeSpans"][0]["spans"];
        assert_eq!(spans.as_array().unwrap().len(), 3);
        assert_eq!((tracer.meters().exported.get(), tracer.meters().dropped.get()), (3, 0));
    }

    #[tokio::test]
    async fn what_is_refused_for_good_is_dropped_and_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tracer = tracer(listener.local_addr().unwrap());
        let collector = tokio::spawn(collector(listener, vec![400]));
        tracer.record(span(0));
        tracer.stop(Duration::from_secs(20)).await;
        collector.await.unwrap();
        tracer.record(span(1));
        assert_eq!((tracer.meters().exported.get(), tracer.meters().dropped.get()), (0, 2));
    }

    #[tokio::test]
    async fn a_collector_that_hangs_delays_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tracer = tracer(listener.local_addr().unwrap());
        let begun = std::time::Instant::now();
        let many = u64::try_from(QUEUE).unwrap() * 2;
        (0..many).for_each(|number| tracer.record(span(number)));
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert!(tracer.meters().dropped.get() > 0, "the queue is bounded");
        tracer.stop(Duration::from_millis(50)).await;
    }

    #[test]
    fn without_a_collector_nothing_is_taken_nor_counted() {
        let tracer = Tracer::off();
        tracer.record(span(0));
        assert!(!tracer.is_on());
        assert_eq!(tracer.meters().dropped.get(), 0);
    }
}
