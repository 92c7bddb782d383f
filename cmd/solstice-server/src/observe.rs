//! Looks at what happened to deliveries and jobs, counts it, and makes traces of it.
//!
//! Nothing on a job's way knows of this: it reads the event log behind everybody's
//! back. Where it begins is the end of the log when the process started, so that what
//! happened just before a crash may be counted by nobody; it is a metric, not a ledger.
//!
//! The spans of a push, each below the one before it that is less indented:
//!
//! | span | of | from, to |
//! | --- | --- | --- |
//! | `delivery` | the delivery | its request, its receipt on disk |
//! | . `interpret` | the delivery | its receipt, its verdict |
//! | . . `run made` | each run | when it was made |
//! | . `run` | each run | when it was made, the end of its last job |
//! | . . `job` | each job | when it was made, its outcome |
//! | . . . `queue` | each attempt | since when it waited, its claim |
//! | . . . `report` | each word to the forge | the request, the answer |
//! | . . . `attempt` | each attempt | the orchestrator's, with all below it |
//!
//! A run that somebody started by hand is the root of a trace of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use slog::{Logger, warn};
use solstice_api::user::{JobDetail, Run};
use solstice_engine::{Activation, Clock, Next};
use solstice_forge::{Check, ForgeError};
use solstice_log::{chain, keys};
use solstice_model::{
    Assignment, AttemptId, DeliveryId, ForgeName, JobEvent, JobId, Outcome, RunId,
};
use solstice_store::{JournalEntry, Settled, Store, StoreError};
use solstice_trace::{Kind, Parent, Span, SpanId, TraceId, Tracer};
use tokio::sync::{Mutex, broadcast};

use crate::metrics::Metrics;

/// Entries of one look.
const PAGE: usize = 200;

/// What counts and traces are made with.
pub(crate) struct Observer {
    pub(crate) store: Store,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) tracer: Tracer,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) log: Logger,
}

/// The task that reads the event log.
pub(crate) struct Observe {
    pub(crate) observer: Arc<Observer>,
    /// The last entry that was looked at.
    seen: AtomicI64,
    /// Verdicts, as they fall.
    settled: Mutex<broadcast::Receiver<Settled>>,
}

impl Observe {
    /// Looks at what follows this entry of the event log.
    pub(crate) fn after(observer: Arc<Observer>, seen: i64) -> Self {
        let settled = Mutex::new(observer.store.settled());
        Self { observer, seen: AtomicI64::new(seen), settled }
    }

    async fn look(&self) -> Result<(), StoreError> {
        if self.observer.tracer.is_on() {
            let mut settled = self.settled.lock().await;
            loop {
                match settled.try_recv() {
                    Ok(one) => self.observer.interpreted(one.delivery).await?,
                    Err(broadcast::error::TryRecvError::Lagged(_)) => {}
                    Err(_) => break,
                }
            }
        }
        loop {
            let page = self.observer.store.journal(self.seen.load(Ordering::Relaxed), PAGE).await?;
            for entry in &page {
                self.observer.happened(entry).await?;
                self.seen.store(entry.seq, Ordering::Relaxed);
            }
            if page.len() < PAGE {
                return Ok(());
            }
        }
    }
}

#[async_trait]
impl Activation for Observe {
    async fn activate(&self) -> Next {
        if let Err(why) = self.look().await {
            warn!(self.observer.log, "cannot look at what happened"; keys::ERROR => chain(&why));
        }
        Next::Idle
    }
}

