//! The verbs against the simulated host, as the ordinary user of the service.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use illumos_host::enter;
use illumos_host::faults::{self, Fault, What};
use solstice_illumos::dladm::{self, LinkName, MacAddress, Vnic};
use solstice_illumos::zfs::{self, Dataset, Kind, List, Property, Setting, Snapshot, VolumeSize};
use solstice_illumos::zone::{self, State, ZoneConfig, ZoneName};
use solstice_illumos::{Cause, IllumosError, ipadm};

/// What the outcome comes to.
fn cause<T: std::fmt::Debug>(outcome: Result<T, IllumosError>) -> Cause {
    outcome.expect_err("it fails").cause()
}

fn dataset(name: &str) -> Dataset {
    format!("rpool/solstice/jobs/{name}").parse().expect("a name")
}

fn link(name: &str) -> LinkName {
    name.parse().expect("a name")
}

fn setting(property: &str, value: &str) -> Setting {
    Setting::new(property, value).expect("a setting")
}

fn properties(names: &[&str]) -> Vec<Property> {
    names.iter().map(|name| name.parse().expect("a name")).collect()
}

/// What only the operator's root does: snapshots among the jobs are not for
/// the service.
fn allow(permissions: &str) {
    let zfs =
        ["as-root", "/sbin/zfs", "allow", "-u", "solstice", permissions, "rpool/solstice/jobs"];
    let status = std::process::Command::new(enter::program()).args(zfs).status();
    assert!(status.expect("the simulator can be executed").success());
}

async fn volume(name: &str) -> Dataset {
    let volume = dataset(name);
    let size = VolumeSize::at_least(8 << 20).expect("a size");
    zfs::create_volume(&volume, size, true, &[]).await.expect("a volume");
    volume
}

#[tokio::test]
async fn clones_carry_their_marks_and_keep_their_origin() {
    let Some(_host) = enter::this_test("clones_carry_their_marks_and_keep_their_origin") else {
        return;
    };
    allow("snapshot,hold,release");
    let golden = volume("golden").await;
    let v1: Snapshot = golden.at("v1").expect("a name");
    let marks = [setting("org.solstice:job", "17"), setting("org.solstice:note", "a b=c")];
    zfs::snapshot(&v1, &[setting("org.solstice:digest", "abc")]).await.expect("a snapshot");
    assert_eq!(cause(zfs::snapshot(&v1, &[]).await), Cause::Exists);
    let job = dataset("j1");
    zfs::clone(&v1, &job, &marks).await.expect("a clone");
    assert_eq!(cause(zfs::clone(&v1, &job, &marks).await), Cause::Exists);

    let asked = properties(&["org.solstice:note", "volsize", "org.solstice:none", "origin"]);
    let values = zfs::get(job.as_str(), &asked).await.expect("values");
    let set: Vec<_> = values.iter().map(zfs::Value::set).collect();
    assert_eq!(set, [Some("a b=c"), Some("8388608"), None, Some("rpool/solstice/jobs/golden@v1")]);

    assert_eq!(cause(zfs::destroy(&golden).await), Cause::Busy);
    assert_eq!(cause(zfs::destroy_recursively(&golden).await), Cause::Busy);
    assert_eq!(cause(zfs::destroy_snapshot(&v1, false).await), Cause::Busy);
    zfs::destroy_snapshot(&v1, true).await.expect("it goes with its clone");
    zfs::destroy(&job).await.expect("it is there");
    assert_eq!(cause(zfs::destroy(&job).await), Cause::Absent);
    assert_eq!(cause(zfs::destroy_snapshot(&v1, false).await), Cause::Absent);
    zfs::destroy(&golden).await.expect("nothing depends on it");
}

#[tokio::test]
async fn datasets_are_listed_and_held() {
    let Some(_host) = enter::this_test("datasets_are_listed_and_held") else { return };
    allow("snapshot,hold,release");
    let golden = volume("golden").await;
    let v1 = golden.at("v1").expect("a name");
    zfs::snapshot(&v1, &[]).await.expect("a snapshot");
    zfs::set(golden.as_str(), &[setting("org.solstice:x", "1")]).await.expect("a mark");

    let asked = properties(&["org.solstice:x", "org.solstice:y"]);
    let list = List {
        root: "rpool/solstice/jobs",
        kinds: &[Kind::Volume],
        depth: Some(1),
        properties: &asked,
    };
    let rows = zfs::list(&list).await.expect("a list");
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0].values, [Some("1".to_owned()), None]);
    let everything = List { root: golden.as_str(), kinds: &[], depth: None, properties: &[] };
    let names: Vec<_> =
        zfs::list(&everything).await.expect("a list").into_iter().map(|row| row.name).collect();
    assert_eq!(names, ["rpool/solstice/jobs/golden", "rpool/solstice/jobs/golden@v1"]);
    let absent = List { root: "rpool/solstice/jobs/absent", ..everything };
    assert_eq!(cause(zfs::list(&absent).await), Cause::Absent);
    assert_eq!(cause(zfs::get("rpool/solstice/jobs/absent", &asked).await), Cause::Absent);

    zfs::hold(&v1, "solstice").await.expect("a hold");
    assert_eq!(cause(zfs::hold(&v1, "solstice").await), Cause::Exists);
    assert_eq!(zfs::holds(&v1).await.expect("holds"), ["solstice"]);
    assert_eq!(cause(zfs::destroy_snapshot(&v1, false).await), Cause::Busy);
    assert_eq!(cause(zfs::release(&v1, "other").await), Cause::Absent);
    zfs::release(&v1, "solstice").await.expect("it is held");
    zfs::destroy_recursively(&golden).await.expect("it is free");
}

