//! What the commands change, made real in the network namespace by ip(8):
//!
//! ```text
//! etherstub              a bridge
//! plumbed VNIC           a veth pair: one end is a port of the bridge, the
//!                        other has the VNIC's MAC and its addresses
//! VNIC in a running zone a tap that is a port of the bridge
//! ```
//!
//! Bridges do not forward to each other, and nothing routes between them:
//! a new network namespace has forwarding off.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::process::{Command, Stdio};

use super::State;
use super::device::linux_name;
use super::link::{Address, Class};

/// What makes the namespace's IP behave as illumos' does: an interface has no
/// addresses but those that it was given, and answers for no other's.
const SETTINGS: &[(&str, &str)] = &[
    ("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"),
    ("/proc/sys/net/ipv4/conf/all/arp_ignore", "1"),
    ("/proc/sys/net/ipv4/conf/all/arp_announce", "2"),
];

/// Makes real what differs between two states.
pub(super) fn change(before: &State, after: &State) -> io::Result<()> {
    let mut script = Script::of_this_namespace()?;
    for name in before.interfaces.keys().filter(|name| !after.plumbed(name)) {
        script.remove(&linux_name(name));
    }
    for (name, interface) in &after.interfaces {
        if !interface.active {
            continue;
        }
        if !before.plumbed(name) {
            script.plumb(after, name);
        }
        let known = before.interfaces.get(name).filter(|known| known.active);
        let known: BTreeSet<String> =
            known.iter().flat_map(|known| known.addresses.values()).filter_map(effective).collect();
        let wanted: BTreeSet<String> = interface.addresses.values().filter_map(effective).collect();
        let device = linux_name(name);
        for address in known.difference(&wanted) {
            script.line(format!("address del {address} dev {device}"));
        }
        for address in wanted.difference(&known) {
            script.line(format!("address add {address} broadcast + dev {device}"));
        }
    }
    let gone = |name: &&String| after.active(name).is_err();
    for name in before.links.keys().filter(gone) {
        script.remove(&linux_name(name));
    }
    script.run()
}

/// An address that can be used, as ip(8) writes it.
fn effective(address: &Address) -> Option<String> {
    let used = address.active && address.up;
    used.then(|| format!("{}/{}", address.address, address.prefix))
}

/// Lines for `ip -batch`.
pub(super) struct Script {
    lines: String,
    /// The interfaces of the namespace, and those that the lines make.
    there: BTreeSet<String>,
}

impl Script {
    /// An empty script for this network namespace.
    pub(super) fn of_this_namespace() -> io::Result<Self> {
        let table = fs::read_to_string("/proc/self/net/dev")?;
        let name = |line: &str| Some(line.split_once(':')?.0.trim().to_owned());
        Ok(Self { lines: String::new(), there: table.lines().filter_map(name).collect() })
    }

    /// Adds a line.
    pub(super) fn line(&mut self, line: impl AsRef<str>) {
        self.lines.push_str(line.as_ref());
        self.lines.push('\n');
    }

    /// Removes an interface if it is there.
    pub(super) fn remove(&mut self, device: &str) {
        if self.there.remove(device) {
            self.line(format!("link del {device}"));
        }
    }

    /// The bridge of an etherstub; made if it is not there.
    pub(super) fn bridge(&mut self, etherstub: &str) -> String {
        let bridge = linux_name(etherstub);
        if self.there.insert(bridge.clone()) {
            self.line(format!("link add {bridge} type bridge forward_delay 0 mcast_snooping 0"));
            self.line(format!("link set {bridge} up"));
        }
        bridge
    }

    /// The veth pair of a VNIC.
    fn plumb(&mut self, state: &State, name: &str) {
        let Ok(link) = state.active(name) else { return };
        let Class::Vnic { over, mac, .. } = &link.class else { return };
        let bridge = self.bridge(over);
        let device = linux_name(name);
        let port = device.replacen("il", "ip", 1);
        // It may be left over from a namespace's earlier life.
        self.remove(&device);
        let mac = mac.padded();
        self.line(format!("link add {device} address {mac} type veth peer name {port}"));
        self.line(format!("link set {port} master {bridge} up"));
        self.line(format!("link set {device} up"));
        self.there.insert(device);
    }

    /// Runs it, if there is anything to run.
    ///
    /// # Errors
    ///
    /// If ip(8) is missing or refuses a line; what is before that line is done.
    pub(super) fn run(self) -> io::Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        for (path, value) in SETTINGS {
            match fs::write(path, value) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        feed(Command::new("ip").args(["-batch", "-"]), &self.lines)
    }
}

/// Runs a command with this on its standard input.
///
/// # Errors
///
/// If it is missing or fails, with what it said.
pub(super) fn feed(command: &mut Command, input: &str) -> io::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let missing = |error: io::Error| io::Error::new(error.kind(), format!("{program}: {error}"));
    let command = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(missing)?;
    let mut stdin = child.stdin.take().expect("the standard input is a pipe");
    // A command that ends without having read all says why.
    let _ended = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{program} refused:\n{input}because:\n{}", said.trim_end())))
}
