//! A machine's network card: what the guest is told of it, and where it leads.

use std::net::{Ipv4Addr, SocketAddr};

use solstice_hypervisor::{Slot, Subnet};

use crate::names::Names;

/// The only address of QEMU's user network that answers (invariant I8).
pub(crate) const USER_ENDPOINT: &str = "10.0.2.100:80";
/// The port of the door, on the host's address of the bridge. Fixed: guests that
/// were told of it outlive the orchestrator.
pub const DOOR_PORT: u16 = 4480;

/// A machine's network card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Card {
    /// Its hardware address.
    pub(crate) mac: [u8; 6],
    /// The guest's address.
    pub(crate) address: Ipv4Addr,
    /// How many bits of it are the network's.
    pub(crate) prefix: u8,
    /// Where the guest finds its agent endpoint, `ADDRESS:PORT`.
    pub(crate) endpoint: String,
    /// What the card is plugged into.
    pub(crate) wire: Wire,
}

/// What a card is plugged into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// QEMU's user network, which starts this program for each of the guest's connections.
    User { relay: Vec<String> },
    /// A port of the bridge, by the tap of this name.
    Tap { name: String },
}

impl Card {
    /// A card on QEMU's user network, which is the same one for every guest.
    pub(crate) fn user(relay: &[String]) -> Self {
        let wire = Wire::User { relay: relay.to_owned() };
        Self::new(Ipv4Addr::new(10, 0, 2, 15), 24, USER_ENDPOINT.to_owned(), wire)
    }

    /// The card of a slot on the bridge.
    pub(crate) fn bridged(names: &Names, subnet: Subnet, slot: Slot) -> Self {
        let endpoint = SocketAddr::new(subnet.gateway().into(), DOOR_PORT).to_string();
        let wire = Wire::Tap { name: names.tap(slot) };
        Self::new(subnet.address(slot), subnet.prefix(), endpoint, wire)
    }

    fn new(address: Ipv4Addr, prefix: u8, endpoint: String, wire: Wire) -> Self {
        Self { mac: mac_of(address), address, prefix, endpoint, wire }
    }

    /// What a kernel's command line tells the guest of it.
    pub(crate) fn words(&self) -> String {
        let Self { address, prefix, endpoint, .. } = self;
        format!("solstice.endpoint=http://{endpoint} solstice.address={address}/{prefix}")
    }
}

/// The hardware address that goes with an address: QEMU's prefix, and what tells
/// addresses of a private network apart.
pub(crate) fn mac_of(address: Ipv4Addr) -> [u8; 6] {
    let [_, b, c, d] = address.octets();
    [0x52, 0x54, 0x00, b, c, d]
}

/// A hardware address as it is written.
pub(crate) fn mac_text(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}
