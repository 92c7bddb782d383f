//! The backend itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use camino::{Utf8Path, Utf8PathBuf};
use solstice_hypervisor::folders::{Entry, Folders};
use solstice_hypervisor::{Console, Hypervisor, HypervisorError, Machine, MachineSpec};
use solstice_illumos::zone::{self, State, ZoneName};
use solstice_image::VerifiedImage;
use solstice_model::{AttemptId, Observed};
use tokio::time::Instant;

use crate::brand::Hardware;
use crate::capture::client::{Captures, end, ended};
use crate::claim::Clones;
use crate::config::{ZonesConfig, unusable};
use crate::doors::Doors;
use crate::error::{ZonesError, describe};
use crate::folder::{Folder, Note, noted_slot};
use crate::golden::{self, Golden};
use crate::guest::{self, Plan, Seen};
use crate::links::{self, Addresses};
use crate::network::{HostMark, LinkNames, Slot};
use crate::place::{WRITABLE, check_datasets, open_state_dir};
use crate::seed::{self, disk_of};

/// The most of a console that one call reads into memory.
const CONSOLE_PIECE: u64 = 4 * 1024 * 1024;
/// The time in which a console's capture is not started more than once.
const RESTART_PAUSE: Duration = Duration::from_millis(200);
/// How long the console of a zone that has stopped may take to end.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Machines by bhyve zones.
#[derive(Debug)]
pub struct ZonesHypervisor {
    config: ZonesConfig,
    mark: HostMark,
    folders: Folders,
    clones: Clones,
    captures: Captures,
    doors: Doors,
    /// Where the zones' file systems are mounted.
    zones: Utf8PathBuf,
}

impl ZonesHypervisor {
    /// Checks that machines of these images can be made here, and takes up the
    /// doors and the consoles of those that run.
    ///
    /// # Errors
    ///
    /// [`HypervisorError::Unusable`] with the remedy, [`HypervisorError::Image`]
    /// if an image was not imported or is not what its lock says.
    pub async fn open(
        mut config: ZonesConfig,
        images: &[VerifiedImage],
    ) -> Result<Self, HypervisorError> {
        config.check()?;
        config.state_dir = open_state_dir(&config.state_dir)?;
        let zones = check_datasets(&config.dataset).await?;
        let remedy = "give it a shorter name";
        let jobs = config.dataset.child("jobs").map_err(|e| unusable(e.to_string(), remedy))?;
        let folders = Folders::open(&config.state_dir, config.host.clone());
        let hypervisor = Self {
            mark: HostMark::of(&config.host),
            folders: folders.map_err(|error| unusable(describe(&error), WRITABLE))?,
            clones: Clones::new(jobs, config.host.clone(), config.network, config.reserve),
            captures: Captures { program: config.capture.clone() },
            doors: Doors::new(config.endpoint_file.clone()),
            zones,
            config,
        };
        for image in images {
            hypervisor.check_image(image).await?;
        }
        let taken_up = hypervisor.take_up().await;
        let remedy =
            "let this user list datasets and zones, and let nobody else use those addresses";
        taken_up.map_err(|error| unusable(describe(&error), remedy))?;
        Ok(hypervisor)
    }

    async fn check_image(&self, image: &VerifiedImage) -> Result<(), HypervisorError> {
        disk_of(image).map_err(|error| {
            unusable(format!("{}: {error}", image.name), "use an image that boots from its disk")
        })?;
        match golden::find(&self.config.dataset, image).await {
            Ok(_) => Ok(()),
            Err(ZonesError::Image(source)) => Err(HypervisorError::Image(source)),
            Err(error) => Err(unusable(describe(&error), "import the image again")),
        }
    }

    /// Opens the doors of the machines that run, and captures consoles whose
    /// capture was ended.
    async fn take_up(&self) -> Result<(), ZonesError> {
        let claims = self.clones.ours().await?;
        let zones = zone::list().await.map_err(ZonesError::system("list", "zones"))?.zones;
        let running = zones.iter().filter(|zone| zone.state == Some(State::Running));
        let running: Vec<_> = running.filter_map(|it| guest::id_of(&self.mark, &it.name)).collect();
        let running = claims.iter().filter(|claim| running.contains(&claim.id));
        let all = running.map(|claim| async {
            // Whoever waits for its end is told if it cannot be captured.
            let _broken = self.attach(claim.id).await;
            self.doors.open(claim.id, self.addresses(claim.slot)).await
        });
        futures::future::try_join_all(all).await.map(drop)
    }

