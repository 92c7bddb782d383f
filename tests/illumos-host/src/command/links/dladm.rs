//! dladm(8): etherstubs, VNICs and their properties.
//!
//! illumos-gate usr/src/cmd/dladm/dladm.c, usr/src/lib/libdladm/common.

use super::link::{Class, Link, NAME_MAX, Settings, valid_name};
use super::mac::{BadMac, Mac};
use super::{State, properties, show};
use crate::Reply;
use crate::command::getopt::{Given, Wrong};
use crate::command::rbac::Caller;
use crate::faults::BROKEN;

/// Why libdladm did not do something, in its words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Status {
    #[error("invalid argument")]
    BadArgument,
    #[error("invalid value")]
    BadValue,
    #[error("invalid number of values")]
    BadCount,
    #[error("buffer size too small")]
    TooSmall,
    #[error("operation not supported")]
    NotSupported,
    #[error("object not found")]
    NotFound,
    #[error("object already exists")]
    Exists,
    #[error("permission denied")]
    Denied,
    #[error("link busy")]
    Busy,
    #[error("invalid IP address")]
    InvalidIp,
    #[error("minimum value for maxbw is 1200K")]
    LittleBandwidth,
    #[error("MTU check failed, MTU outside of device's supported range")]
    BadMtu,
    #[error("{0}")]
    Mac(#[from] BadMac),
    #[error("invalid MAC address value")]
    MacValue,
    #[error("MAC address is already in use")]
    MacInUse,
    #[error("factory MAC address slots not supported")]
    NoFactoryMac,
    #[error("can't create persistent object on top of temporary object")]
    OnTemporary,
    /// Not a word of libdladm: this property is real but not simulated.
    #[error("illumos-host: not simulated: link property {0}")]
    NotSimulated(String),
}

/// Runs a subcommand.
pub(super) fn run(links: &mut State, caller: &Caller, arguments: &[String]) -> Reply {
    let Some((subcommand, arguments)) = arguments.split_first() else { return usage() };
    let done = match subcommand.as_str() {
        "create-etherstub" => create_etherstub(links, caller, arguments),
        "delete-etherstub" => delete(links, caller, arguments, true),
        "show-etherstub" => show::links(links, arguments, true),
        "create-vnic" => create_vnic(links, caller, arguments),
        "delete-vnic" => delete(links, caller, arguments, false),
        "show-vnic" => show::links(links, arguments, false),
        "set-linkprop" => Ok(change_property(links, caller, arguments, false)),
        "reset-linkprop" => Ok(change_property(links, caller, arguments, true)),
        "show-linkprop" => show::properties(links, arguments),
        _ => Ok(not_simulated(subcommand)),
    };
    done.unwrap_or_else(|reply| reply)
}

/// The end of a command that failed, with the reason in dladm's words.
pub(super) fn die(line: impl AsRef<str>) -> Reply {
    Reply::fail(1, format!("dladm: {}", line.as_ref()))
}

/// The same for something that libdladm refused.
pub(super) fn refused(what: impl AsRef<str>, status: &Status) -> Reply {
    match status {
        Status::NotSimulated(_) => Reply::fail(BROKEN, status.to_string()),
        _ => die(format!("{}: {status}", what.as_ref())),
    }
}

/// Too few or too many words. The list of subcommands that follows is not imitated.
pub(super) fn usage() -> Reply {
    Reply::fail(1, "usage:\tdladm <subcommand> <args> ...")
}

fn not_simulated(what: &str) -> Reply {
    Reply::fail(BROKEN, format!("illumos-host: not simulated: dladm {what}"))
}

/// Takes options and operands apart.
pub(super) fn options<'a>(
    arguments: &'a [String],
    short: &str,
    long: &[(&str, char)],
) -> Result<Given<'a>, Reply> {
    Given::parse(arguments, short, long).map_err(|wrong| match wrong {
        Wrong::Unknown(letter) => die(format!("unrecognized option '-{letter}'")),
        Wrong::NoArgument(letter) => die(format!("option '-{letter}' requires a value")),
    })
}

/// The one operand of a command.
fn operand<'a>(given: &Given<'a>) -> Result<&'a str, Reply> {
    match given.operands {
        [operand] => Ok(operand),
        _ => Err(usage()),
    }
}

/// A name for a new link.
fn new_name(name: &str) -> Result<&str, Reply> {
    if name.len() > NAME_MAX {
        return Err(die(format!("link name too long '{name}'")));
    }
    if !valid_name(name) {
        return Err(die(format!("invalid link name '{name}'")));
    }
    Ok(name)
}

/// Registers a new name: first the daemon looks who asks.
fn admit(links: &State, caller: &Caller, name: &str) -> Result<(), Status> {
    if !caller.has("sys_dl_config") {
        return Err(Status::Denied);
    }
    if links.links.contains_key(name) { Err(Status::Exists) } else { Ok(()) }
}

