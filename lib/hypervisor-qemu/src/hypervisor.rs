//! The backend itself.

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use camino::Utf8Path;
use solstice_hypervisor::folders::{Entry, Folders, make_private_dir};
use solstice_hypervisor::{Console, Hypervisor, HypervisorError, Machine, MachineSpec};
use solstice_image::{Boot, Firmware, VerifiedImage};
use solstice_model::{AttemptId, Observed};

use crate::args::Engine;
use crate::bridge::{Bridge, TRIAL};
use crate::config::{Accelerator, Network, QemuConfig, unusable};
use crate::disks::Disks;
use crate::error::QemuError;
use crate::firmware;
use crate::folder::{Folder, noted_slot};
use crate::names::Names;
use crate::probe::{Verdict, probe};
use crate::process::{Process, end_all, find};
use crate::taps;
use crate::watch::{End, until_stopped};

/// The most of a console that one call reads into memory.
const CONSOLE_PIECE: u64 = 4 * 1024 * 1024;

/// Machines by QEMU.
#[derive(Debug)]
pub struct QemuHypervisor {
    pub(crate) config: QemuConfig,
    pub(crate) folders: Folders,
    pub(crate) disks: Disks,
    pub(crate) verdict: Verdict,
    /// None if machines are connected to QEMU's user network.
    pub(crate) bridge: Option<Bridge>,
    network: String,
    /// Held while a slot is chosen and written down, so that it is given once.
    pub(crate) slots: Mutex<()>,
}

impl QemuHypervisor {
    /// Checks that machines of these images can be made here, unpacks the disks
    /// that have to be, and chooses the engine; with [`Accelerator::Auto`] a guest
    /// may be booted for that, once.
    ///
    /// # Errors
    ///
    /// [`HypervisorError::Unusable`] with the remedy.
    pub async fn open(
        mut config: QemuConfig,
        images: &[VerifiedImage],
    ) -> Result<Self, HypervisorError> {
        let version = config.check().await?;
        let remedy = "let the state directory be on a file system that this user can write";
        let broken = |error: QemuError| unusable(describe(&error), remedy);
        std::fs::create_dir_all(&config.state_dir)
            .map_err(QemuError::file("make", &config.state_dir))
            .map_err(broken)?;
        // Processes are marked with this path: it must always be the same text.
        config.state_dir = config
            .state_dir
            .canonicalize_utf8()
            .map_err(QemuError::file("resolve", &config.state_dir))
            .map_err(broken)?;
        config.check_state_dir()?;
        make_private_dir(&config.state_dir).map_err(|error| broken(error.into()))?;
        let folders = Folders::open(&config.state_dir, config.host.clone());
        let folders = folders.map_err(|error| broken(error.into()))?;
        let disks = Disks::open(&config.state_dir).map_err(broken)?;
        disks.keep_only(images).map_err(broken)?;
        check_images(&config, &disks, images).await?;
        let told = |engine| Verdict { engine, why: "the configuration says so".to_owned() };
        let verdict = match config.accelerator {
            Accelerator::Kvm => told(Engine::Kvm),
            Accelerator::Tcg => told(Engine::Tcg),
            Accelerator::Auto => {
                let probed = probe(&config, &version, images).await;
                probed.map_err(|error| unusable(describe(&error), "choose an accelerator"))?
            }
        };
        let (bridge, network) = connect(&config).await?;
        Ok(Self { config, folders, disks, verdict, bridge, network, slots: Mutex::default() })
    }

    /// Which engine runs the guests, and why.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// What machines are connected to, and why: a sentence for the operator.
    pub fn network(&self) -> &str {
        &self.network
    }

    /// The QEMU of a machine, if it runs.
    async fn guest(&self, id: AttemptId) -> Result<Option<Process>, QemuError> {
        let id = id.to_string();
        for found in find(self.folders.root()).await? {
            if found.is_guest && found.machine == id {
                let held = Process::hold(&found, self.folders.root());
                return held.map_err(QemuError::file("hold a process of", self.folders.root()));
            }
        }
        Ok(None)
    }

    pub(crate) fn folder(&self, id: AttemptId) -> Folder {
        Folder::at(self.folders.path(id))
    }

    async fn remove(&self, id: AttemptId) -> Result<(), QemuError> {
        let folder = self.folder(id);
        end_all(folder.path(), true).await?;
        self.folders.discard(id)?;
        self.unplug(id).await?;
        // Only now may another machine have the slot that is noted there.
        let folders = self.folders.clone();
        let removed = tokio::task::spawn_blocking(move || folders.remove_trash(id));
        Ok(removed.await.expect("removing does not panic")?)
    }

    /// Removes the tap of a machine, and those that are nobody's.
    async fn unplug(&self, id: AttemptId) -> Result<(), QemuError> {
        let names = Names::of(&self.config.host);
        // Taps first: one that is made meanwhile is not among them.
        let taps = taps::slots(&names)?;
        let entries = self.folders.list()?;
        let others = entries.iter().filter(|entry| entry.id != id);
        let noted: Vec<_> = others.filter_map(noted_slot).collect();
        for slot in taps.into_iter().filter(|slot| *slot != TRIAL && !noted.contains(slot)) {
            taps::remove(&names, slot).await?;
        }
        Ok(())
    }

