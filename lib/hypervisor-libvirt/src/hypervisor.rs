//! The backend itself.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use rustix::process::{getegid, geteuid};
use solstice_hypervisor::folders::{Entry, Folders};
use solstice_hypervisor::{Console, Door, Hypervisor, HypervisorError, Machine, MachineSpec};
use solstice_model::{AttemptId, Observed};
use tokio::time::Instant;

use crate::config::{Accelerator, Engine, LibvirtConfig};
use crate::creating::Creating;
use crate::domain::{self, Life, destroy};
use crate::error::{LibvirtError, describe, unusable};
use crate::files::Files;
use crate::link::Link;
use crate::make::Note;
use crate::network::Bridge;
use crate::probe::{Verdict, probe};
use crate::qemu;

/// The most of a console that one call reads into memory.
const CONSOLE_PIECE: u64 = 4 * 1024 * 1024;
/// How many connections of guests are passed on at a time.
const CONNECTIONS: usize = 256;
/// How often a machine is looked at while libvirtd may be restarting.
const GLANCE: Duration = Duration::from_secs(1);
/// How long the door of a predecessor may take to be closed.
const DOOR_PATIENCE: Duration = Duration::from_secs(5);

/// Machines by libvirt.
#[derive(Debug)]
pub struct LibvirtHypervisor {
    pub(crate) config: LibvirtConfig,
    pub(crate) link: Arc<Link>,
    pub(crate) bridge: Bridge,
    pub(crate) folders: Folders,
    pub(crate) verdict: Verdict,
    /// Who QEMU runs as: we.
    pub(crate) user: (u32, u32),
    /// Held while a slot is chosen and written down, so that it is given once.
    pub(crate) slots: Mutex<()>,
    _door: Door,
}

impl LibvirtHypervisor {
    /// Connects to libvirtd, makes the guests' network and its filter, opens the
    /// door, and chooses the engine; with [`Accelerator::Auto`] a tiny guest is
    /// booted for that.
    ///
    /// # Errors
    ///
    /// [`HypervisorError::Unusable`] with the remedy.
    pub async fn open(config: LibvirtConfig) -> Result<Self, HypervisorError> {
        let config = config.prepare()?;
        let broken = |error: LibvirtError| unusable(describe(&error), remedy(&error));
        let folders = Folders::open(&config.state_dir, config.host.clone());
        let folders = folders.map_err(|error| broken(error.into()))?;
        let link = Link::open(config.uri.clone()).await.map_err(broken)?;
        let bridge = Bridge { host: config.host.clone(), subnet: config.network };
        let network = bridge.clone();
        let made = link.call(move |connection| {
            network.ensure_network(connection)?;
            network.ensure_filter(connection)
        });
        made.await.map_err(broken)?;
        let door = open_door(&bridge, &config).await?;
        let user = (geteuid().as_raw(), getegid().as_raw());
        let told = |engine| Verdict { engine, why: "the configuration says so".to_owned() };
        let verdict = match config.accelerator {
            Accelerator::Kvm => told(Engine::Kvm),
            Accelerator::Tcg => told(Engine::Tcg),
            Accelerator::Auto => probe(&config, &link, user).await.map_err(broken)?,
        };
        let slots = Mutex::default();
        Ok(Self { config, link, bridge, folders, verdict, user, slots, _door: door })
    }

    /// Which engine runs the guests, and why.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// What the domain of a machine is doing.
    async fn life(&self, id: AttemptId) -> Result<Life, LibvirtError> {
        let host = self.config.host.clone();
        let found = self.link.call(move |connection| domain::find(connection, &host, id)).await?;
        Ok(found.map_or(Life::Ended, |(_, seen)| seen.life))
    }

    pub(crate) fn files(&self, id: AttemptId) -> Files {
        Files::of(self.folders.path(id))
    }

    async fn look(&self) -> Result<Vec<Machine>, LibvirtError> {
        // Folders first: a machine that ends between the two looks has stopped,
        // and one that begins is seen by its domain.
        let mut seen = BTreeMap::new();
        for Entry { id, path, trash } in self.folders.list()? {
            let ran = !trash && Files::of(path).has_run();
            let observed = if ran { Observed::Stopped } else { Observed::Partial };
            seen.entry(id).and_modify(|it| *it = observed.max(*it)).or_insert(observed);
        }
        let host = self.config.host.clone();
        let domains = self.link.call(move |connection| domain::list(connection, &host)).await?;
        for domain in domains {
            let observed = match domain.life {
                Life::Runs => Observed::Running,
                Life::Waits if self.files(domain.id).has_run() => Observed::Running,
                // A guest that QEMU holds will not go on; what is left has to be destroyed.
                Life::Waits | Life::NoDiskSpace | Life::Broken | Life::Ended => Observed::Partial,
            };
            let it = seen.entry(domain.id).or_insert(observed);
            *it = observed.max(*it);
        }
        Ok(seen.into_iter().map(|(id, observed)| Machine { id, observed }).collect())
    }

    async fn remove(&self, id: AttemptId) -> Result<(), LibvirtError> {
        // A QEMU that is not executed yet cannot open its files any more, and ends.
        self.folders.discard(id)?;
        let host = self.config.host.clone();
        let ended = self.link.call(move |connection| {
            // If it is being made just now, that fails the sooner.
            qemu::kill(id);
            let _alone = Creating::begin(id);
            let found = domain::find(connection, &host, id)?;
            found.map_or(Ok(()), |(domain, _)| {
                qemu::kill(id);
                destroy(&domain)
            })
        });
        ended.await?;
        // libvirt sends no event for a machine that it was still getting to know.
        self.link.changes().happened();
        // Only now may another machine have the slot that is noted there.
        let folders = self.folders.clone();
        let removed = tokio::task::spawn_blocking(move || folders.remove_trash(id));
        Ok(removed.await.expect("removing does not panic")?)
    }

