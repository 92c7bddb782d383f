//! What a machine is made of, and what happens when it cannot be made.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use solstice_hypervisor::conformance::{Backend, Guest, assert_nothing_left};
use solstice_hypervisor::{Hypervisor, HypervisorError, MachineSpec};
use solstice_hypervisor_libvirt::{
    Accelerator, DOOR_PORT, LibvirtConfig, LibvirtHypervisor, Subnet,
};
use solstice_model::{Observed, Sha256Digest};
use virt::network::Network;

use crate::tiny::{Tiny, text};
use crate::world::{World, mode, processes_of};

async fn console(hypervisor: &LibvirtHypervisor, spec: &MachineSpec) -> String {
    let console = hypervisor.console(spec.id, 0, usize::MAX).await.unwrap();
    String::from_utf8_lossy(&console.bytes).into_owned()
}

fn full_text(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {}", full_text(cause))).unwrap_or_default();
    format!("{error}{cause}")
}

#[tokio::test]
async fn the_token_is_on_the_seed_and_nowhere_else() {
    let world = World::new().await;
    let hypervisor = world.open().await;
    let spec = world.tiny(Tiny::Talks);
    hypervisor.ensure(&spec).await.unwrap();
    let token = spec.token.secret();

    let folder = world.machines().join(spec.id.to_string());
    assert_eq!([mode(&world.state_dir()), mode(&world.machines()), mode(&folder)], [0o700; 3]);
    let mut holders = Vec::new();
    for entry in folder.read_dir_utf8().unwrap() {
        let entry = entry.unwrap();
        // Reading the FIFO would wait for ever.
        let content = if entry.file_type().unwrap().is_file() {
            std::fs::read(entry.path()).unwrap()
        } else {
            Vec::new()
        };
        if String::from_utf8_lossy(&content).contains(token) {
            holders.push((entry.file_name().to_owned(), mode(entry.path())));
        }
    }
    assert_eq!(holders, [("seed.img".to_owned(), 0o600)]);

    let processes = processes_of(&world.state_dir());
    assert_eq!(processes.len(), 1, "{processes:#?}");
    for (pid, line) in processes {
        assert!(line.contains("guest=solstice-moon-2"), "{line}");
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
        assert!(!line.contains(token) && !String::from_utf8_lossy(&environ).contains(token));
    }
    let logs = format!("/proc/{}/root/var/log/libvirt/qemu", world.daemon.pid());
    let log = std::fs::read_to_string(format!("{logs}/solstice-moon-2.log")).unwrap();
    assert!(log.contains("-uuid") && !log.contains(token), "{log}");
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn the_disk_is_as_large_as_asked_or_as_the_image_and_the_image_is_not_touched() {
    let world = World::new().await;
    let hypervisor = world.open().await;
    for (disk_mib, wanted_mib) in [(64, 64), (0, 1)] {
        let spec = MachineSpec { disk_mib, ..world.tiny(Tiny::Talks) };
        let before = std::fs::metadata(&spec.image.disk.path).unwrap();
        hypervisor.ensure(&spec).await.unwrap();
        let overlay = world.machines().join(spec.id.to_string()).join("overlay.qcow2");
        let header = std::fs::read(overlay).unwrap();
        let bytes = u64::from_be_bytes(header[24..32].try_into().unwrap());
        assert_eq!(bytes, wanted_mib << 20);
        hypervisor.destroy(spec.id).await.unwrap();
        let golden = std::fs::read(&spec.image.disk.path).unwrap();
        assert_eq!(Sha256Digest::of(&golden), spec.image.disk.sha256);
        // libvirt's labels would show here.
        let after = std::fs::metadata(&spec.image.disk.path).unwrap();
        assert_eq!(after.modified().unwrap(), before.modified().unwrap());
        spec.image.recheck().unwrap();
    }
}

#[tokio::test]
async fn every_machine_has_an_address_of_its_own_also_after_a_restart() {
    let world = World::new().await;
    let four = Subnet::new([10, 9, 8, 0].into(), 29).unwrap();
    let config = LibvirtConfig { network: four, ..world.config() };
    let slot = |spec: &MachineSpec| {
        let note = world.machines().join(spec.id.to_string()).join("machine.json");
        let note: serde_json::Value =
            serde_json::from_slice(&std::fs::read(note).unwrap()).unwrap();
        note["slot"].as_u64().unwrap()
    };
    let specs: Vec<_> = (0..6).map(|_| world.spec(Guest::Silent)).collect();
    let hypervisor = LibvirtHypervisor::open(config.clone()).await.unwrap();
    hypervisor.ensure(&specs[0]).await.unwrap();
    hypervisor.ensure(&specs[1]).await.unwrap();
    drop(hypervisor);
    let hypervisor = LibvirtHypervisor::open(config).await.unwrap();
    for spec in &specs[2..5] {
        hypervisor.ensure(spec).await.unwrap();
    }
    assert_eq!(specs[..5].iter().map(slot).collect::<Vec<_>>(), [2, 3, 4, 5, 6]);
    // A machine without its folder still has its address.
    std::fs::remove_dir_all(world.machines().join(specs[1].id.to_string())).unwrap();
    let full = hypervisor.ensure(&specs[5]).await.unwrap_err();
    assert!(matches!(full, HypervisorError::NoRoom { .. }), "{}", full_text(&full));
    hypervisor.destroy(specs[1].id).await.unwrap();
    hypervisor.ensure(&specs[5]).await.unwrap();
    assert_eq!(slot(&specs[5]), 3);
    for spec in &specs {
        hypervisor.destroy(spec.id).await.unwrap();
    }
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn a_libvirtd_that_restarts_is_found_again_and_its_machines_live_on() {
    let world = World::new().await;
    let hypervisor = world.open().await;
    let spec = world.spec(Guest::Talks);
    hypervisor.ensure(&spec).await.unwrap();
    let restarts = async {
        world.daemon.restart();
        let seen = hypervisor.observe().await.unwrap();
        assert_eq!((seen.len(), seen[0].observed), (1, Observed::Running));
        hypervisor.destroy(spec.id).await.unwrap();
    };
    // Who waits since before the restart is told of the end after it.
    let stopped = tokio::time::timeout(Duration::from_secs(60), hypervisor.stopped(spec.id));
    let (stopped, ()) = tokio::join!(stopped, restarts);
    stopped.unwrap().unwrap();

    let powers_off = world.spec(Guest::PowersOff);
    hypervisor.ensure(&powers_off).await.unwrap();
    let stopped = hypervisor.stopped(powers_off.id);
    tokio::time::timeout(Duration::from_secs(30), stopped).await.unwrap().unwrap();
    assert_eq!(console(&hypervisor, &powers_off).await.as_bytes(), text());
    hypervisor.destroy(powers_off.id).await.unwrap();
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn a_network_that_somebody_took_away_is_made_again() {
    let world = World::new().await;
    let hypervisor = world.open().await;
    Network::lookup_by_name(&world.connect(), "solstice-moon").unwrap().destroy().unwrap();
    let spec = world.spec(Guest::Talks);
    hypervisor.ensure(&spec).await.unwrap();
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn a_host_without_enough_memory_has_no_room() {
    let world = World::new().await;
    let hypervisor = world.open().await;
    let spec = MachineSpec { memory_mib: 900_000_000, ..world.tiny(Tiny::Talks) };
    let error = hypervisor.ensure(&spec).await.unwrap_err();
    assert!(matches!(error, HypervisorError::NoRoom { .. }), "{}", full_text(&error));
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn a_guest_that_floods_its_console_is_cut_off_at_the_size_of_its_disk() {
    let world = World::new().await;
    let hypervisor = world.open().await;
    let spec = world.tiny(Tiny::Floods);
    let most = u64::from(spec.disk_mib) * (1 << 20) * 65 / 64 + (1 << 20);
    hypervisor.ensure(&spec).await.unwrap();
    let log = world.machines().join(spec.id.to_string()).join("console.out");
    let bytes = || std::fs::metadata(&log).unwrap().len();
    let begun = Instant::now();
    while bytes() < most {
        assert!(begun.elapsed() < Duration::from_secs(60), "the flood stopped at {}", bytes());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(bytes(), most);
    assert_eq!(hypervisor.observe().await.unwrap()[0].observed, Observed::Running);
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn a_machine_whose_folder_vanished_is_seen_and_destroyed() {
    let world = World::new().await;
    let hypervisor = world.open().await;
    let spec = world.spec(Guest::Talks);
    hypervisor.ensure(&spec).await.unwrap();
    std::fs::remove_dir_all(world.machines().join(spec.id.to_string())).unwrap();
    let seen = hypervisor.observe().await.unwrap();
    assert_eq!(seen[0].observed, Observed::Running);
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn what_a_killed_destroy_left_is_seen_and_destroyed() {
    let world = World::new().await;
    let hypervisor = world.open().await;
    let spec = world.spec(Guest::Talks);
    for number in [0, 3] {
        let trash = world.machines().join(format!("{}~{number}", spec.id));
        std::fs::create_dir(&trash).unwrap();
        std::fs::write(trash.join("overlay.qcow2"), "").unwrap();
    }
    let seen = hypervisor.observe().await.unwrap();
    assert_eq!((seen.len(), seen[0].id, seen[0].observed), (1, spec.id, Observed::Partial));
    hypervisor.ensure(&spec).await.unwrap();
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn another_host_s_machines_are_not_taken_over() {
    let world = World::new().await;
    world.add_foreign().await;
    let hypervisor = world.open().await;
    let spec = world.spec(Guest::Talks);
    let foreign = world.foreign().await;
    let id = "018f0000-0000-7000-8000-000000000002".parse().unwrap();
    let error = hypervisor.ensure(&MachineSpec { id, ..spec }).await.unwrap_err();
    assert!(full_text(&error).contains("belongs to another host"), "{}", full_text(&error));
    hypervisor.destroy(id).await.unwrap();
    assert_eq!(world.foreign().await, foreign);
}

#[tokio::test]
async fn a_host_that_cannot_run_machines_is_told_what_to_do() {
    let world = World::new().await;
    let good = world.config();
    let refused = |config: LibvirtConfig| async {
        let error = LibvirtHypervisor::open(config).await.unwrap_err();
        assert!(matches!(error, HypervisorError::Unusable { .. }), "{error}");
        error.to_string()
    };
    let uri = "qemu+unix:///system?socket=/nowhere".to_owned();
    let nowhere = LibvirtConfig { uri, ..good.clone() };
    assert!(refused(nowhere).await.contains("apt-get install libvirt-daemon-system"));
    let relative = LibvirtConfig { state_dir: "state".into(), ..good.clone() };
    assert!(refused(relative).await.contains("absolute"));
    let no_tool = LibvirtConfig { qemu_img: "/nowhere".into(), ..good.clone() };
    assert!(refused(no_tool).await.contains("qemu-utils"));

    drop(world.open().await);
    let network = Subnet::new(Ipv4Addr::new(10, 9, 0, 0), 16).unwrap();
    let other = refused(LibvirtConfig { network, ..good.clone() }).await;
    assert!(other.contains("10.78.0.0/24") && other.contains("net-destroy"), "{other}");
    let connection = world.connect();
    Network::lookup_by_name(&connection, "solstice-moon").unwrap().destroy().unwrap();
    let stranger = "<network><name>solstice-moon</name><ip address='10.78.0.1' prefix='24'/>\
                    <bridge name='other'/><dns enable='no'/></network>";
    let stranger = Network::create_xml(&connection, stranger).unwrap();
    let foreign = refused(good.clone()).await;
    assert!(foreign.contains("somebody else's"), "{foreign}");
    stranger.destroy().unwrap();

    let _somebody = TcpListener::bind(("0.0.0.0", DOOR_PORT)).unwrap();
    assert!(refused(good).await.contains("10.78.0.1:4480"));
}

/// Whatever the probe finds here, a guest must run on it.
#[tokio::test]
async fn the_probed_engine_runs_guests() {
    let world = World::new().await;
    let config = LibvirtConfig { accelerator: Accelerator::Auto, ..world.config() };
    let hypervisor = LibvirtHypervisor::open(config).await.unwrap();
    let verdict = hypervisor.verdict().clone();
    assert!(!verdict.why.is_empty());
    assert_nothing_left(&world).await;
    let spec = world.spec(Guest::PowersOff);
    hypervisor.ensure(&spec).await.unwrap();
    hypervisor.stopped(spec.id).await.unwrap();
    assert_eq!(console(&hypervisor, &spec).await.as_bytes(), text(), "{verdict:?}");
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
    assert!(!world.state_dir().join("probe").exists());
}
