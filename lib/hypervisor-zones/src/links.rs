//! A machine's links: an etherstub of its own with two VNICs over it, the
//! host's with an address and the guest's with protection.

use std::net::Ipv4Addr;

use solstice_illumos::dladm::{self, LinkName, MacAddress, Vnic, VnicRow};
use solstice_illumos::{Cause, ipadm};

use crate::error::{ZonesError, unless};
use crate::network::{LinkNames, PREFIX};

/// The addresses on a machine's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Addresses {
    pub(crate) host: Ipv4Addr,
    pub(crate) guest: Ipv4Addr,
    pub(crate) mac: MacAddress,
}

/// Makes what is missing of a machine's links.
pub(crate) async fn make(names: &LinkNames, addresses: Addresses) -> Result<(), ZonesError> {
    let LinkNames { stub, host, guest } = names;
    unless(Cause::Exists, dladm::create_etherstub(stub).await)
        .map_err(ZonesError::system("make the etherstub", stub))?;
    make_vnic(&Vnic { name: host, over: stub, mac: None, only: None }).await?;
    let address = ipadm::add_address(host, addresses.host, PREFIX).await;
    address.map_err(ZonesError::system("give an address to", host))?;
    let (mac, only) = (Some(addresses.mac), Some(addresses.guest));
    make_vnic(&Vnic { name: guest, over: stub, mac, only }).await
}

async fn make_vnic(vnic: &Vnic<'_>) -> Result<(), ZonesError> {
    match dladm::create_vnic(vnic).await {
        Err(error) if error.cause() == Cause::Exists => {
            let ours = vnics().await?.iter().any(|row| is(row, vnic.name, vnic.over));
            if ours { Ok(()) } else { Err(ZonesError::Foreign { object: vnic.name.to_string() }) }
        }
        other => other.map_err(ZonesError::system("make the VNIC", vnic.name)),
    }
}

/// Removes what there is of a machine's links. A VNIC of that name over
/// another link is somebody else's.
pub(crate) async fn remove(names: &LinkNames) -> Result<(), ZonesError> {
    let LinkNames { stub, host, guest } = names;
    let rows = vnics().await?;
    for name in [guest, host] {
        if !rows.iter().any(|row| is(row, name, stub)) {
            continue;
        }
        if name == host {
            unless(Cause::Absent, ipadm::delete_interface(host).await)
                .map_err(ZonesError::system("remove the addresses of", host))?;
        }
        unless(Cause::Absent, dladm::delete_vnic(name).await)
            .map_err(ZonesError::system("remove the VNIC", name))?;
    }
    unless(Cause::Absent, dladm::delete_etherstub(stub).await)
        .map_err(ZonesError::system("remove the etherstub", stub))
}

fn is(row: &VnicRow, name: &LinkName, over: &LinkName) -> bool {
    row.name == name.as_str() && row.over == over.as_str()
}

async fn vnics() -> Result<Vec<VnicRow>, ZonesError> {
    dladm::vnics().await.map_err(ZonesError::system("list", "VNICs"))
}
