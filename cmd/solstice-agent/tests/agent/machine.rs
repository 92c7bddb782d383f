//! The agent as process 1 of a real machine: `linux-mini` under QEMU without
//! acceleration, its only way out a forwarded connection to the test's host.
//! Once with a kernel from the host, once as a disk that boots by itself and
//! learns everything from a seed.
//!
//! The images are those that `cargo xtask test` builds and names in
//! `SOLSTICE_TEST_IMAGE` and `SOLSTICE_TEST_DISK_IMAGE`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use solstice_model::{AgentVerdict, Exit, JobSpec, Stream, Token};
use solstice_seed::{Network, Seed};

use crate::host::{Host, job, source};

/// Where the guest reaches the test's host.
const ENDPOINT: &str = "http://10.0.2.100:80";

/// A machine that has switched itself off.
struct Machine {
    host: Host,
    console: String,
    took: Duration,
}

/// The folder of an image that the environment names.
fn image(variable: &str) -> PathBuf {
    let folder = std::env::var(variable).map(PathBuf::from);
    folder.unwrap_or_else(|_| panic!("{variable} names the image; run `cargo xtask test`"))
}

/// Boots one, lets it do the job and waits until it is off.
fn boot(spec: JobSpec, files: &[(&str, &[u8])]) -> Machine {
    let host = Host::new(spec, source(files));
    let image = image("SOLSTICE_TEST_IMAGE");
    let lock = std::fs::read_to_string(image.join("image.lock")).unwrap();
    let lock: serde_json::Value = serde_json::from_str(&lock).unwrap();
    let cmdline = lock["boot"]["cmdline"].as_str().unwrap();
    let overlay = host.work.path().join("disk.qcow2");
    run(Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b"])
        .args([image.join("disk.qcow2"), overlay.clone()]));
    let token = host.token();
    let mut arguments = vec!["-bios".into(), "qboot.rom".into()];
    arguments.extend(["-kernel".into(), image.join("vmlinux").into_os_string()]);
    arguments.extend(["-initrd".into(), image.join("initrd").into_os_string()]);
    let words = format!("{cmdline} solstice.endpoint={ENDPOINT} solstice.token={token}");
    arguments.extend(["-append".into(), words.into()]);
    arguments.extend(drive("qcow2", &overlay));
    run_machine(host, arguments)
}

/// Boots the disk that needs nothing but a seed; as [`boot`] otherwise.
fn boot_disk(spec: JobSpec, network: Network) -> Machine {
    let host = Host::new(spec, source(&[("README", b"")]));
    let disk = unpack_disk(&host);
    let seed = solstice_seed::no_cloud(&Seed {
        instance: "first",
        hostname: "solstice",
        endpoint: ENDPOINT,
        token: &Token::from_text(host.token()),
        network,
        agent: None,
    });
    let path = host.work.path().join("seed.img");
    std::fs::write(&path, seed.unwrap()).unwrap();
    let arguments = [drive("raw", &disk), drive("raw,readonly=on", &path)].concat();
    run_machine(host, arguments)
}

/// A disk of the host's own from the image `linux-mini-disk`.
fn unpack_disk(host: &Host) -> PathBuf {
    let disk = host.work.path().join("disk.raw");
    let packed = image("SOLSTICE_TEST_DISK_IMAGE").join("disk.raw.zst");
    run(Command::new("zstd").args(["-q", "-d", "--sparse", "-o"]).args([&disk, &packed]));
    disk
}

