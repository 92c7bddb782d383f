//! A real guest looks around (invariant I8), and the real image finds its agent endpoint.
//!
//! The one that looks around is the image linux-mini with an init of our own over
//! its initial RAM disk: it tries everything that it should not reach, as itself
//! and in disguise, and prints what it got.

use std::net::{TcpListener, UdpSocket};
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use solstice_hypervisor::conformance::assert_nothing_left;
use solstice_hypervisor::{Hypervisor, HypervisorError, MachineSpec};
use solstice_hypervisor_libvirt::LibvirtHypervisor;
use solstice_image::{Lock, VerifiedImage};
use solstice_model::Observed;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::world::{World, lock};

/// The guest's init. The tries of a round run in parallel because what is cut
/// off is silent.
const INIT: &str = r#"#!/bin/busybox sh
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
$bb mount -t proc proc /proc
$bb mount -t sysfs sys /sys
while read -r module; do $bb insmod "/modules/$module.ko"; done </modules/order
seed=$($bb grep -a -o 'solstice.endpoint=[^ ]* solstice.token=[^ ]* solstice.address=[0-9./]*' /dev/vdb)
for word in $($bb cat /proc/cmdline) $seed; do
    case $word in test.*=* | solstice.*=*) eval "${word#*.}" ;; esac
done
echo "seed: $endpoint $address $token"
$bb ip link set lo up
$bb ip link set eth0 up
$bb ip address add "$address" dev eth0
$bb ip route add default via "$host"

if [ "$role" = fills ]; then
    $bb dd if=/dev/zero of=/dev/vda bs=1M
    echo "fills: goes on"
    $bb poweroff -f
fi
if [ "$role" = neighbour ]; then
    echo "neighbour: listens"
    while :; do echo neighbour | $bb nc -l -p 8080; done
fi

try() {
    name=$1
    shift
    if $bb timeout "$limit" $bb "$@" >"/$name.out" 2>&1; then verdict=reached; else verdict=silent; fi
    echo "$name: $verdict $($bb head -n 1 "/$name.out")" >"/$name.try"
}
limit=30
try own-endpoint wget -q -O - "$endpoint/"
limit=5
try other-port wget -q -O - "http://$host:$port/" &
try other-address wget -q -O - "http://$elsewhere:$port/" &
try endpoint-elsewhere wget -q -O - "http://$elsewhere:4480/" &
try outside wget -q -O - http://198.51.100.1/ &
try neighbour wget -q -O - "http://$neighbour:8080/" &
try ping-host ping -c 1 -W 3 "$host" &
try ping-neighbour ping -c 1 -W 3 "$neighbour" &
try datagram nslookup solstice.example "$host:$port" &
try link-local ping6 -c 1 -W 3 "fe80::5054:ff:fe4e:2%eth0" &
wait
$bb ip address flush dev eth0
$bb ip address add "$neighbour/24" dev eth0
try as-neighbour wget -q -O - "$endpoint/"
$bb ip address flush dev eth0
$bb ip address add "$address" dev eth0
$bb ip link set eth0 down
$bb ip link set eth0 address 52:54:00:12:34:56
$bb ip link set eth0 up
try other-card wget -q -O - "$endpoint/"
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

/// An agent endpoint behind the door: it answers every request with one line and
/// tells the first line of each.
async fn endpoint(world: &World) -> tokio::sync::mpsc::Receiver<String> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::fs::write(world.endpoint_file(), address).unwrap();
    let (requests, received) = tokio::sync::mpsc::channel(100);
    tokio::spawn(async move {
        loop {
            let mut guest = BufReader::new(listener.accept().await.unwrap().0);
            let mut request = String::new();
            guest.read_line(&mut request).await.unwrap();
            requests.send(request).await.unwrap();
            let mut line = String::new();
            while guest.read_line(&mut line).await.is_ok_and(|read| read > 2) {
                line.clear();
            }
            let answered = guest.write_all(b"HTTP/1.0 200 OK\r\n\r\nendpoint\n").await;
            answered.unwrap();
        }
    });
    received
}

