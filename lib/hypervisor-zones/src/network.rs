//! The network: one range of addresses, cut into four per machine.

use std::net::Ipv4Addr;

use solstice_illumos::dladm::{LinkName, MacAddress};
use solstice_model::{HostName, Sha256Digest};

/// The port on which a guest reaches the agent API, on its host's address. It
/// needs no privilege, and nobody but the guests' links has those addresses.
pub const GUEST_PORT: u16 = 8400;

/// The length of a machine's own network: its host's address, its own, and
/// those of network and broadcast.
pub(crate) const PREFIX: u8 = 30;

/// A range of IPv4 addresses for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its first address.
    pub base: Ipv4Addr,
    /// How many bits of the address are the network's; 8 to 30.
    pub prefix: u8,
}

/// The number of a machine's network, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(pub(crate) u32);

impl Network {
    /// Whether it can be cut up.
    pub(crate) fn is_usable(&self) -> bool {
        (8..=PREFIX).contains(&self.prefix)
            && self.base.to_bits().trailing_zeros() >= 32 - u32::from(self.prefix)
    }

    /// How many machines it has room for.
    pub(crate) fn slots(&self) -> u32 {
        1 << (PREFIX - self.prefix)
    }

    /// The host's address on a machine's network.
    pub(crate) fn host(&self, slot: Slot) -> Ipv4Addr {
        self.address(slot, 1)
    }

    /// The guest's address.
    pub(crate) fn guest(&self, slot: Slot) -> Ipv4Addr {
        self.address(slot, 2)
    }

    fn address(&self, slot: Slot, offset: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base.to_bits() + 4 * slot.0 + offset)
    }

    /// The machine's network in which an address lies, if it lies in any.
    pub(crate) fn slot_of(&self, address: Ipv4Addr) -> Option<Slot> {
        let slot = address.to_bits().checked_sub(self.base.to_bits())? / 4;
        (slot < self.slots()).then_some(Slot(slot))
    }
}

impl std::fmt::Display for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

impl Slot {
    /// The guest's hardware address: locally administered, and known without
    /// asking anybody, since the seed has to name it.
    pub(crate) fn mac(self) -> MacAddress {
        let [_, high, middle, low] = self.0.to_be_bytes();
        MacAddress([0x02, 0x53, 0x43, high, middle, low])
    }
}

/// By what a host's zones and links are told from another's: the beginning of
/// a hash of its name, which fits into the 31 bytes of a link's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostMark(String);

impl HostMark {
    pub(crate) fn of(host: &HostName) -> Self {
        let mut hex = Sha256Digest::of(host.as_str().as_bytes()).hex();
        hex.truncate(8);
        Self(hex)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The names of a machine's links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinkNames {
    /// The etherstub.
    pub(crate) stub: LinkName,
    /// The host's VNIC over it.
    pub(crate) host: LinkName,
    /// The guest's.
    pub(crate) guest: LinkName,
}

impl LinkNames {
    pub(crate) fn of(mark: &HostMark, slot: Slot) -> Self {
        let name = |role: &str| {
            let name = format!("sci_{}_{role}{}", mark.as_str(), slot.0);
            name.parse().expect("these are letters, digits and _, at most 31, a number last")
        };
        Self { stub: name("stub"), host: name("host"), guest: name("guest") }
    }
}

/// The slot in a link's name, whichever host's it is.
pub(crate) fn slot_in(link: &str) -> Option<Slot> {
    let (_mark, role) = link.strip_prefix("sci_")?.split_once('_')?;
    let number = role.trim_start_matches(|c: char| c.is_ascii_lowercase());
    number.parse().ok().map(Slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: Network = Network { base: Ipv4Addr::new(10, 77, 0, 0), prefix: 16 };

    #[test]
    fn each_machine_has_four_addresses_of_its_own() {
        assert_eq!(NETWORK.slots(), 16_384);
        for (slot, host, guest) in [
            (0, [10, 77, 0, 1], [10, 77, 0, 2]),
            (1, [10, 77, 0, 5], [10, 77, 0, 6]),
            (16_383, [10, 77, 255, 253], [10, 77, 255, 254]),
        ] {
            let slot = Slot(slot);
            assert_eq!(NETWORK.host(slot), Ipv4Addr::from(host));
            assert_eq!(NETWORK.guest(slot), Ipv4Addr::from(guest));
            assert_eq!(NETWORK.slot_of(NETWORK.guest(slot)), Some(slot));
        }
        assert_eq!(NETWORK.slot_of(Ipv4Addr::new(10, 76, 255, 255)), None);
        assert_eq!(NETWORK.slot_of(Ipv4Addr::new(10, 78, 0, 0)), None);
    }

    #[test]
    fn a_network_that_cannot_be_cut_up_is_known() {
        let usable = |base: [u8; 4], prefix| Network { base: base.into(), prefix }.is_usable();
        assert!(usable([10, 0, 0, 0], 8) && usable([10, 77, 1, 4], 30));
        assert!(!usable([10, 0, 0, 0], 7) && !usable([10, 77, 0, 0], 31));
        assert!(!usable([10, 77, 0, 2], 30) && !usable([10, 77, 1, 0], 16));
    }

    #[test]
    fn a_link_tells_its_slot_and_others_tell_none() {
        let names = LinkNames::of(&HostMark::of(&"moon".parse().unwrap()), Slot(16_383));
        for name in [&names.stub, &names.host, &names.guest] {
            assert!(name.as_str().len() <= 31, "{name}");
            assert_eq!(slot_in(name.as_str()), Some(Slot(16_383)));
        }
        for other in ["net0", "sci0", "sci_x", "sci_x_stub", "xsci_a_guest1"] {
            assert_eq!(slot_in(other), None, "{other}");
        }
    }
}
