//! What the server counts, and how things stand when a scraper asks.
//!
//! Counters and histograms begin with the process. How much waits and runs is read
//! from the store at each scrape: a few looks into indexes. A label's values are names
//! from the configuration, names of hosts (an admin made their tokens), or words of
//! this program; what authors and strangers write never is one.

mod forge;

use chrono::{DateTime, Utc};
use slog::warn;
use solstice_log::{chain, keys};
use solstice_metrics::{Catalogue, Counter, CountersBy, Gauge, GaugesBy, SecondsBy};
use solstice_store::{Gauges, StoreMeters};
use solstice_trace::Meters as TraceMeters;
use tokio::sync::Mutex;

pub(crate) use self::forge::Measured;
use crate::context::{Context, MAX_STREAMS};

/// Everything that is counted.
pub(crate) struct Metrics {
    /// Written by one scraper at a time: gauges are set and then told.
    catalogue: Mutex<Catalogue>,
    pub(crate) http: CountersBy<3>,
    pub(crate) http_seconds: SecondsBy<2>,
    pub(crate) rejections: CountersBy<1>,
    pub(crate) forge_seconds: SecondsBy<3>,
    pub(crate) pace_waits: CountersBy<1>,
    pub(crate) phases: SecondsBy<1>,
    pub(crate) outcomes: CountersBy<1>,
    pub(crate) attempts_lost: Counter,
    pub(crate) records: Counter,
    pub(crate) log_bytes: Counter,
    pub(crate) artifact_bytes: Counter,
    pub(crate) removed: CountersBy<1>,
    pub(crate) removed_bytes: CountersBy<1>,
    gauges: StoreGauges,
}

/// What is set at each scrape.
struct StoreGauges {
    queue: GaugesBy<1>,
    queue_age: GaugesBy<1>,
    blocked: Gauge,
    machines: GaugesBy<2>,
    host_room: GaugesBy<1>,
    host_online: GaugesBy<1>,
    host_draining: GaugesBy<1>,
    unreported: Gauge,
    undecided: Gauge,
    streams: Gauge,
    kept_bytes: GaugesBy<1>,
    ready: Gauge,
}

impl Metrics {
    pub(crate) fn new(store: &StoreMeters, traces: &TraceMeters) -> Self {
        let mut all = Catalogue::new("solstice-server", env!("CARGO_PKG_VERSION"));
        add_foreign(&mut all, store, traces);
        let gauges = StoreGauges::new(&mut all);
        Self {
            http: all.counters(
                "solstice_http_requests",
                "Requests answered. `operation` is that of the API documents, `status` as in `2xx`.",
                ["listener", "operation", "status"],
            ),
            http_seconds: all.seconds(
                "solstice_http_request_seconds",
                "How long requests took until the answer began; polls wait on purpose.",
                ["listener", "operation"],
            ),
            rejections: all.counters(
                "solstice_webhook_rejections",
                "Webhook requests turned away, by the code of the answer.",
                ["reason"],
            ),
            forge_seconds: all.seconds(
                "solstice_forge_request_seconds",
                "What forges were asked for, and how long they took.",
                ["forge", "operation", "outcome"],
            ),
            pace_waits: all.counters(
                "solstice_report_pace_waits",
                "Reports that had to wait because their owner had been told enough for now.",
                ["forge"],
            ),
            phases: all.seconds(
                "solstice_job_phase_seconds",
                "Where the time of jobs went: queue, claim, source, clone, boot, steps, report.",
                ["phase"],
            ),
            outcomes: all.counters("solstice_jobs_finished", "Jobs that are over.", ["outcome"]),
            attempts_lost: all.counter(
                "solstice_attempts_lost",
                "Attempts that came to nothing through no fault of the author's.",
            ),
            records: all.counter("solstice_log_records", "Records of agents, as they came."),
            log_bytes: all.counter("solstice_log_bytes", "Bytes of output in them."),
            artifact_bytes: all.counter("solstice_artifact_bytes", "Bytes of artifacts taken."),
            removed: all.counters(
                "solstice_retention_removed",
                "Things removed since they were old, or more than may be kept.",
                ["kind"],
            ),
            removed_bytes: all.counters(
                "solstice_retention_removed_bytes",
                "How many bytes that freed.",
                ["kind"],
            ),
            gauges,
            catalogue: Mutex::new(all),
        }
    }

    /// What a scraper gets.
    pub(crate) async fn text(&self, context: &Context) -> String {
        let catalogue = self.catalogue.lock().await;
        match context.store.gauges().await {
            Ok(found) => self.gauges.set(&found, context),
            // What was set before would be a lie.
            Err(why) => {
                warn!(context.log, "metrics without the store"; keys::ERROR => chain(&why));
                self.gauges.clear();
            }
        }
        self.gauges.ready.set(i64::from(context.readiness.problems(context).await.is_empty()));
        catalogue.text()
    }

    /// The metrics there are: name, kind and labels.
    pub(crate) async fn described(&self) -> Vec<solstice_metrics::Described> {
        self.catalogue.lock().await.described().to_vec()
    }

