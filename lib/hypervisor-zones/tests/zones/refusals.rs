//! What happens when a machine cannot be made, or cannot be removed yet.

use std::time::Duration;

use illumos_host::faults::{self, Fault, What};
use illumos_host::guest::Guest;
use solstice_hypervisor::conformance::assert_nothing_left;
use solstice_hypervisor::{Hypervisor, HypervisorError, MachineSpec};
use solstice_hypervisor_zones::{Network, ZonesConfig, ZonesHypervisor};
use solstice_model::Observed;

use crate::support::{DATASET, World, as_root};

fn full_text(error: &dyn std::error::Error) -> String {
    let cause = error.source().map(|cause| format!(": {}", full_text(cause))).unwrap_or_default();
    format!("{error}{cause}")
}

fn inject(program: &str, argument: &str, what: What) {
    let (program, arguments) = (Some(program.to_owned()), vec![argument.to_owned()]);
    let fault = Fault { program, arguments, skip: 0, times: 1, what };
    faults::inject(illumos_host::state_dir(), &fault).unwrap();
}

#[tokio::test]
async fn an_image_that_was_not_imported_or_has_no_disk_to_boot_is_refused_at_the_start() {
    let Some(world) = World::of_this_test() else { return };
    let image = world.image(Guest::Talks);
    ZonesHypervisor::open(world.config(), std::slice::from_ref(&image)).await.unwrap();
    as_root(&[
        "zfs",
        "destroy",
        "-r",
        &format!("{DATASET}/images/{}", &image.disk.sha256.hex()[..32]),
    ]);
    let refused = ZonesHypervisor::open(world.config(), &[image]).await.unwrap_err();
    assert!(matches!(refused, HypervisorError::Image(_)), "{refused:?}");
    assert!(full_text(&refused).contains("ciadm image import"), "{}", full_text(&refused));
    as_root(&["zfs", "destroy", &format!("{DATASET}/jobs")]);
    let refused = ZonesHypervisor::open(world.config(), &[]).await.unwrap_err();
    assert!(full_text(&refused).contains("zfs create rpool/solstice/jobs"), "{refused}");
}

#[tokio::test]
async fn a_full_pool_is_no_room_and_leaves_nothing_behind() {
    let Some(world) = World::of_this_test() else { return };
    let hypervisor = world.open().await;
    let spec = world.tiny(Guest::Talks);
    let stderr = format!("cannot create '{DATASET}/jobs/{}': out of space", spec.id);
    inject("zfs", "clone", What::FailBefore { code: 1, stderr });
    let refused = hypervisor.ensure(&spec).await.unwrap_err();
    assert!(matches!(refused, HypervisorError::NoRoom { .. }), "{}", full_text(&refused));
    assert_nothing_left(&world).await;
    hypervisor.ensure(&spec).await.unwrap();
    hypervisor.destroy(spec.id).await.unwrap();
}

