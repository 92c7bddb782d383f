//! A machine as libvirt's domain: what it is made of, and what is seen of it.

use std::net::Ipv4Addr;

use camino::{Utf8Path, Utf8PathBuf};
use solstice_model::{AttemptId, HostName};
use virt::connect::Connect;
use virt::domain::Domain;
use virt::error::ErrorNumber;
use virt_sys as sys;

use crate::config::Engine;
use crate::error::LibvirtError;
use crate::network::NAMESPACE;
use crate::xml::{Element, attributes, element, text};
use solstice_hypervisor::Slot;

/// All that decides what a domain is.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) host: HostName,
    /// The attempt's; the probe is no attempt's machine.
    pub(crate) owner: Option<(AttemptId, Slot)>,
    pub(crate) name: String,
    pub(crate) engine: Engine,
    pub(crate) cpus: u8,
    pub(crate) memory_mib: u32,
    pub(crate) kernel: Utf8PathBuf,
    pub(crate) initrd: Option<Utf8PathBuf>,
    pub(crate) cmdline: String,
    pub(crate) console: Utf8PathBuf,
    pub(crate) disks: Option<Disks>,
    pub(crate) card: Option<Card>,
    /// Who QEMU runs as, user and group: the one to whom the machine's files belong.
    pub(crate) user: (u32, u32),
}

/// The disks of a machine.
#[derive(Clone, Debug)]
pub(crate) struct Disks {
    pub(crate) overlay: Utf8PathBuf,
    pub(crate) golden: Utf8PathBuf,
    pub(crate) seed: Utf8PathBuf,
}

/// The network card of a machine.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    /// The name of network and filter.
    pub(crate) network: String,
    pub(crate) address: Ipv4Addr,
}

impl Card {
    /// The card's hardware address: QEMU's prefix, and what tells addresses of a
    /// private network apart.
    pub(crate) fn mac(&self) -> [u8; 6] {
        let [_, b, c, d] = self.address.octets();
        [0x52, 0x54, 0x00, b, c, d]
    }
}

impl Plan {
    /// The domain's XML.
    pub(crate) fn document(&self) -> String {
        let (kind, cpu) = match self.engine {
            Engine::Kvm => ("kvm", "host-passthrough"),
            Engine::Tcg => ("qemu", "maximum"),
        };
        let (uid, gid) = self.user;
        let label = element("seclabel")
            .with("type", "static")
            .with("model", "dac")
            .with("relabel", "no")
            .holding([text("label", format!("+{uid}:+{gid}"))]);
        let mut root = element("domain").with("type", kind).holding([text("name", &self.name)]);
        if let Some((id, _)) = self.owner {
            root = root.holding([text("uuid", id)]);
        }
        let end = |event| text(event, "destroy");
        root.holding([
            element("metadata").holding([self.mark()]),
            text("memory", self.memory_mib).with("unit", "MiB"),
            text("vcpu", self.cpus),
            self.boot(),
            element("features").holding([element("acpi"), element("apic")]),
            element("cpu").with("mode", cpu),
            end("on_poweroff"),
            end("on_reboot"),
            end("on_crash"),
            self.devices(),
            label,
        ])
        .document()
    }

    fn mark(&self) -> Element {
        let mark =
            element("solstice:machine").with("xmlns:solstice", NAMESPACE).with("host", &self.host);
        match self.owner {
            Some((id, slot)) => mark.with("id", id).with("slot", slot),
            None => mark,
        }
    }

    fn boot(&self) -> Element {
        let machine = text("type", "hvm").with("arch", "x86_64").with("machine", "q35");
        let mut boot = element("os").holding([machine, text("kernel", &self.kernel)]);
        if let Some(initrd) = &self.initrd {
            boot = boot.holding([text("initrd", initrd)]);
        }
        boot.holding([text("cmdline", &self.cmdline)])
    }

    fn devices(&self) -> Element {
        let random = text("backend", "/dev/urandom").with("model", "random");
        let console = element("serial").with("type", "pipe").holding([
            element("source").with("path", &self.console),
            element("target").with("type", "isa-serial").with("port", 0),
        ]);
        element("devices")
            .holding(self.disks.iter().flat_map(|disks| [disks.root(), disks.seed()]))
            .holding(self.card.iter().map(Card::device))
            .holding([
                console,
                element("controller").with("type", "usb").with("model", "none"),
                element("rng").with("model", "virtio").holding([random]),
                element("memballoon").with("model", "none"),
            ])
    }
}