#[tokio::test]
async fn what_is_not_delegated_is_not_permitted() {
    let Some(_host) = enter::this_test("what_is_not_delegated_is_not_permitted") else { return };
    let size = VolumeSize::at_least(1).expect("a size");
    let foreign: Dataset = "rpool/solstice/zones/x".parse().expect("a name");
    let made = zfs::create_volume(&foreign, size, true, &[]).await;
    assert_eq!(cause(made), Cause::NotPermitted);
    let orphan = dataset("absent/x");
    assert_eq!(cause(zfs::create_volume(&orphan, size, true, &[]).await), Cause::Absent);
}

#[tokio::test]
async fn links_come_with_their_protection_and_go() {
    let Some(_host) = enter::this_test("links_come_with_their_protection_and_go") else { return };
    let (stub, nic) = (link("solstub0"), link("solj1"));
    let mac = MacAddress([2, 8, 0x20, 0x5a, 1, 0xc]);
    let only = Some(Ipv4Addr::new(10, 99, 0, 10));
    let vnic = Vnic { name: &nic, over: &stub, mac: Some(mac), only };
    assert_eq!(cause(dladm::create_vnic(&vnic).await), Cause::Absent);
    dladm::create_etherstub(&stub).await.expect("an etherstub");
    assert_eq!(cause(dladm::create_etherstub(&stub).await), Cause::Exists);
    dladm::create_vnic(&vnic).await.expect("a VNIC");
    assert_eq!(cause(dladm::create_vnic(&vnic).await), Cause::Exists);

    let rows = dladm::vnics().await.expect("a list");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].name.as_str(), rows[0].over.as_str(), rows[0].mac),
        ("solj1", "solstub0", mac)
    );
    assert_eq!(dladm::etherstubs().await.expect("a list"), ["solstub0"]);
    let protection = dladm::link_property(&nic, "protection").await.expect("a value");
    for wanted in ["mac-nospoof", "ip-nospoof", "dhcp-nospoof", "restricted"] {
        assert!(protection.split(',').any(|it| it == wanted), "{protection}");
    }
    let allowed = dladm::link_property(&nic, "allowed-ips").await.expect("a value");
    assert!(allowed.starts_with("10.99.0.10"), "{allowed}");

    assert_eq!(cause(dladm::delete_etherstub(&stub).await), Cause::Busy);
    assert_eq!(cause(dladm::delete_vnic(&stub).await), Cause::WrongState);
    dladm::delete_vnic(&nic).await.expect("it is free");
    assert_eq!(cause(dladm::delete_vnic(&nic).await), Cause::Absent);
    assert_eq!(cause(dladm::link_property(&nic, "protection").await), Cause::Absent);
    dladm::delete_etherstub(&stub).await.expect("it is free");
    assert_eq!(cause(dladm::delete_etherstub(&stub).await), Cause::Absent);
}

#[tokio::test]
async fn an_address_is_one_wish() {
    let Some(_host) = enter::this_test("an_address_is_one_wish") else { return };
    let (stub, nic) = (link("solstub0"), link("solgw0"));
    let address = Ipv4Addr::new(10, 99, 0, 1);
    assert_eq!(cause(ipadm::add_address(&nic, address, 24).await), Cause::Absent);
    dladm::create_etherstub(&stub).await.expect("an etherstub");
    let vnic = Vnic { name: &nic, over: &stub, mac: None, only: None };
    dladm::create_vnic(&vnic).await.expect("a VNIC");
    for _ in 0..2 {
        ipadm::add_address(&nic, address, 24).await.expect("an address");
    }
    let other = Ipv4Addr::new(10, 99, 0, 2);
    assert_eq!(cause(ipadm::add_address(&nic, other, 24).await), Cause::Exists);
    let found = ipadm::addresses().await.expect("a list");
    assert!(found.iter().any(|it| it.object == "solgw0/v4" && it.address == "10.99.0.1/24"));

    assert_eq!(cause(dladm::delete_vnic(&nic).await), Cause::Busy);
    ipadm::delete_interface(&nic).await.expect("it is there");
    assert_eq!(cause(ipadm::delete_interface(&nic).await), Cause::Absent);
    dladm::delete_vnic(&nic).await.expect("it is free");
}

