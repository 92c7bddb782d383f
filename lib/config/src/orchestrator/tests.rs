//! What an orchestrator's configuration may say, and what it is told when it errs.

use super::*;

const SAMPLE: &str = include_str!("../../../../manifests/orchestrator.kdl");

const HEAD: &str = r#"host "laptop"
server "http://127.0.0.1:8082"
token_file "host.token"
data "data"
capacity 4
hypervisor "qemu"
size "small" cpus=1 memory="512MiB" disk="4GiB"
"#;

const IMAGE: &str = r#"image "tiny" { lock "tiny/image.lock"; size "small"; }
"#;

fn parse(lines: &str) -> Result<OrchestratorConfig, String> {
    let text = format!("orchestrator {{\n{lines}}}\n");
    let path = Path::new("/etc/solstice/orchestrator.kdl");
    OrchestratorConfig::parse(path, text.as_bytes()).map_err(|error| match error {
        ConfigError::Wrong(wrong) => {
            wrong.list().iter().map(|one| one.one_line() + "\n").collect::<String>()
        }
        other => other.to_string(),
    })
}

#[test]
fn the_sample_is_right_and_means_what_it_says() {
    let path = Path::new("/etc/solstice/orchestrator.kdl");
    let config = OrchestratorConfig::parse(path, SAMPLE.as_bytes()).unwrap();
    assert_eq!(config.capacity, 4);
    assert_eq!(config.drain_timeout, Duration::from_secs(300));
    let image = &config.images[0];
    assert_eq!(image.size, SizeConfig { cpus: 1, memory_mib: 512, disk_mib: 4096 });
    assert_eq!(config.sizes.values().next(), Some(&image.size), "a job may ask for it by name");
    assert_eq!(image.boot_timeout, None, "the hypervisor's own");
    assert_eq!(image.labels, ["linux-mini".parse().unwrap()]);
    assert_eq!(config.source, SourceConfig::default(), "the sample shows the defaults");
    let least = parse(&format!("{HEAD}{IMAGE}")).unwrap();
    assert_eq!(config.hypervisor, least.hypervisor, "the sample shows the defaults");
}

#[test]
fn the_sample_for_illumos_is_right_too() {
    let path = Path::new("/etc/solstice/orchestrator.kdl");
    let text = include_bytes!("../../../../manifests/orchestrator-illumos.kdl");
    let config = OrchestratorConfig::parse(path, text).unwrap();
    let HypervisorConfig::Zones(zones) = config.hypervisor else { panic!() };
    assert_eq!((zones.dataset.as_str(), zones.brand), ("rpool/solstice", Brand::OmniOs));
}

#[test]
fn the_least_configuration_has_safe_defaults() {
    let config = parse(&format!("{HEAD}{IMAGE}")).unwrap();
    assert_eq!(config.agent_listen.to_string(), "127.0.0.1:0");
    assert_eq!(config.source, SourceConfig::default());
    assert!(!config.source.allow_file);
    assert_eq!(config.token_file, Path::new("/etc/solstice/host.token"), "relative to the file");
    let plain = QemuSettings {
        accelerator: Accelerator::Auto,
        qemu: None,
        qemu_img: None,
        uefi: None,
        network: QemuNetwork::Auto,
        subnet: Ipv4Network { base: [10, 79, 0, 0].into(), prefix: 24 },
    };
    assert_eq!(config.hypervisor, HypervisorConfig::Qemu(plain));
    let image = &config.images[0];
    assert_eq!(image.labels, ["tiny".parse().unwrap()], "its own name");
    assert_eq!((image.capacity, image.boot_timeout), (None, None));
}