#[tokio::test]
async fn a_disk_beyond_the_pool_is_no_room_if_it_is_to_be_reserved() {
    let Some(world) = World::of_this_test() else { return };
    let spec = MachineSpec { disk_mib: 100 << 10, ..world.tiny(Guest::Silent) };
    let reserving = ZonesConfig { reserve: true, ..world.config() };
    let hypervisor = ZonesHypervisor::open(reserving, &[]).await.unwrap();
    let refused = hypervisor.ensure(&spec).await.unwrap_err();
    assert!(matches!(refused, HypervisorError::NoRoom { .. }), "{}", full_text(&refused));
    hypervisor.destroy(spec.id).await.unwrap();
    drop(hypervisor);
    let hypervisor = world.open().await;
    hypervisor.ensure(&spec).await.unwrap();
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn a_machine_of_nothing_is_refused_before_anything_is_made() {
    let Some(world) = World::of_this_test() else { return };
    let hypervisor = world.open().await;
    for (cpus, memory_mib) in [(0, 64), (1, 0)] {
        let spec = MachineSpec { cpus, memory_mib, ..world.tiny(Guest::Talks) };
        let refused = hypervisor.ensure(&spec).await.unwrap_err();
        assert!(full_text(&refused).contains("cannot have no"), "{}", full_text(&refused));
    }
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn networks_that_are_taken_are_left_out_and_when_none_is_left_there_is_no_room() {
    let Some(world) = World::of_this_test() else { return };
    let network = Network { prefix: 28, ..ZonesConfig::NETWORK };
    let config = ZonesConfig { network, ..world.config() };
    let hypervisor = ZonesHypervisor::open(config, &[]).await.unwrap();
    // A link of our own name, an address of the network, another host's stub.
    as_root(&["dladm", "create-etherstub", "-t", "other0"]);
    as_root(&["dladm", "create-vnic", "-t", "-l", "other0", "sci_9e78b43e_guest0"]);
    as_root(&["dladm", "create-vnic", "-t", "-l", "other0", "other1"]);
    as_root(&["ipadm", "create-if", "-t", "other1"]);
    as_root(&["ipadm", "create-addr", "-t", "-T", "static", "-a", "10.77.0.6/30", "other1/v4"]);
    as_root(&["dladm", "create-etherstub", "-t", "sci_deadbeef_stub2"]);
    let (one, two) = (world.tiny(Guest::Silent), world.tiny(Guest::Silent));
    hypervisor.ensure(&one).await.unwrap();
    let clone = format!("{DATASET}/jobs/{}", one.id);
    assert_eq!(as_root(&["zfs", "get", "-Hpo", "value", "org.solstice:slot", &clone]), "3\n");
    let refused = hypervisor.ensure(&two).await.unwrap_err();
    assert!(matches!(refused, HypervisorError::NoRoom { .. }), "{}", full_text(&refused));
    hypervisor.destroy(one.id).await.unwrap();
    hypervisor.destroy(two.id).await.unwrap();
    assert!(as_root(&["dladm", "show-vnic", "-p", "-o", "link"]).contains("sci_9e78b43e_guest0"));
}

#[tokio::test]
async fn a_link_that_is_taken_after_all_is_not_touched() {
    let Some(world) = World::of_this_test() else { return };
    let hypervisor = world.open().await;
    let spec = world.tiny(Guest::Silent);
    as_root(&["dladm", "create-etherstub", "-t", "other0"]);
    inject("dladm", "create-vnic", What::Delay { ms: 3000 });
    let stranger = async {
        while !as_root(&["dladm", "show-etherstub", "-p", "-o", "link"])
            .contains("sci_9e78b43e_stub0")
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        as_root(&["dladm", "create-vnic", "-t", "-l", "other0", "sci_9e78b43e_guest0"]);
    };
    let (refused, ()) = tokio::join!(hypervisor.ensure(&spec), stranger);
    let refused = refused.unwrap_err();
    assert!(full_text(&refused).contains("belongs to another host"), "{}", full_text(&refused));
    hypervisor.destroy(spec.id).await.unwrap();
    let vnics = as_root(&["dladm", "show-vnic", "-p", "-o", "link"]);
    assert_eq!(vnics, "sci_9e78b43e_guest0\n");
}

#[tokio::test]
async fn a_disk_that_somebody_reads_is_removed_later() {
    let Some(world) = World::of_this_test() else { return };
    let hypervisor = world.open().await;
    let spec = world.tiny(Guest::Silent);
    hypervisor.ensure(&spec).await.unwrap();
    let stderr = format!("cannot destroy '{DATASET}/jobs/{}': dataset is busy", spec.id);
    inject("zfs", "destroy", What::FailBefore { code: 1, stderr });
    let refused = hypervisor.destroy(spec.id).await.unwrap_err();
    assert!(full_text(&refused).contains("dataset is busy"), "{}", full_text(&refused));
    assert_eq!(hypervisor.observe().await.unwrap().len(), 1);
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn a_zone_that_the_kernel_does_not_let_go_is_removed_later() {
    let Some(world) = World::of_this_test() else { return };
    let hypervisor = world.open().await;
    let spec = world.tiny(Guest::Silent);
    hypervisor.ensure(&spec).await.unwrap();
    let zone = as_root(&["zoneadm", "list", "-n"]).trim().to_owned();
    let stuck = |stuck: bool| {
        illumos_host::World::with(illumos_host::state_dir(), |world| match stuck {
            true => world.zones.stuck.insert(zone.clone()),
            false => world.zones.stuck.remove(&zone),
        })
        .unwrap()
    };
    stuck(true);
    hypervisor.destroy(spec.id).await.unwrap_err();
    assert_eq!(hypervisor.observe().await.unwrap()[0].observed, Observed::Stopped);
    hypervisor.stopped(spec.id).await.unwrap();
    stuck(false);
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}

#[tokio::test]
async fn a_boot_that_fails_is_told_and_tried_again() {
    let Some(world) = World::of_this_test() else { return };
    let hypervisor = world.open().await;
    let spec = world.tiny(Guest::Silent);
    let stderr = "zoneadm: zone 'z': call to zoneadmd failed".to_owned();
    inject("zoneadm", "boot", What::FailBefore { code: 1, stderr });
    let refused = hypervisor.ensure(&spec).await.unwrap_err();
    assert!(full_text(&refused).contains("call to zoneadmd failed"), "{}", full_text(&refused));
    hypervisor.ensure(&spec).await.unwrap();
    hypervisor.destroy(spec.id).await.unwrap();
    assert_nothing_left(&world).await;
}
