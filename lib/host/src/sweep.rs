//! Removes the machines that nobody wants and nobody here works on.
//!
//! It runs after the server has said what is wanted, never before: until then
//! a machine that this host has no record of may be somebody's job.

use std::sync::Arc;
use std::time::Duration;

use slog::{Logger, info, warn};
use solstice_hypervisor::{Hypervisor, HypervisorError};
use solstice_log::{chain, keys};
use solstice_model::{MachineStep, Wanted, next_step};
use tokio::sync::watch;

use crate::registry::Registry;
use crate::seats::Seats;

/// What a sweep works with.
pub(crate) struct Sweep {
    pub(crate) hypervisor: Arc<dyn Hypervisor>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) seats: Arc<Seats>,
    pub(crate) log: Logger,
}

impl Sweep {
    /// Sweeps after the first answer of the server, and then on a slow timer.
    pub(crate) async fn run(self, mut synced: watch::Receiver<u64>, every: Duration) {
        if synced.wait_for(|count| *count > 0).await.is_err() {
            return;
        }
        loop {
            if let Err(error) = self.activate().await {
                warn!(self.log, "cannot look for unknown machines"; keys::ERROR => chain(&error));
            }
            tokio::time::sleep(every).await;
        }
    }

    /// One activation: observe, then destroy what is not on the list.
    async fn activate(&self) -> Result<(), HypervisorError> {
        let mut strangers = self.hypervisor.observe().await?;
        strangers.retain(|machine| !self.registry.has(machine.id));
        let mut left = u32::try_from(strangers.len()).unwrap_or(u32::MAX);
        self.seats.set_strangers(left);
        for machine in strangers {
            let unwanted = next_step(Wanted::Absent, machine.observed) == MachineStep::Destroy;
            // It may have been taken on meanwhile.
            if !unwanted || self.registry.has(machine.id) {
                continue;
            }
            let id = machine.id.to_string();
            match self.hypervisor.destroy(machine.id).await {
                Ok(()) => {
                    info!(self.log, "unknown machine destroyed"; keys::ATTEMPT => id);
                    left -= 1;
                    self.seats.set_strangers(left);
                }
                Err(error) => {
                    warn!(self.log, "cannot destroy an unknown machine";
                        keys::ATTEMPT => id, keys::ERROR => chain(&error));
                }
            }
        }
        Ok(())
    }
}