impl Observer {
    async fn happened(&self, entry: &JournalEntry) -> Result<(), StoreError> {
        let detail = match self.store.job(entry.job).await {
            Err(StoreError::NotFound { .. }) => return Ok(()),
            detail => detail?,
        };
        match &entry.event {
            JobEvent::Claim(held) => self.claimed(&detail, held.attempt, entry.at).await?,
            JobEvent::MachineStarting { attempt } => {
                if let Some(attempt) = detail.attempts.iter().find(|it| it.id == *attempt) {
                    self.metrics.phase("claim", attempt.claimed_at, entry.at);
                }
            }
            JobEvent::AgentRunning { attempt } => self.runs(&detail, *attempt),
            JobEvent::AttemptEnded { .. } => {
                if let Some(started_at) = detail.job.started_at {
                    self.metrics.phase("steps", started_at, entry.at);
                }
            }
            JobEvent::AttemptLost { .. } => {
                self.metrics.attempts_lost.inc();
            }
            JobEvent::Cancel { .. } | JobEvent::Skip { .. } => {}
        }
        let again = matches!(
            entry.event,
            JobEvent::Claim(_)
                | JobEvent::MachineStarting { .. }
                | JobEvent::AgentRunning { .. }
                | JobEvent::AttemptEnded { retry: true, .. }
                | JobEvent::AttemptLost { retry: true, .. }
        );
        if again { Ok(()) } else { self.finished(&detail).await }
    }

    async fn claimed(
        &self,
        detail: &JobDetail,
        attempt: AttemptId,
        at: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let before = detail.attempts.iter().take_while(|it| it.id != attempt).last();
        let since = before.and_then(|it| it.ended_at).unwrap_or(detail.job.queued_at);
        self.metrics.phase("queue", since, at);
        if self.tracer.is_on() {
            let trace = self.trace(detail.run.id).await?.0;
            let span = Span::new(trace, SpanId::of("queue", attempt), "queue", (since, at));
            self.tracer.record(span.below(SpanId::of("job", detail.job.id)));
        }
        Ok(())
    }

    /// The agent is there: the phases of the machine are known.
    fn runs(&self, detail: &JobDetail, attempt: AttemptId) {
        let Some(attempt) = detail.attempts.iter().find(|it| it.id == attempt) else { return };
        let took = |name: &str| {
            let found = attempt.phases.iter().find(|phase| phase.name == name);
            found.map(|phase| Duration::from_millis(phase.took_ms))
        };
        let source = took("fetch").map(|fetch| fetch + took("archive").unwrap_or_default());
        let all = [("source", source), ("clone", took("create")), ("boot", took("boot"))];
        for (phase, took) in all {
            took.into_iter().for_each(|took| self.metrics.phase_took(phase, took));
        }
    }

    async fn finished(&self, detail: &JobDetail) -> Result<(), StoreError> {
        // Run once more since, or the log is ahead of a job that is tried again.
        let Some(outcome) = detail.job.state.outcome() else { return Ok(()) };
        let (name, wrong) = outcome_name(outcome);
        self.metrics.outcomes.get_or_create(&[("outcome", name.to_owned())]).inc();
        if !self.tracer.is_on() {
            return Ok(());
        }
        let (run, job) = (&detail.run, &detail.job);
        let (trace, origin) = self.trace(run.id).await?;
        let end = job.finished_at.unwrap_or(job.queued_at);
        let span = Span::new(trace, SpanId::of("job", job.id), "job", (job.queued_at, end))
            .below(SpanId::of("run", run.id))
            .with("solstice.job.id", job.id.to_string())
            .with("solstice.job.name", job.name.to_string())
            .with("solstice.job.outcome", name)
            .with("solstice.label", job.runs_on.to_string())
            .failed(wrong.then(|| name.to_owned()));
        self.tracer.record(span);
        if let Some(end) = run.finished_at {
            let span = Span::new(trace, SpanId::of("run", run.id), "run", (run.created_at, end));
            let root = origin.map(|delivery| SpanId::of("delivery", delivery));
            self.tracer.record(Span { parent: root, ..about(span, run) });
        }
        Ok(())
    }

    /// A delivery has its verdict.
    async fn interpreted(&self, delivery: DeliveryId) -> Result<(), StoreError> {
        let detail = self.store.delivery_detail(delivery).await?;
        // Interpreted once more since.
        let Some(end) = detail.finished_at else { return Ok(()) };
        let trace = TraceId::of(delivery);
        let (id, begin) = (SpanId::of("interpret", delivery), detail.delivery.received_at);
        let span = Span::new(trace, id, "interpret", (begin, end))
            .below(SpanId::of("delivery", delivery))
            .with("solstice.delivery.verdict", detail.delivery.verdict.as_str());
        self.tracer.record(span);
        for run in detail.delivery.runs {
            if self.store.origin(run).await? != Some(delivery) {
                continue;
            }
            let run = self.store.run(run).await?.run;
            let at = (run.created_at, run.created_at);
            let made = Span::new(trace, SpanId::of("run made", run.id), "run made", at).below(id);
            self.tracer.record(about(made, &run));
            if let (Some(end), Some(_)) = (run.finished_at, &run.problem) {
                // It has no job whose end would tell.
                let span = Span::new(trace, SpanId::of("run", run.id), "run", (at.0, end));
                let span = span.below(SpanId::of("delivery", delivery)).failed(run.problem.clone());
                self.tracer.record(about(span, &run));
            }
        }
        Ok(())
    }

