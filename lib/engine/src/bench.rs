//! A store, a fake forge and a clock, for the tests of what runs on them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use slog::{Discard, Logger, o};
use solstice_api::user::Delivery;
use solstice_forge::fake::{self, FakeForge};
use solstice_forge::{Event, Forge as _};
use solstice_model::{CommitSha, DeliveryId, RepoName};
use solstice_policy::OperatorPolicy;
use solstice_store::{NewDelivery, Store};
use tempfile::TempDir;

use crate::{Activation as _, Checks, Clock as _, InterpretDeliveries, ManualClock};

/// A workflow that every push and pull request starts.
pub(crate) const CI: &str = r#"workflow name="CI" {
    job id="build" runs_on="illumos" { step name="Test" run="true"; }
}"#;

pub(crate) struct Bench {
    _directory: TempDir,
    pub(crate) store: Store,
    pub(crate) forge: FakeForge,
    pub(crate) repository: RepoName,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) policy: OperatorPolicy,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let checks = Arc::new(Checks::new("http://ci.example/".parse().unwrap()));
        let store = Store::open(&directory.path().join("solstice.db"), checks).unwrap();
        let forge = FakeForge::new("forge".parse().unwrap());
        let repository = forge.add_repository("ada/engine");
        let clock = Arc::new(ManualClock::at(DateTime::from_timestamp(1_700_000_000, 0).unwrap()));
        let policy = OperatorPolicy::default();
        Self { _directory: directory, store, forge, repository, clock, policy }
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
            policy: self.policy.clone(),
            clock: self.clock.clone(),
            log: Logger::root(Discard, o!()),
        };
        task.activate().await;
    }

    /// What becomes of the delivery of an event.
    pub(crate) async fn tell(&self, event: &Event) -> Delivery {
        let id = self.take(self.forge.deliver_event(event)).await;
        self.interpret().await;
        self.store.delivery(id).await.unwrap()
    }
}