impl Disks {
    fn root(&self) -> Element {
        let format = element("format").with("type", "qcow2");
        // The chain ends with the golden image: libvirt is not to look for more.
        let below = element("backingStore").with("type", "file").holding([
            format,
            source(&self.golden),
            element("backingStore"),
        ]);
        let driver = element("driver")
            .with("name", "qemu")
            .with("type", "qcow2")
            // The overlay does not outlive the machine, so nothing is flushed for safety's sake.
            .with("cache", "unsafe")
            .with("discard", "unmap")
            // A full host pauses the guest instead of failing its build (invariant I9).
            .with("error_policy", "enospace")
            .with("rerror_policy", "report");
        disk(driver, &self.overlay, "vda").holding([below])
    }

    fn seed(&self) -> Element {
        let driver = element("driver").with("name", "qemu").with("type", "raw");
        disk(driver, &self.seed, "vdb").holding([element("readonly")])
    }
}

fn disk(driver: Element, file: &Utf8Path, device: &str) -> Element {
    let target = element("target").with("dev", device).with("bus", "virtio");
    element("disk").with("type", "file").with("device", "disk").holding([
        driver,
        source(file),
        target,
    ])
}

fn source(file: &Utf8Path) -> Element {
    element("source").with("file", file)
}

impl Card {
    fn device(&self) -> Element {
        let mac = self.mac().map(|byte| format!("{byte:02x}")).join(":");
        let address = element("parameter").with("name", "IP").with("value", self.address);
        element("interface").with("type", "network").holding([
            element("mac").with("address", mac),
            element("source").with("network", &self.network),
            element("model").with("type", "virtio"),
            element("rom").with("enabled", "no"),
            element("port").with("isolated", "yes"),
            element("filterref").with("filter", &self.network).holding([address]),
        ])
    }
}

/// What is seen of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// There is none, or it is about to be none.
    Ended,
    /// It was made, and waits for the word to go; or somebody suspended it.
    Waits,
    /// The guest executes.
    Runs,
    /// QEMU holds the guest for want of disk space on the host.
    NoDiskSpace,
    /// QEMU cannot go on with the guest.
    Broken,
}

impl Life {
    fn of(state: sys::virDomainState, reason: i32) -> Self {
        let reason = u32::try_from(reason).unwrap_or_default();
        match (state, reason) {
            (sys::VIR_DOMAIN_RUNNING | sys::VIR_DOMAIN_BLOCKED | sys::VIR_DOMAIN_SHUTDOWN, _) => {
                Self::Runs
            }
            (sys::VIR_DOMAIN_PAUSED, sys::VIR_DOMAIN_PAUSED_IOERROR) => Self::NoDiskSpace,
            (
                sys::VIR_DOMAIN_PAUSED,
                sys::VIR_DOMAIN_PAUSED_UNKNOWN | sys::VIR_DOMAIN_PAUSED_CRASHED,
            ) => Self::Broken,
            (sys::VIR_DOMAIN_PAUSED | sys::VIR_DOMAIN_PMSUSPENDED, _) => Self::Waits,
            _ => Self::Ended,
        }
    }
}

/// A domain of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) id: AttemptId,
    pub(crate) slot: Slot,
    pub(crate) life: Life,
}

/// Every machine of this host that libvirt knows.
pub(crate) fn list(connection: &Connect, host: &HostName) -> Result<Vec<Seen>, LibvirtError> {
    let domains = connection.list_all_domains(0);
    let domains = domains.map_err(LibvirtError::call("list", "the domains"))?;
    let mut all = Vec::new();
    for domain in domains {
        all.extend(look(&domain, host)?);
    }
    Ok(all)
}

/// The domain of a machine, if it is there and ours.
pub(crate) fn find(
    connection: &Connect,
    host: &HostName,
    id: AttemptId,
) -> Result<Option<(Domain, Seen)>, LibvirtError> {
    let found = Domain::lookup_by_uuid_string(connection, &id.to_string());
    let Some(domain) = unless_gone(found, "find")? else { return Ok(None) };
    let seen = look(&domain, host)?.filter(|seen| seen.id == id);
    Ok(seen.map(|seen| (domain, seen)))
}

fn look(domain: &Domain, host: &HostName) -> Result<Option<Seen>, LibvirtError> {
    let kind = sys::VIR_DOMAIN_METADATA_ELEMENT.cast_signed();
    let mark = match domain.get_metadata(kind, Some(NAMESPACE), 0) {
        Err(error) if error.code() == ErrorNumber::NoDomainMetadata => return Ok(None),
        other => unless_gone(other, "read")?,
    };
    let state = unless_gone(domain.get_state(), "look at")?;
    let (Some(mark), Some((state, reason))) = (mark, state) else { return Ok(None) };
    let life = Life::of(state, reason);
    Ok(parse_mark(&mark, host).map(|(id, slot)| Seen { id, slot, life }))
}

