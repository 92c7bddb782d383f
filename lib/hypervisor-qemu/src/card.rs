//! A machine's network card: what the guest is told of it, and where it leads.

use std::net::Ipv4Addr;

/// The only address of QEMU's user network that answers (invariant I8).
pub(crate) const USER_ENDPOINT: &str = "10.0.2.100:80";
/// QEMU's own prefix of hardware addresses.
const MAC_PREFIX: [u8; 3] = [0x52, 0x54, 0x00];

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
}

impl Card {
    /// A card on QEMU's user network, which is the same one for every guest.
    pub(crate) fn user(relay: &[String]) -> Self {
        let wire = Wire::User { relay: relay.to_owned() };
        Self::new(Ipv4Addr::new(10, 0, 2, 15), 24, USER_ENDPOINT.to_owned(), wire)
    }

    fn new(address: Ipv4Addr, prefix: u8, endpoint: String, wire: Wire) -> Self {
        // What tells addresses of a private network apart tells the cards apart too.
        let ([a, b, c], [_, d, e, f]) = (MAC_PREFIX, address.octets());
        Self { mac: [a, b, c, d, e, f], address, prefix, endpoint, wire }
    }

    /// What a kernel's command line tells the guest of it.
    pub(crate) fn words(&self) -> String {
        let Self { address, prefix, endpoint, .. } = self;
        format!("solstice.endpoint=http://{endpoint} solstice.address={address}/{prefix}")
    }
}
