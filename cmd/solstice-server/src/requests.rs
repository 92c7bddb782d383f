//! What Dropshot says of connections and requests: told at the level it belongs to,
//! and counted.
//!
//! Dropshot writes a line at level info for every connection and request. For
//! us that is debug: at info, a line means that something changed. A request
//! that failed by our fault is told at any level, with the internal text that
//! its caller did not get.
//!
//! Each request has one id, which Dropshot draws: it is in these lines, in ours
//! ([`log`]), in the answer's header `x-request-id` and in the body of an error. An id
//! that a caller brings is never taken over, since anybody could write another's.

mod operations;

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use dropshot::RequestContext;
use slog::{Drain, KV as _, Key, Level, Logger, Never, OwnedKVList, Record, Serializer, o};
use solstice_log::keys;
use solstice_store::Actor;

pub(crate) use self::operations::Operations;
use crate::context::Context;
use crate::metrics::Metrics;

/// What Dropshot says when a request has its answer.
const COMPLETED: &str = "request completed";

/// The same, when nobody waits for it any more.
const CANCELLED: &str = "request handling cancelled (client disconnected)";

/// Who looks at the requests of a listener.
pub(crate) struct Watch {
    /// `people`, `webhooks` or `hosts`.
    pub(crate) listener: &'static str,
    pub(crate) operations: Operations,
    pub(crate) metrics: Arc<Metrics>,
}

/// Makes the logger that is given to Dropshot.
pub(crate) fn logger(log: &Logger, watch: Watch) -> Logger {
    Logger::root(Requests { log: log.clone(), watch: AssertUnwindSafe(watch) }, o!())
}

/// The logger for what a request changes: with the request's id.
pub(crate) fn log(rqctx: &RequestContext<Arc<Context>>) -> Logger {
    rqctx.context().log.new(o!(keys::REQUEST => rqctx.request_id.clone()))
}

/// The same, for what somebody did by a request that is not at hand.
pub(crate) fn log_of(context: &Context, by: &Actor) -> Logger {
    context.log.new(o!(keys::REQUEST => by.request.clone()))
}

struct Requests {
    log: Logger,
    /// A panic ends the process, so that nobody sees what one left half-done.
    watch: AssertUnwindSafe<Watch>,
}

impl Drain for Requests {
    type Ok = ();
    type Err = Never;

    fn log(&self, record: &Record<'_>, values: &OwnedKVList) -> Result<(), Never> {
        let done = Done::of(record, values);
        if let Some(done) = &done {
            self.watch.count(done);
        }
        let failed = done.is_some_and(|done| done.status >= 500);
        let chatter = record.level() == Level::Info && !self.log.is_debug_enabled();
        if chatter && !failed {
            return Ok(());
        }
        Drain::log(&self.log, record, values)
    }
}

impl Watch {
    fn count(&self, done: &Done) {
        let operation = self.operations.of(&done.method, &done.uri);
        let status = match done.status {
            0 => "gone".to_owned(),
            status => format!("{}xx", status / 100),
        };
        let [listener, operation] =
            [("listener", self.listener.to_owned()), ("operation", operation.to_owned())];
        let labels = [listener.clone(), operation.clone(), ("status", status)];
        self.metrics.http.get_or_create(&labels).inc();
        let seconds = self.metrics.http_seconds.get_or_create(&[listener, operation]);
        seconds.observe(done.latency_seconds);
    }
}

/// A request that is over, as Dropshot tells of it.
#[derive(Default)]
struct Done {
    method: String,
    uri: String,
    /// 0 if nobody waited for the answer.
    status: u16,
    latency_seconds: f64,
}

impl Done {
    fn of(record: &Record<'_>, values: &OwnedKVList) -> Option<Self> {
        let message = record.msg().as_str();
        if !message.is_some_and(|it| it == COMPLETED || it == CANCELLED) {
            return None;
        }
        let mut done = Done::default();
        // Looking at values of ours cannot fail.
        let _ = record.kv().serialize(record, &mut done);
        let _ = values.serialize(record, &mut done);
        Some(done)
    }
}

impl Serializer for Done {
    fn emit_arguments(&mut self, _: Key, _: &fmt::Arguments<'_>) -> slog::Result {
        Ok(())
    }

    fn emit_str(&mut self, key: Key, value: &str) -> slog::Result {
        match AsRef::<str>::as_ref(&key) {
            "method" => value.clone_into(&mut self.method),
            "uri" => value.clone_into(&mut self.uri),
            _ => {}
        }
        Ok(())
    }

    fn emit_u16(&mut self, key: Key, value: u16) -> slog::Result {
        if AsRef::<str>::as_ref(&key) == "response_code" {
            self.status = value;
        }
        Ok(())
    }

    fn emit_u128(&mut self, key: Key, value: u128) -> slog::Result {
        if AsRef::<str>::as_ref(&key) == "latency_us" {
            let microseconds = u64::try_from(value).unwrap_or(u64::MAX);
            self.latency_seconds = std::time::Duration::from_micros(microseconds).as_secs_f64();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use slog::{info, warn};
    use solstice_store::StoreMeters;

    use super::*;

    /// Keeps the messages that reach it.
    struct Kept(Arc<Mutex<Vec<String>>>);

    impl Drain for Kept {
        type Ok = ();
        type Err = Never;

        fn log(&self, record: &Record<'_>, _: &OwnedKVList) -> Result<(), Never> {
            self.0.lock().unwrap().push(record.msg().to_string());
            Ok(())
        }
    }

    #[test]
    fn requests_are_counted_and_told_only_when_we_failed() {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let drain = Kept(Arc::clone(&kept)).filter_level(Level::Info).fuse();
        let metrics = Arc::new(Metrics::new(&StoreMeters::default(), &Default::default()));
        let operations = Operations::new([("/jobs/{job}", "GET", "job_view")]);
        let watch = Watch { listener: "people", operations, metrics: Arc::clone(&metrics) };
        let log = logger(&Logger::root(drain, o!()), watch);
        info!(log, "accepted connection");
        let log = log.new(o!("method" => "GET".to_owned(), "uri" => "/jobs/7?after=3".to_owned()));
        info!(log, "request completed"; "response_code" => 404u16, "latency_us" => 5_000u128);
        info!(log, "request completed"; "response_code" => 500u16, "latency_us" => 5_000u128);
        warn!(log, "request handling cancelled (client disconnected)"; "latency_us" => 1u128);
        assert_eq!(*kept.lock().unwrap(), [COMPLETED, CANCELLED]);
        for (status, count) in [("4xx", 1), ("5xx", 1), ("gone", 1), ("2xx", 0)] {
            let labels = [
                ("listener", "people".to_owned()),
                ("operation", "job_view".to_owned()),
                ("status", status.to_owned()),
            ];
            assert_eq!(metrics.http.get_or_create(&labels).get(), count, "{status}");
        }
        let mut text = solstice_metrics::Catalogue::new("test", "1");
        text.add_histogram("seconds", "Seconds.", &[], metrics.http_seconds.clone());
        let text = text.text();
        let sum = "seconds_sum{listener=\"people\",operation=\"job_view\"} 0.010001\n";
        assert!(text.contains(sum), "{text}");
    }
}
