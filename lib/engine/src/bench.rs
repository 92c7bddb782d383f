//! A store, a fake forge and a clock, for the tests of what runs on them.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use slog::{Discard, Logger, o};
use solstice_api::host::Offer;
use solstice_api::user::{Delivery, Job};
use solstice_config::server::PullRequestsFrom;
use solstice_forge::fake::{self, FakeForge};
use solstice_forge::{Event, Forge as _};
use solstice_joblog::JobLogs;
use solstice_model::{
    AttemptId, CommitSha, DeliveryId, HostName, Record, RecordBody, RepoName, RunId,
};
use solstice_store::{NewDelivery, Store};
use tempfile::TempDir;

use crate::{Activation as _, Checks, Clock as _, InterpretDeliveries, ManualClock, Report, Sweep};

/// A workflow that every push and pull request starts.
pub(crate) const CI: &str = r#"workflow name="CI" {
    job id="build" runs_on="illumos" { step name="Test" run="true"; }
}"#;

pub(crate) struct Bench {
    _directory: TempDir,
    pub(crate) store: Store,
    pub(crate) logs: JobLogs,
    pub(crate) forge: FakeForge,
    pub(crate) repository: RepoName,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) pull_requests: PullRequestsFrom,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let checks = Arc::new(Checks::new("http://ci.example/".parse().unwrap()));
        let store = Store::open(&directory.path().join("solstice.db"), checks).unwrap();
        let logs = JobLogs::open(directory.path().join("logs")).unwrap();
        let forge = FakeForge::new("forge".parse().unwrap());
        let repository = forge.add_repository("ada/engine");
        let clock = Arc::new(ManualClock::at(DateTime::from_timestamp(1_700_000_000, 0).unwrap()));
        let pull_requests = PullRequestsFrom::Repository;
        Self { _directory: directory, store, logs, forge, repository, clock, pull_requests }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A commit with this one workflow file.
    pub(crate) fn commit(&self, workflow: &str) -> CommitSha {
        let files = [(".solstice/ci.kdl", workflow.as_bytes())];
        self.forge.add_commit(&self.repository, &files)
    }

    /// Takes a delivery, as the webhook listener does.
    pub(crate) async fn take(&self, delivery: fake::Delivery) -> DeliveryId {
        let fake::Delivery { headers, body } = delivery;
        let genuine = self.forge.authenticate(&headers, &body).unwrap();
        let new = NewDelivery {
            forge: self.forge.name().clone(),
            forge_id: genuine.id,
            event: genuine.event,
            headers: Vec::new(),
            body,
            received_at: self.now(),
        };
        self.store.take_delivery(new).await.unwrap().id
    }

    /// Works on what waits.
    pub(crate) async fn interpret(&self) {
        let task = InterpretDeliveries {
            store: self.store.clone(),
            forge: Arc::new(self.forge.clone()),
            pull_requests: self.pull_requests,
            logs: self.logs.clone(),
            clock: self.clock.clone(),
            log: Logger::root(Discard, o!()),
        };
        task.activate().await;
    }

    /// The task that sends reports.
    pub(crate) fn reports(&self) -> Report {
        let log = Logger::root(Discard, o!());
        let forge = Arc::new(self.forge.clone());
        Report::new(self.store.clone(), self.logs.clone(), forge, self.clock.clone(), log)
    }

    /// A task that sweeps once an hour.
    pub(crate) fn sweep(&self) -> Sweep {
        let (log, forge) = (Logger::root(Discard, o!()), Arc::new(self.forge.clone()));
        let hour = Duration::from_secs(3600);
        Sweep::new(self.store.clone(), forge, self.clock.clone(), hour, log)
    }

    /// The run of a push of a new commit with [`CI`] to this branch, and the commit.
    pub(crate) async fn pushed(&self, git_ref: &str, workflow: &str) -> (RunId, CommitSha) {
        let commit = self.commit(workflow);
        let push = self.forge.push(&self.repository, git_ref, &commit);
        (self.tell(&Event::Push(push)).await.runs[0], commit)
    }

    /// The jobs of a run.
    pub(crate) async fn jobs(&self, run: RunId) -> Vec<Job> {
        self.store.run(run).await.unwrap().jobs
    }

    /// Has a host claim a waiting job, and its agent tell these records.
    pub(crate) async fn work(&self, bodies: Vec<RecordBody>) -> AttemptId {
        let offer = Offer { labels: vec!["illumos".parse().unwrap()], room: 1 };
        let lease = Duration::from_secs(3600);
        let claimed = self.store.claim(host(), vec![offer], vec![], 1, self.now(), lease).await;
        let attempt = claimed.unwrap()[0];
        self.go_on(attempt, bodies).await;
        attempt
    }

    /// Has an agent tell these records too.
    pub(crate) async fn go_on(&self, attempt: AttemptId, bodies: Vec<RecordBody>) {
        let (at, next) = (self.now(), self.logs.last_seq(attempt).await.unwrap() + 1);
        let records: Vec<Record> =
            (next..).zip(bodies).map(|(seq, body)| Record { seq, at, body }).collect();
        self.logs.append(attempt, &records).await.unwrap();
        self.store.apply_records(host(), attempt, &records, at).await.unwrap();
    }

    /// What becomes of the delivery of an event.
    pub(crate) async fn tell(&self, event: &Event) -> Delivery {
        let id = self.take(self.forge.deliver_event(event)).await;
        self.interpret().await;
        self.store.delivery(id).await.unwrap()
    }
}

fn host() -> HostName {
    "host-1".parse().unwrap()
}
