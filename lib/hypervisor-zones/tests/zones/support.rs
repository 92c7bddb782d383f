//! A simulated host with golden images, and what is there seen past the backend.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use camino::{Utf8Path, Utf8PathBuf};
use illumos_host::command::links::Class;
use illumos_host::command::zone::Variant;
use illumos_host::faults::{self, Call};
use illumos_host::guest;
use serde_json::json;
use solstice_hypervisor::conformance::{Backend, Guest};
use solstice_hypervisor::{Hypervisor as _, MachineSpec};
use solstice_hypervisor_zones::{Brand, ZonesConfig, ZonesHypervisor};
use solstice_image::{Lock, VerifiedImage};
use solstice_model::id::new_id;
use solstice_model::{AttemptId, Sha256Digest, Token};

/// The backend's dataset.
pub(crate) const DATASET: &str = "rpool/solstice";
/// Another host on this computer, by the hash of its name.
const STRANGER: &str = "deadbeef";
/// A machine of another host's.
const STRANGE_ID: &str = "018f0000-0000-7000-8000-000000000002";
/// The size of the tiny guests' disks.
const DISK_BYTES: u64 = 1 << 20;

/// The simulated host that this process is in.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) brand: Brand,
    pub(crate) host: &'static str,
}

impl World {
    /// Runs the calling test again inside a new simulated host; there it gives
    /// the world.
    pub(crate) fn of_this_test() -> Option<Self> {
        let thread = std::thread::current();
        let name = thread.name().expect("a test's thread bears its name");
        illumos_host::enter::this_test(name)?;
        Some(Self::here())
    }

    /// The world that this process was born into.
    pub(crate) fn here() -> Self {
        Self { brand: Brand::OmniOs, host: "moon" }
    }

    /// The same computer as another brand's.
    pub(crate) fn openindiana(self) -> Self {
        illumos_host::World::with(illumos_host::state_dir(), |world| {
            world.zones.brand = Variant::Openindiana;
        })
        .unwrap();
        Self { brand: Brand::OpenIndiana, ..self }
    }

    pub(crate) fn state_dir(&self) -> Utf8PathBuf {
        illumos_host::state_dir().join("hosts").join(self.host)
    }

    fn machines(&self) -> Utf8PathBuf {
        self.state_dir().join("machines")
    }

    pub(crate) fn config(&self) -> ZonesConfig {
        ZonesConfig {
            dataset: DATASET.parse().unwrap(),
            host: self.host.parse().unwrap(),
            state_dir: self.state_dir(),
            network: ZonesConfig::NETWORK,
            brand: self.brand,
            endpoint_file: self.state_dir().join("agent-endpoint"),
            capture: vec![env!("CARGO_BIN_EXE_solstice-console").to_owned()],
            reserve: false,
        }
    }

    pub(crate) async fn open(&self) -> ZonesHypervisor {
        ZonesHypervisor::open(self.config(), &[]).await.unwrap()
    }

    /// The image of a guest, imported once.
    pub(crate) fn image(&self, guest: guest::Guest) -> VerifiedImage {
        let folder = illumos_host::state_dir().join(format!("images/{guest:?}"));
        let path = folder.join("image.lock");
        if !path.exists() {
            std::fs::create_dir_all(&folder).unwrap();
            let disk = guest::disk(guest, &text());
            write_image(&folder, &disk);
            import(&disk);
        }
        Lock::read(path).unwrap().verify().unwrap()
    }

    pub(crate) fn spec_of(&self, image: VerifiedImage) -> MachineSpec {
        let token = Token::generate();
        MachineSpec { id: new_id(), image, cpus: 1, memory_mib: 64, disk_mib: 0, token }
    }

    pub(crate) fn tiny(&self, guest: guest::Guest) -> MachineSpec {
        self.spec_of(self.image(guest))
    }

    /// Everything of any host, a line each.
    fn all(&self) -> BTreeSet<String> {
        let mut all = datasets();
        all.extend(links());
        all.extend(zones());
        for entry in self.machines().read_dir_utf8().into_iter().flatten() {
            all.insert(format!("folder {}", entry.unwrap().path()));
        }
        all.extend(processes());
        all
    }
}

