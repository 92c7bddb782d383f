//! ipadm(8): IP interfaces over links, and static IPv4 addresses.
//!
//! A failure's text is on standard error without a newline; the newline is on
//! standard output (`die` in ipadm.c).
//!
//! illumos-gate usr/src/cmd/cmd-inet/usr.sbin/ipadm/ipadm.c,
//! usr/src/lib/libipadm/common/{libipadm,ipadm_if,ipadm_addr}.c.

use std::net::Ipv4Addr;

use super::State;
use super::link::{Address, Class, Interface, valid_name};
use super::ofmt::Output;
use crate::Reply;
use crate::command::getopt::{Given, Wrong};
use crate::command::rbac::Caller;
use crate::faults::BROKEN;

/// What the real user needs to change anything; privileges do not replace it.
const AUTHORIZATION: &str = "solaris.network.interface.config";
/// The most bytes of an address object's own name.
const OBJECT_NAME_MAX: usize = 31;

const INTERFACE_FIELDS: &[&str] = &["IFNAME", "STATE", "CURRENT", "PERSISTENT"];
const ADDRESS_FIELDS: &[&str] = &["ADDROBJ", "TYPE", "STATE", "CURRENT", "PERSISTENT", "ADDR"];

/// Why libipadm did not do something, in its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Status {
    #[error("Insufficient user authorizations")]
    NotAuthorized,
    #[error("Permission denied")]
    Denied,
    #[error("Invalid address")]
    BadAddress,
    #[error("Invalid argument provided")]
    BadArgument,
    #[error("Interface already exists")]
    InterfaceExists,
    #[error("Interface does not exist")]
    NoInterface,
    #[error("Address object already exists")]
    AddressExists,
    #[error("Address already in use")]
    AddressInUse,
    #[error("Object not found")]
    NotFound,
    #[error("Could not open DLPI link")]
    NoLink,
    #[error("Persistent operation on temporary object")]
    Temporary,
    #[error("Operation not supported on disabled object")]
    Disabled,
    #[error("Operation not supported")]
    NotSupported,
}

/// Runs a subcommand.
pub(super) fn run(links: &mut State, caller: &Caller, arguments: &[String]) -> Reply {
    let Some((subcommand, arguments)) = arguments.split_first() else {
        return Reply::fail(1, "usage:  ipadm <subcommand> <args> ...");
    };
    let mut ipadm = Ipadm { links, caller };
    let done = match subcommand.as_str() {
        "create-if" => ipadm.create_if(arguments),
        "delete-if" => ipadm.delete_if(arguments),
        "show-if" => ipadm.show_if(arguments),
        "create-addr" => ipadm.create_addr(arguments),
        "delete-addr" => ipadm.delete_addr(arguments),
        "show-addr" => ipadm.show_addr(arguments),
        _ => Err(not_simulated(subcommand)),
    };
    done.unwrap_or_else(|reply| reply)
}

fn die(line: impl AsRef<str>) -> Reply {
    Reply { stdout: "\n".to_owned(), stderr: format!("ipadm: {}", line.as_ref()), code: 1 }
}

fn usage(words: &str) -> Reply {
    die(format!("Usage: \t{words}"))
}

fn not_simulated(what: &str) -> Reply {
    Reply::fail(BROKEN, format!("illumos-host: not simulated: ipadm {what}"))
}

fn options<'a>(
    arguments: &'a [String],
    short: &str,
    long: &[(&str, char)],
) -> Result<Given<'a>, Reply> {
    Given::parse(arguments, short, long).map_err(|wrong| match wrong {
        Wrong::Unknown(letter) => die(format!("unrecognized option '-{letter}'")),
        Wrong::NoArgument(letter) => die(format!("option '-{letter}' requires a value")),
    })
}

struct Ipadm<'a> {
    links: &'a mut State,
    caller: &'a Caller,
}

