//! The background tasks: three per forge, so that a slow one keeps nobody waiting,
//! and one each for what tools have said, for what is old, for leases, and for who
//! counts what happens.

use std::sync::Arc;
use std::time::Duration;

use slog::{Logger, o};
use solstice_config::ServerConfig;
use solstice_config::server::ForgeConfig;
use solstice_engine::{Annotate, Driver, ExpireLeases, InterpretDeliveries, Report, Signal, Sweep};
use solstice_forge::Forge;
use solstice_log::keys;

use crate::context::Context;
use crate::observe::Observe;
use crate::retention::{self, RetainTask};

/// How often each task looks by itself, should a signal have been missed.
const SLOW: Duration = Duration::from_secs(30);

/// How often what no webhook told of is looked for, unless the configuration says so.
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// What tasks are made of.
pub(crate) struct Tasks<'a> {
    pub(crate) config: &'a ServerConfig,
    pub(crate) context: &'a Context,
    pub(crate) driver: &'a Driver,
}

impl Tasks<'_> {
    /// Starts them all; gives the signals that wake them. What happened after entry
    /// `seen` of the event log is counted.
    pub(crate) fn start(&self, seen: i64) -> Vec<Signal> {
        let mut signals = vec![self.context.leases.clone()];
        for forge in self.context.forges.values() {
            let configured = self.config.forges.iter().find(|it| it.name == *forge.name());
            signals.push(self.interpret(forge, configured));
            signals.push(self.report(forge));
            signals.extend(self.sweep(forge, configured));
        }
        signals.extend([self.annotate(), self.retain(), self.observe(seen)]);
        self.expire_leases();
        signals
    }

    fn component(&self, name: &'static str) -> Logger {
        self.context.log.new(o!(keys::COMPONENT => name))
    }

    fn of_forge(&self, name: &'static str, forge: &Arc<dyn Forge>) -> Logger {
        self.component(name).new(o!(keys::FORGE => forge.name().to_string()))
    }

    fn on_changes(&self) -> Signal {
        self.driver.wake_on(self.context.store.changes())
    }

    fn interpret(&self, forge: &Arc<dyn Forge>, configured: Option<&ForgeConfig>) -> Signal {
        let (context, signal) = (self.context, self.on_changes());
        let task = InterpretDeliveries {
            store: context.store.clone(),
            forge: Arc::clone(forge),
            policy: configured.map(|it| it.policy.clone()).unwrap_or_default(),
            logs: context.logs.clone(),
            clock: Arc::clone(&context.clock),
            log: self.of_forge("deliveries", forge),
        };
        self.driver.spawn(task, &signal, SLOW);
        signal
    }

    fn report(&self, forge: &Arc<dyn Forge>) -> Signal {
        let (context, signal) = (self.context, self.on_changes());
        let waits = [("forge", forge.name().to_string())];
        let task = Report::new(
            context.store.clone(),
            context.logs.clone(),
            Arc::clone(forge),
            Arc::clone(&context.clock),
            self.of_forge("reports", forge),
        )
        .count_waits(context.metrics.pace_waits.get_or_create_owned(&waits));
        self.driver.spawn(task, &signal, SLOW);
        signal
    }

    fn sweep(&self, forge: &Arc<dyn Forge>, configured: Option<&ForgeConfig>) -> Option<Signal> {
        let every = configured.map_or(Some(SWEEP), |it| it.sweep)?;
        let (store, clock) = (self.context.store.clone(), Arc::clone(&self.context.clock));
        let log = self.of_forge("sweep", forge);
        let signal = Signal::default();
        self.driver.spawn(Sweep::new(store, Arc::clone(forge), clock, every, log), &signal, every);
        Some(signal)
    }

    fn annotate(&self) -> Signal {
        let (context, signal) = (self.context, self.on_changes());
        let task = Annotate {
            store: context.store.clone(),
            logs: context.logs.clone(),
            artifacts: context.artifacts.clone(),
            clock: Arc::clone(&context.clock),
            log: self.component("annotations"),
        };
        self.driver.spawn(task, &signal, SLOW);
        signal
    }

    fn retain(&self) -> Signal {
        let signal = Signal::default();
        let task = RetainTask(Arc::clone(&self.context.retain));
        self.driver.spawn(task, &signal, retention::INTERVAL);
        signal
    }

    fn observe(&self, seen: i64) -> Signal {
        let signal = self.on_changes();
        let task = Observe::after(Arc::clone(&self.context.observer), seen);
        self.driver.spawn(task, &signal, SLOW);
        signal
    }

    fn expire_leases(&self) {
        let context = self.context;
        let task = ExpireLeases::new(
            context.store.clone(),
            context.logs.clone(),
            Arc::clone(&context.clock),
            context.lease,
            context.max_attempts,
            self.component("leases"),
        );
        self.driver.spawn(task, &context.leases, SLOW);
    }
}