/// A zone with a link, a disk and what zonecfg could stumble over.
fn zone_config() -> ZoneConfig {
    let attributes = [
        ("bootdisk", "rpool/solstice/jobs/j1,serial=J1"),
        ("ram", "64M"),
        ("vcpus", "cpus=1"),
        ("note", "a  b; delete -F [x](y)"),
    ];
    ZoneConfig {
        name: "solstice-j1".parse().expect("a name"),
        path: "/solstice/zones/solstice-j1".into(),
        brand: "bhyve".to_owned(),
        nets: vec![link("solj1")],
        devices: vec![dataset("j1").raw_device().into_string()],
        mounts: Vec::new(),
        attributes: attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
    }
}

/// What that zone needs to boot.
async fn make_disk_and_link() {
    volume("j1").await;
    let (stub, nic) = (link("solstub0"), link("solj1"));
    dladm::create_etherstub(&stub).await.expect("an etherstub");
    let vnic = Vnic { name: &nic, over: &stub, mac: None, only: None };
    dladm::create_vnic(&vnic).await.expect("a VNIC");
}

async fn state(name: &ZoneName) -> Option<State> {
    zone::find(name).await.expect("it can be looked up").and_then(|zone| zone.state)
}

#[tokio::test]
async fn a_zone_lives_and_goes() {
    let Some(_host) = enter::this_test("a_zone_lives_and_goes") else { return };
    make_disk_and_link().await;
    let config = zone_config();
    let name = &config.name;
    assert_eq!(cause(zone::delete(name).await), Cause::Absent);
    assert_eq!(cause(zone::install(name).await), Cause::Absent);
    let limit = Duration::from_secs(20);
    assert_eq!(cause(zone::halt_by_force(name, limit).await), Cause::Absent);
    zone::configure(&config).await.expect("a configuration");
    assert_eq!(zone::attributes(name).await.expect("attributes"), config.attributes);
    assert_eq!(cause(zone::boot(name).await), Cause::WrongState);
    zone::halt_by_force(name, limit).await.expect("it was never up");

    zone::install(name).await.expect("an installation");
    assert_eq!(cause(zone::install(name).await), Cause::WrongState);
    // Nothing in it that zonecfg would refuse of an installed zone.
    let attributes = vec![("bootrom".to_owned(), "OTHER".to_owned())];
    let other = ZoneConfig { nets: vec![], devices: vec![], attributes, ..config.clone() };
    assert_eq!(cause(zone::configure(&other).await), Cause::Exists);
    assert_eq!(zone::attributes(name).await.expect("attributes"), config.attributes);
    assert_eq!(cause(zone::delete(name).await), Cause::WrongState);

    for _ in 0..2 {
        zone::boot(name).await.expect("it boots, or runs");
    }
    let zones = zone::list().await.expect("a list");
    assert_eq!(zones.odd, [""; 0]);
    assert!(
        zones.zones.iter().any(|it| it.name == name.as_str() && it.state == Some(State::Running))
    );
    assert_eq!(cause(zone::uninstall(name).await), Cause::WrongState);

    let begun = Instant::now();
    for _ in 0..2 {
        zone::halt_by_force(name, limit).await.expect("it is down");
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(state(name).await, Some(State::Installed));
    zone::uninstall(name).await.expect("it is down");
    assert_eq!(state(name).await, Some(State::Configured));
    zone::delete(name).await.expect("it is only configured");
    assert_eq!(zone::find(name).await.expect("it can be looked up"), None);
}

#[tokio::test]
async fn a_configuration_that_failed_leaves_nothing() {
    let Some(host) = enter::this_test("a_configuration_that_failed_leaves_nothing") else { return };
    let config = zone_config();
    let fault = |what| Fault {
        program: Some("zonecfg".to_owned()),
        arguments: vec!["create".to_owned()],
        skip: 0,
        times: 1,
        what,
    };
    let what = What::FailAfter { code: 1, stderr: "Resource incomplete.".to_owned() };
    faults::inject(&host, &fault(what)).expect("a fault");
    assert_eq!(cause(zone::configure(&config).await), Cause::Other);
    assert_eq!(zone::find(&config.name).await.expect("it can be looked up"), None);

    let what = What::FailAfter { code: 0, stderr: "syntax error at 'x'".to_owned() };
    faults::inject(&host, &fault(what)).expect("a fault");
    let complaint = zone::configure(&config).await.expect_err("it complains");
    assert!(matches!(complaint, IllumosError::Complaint { .. }), "{complaint:?}");
    assert_eq!(zone::find(&config.name).await.expect("it can be looked up"), None);
}

#[tokio::test]
async fn a_halt_that_hangs_reaches_its_limit() {
    let Some(host) = enter::this_test("a_halt_that_hangs_reaches_its_limit") else { return };
    let config = zone_config();
    zone::configure(&config).await.expect("a configuration");
    zone::install(&config.name).await.expect("an installation");
    let halt = Fault {
        program: Some("zoneadm".to_owned()),
        arguments: vec!["halt".to_owned()],
        skip: 0,
        times: 1,
        what: What::HangBefore,
    };
    faults::inject(&host, &halt).expect("a fault");
    let limit = Duration::from_millis(600);
    assert_eq!(cause(zone::halt_by_force(&config.name, limit).await), Cause::TimedOut);
    zone::halt_by_force(&config.name, Duration::from_secs(20)).await.expect("it is down");
}