fn create_etherstub(
    links: &mut State,
    caller: &Caller,
    arguments: &[String],
) -> Result<Reply, Reply> {
    let given = options(arguments, "t", &[("temporary", 't')])?;
    let name = new_name(operand(&given)?)?;
    admit(links, caller, name).map_err(|status| refused("etherstub creation failed", &status))?;
    let persistent = (!given.has('t')).then(Settings::new);
    let active = Some(Settings::new());
    let link = Link { class: Class::Etherstub, active, persistent, zone: None };
    links.links.insert(name.to_owned(), link);
    Ok(Reply::ok())
}

const VNIC_OPTIONS: &[(&str, char)] =
    &[("temporary", 't'), ("link", 'l'), ("mac-address", 'm'), ("prop", 'p'), ("vlan", 'v')];

/// Where a VNIC's address comes from.
enum MacSource {
    Made,
    Factory,
    Given(Mac),
}

fn create_vnic(links: &mut State, caller: &Caller, arguments: &[String]) -> Result<Reply, Reply> {
    let given = options(arguments, "tl:m:p:v:", VNIC_OPTIONS)?;
    if given.all('l').any(|lower| lower.len() > NAME_MAX) {
        return Err(die("link name too long"));
    }
    let mac = mac_source(&given)?;
    let text = properties::joined(given.all('p')).map_err(die)?;
    let vid = vid(&given)?;
    let over = given.last('l').ok_or_else(usage)?;
    let name = new_name(operand(&given)?)?;
    let lower = links.links.get(over);
    let lower = lower.ok_or_else(|| die(format!("invalid link name '{over}'")))?;
    let props = properties::parse(&text).ok_or_else(|| die("invalid vnic property"))?;

    let wanted = Wanted { name, over, mac, vid, props, persistent: !given.has('t') };
    let made = wanted.check(lower).and_then(|()| wanted.make(links, caller));
    made.map_err(|status| refused(format!("vnic creation over {over} failed"), &status))?;
    Ok(Reply::ok())
}

fn mac_source(given: &Given<'_>) -> Result<MacSource, Reply> {
    let mut all = given.all('m');
    let (text, more) = (all.next(), all.next());
    if more.is_some() {
        return Err(die("cannot specify -m option twice"));
    }
    match text {
        Some("fixed") => Err(die("'fixed' is not a valid MAC address")),
        None | Some("auto" | "random") => Ok(MacSource::Made),
        Some("factory") => Ok(MacSource::Factory),
        Some("vrrp") => Err(not_simulated("create-vnic -m vrrp")),
        Some(text) => match text.parse() {
            Ok(mac) => Ok(MacSource::Given(mac)),
            // A short address is found out later, by the library.
            Err(BadMac::Length) => Ok(MacSource::Given(Mac([0; 6]))),
            Err(BadMac::Syntax) => Err(die("invalid MAC address")),
        },
    }
}

fn vid(given: &Given<'_>) -> Result<u16, Reply> {
    let Some(text) = given.last('v') else { return Ok(0) };
    if given.all('v').count() > 1 {
        return Err(die("the option -v cannot be specified more than once"));
    }
    match text.parse() {
        Ok(vid @ 1..=4094) => Ok(vid),
        _ => Err(die(format!("invalid VLAN identifier '{text}'"))),
    }
}

/// A VNIC to be made.
struct Wanted<'a> {
    name: &'a str,
    over: &'a str,
    mac: MacSource,
    vid: u16,
    props: properties::Given,
    persistent: bool,
}

impl Wanted<'_> {
    /// Whether it can be made over this link at all.
    fn check(&self, lower: &Link) -> Result<(), Status> {
        if lower.class != Class::Etherstub {
            return Err(Status::BadArgument);
        }
        if self.persistent && lower.persistent.is_none() {
            return Err(Status::OnTemporary);
        }
        Ok(())
    }

    fn make(&self, links: &mut State, caller: &Caller) -> Result<(), Status> {
        admit(links, caller, self.name)?;
        let active = properties::for_new_link(&self.props)?;
        links.active(self.over).map_err(|_| Status::NotFound)?;
        let (mac, fixed) = self.address(links)?;
        let persistent = match self.persistent {
            true => Some(properties::for_next_boot(&self.props)?),
            false => None,
        };
        let class = Class::Vnic { over: self.over.to_owned(), mac, fixed, vid: self.vid };
        let link = Link { class, active: Some(active), persistent, zone: None };
        links.links.insert(self.name.to_owned(), link);
        Ok(())
    }

    fn address(&self, links: &mut State) -> Result<(Mac, bool), Status> {
        let used = |links: &State, mac: Mac| {
            let has = |link: &Link| matches!(link.class, Class::Vnic { mac: of, .. } if of == mac);
            links.over(self.over).any(|(_, link)| has(link))
        };
        match self.mac {
            MacSource::Factory => Err(Status::NoFactoryMac),
            MacSource::Given(mac) if mac == Mac([0; 6]) => Err(BadMac::Length.into()),
            MacSource::Given(mac) if !mac.is_unicast() => Err(Status::MacValue),
            MacSource::Given(mac) if used(links, mac) => Err(Status::MacInUse),
            MacSource::Given(mac) => Ok((mac, true)),
            MacSource::Made => loop {
                links.macs += 1;
                let mac = Mac::made(links.macs);
                if !used(links, mac) {
                    return Ok((mac, false));
                }
            },
        }
    }
}

