//! Link properties: their list on a command line, and what they may be.
//!
//! illumos-gate usr/src/lib/libdladm/common/{libdladm,linkprop,libdlvnic}.c.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::dladm::Status;
use super::link::{Class, Link, Settings};

/// The most bytes of all `-p` together (`DLADM_STRSIZE`).
const TEXT_MAX: usize = 2048;
/// The most values of one property (`DLADM_MAX_ARG_VALS`).
const VALUES_MAX: usize = 64;
/// The most addresses in `allowed-ips` (`MPT_MAXIPADDR`).
const ADDRESSES_MAX: usize = 32;
/// The most identifiers in `allowed-dhcp-cids` (`MPT_MAXCID`), and of bytes in one.
const CIDS_MAX: usize = 32;
const CID_LENGTH_MAX: usize = 256;
/// The least bandwidth, in bits per second.
const BANDWIDTH_MIN: u64 = 1_200_000;
/// What an etherstub carries at most, in bytes.
const MTU_MAX: u32 = 9000;
const MTU_MIN: u32 = 576;

/// A property that is simulated.
struct Property {
    name: &'static str,
    /// What it is if nobody set it.
    default: &'static str,
    /// Whether `create-vnic -p` does anything with it by itself.
    resource: bool,
    /// Whether etherstubs have it too.
    etherstub: bool,
    values: Values,
}

/// What the values may be.
enum Values {
    /// Some of these.
    Of(&'static [&'static str]),
    /// Addresses or networks.
    Addresses,
    /// DHCP client identifiers.
    Identifiers,
    /// One bandwidth.
    Bandwidth,
    /// One length in bytes.
    Mtu,
}

const fn resource(name: &'static str, default: &'static str, values: Values) -> Property {
    Property { name, default, resource: true, etherstub: true, values }
}

const PROTECTION: &[&str] = &["mac-nospoof", "restricted", "ip-nospoof", "dhcp-nospoof"];

const SIMULATED: &[Property] = &[
    resource("maxbw", "", Values::Bandwidth),
    resource("priority", "high", Values::Of(&["low", "medium", "high"])),
    resource("protection", "", Values::Of(PROTECTION)),
    resource("allowed-ips", "", Values::Addresses),
    resource("allowed-dhcp-cids", "", Values::Identifiers),
    Property {
        name: "mtu",
        default: "9000",
        resource: false,
        etherstub: true,
        values: Values::Mtu,
    },
    Property {
        name: "promisc-filtered",
        default: "on",
        resource: false,
        etherstub: false,
        values: Values::Of(&["off", "on"]),
    },
];

/// Properties that VNICs have as well, and that nothing here imitates.
const NOT_SIMULATED: &[&str] = &[
    "autopush",
    "cpus",
    "cpus-effective",
    "default_tag",
    "flowctrl",
    "forward",
    "learn_decay",
    "learn_limit",
    "pool",
    "pool-effective",
    "rxhwclnt-available",
    "rxrings",
    "rxrings-available",
    "rxrings-effective",
    "secondary-macs",
    "stp",
    "stp_cost",
    "stp_edge",
    "stp_mcheck",
    "stp_p2p",
    "stp_priority",
    "tagmode",
    "txhwclnt-available",
    "txrings",
    "txrings-available",
    "txrings-effective",
    "zone",
];

/// Properties as they were given, in their order.
pub(super) type Given = Vec<(String, Vec<String>)>;

/// Puts the arguments of all `-p` together, as dladm does.
///
/// # Errors
///
/// What dladm says if they are too long.
pub(super) fn joined<'a>(arguments: impl Iterator<Item = &'a str>) -> Result<String, String> {
    let text: String = arguments.flat_map(|argument| [argument, ","]).collect();
    if text.len() >= TEXT_MAX {
        return Err(format!("property list too long '{text}'"));
    }
    Ok(text)
}

/// Takes a list apart: a word behind which there is a `=` is a property, a word
/// behind which there is none is one more value of the property before it.
/// `None` if a word is empty or there are too many.
pub(super) fn parse(text: &str) -> Option<Given> {
    let mut given = Given::new();
    let mut open = false;
    for word in text.split_inclusive(['=', ',']) {
        let name = word.strip_suffix('=');
        let word = name.or(word.strip_suffix(',')).unwrap_or(word);
        if word.is_empty() {
            return None;
        }
        match given.last_mut() {
            Some((_, values)) if open && name.is_none() => values.push(word.to_owned()),
            _ => {
                given.push((word.to_owned(), Vec::new()));
                open = name.is_some();
            }
        }
    }
    let few = given.len() <= VALUES_MAX && given.iter().all(|(_, v)| v.len() <= VALUES_MAX);
    few.then_some(given)
}

/// What `create-vnic -p` makes of a list for the new active link: it looks for
/// the properties that it knows how to set and never at the others, be they
/// misspelt or just not settable in this way.
pub(super) fn for_new_link(given: &Given) -> Result<Settings, Status> {
    let mut settings = Settings::new();
    for property in SIMULATED.iter().filter(|property| property.resource) {
        let named = given.iter().find(|(name, _)| name.eq_ignore_ascii_case(property.name));
        if let Some((_, values)) = named {
            settings.insert(property.name.to_owned(), property.values.checked(values)?);
        }
    }
    if let Some((name, _)) = given.iter().find(|(name, _)| not_simulated(name)) {
        return Err(Status::NotSimulated(name.clone()));
    }
    Ok(settings)
}

