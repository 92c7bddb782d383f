//! What the bhyve brand makes of a zone's attributes.
//!
//! Source: omniosorg/pkg5 src/brand/bhyve/{boot.py,bootlib.py}, OpenIndiana/pkg5
//! src/brand/bhyve/boot.py, man bhyve(7); illumos-gate usr/src/cmd/bhyve. Where the manual and the
//! code differ, as the code has it.

use camino::{Utf8Path, Utf8PathBuf};

use super::Variant;
use super::config::{Config, Kind, Resource};

/// Where the firmware is.
const FIRMWARE: &str = "/usr/share/bhyve/firmware";
/// The firmware that the package system/bhyve/firmware delivers.
const ROMS: [&str; 4] = ["BHYVE_DEBUG", "BHYVE_DEBUG_CSM", "BHYVE_RELEASE", "BHYVE_RELEASE_CSM"];
/// Their names before r151035, which OmniOS still knows.
const OLD_ROMS: [(&str, &str); 4] = [
    ("BHYVE_DEBUG-2.70", "BHYVE_DEBUG"),
    ("BHYVE_DEBUG_CSM-2.40", "BHYVE_DEBUG_CSM"),
    ("BHYVE_RELEASE-2.70", "BHYVE_RELEASE"),
    ("BHYVE_RELEASE_CSM-2.40", "BHYVE_RELEASE_CSM"),
];
const MIB: u64 = 1 << 20;

/// A machine as bhyve would have it, its paths those of the zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) uefi: bool,
    pub(super) cpus: Cpus,
    pub(super) memory_bytes: u64,
    /// In the order in which the guest finds them.
    pub(super) disks: Vec<Disk>,
    pub(super) links: Vec<String>,
    pub(super) rng: bool,
    pub(super) uuid: String,
    /// SMBIOS: who made it, and its serial number.
    pub(super) manufacturer: &'static str,
    pub(super) serial: String,
}

/// Processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cpus {
    pub(super) total: u32,
    pub(super) sockets: Option<u32>,
    pub(super) cores: Option<u32>,
    pub(super) threads: Option<u32>,
}

/// How a disk is attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interface {
    VirtioBlk,
    AhciDisk,
    AhciCd,
    Nvme,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Disk {
    pub(super) interface: Interface,
    /// Absolute, without `.` and `..`.
    pub(super) path: Utf8PathBuf,
    pub(super) serial: Option<String>,
    pub(super) read_only: bool,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The brand ends with this text.
    Fatal(String),
    /// Real brands can do it; this one cannot.
    NotSimulated(String),
}

type Checked<T> = Result<T, Refusal>;

fn fatal<T>(text: impl Into<String>) -> Checked<T> {
    Err(Refusal::Fatal(text.into()))
}

/// Attributes that the brand of a variant knows besides the numbered ones.
fn known(variant: Variant) -> &'static [&'static str] {
    match variant {
        Variant::Omnios => &[
            "acpi",
            "bootorder",
            "bootnext",
            "bootrom",
            "cloud-init",
            "console",
            "debug.persist",
            "diskif",
            "hostbridge",
            "memreserve",
            "netif",
            "priv.debug",
            "ram",
            "rng",
            "type",
            "uefivars",
            "uuid",
            "vcpus",
            "vga",
            "vnc",
            "xhci",
        ],
        Variant::Openindiana => &[
            "acpi",
            "bootorder",
            "bootrom",
            "console",
            "diskif",
            "extra",
            "hostbridge",
            "netif",
            "ram",
            "type",
            "vcpus",
            "vga",
            "vnc",
            "xhci",
        ],
    }
}

/// The machine of a zone; `uuid` is the zone's own.
pub(super) fn machine(variant: Variant, config: &Config, uuid: &str) -> Checked<Machine> {
    let brand = Brand { variant, config };
    brand.refuse_what_is_not_simulated()?;
    let uuid = brand.opt("uuid", uuid).to_owned();
    let uefi = brand.rom()?;
    brand.booleans()?;
    Ok(Machine {
        uefi,
        cpus: brand.cpus()?,
        memory_bytes: parse_ram(brand.opt("ram", "1G"))?,
        disks: brand.disks()?,
        links: config.links().map(str::to_owned).collect(),
        rng: variant == Variant::Omnios && brand.boolean("rng", "off")?,
        manufacturer: match variant {
            Variant::Omnios => "OmniOS",
            Variant::Openindiana => "OpenIndiana",
        },
        serial: uuid.clone(),
        uuid,
    })
}