fn delete(
    links: &mut State,
    caller: &Caller,
    arguments: &[String],
    etherstub: bool,
) -> Result<Reply, Reply> {
    let given = options(arguments, "t", &[("temporary", 't')])?;
    let name = operand(&given)?;
    let link = links.links.get(name);
    let link = link.ok_or_else(|| die(format!("invalid link name '{name}'")))?;
    match (&link.class, etherstub) {
        (Class::Etherstub, false) => return Err(die(format!("'{name}' is not a vnic"))),
        (Class::Vnic { .. }, true) => return Err(die(format!("'{name}' is not an etherstub"))),
        _ => {}
    }
    remove(links, caller, name, given.has('t'))
        .map_err(|status| refused("vnic deletion failed", &status))?;
    Ok(Reply::ok())
}

/// Removes a link, or only what is active of it.
fn remove(links: &mut State, caller: &Caller, name: &str, temporary: bool) -> Result<(), Status> {
    if !caller.has("sys_dl_config") {
        return Err(Status::Denied);
    }
    let busy = links.plumbed(name) || links.over(name).next().is_some();
    let link = links.links.get_mut(name).ok_or(Status::NotFound)?;
    if link.active.is_none() && temporary {
        return Err(Status::NotFound);
    }
    if busy || link.zone.is_some() {
        return Err(Status::Busy);
    }
    link.active = None;
    if !temporary || link.persistent.is_none() {
        links.links.remove(name);
    }
    Ok(())
}

fn change_property(links: &mut State, caller: &Caller, arguments: &[String], reset: bool) -> Reply {
    match changed(links, caller, arguments, reset) {
        Ok(warnings) if warnings.is_empty() => Reply::ok(),
        // The properties behind one that failed are set all the same.
        Ok(warnings) => Reply { stderr: warnings.concat(), code: 1, ..Reply::default() },
        Err(reply) => reply,
    }
}

/// Sets or resets properties and gives the warnings about those that it could not.
fn changed(
    links: &mut State,
    caller: &Caller,
    arguments: &[String],
    reset: bool,
) -> Result<Vec<String>, Reply> {
    let given = options(arguments, "p:t", &[("prop", 'p'), ("temporary", 't')])?;
    let name = operand(&given)?;
    let text = properties::joined(given.all('p')).map_err(die)?;
    let mut props = properties::parse(&text)
        .filter(|props| !reset || props.iter().all(|(_, values)| values.is_empty()))
        .ok_or_else(|| die("invalid link properties specified"))?;
    if props.is_empty() && !reset {
        return Err(die("link property must be specified"));
    }
    let link = links.links.get_mut(name);
    let link =
        link.ok_or_else(|| refused(format!("link {name} is not valid"), &Status::NotFound))?;
    if props.is_empty() {
        props = properties::names().map(|name| (name.to_owned(), Vec::new())).collect();
    }
    let mut warnings = Vec::new();
    for (property, values) in &props {
        if values.is_empty() && !reset {
            warnings.push(warning(format!("no value specified for '{property}'")));
            continue;
        }
        if let Err(status) = apply(link, caller, property, values, given.has('t')) {
            if let Status::NotSimulated(_) = status {
                return Err(refused("", &status));
            }
            warnings.push(warning(complaint(name, property, &status, reset)));
        }
    }
    Ok(warnings)
}

fn apply(
    link: &mut Link,
    caller: &Caller,
    property: &str,
    values: &[String],
    temporary: bool,
) -> Result<(), Status> {
    if !caller.has("sys_dl_config") {
        return Err(Status::Denied);
    }
    if link.active.is_none() {
        return Err(Status::BadArgument);
    }
    properties::set(link, property, values)?;
    if temporary { Ok(()) } else { properties::keep(link, property, values) }
}

fn complaint(link: &str, property: &str, status: &Status, reset: bool) -> String {
    match (status, properties::choices(property)) {
        (Status::NotFound, _) => format!("invalid link property '{property}'"),
        (Status::BadValue, Some(choices)) => {
            format!("link property '{property}' must be one of: {choices}")
        }
        _ => {
            let verb = if reset { "reset" } else { "set" };
            format!("cannot {verb} link property '{property}' on '{link}': {status}")
        }
    }
}

/// A line of complaint that ends nothing.
pub(super) fn warning(line: impl AsRef<str>) -> String {
    format!("dladm: warning: {}\n", line.as_ref())
}
