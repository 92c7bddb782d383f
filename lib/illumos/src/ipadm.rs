//! IP interfaces and addresses of the global zone, temporary ones only.
//!
//! The caller's own user needs the authorization
//! `solaris.network.interface.config` besides the privileges of its profile:
//! libipadm asks for it by the real user (libipadm.c#ipadm_check_auth).
//!
//! Source: ipadm(8), illumos-gate usr/src/cmd/cmd-inet/usr.sbin/ipadm.

use std::net::Ipv4Addr;

use solstice_exec::Command;

use crate::dladm::LinkName;
use crate::error::Cause::{Absent, BadName, Busy, Exists, NotPermitted};
use crate::error::IllumosError;
use crate::name::NameError;
use crate::parsable;
use crate::programs::{IPADM, PFEXEC};
use crate::run::{Rule, lines, run};

/// Source: illumos-gate usr/src/lib/libipadm/common/libipadm.c (`ipadm_errors`),
/// of several years. ipadm writes the newline behind them to standard output.
const RULES: &[Rule] = &[
    ("Address object already exists", Exists),
    ("Interface already exists", Exists),
    ("Address already in use", Exists),
    ("Interface does not exist", Absent),
    ("No such interface", Absent),
    ("Address object not found", Absent),
    ("Object not found", Absent),
    ("Datalink does not exist", Absent),
    ("Could not open DLPI link", Absent),
    ("Interface already in use", Busy),
    ("Permission denied", NotPermitted),
    ("Insufficient user authorizations", NotPermitted),
    ("Invalid argument provided", BadName),
    ("Invalid interface name", BadName),
    ("invalid address object name", BadName),
];

/// Plumbs a link and gives it an address (`LINK/v4`), as one wish: what is
/// there already is left, if it is the same address.
///
/// Two steps: after a crash between them the interface is there without an
/// address, and the same call completes it.
///
/// # Errors
///
/// [`IllumosError`]: `Exists` (another address), `Absent` (the link), `NotPermitted`.
pub async fn add_address(
    link: &LinkName,
    address: Ipv4Addr,
    prefix: u8,
) -> Result<(), IllumosError> {
    let wanted = with_prefix(address, prefix)?;
    match run(create_interface_command(link), RULES).await {
        Err(error) if error.cause() != Exists => return Err(error),
        _ => {}
    }
    let Err(error) = run(create_address_command(link, &wanted), RULES).await else { return Ok(()) };
    let object = object(link);
    let is_wanted = |found: &Address| found.object == object && found.address == wanted;
    if error.cause() == Exists && addresses().await?.iter().any(is_wanted) {
        return Ok(());
    }
    Err(error)
}

fn create_interface_command(link: &LinkName) -> Command {
    ipadm(["create-if", "-t", link.as_str()])
}

fn create_address_command(link: &LinkName, address: &str) -> Command {
    ipadm(["create-addr", "-t", "-T", "static", "-a", address, &object(link)])
}

/// Removes a link's IP interface with all its addresses.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `NotPermitted`.
pub async fn delete_interface(link: &LinkName) -> Result<(), IllumosError> {
    run(delete_interface_command(link), RULES).await.map(drop)
}

fn delete_interface_command(link: &LinkName) -> Command {
    ipadm(["delete-if", link.as_str()])
}

/// An address of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The address object, `LINK/NAME`.
    pub object: String,
    /// The address with its prefix, as ipadm writes it.
    pub address: String,
    /// Its state, such as `ok`.
    pub state: String,
}

/// Every address of the host.
///
/// # Errors
///
/// [`IllumosError`].
pub async fn addresses() -> Result<Vec<Address>, IllumosError> {
    let output = run(addresses_command(), RULES).await?;
    lines("ipadm show-addr", &output, address_row)
}

fn addresses_command() -> Command {
    Command::new(IPADM).args(["show-addr", "-p", "-o", "addrobj,addr,state"])
}

fn address_row(line: &str) -> Option<Address> {
    let [object, address, state] = parsable::fields(line).try_into().ok()?;
    Some(Address { object, address, state })
}

fn ipadm<const N: usize>(arguments: [&str; N]) -> Command {
    Command::new(PFEXEC).arg(IPADM).args(arguments)
}

fn object(link: &LinkName) -> String {
    format!("{link}/v4")
}

fn with_prefix(address: Ipv4Addr, prefix: u8) -> Result<String, NameError> {
    let text = format!("{address}/{prefix}");
    if prefix == 0 || prefix > 32 {
        return Err(NameError::new("address", &text, "its prefix must be from 1 to 32"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_vector_is_the_recorded_one() {
        let link: LinkName = "solgw0".parse().unwrap();
        let commands = [
            create_interface_command(&link),
            create_address_command(&link, "10.99.0.1/24"),
            delete_interface_command(&link),
            addresses_command(),
        ];
        crate::golden::check("ipadm", &commands);
    }

    #[test]
    fn what_ipadm_says_is_sorted_without_its_newline() {
        for (said, expected) in [
            ("ipadm: Could not create address: Address object already exists", Exists),
            ("ipadm: Could not create solgw0 : Interface already exists", Exists),
            ("ipadm: Could not create solgw0 : Could not open DLPI link", Absent),
            ("ipadm: Could not create solgw0 : Insufficient user authorizations", NotPermitted),
            ("ipadm: Could not delete solgw0: Interface does not exist", Absent),
            ("ipadm: could not delete address: Object not found", Absent),
            ("ipadm: Could not create address: Permission denied", NotPermitted),
            ("ipadm: Error in setting local address: Invalid address", crate::Cause::Other),
        ] {
            assert_eq!(crate::run::sort(said, RULES), expected, "{said}");
        }
    }

    #[test]
    fn addresses_of_both_families_are_read() {
        let row = address_row("solgw0/v4:10.99.0.1/24:ok").unwrap();
        assert_eq!([row.object, row.address, row.state], ["solgw0/v4", "10.99.0.1/24", "ok"]);
        assert_eq!(address_row(r"lo0/v6:\:\:1/128:ok").unwrap().address, "::1/128");
        assert_eq!(address_row("lo0/v6:::1/128:ok"), None);
    }

    #[test]
    fn a_prefix_has_its_bounds() {
        let address = Ipv4Addr::new(10, 0, 0, 1);
        assert_eq!(with_prefix(address, 32).unwrap(), "10.0.0.1/32");
        assert!(with_prefix(address, 33).is_err() && with_prefix(address, 0).is_err());
    }
}
