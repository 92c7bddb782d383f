//! Data links: etherstubs and VNICs, temporary ones only (`-t`), which do not
//! survive the host's reboot.
//!
//! Source: dladm(8), illumos-gate usr/src/cmd/dladm and usr/src/lib/libdladm.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::error::IllumosError;
use crate::name::NameError;

/// A link's name: at most 31 bytes of letters, digits, `_` and `.`, not
/// beginning with a digit, ending in a number without leading zeros.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkName(String);

/// An Ethernet address, written as illumos does: `2:8:20:a:b:c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddress(pub [u8; 6]);

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
    let _ = name;
    todo!()
}

/// Removes an etherstub.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `Busy` (VNICs over it), `WrongState` (no etherstub), `NotPermitted`.
pub async fn delete_etherstub(name: &LinkName) -> Result<(), IllumosError> {
    let _ = name;
    todo!()
}

/// Makes a VNIC with its protection.
///
/// # Errors
///
/// [`IllumosError`]: `Exists`, `Absent` (the link below), `BadName`, `NotPermitted`.
pub async fn create_vnic(vnic: &Vnic<'_>) -> Result<(), IllumosError> {
    let _ = vnic;
    todo!()
}

/// Removes a VNIC.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `Busy` (plumbed, or in a running zone), `NotPermitted`.
pub async fn delete_vnic(name: &LinkName) -> Result<(), IllumosError> {
    let _ = name;
    todo!()
}

/// Every VNIC of the host.
///
/// # Errors
///
/// [`IllumosError`].
pub async fn vnics() -> Result<Vec<VnicRow>, IllumosError> {
    todo!()
}

/// Every etherstub of the host.
///
/// # Errors
///
/// [`IllumosError`].
pub async fn etherstubs() -> Result<Vec<String>, IllumosError> {
    todo!()
}

/// The value of a link's property.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `BadName`.
pub async fn link_property(name: &LinkName, property: &str) -> Result<String, IllumosError> {
    let _ = (name, property);
    todo!()
}

impl LinkName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LinkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for LinkName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let _ = text;
        todo!()
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:x}:{b:x}:{c:x}:{d:x}:{e:x}:{g:x}")
    }
}
