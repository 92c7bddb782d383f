//! What an orchestrator counts, and the spans of its attempts.
//!
//! Spans follow from what happens to an attempt, so that nothing on its way waits for
//! them; their ids follow from the attempt's, so that a restarted orchestrator goes on
//! in the same trace. The guest takes no part: the spans of its steps are made here, of
//! the records that it sends anyway, and show `solstice-agent` as their service. Its
//! clock is believed only as far as it agrees with the attempt's own time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use newtype_uuid::GenericUuid as _;
use solstice_metrics::{
    Catalogue, Counter, CountersBy, Gauge, GaugesBy, Histogram, SecondsBy, seconds_histogram,
};
use solstice_model::{Assignment, AttemptId, Record, RecordBody};
use solstice_trace::{Parent, Span, SpanId, Tracer};

use crate::stage::{Ending, Stage};

/// Where an orchestrator tells what it does. Clones are the same.
#[derive(Clone, Debug)]
pub struct Telemetry {
    tracer: Tracer,
    meters: Arc<Meters>,
}

#[derive(Debug)]
struct Meters {
    phases: SecondsBy<1>,
    ended: CountersBy<1>,
    attempts: GaugesBy<1>,
    server: Gauge,
    capacity: Gauge,
    log_bytes: Counter,
}

impl Default for Telemetry {
    /// Tells nobody.
    fn default() -> Self {
        let phases = SecondsBy::new_with_constructor(seconds_histogram as fn() -> Histogram);
        let meters = Meters {
            phases,
            ended: CountersBy::default(),
            attempts: GaugesBy::default(),
            server: Gauge::default(),
            capacity: Gauge::default(),
            log_bytes: Counter::default(),
        };
        Self { tracer: Tracer::off(), meters: Arc::new(meters) }
    }
}

impl Telemetry {
    /// Adds its metrics to the catalogue, and gives spans to the tracer.
    pub fn new(all: &mut Catalogue, tracer: Tracer) -> Self {
        let spans = tracer.meters().clone();
        let help = "Spans that the collector took.";
        all.add_counter("solstice_trace_spans_exported", help, &[], spans.exported);
        let help = "Spans that were forgotten: the collector was away or too slow.";
        all.add_counter("solstice_trace_spans_dropped", help, &[], spans.dropped);
        let meters = Meters {
            phases: all.seconds(
                "solstice_host_phase_seconds",
                "Where the time of attempts went: source, clone, boot, steps, teardown.",
                ["phase"],
            ),
            ended: all.counters(
                "solstice_host_attempts_ended",
                "Attempts that are over: finished, unwanted, timed out, lost.",
                ["ending"],
            ),
            attempts: all.gauges(
                "solstice_host_attempts",
                "Attempts on this host by stage; those that are over still have a machine to remove.",
                ["stage"],
            ),
            server: all.gauge(
                "solstice_host_server_reachable",
                "1 if the server answered the last time it was asked.",
            ),
            capacity: all.gauge("solstice_host_capacity", "The most machines at once."),
            log_bytes: all.counter("solstice_host_log_bytes", "Bytes of output that the server took."),
        };
        Self { tracer, meters: Arc::new(meters) }
    }

    pub(crate) fn set_capacity(&self, machines: u32) {
        self.meters.capacity.set(machines.into());
    }

    pub(crate) fn set_server(&self, here: bool) {
        self.meters.server.set(here.into());
    }

    /// Sends what waits to the collector, for so long at most.
    pub async fn stop(&self, limit: std::time::Duration) {
        self.tracer.stop(limit).await;
    }
}

/// The telemetry of one attempt.
#[derive(Debug)]
pub(crate) struct AttemptTelemetry {
    telemetry: Telemetry,
    id: AttemptId,
    /// The job's span; none if nobody wants spans of it.
    parent: Option<Parent>,
    /// Guards the rest; held for a moment.
    course: Mutex<Course>,
}

/// What has been seen of an attempt.
#[derive(Debug)]
struct Course {
    stage: &'static str,
    over_at: Option<DateTime<Utc>>,
    why: Option<String>,
    /// When the steps that go on began.
    steps: BTreeMap<u32, DateTime<Utc>>,
}

impl AttemptTelemetry {
    /// Of an attempt that is at this stage when this process first sees it.
    pub(crate) fn of(telemetry: &Telemetry, assignment: &Assignment, stage: &Stage) -> Self {
        let on = telemetry.tracer.is_on();
        let parent = assignment.traceparent.as_ref().filter(|_| on);
        let stage = stage.name();
        gauge(telemetry, stage).inc();
        Self {
            telemetry: telemetry.clone(),
            id: assignment.attempt,
            parent: parent.and_then(|text| text.parse().ok()),
            course: Mutex::new(Course { stage, over_at: None, why: None, steps: BTreeMap::new() }),
        }
    }

