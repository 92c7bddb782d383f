//! Machines that boot from their own disks.

use std::io::{Cursor, Write};
use std::time::{Duration, Instant};

use camino::Utf8PathBuf;
use solstice_hypervisor::conformance::Backend;
use solstice_hypervisor::conformance::{Guest, assert_nothing_left};
use solstice_hypervisor::{Hypervisor, HypervisorError, MachineSpec};
use solstice_hypervisor_qemu::{QemuConfig, QemuHypervisor, UefiFirmware};
use solstice_image::Lock;

use crate::guest::console_with;
use crate::support::{World, disk_image, mode, processes_of};
use crate::tiny::{Tiny, efi_program, text};

/// A FAT file system with the one file that firmware looks for (UEFI 2.10, 3.5.1.1).
fn esp() -> Vec<u8> {
    let mut disk = Cursor::new(vec![0; 4 << 20]);
    fatfs::format_volume(&mut disk, fatfs::FormatVolumeOptions::new()).unwrap();
    let volume = fatfs::FileSystem::new(&mut disk, fatfs::FsOptions::new()).unwrap();
    let folder = volume.root_dir().create_dir("EFI").unwrap().create_dir("BOOT").unwrap();
    folder.create_file("BOOTX64.EFI").unwrap().write_all(&efi_program()).unwrap();
    drop(folder);
    volume.unmount().unwrap();
    disk.into_inner()
}

#[tokio::test]
async fn the_token_is_on_the_seed_alone_and_goes_with_the_machine() {
    let world = World::from_disk().await;
    let hypervisor = world.open().await;
    let spec = world.spec(Guest::Talks);
    hypervisor.ensure(&spec).await.unwrap();
    let folder = world.machines().join(spec.id.to_string());
    let token = spec.token.secret();
    let holds = |path: &Utf8PathBuf| {
        let content = std::fs::read(path).unwrap_or_default();
        content.windows(token.len()).any(|window| window == token.as_bytes())
    };
    let entries = folder.read_dir_utf8().unwrap().map(|entry| entry.unwrap().into_path());
    let with_token: Vec<_> = entries.filter(holds).collect();
    assert_eq!(with_token, [folder.join("seed.img")]);
    assert_eq!(mode(&with_token[0]), 0o600);
    for (pid, line) in processes_of(&world.state_dir()) {
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap();
        assert!(!line.contains(token) && !String::from_utf8_lossy(&environ).contains(token));
    }
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn a_packed_disk_is_unpacked_once_and_anew_if_somebody_touched_it() {
    let world = World::from_disk().await;
    let spec = world.spec(Guest::Talks);
    let opened = QemuHypervisor::open(world.config(), std::slice::from_ref(&spec.image)).await;
    let hypervisor = opened.unwrap();
    let disks = world.state_dir().join("disks");
    let disk = disks.join(format!("{}.raw", spec.image.disk.sha256.hex()));
    assert_eq!(std::fs::read(&disk).unwrap(), Tiny::Talks.disk());
    let changed = || std::fs::metadata(&disk).unwrap().modified().unwrap();
    let first = changed();
    hypervisor.ensure(&spec).await.unwrap();
    hypervisor.destroy(spec.id).await.unwrap();
    assert_eq!(changed(), first, "it was unpacked again");

    std::fs::write(&disk, Tiny::Silent.disk()).unwrap();
    hypervisor.ensure(&spec).await.unwrap();
    assert_eq!(std::fs::read(&disk).unwrap(), Tiny::Talks.disk());
    hypervisor.destroy(spec.id).await.unwrap();

    std::fs::write(disks.join("cut-short.new"), "").unwrap();
    drop(hypervisor);
    // This one knows another image.
    drop(world.open().await);
    assert!(!disk.exists() && !disks.join("cut-short.new").exists());
}

#[tokio::test]
async fn a_disk_boots_by_uefi() {
    let world = World::from_disk().await;
    let hypervisor = world.open().await;
    let image = disk_image(&world.path().join("uefi"), "uefi", &esp());
    let spec = MachineSpec { memory_mib: 256, ..world.spec_of(image) };
    hypervisor.ensure(&spec).await.unwrap();
    console_with(&hypervisor, &spec, &String::from_utf8(text()).unwrap()).await;
    let vars = world.machines().join(spec.id.to_string()).join("vars.fd");
    assert!(vars.is_file(), "the variables are the machine's own");
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn a_host_without_uefi_firmware_is_told_what_to_do() {
    let world = World::from_disk().await;
    let image = disk_image(&world.path().join("uefi"), "uefi", &esp());
    let nowhere = |name: &str| Utf8PathBuf::from(format!("/nowhere/{name}"));
    let uefi = Some(UefiFirmware { code: nowhere("code"), vars: nowhere("vars") });
    let config = QemuConfig { uefi, ..world.config() };
    let error = QemuHypervisor::open(config.clone(), &[image]).await.unwrap_err();
    assert!(matches!(error, HypervisorError::Unusable { .. }), "{error}");
    let told = error.to_string();
    assert!(told.contains("/nowhere/code") && told.contains("apt-get install ovmf"), "{told}");
    // Who boots no image by UEFI needs none.
    QemuHypervisor::open(config, &[world.image(Tiny::Talks)]).await.unwrap();
}

/// The image that `cargo xtask test` built.
#[tokio::test]
async fn the_real_image_s_agent_learns_its_endpoint_from_the_seed() {
    let folder = std::env::var("SOLSTICE_TEST_DISK_IMAGE").map(Utf8PathBuf::from);
    let folder = folder.expect(
        "this test boots the image linux-mini-disk: run `cargo xtask test`, or set \
         SOLSTICE_TEST_DISK_IMAGE to the folder that holds its image.lock",
    );
    let image = Lock::read(folder.join("image.lock")).unwrap().verify().unwrap();
    let world = World::from_disk().await;
    let opened = QemuHypervisor::open(world.config(), std::slice::from_ref(&image)).await;
    let hypervisor = opened.unwrap();
    let spec = MachineSpec { memory_mib: 512, disk_mib: 5000, ..world.spec_of(image) };
    hypervisor.ensure(&spec).await.unwrap();
    console_with(&hypervisor, &spec, "solstice-agent: up").await;
    let begun = Instant::now();
    while world.requests().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no agent came");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(world.requests().starts_with("POST /"), "{}", world.requests());
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}