/// What `create-vnic -p` keeps for the next boot: any property there is, as it
/// was written.
pub(super) fn for_next_boot(given: &Given) -> Result<Settings, Status> {
    let kept = |(name, values): &(String, Vec<String>)| match (find(name), values.is_empty()) {
        (None, _) => Err(Status::NotFound),
        (Some(_), true) => Err(Status::BadArgument),
        (Some(property), false) => Ok((property.name.to_owned(), values.clone())),
    };
    given.iter().map(kept).collect()
}

/// Sets a property of an active link; no values is back to the default.
pub(super) fn set(link: &mut Link, name: &str, values: &[String]) -> Result<(), Status> {
    let property = known(name)?;
    if link.class == Class::Etherstub && !property.etherstub {
        return Err(Status::BadArgument);
    }
    let settings = link.active.get_or_insert_default();
    if values.is_empty() {
        settings.remove(property.name);
    } else {
        settings.insert(property.name.to_owned(), property.values.checked(values)?);
    }
    Ok(())
}

/// Keeps a property for the next boot. A link that does not survive a boot
/// has no place for it; then "not found" is what dladm is told, and takes for
/// a property that does not exist.
pub(super) fn keep(link: &mut Link, name: &str, values: &[String]) -> Result<(), Status> {
    let property = known(name)?;
    let settings = link.persistent.as_mut().ok_or(Status::NotFound)?;
    if values.is_empty() {
        settings.remove(property.name);
    } else {
        settings.insert(property.name.to_owned(), values.to_vec());
    }
    Ok(())
}

/// The value of a property of a link, as dladm shows it.
pub(super) fn shown(link: &Link, name: &str, persistent: bool) -> Result<String, Status> {
    if name.eq_ignore_ascii_case("zone") && !persistent {
        return Ok(link.zone.clone().unwrap_or_default());
    }
    let property = known(name)?;
    let settings = if persistent { &link.persistent } else { &link.active };
    let values = settings.as_ref().and_then(|settings| settings.get(property.name));
    let default = if persistent { "" } else { property.default };
    Ok(values.map_or_else(|| default.to_owned(), |values| values.join(",")))
}

/// What a property may be, for the message that says so.
pub(super) fn choices(name: &str) -> Option<String> {
    match find(name)?.values {
        Values::Of(values) => Some(values.join(",")),
        _ => None,
    }
}

/// The names of all simulated properties.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SIMULATED.iter().map(|property| property.name)
}

fn find(name: &str) -> Option<&'static Property> {
    SIMULATED.iter().find(|property| property.name.eq_ignore_ascii_case(name))
}

fn known(name: &str) -> Result<&'static Property, Status> {
    match find(name) {
        Some(property) => Ok(property),
        None if not_simulated(name) => Err(Status::NotSimulated(name.to_owned())),
        None => Err(Status::NotFound),
    }
}

fn not_simulated(name: &str) -> bool {
    NOT_SIMULATED.iter().any(|known| known.eq_ignore_ascii_case(name))
}

impl Values {
    /// The values as illumos keeps them, if it takes them.
    fn checked(&self, given: &[String]) -> Result<Vec<String>, Status> {
        match self {
            Values::Of(choices) => of(choices, given),
            Values::Addresses => addresses(given),
            Values::Identifiers => identifiers(given),
            Values::Bandwidth => bandwidth(given),
            Values::Mtu => mtu(given),
        }
    }
}

/// The chosen ones in the order of the choices, each once: they are bits.
fn of(choices: &[&str], given: &[String]) -> Result<Vec<String>, Status> {
    let chosen = |choice: &str| given.iter().any(|value| value.eq_ignore_ascii_case(choice));
    let known = |value: &String| choices.iter().any(|choice| choice.eq_ignore_ascii_case(value));
    if !given.iter().all(known) {
        return Err(Status::BadValue);
    }
    let chosen = choices.iter().filter(|choice| chosen(choice));
    Ok(chosen.map(|choice| (*choice).to_owned()).collect())
}

fn addresses(given: &[String]) -> Result<Vec<String>, Status> {
    if given.len() > ADDRESSES_MAX {
        return Err(Status::BadCount);
    }
    let networks: Option<Vec<_>> = given.iter().map(|text| network(text)).collect();
    let networks = networks.ok_or(Status::InvalidIp)?;
    let twice = |at: usize| networks[..at].iter().any(|(ip, _)| *ip == networks[at].0);
    if (0..networks.len()).any(twice) {
        return Err(Status::BadArgument);
    }
    Ok(networks.iter().map(|(ip, prefix)| format!("{ip}/{prefix}")).collect())
}

