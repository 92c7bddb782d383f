//! The agent as process 1 of a real machine: `linux-mini` under QEMU without
//! acceleration, its only way out a forwarded connection to the test's host.
//!
//! The image is the one that `cargo xtask test` builds and names in
//! `SOLSTICE_TEST_IMAGE`.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use solstice_model::{AgentVerdict, Exit, JobSpec, Stream};

use crate::host::{Host, job, source};

/// A machine that has switched itself off.
struct Machine {
    host: Host,
    console: String,
    took: Duration,
}

/// Boots one, lets it do the job and waits until it is off.
fn boot(spec: JobSpec, files: &[(&str, &[u8])]) -> Machine {
    let image = std::env::var("SOLSTICE_TEST_IMAGE").map(PathBuf::from);
    let image = image.expect("SOLSTICE_TEST_IMAGE names the image; run `cargo xtask test`");
    let lock = std::fs::read_to_string(image.join("image.lock")).unwrap();
    let lock: serde_json::Value = serde_json::from_str(&lock).unwrap();
    let cmdline = lock["boot"]["cmdline"].as_str().unwrap();

    let host = Host::new(spec, source(files));
    let overlay = host.work.path().join("disk.qcow2");
    let made = Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b"])
        .args([image.join("disk.qcow2"), overlay.clone()])
        .status();
    assert!(made.unwrap().success());

    let words = "-M q35,accel=tcg,sata=off,smbus=off,vmport=off,i8042=off -bios qboot.rom \
        -cpu max -nodefaults -no-user-config -display none -m 512 -smp 1 -no-reboot \
        -serial stdio \
        -device virtio-blk-pci,drive=d0 -device virtio-net-pci,netdev=n0,romfile=";
    let (address, token) = (host.address(), host.token());
    let started = Instant::now();
    let output = Command::new("timeout")
        .args(["120", "qemu-system-x86_64"])
        .args(words.split_whitespace())
        .arg("-kernel")
        .arg(image.join("vmlinux"))
        .arg("-initrd")
        .arg(image.join("initrd"))
        .arg("-append")
        .arg(format!("{cmdline} solstice.endpoint=http://10.0.2.100:80 solstice.token={token}"))
        .arg("-drive")
        .arg(format!("if=none,id=d0,format=qcow2,cache=unsafe,file={}", overlay.display()))
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
