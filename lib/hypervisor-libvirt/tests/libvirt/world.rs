//! A world for one test: a network namespace, a libvirtd, a state directory,
//! images of tiny guests, and a look past the backend at what exists.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::Duration;

use async_trait::async_trait;
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;
use solstice_hypervisor::MachineSpec;
use solstice_hypervisor::conformance::{Backend, Guest};
use solstice_hypervisor_libvirt::{Accelerator, LibvirtConfig, LibvirtHypervisor};
use solstice_image::{Lock, VerifiedImage};
use solstice_model::id::new_id;
use solstice_model::{Sha256Digest, Token};
use virt::connect::Connect;
use virt::domain::Domain;

use crate::daemon::Daemon;
use crate::namespace;
use crate::tiny::{Tiny, text};

/// Names of domains that are not ours.
const STRANGERS: [&str; 2] = ["solstice-moon-77", "solstice-mars-2"];

/// A host of its own.
pub(crate) struct World {
    pub(crate) daemon: Daemon,
    root: tempfile::TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        namespace::enter();
        Self::at(tempfile::tempdir().unwrap())
    }

    /// One whose state directory has room for 16 MiB; for tests with one thread.
    pub(crate) async fn with_little_room() -> Self {
        namespace::enter();
        let root = tempfile::tempdir().unwrap();
        namespace::mount_little_room(&root.path().join("state"));
        Self::at(root)
    }

    fn at(root: tempfile::TempDir) -> Self {
        let daemon = Daemon::start(&Utf8Path::from_path(root.path()).unwrap().join("libvirt"));
        Self { daemon, root }
    }

    pub(crate) fn path(&self) -> &Utf8Path {
        Utf8Path::from_path(self.root.path()).unwrap()
    }

    pub(crate) fn state_dir(&self) -> Utf8PathBuf {
        self.path().join("state")
    }

    pub(crate) fn machines(&self) -> Utf8PathBuf {
        self.state_dir().join("machines")
    }

    pub(crate) fn endpoint_file(&self) -> Utf8PathBuf {
        self.path().join("endpoint")
    }

    pub(crate) fn config(&self) -> LibvirtConfig {
        let host = "moon".parse().unwrap();
        let mut config = LibvirtConfig::new(self.state_dir(), host, self.endpoint_file());
        config.uri = self.daemon.uri();
        config.accelerator = Accelerator::Tcg;
        config
    }

    pub(crate) async fn open(&self) -> LibvirtHypervisor {
        let opened = LibvirtHypervisor::open(self.config()).await;
        opened.unwrap_or_else(|error| panic!("{error}"))
    }

    /// A connection past the backend.
    pub(crate) fn connect(&self) -> Connect {
        Connect::open(Some(&self.daemon.uri())).unwrap()
    }

    /// The image of a tiny guest.
    pub(crate) fn image(&self, tiny: Tiny) -> VerifiedImage {
        let folder = self.path().join(format!("images,{tiny:?}"));
        if !folder.exists() {
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("kernel"), tiny.kernel()).unwrap();
            make_disk(&folder.join("disk.qcow2"));
        }
        lock(&folder, "tiny guest", &["kernel", "disk.qcow2"])
    }

    pub(crate) fn spec_of(&self, image: VerifiedImage) -> MachineSpec {
        let token = Token::generate();
        MachineSpec { id: new_id(), image, cpus: 1, memory_mib: 32, disk_mib: 2, token }
    }

    pub(crate) fn tiny(&self, tiny: Tiny) -> MachineSpec {
        self.spec_of(self.image(tiny))
    }

    /// What looks like a machine's folder: with a wrong name, or another owner.
    fn foreign_folders(&self) -> [Utf8PathBuf; 3] {
        let id = "018f0000-0000-7000-8000-00000000000";
        [
            self.machines().join("lost+found"),
            self.machines().join(format!("{id}1.bak")),
            self.machines().join(format!("{id}2")),
        ]
    }

    fn add_stranger(&self, name: &str, metadata: &str) {
        let kernel = self.image(Tiny::Silent).kernel.unwrap().path;
        let document = format!(
            "<domain type='qemu'><name>{name}</name><memory unit='MiB'>16</memory>\
             <metadata>{metadata}</metadata>\
             <os><type arch='x86_64'>hvm</type><kernel>{kernel}</kernel></os>\
             <features><acpi/></features></domain>"
        );
        Domain::create_xml(&self.connect(), &document, 0).unwrap();
    }

    fn domains(&self) -> Vec<String> {
        let domains = self.connect().list_all_domains(0).unwrap();
        let mut names: Vec<_> = domains.iter().map(|domain| domain.get_name().unwrap()).collect();
        names.sort();
        names
    }
}

#[async_trait]
impl Backend for World {
    type Handle = LibvirtHypervisor;

    async fn handle(&self) -> LibvirtHypervisor {
        self.open().await
    }

