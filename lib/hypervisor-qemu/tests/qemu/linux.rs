//! A real guest on QEMU's user network looks around (invariant I8).
//!
//! The guest is the image linux-mini with an init of our own over its initial
//! RAM disk: it tries everything that it should not reach and prints what it got.

use std::net::{IpAddr, TcpListener, UdpSocket};

use solstice_hypervisor::conformance::assert_nothing_left;
use solstice_hypervisor::{Hypervisor, MachineSpec};

use crate::guest::{console_with, image_with_init};
use crate::support::World;

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
    while :; do printf 'HTTP/1.0 200 OK\r\n\r\nneighbour\n' | $bb nc -l -p 8080; done
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

/// The host's address towards the outside, or loopback if it has none.
fn host_address() -> IpAddr {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // Connecting a datagram socket sends nothing.
    let routed = socket.connect("198.51.100.1:9").is_ok();
    let address = socket.local_addr().unwrap().ip();
    if routed { address } else { "127.0.0.1".parse().unwrap() }
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
        let image = image_with_init(&world.path().join(role), INIT, &cmdline);
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
