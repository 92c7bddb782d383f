//! What a machine is made of, and what happens when it cannot be made.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use camino::{Utf8Path, Utf8PathBuf};
use solstice_hypervisor::conformance::{Backend, Guest, assert_nothing_left};
use solstice_hypervisor::{Hypervisor, HypervisorError, MachineSpec};
use solstice_hypervisor_qemu::{Accelerator, Engine, QemuConfig, QemuHypervisor};
use solstice_model::{Observed, Sha256Digest};

use crate::support::{World, mode, processes_of};
use crate::tiny::{Tiny, text};

async fn console(hypervisor: &QemuHypervisor, spec: &MachineSpec) -> String {
    let console = hypervisor.console(spec.id, 0, usize::MAX).await.unwrap();
    String::from_utf8_lossy(&console.bytes).into_owned()
}

fn full_text(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

/// A program that prints a line to standard output or error and exits.
fn script(world: &World, name: &str, text: &str) -> Utf8PathBuf {
    let path = world.path().join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

#[tokio::test]
async fn the_guest_gets_endpoint_and_token_and_nobody_else_sees_the_token() {
    let world = World::new().await;
    let hypervisor = world.open().await;
    let echoes = world.tiny(Tiny::Echoes);
    hypervisor.ensure(&echoes).await.unwrap();
    hypervisor.stopped(echoes.id).await.unwrap();
    let token = echoes.token.secret();
    assert_eq!(
        console(&hypervisor, &echoes).await,
        format!(
            "tiny guest solstice.endpoint=http://10.0.2.100:80 \
             solstice.address=10.0.2.15/24 solstice.token={token}"
        )
    );

    let spec = world.tiny(Tiny::Talks);
    hypervisor.ensure(&spec).await.unwrap();
    let token = spec.token.secret();
    let processes = processes_of(&world.state_dir());
    assert_eq!(processes.len(), 1, "{processes:#?}");
    for (pid, line) in processes {
        assert!(line.contains(&format!("guest=solstice-moon-{}", spec.id)), "{line}");
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
        assert!(!line.contains(token) && !String::from_utf8_lossy(&environ).contains(token));
    }
    let folder = world.machines().join(spec.id.to_string());
    for entry in folder.read_dir_utf8().unwrap() {
        let path = entry.unwrap().into_path();
        let content = std::fs::read(&path).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&content).contains(token), "{path}");
    }
    assert_eq!([mode(&world.state_dir().join("machines")), mode(&folder)], [0o700; 2]);
    for spec in [echoes, spec] {
        hypervisor.destroy(spec.id).await.unwrap();
    }
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn the_disk_is_as_large_as_asked_or_as_the_image_and_the_image_is_not_written() {
    let world = World::new().await;
    let hypervisor = world.open().await;
    for (disk_mib, wanted_mib) in [(64, 64), (0, 1)] {
        let spec = MachineSpec { disk_mib, ..world.tiny(Tiny::Talks) };
        hypervisor.ensure(&spec).await.unwrap();
        let overlay = world.machines().join(spec.id.to_string()).join("overlay.qcow2");
        let header = std::fs::read(overlay).unwrap();
        let bytes = u64::from_be_bytes(header[24..32].try_into().unwrap());
        assert_eq!(bytes, wanted_mib << 20);
        hypervisor.destroy(spec.id).await.unwrap();
        let golden = std::fs::read(&spec.image.disk.path).unwrap();
        assert_eq!(Sha256Digest::of(&golden), spec.image.disk.sha256);
    }
}

#[tokio::test]
async fn a_qemu_that_dies_without_a_word_is_started_again_and_then_told() {
    let world = World::new().await;
    let hypervisor = world.open().await;
    let spec = world.tiny(Tiny::Dies);
    let error = hypervisor.ensure(&spec).await.unwrap_err();
    assert!(full_text(&error).contains("ended 3 times"), "{}", full_text(&error));
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn a_qemu_that_refuses_says_why() {
    let world = World::new().await;
    let hypervisor = world.open().await;
    let spec = MachineSpec { cpus: 0, ..world.tiny(Tiny::Talks) };
    let error = hypervisor.ensure(&spec).await.unwrap_err();
    assert!(full_text(&error).to_lowercase().contains("cpu"), "{}", full_text(&error));
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn a_host_without_enough_memory_or_disk_has_no_room() {
    let world = World::new().await;
    let hypervisor = world.open().await;
    let spec = MachineSpec { memory_mib: 900_000_000, ..world.tiny(Tiny::Talks) };
    let error = hypervisor.ensure(&spec).await.unwrap_err();
    assert!(matches!(error, HypervisorError::NoRoom { .. }), "{}", full_text(&error));
    hypervisor.destroy(spec.id).await.unwrap();

    let full = "case $1 in --version) exit;; esac\necho 'x: No space left on device' >&2; exit 1";
    let config = QemuConfig { qemu_img: script(&world, "qemu-img", full), ..world.config() };
    let image = world.image(Tiny::Talks);
    let hypervisor = QemuHypervisor::open(config, std::slice::from_ref(&image)).await.unwrap();
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
    let log = world.machines().join(spec.id.to_string()).join("console.log");
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
async fn another_host_s_machine_is_not_taken_over() {
    let world = World::new().await;
    let hypervisor = world.open().await;
    let spec = world.spec(Guest::Talks);
    hypervisor.ensure(&spec).await.unwrap();
    hypervisor.destroy(spec.id).await.unwrap();
    world.add_foreign().await;
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
    let old = script(&world, "old", "echo 'QEMU emulator version 4.2.1'");
    let broken =
        script(&world, "broken", "echo 'error while loading shared libraries' >&2; exit 127");
    let nowhere = Utf8Path::new("/nowhere/qemu").to_owned();
    let good = world.config();
    let cases = [
        (QemuConfig { qemu: nowhere.clone(), ..good.clone() }, "qemu-system-x86"),
        (QemuConfig { qemu_img: nowhere, ..good.clone() }, "qemu-utils"),
        (QemuConfig { qemu: old, ..good.clone() }, "install QEMU 7.2 or newer"),
        (QemuConfig { qemu: broken, ..good.clone() }, "loading shared libraries"),
        (QemuConfig { relay: vec!["relay".to_owned()], ..good.clone() }, "correct the relay"),
        (QemuConfig { state_dir: format!("/tmp/{}", "x".repeat(90)).into(), ..good }, "at most"),
    ];
    let image = world.image(Tiny::Talks);
    for (config, remedy) in cases {
        let error = QemuHypervisor::open(config, std::slice::from_ref(&image)).await.unwrap_err();
        assert!(matches!(error, HypervisorError::Unusable { .. }), "{error}");
        assert!(error.to_string().contains(remedy), "{error}");
    }
}

/// Whatever the probe finds here, a guest must run on it; and it is found only once.
#[tokio::test]
async fn the_probed_engine_runs_guests_and_the_verdict_is_kept() {
    let world = World::new().await;
    let config = QemuConfig { accelerator: Accelerator::Auto, ..world.config() };
    let image = world.image(Tiny::Talks);
    let first = QemuHypervisor::open(config.clone(), std::slice::from_ref(&image)).await.unwrap();
    let verdict = first.verdict().clone();
    assert!(!verdict.why.is_empty());
    assert_nothing_left(&world).await;
    drop(first);

    let begun = Instant::now();
    let hypervisor = QemuHypervisor::open(config, std::slice::from_ref(&image)).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(3), "it was probed again");
    assert_eq!(hypervisor.verdict(), &verdict);
    let spec = world.spec(Guest::PowersOff);
    hypervisor.ensure(&spec).await.unwrap();
    hypervisor.stopped(spec.id).await.unwrap();
    assert_eq!(console(&hypervisor, &spec).await.as_bytes(), text(), "{verdict:?}");
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
    assert!(!world.state_dir().join("probe").exists());
}

/// Whatever the probe finds here, without a kernel to try it by: a disk boots on it.
#[tokio::test]
async fn the_engine_that_is_probed_by_a_boot_sector_runs_guests() {
    let world = World::from_disk().await;
    let config = QemuConfig { accelerator: Accelerator::Auto, ..world.config() };
    let spec = world.spec(Guest::PowersOff);
    let opened = QemuHypervisor::open(config, std::slice::from_ref(&spec.image)).await;
    let hypervisor = opened.unwrap();
    hypervisor.ensure(&spec).await.unwrap();
    let stopped = tokio::time::timeout(Duration::from_secs(30), hypervisor.stopped(spec.id)).await;
    let verdict = hypervisor.verdict();
    stopped.unwrap_or_else(|_| panic!("nothing happens: {verdict:?}")).unwrap();
    assert_eq!(console(&hypervisor, &spec).await.as_bytes(), text(), "{verdict:?}");
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn kvm_on_which_nothing_happens_is_not_used() {
    let world = World::new().await;
    let idle = "case $1 in --version) echo 'QEMU emulator version 10.0.2'; exit;; esac\nsleep 1000";
    let qemu = script(&world, "idle", idle);
    let config = QemuConfig { qemu, accelerator: Accelerator::Auto, ..world.config() };
    let image = world.image(Tiny::Talks);
    let hypervisor = QemuHypervisor::open(config, std::slice::from_ref(&image)).await.unwrap();
    let verdict = hypervisor.verdict();
    assert_eq!(verdict.engine, Engine::Tcg);
    assert!(verdict.why.contains("/dev/kvm"), "{verdict:?}");
    assert_nothing_left(&world).await;
}