#[test]
fn each_kind_of_hypervisor_has_its_own_settings() {
    let given = |node: &str| {
        parse(&format!("{}{IMAGE}", HEAD.replace("hypervisor \"qemu\"", node)))
            .map(|it| it.hypervisor)
    };
    let network = |base: [u8; 4], prefix| Ipv4Network { base: base.into(), prefix };
    assert_eq!(
        given("hypervisor \"zones\" { dataset \"rpool/solstice\"; brand \"omnios\"; }"),
        Ok(HypervisorConfig::Zones(ZonesSettings {
            dataset: "rpool/solstice".to_owned(),
            brand: Brand::OmniOs,
            network: network([10, 77, 0, 0], 16),
            reserve: false,
        }))
    );
    assert_eq!(
        given("hypervisor \"libvirt\" { network \"192.168.9.0/24\"; accelerator \"tcg\"; }"),
        Ok(HypervisorConfig::Libvirt(LibvirtSettings {
            uri: "qemu:///system".to_owned(),
            accelerator: Accelerator::Tcg,
            network: network([192, 168, 9, 0], 24),
        }))
    );
    let files = "uefi_code \"/c.fd\"; uefi_vars \"/v.fd\"";
    let bridge = "network \"bridge\"; subnet \"10.1.16.0/20\"";
    let Ok(HypervisorConfig::Qemu(qemu)) =
        given(&format!("hypervisor \"qemu\" {{ {files}; {bridge}; }}"))
    else {
        panic!()
    };
    assert_eq!(qemu.uefi, Some(UefiFiles { code: "/c.fd".into(), vars: "/v.fd".into() }));
    assert_eq!((qemu.network, qemu.subnet), (QemuNetwork::Bridge, network([10, 1, 16, 0], 20)));
    for (rest, told) in [
        ("uefi_code \"/c.fd\"", "two files"),
        ("network \"tap\"", "\"auto\" or \"user\" or \"bridge\""),
        ("subnet \"10.1.0.0/16\"", "between 20 and 30"),
    ] {
        let wrong = given(&format!("hypervisor \"qemu\" {{ {rest}; }}")).unwrap_err();
        assert!(wrong.contains(told), "{rest}: {wrong}");
    }
    let zones = |rest: &str| {
        let node = "hypervisor \"zones\" { dataset \"rpool\"; brand \"omnios\"; ";
        given(&format!("{node}{rest} }}")).unwrap_err()
    };
    for (rest, told) in [
        ("network \"10.77.0.0\"", "it is not a network"),
        ("network \"10.77.0.0/31\"", "between 8 and 30"),
        ("network \"10.77.0.4/16\"", "10.77.0.4 is not the first address of a /16"),
        ("network \"8.8.0.0/16\"", "belong to somebody"),
        ("accelerator \"kvm\"", "accelerator"),
        ("reserve \"perhaps\"", "expected a boolean"),
    ] {
        assert!(zones(rest).contains(told), "{rest}: {}", zones(rest));
    }
    for name in ["/rpool", "rpool/", "rpool/a b", "rpool//x", "1pool", "rpool/..", "rpool@x", ""] {
        let node = format!("hypervisor \"zones\" {{ dataset \"{name}\"; brand \"omnios\"; }}");
        assert!(given(&node).unwrap_err().contains("not the name of a ZFS dataset"), "{name}");
    }
    assert!(given("hypervisor \"zones\"").unwrap_err().contains("no `dataset`"));
}

#[test]
fn source_settings_are_taken() {
    let config = parse(&format!(
        "{HEAD}{IMAGE}source {{ allow \"file\"; fetch_timeout \"5s\"; max_size \"1MiB\"; }}\n"
    ))
    .unwrap();
    assert!(config.source.allow_file);
    assert_eq!(config.source.fetch_timeout, Duration::from_secs(5));
    assert_eq!(config.source.max_size, 1 << 20);
}

#[test]
fn mistakes_are_shown_at_their_place_with_a_way_out() {
    let head = |from: &str, to: &str| format!("{}{IMAGE}", HEAD.replacen(from, to, 1));
    let image = |image: &str| format!("{HEAD}{image}\n");
    let cases = [
        (head("capacity 4", "capacity 0"), "a capacity of 0 runs no job"),
        (head("capacity 4", "capcity 4"), "did you mean `capacity`?"),
        (head("host \"laptop\"\n", ""), "`orchestrator` has no `host`"),
        (head("http://", "ftp://"), "hosts` listener"),
        (head("\"qemu\"", "\"qemo\""), "did you mean \"qemu\"?"),
        (head("\"qemu\"", "\"qemu\" accelerator=\"hvf\""), "\"auto\" or \"kvm\" or \"tcg\""),
        (head("512MiB", "512"), "512"),
        (head("512MiB", "16MiB"), "at least 64"),
        (head("size \"small\"", "size \"sm all\""), "size"),
        (head("cpus=1", "cpus=0"), "at least one processor"),
        (head("data", "agent_listen \"0.0.0.0:0\"\ndata"), "can be reached by others"),
        (HEAD.to_owned(), "no image is configured"),
        (image(r#"image "tiny" { lock "l"; size "smal"; }"#), "did you mean \"small\"?"),
        (image(r#"image "tiny" { size "small"; }"#), "has no `lock`"),
        (image(r#"image "tiny" { lock "l"; size "small"; boot_timeout "60"; }"#), "60"),
        (image(r#"image "tiny" { lock "l"; size "small"; capacity 0; }"#), "capacity of 0"),
        (format!("{HEAD}{IMAGE}{IMAGE}"), "two images named `tiny`"),
        (
            image(r#"image "a" { lock "l"; size "small"; labels "x" "y" "x"; }"#),
            "the label `x` is offered twice",
        ),
        (format!("{HEAD}{IMAGE}source {{ allow \"ssh\"; }}\n"), "cannot be allowed"),
    ];
    for (text, expected) in cases {
        let wrong = parse(&text).unwrap_err();
        assert!(wrong.contains(expected), "{text}\n{wrong}");
        assert!(wrong.starts_with("/etc/solstice/orchestrator.kdl:"), "{wrong}");
    }
}

#[test]
fn a_wrong_size_is_not_also_reported_as_unknown() {
    let wrong = parse(&format!("{}{IMAGE}", HEAD.replace("cpus=1", "cpus=0"))).unwrap_err();
    assert_eq!(wrong.lines().count(), 1, "{wrong}");
}