/// An address, or a network with nothing behind its prefix.
fn network(text: &str) -> Option<(IpAddr, u32)> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        Some(text) if text.starts_with(|c: char| c.is_ascii_digit()) => text.parse().ok()?,
        Some(_) => return None,
        None => bits,
    };
    let fits = (1..=bits).contains(&prefix) && !address.is_unspecified();
    (fits && masked(address, prefix) == address).then_some((address, prefix))
}

/// The address without what is behind the prefix, which is 1 bit or more.
fn masked(address: IpAddr, prefix: u32) -> IpAddr {
    match address {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() & (u32::MAX << (32 - prefix))).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << (128 - prefix))).into(),
    }
}

fn identifiers(given: &[String]) -> Result<Vec<String>, Status> {
    if given.len() > CIDS_MAX {
        return Err(Status::BadCount);
    }
    if given.iter().any(|id| id.len() > CID_LENGTH_MAX) {
        return Err(Status::TooSmall);
    }
    Ok(given.to_vec())
}

/// Bits per second, in megabits unless a letter says otherwise; shown in
/// megabits (`dladm_str2bw`, `dladm_bw2str`).
fn bandwidth(given: &[String]) -> Result<Vec<String>, Status> {
    let [text] = given else { return Err(Status::BadCount) };
    let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match &text[number.len()..] {
        "k" | "K" => 1_000,
        "" | "m" | "M" => 1_000_000,
        "g" | "G" => 1_000_000_000,
        "%" => return Err(Status::NotSupported),
        letters if letters.len() > 1 => return Err(Status::BadArgument),
        _ => return Err(Status::BadValue),
    };
    let number: u64 = number.parse().map_err(|_| Status::BadValue)?;
    let bits = number.checked_mul(unit).ok_or(Status::BadArgument)?;
    if bits < BANDWIDTH_MIN {
        return Err(Status::LittleBandwidth);
    }
    let (mbps, kbps) = (bits / 1_000_000, bits % 1_000_000 / 1_000);
    Ok(vec![if kbps == 0 { format!("{mbps:5}") } else { format!("{mbps:5}.{kbps:03}") }])
}

fn mtu(given: &[String]) -> Result<Vec<String>, Status> {
    let [text] = given else { return Err(Status::BadCount) };
    let mtu: u32 = text.parse().map_err(|_| Status::BadValue)?;
    if !(MTU_MIN..=MTU_MAX).contains(&mtu) {
        return Err(Status::BadMtu);
    }
    Ok(vec![mtu.to_string()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(',').map(str::to_owned).collect()
    }

    #[test]
    fn a_word_before_an_equals_sign_begins_a_property() {
        let given =
            parse("protection=mac-nospoof,restricted,allowed-ips=10.0.0.1,10.0.0.2,").unwrap();
        let expected = [
            ("protection".to_owned(), words("mac-nospoof,restricted")),
            ("allowed-ips".to_owned(), words("10.0.0.1,10.0.0.2")),
        ];
        assert_eq!(given, expected);
        assert_eq!(parse("mtu,maxbw").unwrap().len(), 2);
        assert_eq!(parse("").unwrap(), Given::new());
        for bad in ["=x", "protection=,", "a=b,,c", "a==b"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn protection_is_a_set() {
        let set = |text: &str| of(PROTECTION, &words(text));
        let expected = words("mac-nospoof,ip-nospoof");
        assert_eq!(set("ip-nospoof,MAC-nospoof,ip-nospoof"), Ok(expected));
        assert_eq!(set("ip-nospoof,nospoof"), Err(Status::BadValue));
    }

    #[test]
    fn allowed_addresses_are_addresses_or_networks() {
        let set = |text: &str| addresses(&words(text)).map(|values| values.join(","));
        assert_eq!(set("10.99.0.10").unwrap(), "10.99.0.10/32");
        assert_eq!(set("10.99.0.0/24,fe80::1").unwrap(), "10.99.0.0/24,fe80::1/128");
        for bad in ["10.99.0.10/24", "10.99.0.10/33", "0.0.0.0", "10.0.0.1/", "10.0.0.1/0", "x"] {
            assert_eq!(set(bad), Err(Status::InvalidIp), "{bad}");
        }
        assert_eq!(set("10.0.0.1,10.0.0.1"), Err(Status::BadArgument));
        let many: Vec<String> = (1..=33).map(|n| format!("10.0.0.{n}")).collect();
        assert_eq!(addresses(&many), Err(Status::BadCount));
    }

    #[test]
    fn bandwidths_are_shown_in_megabits() {
        let set = |text: &str| bandwidth(&words(text)).map(|values| values.concat());
        assert_eq!(set("100").unwrap(), "  100");
        assert_eq!(set("1200K").unwrap(), "    1.200");
        assert_eq!(set("1M"), Err(Status::LittleBandwidth));
        assert_eq!(set("fast"), Err(Status::BadArgument));
    }

    #[test]
    fn create_vnic_ignores_properties_that_it_does_not_look_for() {
        let given = parse("protecton=mac-nospoof,promisc-filtered=off,priority=low").unwrap();
        let settings = for_new_link(&given).unwrap();
        assert_eq!(settings.keys().collect::<Vec<_>>(), ["priority"]);
        assert_eq!(for_next_boot(&given), Err(Status::NotFound));
    }
}
