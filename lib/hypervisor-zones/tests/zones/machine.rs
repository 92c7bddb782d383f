//! What a machine is made of, what it is told, and who else is there.

use std::os::unix::fs::PermissionsExt as _;

use illumos_host::guest::Guest;
use solstice_hypervisor::conformance::assert_nothing_left;
use solstice_hypervisor::{Hypervisor, MachineSpec};
use solstice_hypervisor_zones::{ZonesConfig, ZonesHypervisor};
use solstice_model::Observed;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::support::{DATASET, World, as_root, complete, journal};

/// Every command that makes and destroys a machine, without what differs from
/// machine to machine.
async fn commands_of_a_life(world: &World) -> String {
    let hypervisor = world.open().await;
    let spec = MachineSpec { disk_mib: 64, ..world.tiny(Guest::Talks) };
    let before = journal().len();
    hypervisor.ensure(&spec).await.unwrap();
    complete(&hypervisor, spec.id).await;
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(world).await;
    let golden = &spec.image.disk.sha256.hex()[..32];
    let lines: Vec<_> = journal()[before..]
        .iter()
        .map(|line| line.replace(&spec.id.to_string(), "ID").replace(golden, "GOLDEN"))
        // What only looks is of no interest here.
        .filter(|line| ![" list", " get ", " show-"].iter().any(|look| line.contains(look)))
        .collect();
    // Those of one kind are in order; others go on beside them.
    let kinds = [&["zfs "][..], &["dladm ", "ipadm "], &["zonecfg ", "zoneadm "]];
    let of_kind = |kind: &[&str]| {
        let lines =
            lines.iter().filter(|line| kind.iter().any(|program| line.starts_with(program)));
        lines.map(|line| line.replace(" ; ", "\n    ") + "\n").collect::<String>()
    };
    kinds.map(of_kind).join("\n")
}

#[tokio::test]
async fn the_commands_of_a_machines_life_on_omnios_are_the_golden_ones() {
    let Some(world) = World::of_this_test() else { return };
    let text = commands_of_a_life(&world).await;
    expectorate::assert_contents("tests/golden/life-omnios.txt", &text);
}

#[tokio::test]
async fn the_commands_of_a_machines_life_on_openindiana_are_the_golden_ones() {
    let Some(world) = World::of_this_test() else { return };
    let text = commands_of_a_life(&world.openindiana()).await;
    expectorate::assert_contents("tests/golden/life-openindiana.txt", &text);
}

#[tokio::test]
async fn only_the_seed_has_the_token() {
    let Some(world) = World::of_this_test() else { return };
    let hypervisor = world.open().await;
    let spec = world.tiny(Guest::Silent);
    hypervisor.ensure(&spec).await.unwrap();
    let token = spec.token.secret();
    let folder = world.state_dir().join("machines").join(spec.id.to_string());
    let mut holders = Vec::new();
    for entry in folder.read_dir_utf8().unwrap() {
        let path = entry.unwrap().into_path();
        let content = std::fs::read(&path).unwrap_or_default();
        if content.windows(token.len()).any(|window| window == token.as_bytes()) {
            holders.push(path);
        }
    }
    assert_eq!(holders, [folder.join("seed.img")]);
    let mode = |path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(&holders[0])), (0o700, 0o600));
    assert!(journal().iter().all(|line| !line.contains(token)));
    hypervisor.destroy(spec.id).await.unwrap();
}

#[tokio::test]
async fn a_guest_reaches_the_agent_api_at_its_hosts_address_also_after_a_restart() {
    let Some(world) = World::of_this_test() else { return };
    let agents = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hypervisor = world.open().await;
    std::fs::write(&world.config().endpoint_file, agents.local_addr().unwrap().to_string())
        .unwrap();
    let spec = world.tiny(Guest::Silent);
    hypervisor.ensure(&spec).await.unwrap();
    drop(hypervisor);
    let hypervisor = world.open().await;
    // As if we were the guest.
    let words = ["addr", "add", "10.77.0.2/32", "dev", "lo"];
    assert!(std::process::Command::new("ip").args(words).status().unwrap().success());
    let guest = TcpSocket::new_v4().unwrap();
    guest.bind("10.77.0.2:0".parse().unwrap()).unwrap();
    let mut guest = guest.connect("10.77.0.1:8400".parse().unwrap()).await.unwrap();
    guest.write_all(b"hello").await.unwrap();
    let (mut taken, _) = agents.accept().await.unwrap();
    let mut said = [0; 5];
    taken.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"hello");
    let mut other = TcpStream::connect("10.77.0.1:8400").await.unwrap();
    assert_eq!(other.read(&mut said).await.unwrap_or(0), 0);
    hypervisor.destroy(spec.id).await.unwrap();
    assert!(TcpStream::connect("10.77.0.1:8400").await.is_err());
}

/// The number of a machine's network, on a line.
fn slot(spec: &MachineSpec) -> String {
    let clone = format!("{DATASET}/jobs/{}", spec.id);
    as_root(&["zfs", "get", "-Hpo", "value", "org.solstice:slot", &clone])
}

