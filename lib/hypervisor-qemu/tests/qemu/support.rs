//! A world for one test: a state directory, images of tiny guests, and a look
//! past the backend at what exists.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;
use solstice_hypervisor::conformance::{Backend, Guest};
use solstice_hypervisor::{MachineSpec, Subnet};
use solstice_hypervisor_qemu::{Accelerator, BridgeConfig, Network, QemuConfig, QemuHypervisor};
use solstice_image::{Lock, VerifiedImage};
use solstice_model::id::new_id;
use solstice_model::{Sha256Digest, Token};

use crate::namespace;
use crate::tiny::{Tiny, text};

/// A tap with a name like ours, which another host's name gave it.
const FOREIGN_TAP: &str = "sq-0123abcd-2";

/// What is special about the machines of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// They boot a kernel, and are on QEMU's user network.
    Plain,
    /// They boot from their disks, by a BIOS.
    FromDisk,
    /// They are on a bridge.
    Bridged,
}

/// The network of the machines on a bridge.
pub(crate) fn subnet() -> Subnet {
    Subnet::new([10, 79, 0, 0].into(), 24).unwrap()
}

/// A host of its own.
pub(crate) struct World {
    kind: Kind,
    root: tempfile::TempDir,
    stranger: std::sync::Mutex<Option<Child>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::of(Kind::Plain)
    }

    /// One whose guests boot from their own disks, which are packed in the images.
    pub(crate) async fn from_disk() -> Self {
        Self::of(Kind::FromDisk)
    }

    /// One whose guests are on a bridge, in a network namespace of its own.
    pub(crate) async fn bridged() -> Self {
        namespace::enter();
        Self::bridged_here()
    }

    /// The same in the namespace that this thread is in.
    pub(crate) fn bridged_here() -> Self {
        Self::of(Kind::Bridged)
    }

    fn of(kind: Kind) -> Self {
        let root = tempfile::tempdir().unwrap();
        Self { kind, root, stranger: std::sync::Mutex::default() }
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

    /// A configuration whose relay answers every request with one line, and
    /// keeps its first line.
    pub(crate) fn config(&self) -> QemuConfig {
        // It takes the whole request: what is left unread when it ends resets the connection.
        let script = "read -r line; echo \"$line\" >>\"$0\"; \
                      while read -r line && [ ${#line} -gt 1 ]; do :; done; \
                      printf 'HTTP/1.0 200 OK\\r\\n\\r\\nendpoint\\n'";
        let requests = self.path().join("requests");
        let relay = ["/bin/sh", "-c", script, requests.as_str()];
        let mut config = QemuConfig::new(self.state_dir(), "moon".parse().unwrap(), relay);
        config.accelerator = Accelerator::Tcg;
        if self.is_bridged() {
            config.network = Network::Bridge(self.bridge());
        }
        config
    }

    pub(crate) fn is_bridged(&self) -> bool {
        self.kind == Kind::Bridged
    }

    pub(crate) fn bridge(&self) -> BridgeConfig {
        BridgeConfig { subnet: subnet(), endpoint_file: self.path().join("endpoint"), serve: true }
    }

    /// The first lines of all requests that came through the relay.
    pub(crate) fn requests(&self) -> String {
        std::fs::read_to_string(self.path().join("requests")).unwrap_or_default()
    }

    pub(crate) async fn open(&self) -> QemuHypervisor {
        let image = self.image(Tiny::Silent);
        QemuHypervisor::open(self.config(), &[image])
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// The image of a tiny guest.
    pub(crate) fn image(&self, tiny: Tiny) -> VerifiedImage {
        let folder = self.path().join(format!("images,{tiny:?}"));
        if self.kind == Kind::FromDisk {
            return disk_image(&folder, "bios", &tiny.disk());
        }
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

    /// The folder that belongs to another host.
    fn foreign_folders(&self) -> [Utf8PathBuf; 3] {
        let id = "018f0000-0000-7000-8000-00000000000";
        [
            self.machines().join("lost+found"),
            self.machines().join(format!("{id}1.bak")),
            self.machines().join(format!("{id}2")),
        ]
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(mut stranger) = self.stranger.lock().unwrap().take() {
            stranger.kill().unwrap();
            stranger.wait().unwrap();
        }
        // A failed test must not leave its machines to the next.
        for (pid, _) in processes_of(&self.state_dir()) {
            let _ended = Command::new("/bin/kill").args(["-9", &pid.to_string()]).status();
        }
    }
}

#[async_trait]
impl Backend for World {
    type Handle = QemuHypervisor;

    async fn handle(&self) -> QemuHypervisor {
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
        let (file, other) = match &spec.image.kernel {
            Some(kernel) => (kernel, Tiny::PowersOff.kernel()),
            None => (&spec.image.disk, zstd::encode_all(&Tiny::PowersOff.disk()[..], 1).unwrap()),
        };
        std::fs::write(&file.path, other).unwrap();
        spec
    }

    fn text(&self) -> Vec<u8> {
        text()
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// Folders with wrong names or another owner, and a process with all the
    /// looks of a machine of another state directory.
    async fn add_foreign(&self) {
        drop(self.open().await);
        for folder in self.foreign_folders() {
            std::fs::create_dir(&folder).unwrap();
            let intent = json!({
                "host": "mars", "id": "018f0000-0000-7000-8000-000000000002", "image": "x",
                "disk": Sha256Digest::of(b""), "cpus": 1, "memory_mib": 1, "disk_mib": 1,
            });
            std::fs::write(folder.join("machine.json"), intent.to_string()).unwrap();
        }
        std::fs::write(self.machines().join("018f0000-0000-7000-8000-000000000003"), "").unwrap();
        let stranger = Command::new("/bin/sh")
            .args(["-c", "read -r forever", "-name", "guest=solstice-moon-1"])
            .env(
                "SOLSTICE_MACHINE",
                self.path().join("elsewhere/machines/018f0000-0000-7000-8000-000000000004"),
            )
            .stdin(Stdio::piped())
            .spawn();
        *self.stranger.lock().unwrap() = Some(stranger.unwrap());
        if self.is_bridged() {
            run("ip", &["tuntap", "add", "dev", FOREIGN_TAP, "mode", "tap"]);
        }
    }

    async fn foreign(&self) -> Vec<String> {
        let folders =
            self.foreign_folders().into_iter().filter(|it| it.join("machine.json").exists());
        let mut all: Vec<_> = folders.map(String::from).collect();
        let file = self.machines().join("018f0000-0000-7000-8000-000000000003");
        all.extend(file.is_file().then(|| file.into_string()));
        all.extend(taps().into_iter().filter(|tap| tap == FOREIGN_TAP));
        if let Some(stranger) = &mut *self.stranger.lock().unwrap() {
            all.extend(stranger.try_wait().unwrap().is_none().then(|| "a process".to_owned()));
        }
        all
    }

    async fn leftovers(&self) -> Vec<String> {
        let foreign = self.foreign().await;
        let entries = self.machines().read_dir_utf8().into_iter().flatten();
        let mut all: Vec<_> = entries.map(|entry| entry.unwrap().path().to_string()).collect();
        all.retain(|path| !foreign.contains(path));
        let processes = processes_of(&self.state_dir());
        all.extend(processes.into_iter().map(|(pid, line)| format!("process {pid}: {line}")));
        all.extend(taps());
        all.retain(|one| !foreign.contains(one));
        all.sort();
        all
    }
}

/// The taps of this network namespace, whoever's they are.
pub(crate) fn taps() -> Vec<String> {
    let devices = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap();
    let names = devices.lines().filter_map(|line| Some(line.split_once(':')?.0.trim()));
    names.filter(|name| name.starts_with("sq-") && name.len() > 11).map(str::to_owned).collect()
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

/// Makes an image of a packed disk that boots by this firmware, unless it is there.
pub(crate) fn disk_image(folder: &Utf8Path, firmware: &str, disk: &[u8]) -> VerifiedImage {
    let packed = zstd::encode_all(disk, 1).unwrap();
    if !folder.exists() {
        std::fs::create_dir(folder).unwrap();
        std::fs::write(folder.join("disk.raw.zst"), &packed).unwrap();
    }
    let locked = json!({
        "path": "disk.raw.zst", "sha256": Sha256Digest::of(&packed), "bytes": packed.len(),
        "format": "raw_zstd", "virtual_bytes": disk.len(),
    });
    let text = json!({
        "name": "test",
        "files": {"disk": locked},
        "boot": {"kind": "disk", "firmware": firmware, "seed": "no_cloud"},
    });
    let path = folder.join("image.lock");
    std::fs::write(&path, text.to_string()).unwrap();
    Lock::read(path).unwrap().verify().unwrap()
}

/// Runs a program that is to succeed.
pub(crate) fn run(program: &str, args: &[&str]) {
    let ended = Command::new(program).args(args).output();
    let ended = ended.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(ended.status.success(), "{program} {args:?}: {ended:?}");
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
