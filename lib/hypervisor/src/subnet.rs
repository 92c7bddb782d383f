//! A network that host and machines share: its addresses, and who has which.

use std::fmt;
use std::net::Ipv4Addr;

/// A place in the subnet: the number of an address after the network's own. The
/// host has the first, guests the others, but for the last, which is broadcast.
pub type Slot = u32;

/// The first slot of a guest.
const FIRST: Slot = 2;

/// A network of IPv4 addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    base: Ipv4Addr,
    prefix: u8,
}

impl Subnet {
    /// The network with this first address and this many bits for the network:
    /// 8 to 30, so that there is a guest's address. `None` for anything else.
    pub fn new(base: Ipv4Addr, prefix: u8) -> Option<Self> {
        let host_bits = 32 - u32::from(prefix.clamp(8, 30));
        let first = base.to_bits().trailing_zeros() >= host_bits;
        ((8..=30).contains(&prefix) && first).then_some(Self { base, prefix })
    }

    /// How many bits of an address are the network's.
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// The host's address.
    pub fn gateway(self) -> Ipv4Addr {
        self.address(1)
    }

    /// The address of a slot.
    pub fn address(self, slot: Slot) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.base.to_bits() + slot)
    }

    /// Whether a guest can have this slot.
    pub fn has(self, slot: Slot) -> bool {
        let broadcast = (1 << (32 - self.prefix)) - 1;
        (FIRST..broadcast).contains(&slot)
    }

    /// Every slot that a guest can have.
    pub fn slots(self) -> impl Iterator<Item = Slot> {
        (FIRST..).take_while(move |slot| self.has(*slot))
    }

    /// The first slot that is not taken.
    pub fn free_slot(self, taken: &[Slot]) -> Option<Slot> {
        self.slots().find(|slot| !taken.contains(slot))
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_network_with_room_for_a_guest_is_one() {
        let new = |base: [u8; 4], prefix| Subnet::new(base.into(), prefix);
        assert_eq!(new([10, 78, 0, 0], 24).unwrap().to_string(), "10.78.0.0/24");
        for (base, prefix) in [([10, 78, 0, 1], 24), ([10, 0, 0, 0], 31), ([0; 4], 0), ([0; 4], 7)]
        {
            assert_eq!(new(base, prefix), None, "{base:?}/{prefix}");
        }
    }

    #[test]
    fn guests_get_every_address_but_the_host_s_and_broadcast_and_each_once() {
        let small = Subnet::new([10, 1, 2, 8].into(), 29).unwrap();
        assert_eq!(small.gateway(), Ipv4Addr::new(10, 1, 2, 9));
        let mut taken = Vec::new();
        while let Some(slot) = small.free_slot(&taken) {
            taken.push(slot);
        }
        let addresses: Vec<_> = taken.iter().map(|slot| small.address(*slot).octets()[3]).collect();
        assert_eq!(addresses, [10, 11, 12, 13, 14]);
        assert_eq!(small.free_slot(&[2, 4]), Some(3));
    }
}
