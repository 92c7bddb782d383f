//! Which hypervisor makes the machines.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use solstice_kdl::{Problem, Reader, Refusal, Value, nearest, value};

/// The hypervisors that can be configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HypervisorConfig {
    /// QEMU, started directly.
    Qemu(QemuSettings),
    /// bhyve zones of illumos.
    Zones(ZonesSettings),
    /// QEMU, through libvirt.
    Libvirt(LibvirtSettings),
}

/// What there is to say about QEMU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QemuSettings {
    /// How guests' instructions are run.
    pub accelerator: Accelerator,
    /// The emulator; `/usr/bin/qemu-system-x86_64` if absent.
    pub qemu: Option<PathBuf>,
    /// `qemu-img`; `/usr/bin/qemu-img` if absent.
    pub qemu_img: Option<PathBuf>,
    /// UEFI firmware; looked for where distributions put it if absent.
    pub uefi: Option<UefiFiles>,
    /// What machines are connected to.
    pub network: QemuNetwork,
    /// The addresses of host and machines on the bridge.
    pub subnet: Ipv4Network,
}

/// The two files of UEFI firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UefiFiles {
    /// The program.
    pub code: PathBuf,
    /// The variables as they are at first.
    pub vars: PathBuf,
}

/// What QEMU's machines are connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QemuNetwork {
    /// A bridge if this process may make one, else QEMU's user network.
    Auto,
    /// QEMU's user network, which needs no privilege.
    User,
    /// A bridge; unusable where it cannot be made.
    Bridge,
}

/// What there is to say about zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZonesSettings {
    /// The ZFS dataset below which images, disks and zones live.
    pub dataset: String,
    /// Whose bhyve brand this host has.
    pub brand: Brand,
    /// The network that is cut into one of four addresses per machine.
    pub network: Ipv4Network,
    /// Whether a machine's disk is reserved in the pool as a whole, so that
    /// the pool cannot run full under it.
    pub reserve: bool,
}

/// What there is to say about libvirt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibvirtSettings {
    /// Where libvirtd is.
    pub uri: String,
    /// How guests' instructions are run.
    pub accelerator: Accelerator,
    /// The network of the machines.
    pub network: Ipv4Network,
}

/// Whose bhyve brand a host has: illumos itself has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Brand {
    /// OmniOS'.
    OmniOs,
    /// OpenIndiana's, an older relative of it.
    OpenIndiana,
}

/// A network of IPv4 addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Network {
    /// Its first address.
    pub base: Ipv4Addr,
    /// How many bits of the address are the network's.
    pub prefix: u8,
}

/// How guests' instructions are run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// By KVM if a guest really makes progress on it, else by emulation.
    Auto,
    /// By KVM; unusable where that does not work.
    Kvm,
    /// By emulation (QEMU's TCG).
    Tcg,
}

/// The kinds, as they are written.
#[derive(Clone, Copy)]
enum Kind {
    Qemu,
    Zones,
    Libvirt,
}

pub(super) fn hypervisor(mut node: Reader<'_>) -> Option<HypervisorConfig> {
    let kind = node.required_arg("a kind", |given| {
        let kinds = [("qemu", Kind::Qemu), ("zones", Kind::Zones), ("libvirt", Kind::Libvirt)];
        one_of(given, "hypervisors of kind", &kinds)
    })?;
    let config = match kind {
        Kind::Qemu => Some(HypervisorConfig::Qemu(qemu(&mut node))),
        Kind::Zones => zones(&mut node).map(HypervisorConfig::Zones),
        Kind::Libvirt => Some(HypervisorConfig::Libvirt(libvirt(&mut node))),
    };
    node.finish();
    config
}

fn qemu(node: &mut Reader<'_>) -> QemuSettings {
    QemuSettings {
        accelerator: accelerator(node),
        qemu: node.setting("qemu", value::absolute_path),
        qemu_img: node.setting("qemu_img", value::absolute_path),
        uefi: uefi(node),
        network: qemu_network(node),
        subnet: node
            .setting("subnet", |given| network(given, 20, 30))
            .unwrap_or(Ipv4Network { base: Ipv4Addr::new(10, 79, 0, 0), prefix: 24 }),
    }
}

fn uefi(node: &mut Reader<'_>) -> Option<UefiFiles> {
    let code = node.setting("uefi_code", value::absolute_path);
    let vars = node.setting("uefi_vars", value::absolute_path);
    match (code, vars) {
        (Some(code), Some(vars)) => Some(UefiFiles { code, vars }),
        (None, None) => None,
        _ => {
            let message = "UEFI firmware has two files, and one is named";
            let help = "write both `uefi_code` and `uefi_vars`, or neither";
            node.report(Problem::new(node.span(), message).label("here").help(help));
            None
        }
    }
}