impl Ipadm<'_> {
    fn create_if(&mut self, arguments: &[String]) -> Result<Reply, Reply> {
        let given = options(arguments, "t", &[("temporary", 't')])?;
        let [name] = given.operands else { return Err(usage("create-if\t[-t] <interface>")) };
        let made = self.authorized().and_then(|()| self.plumb(name, !given.has('t')));
        made.map_err(|status| die(format!("Could not create {name} : {status}")))?;
        Ok(Reply::ok())
    }

    fn authorized(&self) -> Result<(), Status> {
        match self.caller.authorized(AUTHORIZATION) {
            true => Ok(()),
            false => Err(Status::NotAuthorized),
        }
    }

    /// Makes an interface of a link of the global zone that is a VNIC.
    fn plumb(&mut self, name: &str, persistent: bool) -> Result<(), Status> {
        if !valid_name(name) {
            return Err(Status::BadArgument);
        }
        match self.links.interfaces.get(name) {
            Some(interface) if interface.active => return Err(Status::InterfaceExists),
            Some(_) => return Err(Status::Disabled),
            None => {}
        }
        let link = self.links.active(name).map_err(|_| Status::NoLink)?;
        let openable = matches!(link.class, Class::Vnic { .. })
            && link.zone.is_none()
            && self.caller.has("net_rawaccess");
        if !openable {
            return Err(Status::NoLink);
        }
        if !self.caller.has("sys_ip_config") {
            return Err(Status::Denied);
        }
        let interface = Interface { active: true, persistent, ..Interface::default() };
        self.links.interfaces.insert(name.to_owned(), interface);
        Ok(())
    }

    fn delete_if(&mut self, arguments: &[String]) -> Result<Reply, Reply> {
        let [name] = arguments else { return Err(usage("delete-if\t<interface>")) };
        let removed = self.unplumb(name);
        removed.map_err(|status| die(format!("Could not delete {name}: {status}")))?;
        Ok(Reply::ok())
    }

    fn unplumb(&mut self, name: &str) -> Result<(), Status> {
        self.authorized()?;
        if !valid_name(name) {
            return Err(Status::BadArgument);
        }
        if !self.links.interfaces.contains_key(name) {
            return Err(Status::NoInterface);
        }
        if !self.caller.has("sys_ip_config") {
            return Err(Status::Denied);
        }
        self.links.interfaces.remove(name);
        Ok(())
    }

    fn create_addr(&mut self, arguments: &[String]) -> Result<Reply, Reply> {
        let long = [("address", 'a'), ("down", 'd'), ("temporary", 't'), ("type", 'T')];
        let given = options(arguments, "T:a:dt", &long)?;
        let (Some(kind), [object]) = (given.last('T'), given.operands) else {
            return Err(die("Invalid arguments"));
        };
        if object.split_once('/').is_none_or(|(_, name)| name.is_empty()) {
            return Err(die(format!("invalid address object name: {object}")));
        }
        match kind {
            "static" => {}
            "dhcp" | "addrconf" => return Err(not_simulated(&format!("create-addr -T {kind}"))),
            _ => return Err(die(format!("Invalid address type {kind}"))),
        }
        let local = given.last('a').ok_or_else(|| die("Invalid arguments for type static"))?;
        let local = local_address(local)?;
        let (interface, name) = object_name(object)
            .map_err(|status| die(format!("Error in creating address object: {status}")))?;
        let (address, prefix) = address(local)?
            .map_err(|status| die(format!("Error in setting local address: {status}")))?;
        let persistent = !given.has('t');
        let wanted = Address { address, prefix, up: !given.has('d'), active: true, persistent };
        self.add(interface, name, wanted)
            .map_err(|status| die(format!("Could not create address: {status}")))?;
        Ok(Reply::ok())
    }

    fn add(&mut self, interface: &str, name: &str, wanted: Address) -> Result<(), Status> {
        self.authorized()?;
        if let Some(known) = self.links.interfaces.get(interface) {
            if !known.active {
                return Err(Status::Disabled);
            }
            if wanted.persistent && !known.persistent {
                return Err(Status::Temporary);
            }
            if known.addresses.contains_key(name) {
                return Err(Status::AddressExists);
            }
        }
        if wanted.address.is_unspecified() {
            return Err(Status::BadAddress);
        }
        let mut all = self.links.interfaces.values().flat_map(|known| known.addresses.values());
        if all.any(|known| known.active && known.address == wanted.address) {
            return Err(Status::AddressInUse);
        }
        match self.plumb(interface, wanted.persistent) {
            Ok(()) | Err(Status::InterfaceExists) => {}
            Err(status) => return Err(status),
        }
        if !self.caller.has("sys_ip_config") {
            return Err(Status::Denied);
        }
        let known = self.links.interfaces.entry(interface.to_owned()).or_default();
        known.addresses.insert(name.to_owned(), wanted);
        Ok(())
    }

    fn delete_addr(&mut self, arguments: &[String]) -> Result<Reply, Reply> {
        let given = options(arguments, "r", &[("release", 'r')])?;
        let [object] = given.operands else { return Err(usage("delete-addr\t[-r] <addrobj>")) };
        self.remove(object, given.has('r'))
            .map_err(|status| die(format!("could not delete address: {status}")))?;
        Ok(Reply::ok())
    }

    fn remove(&mut self, object: &str, release: bool) -> Result<(), Status> {
        self.authorized()?;
        let (interface, name) = object.split_once('/').ok_or(Status::NotFound)?;
        let interface = self.links.interfaces.get_mut(interface).ok_or(Status::NotFound)?;
        if !interface.addresses.contains_key(name) {
            return Err(Status::NotFound);
        }
        if release {
            return Err(Status::NotSupported);
        }
        if !self.caller.has("sys_ip_config") {
            return Err(Status::Denied);
        }
        interface.addresses.remove(name);
        Ok(())
    }

    fn show_if(&self, arguments: &[String]) -> Result<Reply, Reply> {
        let given = options(arguments, "po:", &[("parsable", 'p'), ("output", 'o')])?;
        let wanted = match given.operands {
            [] => None,
            [name] => Some(name),
            _ => return Err(usage("show-if\t\t[[-p] -o <field>,...] [<interface>]")),
        };
        if !given.has('p') {
            return Err(not_simulated("show-if for people"));
        }
        let output = Output::of(given.last('o'), INTERFACE_FIELDS).map_err(die)?;
        if let Some(name) = wanted.filter(|name| !self.links.interfaces.contains_key(*name)) {
            let status = if valid_name(name) { Status::NoInterface } else { Status::BadArgument };
            return Err(die(format!("Could not get interface(s): {status}")));
        }
        let all = self.links.interfaces.iter();
        let chosen = all.filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name));
        let rows = chosen.map(|(name, interface)| output.row(&interface_row(name, interface)));
        Ok(Reply::out(rows.collect::<String>()))
    }

    fn show_addr(&self, arguments: &[String]) -> Result<Reply, Reply> {
        let given = options(arguments, "po:", &[("parsable", 'p'), ("output", 'o')])?;
        if given.has('p') && given.last('o').is_none() {
            return Err(die("-p requires -o"));
        }
        let wanted = match given.operands {
            [] => None,
            [object] if object.contains('/') => Some(object),
            [_] => return Err(die("Invalid address object name provided")),
            _ => return Err(usage("show-addr\t[[-p] -o <field>,...] [<addrobj>]")),
        };
        if !given.has('p') {
            return Err(not_simulated("show-addr for people"));
        }
        let output = Output::of(given.last('o'), ADDRESS_FIELDS).map_err(die)?;
        let (mut rows, mut found) = (String::new(), false);
        for (interface, known) in &self.links.interfaces {
            for (name, address) in &known.addresses {
                let object = format!("{interface}/{name}");
                let whole = wanted.is_some_and(|wanted| *wanted == format!("{interface}/"));
                if wanted.is_none_or(|wanted| *wanted == object) || whole {
                    found = true;
                    rows.push_str(&output.row(&address_row(object, address)));
                }
            }
        }
        if wanted.is_some() && !found {
            return Err(die(format!("Could not get address: {}", Status::NotFound)));
        }
        Ok(Reply::out(rows))
    }
}

