//! Real guests on the bridge look around, as themselves and in disguise (invariant I8).
//!
//! They are tried in a network namespace of the test's, which forwards packets
//! between all its devices, with another namespace behind it: the outside.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use solstice_hypervisor::conformance::Backend;
use solstice_hypervisor::conformance::{Guest, assert_nothing_left};
use solstice_hypervisor::{Hypervisor, MachineSpec, Subnet};
use solstice_hypervisor_qemu::{BridgeConfig, Network, QemuConfig, QemuHypervisor};
use solstice_model::Observed;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::guest::{console_with, image_with_init};
use crate::support::{World, processes_of, run, taps};
use crate::tiny::Tiny;

/// The guest's init. The tries of a round run in parallel because what is cut
/// off is silent.
const INIT: &str = r#"#!/bin/busybox sh
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
$bb mount -t proc proc /proc
$bb mount -t sysfs sys /sys
while read -r module; do $bb insmod "/modules/$module.ko"; done </modules/order
for word in $($bb cat /proc/cmdline); do
    case $word in test.*=* | solstice.*=*) eval "${word#*.}" ;; esac
done
host=10.79.0.1
$bb ip link set lo up
$bb ip link set eth0 up
$bb ip address add "$address" dev eth0
$bb ip route add default via "$host"
echo "is $($bb cat /sys/class/net/eth0/address) $address $endpoint"

try() {
    name=$1
    shift
    if $bb timeout "$limit" $bb "$@" >"/$name.out" 2>&1; then verdict=reached; else verdict=silent; fi
    echo "$name: $verdict $($bb head -n 1 "/$name.out")" >"/$name.try"
}
limit=30
try own-endpoint wget -q -O - "$endpoint/"

if [ "$role" = neighbour ]; then
    # Whoever got through could answer.
    echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
    echo "neighbour: listens $($bb cat /own-endpoint.try)"
    while :; do printf 'HTTP/1.0 200 OK\r\n\r\nneighbour\n' | $bb nc -l -p 8080; done
fi

# IPv6 takes a while to find out whether an address is its own.
tries=0
until $bb grep -q ' 80 *eth0' /proc/net/if_inet6 || [ "$tries" = 50 ]; do
    tries=$((tries + 1))
    $bb usleep 100000
done