#[tokio::test]
async fn two_orchestrators_on_one_computer_share_a_dataset_and_do_not_meet() {
    let Some(world) = World::of_this_test() else { return };
    let moon = world.open().await;
    let mars_world = World { host: "mars", ..World::here() };
    let mars = mars_world.open().await;
    let (one, two) = (world.tiny(Guest::Talks), world.tiny(Guest::Talks));
    let (made_one, made_two) = tokio::join!(moon.ensure(&one), mars.ensure(&two));
    made_one.unwrap();
    made_two.unwrap();
    assert_ne!(slot(&one), slot(&two));
    complete(&moon, one.id).await;
    complete(&mars, two.id).await;
    assert_eq!(moon.observe().await.unwrap().len(), 1);
    moon.destroy(two.id).await.unwrap_err();
    moon.destroy(one.id).await.unwrap();
    assert_eq!(mars.observe().await.unwrap()[0].observed, Observed::Running);
    mars.destroy(two.id).await.unwrap();
    assert_nothing_left(&world).await;
    assert_nothing_left(&mars_world).await;
}

/// What is left if two choose at once and one of them crashes behind its clone.
#[tokio::test]
async fn a_network_that_two_claim_stays_with_the_one_that_has_its_links() {
    let Some(world) = World::of_this_test() else { return };
    let moon = world.open().await;
    let (one, two) = (world.tiny(Guest::Silent), world.tiny(Guest::Silent));
    moon.ensure(&one).await.unwrap();
    let golden = format!("{DATASET}/images/{}@golden", &two.image.disk.sha256.hex()[..32]);
    let clone = format!("{DATASET}/jobs/{}", two.id);
    let attempt = format!("org.solstice:attempt={}", two.id);
    let marks = ["-o", "org.solstice:host=mars", "-o", &attempt, "-o", "org.solstice:slot=0"];
    as_root(&[&["zfs", "clone"], &marks[..], &[&golden, &clone]].concat());
    let again = world.tiny(Guest::Silent);
    moon.ensure(&again).await.unwrap();
    moon.destroy(again.id).await.unwrap();
    // Its own links are its own, whoever claims the network as well.
    moon.destroy(one.id).await.unwrap();
    assert_eq!(as_root(&["dladm", "show-etherstub", "-p", "-o", "link"]), "");
    moon.ensure(&one).await.unwrap();
    let mars_world = World { host: "mars", ..World::here() };
    let mars = mars_world.open().await;
    as_root(&["zfs", "set", "org.solstice:slot=1", &clone]);
    assert_eq!(slot(&one), "1\n");
    mars.ensure(&two).await.unwrap();
    assert_ne!(slot(&two), "1\n");
    moon.destroy(one.id).await.unwrap();
    assert_eq!(mars.observe().await.unwrap()[0].observed, Observed::Running);
    mars.destroy(two.id).await.unwrap();
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn a_capture_that_was_killed_is_replaced_while_the_end_is_awaited() {
    let Some(world) = World::of_this_test() else { return };
    let hypervisor = world.open().await;
    let spec = world.tiny(Guest::Talks);
    hypervisor.ensure(&spec).await.unwrap();
    complete(&hypervisor, spec.id).await;
    let stopped = hypervisor.stopped(spec.id);
    let kill = async {
        let before = captures();
        assert_eq!(before.len(), 1, "{before:?}");
        std::process::Command::new("/bin/kill").args(["-9", &before[0]]).status().unwrap();
        while captures() == before || captures().is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        hypervisor.destroy(spec.id).await.unwrap();
    };
    let (stopped, ()) = tokio::join!(stopped, kill);
    stopped.unwrap();
    assert_nothing_left(&world).await;
}

/// The process ids of all captures.
fn captures() -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap() {
        let entry = entry.unwrap();
        let program = std::fs::read_link(entry.path().join("exe")).unwrap_or_default();
        if program.ends_with("solstice-console") {
            found.push(entry.file_name().into_string().unwrap());
        }
    }
    found
}

#[tokio::test]
async fn a_disk_is_as_large_as_asked_or_as_the_image_and_reserved_if_configured() {
    let Some(world) = World::of_this_test() else { return };
    let config = ZonesConfig { reserve: true, ..world.config() };
    let hypervisor = ZonesHypervisor::open(config, &[]).await.unwrap();
    for (disk_mib, bytes) in [(0, 1 << 20), (64, 64 << 20)] {
        let spec = MachineSpec { disk_mib, ..world.tiny(Guest::Silent) };
        hypervisor.ensure(&spec).await.unwrap();
        let clone = format!("{DATASET}/jobs/{}", spec.id);
        let sizes = as_root(&["zfs", "get", "-Hpo", "value", "volsize,refreservation", &clone]);
        assert_eq!(sizes, format!("{bytes}\n{bytes}\n"));
        hypervisor.destroy(spec.id).await.unwrap();
    }
    assert_nothing_left(&world).await;
}