/// `ADDRESS`, or `local=ADDRESS`; a remote one has no place on a VNIC.
fn local_address(text: &str) -> Result<&str, Reply> {
    if text.contains("remote=") {
        return Err(not_simulated("create-addr -a remote=…"));
    }
    Ok(text.strip_prefix("local=").unwrap_or(text))
}

/// An address and the length of its prefix, 8, 16 or 24 bits by its class if
/// it is not given.
fn address(text: &str) -> Result<Result<(Ipv4Addr, u8), Status>, Reply> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    if address.contains(':') {
        return Err(not_simulated("create-addr for IPv6"));
    }
    let Ok(address) = address.parse::<Ipv4Addr>() else {
        // It could be the name of a host. There are none here.
        return Ok(Err(Status::BadAddress));
    };
    let by_class = match address.octets()[0] {
        0..=127 => 8,
        128..=191 => 16,
        _ => 24,
    };
    let prefix = prefix.map_or(Ok(by_class), str::parse);
    match prefix {
        Ok(prefix @ 1..=32) => Ok(Ok((address, prefix))),
        _ => Ok(Err(Status::BadArgument)),
    }
}

/// The interface and the own name of an address object.
fn object_name(object: &str) -> Result<(&str, &str), Status> {
    let (interface, name) = object.split_once('/').ok_or(Status::BadArgument)?;
    let legal = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.len() <= OBJECT_NAME_MAX
        && name.chars().all(|c| c.is_ascii_alphanumeric());
    if !valid_name(interface) || !legal {
        return Err(Status::BadArgument);
    }
    Ok((interface, name))
}