fn parse_mark(mark: &str, host: &HostName) -> Option<(AttemptId, Slot)> {
    // libvirt gives the element back without its namespace.
    let values =
        attributes(mark, "machine", "").or_else(|| attributes(mark, "machine", NAMESPACE))?;
    let value = |wanted| values.iter().find(|(key, _)| key == wanted).map(|(_, value)| value);
    (value("host")? == host.as_str()).then_some(())?;
    Some((value("id")?.parse().ok()?, value("slot")?.parse().ok()?))
}

/// `None` for what ended while we looked.
pub(crate) fn unless_gone<T>(
    result: Result<T, virt::error::Error>,
    action: &'static str,
) -> Result<Option<T>, LibvirtError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code() == ErrorNumber::NoDomain => Ok(None),
        Err(error) => Err(LibvirtError::call(action, "a domain")(error)),
    }
}

/// Ends a domain without asking the guest; fine if it has ended.
pub(crate) fn destroy(domain: &Domain) -> Result<(), LibvirtError> {
    match domain.destroy() {
        // It exists no more, or it has just stopped running, which a transient one does once.
        Err(error) if error.code() == ErrorNumber::OperationInvalid => Ok(()),
        other => unless_gone(other, "destroy").map(|_gone| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let folder = Utf8Path::new("/var/lib/solstice/a&b<c>/machines/0");
        Plan {
            host: "moon".parse().unwrap(),
            owner: Some(("018f0000-0000-7000-8000-000000000001".parse().unwrap(), 7)),
            name: "solstice-moon-7".to_owned(),
            engine: Engine::Tcg,
            cpus: 2,
            memory_mib: 1024,
            kernel: "/images/linux-mini/vmlinux".into(),
            initrd: Some("/images/linux-mini/initrd".into()),
            cmdline: "console=ttyS0 quiet what=\"it's & isn't\"".to_owned(),
            console: folder.join("console"),
            disks: Some(Disks {
                overlay: folder.join("overlay.qcow2"),
                golden: "/images/linux-mini/disk.qcow2".into(),
                seed: folder.join("seed.img"),
            }),
            card: Some(Card {
                network: "solstice-moon".to_owned(),
                address: Ipv4Addr::new(10, 78, 0, 7),
            }),
            user: (998, 997),
        }
    }

    #[test]
    fn domains_are_the_golden_ones() {
        let job = plan().document();
        let probe = Plan {
            owner: None,
            engine: Engine::Kvm,
            initrd: None,
            disks: None,
            card: None,
            ..plan()
        };
        expectorate::assert_contents("tests/golden/domain.xml", &job);
        expectorate::assert_contents("tests/golden/probe.xml", &probe.document());
    }

    #[test]
    fn a_guest_that_qemu_holds_neither_runs_nor_waits() {
        let paused = |reason: u32| Life::of(sys::VIR_DOMAIN_PAUSED, reason.cast_signed());
        assert_eq!(paused(sys::VIR_DOMAIN_PAUSED_IOERROR), Life::NoDiskSpace);
        assert_eq!(paused(sys::VIR_DOMAIN_PAUSED_UNKNOWN), Life::Broken);
        assert_eq!(paused(sys::VIR_DOMAIN_PAUSED_USER), Life::Waits);
        assert_eq!(paused(sys::VIR_DOMAIN_PAUSED_STARTING_UP), Life::Waits);
        assert_eq!(Life::of(sys::VIR_DOMAIN_RUNNING, 1), Life::Runs);
        assert_eq!(Life::of(sys::VIR_DOMAIN_SHUTOFF, 0), Life::Ended);
        assert_eq!(Life::of(sys::VIR_DOMAIN_CRASHED, 0), Life::Ended);
    }

    #[test]
    fn a_mark_names_its_host_and_machine() {
        let moon = "moon".parse().unwrap();
        let (id, slot) = plan().owner.unwrap();
        let document = plan().document();
        assert_eq!(parse_mark(&document, &moon), Some((id, slot)));
        let bare = format!("<machine host=\"moon\" id=\"{id}\" slot=\"7\"/>");
        assert_eq!(parse_mark(&bare, &moon), Some((id, slot)));
        assert_eq!(parse_mark(&bare, &"mars".parse().unwrap()), None);
        assert_eq!(parse_mark("<machine host=\"moon\"/>", &moon), None);
        assert_eq!(parse_mark(&document.replace(NAMESPACE, "urn:other"), &moon), None);
    }
}