    /// Sees to it that a machine's console is captured, if it has a folder.
    async fn attach(&self, id: AttemptId) -> Result<(), ZonesError> {
        let folder = self.folder(id);
        if !folder.exists() {
            return Ok(());
        }
        self.captures.attach(&self.zone(id), &folder).await
    }

    fn folder(&self, id: AttemptId) -> Folder {
        Folder::at(self.folders.path(id))
    }

    fn zone(&self, id: AttemptId) -> ZoneName {
        guest::name(&self.mark, id)
    }

    async fn make(&self, spec: &MachineSpec) -> Result<(), ZonesError> {
        if guest::state(&self.zone(spec.id)).await? == Seen::State(State::Running) {
            return self.keep(spec.id).await;
        }
        if self.folder(spec.id).has_run() {
            return Ok(());
        }
        check_size(spec)?;
        let golden = golden::find(&self.config.dataset, &spec.image).await?;
        let agent = seed::read_agent(spec.image.agent.clone()).await?;
        self.build(spec, &golden, agent).await
    }

    /// Completes what a crash left of a machine that runs.
    async fn keep(&self, id: AttemptId) -> Result<(), ZonesError> {
        self.attach(id).await?;
        if let Some(claim) = self.clones.ours().await?.iter().find(|claim| claim.id == id) {
            self.doors.open(id, self.addresses(claim.slot)).await?;
        }
        match self.folder(id) {
            folder if folder.exists() => folder.mark_started(),
            _ => Ok(()),
        }
    }

    /// Makes what is missing of a machine that has never run, and boots it.
    async fn build(
        &self,
        spec: &MachineSpec,
        golden: &Golden,
        agent: Option<Vec<u8>>,
    ) -> Result<(), ZonesError> {
        let id = spec.id;
        let bytes = golden.bytes.max(u64::from(spec.disk_mib) << 20);
        let slot = self.clones.claim(id, golden, bytes).await?;
        let addresses = self.addresses(slot);
        let folder = Folder::at(self.folders.claim(id, &Note::of(spec, slot))?);
        folder.write_seed(&seed::make(spec, addresses, agent).await?)?;
        let links = LinkNames::of(&self.mark, slot);
        links::make(&links, addresses).await?;
        self.plan(spec, &links, &folder.seed())?.install().await?;
        self.doors.open(id, addresses).await?;
        let zone = self.zone(id);
        self.captures.attach(&zone, &folder).await?;
        guest::boot(&zone).await?;
        folder.mark_started()
    }

    fn addresses(&self, slot: Slot) -> Addresses {
        let network = self.config.network;
        Addresses { host: network.host(slot), guest: network.guest(slot), mac: slot.mac() }
    }