    /// It moved on.
    pub(crate) fn moved(&self, before: &Stage, next: &Stage, now: DateTime<Utc>) {
        let mut course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        if course.stage != next.name() {
            gauge(&self.telemetry, course.stage).dec();
            gauge(&self.telemetry, next.name()).inc();
            course.stage = next.name();
        }
        match (before, next) {
            (
                Stage::Booting { since, created_at: None },
                Stage::Booting { created_at: Some(at), .. },
            ) => self.phase("clone", *since, *at),
            (Stage::Booting { since, created_at }, Stage::Running { .. }) => {
                if created_at.is_none() {
                    self.phase("clone", *since, now);
                }
                self.phase("boot", created_at.unwrap_or(now), now);
            }
            (Stage::Over { .. }, _) => {}
            (before, Stage::Over { ending }) => {
                if let Stage::Running { steps_at: Some(began), .. } = before {
                    self.measure("steps", *began, now);
                }
                let name = [("ending", next.name().to_owned())];
                self.telemetry.meters.ended.get_or_create(&name).inc();
                course.over_at = Some(now);
                course.why = match ending {
                    Ending::Lost { why } => Some(why.clone()),
                    _ => None,
                };
            }
            _ => {}
        }
    }

    /// The server has so much more of its output.
    pub(crate) fn took_output(&self, bytes: u64) {
        self.telemetry.meters.log_bytes.inc_by(bytes);
    }

    /// Its source is there.
    pub(crate) fn has_source(&self, began: DateTime<Utc>, now: DateTime<Utc>) {
        self.phase("source", began, now);
    }

    /// The server has these records of its agent's, the last ones for the first time.
    pub(crate) fn recorded(&self, spec: &Assignment, records: &[Record], now: DateTime<Utc>) {
        let Some(parent) = self.parent else { return };
        let begun = began(self.id);
        // A guest may say anything.
        let within = |at: DateTime<Utc>| at.clamp(begun.min(now), now);
        let mut course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
        for record in records {
            match &record.body {
                RecordBody::StepStarted { step } => {
                    course.steps.insert(*step, within(record.at));
                }
                RecordBody::StepFinished { step, exit } => {
                    let end = within(record.at);
                    let begin = course.steps.remove(step).unwrap_or(end);
                    let name = usize::try_from(*step).ok().and_then(|it| spec.spec.steps.get(it));
                    let id = SpanId::nth("step", self.id, (*step).into());
                    let span = Span::new(parent.trace, id, "step", (begin, end))
                        .below(SpanId::of("attempt", self.id))
                        .by("solstice-agent")
                        .with("solstice.step.index", *step)
                        .with("solstice.step.name", name.map_or("", |it| it.name.as_str()))
                        .failed((!exit.success()).then(|| exit.to_string()));
                    self.telemetry.tracer.record(span);
                }
                _ => {}
            }
        }
    }

    /// Its machine is gone.
    pub(crate) fn torn_down(&self, now: DateTime<Utc>) {
        let (over_at, why) = {
            let course = self.course.lock().unwrap_or_else(PoisonError::into_inner);
            (course.over_at, course.why.clone())
        };
        if let Some(over_at) = over_at {
            self.phase("teardown", over_at, now);
        }
        let Some(parent) = self.parent else { return };
        let id = SpanId::of("attempt", self.id);
        let span = Span::new(parent.trace, id, "attempt", (began(self.id), now))
            .below(parent.span)
            .with("solstice.attempt.id", self.id.to_string())
            .failed(why);
        self.telemetry.tracer.record(span);
    }

    fn measure(&self, phase: &'static str, begin: DateTime<Utc>, end: DateTime<Utc>) {
        let took = (end - begin).to_std().unwrap_or_default();
        let phases = &self.telemetry.meters.phases;
        phases.get_or_create(&[("phase", phase.to_owned())]).observe(took.as_secs_f64());
    }

    fn phase(&self, phase: &'static str, begin: DateTime<Utc>, end: DateTime<Utc>) {
        self.measure(phase, begin, end);
        let Some(parent) = self.parent else { return };
        let span = Span::new(parent.trace, SpanId::of(phase, self.id), phase, (begin, end));
        self.telemetry.tracer.record(span.below(SpanId::of("attempt", self.id)));
    }
}

impl Drop for AttemptTelemetry {
    fn drop(&mut self) {
        let course = self.course.get_mut().unwrap_or_else(PoisonError::into_inner);
        gauge(&self.telemetry, course.stage).dec();
    }
}

fn gauge(telemetry: &Telemetry, stage: &'static str) -> Gauge {
    telemetry.meters.attempts.get_or_create_owned(&[("stage", stage.to_owned())])
}

/// When the server gave it away: its id begins with that (RFC 9562, version 7).
fn began(id: AttemptId) -> DateTime<Utc> {
    let time = id.into_untyped_uuid().get_timestamp().map(|it| it.to_unix());
    let (seconds, nanoseconds) = time.unwrap_or_default();
    let seconds = i64::try_from(seconds).unwrap_or_default();
    DateTime::from_timestamp(seconds, nanoseconds).unwrap_or_default()
}