    fn spec(&self, guest: Guest) -> MachineSpec {
        self.tiny(match guest {
            Guest::Talks => Tiny::Talks,
            Guest::PowersOff => Tiny::PowersOff,
            Guest::Silent => Tiny::Silent,
        })
    }

    fn spec_of_changed_image(&self) -> MachineSpec {
        let spec = self.tiny(Tiny::Talks);
        std::fs::write(&spec.image.kernel.as_ref().unwrap().path, Tiny::PowersOff.kernel())
            .unwrap();
        spec
    }

    fn text(&self) -> Vec<u8> {
        text()
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// libvirt takes a guest's filter away by fifty programs, one machine after the other.
    fn destroy_limit(&self) -> Duration {
        Duration::from_secs(5)
    }

    /// Folders with wrong names or another owner; a domain with a name like ours
    /// and no mark, and one with the mark of another host.
    async fn add_foreign(&self) {
        drop(self.open().await);
        for folder in self.foreign_folders() {
            std::fs::create_dir(&folder).unwrap();
            let intent = json!({
                "host": "mars", "id": "018f0000-0000-7000-8000-000000000002", "slot": 2,
                "image": "x", "disk": Sha256Digest::of(b""), "cpus": 1, "memory_mib": 1,
                "disk_mib": 1,
            });
            std::fs::write(folder.join("machine.json"), intent.to_string()).unwrap();
        }
        std::fs::write(self.machines().join("018f0000-0000-7000-8000-000000000003"), "").unwrap();
        self.add_stranger(STRANGERS[0], "");
        self.add_stranger(
            STRANGERS[1],
            "<m:machine xmlns:m='urn:solstice-ci:libvirt:1' host='mars' \
             id='018f0000-0000-7000-8000-000000000004' slot='2'/>",
        );
    }

    async fn foreign(&self) -> Vec<String> {
        let folders =
            self.foreign_folders().into_iter().filter(|it| it.join("machine.json").exists());
        let mut all: Vec<_> = folders.map(String::from).collect();
        let file = self.machines().join("018f0000-0000-7000-8000-000000000003");
        all.extend(file.is_file().then(|| file.into_string()));
        all.extend(self.domains().into_iter().filter(|name| STRANGERS.contains(&name.as_str())));
        all
    }

    async fn leftovers(&self) -> Vec<String> {
        let foreign = self.foreign().await;
        let entries = self.machines().read_dir_utf8().into_iter().flatten();
        let mut all: Vec<_> = entries.map(|entry| entry.unwrap().path().to_string()).collect();
        all.extend(self.domains());
        all.retain(|one| !foreign.contains(one));
        let processes = processes_of(&self.state_dir());
        all.extend(processes.into_iter().map(|(pid, line)| format!("process {pid}: {line}")));
        let cards = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap();
        let cards = cards.lines().filter_map(|line| line.split_once(':'));
        all.extend(
            cards.map(|(name, _)| name.trim().to_owned()).filter(|it| it.starts_with("vnet")),
        );
        all.sort();
        all
    }
}

/// Every process that names this directory in its arguments or environment.
pub(crate) fn processes_of(state_dir: &Utf8Path) -> BTreeMap<u32, String> {
    let needle = format!("{state_dir}/");
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        let pid = path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
        let Some(pid) = pid.filter(|pid| *pid != std::process::id()) else { continue };
        let read = |name: &str| {
            String::from_utf8_lossy(&std::fs::read(path.join(name)).unwrap_or_default())
                .into_owned()
        };
        let line = read("cmdline");
        if line.contains(&needle) || read("environ").contains(&needle) {
            found.insert(pid, line.replace('\0', " "));
        }
    }
    found
}

/// Writes a lock for these files of a folder (kernel, perhaps initrd, disk) and verifies it.
pub(crate) fn lock(folder: &Utf8Path, cmdline: &str, files: &[&str]) -> VerifiedImage {
    let entry = |name: &str| {
        let content = std::fs::read(folder.join(name)).unwrap();
        json!({"path": name, "sha256": Sha256Digest::of(&content), "bytes": content.len()})
    };
    let mut locked = json!({"kernel": entry(files[0]), "disk": entry(files[files.len() - 1])});
    if files.len() == 3 {
        locked["initrd"] = entry(files[1]);
    }
    let text = json!({
        "name": "test",
        "files": locked,
        "boot": {"kind": "direct_kernel", "cmdline": cmdline},
    });
    let path = folder.join("image.lock");
    std::fs::write(&path, text.to_string()).unwrap();
    Lock::read(path).unwrap().verify().unwrap()
}

/// Makes a disk of 1 MiB.
pub(crate) fn make_disk(path: &Utf8Path) {
    let status = Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2", path.as_str(), "1M"])
        .status()
        .expect("qemu-img is there; apt-get install qemu-utils");
    assert!(status.success());
}

/// The permission bits of a file.
pub(crate) fn mode(path: &Utf8Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o777
}
