//! Runs background tasks: on a signal, and on a slow timer.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// One background task. An activation takes no input: it looks at the store,
/// does what is to be done and can be repeated at any time. After a crash,
/// running it again is the recovery.
#[async_trait]
pub trait Activation: Send + Sync + 'static {
    /// Does what is to be done now. May be dropped at any await when the
    /// server stops.
    async fn activate(&self) -> Next;
}

/// When a task wants to run again, if nobody signals before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// When the timer says so.
    Idle,
    /// After this much time, if that is sooner.
    After(Duration),
}

/// Wakes one task, or all tasks that share it. Signals while the task runs are
/// not lost: it runs once more.
#[derive(Clone, Debug, Default)]
pub struct Signal(Arc<Notify>);

impl Signal {
    /// Lets the task run soon.
    pub fn raise(&self) {
        self.0.notify_one();
    }
}

/// The running background tasks.
#[derive(Debug, Default)]
pub struct Driver {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Driver {
    /// A driver without tasks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `task` at once, then whenever `signal` is raised and at least once
    /// per `interval`, never twice at the same time.
    pub fn spawn(&self, task: impl Activation, signal: &Signal, interval: Duration) {
        let (signal, stop) = (signal.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            let work = async {
                loop {
                    let pause = match task.activate().await {
                        Next::Idle => interval,
                        Next::After(pause) => pause.min(interval),
                    };
                    let _ = tokio::time::timeout(pause, signal.0.notified()).await;
                }
            };
            stop.run_until_cancelled(work).await
        });
    }

    /// A signal that is raised whenever `changes` changes.
    pub fn wake_on(&self, mut changes: watch::Receiver<u64>) -> Signal {
        let signal = Signal::default();
        let (raised, stop) = (signal.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            let forward = async {
                while changes.changed().await.is_ok() {
                    raised.raise();
                }
            };
            stop.run_until_cancelled(forward).await
        });
        signal
    }

    /// Stops all tasks and waits until they are gone.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    struct Counts(Arc<AtomicU32>, Next);

    #[async_trait]
    impl Activation for Counts {
        async fn activate(&self) -> Next {
            self.0.fetch_add(1, Ordering::SeqCst);
            self.1
        }
    }

    fn driven(next: Next) -> (Driver, Signal, Arc<AtomicU32>) {
        let (driver, signal, count) = (Driver::new(), Signal::default(), Arc::default());
        driver.spawn(Counts(Arc::clone(&count), next), &signal, Duration::from_secs(60));
        (driver, signal, count)
    }

    /// Lets paused time pass.
    async fn after(seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_runs_at_once_on_a_signal_and_on_its_timer() {
        let (driver, signal, count) = driven(Next::Idle);
        after(1).await;
        assert_eq!(count.load(Ordering::SeqCst), 1);
        signal.raise();
        after(1).await;
        assert_eq!(count.load(Ordering::SeqCst), 2);
        after(61).await;
        assert_eq!(count.load(Ordering::SeqCst), 3);
        (0..100).for_each(|_| signal.raise());
        after(1).await;
        assert!(count.load(Ordering::SeqCst) <= 5, "many signals are one or two");
        driver.stop().await;
        let stopped = count.load(Ordering::SeqCst);
        after(300).await;
        assert_eq!(count.load(Ordering::SeqCst), stopped);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_may_ask_to_run_sooner_but_not_later_than_its_timer() {
        let (_driver, _, count) = driven(Next::After(Duration::from_secs(1)));
        after(10).await;
        assert!((9..=11).contains(&count.load(Ordering::SeqCst)));
        let (_driver, _, count) = driven(Next::After(Duration::from_secs(600)));
        after(61).await;
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }
}