    async fn look(&self) -> Result<Vec<Machine>, QemuError> {
        // Folders first: a machine that ends between the two looks has stopped,
        // and one that begins is seen by its process.
        let entries = self.folders.list()?;
        let mut seen = BTreeMap::new();
        for Entry { id, path, trash } in entries {
            let ran = !trash && Folder::at(path).has_run();
            let observed = if ran { Observed::Stopped } else { Observed::Partial };
            seen.entry(id).and_modify(|it| *it = observed.max(*it)).or_insert(observed);
        }
        for found in find(self.folders.root()).await? {
            let Ok(id) = found.machine.parse::<AttemptId>() else { continue };
            let observed = if found.is_guest { Observed::Running } else { Observed::Partial };
            seen.entry(id).and_modify(|it| *it = observed.max(*it)).or_insert(observed);
        }
        Ok(seen.into_iter().map(|(id, observed)| Machine { id, observed }).collect())
    }
}

/// Makes the bridge, if there is to be one; and says which network it is.
async fn connect(config: &QemuConfig) -> Result<(Option<Bridge>, String), HypervisorError> {
    let (told, required) = match &config.network {
        Network::User => return Ok((None, "the user network".to_owned())),
        Network::Bridge(told) => (told, true),
        Network::Auto(told) => (told, false),
    };
    match Bridge::open(&config.host, config.state_dir.clone(), told).await {
        Ok(bridge) => {
            let network = format!("the bridge {}", bridge.describe());
            Ok((Some(bridge), network))
        }
        Err(error) if required => {
            let remedy = "give the orchestrator CAP_NET_ADMIN, or configure `network \"user\"`";
            Err(unusable(format!("machines get no bridge: {}", describe(&error)), remedy))
        }
        Err(error) => {
            Ok((None, format!("the user network, for want of a bridge: {}", describe(&error))))
        }
    }
}

/// Checks that each image can boot here, and does what takes long before there are jobs.
async fn check_images(
    config: &QemuConfig,
    disks: &Disks,
    images: &[VerifiedImage],
) -> Result<(), HypervisorError> {
    let uefi =
        |image: &VerifiedImage| matches!(image.boot, Boot::Disk { firmware: Firmware::Uefi, .. });
    if images.iter().any(uefi) {
        firmware::find(config.uefi.as_ref())
            .map_err(|error| unusable(describe(&error), firmware::INSTALL))?;
    }
    for image in images {
        let golden = disks.golden(image).await;
        golden.map_err(|error| {
            let what = format!("the disk of {}: {}", image.name, describe(&error));
            unusable(what, "see to the image, and to the room below the state directory")
        })?;
    }
    Ok(())
}

#[async_trait]
impl Hypervisor for QemuHypervisor {
    fn name(&self) -> &'static str {
        "qemu"
    }

    async fn observe(&self) -> Result<Vec<Machine>, HypervisorError> {
        if let Some(bridge) = &self.bridge {
            let remedy = "see who changes the host's network";
            let kept = bridge.keep_up().await;
            kept.map_err(|error| unusable(describe(&error), remedy))?;
        }
        let remedy = "see to it that this user can read the state directory and /proc";
        self.look().await.map_err(|error| unusable(describe(&error), remedy))
    }

    async fn ensure(&self, spec: &MachineSpec) -> Result<(), HypervisorError> {
        let failed = |error: QemuError| error.of("make", spec.id);
        let folder = self.folder(spec.id);
        if self.guest(spec.id).await.map_err(failed)?.is_some() || folder.has_run() {
            return Ok(());
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
        let folder = self.folder(id);
        if !folder.exists() {
            return Err(HypervisorError::Absent { id });
        }
        let path = folder.console();
        let limit = CONSOLE_PIECE.min(limit as u64);
        let read = tokio::task::spawn_blocking(move || {
            read_piece(&path, from, limit).map_err(QemuError::file("read", &path))
        });
        let read = read.await.expect("reading does not panic");
        let bytes = read.map_err(|error| error.of("read the console of", id))?;
        let next = from + bytes.len() as u64;
        Ok(Console { bytes, next })
    }

    async fn stopped(&self, id: AttemptId) -> Result<(), HypervisorError> {
        let failed = |error: QemuError| error.of("watch", id);
        let Some(guest) = self.guest(id).await.map_err(failed)? else { return Ok(()) };
        let folder = self.folder(id);
        let end = until_stopped(&guest, &folder.qmp()).await;
        match end.map_err(QemuError::file("watch", folder.path())).map_err(failed)? {
            End::Ended | End::Broken => Ok(()),
            End::NoDiskSpace => {
                let what = format!("no disk space is left for {}", folder.overlay());
                Err(HypervisorError::NoRoom { what })
            }
        }
    }

    fn boot_limit(&self) -> Duration {
        match self.verdict.engine {
            Engine::Kvm => Duration::from_secs(60),
            Engine::Tcg => Duration::from_secs(180),
        }
    }
}

/// A part of a file; empty if there is no file yet.
fn read_piece(path: &Utf8Path, from: u64, limit: u64) -> std::io::Result<Bytes> {
    let mut file = match std::fs::File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Bytes::new()),
        other => other?,
    };
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// An error with its causes, on one line.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!(": {cause}");
        source = cause.source();
    }
    text
}