/// What the guests that print something print.
pub(crate) fn text() -> Vec<u8> {
    (0..100).flat_map(|n| format!("line {n:02} of the guest\r\n").into_bytes()).collect()
}

/// Runs a command of the host as root.
pub(crate) fn as_root(words: &[&str]) -> String {
    let ran = Command::new("illumos-host").arg("as-root").args(words).output().unwrap();
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{words:?}: {stderr}");
    String::from_utf8(ran.stdout).unwrap()
}

/// Every command line that was called so far, by the programs' names.
pub(crate) fn journal() -> Vec<String> {
    let calls = faults::journal(illumos_host::state_dir()).unwrap();
    calls.into_iter().map(|Call { argv, .. }| argv.join(" ")).collect()
}

/// Waits until the guest has printed its text, and printed it once.
pub(crate) async fn complete(hypervisor: &ZonesHypervisor, id: AttemptId) {
    let begun = Instant::now();
    loop {
        let console = hypervisor.console(id, 0, usize::MAX).await.unwrap().bytes;
        if console.len() >= text().len() {
            assert_eq!(console, text());
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "the guest printed only {console:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn write_image(folder: &Utf8Path, disk: &[u8]) {
    std::fs::write(folder.join("disk.raw"), disk).unwrap();
    let lock = json!({
        "name": "tiny",
        "files": {"disk": {
            "path": "disk.raw",
            "sha256": Sha256Digest::of(disk),
            "bytes": disk.len(),
            "format": "raw",
        }},
        "boot": {"kind": "disk", "firmware": "bios", "seed": "no_cloud"},
    });
    std::fs::write(folder.join("image.lock"), lock.to_string()).unwrap();
}

/// Imports a disk as `ciadm image import` does.
fn import(disk: &[u8]) {
    let digest = Sha256Digest::of(disk);
    let volume = format!("{DATASET}/images/{}", &digest.hex()[..32]);
    as_root(&["zfs", "create", "-s", "-V", &DISK_BYTES.to_string(), &volume]);
    let device = std::fs::OpenOptions::new().write(true).open(format!("/dev/zvol/rdsk/{volume}"));
    std::io::Write::write_all(&mut device.unwrap(), disk).unwrap();
    let mark = format!("org.solstice:sha256=sha256:{}", digest.hex());
    as_root(&["zfs", "snapshot", "-o", &mark, &format!("{volume}@golden")]);
}

/// Clones and zones' file systems, with their marks.
fn datasets() -> BTreeSet<String> {
    let columns = "name,org.solstice:host,org.solstice:attempt,org.solstice:slot";
    let all =
        as_root(&["zfs", "list", "-H", "-t", "filesystem,volume", "-o", columns, "-r", DATASET]);
    let below = [format!("{DATASET}/jobs/"), format!("{DATASET}/zones/")];
    let ours = all.lines().filter(|line| below.iter().any(|it| line.starts_with(it)));
    ours.map(|line| format!("dataset {line}")).collect()
}

/// Links and addresses.
fn links() -> BTreeSet<String> {
    illumos_host::World::with(illumos_host::state_dir(), |world| {
        let links = world.links.links.iter().map(|(name, link)| match &link.class {
            Class::Vnic { over, .. } => format!("link {name} over {over}"),
            Class::Etherstub => format!("link {name}"),
        });
        let interfaces = world.links.interfaces.keys().map(|name| format!("interface {name}"));
        links.chain(interfaces).collect()
    })
    .unwrap()
}

fn zones() -> BTreeSet<String> {
    let listed = as_root(&["zoneadm", "list", "-cnp"]);
    // The id, which a zone loses when it halts, is of no interest.
    listed.lines().filter_map(|line| Some(format!("zone {}", line.split_once(':')?.1))).collect()
}

/// The processes of machines: captures, consoles, guests. One that is about to
/// end is given a moment.
fn processes() -> BTreeSet<String> {
    let ours = std::process::id().to_string();
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir("/proc").unwrap() {
        let path = Utf8PathBuf::try_from(entry.unwrap().path()).unwrap();
        let is_other =
            path.file_name().is_some_and(|name| name.parse::<u32>().is_ok() && name != ours);
        let line = std::fs::read(path.join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if is_other && line.contains("solstice-") && !line.contains("--exact") {
            found.insert(format!("process {path} {line}"));
        }
    }
    found
}

#[async_trait]
impl Backend for World {
    type Handle = ZonesHypervisor;

    async fn handle(&self) -> ZonesHypervisor {
        self.open().await
    }

    fn spec(&self, guest: Guest) -> MachineSpec {
        self.tiny(match guest {
            Guest::Talks => guest::Guest::Talks,
            Guest::PowersOff => guest::Guest::PowersOff,
            Guest::Silent => guest::Guest::Silent,
        })
    }

    fn spec_of_changed_image(&self) -> MachineSpec {
        let spec = self.tiny(guest::Guest::Echoes);
        let golden = format!("{DATASET}/images/{}@golden", &spec.image.disk.sha256.hex()[..32]);
        let other = format!("org.solstice:sha256=sha256:{}", "0".repeat(64));
        as_root(&["zfs", "set", &other, &golden]);
        spec
    }

    fn text(&self) -> Vec<u8> {
        text()
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(60)
    }

    /// Each destroy runs some fifteen commands, each of them two programs here;
    /// asking the guest would take half an hour.
    fn destroy_limit(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// Another host's machine on the same dataset, a zone, links and volumes
    /// that look like ours and have another mark, or none, or one that was inherited.
    async fn add_foreign(&self) {
        drop(self.open().await);
        let jobs = format!("{DATASET}/jobs");
        let golden = self.image(guest::Guest::Talks).disk.sha256.hex();
        let golden = format!("{DATASET}/images/{}@golden", &golden[..32]);
        as_root(&["zfs", "set", "org.solstice:host=moon", &jobs]);
        as_root(&["zfs", "set", "org.solstice:slot=0", &jobs]);
        let attempt = format!("org.solstice:attempt={STRANGE_ID}");
        let clone = format!("{jobs}/{STRANGE_ID}");
        let marks = ["-o", "org.solstice:host=mars", "-o", &attempt, "-o", "org.solstice:slot=0"];
        let words = [&["zfs", "clone"], &marks[..], &[&golden, &clone]].concat();
        as_root(&words);
        as_root(&["zfs", "clone", &golden, &format!("{jobs}/{}", STRANGE_ID.replace('2', "3"))]);
        as_root(&["zfs", "create", "-s", "-V", "1M", &format!("{jobs}/backup")]);
        let stub = format!("sci_{STRANGER}_stub0");
        as_root(&["dladm", "create-etherstub", "-t", &stub]);
        for vnic in [format!("sci_{STRANGER}_guest0"), "sci_9e78b43e_guest1".to_owned()] {
            as_root(&["dladm", "create-vnic", "-t", "-l", &stub, &vnic]);
        }
        let zone = format!("solstice-{STRANGER}-{STRANGE_ID}");
        let path = format!("set zonepath=/zones/{STRANGE_ID}");
        as_root(&["zonecfg", "-z", &zone, &format!("create -b; {path}; set brand=bhyve")]);
        let strange = self.machines().join(STRANGE_ID);
        std::fs::create_dir(&strange).unwrap();
        let note = json!({"host": "mars", "id": STRANGE_ID, "slot": 0});
        std::fs::write(strange.join("machine.json"), note.to_string()).unwrap();
        std::fs::create_dir(self.machines().join("lost+found")).unwrap();
        std::fs::write(self.foreign_list(), self.all().into_iter().collect::<Vec<_>>().join("\n"))
            .unwrap();
    }

    async fn foreign(&self) -> Vec<String> {
        let all = self.all();
        let known = std::fs::read_to_string(self.foreign_list()).unwrap_or_default();
        known.lines().filter(|line| all.contains(*line)).map(str::to_owned).collect()
    }

    async fn leftovers(&self) -> Vec<String> {
        let foreign = self.foreign().await;
        let begun = Instant::now();
        loop {
            let all = self.all();
            let left: Vec<_> = all.into_iter().filter(|it| !foreign.contains(it)).collect();
            // What was told to end may need a moment for it.
            let only_processes = left.iter().all(|line| line.starts_with("process"));
            if left.is_empty() || !only_processes || begun.elapsed() > Duration::from_secs(2) {
                return left;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl World {
    /// Where it is written down what somebody else put here.
    fn foreign_list(&self) -> Utf8PathBuf {
        illumos_host::state_dir().join("foreign")
    }
}
