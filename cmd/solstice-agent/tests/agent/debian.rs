//! The agent in machines for daily work: `debian-12`, where it is a service, by
//! each firmware; and an image as others publish them, where the real cloud-init
//! takes it from the seed.
//!
//! Only root can make these images, so that these tests are left out unless
//! asked for: `cargo xtask images test` makes the images and runs them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use solstice_model::{AgentVerdict, JobSpec, Stream, Token};
use solstice_seed::{Network, Seed};

use crate::host::{Host, job, source};

/// Where the guest reaches the test's host.
const ENDPOINT: &str = "http://10.0.2.100:80";

/// UEFI's program, which QEMU is given as a flash memory.
const FIRMWARE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";

const DEBIAN: &str = "SOLSTICE_TEST_DEBIAN_IMAGE";
const CLOUD: &str = "SOLSTICE_TEST_CLOUD_IMAGE";
const AGENT: &str = "SOLSTICE_TEST_GUEST_AGENT";

/// A machine to be, and then one that has switched itself off.
struct Machine {
    host: Host,
    arguments: Vec<OsString>,
    console: String,
    took: Duration,
}

fn named(variable: &str) -> PathBuf {
    let path = std::env::var(variable).map(PathBuf::from);
    path.unwrap_or_else(|_| panic!("{variable} is not set; run `cargo xtask images test`"))
}

impl Machine {
    /// A machine for this job, with a disk of its own.
    fn new(image: &str, spec: JobSpec) -> Self {
        let host = Host::new(spec, source(&[("README", b"")]));
        let disk = host.work.path().join("disk.raw");
        let packed = named(image).join("disk.raw.zst");
        let mut unpack = Command::new("zstd");
        unpack.args(["-q", "-d", "--sparse", "-o"]).args([&disk, &packed]);
        assert!(unpack.status().unwrap().success());
        let arguments = drive("root", "format=raw", ",bootindex=0", &disk);
        Self { host, arguments, console: String::new(), took: Duration::ZERO }
    }

    /// Makes the disk larger, as a host does for a job that wants it so.
    fn with_disk_of(self, bytes: u64) -> Self {
        let path = self.host.work.path().join("disk.raw");
        std::fs::File::options().write(true).open(path).unwrap().set_len(bytes).unwrap();
        self
    }

    /// Adds a seed, before the disk: the order is not to matter.
    fn with_seed(mut self, agent: Option<&[u8]>) -> Self {
        let seed = solstice_seed::no_cloud(&Seed {
            instance: "first",
            hostname: "solstice",
            endpoint: ENDPOINT,
            token: &Token::from_text(self.host.token()),
            network: Network {
                // What QEMU gives its first card.
                mac: [0x52, 0x54, 0x00, 0x12, 0x34, 0x56],
                address: "10.0.2.77".parse().unwrap(),
                prefix: 24,
                gateway: Some("10.0.2.2".parse().unwrap()),
            },
            agent,
        });
        let path = self.host.work.path().join("seed.img");
        std::fs::write(&path, seed.unwrap()).unwrap();
        let seed = drive("seed", "readonly=on,format=raw", "", &path);
        self.arguments.splice(0..0, seed);
        self
    }

    fn with_uefi(mut self) -> Self {
        let flash = format!("if=pflash,format=raw,readonly=on,file={FIRMWARE}");
        self.arguments.extend(["-drive".into(), flash.into()]);
        self
    }

    /// Runs until it is off.
    fn run(mut self) -> Self {
        let words = "-M q35,accel=tcg,smbus=off,vmport=off,i8042=off -cpu max \
            -nodefaults -no-user-config -display none -m 1024 -smp 1 -no-reboot \
            -serial stdio -device virtio-net-pci,netdev=n0,romfile=";
        let address = self.host.address();
        let (ip, port) = (address.ip(), address.port());
        let door = format!("guestfwd=tcp:10.0.2.100:80-cmd:busybox nc {ip} {port}");
        let started = Instant::now();
        let output = Command::new("timeout")
            .args(["300", "qemu-system-x86_64"])
            .args(words.split_whitespace())
            .args(&self.arguments)
            .args(["-netdev", &format!("user,id=n0,restrict=on,ipv6=off,{door}")])
            .output()
            .unwrap();
        self.took = started.elapsed();
        self.console = String::from_utf8_lossy(&output.stdout).into_owned();
        println!("{}\noff after {:?}", self.console, self.took);
        assert!(output.status.success(), "{}", self.console);
        self
    }