/// A virtio disk.
fn drive(format: &str, file: &Path) -> Vec<OsString> {
    let drive = format!("if=virtio,cache=unsafe,format={format},file={}", file.display());
    vec!["-drive".into(), drive.into()]
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

/// Runs a machine until it is off.
fn run_machine(host: Host, arguments: Vec<OsString>) -> Machine {
    let words = "-M q35,accel=tcg,sata=off,smbus=off,vmport=off,i8042=off \
        -cpu max -nodefaults -no-user-config -display none -m 512 -smp 1 -no-reboot \
        -serial stdio -device virtio-net-pci,netdev=n0,romfile=";
    let address = host.address();
    let started = Instant::now();
    let output = Command::new("timeout")
        .args(["120", "qemu-system-x86_64"])
        .args(words.split_whitespace())
        .args(arguments)
        .arg("-netdev")
        .arg(format!(
            "user,id=n0,restrict=on,guestfwd=tcp:10.0.2.100:80-cmd:busybox nc {} {}",
            address.ip(),
            address.port()
        ))
        .output()
        .unwrap();
    let took = started.elapsed();
    let console = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{console}");
    println!("{console}\noff after {took:?}");
    Machine { host, console, took }
}

const HELLO: &[u8] = b"#include <stdio.h>\n#include <math.h>\n\
    int main(int n, char **v) { printf(\"hello %.2f\\n\", sqrt(2.0 * n)); return n - 1; }\n";

const MAKEFILE: &[u8] = b"CFLAGS = -O2 -Wall\n\
    hello: hello.o libtwo.a\n\t$(CC) -o $@ hello.o -L. -ltwo -lm\n\
    libtwo.a: two.o\n\t$(AR) rcs $@ two.o\n\
    check: hello\n\t./hello | grep -q 1.41\n\t@echo checked\n";

#[test]
fn a_machine_compiles_c_reports_and_switches_itself_off() {
    let spec = job(&[
        "cc hello.c -lm -o one && ./one",
        "make -j2 check",
        "hostname; bash -c 'cat <(echo substituted)'; ls -d /dev/pts/ptmx /dev/shm; id -u",
        "./one with arguments",
    ]);
    let two: &[u8] = b"int two(void) { return 2; }\n";
    let files = [("hello.c", HELLO), ("two.c", two), ("Makefile", MAKEFILE)];
    let machine = boot(spec, &files);
    let lines = machine.host.lines(Stream::Stdout);
    assert_eq!(lines[0], "hello 1.41");
    assert!(lines.iter().any(|line| line == "checked"), "{lines:?}");
    assert!(lines.iter().any(|line| line == "solstice"), "{lines:?}");
    assert!(lines.iter().any(|line| line == "substituted"), "{lines:?}");
    let exit = Exit::Code { code: 2 };
    assert_eq!(machine.host.verdict(), AgentVerdict::Failed { step: 3, exit });
    assert!(machine.console.contains("solstice-agent: up"));
    assert!(machine.console.contains("solstice-agent: powering off"));
    assert!(machine.took < Duration::from_secs(60));
}

#[test]
fn nothing_of_a_step_outlives_it_in_a_machine() {
    // The daemon has left its session and its group, as daemons do.
    let spec = job(&[
        "setsid sh -c 'setsid sleep 600 & setsid sleep 601 &' & sleep 0.5; pidof sleep",
        "pidof sleep && exit 1; echo none",
        "kill -SEGV $$",
    ]);
    let machine = boot(spec, &[("README", b"")]);
    let lines = machine.host.lines(Stream::Stdout);
    assert_eq!(lines.last().unwrap(), "none", "{lines:?}");
    let exit = Exit::Signal { signal: 11 };
    assert_eq!(machine.host.verdict(), AgentVerdict::Failed { step: 2, exit });
}

#[test]
fn a_disk_that_boots_by_itself_learns_everything_from_its_seed() {
    let network = Network {
        // What QEMU gives its first card.
        mac: [0x52, 0x54, 0x00, 0x12, 0x34, 0x56],
        address: "10.0.2.77".parse().unwrap(),
        prefix: 24,
        gateway: None,
    };
    let spec = job(&[
        "ip -4 -o address show dev eth0 | awk '{ print $4 }'",
        "ls /run/solstice; cat /proc/cmdline; df -m / | awk 'NR == 2 { print $2 }'",
    ]);
    let machine = boot_disk(spec, network);
    let lines = machine.host.lines(Stream::Stdout);
    assert_eq!(lines[0], "10.0.2.77/24");
    // The token was deleted, and never was where the kernel's words are.
    assert!(!lines[1].contains("solstice.token"), "{lines:?}");
    let mib: u32 = lines[2].parse().unwrap();
    assert!(mib > 3500, "the root disk has {mib} MiB");
    assert_eq!(machine.host.verdict(), AgentVerdict::Succeeded);
    // The boot loader, which would move the cursor about, has nothing to say; the
    // kernel only on a computer that is too busy for its clocks.
    assert!(machine.console.contains("solstice-agent: up"), "{}", machine.console);
    assert!(!machine.console.contains('\x1b'), "{}", machine.console);
    assert!(machine.took < Duration::from_secs(60));
}

#[test]
fn a_machine_without_a_seed_says_what_it_misses_and_is_off() {
    let host = Host::new(job(&["true"]), source(&[("README", b"")]));
    let disk = unpack_disk(&host);
    let arguments = drive("raw", &disk);
    let machine = run_machine(host, arguments);
    assert!(machine.console.contains("a seed disk (FAT, labelled cidata)"), "{}", machine.console);
}
