//! Machines that are plain processes: the agent in a folder of its own. What is
//! measured with them is everything but the machine.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use camino::Utf8PathBuf;
use solstice_hypervisor::{Console, Hypervisor, HypervisorError, Machine, MachineSpec};
use solstice_model::{AttemptId, Observed};
use tokio::process::{Child, Command};
use tokio::sync::watch;

/// The agents, by attempt.
pub(crate) struct ProcessMachines {
    agent: Utf8PathBuf,
    folder: Utf8PathBuf,
    /// Where the orchestrator serves agents; it tells when it has started.
    endpoint: watch::Receiver<Option<String>>,
    /// Never held across an await.
    running: Arc<Mutex<HashMap<AttemptId, Running>>>,
}

struct Running {
    stop: watch::Sender<bool>,
    ended: watch::Receiver<bool>,
}

impl ProcessMachines {
    pub(crate) fn new(
        agent: Utf8PathBuf,
        folder: Utf8PathBuf,
        endpoint: watch::Receiver<Option<String>>,
    ) -> Self {
        Self { agent, folder, endpoint, running: Arc::default() }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<AttemptId, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn spawn(&self, spec: &MachineSpec, endpoint: &str) -> std::io::Result<Child> {
        let work = self.folder.join(spec.id.to_string());
        std::fs::create_dir_all(&work)?;
        Command::new(&self.agent)
            .args(["--endpoint", endpoint, "--token", spec.token.secret(), "--work", work.as_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
    }
}

#[async_trait]
impl Hypervisor for ProcessMachines {
    fn name(&self) -> &'static str {
        "process"
    }

    async fn observe(&self) -> Result<Vec<Machine>, HypervisorError> {
        let seen = |(id, running): (&AttemptId, &Running)| Machine {
            id: *id,
            observed: if *running.ended.borrow() { Observed::Stopped } else { Observed::Running },
        };
        Ok(self.running().iter().map(seen).collect())
    }

    async fn ensure(&self, spec: &MachineSpec) -> Result<(), HypervisorError> {
        if self.running().contains_key(&spec.id) {
            return Ok(());
        }
        let mut endpoint = self.endpoint.clone();
        let endpoint =
            endpoint.wait_for(Option::is_some).await.expect("the sender is kept").clone();
        let endpoint = endpoint.expect("it was waited for");
        let failed = |source: std::io::Error| HypervisorError::Failed {
            action: "start",
            id: spec.id,
            source: Box::new(source),
        };
        let mut child = self.spawn(spec, &endpoint).map_err(failed)?;
        let (stop, mut told) = watch::channel(false);
        let (over, ended) = watch::channel(false);
        self.running().insert(spec.id, Running { stop, ended });
        tokio::spawn(async move {
            tokio::select! {
                _ = child.wait() => {}
                () = async { drop(told.wait_for(|stop| *stop).await) } => {
                    // It may have ended by itself.
                    let _ = child.kill().await;
                }
            }
            over.send_replace(true);
        });
        Ok(())
    }

    async fn destroy(&self, id: AttemptId) -> Result<(), HypervisorError> {
        let known = self.running().get(&id).map(|it| (it.stop.clone(), it.ended.clone()));
        if let Some((stop, mut ended)) = known {
            stop.send_replace(true);
            // A sender that is gone has ended as well.
            let _ = ended.wait_for(|ended| *ended).await;
            self.running().remove(&id);
        }
        // What cannot be removed goes with the folder of the measurement.
        let _ = std::fs::remove_dir_all(self.folder.join(id.to_string()));
        Ok(())
    }

    async fn console(&self, _: AttemptId, from: u64, _: usize) -> Result<Console, HypervisorError> {
        Ok(Console { bytes: Bytes::new(), next: from })
    }

    async fn stopped(&self, id: AttemptId) -> Result<(), HypervisorError> {
        let ended = self.running().get(&id).map(|it| it.ended.clone());
        if let Some(mut ended) = ended {
            let _ = ended.wait_for(|ended| *ended).await;
        }
        Ok(())
    }

    fn boot_limit(&self) -> Duration {
        Duration::from_secs(60)
    }
}