    fn assert_succeeded(&self) {
        assert_eq!(self.host.verdict(), AgentVerdict::Succeeded, "{}", self.console);
    }
}

/// A virtio disk.
fn drive(id: &str, options: &str, device: &str, file: &Path) -> Vec<OsString> {
    let drive = format!("if=none,id={id},cache=unsafe,{options},file={}", file.display());
    let device = format!("virtio-blk-pci,drive={id}{device}");
    ["-drive".to_owned(), drive, "-device".to_owned(), device].map(OsString::from).to_vec()
}

/// What daily work needs of a machine; prints what is looked at.
fn daily_work() -> JobSpec {
    job(&[
        "ip -4 -o address show dev eth0 | awk '{ print $4 }'; ip route show default",
        "df -m --output=size / | tail -n 1; ls /run/solstice; cat /proc/cmdline",
        "echo 'int main(void) { return 0; }' >a.c && cc a.c && ./a.out && echo compiled",
        "python3 -m venv --without-pip v && git init -q r && make --version >/dev/null",
        "systemctl is-system-running --wait; dpkg --audit; apt-get check >/dev/null",
        "for program in curl sudo xz zstd; do command -v $program >/dev/null || exit 1; done",
    ])
}

fn assert_daily_work(machine: &Machine, least_mib: u32) {
    machine.assert_succeeded();
    let lines = machine.host.lines(Stream::Stdout);
    assert_eq!(lines[0], "10.0.2.77/24");
    assert!(lines[1].starts_with("default via 10.0.2.2 dev eth0"), "{lines:?}");
    let mib: u32 = lines[2].trim().parse().unwrap();
    assert!(mib > least_mib, "the root file system has {mib} MiB");
    assert!(!lines[3].contains("solstice.token"), "the token was deleted: {lines:?}");
    assert_eq!(lines[4..], ["compiled", "running"]);
    assert!(machine.console.contains("solstice-agent: up"));
}

#[test]
#[ignore = "boots debian-12: cargo xtask images test"]
fn debian_boots_by_bios_does_the_work_and_is_off() {
    let machine = Machine::new(DEBIAN, daily_work()).with_seed(None).run();
    assert_daily_work(&machine, 3900);
    // Nobody but the agent has anything to say, or moves the cursor about; the
    // kernel has the last word.
    assert!(machine.console.starts_with("solstice-agent: up"), "{}", machine.console);
    assert!(!machine.console.contains('\x1b'), "{}", machine.console);
}

#[test]
#[ignore = "boots debian-12: cargo xtask images test"]
fn debian_boots_by_uefi_and_grows_to_its_disk() {
    let machine = Machine::new(DEBIAN, daily_work()).with_disk_of(7 << 30);
    let machine = machine.with_seed(None).with_uefi().run();
    assert_daily_work(&machine, 6900);
}

#[test]
#[ignore = "boots debian-12: cargo xtask images test"]
fn debian_without_a_seed_says_so_and_is_off() {
    let machine = Machine::new(DEBIAN, daily_work()).run();
    assert_eq!(
        machine.console.lines().next(),
        Some("debian-12: there is no seed: no disk is labelled cidata")
    );
}

#[test]
#[ignore = "boots debian-12-cloud: cargo xtask images test"]
fn a_stock_image_takes_the_agent_from_its_seed_by_cloud_init() {
    let agent = std::fs::read(named(AGENT)).unwrap();
    let spec = job(&[
        "command -v solstice-agent; test ! -e /usr/sbin/solstice-agent",
        "ip -4 -o address show | awk '{ print $4 }'; hostname; ls /etc/solstice",
    ]);
    let machine = Machine::new(CLOUD, spec).with_seed(Some(&agent)).run();
    machine.assert_succeeded();
    let lines = machine.host.lines(Stream::Stdout);
    // The seed with the token is deleted.
    assert_eq!(lines, ["127.0.0.1/8", "10.0.2.77/24", "solstice", "instance"]);
    assert!(machine.console.contains("Datasource DataSourceNoCloud"), "{}", machine.console);
}
