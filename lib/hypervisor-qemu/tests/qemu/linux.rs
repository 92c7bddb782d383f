//! A real guest looks around (invariant I8).
//!
//! The guest is the image linux-mini with an init of our own over its initial
//! RAM disk: it tries everything that it should not reach and prints what it got.

use std::net::{IpAddr, TcpListener, UdpSocket};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use solstice_hypervisor::conformance::assert_nothing_left;
use solstice_hypervisor::{Hypervisor, MachineSpec};
use solstice_hypervisor_qemu::QemuHypervisor;
use solstice_image::VerifiedImage;

use crate::support::{World, lock};

/// The guest's init. `tries` runs in parallel because what is cut off is silent.
const INIT: &str = r#"#!/bin/busybox sh
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
$bb mount -t proc proc /proc
$bb mount -t sysfs sys /sys
while read -r module; do $bb insmod "/modules/$module.ko"; done </modules/order
for word in $($bb cat /proc/cmdline); do
    case $word in test.*=*) eval "${word#test.}" ;; esac
done
$bb ip link set lo up
$bb ip link set eth0 up
$bb ip address add "$address/24" dev eth0
$bb ip route add default via 10.0.2.2

if [ "$role" = neighbour ]; then
    echo "neighbour: listens"
    while :; do echo neighbour | $bb nc -l -p 8080; done
fi

try() {
    name=$1
    shift
    if $bb timeout 5 $bb "$@" >"/$name.out" 2>&1; then verdict=reached; else verdict=silent; fi
    echo "$name: $verdict $($bb head -n 1 "/$name.out")" >"/$name.try"
}
try own-endpoint wget -q -O - http://10.0.2.100:80/ &
try endpoint-other-port wget -q -O - http://10.0.2.100:8080/ &
try gateway wget -q -O - "http://10.0.2.2:$port/" &
try host-address wget -q -O - "http://$host:$port/" &
try outside wget -q -O - http://198.51.100.1/ &
try neighbour wget -q -O - http://10.0.2.15:8080/ &
try dns nslookup solstice.example 10.0.2.3 &
try ping-host ping -c 1 -W 3 "$host" &
try datagram nslookup solstice.example "10.0.2.2:$port" &
wait
$bb cat /*.try
$bb poweroff -f
"#;

/// The image that `cargo xtask test` built.
fn linux_mini() -> Utf8PathBuf {
    let folder = std::env::var("SOLSTICE_TEST_IMAGE").ok().map(Utf8PathBuf::from);
    let folder = folder.filter(|folder| folder.join("image.lock").exists());
    folder.expect(
        "this test boots the image linux-mini: run `cargo xtask test`, or set \
         SOLSTICE_TEST_IMAGE to the folder that holds its image.lock",
    )
}

/// linux-mini with our init: an archive that follows another replaces its files.
fn image_with_init(folder: &Utf8Path, cmdline: &str) -> VerifiedImage {
    let from = linux_mini();
    std::fs::create_dir(folder).unwrap();
    for name in ["vmlinux", "disk.qcow2"] {
        std::fs::copy(from.join(name), folder.join(name)).unwrap();
    }
    let mut initrd = std::fs::read(from.join("initrd")).unwrap();
    initrd.resize(initrd.len().next_multiple_of(4), 0);
    initrd.extend(cpio(&[("init", 0o100_755, INIT.as_bytes()), ("TRAILER!!!", 0, b"")]));
    std::fs::write(folder.join("initrd"), initrd).unwrap();
    let cmdline = format!("console=ttyS0 quiet panic=-1 cryptomgr.notests {cmdline}");
    lock(folder, &cmdline, &["vmlinux", "initrd", "disk.qcow2"])
}

/// An archive in the format newc (Linux, Documentation/driver-api/early-userspace/buffer-format.rst).
fn cpio(entries: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, mode, content) in entries {
        let (bytes, name_bytes) = (content.len(), name.len() + 1);
        archive.extend(format!("070701{:08x}{mode:08x}{:08x}{:08x}", 0, 0, 0).bytes());
        archive.extend(format!("{:08x}{:08x}{bytes:08x}", 1, 0).bytes());
        archive.extend("00000000".repeat(4).bytes());
        archive.extend(format!("{name_bytes:08x}00000000{name}\0").bytes());
        archive.resize(archive.len().next_multiple_of(4), 0);
        archive.extend(*content);
        archive.resize(archive.len().next_multiple_of(4), 0);
    }
    archive
}

/// The host's address towards the outside, or loopback if it has none.
fn host_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Connecting a datagram socket sends nothing.
    let routed = socket.connect("198.51.100.1:9").is_ok();
    let address = socket.local_addr().unwrap().ip();
    if routed { address } else { "127.0.0.1".parse().unwrap() }
}

async fn console_with(hypervisor: &QemuHypervisor, spec: &MachineSpec, text: &str) -> String {
    let begun = Instant::now();
    loop {
        let console = hypervisor.console(spec.id, 0, usize::MAX).await.unwrap();
        let console = String::from_utf8_lossy(&console.bytes).into_owned();
        if console.contains(text) {
            return console;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "no {text:?} in {console:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_guest_reaches_its_own_endpoint_and_nothing_else() {
    let tcp = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = tcp.local_addr().unwrap().port();
    let udp = UdpSocket::bind(("0.0.0.0", port)).unwrap();
    tcp.set_nonblocking(true).unwrap();
    udp.set_nonblocking(true).unwrap();

    let world = World::new().await;
    let hypervisor = world.open().await;
    let spec = |role: &str, address: &str| {
        let host = host_address();
        let cmdline =
            format!("test.role={role} test.address={address} test.port={port} test.host={host}");
        let image = image_with_init(&world.path().join(role), &cmdline);
        MachineSpec { memory_mib: 256, ..world.spec_of(image) }
    };
    let neighbour = spec("neighbour", "10.0.2.15");
    hypervisor.ensure(&neighbour).await.unwrap();
    console_with(&hypervisor, &neighbour, "neighbour: listens").await;

    let guest = spec("guest", "10.0.2.16");
    hypervisor.ensure(&guest).await.unwrap();
    hypervisor.stopped(guest.id).await.unwrap();
    let console = console_with(&hypervisor, &guest, "").await;
    let is_try = |line: &&str| line.contains(": reached") || line.contains(": silent");
    let tries: Vec<_> = console.lines().filter(is_try).collect();
    assert_eq!(tries.len(), 9, "{console}");
    for line in tries {
        let wanted = if line.starts_with("own-endpoint") { "reached endpoint" } else { ": silent" };
        assert!(line.contains(wanted), "{line}\nin\n{console}");
    }
    assert!(tcp.accept().is_err(), "somebody connected to the host");
    assert!(udp.recv(&mut [0; 16]).is_err(), "a datagram reached the host");
    for spec in [neighbour, guest] {
        hypervisor.destroy(spec.id).await.unwrap();
    }
    assert_nothing_left(&world).await;
}