fn interface_row(name: &str, interface: &Interface) -> Vec<String> {
    let up = interface.addresses.values().any(|address| address.active && address.up);
    let state = match (interface.active, up) {
        (false, _) => "disabled",
        (true, true) => "ok",
        (true, false) => "down",
    };
    let current = if interface.active { "bm--------46" } else { "------------" };
    let persistent = if interface.persistent { "-46" } else { "---" };
    [name, state, current, persistent].map(str::to_owned).into()
}

fn address_row(object: String, address: &Address) -> Vec<String> {
    let state = match (address.active, address.up) {
        (false, _) => "disabled",
        (true, true) => "ok",
        (true, false) => "down",
    };
    let current = if address.active && address.up { "U----" } else { "-----" };
    let persistent = if address.persistent && address.up { "U--" } else { "---" };
    let shown = format!("{}/{}", address.address, address.prefix);
    vec![object, "static".into(), state.into(), current.into(), persistent.into(), shown]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_prefix_by_their_class_if_none_is_given() {
        let parsed = |text| address(text).unwrap();
        assert_eq!(parsed("10.99.0.1/24"), Ok((Ipv4Addr::new(10, 99, 0, 1), 24)));
        assert_eq!(parsed("10.99.0.1").unwrap().1, 8);
        assert_eq!(parsed("172.16.0.1").unwrap().1, 16);
        assert_eq!(parsed("192.168.0.1").unwrap().1, 24);
        assert_eq!(parsed("10.99.0.1/33"), Err(Status::BadArgument));
        assert_eq!(parsed("10.99.0"), Err(Status::BadAddress));
        assert_eq!(address("fe80::1/10").unwrap_err().code, BROKEN);
    }

    #[test]
    fn address_objects_are_named_after_their_interface() {
        assert_eq!(object_name("gw0/v4"), Ok(("gw0", "v4")));
        for bad in ["gw/v4", "gw0/4", "gw0/", "gw0", "gw0/v-4"] {
            assert_eq!(object_name(bad), Err(Status::BadArgument), "{bad}");
        }
    }
}
