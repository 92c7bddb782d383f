//! Data links: etherstubs and VNICs, temporary ones only (`-t`), which do not
//! survive the host's reboot. They do survive the zone that uses them.
//!
//! Source: dladm(8), illumos-gate usr/src/cmd/dladm and usr/src/lib/libdladm.

mod name;

use std::net::Ipv4Addr;

use solstice_exec::Command;

pub use name::{LinkName, MacAddress};

use crate::error::Cause::{self, Absent, BadName, Busy, Exists, NotPermitted, WrongState};
use crate::error::IllumosError;
use crate::name::NameError;
use crate::parsable;
use crate::programs::{DLADM, PFEXEC};
use crate::run::{Rule, lines, not_understood, run, run_sorted, sort};

/// Source: illumos-gate usr/src/cmd/dladm/dladm.c, and libdladm.c#dladm_status2str.
const RULES: &[Rule] = &[
    ("object already exists", Exists),
    ("MAC address is already in use", Exists),
    ("link busy", Busy),
    ("object not found", Absent),
    ("permission denied", NotPermitted),
    ("is not an etherstub", WrongState),
    ("is not a vnic", WrongState),
    ("link name too long", BadName),
    ("invalid link name", BadName),
    ("invalid vnic property", BadName),
    ("invalid link properties specified", BadName),
    ("invalid MAC address", BadName),
];

/// A VNIC to be made.
#[derive(Clone, Debug)]
pub struct Vnic<'a> {
    /// Its name.
    pub name: &'a LinkName,
    /// The link below it.
    pub over: &'a LinkName,
    /// Its address; one is made up if absent.
    pub mac: Option<MacAddress>,
    /// Whether whoever is behind it may use no address but its own and this
    /// one (link protection: mac-nospoof, ip-nospoof, dhcp-nospoof, restricted).
    pub only: Option<Ipv4Addr>,
}

/// A VNIC that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VnicRow {
    /// Its name.
    pub name: String,
    /// The link below it.
    pub over: String,
    /// Its address.
    pub mac: MacAddress,
}

/// Makes an etherstub.
///
/// # Errors
///
/// [`IllumosError`]: `Exists`, `BadName`, `NotPermitted`.
pub async fn create_etherstub(name: &LinkName) -> Result<(), IllumosError> {
    run(create_etherstub_command(name), RULES).await.map(drop)
}

fn create_etherstub_command(name: &LinkName) -> Command {
    dladm(["create-etherstub", "-t", name.as_str()])
}

/// Removes an etherstub.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `Busy` (VNICs over it), `WrongState` (no etherstub), `NotPermitted`.
pub async fn delete_etherstub(name: &LinkName) -> Result<(), IllumosError> {
    run_sorted(delete_etherstub_command(name), delete_cause).await.map(drop)
}

fn delete_etherstub_command(name: &LinkName) -> Command {
    dladm(["delete-etherstub", "-t", name.as_str()])
}

/// Makes a VNIC with its protection, in one step: the kernel gets the
/// properties with the link, and a property that it refuses leaves no link.
///
/// # Errors
///
/// [`IllumosError`]: `Exists`, `Absent` (the link below), `BadName`, `NotPermitted`.
pub async fn create_vnic(vnic: &Vnic<'_>) -> Result<(), IllumosError> {
    run_sorted(create_vnic_command(vnic), |stderr| create_cause(stderr, vnic.over)).await.map(drop)
}

/// The properties are one word: libdladm.c#dladm_parse_args takes what stands
/// before a `=` for a name and everything up to the next name for its values.
/// libdlvnic.c#dladm_vnic_create makes them part of the creation.
fn create_vnic_command(vnic: &Vnic<'_>) -> Command {
    let mut command = dladm(["create-vnic", "-t", "-l", vnic.over.as_str()]);
    if let Some(mac) = vnic.mac {
        command = command.arg("-m").arg(mac.to_string());
    }
    if let Some(address) = vnic.only {
        let protection = "protection=mac-nospoof,restricted,ip-nospoof,dhcp-nospoof";
        command = command.arg("-p").arg(format!("{protection},allowed-ips={address}"));
    }
    command.arg(vnic.name.as_str())
}

/// Removes a VNIC.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `Busy` (plumbed, or in a running zone),
/// `WrongState` (no VNIC), `NotPermitted`.
pub async fn delete_vnic(name: &LinkName) -> Result<(), IllumosError> {
    run_sorted(delete_vnic_command(name), delete_cause).await.map(drop)
}

fn delete_vnic_command(name: &LinkName) -> Command {
    dladm(["delete-vnic", "-t", name.as_str()])
}

/// Every VNIC of the host.
///
/// # Errors
///
/// [`IllumosError`].
pub async fn vnics() -> Result<Vec<VnicRow>, IllumosError> {
    let output = run(vnics_command(), RULES).await?;
    lines("dladm show-vnic", &output, vnic_row)
}

fn vnics_command() -> Command {
    Command::new(DLADM).args(["show-vnic", "-p", "-o", "link,over,macaddress"])
}