    /// Resolves when the guest has ended, or when it cannot go on. Cancel safe.
    async fn until_stopped(&self, id: AttemptId) -> Result<Life, LibvirtError> {
        let mut changes = self.link.changes().subscribe();
        loop {
            changes.mark_unchanged();
            match self.life(id).await? {
                Life::Runs => {}
                Life::Waits if self.files(id).has_run() => {}
                Life::Waits | Life::Ended => return Ok(Life::Ended),
                held @ (Life::NoDiskSpace | Life::Broken) => {
                    self.end(id).await?;
                    return Ok(held);
                }
            }
            tokio::select! {
                changed = changes.changed() => changed.expect("the link has the other end"),
                () = tokio::time::sleep(GLANCE), if self.link.is_fresh() => {}
            }
        }
    }

    async fn end(&self, id: AttemptId) -> Result<(), LibvirtError> {
        let host = self.config.host.clone();
        let ended = self.link.call(move |connection| {
            let found = domain::find(connection, &host, id)?;
            found.map_or(Ok(()), |(domain, _)| destroy(&domain))
        });
        ended.await
    }

    /// The slots that are taken by what is on disk, but for this machine's own, and that one.
    pub(crate) fn noted_slots(
        &self,
        id: AttemptId,
    ) -> Result<(Vec<u32>, Option<u32>), LibvirtError> {
        let entries = self.folders.list()?;
        let (own, others): (Vec<_>, Vec<_>) =
            entries.iter().partition(|entry| entry.id == id && !entry.trash);
        let slot = |entry: &&Entry| entry.note::<Note>().map(|note| note.slot);
        Ok((others.iter().filter_map(slot).collect(), own.iter().find_map(slot)))
    }
}

/// Opens the door, once a predecessor's has been closed.
async fn open_door(bridge: &Bridge, config: &LibvirtConfig) -> Result<Door, HypervisorError> {
    let begun = Instant::now();
    loop {
        match Door::open(bridge.door(), None, config.endpoint_file.clone(), CONNECTIONS).await {
            Err(error)
                if error.kind() == ErrorKind::AddrInUse && begun.elapsed() < DOOR_PATIENCE =>
            {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            opened => {
                return opened.map_err(|error| {
                    unusable(
                        format!("cannot listen on {}: {error}", bridge.door()),
                        "end what listens there, or give the machines another network",
                    )
                });
            }
        }
    }
}

fn remedy(error: &LibvirtError) -> String {
    match error {
        LibvirtError::Connect { .. } => "start libvirtd (apt-get install libvirt-daemon-system), \
            and let this user be in the group libvirt"
            .to_owned(),
        LibvirtError::Foreign { kind, name } => {
            format!("remove the {kind} {name}, or give this host another name")
        }
        LibvirtError::OtherSubnet { name, .. } => {
            format!("let its machines end, then run: virsh net-destroy {name}")
        }
        _ => "see what libvirtd has logged".to_owned(),
    }
}

#[async_trait]
impl Hypervisor for LibvirtHypervisor {
    fn name(&self) -> &'static str {
        "libvirt"
    }

    async fn observe(&self) -> Result<Vec<Machine>, HypervisorError> {
        self.look().await.map_err(|error| unusable(describe(&error), remedy(&error)))
    }

    async fn ensure(&self, spec: &MachineSpec) -> Result<(), HypervisorError> {
        let failed = |error: LibvirtError| error.of("make", spec.id);
        let files = self.files(spec.id);
        match self.life(spec.id).await.map_err(failed)? {
            Life::Runs => return files.mark_started().map_err(failed),
            _ if files.has_run() => return Ok(()),
            _ => {}
        }
        let image = spec.image.clone();
        let checked = tokio::task::spawn_blocking(move || image.recheck()).await;
        checked.expect("reading does not panic").map_err(HypervisorError::Image)?;
        self.make(spec).await.map_err(failed)
    }

    async fn destroy(&self, id: AttemptId) -> Result<(), HypervisorError> {
        self.remove(id).await.map_err(|error| error.of("destroy", id))
    }

    async fn console(
        &self,
        id: AttemptId,
        from: u64,
        limit: usize,
    ) -> Result<Console, HypervisorError> {
        let files = self.files(id);
        if !files.folder().is_dir() {
            return Err(HypervisorError::Absent { id });
        }
        let limit = CONSOLE_PIECE.min(limit as u64);
        let read = tokio::task::spawn_blocking(move || files.read_console(from, limit)).await;
        let read = read.expect("reading does not panic");
        let bytes = read.map_err(|error| error.of("read the console of", id))?;
        let next = from + bytes.len() as u64;
        Ok(Console { bytes, next })
    }

    async fn stopped(&self, id: AttemptId) -> Result<(), HypervisorError> {
        match self.until_stopped(id).await.map_err(|error| error.of("watch", id))? {
            Life::NoDiskSpace => {
                let what = format!("no disk space is left for {}", self.files(id).overlay());
                Err(HypervisorError::NoRoom { what })
            }
            _ => Ok(()),
        }
    }

    fn boot_limit(&self) -> Duration {
        match self.verdict.engine {
            Engine::Kvm => Duration::from_secs(60),
            Engine::Tcg => Duration::from_secs(180),
        }
    }
}