limit=5
web() { try "$1" wget -q -O - "http://$2/"; }
web host-other-port "$host:$port" &
web host-elsewhere "192.0.2.1:$port" &
web outside "192.0.2.2:$port" &
web internet "198.51.100.1:$port" &
web metadata "169.254.169.254:$port" &
web neighbour "$neighbour:8080" &
try ping-host ping -c 1 -W 3 "$host" &
try ping-elsewhere ping -c 1 -W 3 192.0.2.1 &
try ping-outside ping -c 1 -W 3 192.0.2.2 &
try ping-neighbour ping -c 1 -W 3 "$neighbour" &
try datagram nslookup solstice.example "$host:$port" &
try datagram-outside nslookup solstice.example "192.0.2.2:$port" &
try arping-neighbour arping -f -w 3 -I eth0 "$neighbour" &
try ping6-host ping6 -c 4 -W 3 "fe80::5054:ff:fe4f:1%eth0" &
try ping6-neighbour ping6 -c 4 -W 3 "fe80::5054:ff:fe4f:2%eth0" &
try arping-host arping -f -w 3 -I eth0 "$host" &
wait
# What needs no answer to ARP.
$bb arp -s "$neighbour" 52:54:00:4f:00:02 -i eth0
web neighbour-by-card "$neighbour:8080" &
try ping-neighbour-by-card ping -c 1 -W 3 "$neighbour" &
wait
$bb arp -d "$neighbour" -i eth0
# Past the bridge: what is sent there is for the port itself (IEEE 802.1D, 7.12.6).
$bb arp -s "$host" 01:80:c2:00:00:0e -i eth0
$bb timeout 3 $bb nslookup solstice.example "192.0.2.1:$behind" >/dev/null
$bb arp -d "$host" -i eth0
# In disguise.
$bb ip address add "$neighbour/24" dev eth0
$bb timeout 4 $bb arping -U -c 3 -I eth0 -s "$neighbour" "$neighbour" >/dev/null
$bb timeout 4 $bb arping -A -c 3 -I eth0 -s "$neighbour" "$neighbour" >/dev/null
$bb ip address flush dev eth0
$bb ip address add "$neighbour/24" dev eth0
web as-neighbour "$host:4480"
$bb ip address flush dev eth0
$bb ip address add 10.79.0.200/24 dev eth0
web as-nobody "$host:4480"
$bb ip address flush dev eth0
$bb ip address add "$address" dev eth0
$bb ip link set eth0 down
$bb ip link set eth0 address 52:54:00:12:34:56
$bb ip link set eth0 up
web other-card "$host:4480"
$bb ip link set eth0 down
$bb ip link set eth0 address 52:54:00:4f:00:02
$bb ip link set eth0 up
web neighbour-s-card "$host:4480"
$bb cat /*.try
echo "guest: done"
$bb poweroff -f
"#;

/// How many tries the guest makes.
const TRIES: usize = 23;
/// The port that everybody listens on.
const PORT: u16 = 7;

/// The port of the host on which it only listens.
const BEHIND: u16 = 9;

/// Another computer: a thread in a namespace of its own, which also has every
/// address that the guests could look for on the Internet.
struct Outside {
    asks: Sender<SocketAddr>,
    answers: Receiver<bool>,
}

impl Outside {
    fn new() -> Self {
        run("ip", &["link", "set", "lo", "up"]);
        run("ip", &["link", "add", "out0", "type", "veth", "peer", "name", "out1"]);
        let ((asks, questions), (answer, answers)) = (channel::<SocketAddr>(), channel());
        let (moved, ready) = (channel::<String>(), channel::<()>());
        std::thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET).unwrap();
            moved.0.send(format!("/proc/{}/ns/net", nix::unistd::gettid())).unwrap();
            ready.1.recv().unwrap();
            run("ip", &["link", "set", "lo", "up"]);
            run("ip", &["link", "set", "out1", "up"]);
            for address in ["192.0.2.2/24", "198.51.100.1/32", "169.254.169.254/32"] {
                run("ip", &["address", "add", address, "dev", "out1"]);
            }
            run("ip", &["route", "add", "default", "via", "192.0.2.1"]);
            serve("outside");
            answer.send(true).unwrap();
            for address in questions {
                let limit = Duration::from_secs(2);
                answer.send(TcpStream::connect_timeout(&address, limit).is_ok()).unwrap();
            }
        });
        run("ip", &["link", "set", "out1", "netns", &moved.1.recv().unwrap()]);
        run("ip", &["link", "set", "out0", "up"]);
        run("ip", &["address", "add", "192.0.2.1/24", "dev", "out0"]);
        run("ip", &["route", "add", "default", "via", "192.0.2.2"]);
        for forwarding in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
            std::fs::write(format!("/proc/sys/net/{forwarding}"), "1").unwrap();
        }
        ready.0.send(()).unwrap();
        answers.recv().unwrap();
        Self { asks, answers }
    }

    /// Whether it can connect.
    fn reaches(&self, address: Ipv4Addr, port: u16) -> bool {
        self.asks.send(SocketAddr::from((address, port))).unwrap();
        self.answers.recv().unwrap()
    }
}

/// Answers everybody who comes to [`PORT`], in the namespace of this thread.
fn serve(name: &'static str) {
    let tcp = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).unwrap();
    let udp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).unwrap();
    std::thread::spawn(move || {
        for guest in tcp.incoming() {
            use std::io::{Read, Write};
            let mut guest = guest.unwrap();
            let _request = guest.read(&mut [0; 4096]);
            let _gone = guest.write_all(format!("HTTP/1.0 200 OK\r\n\r\n{name}\n").as_bytes());
        }
    });
    std::thread::spawn(move || {
        let mut packet = [0; 512];
        loop {
            let (n, from) = udp.recv_from(&mut packet).unwrap();
            // An answer to a question for a name: that there is none, without an error.
            packet[2] |= 0x80;
            let _gone = udp.send_to(&packet[..n], from);
        }
    });
}

/// An agent endpoint behind the door, which answers every request with one line.
async fn endpoint(world: &World) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::fs::write(world.bridge().endpoint_file, address).unwrap();
    tokio::spawn(async move {
        loop {
            let mut guest = listener.accept().await.unwrap().0;
            let _request = guest.read(&mut [0; 4096]).await;
            let _gone = guest.write_all(b"HTTP/1.0 200 OK\r\n\r\nendpoint\n").await;
        }
    });
}

/// A world with an outside and an endpoint.
async fn world() -> (World, Outside) {
    let world = World::bridged().await;
    let outside = Outside::new();
    serve("host");
    endpoint(&world).await;
    (world, outside)
}

fn spec(world: &World, role: &str) -> MachineSpec {
    let cmdline =
        format!("test.role={role} test.port={PORT} test.behind={BEHIND} test.neighbour=10.79.0.2");
    let image = image_with_init(&world.path().join(role), INIT, &cmdline);
    MachineSpec { memory_mib: 256, ..world.spec_of(image) }
}

/// What a guest beside a neighbour got.
struct Seen {
    /// The tries with an answer, a line each.
    reached: Vec<String>,
    /// Those without.
    silent: Vec<String>,
    /// Whether the host took the guest for its neighbour.
    passed_for_neighbour: bool,
    /// Whether a datagram came to the host past the bridge.
    came_past: bool,
}

impl Seen {
    fn reached(&self) -> Vec<&str> {
        self.reached.iter().map(|line| line.split(':').next().unwrap()).collect()
    }
}

/// Lets a guest beside a neighbour try everything, once `before` is done.
async fn look_around(
    world: &World,
    hypervisor: &QemuHypervisor,
    before: impl AsyncFnOnce(),
) -> Seen {
    let behind = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, BEHIND)).unwrap();
    behind.set_nonblocking(true).unwrap();
    let neighbour = spec(world, "neighbour");
    hypervisor.ensure(&neighbour).await.unwrap();
    let listens = console_with(hypervisor, &neighbour, "neighbour: listens").await;
    assert!(listens.contains("is 52:54:00:4f:00:02 10.79.0.2/24 http://10.79.0.1:4480"));
    assert!(listens.contains("own-endpoint: reached endpoint"), "{listens}");
    let guest = spec(world, "guest");
    hypervisor.ensure(&guest).await.unwrap();
    before().await;
    let console = console_with(hypervisor, &guest, "guest: done").await;
    let known = std::process::Command::new("ip").args(["neigh", "show"]).output().unwrap();
    let known = String::from_utf8(known.stdout).unwrap();
    for spec in [neighbour, guest] {
        hypervisor.destroy(spec.id).await.unwrap();
    }
    assert_nothing_left(world).await;
    let with = |verdict: &str| {
        let lines = console.lines().filter(|line| line.contains(verdict));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let (reached, silent) = (with(": reached"), with(": silent"));
    assert_eq!(silent.len() + reached.len(), TRIES, "{console}");
    let mut known = known.lines();
    let passed_for_neighbour = known.any(|it| it.contains("10.79.0.2 ") && it.contains("4f:00:03"));
    let came_past = behind.recv(&mut [0; 512]).is_ok();
    Seen { reached, silent, passed_for_neighbour, came_past }
}

#[tokio::test]
async fn a_guest_on_the_bridge_reaches_its_own_endpoint_and_nothing_else() {
    let (world, outside) = world().await;
    let hypervisor = world.open().await;
    let from_outside = async || {
        assert!(outside.reaches([192, 0, 2, 1].into(), PORT), "the outside is one");
        for (address, port) in [(1, 4480), (1, PORT), (2, 8080)] {
            let address = Ipv4Addr::new(10, 79, 0, address);
            assert!(!outside.reaches(address, port), "{address}:{port} is reached from outside");
        }
    };
    let seen = look_around(&world, &hypervisor, from_outside).await;
    assert_eq!(seen.reached(), ["arping-host", "own-endpoint"], "{:#?}", seen.reached);
    assert!(!seen.passed_for_neighbour && !seen.came_past);
}

/// Who reloads the computer's packet filter often empties it first. Until the
/// next look at the machines guests then reach the host, but neither each other
/// nor what is behind it.
#[tokio::test]
async fn without_the_packet_filter_guests_still_reach_neither_each_other_nor_the_outside() {
    let (world, _outside) = world().await;
    let hypervisor = world.open().await;
    let flushed = async || run("nft", &["flush", "ruleset"]);
    let seen = look_around(&world, &hypervisor, flushed).await;
    let reached = seen.reached();
    assert!(reached.contains(&"host-other-port"), "the filter is not empty: {reached:?}");
    let beyond = ["outside", "internet", "metadata", "ping-neighbour", "arping-neighbour", "ping6"];
    for name in reached {
        let is_beyond = beyond.iter().any(|beyond| name.contains(beyond)) || name == "neighbour";
        assert!(!is_beyond, "{name} is reached");
    }
    assert!(!seen.came_past);
}

/// What the tests above find out of reach is within it once all is taken down
/// that stands between.
#[tokio::test]
async fn without_any_protection_everything_is_reached() {
    let (world, _outside) = world().await;
    let hypervisor = world.open().await;
    let open = async || {
        run("nft", &["flush", "ruleset"]);
        let taps = taps();
        for tap in &taps {
            run("bridge", &["link", "set", "dev", tap, "isolated", "off"]);
        }
        let bridge = taps[0].rsplit_once('-').unwrap().0;
        for (parameter, value) in [
            (format!("ipv4/conf/{bridge}/forwarding"), "1"),
            (format!("ipv6/conf/{bridge}/disable_ipv6"), "0"),
        ] {
            std::fs::write(format!("/proc/sys/net/{parameter}"), value).unwrap();
        }
        for tap in &taps {
            let parameter = format!("ipv4/conf/{tap}/drop_unicast_in_l2_multicast");
            std::fs::write(format!("/proc/sys/net/{parameter}"), "0").unwrap();
        }
    };
    let seen = look_around(&world, &hypervisor, open).await;
    assert_eq!(seen.silent, [""; 0]);
    assert!(seen.passed_for_neighbour && seen.came_past);
}

#[tokio::test]
async fn the_next_look_restores_what_somebody_took_away() {
    let world = World::bridged().await;
    let hypervisor = world.open().await;
    let listed = || {
        let list = std::process::Command::new("nft").args(["list", "ruleset"]).output().unwrap();
        String::from_utf8(list.stdout).unwrap()
    };
    let as_made = listed();
    assert!(as_made.contains("52:54:00:4f:00:02"), "{as_made}");
    let table = as_made.lines().next().unwrap().split(' ').nth(2).unwrap().to_owned();
    let changes: [&[&str]; 3] = [
        &["flush", "ruleset"],
        &["delete", "table", "inet", &table],
        &["flush", "chain", "bridge", &table, "from_guest"],
    ];
    for change in changes {
        run("nft", change);
        assert_ne!(listed(), as_made, "{change:?}");
        hypervisor.observe().await.unwrap();
        assert_eq!(listed(), as_made, "{change:?}");
    }
    let bridge = table.replace("solstice-qemu-", "sq-");
    let forwarding = format!("/proc/sys/net/ipv4/conf/{bridge}/forwarding");
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
    assert_eq!(std::fs::read_to_string(&forwarding).unwrap(), "1\n");
    hypervisor.observe().await.unwrap();
    assert_eq!(std::fs::read_to_string(&forwarding).unwrap(), "0\n");
    run("ip", &["link", "delete", "dev", &bridge]);
    let spec = world.spec(Guest::Talks);
    hypervisor.ensure(&spec).await.unwrap();
    run("ip", &["link", "show", "dev", &bridge]);
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn a_tap_that_nobody_has_noted_goes_and_its_address_is_not_given_meanwhile() {
    let world = World::bridged().await;
    let hypervisor = world.open().await;
    let lost = world.spec(Guest::Talks);
    hypervisor.ensure(&lost).await.unwrap();
    let first = taps();
    assert_eq!(first.len(), 1);
    std::fs::remove_dir_all(world.machines().join(lost.id.to_string())).unwrap();
    let spec = world.spec(Guest::Talks);
    hypervisor.ensure(&spec).await.unwrap();
    assert_eq!(taps().len(), 2);
    hypervisor.destroy(lost.id).await.unwrap();
    assert_eq!(hypervisor.observe().await.unwrap()[0].observed, Observed::Running);
    assert_eq!(taps().len(), 1);
    assert_ne!(taps(), first);
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

/// A machine of the bridge is destroyed by an orchestrator that has turned to
/// the user network since.
#[tokio::test]
async fn the_tap_goes_with_its_machine_whatever_the_network_is_by_then() {
    let world = World::bridged().await;
    let spec = world.spec(Guest::Talks);
    world.open().await.ensure(&spec).await.unwrap();
    let config = QemuConfig { network: Network::User, ..world.config() };
    let image = world.image(Tiny::Silent);
    let hypervisor = QemuHypervisor::open(config, &[image]).await.unwrap();
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

fn assert_without_privileges(world: &World) {
    let processes = processes_of(&world.state_dir());
    assert_eq!(processes.len(), 1, "{processes:?}");
    for (pid, _) in processes {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let wanted = ["CapInh", "CapPrm", "CapEff", "CapAmb"];
        let caps = status.lines().filter(|line| wanted.iter().any(|cap| line.starts_with(cap)));
        let caps: Vec<_> = caps.collect();
        assert_eq!(caps.len(), wanted.len());
        assert!(caps.iter().all(|line| line.ends_with("0000000000000000")), "{caps:?}");
        assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    }
}

#[tokio::test]
async fn qemu_on_the_bridge_has_no_privileges() {
    let world = World::bridged().await;
    let hypervisor = world.open().await;
    let spec = world.spec(Guest::Talks);
    hypervisor.ensure(&spec).await.unwrap();
    assert_without_privileges(&world);
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

/// A `/dev/net` for this thread and what it starts, whose `tun` everybody can open.
fn own_dev_net() {
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    let nothing = None::<&str>;
    mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing).unwrap();
    mount(Some("tmpfs"), "/dev/net", Some("tmpfs"), MsFlags::empty(), nothing).unwrap();
    run("mknod", &["--mode=666", "/dev/net/tun", "c", "10", "200"]);
}

/// By the same test as another process, which is no root's and has the one privilege.
#[tokio::test]
async fn a_user_who_may_change_the_network_and_nothing_else_makes_machines() {
    const HELPER: &str = "SOLSTICE_TEST_ORDINARY";
    if std::env::var(HELPER).is_err() {
        crate::namespace::enter();
        // As on any computer, everybody can open it.
        own_dev_net();
        let user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
        let caps = ["--inh-caps=-all,+net_admin", "--ambient-caps=-all,+net_admin"];
        let mut setpriv = std::process::Command::new("setpriv");
        setpriv.args(user).args(caps).arg("--bounding-set=-all,+net_admin");
        setpriv.arg(std::env::current_exe().unwrap()).env(HELPER, "yes");
        let name = "bridge::a_user_who_may_change_the_network_and_nothing_else_makes_machines";
        let ended = setpriv.args([name, "--exact", "--nocapture"]).output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        return;
    }
    let world = World::bridged_here();
    let hypervisor = world.open().await;
    let spec = world.spec(Guest::Talks);
    hypervisor.ensure(&spec).await.unwrap();
    assert_without_privileges(&world);
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

/// By the same test as another process, which may not make bridges.
#[tokio::test]
async fn who_may_not_make_a_bridge_uses_the_user_network_or_is_told_why() {
    const HELPER: &str = "SOLSTICE_TEST_WITHOUT_PRIVILEGES";
    let name = "bridge::who_may_not_make_a_bridge_uses_the_user_network_or_is_told_why";
    if std::env::var(HELPER).is_err() {
        crate::namespace::enter();
        let this = std::env::current_exe().unwrap();
        let without = ["--inh-caps=-net_admin", "--bounding-set=-net_admin"];
        let mut setpriv = std::process::Command::new("setpriv");
        setpriv.args(without).arg(this).args([name, "--exact", "--nocapture"]).env(HELPER, "yes");
        let ended = setpriv.output().unwrap();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        return;
    }
    let world = World::new().await;
    let image = world.image(Tiny::Talks);
    let open = async |network| {
        let config = QemuConfig { network, ..world.config() };
        QemuHypervisor::open(config, std::slice::from_ref(&image)).await
    };
    let auto = open(Network::Auto(world.bridge())).await.unwrap();
    assert!(auto.network().starts_with("the user network, for want of"), "{}", auto.network());
    assert!(auto.network().contains("not permitted"), "{}", auto.network());
    let refused = open(Network::Bridge(world.bridge())).await.unwrap_err().to_string();
    assert!(refused.contains("CAP_NET_ADMIN"), "{refused}");
}

#[tokio::test]
async fn a_network_that_the_host_has_already_is_not_taken() {
    let world = World::bridged().await;
    run("ip", &["link", "add", "lan", "type", "bridge"]);
    run("ip", &["address", "add", "10.79.0.77/16", "dev", "lan"]);
    let image = world.image(Tiny::Talks);
    let refused = QemuHypervisor::open(world.config(), std::slice::from_ref(&image)).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("10.79.0.0/24 overlaps with 10.79.0.77/16 of lan"), "{refused}");
    let config = QemuConfig { network: Network::Auto(world.bridge()), ..world.config() };
    let auto = QemuHypervisor::open(config, &[image]).await.unwrap();
    assert!(auto.network().contains("overlaps"), "{}", auto.network());
}

#[tokio::test]
async fn a_bridge_that_was_begun_in_vain_is_taken_down() {
    let world = World::bridged().await;
    let image = world.image(Tiny::Talks);
    let config = QemuConfig { network: Network::Auto(world.bridge()), ..world.config() };
    let rules = world.state_dir().join("bridge.nft");
    std::fs::create_dir_all(&rules).unwrap();
    let opened = QemuHypervisor::open(config.clone(), std::slice::from_ref(&image)).await;
    let network = opened.unwrap().network().to_owned();
    assert!(network.contains("for want of") && network.contains("bridge.nft"), "{network}");
    let devices = || std::fs::read_to_string("/proc/thread-self/net/dev").unwrap();
    assert!(!devices().contains("sq-"), "{}", devices());

    std::fs::remove_dir(&rules).unwrap();
    let opened = QemuHypervisor::open(config.clone(), std::slice::from_ref(&image)).await;
    let network = opened.unwrap().network().to_owned();
    assert!(network.starts_with("the bridge sq-"), "{network}");
    let other = Subnet::new([10, 80, 0, 0].into(), 24).unwrap();
    let other = BridgeConfig { subnet: other, ..world.bridge() };
    let config = QemuConfig { network: Network::Bridge(other), ..config };
    let refused = QemuHypervisor::open(config, &[image]).await.unwrap_err().to_string();
    assert!(refused.contains("has 10.79.0.1/24; let its machines end"), "{refused}");
}