    fn plan<'a>(
        &'a self,
        spec: &MachineSpec,
        links: &'a LinkNames,
        seed: &'a Utf8Path,
    ) -> Result<Plan<'a>, ZonesError> {
        let (firmware, _format) = disk_of(&spec.image)?;
        Ok(Plan {
            name: self.zone(spec.id),
            path: self.zones.join(spec.id.to_string()),
            brand: self.config.brand,
            host: &self.config.host,
            hardware: Hardware {
                id: spec.id,
                cpus: spec.cpus,
                memory_mib: spec.memory_mib,
                firmware,
                disk: self.clones.volume(spec.id)?,
            },
            links,
            seed,
        })
    }

    /// Removes a machine, the clone last: until then it is known whose the rest is.
    async fn remove(&self, id: AttemptId) -> Result<(), ZonesError> {
        let claims = self.clones.all().await?;
        let claim = claims.iter().find(|claim| claim.id == id);
        if claim.is_some_and(|claim| claim.host != self.config.host.as_str()) {
            return Err(ZonesError::Foreign { object: self.clones.volume(id)?.to_string() });
        }
        let entry = self.folders.list()?.into_iter().find(|it| it.id == id && !it.trash);
        let slot = match claim {
            Some(claim) => Some(claim.slot),
            // Without a clone the network may be another machine's of ours by now.
            None => entry.as_ref().and_then(noted_slot).filter(|slot| {
                let mut ours = claims.iter().filter(|it| it.host == self.config.host.as_str());
                !ours.any(|claim| claim.slot == *slot)
            }),
        };
        let zone = self.zone(id);
        guest::halt(&zone).await?;
        self.doors.close(id);
        // Held until the folder is gone, so that no capture begins in it.
        let (_lock, (), ()) = tokio::try_join!(
            self.end_capture(&zone, entry),
            guest::remove(&zone),
            self.remove_links(slot),
        )?;
        self.folders.discard(id)?;
        self.folders.remove_trash(id)?;
        match claim {
            Some(_) => self.clones.release(id).await,
            None => Ok(()),
        }
    }

    async fn end_capture(
        &self,
        zone: &ZoneName,
        entry: Option<Entry>,
    ) -> Result<Option<File>, ZonesError> {
        match entry {
            Some(entry) => end(zone, &Folder::at(entry.path)).await.map(Some),
            None => Ok(None),
        }
    }

    async fn remove_links(&self, slot: Option<Slot>) -> Result<(), ZonesError> {
        match slot {
            Some(slot) => links::remove(&LinkNames::of(&self.mark, slot)).await,
            None => Ok(()),
        }
    }

    async fn look(&self) -> Result<Vec<Machine>, ZonesError> {
        // Zones last: a machine that begins or ends between two looks is seen
        // by its clone and its folder in any case.
        let mut seen = BTreeMap::new();
        let mut add = |id, observed: Observed| {
            let known = seen.entry(id).or_insert(observed);
            *known = observed.max(*known);
        };
        for claim in self.clones.ours().await? {
            add(claim.id, Observed::Partial);
        }
        for Entry { id, path, trash } in self.folders.list()? {
            let ran = !trash && Folder::at(path).has_run();
            add(id, if ran { Observed::Stopped } else { Observed::Partial });
        }
        let zones = zone::list().await.map_err(ZonesError::system("list", "zones"))?;
        for zone in &zones.zones {
            if let Some(id) = guest::id_of(&self.mark, &zone.name) {
                let runs = zone.state == Some(State::Running);
                add(id, if runs { Observed::Running } else { Observed::Partial });
            }
        }
        Ok(seen.into_iter().map(|(id, observed)| Machine { id, observed }).collect())
    }

    /// Resolves when the zone does not run and its console is complete. A
    /// capture that ends while the zone runs was killed: another takes its place.
    async fn until_stopped(&self, id: AttemptId) -> Result<(), ZonesError> {
        let (zone, folder) = (self.zone(id), self.folder(id));
        while guest::state(&zone).await?.is_up() {
            let begun = Instant::now();
            match self.attach(id).await {
                Ok(()) => ended(&folder).await,
                // The machine may just be being destroyed.
                Err(_) if !guest::state(&zone).await?.is_up() => break,
                Err(error) => return Err(error),
            }
            // One that ends again and again, or has no folder, is no reason to spin.
            if begun.elapsed() < RESTART_PAUSE {
                tokio::time::sleep(RESTART_PAUSE).await;
            }
        }
        // A zone that is stuck on its way down never lets its console go.
        let _stuck = tokio::time::timeout(LAST_WORDS, ended(&folder)).await;
        Ok(())
    }
}

fn check_size(spec: &MachineSpec) -> Result<(), ZonesError> {
    let what = match (spec.cpus, spec.memory_mib) {
        (0, _) => "no processor",
        (_, 0) => "no memory",
        _ => return Ok(()),
    };
    Err(ZonesError::Size { what: what.to_owned() })
}

#[async_trait]
impl Hypervisor for ZonesHypervisor {
    fn name(&self) -> &'static str {
        "zones"
    }

    async fn observe(&self) -> Result<Vec<Machine>, HypervisorError> {
        let remedy = "see to it that this user can list datasets and zones";
        self.look().await.map_err(|error| unusable(describe(&error), remedy))
    }

    async fn ensure(&self, spec: &MachineSpec) -> Result<(), HypervisorError> {
        self.make(spec).await.map_err(|error| error.of("make", spec.id))
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
        let limit = CONSOLE_PIECE.min(limit as u64);
        let read = tokio::task::spawn_blocking(move || {
            let path = folder.console();
            read_piece(&path, from, limit).map_err(ZonesError::file("read", &path))
        });
        let read = read.await.expect("reading does not panic");
        let bytes = read.map_err(|error| error.of("read the console of", id))?;
        let next = from + bytes.len() as u64;
        Ok(Console { bytes, next })
    }

    async fn stopped(&self, id: AttemptId) -> Result<(), HypervisorError> {
        self.until_stopped(id).await.map_err(|error| error.of("watch", id))
    }

    /// bhyve needs the processor's own virtualisation, so a guest boots at full
    /// speed: firmware, a general purpose distribution and its first-boot
    /// services, from a disk that other machines read as well.
    fn boot_limit(&self) -> Duration {
        Duration::from_secs(120)
    }
}

/// A part of a file; empty if there is no file yet.
fn read_piece(path: &Utf8Path, from: u64, limit: u64) -> io::Result<Bytes> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Bytes::new()),
        other => other?,
    };
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}