fn vnic_row(line: &str) -> Option<VnicRow> {
    let [name, over, mac] = parsable::fields(line).try_into().ok()?;
    Some(VnicRow { name, over, mac: mac.parse().ok()? })
}

/// Every etherstub of the host.
///
/// # Errors
///
/// [`IllumosError`].
pub async fn etherstubs() -> Result<Vec<String>, IllumosError> {
    let output = run(etherstubs_command(), RULES).await?;
    lines("dladm show-etherstub", &output, |line| (!line.is_empty()).then(|| line.to_owned()))
}

fn etherstubs_command() -> Command {
    Command::new(DLADM).args(["show-etherstub", "-p", "-o", "link"])
}

/// The value of a link's property; several values have commas between them,
/// none is the empty text.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `BadName`.
pub async fn link_property(name: &LinkName, property: &str) -> Result<String, IllumosError> {
    if property.is_empty() || !property.chars().all(|c| c.is_ascii_lowercase() || "_-".contains(c))
    {
        let why = "only lower-case letters, - and _ may occur";
        return Err(NameError::new("link property", property, why).into());
    }
    let output = run(link_property_command(name, property), RULES).await?;
    let text = output.stdout_text();
    match text.strip_suffix('\n') {
        Some(value) if !value.contains('\n') => Ok(value.to_owned()),
        _ => Err(not_understood("dladm show-linkprop", &text)),
    }
}

fn link_property_command(name: &LinkName, property: &str) -> Command {
    Command::new(DLADM).args(["show-linkprop", "-c", "-o", "value", "-p", property, name.as_str()])
}

fn dladm<const N: usize>(arguments: [&str; N]) -> Command {
    Command::new(PFEXEC).arg(DLADM).args(arguments)
}

/// Of a link that is not there dladm says only that its name is invalid.
fn delete_cause(stderr: &str) -> Cause {
    if stderr.contains("invalid link name") { Absent } else { sort(stderr, RULES) }
}

/// Which link it means is seen by the name that it repeats.
fn create_cause(stderr: &str, over: &LinkName) -> Cause {
    let below_is_absent = stderr.contains(&format!("invalid link name '{over}'"));
    if below_is_absent { Absent } else { sort(stderr, RULES) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(name: &str) -> LinkName {
        name.parse().unwrap()
    }

    #[test]
    fn every_argument_vector_is_the_recorded_one() {
        let (name, over) = (link("job1"), link("solstub0"));
        let mac = Some(MacAddress([2, 8, 0x20, 0x5a, 1, 0xc]));
        let plain = Vnic { name: &name, over: &over, mac: None, only: None };
        let only = Some(Ipv4Addr::new(10, 99, 0, 10));
        let commands = [
            create_etherstub_command(&over),
            delete_etherstub_command(&over),
            create_vnic_command(&plain),
            create_vnic_command(&Vnic { mac, only, ..plain.clone() }),
            delete_vnic_command(&name),
            vnics_command(),
            etherstubs_command(),
            link_property_command(&name, "allowed-ips"),
        ];
        crate::golden::check("dladm", &commands);
    }

    #[test]
    fn what_dladm_says_is_sorted() {
        for (said, expected) in [
            ("dladm: etherstub creation failed: object already exists", Exists),
            ("dladm: vnic creation over solstub0 failed: object already exists", Exists),
            ("dladm: vnic creation over solstub0 failed: permission denied", NotPermitted),
            ("dladm: vnic creation over solstub0 failed: invalid MAC address", BadName),
            ("dladm: vnic creation over s0 failed: MAC address is already in use", Exists),
            ("dladm: invalid vnic property", BadName),
            ("dladm: link job9 is not valid: object not found", Absent),
            ("dladm: vnic deletion failed: link busy", Busy),
            ("dladm: 'solstub0' is not a vnic", WrongState),
            ("dladm: 'job1' is not an etherstub", WrongState),
            ("dladm: link name too long 'x'", BadName),
            ("dladm: out of cheese", Cause::Other),
        ] {
            assert_eq!(sort(said, RULES), expected, "{said}");
        }
    }

    #[test]
    fn an_invalid_name_means_three_things() {
        let said = "dladm: invalid link name 'nostub0'\n";
        assert_eq!(delete_cause(said), Absent);
        assert_eq!(create_cause(said, &link("nostub0")), Absent);
        assert_eq!(create_cause(said, &link("solstub0")), BadName);
        assert_eq!(delete_cause("dladm: vnic deletion failed: link busy\n"), Busy);
    }

    #[test]
    fn vnics_are_read_with_their_addresses() {
        let row = vnic_row(r"job1:solstub0:2\:8\:20\:5a\:1\:c").unwrap();
        assert_eq!((row.name.as_str(), row.over.as_str()), ("job1", "solstub0"));
        assert_eq!(row.mac.to_string(), "2:8:20:5a:1:c");
        for line in ["", "job1:solstub0", "job1:solstub0:2:8:20:5a:1:c", r"a:b:\:"] {
            assert_eq!(vnic_row(line), None, "{line}");
        }
    }
}
