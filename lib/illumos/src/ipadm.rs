//! IP interfaces and addresses of the global zone, temporary ones only.
//!
//! Source: ipadm(8), illumos-gate usr/src/cmd/cmd-inet/usr.sbin/ipadm.

use std::net::Ipv4Addr;

use crate::dladm::LinkName;
use crate::error::IllumosError;

/// Plumbs a link and gives it an address (`LINK/v4`), as one wish: what is
/// there already is left, if it is the same address.
///
/// # Errors
///
/// [`IllumosError`]: `Exists` (another address), `Absent` (the link), `NotPermitted`.
pub async fn add_address(
    link: &LinkName,
    address: Ipv4Addr,
    prefix: u8,
) -> Result<(), IllumosError> {
    let _ = (link, address, prefix);
    todo!()
}

/// Removes a link's IP interface with all its addresses.
///
/// # Errors
///
/// [`IllumosError`]: `Absent`, `NotPermitted`.
pub async fn delete_interface(link: &LinkName) -> Result<(), IllumosError> {
    let _ = link;
    todo!()
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
    todo!()
}