fn qemu_network(node: &mut Reader<'_>) -> QemuNetwork {
    use QemuNetwork::{Auto, Bridge, User};
    let known = [("auto", Auto), ("user", User), ("bridge", Bridge)];
    let given = node.setting("network", |given| one_of(given, "networks named", &known));
    given.unwrap_or(Auto)
}

fn zones(node: &mut Reader<'_>) -> Option<ZonesSettings> {
    let dataset = node.required_setting("dataset", dataset);
    let brand = node.required_setting("brand", |given| {
        let brands = [("omnios", Brand::OmniOs), ("openindiana", Brand::OpenIndiana)];
        one_of(given, "brands of", &brands)
    });
    // A /8 would do as well; smaller than a /30 there is no machine.
    let network = node.setting("network", |given| network(given, 8, 30));
    let reserve = node.setting("reserve", value::boolean);
    Some(ZonesSettings {
        dataset: dataset?,
        brand: brand?,
        network: network.unwrap_or(Ipv4Network { base: Ipv4Addr::new(10, 77, 0, 0), prefix: 16 }),
        reserve: reserve.unwrap_or(false),
    })
}

fn libvirt(node: &mut Reader<'_>) -> LibvirtSettings {
    let uri = node.setting("uri", value::string);
    // The host's address, a guest's, and those of network and broadcast.
    let network = node.setting("network", |given| network(given, 8, 30));
    LibvirtSettings {
        uri: uri.unwrap_or_else(|| "qemu:///system".to_owned()),
        accelerator: accelerator(node),
        network: network.unwrap_or(Ipv4Network { base: Ipv4Addr::new(10, 78, 0, 0), prefix: 24 }),
    }
}

fn accelerator(node: &mut Reader<'_>) -> Accelerator {
    use Accelerator::{Auto, Kvm, Tcg};
    let known = [("auto", Auto), ("kvm", Kvm), ("tcg", Tcg)];
    let given = node.setting("accelerator", |given| one_of(given, "accelerators named", &known));
    given.unwrap_or(Auto)
}

/// The name of a ZFS dataset, as strict as the backend is.
fn dataset(given: &Value) -> Result<String, Refusal> {
    let text = value::string(given)?;
    let component = |part: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
        !part.is_empty() && part.chars().all(allowed) && part != "." && part != ".."
    };
    if text.split('/').all(component) && text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Ok(text);
    }
    Err(Refusal::because("it is not the name of a ZFS dataset").help("write \"rpool/solstice\""))
}

/// A network for private use whose prefix has this many bits.
fn network(given: &Value, shortest: u8, longest: u8) -> Result<Ipv4Network, Refusal> {
    let help = "write for example \"10.77.0.0/16\"";
    let text = value::string(given)?;
    let parsed = text.split_once('/').and_then(|(base, prefix)| {
        Some(Ipv4Network { base: base.parse().ok()?, prefix: prefix.parse().ok()? })
    });
    let not_one = || Refusal::because("it is not a network").help(help);
    let network = parsed.filter(|network| network.prefix <= 32).ok_or_else(not_one)?;
    if !(shortest..=longest).contains(&network.prefix) {
        let why = format!("its prefix must lie between {shortest} and {longest}");
        return Err(Refusal::because(why).help(help));
    }
    if network.base.to_bits().trailing_zeros() < 32 - u32::from(network.prefix) {
        return Err(Refusal::because(format!(
            "{} is not the first address of a /{}",
            network.base, network.prefix
        ))
        .help(help));
    }
    if !network.base.is_private() {
        let why = "its addresses belong to somebody on the Internet";
        return Err(
            Refusal::because(why).help("take one from 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16")
        );
    }
    Ok(network)
}

fn one_of<T: Copy>(given: &Value, what: &str, known: &[(&str, T)]) -> Result<T, Refusal> {
    let text = value::string(given)?;
    if let Some((_, found)) = known.iter().find(|(name, _)| *name == text) {
        return Ok(*found);
    }
    let refusal = Refusal::because(format!("{what} {text:?} are not known"));
    Err(match nearest(&text, known.iter().map(|(name, _)| *name)) {
        Some(meant) => refusal.help(format!("did you mean \"{meant}\"?")),
        None => {
            let names: Vec<_> = known.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            refusal.help(format!("write {}", names.join(" or ")))
        }
    })
}