struct Brand<'a> {
    variant: Variant,
    config: &'a Config,
}

impl<'a> Brand<'a> {
    /// An attribute's value without blanks around it, or what it is without.
    /// What this variant's brand does not know it does not see.
    fn opt(&self, name: &str, default: &'a str) -> &'a str {
        let known = known(self.variant).contains(&name);
        self.config.attr(name).filter(|_| known).map_or(default, str::trim)
    }

    fn boolean(&self, name: &str, default: &'a str) -> Checked<bool> {
        let value = self.opt(name, default);
        match boolean(value) {
            Some(value) => Ok(value),
            None => fatal(format!("Invalid value {value} for boolean variable {name}")),
        }
    }

    /// Boolean attributes whose value does not matter here but must be one.
    fn booleans(&self) -> Checked<()> {
        if self.variant == Variant::Omnios {
            for name in ["memreserve", "priv.debug", "debug.persist"] {
                if self.boolean(name, "off")? {
                    return Err(Refusal::NotSimulated(format!("attribute {name}")));
                }
            }
            self.boolean("uefivars", "on")?;
        }
        Ok(())
    }

    fn refuse_what_is_not_simulated(&self) -> Checked<()> {
        let refuse = |what: String| Err(Refusal::NotSimulated(what));
        for name in ["cloud-init", "vnc"] {
            if boolean(self.opt(name, "off")) != Some(false) {
                return refuse(format!("attribute {name}"));
            }
        }
        if self.opt("console", "/dev/zconsole") != "/dev/zconsole" {
            return refuse("attribute console".to_owned());
        }
        if self.opt("type", "generic") != "generic" {
            return refuse("attribute type".to_owned());
        }
        if !["virtio-net-viona", "virtio"].contains(&self.opt("netif", "virtio-net-viona")) {
            return refuse("attribute netif".to_owned());
        }
        for attr in self.config.of_kind(Kind::Attr) {
            let name = attr.get("name");
            let numbered = |kind: &str| {
                let number = name.strip_prefix(kind);
                number.is_some_and(|n| n.bytes().all(|byte| byte.is_ascii_digit()))
            };
            let com = ["com2", "com3", "com4"].contains(&name);
            if numbered("extra") || numbered("virtfs") || numbered("ppt") || com {
                return refuse(format!("attribute {name}"));
            }
        }
        let odd = |net: &Resource| !net.properties.is_empty() || !net.get("global-nic").is_empty();
        if self.config.of_kind(Kind::Net).any(odd) {
            return refuse("a net with properties or global-nic".to_owned());
        }
        Ok(())
    }

    /// Whether the firmware is UEFI without a BIOS.
    fn rom(&self) -> Checked<bool> {
        let given = match self.variant {
            Variant::Omnios => self.opt("bootrom", "BHYVE_RELEASE_CSM"),
            Variant::Openindiana => self.opt("bootrom", "BHYVE_RELEASE"),
        };
        let alias = OLD_ROMS.into_iter().find(|(old, _)| *old == given);
        let given = match alias {
            Some((_, name)) if self.variant == Variant::Omnios => name,
            _ => given,
        };
        let name = given.strip_prefix(FIRMWARE).map_or(given, |rest| rest.trim_start_matches('/'));
        let name = name.strip_suffix(".fd").unwrap_or(name);
        if ROMS.contains(&name) {
            return Ok(!name.ends_with("_CSM"));
        }
        if given.starts_with('/') {
            return Err(Refusal::NotSimulated(format!("firmware {given}")));
        }
        fatal(format!("bootrom {given} not found."))
    }

    fn cpus(&self) -> Checked<Cpus> {
        let text = self.opt("vcpus", "1");
        let parse = || -> Option<Cpus> {
            let mut parts = text.split(',');
            let first = parts.next()?;
            let total = first.strip_prefix("cpus=").unwrap_or(first).parse().ok()?;
            let mut cpus = Cpus { total, sockets: None, cores: None, threads: None };
            for part in parts {
                let (name, value) = part.split_once('=')?;
                let slot = match name {
                    "sockets" => &mut cpus.sockets,
                    "cores" => &mut cpus.cores,
                    "threads" => &mut cpus.threads,
                    _ => return None,
                };
                *slot = Some(value.parse().ok()?);
            }
            (total > 0).then_some(cpus)
        };
        match parse() {
            Some(cpus) => Ok(cpus),
            None => fatal(format!("Could not parse configuration: invalid cpu topology '{text}'")),
        }
    }

    fn disks(&self) -> Checked<Vec<Disk>> {
        let (most_cdroms, most_disks) = match self.variant {
            Variant::Omnios => (8, 16),
            Variant::Openindiana => (10, 20),
        };
        let mut disks = Vec::new();
        if let Some(value) = self.config.attr("bootdisk") {
            disks.push(self.disk(value.trim(), self.interface("bootdiskif")?));
        }
        for (number, value) in self.numbered("disk", most_disks)? {
            disks.push(self.disk(&value, self.interface(&format!("diskif{number}"))?));
        }
        for (_, value) in self.numbered("cdrom", most_cdroms)? {
            let path = normal(Utf8Path::new(value.split(',').next().unwrap_or_default()));
            disks.push(Disk { interface: Interface::AhciCd, path, serial: None, read_only: true });
        }
        Ok(disks)
    }

    fn interface(&self, own: &str) -> Checked<Interface> {
        let own = self.config.attr(own).filter(|_| self.variant == Variant::Omnios);
        match own.map_or(self.opt("diskif", "virtio-blk"), str::trim) {
            "virtio-blk" | "virtio" => Ok(Interface::VirtioBlk),
            "ahci-hd" | "ahci" => Ok(Interface::AhciDisk),
            "nvme" => Ok(Interface::Nvme),
            other => Err(Refusal::NotSimulated(format!("disk interface {other}"))),
        }
    }

    /// `DATASET[,option...]` or a path.
    fn disk(&self, value: &str, interface: Interface) -> Disk {
        let mut parts = value.split(',');
        let first = parts.next().unwrap_or_default();
        let path = match self.variant {
            Variant::Omnios if first.starts_with('/') => first.to_owned(),
            Variant::Openindiana if first.starts_with("/dev/zvol/rdsk") => first.to_owned(),
            _ => format!("/dev/zvol/rdsk/{first}"),
        };
        let mut disk =
            Disk { interface, path: normal(Utf8Path::new(&path)), serial: None, read_only: false };
        for option in parts {
            match option.split_once('=') {
                Some(("serial" | "ser", serial)) => disk.serial = Some(serial.to_owned()),
                None if option == "ro" => disk.read_only = true,
                _ => {}
            }
        }
        disk
    }

    /// `KINDn` for all n, and `KIND` itself at the lowest free place.
    fn numbered(&self, kind: &str, places: usize) -> Checked<Vec<(usize, String)>> {
        let mut found: Vec<Option<String>> = vec![None; places];
        let attrs = || self.config.of_kind(Kind::Attr);
        for attr in attrs() {
            let number = attr.get("name").strip_prefix(kind).filter(|n| !n.is_empty());
            let Some(number) = number.filter(|n| n.bytes().all(|byte| byte.is_ascii_digit()))
            else {
                continue;
            };
            let place = number.parse().unwrap_or(usize::MAX);
            match found.get_mut(place) {
                None => return fatal(format!("{kind}{number} slot out of range")),
                Some(Some(_)) => {
                    return fatal(format!("{kind}{place} appears more than once in configuration"));
                }
                Some(free) => *free = Some(attr.get("value").trim().to_owned()),
            }
        }
        for attr in attrs().filter(|attr| attr.get("name") == kind) {
            match found.iter_mut().find(|place| place.is_none()) {
                Some(free) => *free = Some(attr.get("value").trim().to_owned()),
                None => return fatal(format!("{kind}: no more available slots")),
            }
        }
        let numbers = found.into_iter().enumerate();
        Ok(numbers.filter_map(|(number, value)| Some((number, value?))).collect())
    }
}

fn boolean(value: &str) -> Option<bool> {
    match value {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Bytes. A bare number below a mebibyte counts mebibytes.
fn parse_ram(text: &str) -> Checked<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let number: u64 = match number.parse() {
        Ok(number) if suffix.chars().count() <= 1 => number,
        _ => return fatal(format!("Could not parse ram value \"{text}\"")),
    };
    let shift = match suffix.to_ascii_lowercase().as_str() {
        "" if number < MIB => 20,
        "" | "b" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return fatal(format!("Unknown RAM suffix, {suffix}")),
    };
    match number.checked_mul(1 << shift) {
        Some(bytes) if bytes > 0 => Ok(bytes),
        _ => fatal(format!("Could not parse ram value \"{text}\"")),
    }
}

/// An absolute path without `.` and `..`: a zone's root has nothing above it.
pub(super) fn normal(path: &Utf8Path) -> Utf8PathBuf {
    let mut normal = Utf8PathBuf::from("/");
    for part in path.components() {
        match part {
            camino::Utf8Component::ParentDir => {
                normal.pop();
            }
            camino::Utf8Component::Normal(part) => normal.push(part),
            _ => {}
        }
    }
    normal
}

/// The file of the global zone that is at `path` in a zone; `None` if a process
/// in the zone finds nothing there: devices need a `device` that matches, files
/// one of the zone's own or a lofs mount.
pub(super) fn visible(config: &Config, path: &Utf8Path) -> Option<Utf8PathBuf> {
    let found = if path.starts_with("/dev") {
        let mut devices = config.of_kind(Kind::Device);
        devices.any(|device| glob(device.get("match"), path.as_str())).then(|| path.to_owned())
    } else {
        let mounts = config.of_kind(Kind::Fs).filter(|fs| path.starts_with(fs.get("dir")));
        let deepest = mounts.max_by_key(|fs| fs.get("dir").len());
        Some(match deepest {
            Some(fs) => {
                let below = path.strip_prefix(fs.get("dir")).expect("it starts with it");
                let special = Utf8PathBuf::from(fs.get("special"));
                if below.as_str().is_empty() { special } else { special.join(below) }
            }
            None => Utf8PathBuf::from(config.root() + path.as_str()),
        })
    };
    found.filter(|found| found.is_file())
}

/// gmatch(3GEN), but for `[...]`.
fn glob(pattern: &str, text: &str) -> bool {
    match pattern.as_bytes() {
        [] => text.is_empty(),
        [b'*', ..] => (0..=text.len())
            .filter(|at| text.is_char_boundary(*at))
            .any(|at| glob(&pattern[1..], &text[at..])),
        [first, ..] => {
            let same = text.bytes().next().is_some_and(|byte| *first == b'?' || byte == *first);
            same && pattern.is_char_boundary(1)
                && text.is_char_boundary(1)
                && glob(&pattern[1..], &text[1..])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(attrs: &[(&str, &str)]) -> Config {
        let mut config = Config::blank("job1");
        config.zonepath = "/zones/job1".to_owned();
        for (name, value) in attrs {
            let mut attr = Resource::new(Kind::Attr);
            attr.set("name", name);
            attr.set("type", "string");
            attr.set("value", value);
            config.resources.push(attr);
        }
        config
    }

    fn omnios(attrs: &[(&str, &str)]) -> Checked<Machine> {
        machine(Variant::Omnios, &config(attrs), "u-u")
    }

    fn paths(machine: &Machine) -> Vec<&str> {
        machine.disks.iter().map(|disk| disk.path.as_str()).collect()
    }

    #[test]
    fn what_is_not_said_has_its_default() {
        let machine = omnios(&[("unknown", "x"), ("disk-x", "y")]).unwrap();
        assert!(!machine.uefi && !machine.rng && machine.disks.is_empty());
        assert_eq!((machine.memory_bytes, machine.cpus.total), (1 << 30, 1));
        assert_eq!(machine.serial, "u-u");
        let machine = super::machine(Variant::Openindiana, &config(&[("uuid", "x")]), "u").unwrap();
        assert!(machine.uefi);
        assert_eq!(machine.uuid, "u");
    }

    #[test]
    fn the_boot_disk_is_first_and_plain_disks_fill_the_gaps() {
        let attrs = [
            ("disk1", "p/one,ro"),
            ("cdrom", "/iso/a.iso"),
            ("disk", "p/zero"),
            ("bootdisk", "p/boot,serial=S1,nocache"),
            ("disk12", "/seed.img"),
        ];
        let machine = omnios(&attrs).unwrap();
        let zvol = "/dev/zvol/rdsk/p";
        let (boot, zero, one) =
            (format!("{zvol}/boot"), format!("{zvol}/zero"), format!("{zvol}/one"));
        assert_eq!(paths(&machine), [&boot, &zero, &one, "/seed.img", "/iso/a.iso"]);
        assert_eq!(machine.disks[0].serial.as_deref(), Some("S1"));
        assert!(machine.disks[2].read_only);
    }

    #[test]
    fn openindiana_takes_every_disk_for_a_volume() {
        let attrs = [("bootdisk", "p/b"), ("disk0", "../../../seed.img"), ("disk1", "/x")];
        let machine = machine(Variant::Openindiana, &config(&attrs), "u").unwrap();
        assert_eq!(paths(&machine), ["/dev/zvol/rdsk/p/b", "/seed.img", "/dev/zvol/rdsk/x"]);
    }

    #[test]
    fn values_that_the_brand_cannot_read_are_fatal() {
        for (attr, text) in [
            (("bootrom", "NOPE"), "bootrom NOPE not found."),
            (("rng", "maybe"), "Invalid value maybe for boolean variable rng"),
            (("disk16", "p/x"), "disk16 slot out of range"),
            (("ram", "much"), "Could not parse ram value \"much\""),
            (("ram", "1Q"), "Unknown RAM suffix, Q"),
        ] {
            assert_eq!(omnios(&[attr]), fatal(text), "{attr:?}");
        }
        assert!(matches!(omnios(&[("vcpus", "two")]), Err(Refusal::Fatal(_))));
        assert!(matches!(omnios(&[("extra", "-x")]), Err(Refusal::NotSimulated(_))));
    }

    #[test]
    fn memory_and_processors_are_counted_as_bhyve_counts() {
        for (text, bytes) in
            [("512", 512 * MIB), ("2g", 2 << 30), ("1048576", MIB), ("64M", 64 * MIB)]
        {
            assert_eq!(parse_ram(text), Ok(bytes), "{text}");
        }
        let cpus = omnios(&[("vcpus", "cpus=4,sockets=2,cores=2")]).unwrap().cpus;
        assert_eq!(cpus, Cpus { total: 4, sockets: Some(2), cores: Some(2), threads: None });
    }

    #[test]
    fn a_zone_sees_what_it_was_given_only() {
        let dir = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(dir.path()).unwrap();
        std::fs::write(dir.join("seed.img"), "").unwrap();
        let mut config = config(&[]);
        config.zonepath = dir.to_string();
        let seed = Utf8Path::new("/seed.img");
        assert_eq!(visible(&config, seed), None);
        let mut fs = Resource::new(Kind::Fs);
        fs.set("dir", "/seed.img");
        fs.set("special", dir.join("seed.img").as_str());
        config.resources.push(fs);
        assert_eq!(visible(&config, seed), Some(dir.join("seed.img")));
        let null = Utf8Path::new("/dev/zvol/rdsk/p/x");
        assert_eq!(visible(&config, null), None);
    }

    #[test]
    fn devices_match_by_pattern() {
        assert!(glob("/dev/zvol/rdsk/p/job*", "/dev/zvol/rdsk/p/job1"));
        assert!(glob("/dev/zvol/rdsk/p/job?", "/dev/zvol/rdsk/p/job1"));
        assert!(!glob("/dev/zvol/rdsk/p/job1", "/dev/zvol/rdsk/p/job11"));
        assert!(!glob("/dev/zvol/dsk/*", "/dev/zvol/rdsk/p"));
    }
}