    /// A delivery was taken, or turned out to be a repeat of itself.
    pub(crate) fn taken(
        &self,
        forge: &ForgeName,
        delivery: DeliveryId,
        when: (DateTime<Utc>, DateTime<Utc>),
    ) {
        let id = SpanId::of("delivery", delivery);
        let span = Span::new(TraceId::of(delivery), id, "delivery", when)
            .kind(Kind::Server)
            .with("solstice.delivery.id", delivery.to_string())
            .with("solstice.forge", forge.as_str());
        self.tracer.record(span);
    }

    /// A forge was told of a check, or did not want to hear of it.
    pub(crate) async fn told(
        &self,
        forge: &ForgeName,
        check: &Check<'_>,
        (begin, end): (DateTime<Utc>, DateTime<Utc>),
        failed: Option<&ForgeError>,
    ) {
        let over = check.report.state.is_over() && failed.is_none();
        if !over && !self.tracer.is_on() {
            return;
        }
        // That of a run without jobs is of no job.
        let Ok(job) = check.subject.parse::<JobId>() else { return };
        let Ok(detail) = self.store.job(job).await else { return };
        if let Some(finished_at) = detail.job.finished_at.filter(|_| over) {
            self.metrics.phase("report", finished_at, end);
        }
        if !self.tracer.is_on() {
            return;
        }
        let Ok((trace, _)) = self.trace(detail.run.id).await else { return };
        let number = u64::try_from(begin.timestamp_micros()).unwrap_or_default();
        let span = Span::new(trace, SpanId::nth("report", job, number), "report", (begin, end))
            .below(SpanId::of("job", job))
            .kind(Kind::Client)
            .with("solstice.forge", forge.as_str())
            .with("solstice.check.state", format!("{:?}", check.report.state).to_lowercase())
            .failed(failed.map(|error| chain(error)));
        self.tracer.record(span);
    }

    /// Tells a host to which trace its attempts belong.
    pub(crate) async fn hand_over(&self, wanted: &mut [Assignment]) -> Result<(), StoreError> {
        if self.tracer.is_on() {
            for one in wanted {
                let (trace, _) = self.trace(one.run).await?;
                let parent = Parent { trace, span: SpanId::of("job", one.job) };
                one.traceparent = Some(parent.to_string());
            }
        }
        Ok(())
    }

    /// The trace of a run, and the delivery that it came of.
    async fn trace(&self, run: RunId) -> Result<(TraceId, Option<DeliveryId>), StoreError> {
        Ok(match self.store.origin(run).await? {
            Some(delivery) => (TraceId::of(delivery), Some(delivery)),
            None => (TraceId::of(run), None),
        })
    }
}

fn about(span: Span, run: &Run) -> Span {
    span.with("solstice.run.id", run.id.to_string())
        .with("solstice.repository", run.repository.to_string())
        .with("solstice.commit", run.commit.to_string())
        .with("solstice.workflow", run.workflow.as_str())
}

/// The name, and whether it went wrong.
fn outcome_name(outcome: &Outcome) -> (&'static str, bool) {
    match outcome {
        Outcome::Succeeded => ("succeeded", false),
        Outcome::Failed { .. } => ("failed", true),
        Outcome::ArtifactFailed { .. } => ("artifact_failed", true),
        Outcome::Cancelled { .. } => ("cancelled", false),
        Outcome::TimedOut { .. } => ("timed_out", true),
        Outcome::InfraFailed { .. } => ("infra_failed", true),
        Outcome::Skipped { .. } => ("skipped", false),
    }
}