    /// Notes how long a part of a job's way took.
    pub(crate) fn phase(&self, phase: &'static str, from: DateTime<Utc>, to: DateTime<Utc>) {
        let took = (to - from).to_std().unwrap_or_default();
        self.phase_took(phase, took);
    }

    pub(crate) fn phase_took(&self, phase: &'static str, took: std::time::Duration) {
        self.phases.get_or_create(&[("phase", phase.to_owned())]).observe(took.as_secs_f64());
    }
}

/// What others count.
fn add_foreign(all: &mut Catalogue, store: &StoreMeters, traces: &TraceMeters) {
    let StoreMeters { waiting, waited, commits, verdicts } = store.clone();
    all.add_counter(
        "solstice_deliveries",
        "Deliveries that got their verdict.",
        &["forge", "verdict"],
        verdicts,
    );
    let help = "Writes that wait for the store.";
    all.add_gauge("solstice_store_queue", help, &[], waiting);
    let help = "How long writes waited until they were begun.";
    all.add_histogram("solstice_store_wait_seconds", help, &[], waited);
    let help = "How long transactions took, the commit to disk included.";
    all.add_histogram("solstice_store_commit_seconds", help, &[], commits);
    let TraceMeters { exported, dropped } = traces.clone();
    let help = "Spans that the collector took.";
    all.add_counter("solstice_trace_spans_exported", help, &[], exported);
    let help = "Spans that were forgotten: the collector was away or too slow.";
    all.add_counter("solstice_trace_spans_dropped", help, &[], dropped);
}

impl StoreGauges {
    fn new(all: &mut Catalogue) -> Self {
        Self {
            queue: all.gauges(
                "solstice_queue_jobs",
                "Jobs that a host could take, by label; `other` are those that no host offers.",
                ["label"],
            ),
            queue_age: all.gauges(
                "solstice_queue_oldest_seconds",
                "For how long the first of them has waited.",
                ["label"],
            ),
            blocked: all.gauge("solstice_queue_blocked_jobs", "Jobs that wait for other jobs."),
            machines: all.gauges(
                "solstice_machines",
                "Attempts under way, by host and by the state of their job.",
                ["host", "state"],
            ),
            host_room: all.gauges(
                "solstice_host_room",
                "How many more machines a host had room for when it was last heard.",
                ["host"],
            ),
            host_online: all.gauges(
                "solstice_host_online",
                "1 if a host was heard within the lease.",
                ["host"],
            ),
            host_draining: all.gauges(
                "solstice_host_draining",
                "1 if a host is to take no jobs.",
                ["host"],
            ),
            unreported: all.gauge(
                "solstice_reports_unsent",
                "Checks whose newest state the forge does not show yet.",
            ),
            undecided: all
                .gauge("solstice_deliveries_waiting", "Deliveries that have no verdict yet."),
            streams: all
                .gauge("solstice_followers", "Answers that stay open: live logs and downloads."),
            kept_bytes: all.gauges(
                "solstice_kept_bytes",
                "How large what is kept is on disk: logs, artifacts.",
                ["kind"],
            ),
            ready: all.gauge("solstice_ready", "1 if `/ready` says so."),
        }
    }

    fn set(&self, found: &Gauges, context: &Context) {
        self.clear();
        let now = context.clock.now();
        let mut ready = 0;
        for (label, waiting) in &found.queue {
            let label = [("label", label.as_ref().map_or("other", |it| it.as_str()).to_owned())];
            self.queue.get_or_create(&label).set(number(waiting.jobs));
            let age = (now - waiting.oldest).num_seconds().max(0);
            self.queue_age.get_or_create(&label).set(age);
            ready += waiting.jobs;
        }
        self.blocked.set(number(found.counts.queued.saturating_sub(ready)));
        for ((host, state), count) in &found.machines {
            let labels = [("host", host.to_string()), ("state", state.clone())];
            self.machines.get_or_create(&labels).set(number(*count));
        }
        for host in &found.hosts {
            let label = [("host", host.name.to_string())];
            self.host_room.get_or_create(&label).set(host.room.into());
            let online = host.seen_at + context.lease >= now;
            self.host_online.get_or_create(&label).set(online.into());
            self.host_draining.get_or_create(&label).set(host.draining.into());
        }
        self.unreported.set(number(found.counts.unreported));
        self.undecided.set(number(found.counts.waiting));
        let open = MAX_STREAMS.saturating_sub(context.streams.available_permits());
        self.streams.set(i64::try_from(open).unwrap_or(i64::MAX));
        for (kind, bytes) in
            [("logs", context.logs.usage()), ("artifacts", context.artifacts.usage())]
        {
            self.kept_bytes.get_or_create(&[("kind", kind.to_owned())]).set(number(bytes));
        }
    }

    /// Forgets labels that are no more.
    fn clear(&self) {
        self.queue.clear();
        self.queue_age.clear();
        self.machines.clear();
        self.host_room.clear();
        self.host_online.clear();
        self.host_draining.clear();
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