async fn console_with(hypervisor: &LibvirtHypervisor, spec: &MachineSpec, text: &str) -> String {
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
    let world = World::new().await;
    let _requests = endpoint(&world).await;
    // Another address of the host's, as its way to the outside would be.
    let added = std::process::Command::new("ip")
        .args(["address", "add", "192.0.2.1/24", "dev", "lo"])
        .status();
    assert!(added.unwrap().success());
    let tcp = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = tcp.local_addr().unwrap().port();
    let udp = UdpSocket::bind(("0.0.0.0", port)).unwrap();
    tcp.set_nonblocking(true).unwrap();
    udp.set_nonblocking(true).unwrap();

    let hypervisor = world.open().await;
    let spec = |role: &str| {
        let cmdline = format!(
            "test.role={role} test.port={port} test.host=10.78.0.1 \
             test.elsewhere=192.0.2.1 test.neighbour=10.78.0.2"
        );
        let image = image_with_init(&world.path().join(role), &cmdline);
        MachineSpec { memory_mib: 256, ..world.spec_of(image) }
    };
    let neighbour = spec("neighbour");
    hypervisor.ensure(&neighbour).await.unwrap();
    console_with(&hypervisor, &neighbour, "neighbour: listens").await;

    let guest = spec("guest");
    hypervisor.ensure(&guest).await.unwrap();
    hypervisor.stopped(guest.id).await.unwrap();
    let console = console_with(&hypervisor, &guest, "").await;
    let token = guest.token.secret();
    let seed = format!("seed: http://10.78.0.1:4480 10.78.0.3/24 {token}");
    assert!(console.contains(&seed), "{console}");
    let is_try = |line: &&str| line.contains(": reached") || line.contains(": silent");
    let tries: Vec<_> = console.lines().filter(is_try).collect();
    assert_eq!(tries.len(), 12, "{console}");
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

#[tokio::test]
async fn the_real_image_s_agent_comes_through_the_door() {
    let world = World::new().await;
    let mut requests = endpoint(&world).await;
    let hypervisor = world.open().await;
    let image = Lock::read(linux_mini().join("image.lock")).unwrap().verify().unwrap();
    let spec = MachineSpec { memory_mib: 512, disk_mib: 2048, ..world.spec_of(image) };
    hypervisor.ensure(&spec).await.unwrap();
    let request = tokio::time::timeout(Duration::from_secs(60), requests.recv()).await;
    let console = console_with(&hypervisor, &spec, "").await;
    let request = request.unwrap_or_else(|_| panic!("no agent came: {console}"));
    assert!(request.unwrap().starts_with("POST "), "{console}");
    console_with(&hypervisor, &spec, "solstice-agent: up").await;
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

/// The author of the job is not told that the build failed (invariant I9).
#[tokio::test]
async fn a_guest_that_writes_what_the_host_has_no_room_for_is_stopped_and_told_of() {
    let world = World::with_little_room().await;
    let hypervisor = world.open().await;
    let image = image_with_init(&world.path().join("fills"), "test.role=fills");
    let spec = MachineSpec { memory_mib: 256, disk_mib: 512, ..world.spec_of(image) };
    hypervisor.ensure(&spec).await.unwrap();
    let stopped = tokio::time::timeout(Duration::from_secs(60), hypervisor.stopped(spec.id)).await;
    let console = console_with(&hypervisor, &spec, "").await;
    let told = stopped.unwrap_or_else(|_| panic!("it does not stop: {console}"));
    assert!(matches!(told, Err(HypervisorError::NoRoom { .. })), "{told:?}: {console}");
    assert!(!console.contains("goes on"), "{console}");
    assert_eq!(hypervisor.observe().await.unwrap()[0].observed, Observed::Stopped);
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}
