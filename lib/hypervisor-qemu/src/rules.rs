//! The packet filter between guests and host (invariant I8), in the language of nft(8).

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use solstice_hypervisor::{Slot, Subnet};

use crate::card::{DOOR_PORT, mac_of, mac_text};
use crate::names::Names;

/// The filter of a host: two tables that take the place of those of the same
/// names, in one instant. What tap, hardware address and address belong together
/// is the same for all time, so nothing is changed when machines come and go.
pub(crate) fn rules(names: &Names, subnet: Subnet) -> String {
    let (table, bridge, prefix) = (names.table(), names.bridge(), names.tap_prefix());
    let (host, mac) = (subnet.gateway(), mac_text(mac_of(subnet.gateway())));
    let cards =
        elements(names, subnet, |address| format!("{} . {address}", mac_text(mac_of(address))));
    let addresses = elements(names, subnet, |address| address.to_string());
    format!(
        "# The Solstice CI orchestrator writes this and puts it in force.
table bridge {table}
delete table bridge {table}
table bridge {table} {{
    set cards {{ type ifname . ether_addr . ipv4_addr; elements = {{\n{cards}    }}; }}
    set addresses {{ type ifname . ipv4_addr; elements = {{\n{addresses}    }}; }}
    chain from_taps {{
        type filter hook prerouting priority -300; policy accept;
        iifname \"{prefix}*\" jump from_guest
    }}
    # Frames to the addresses of 802.1D, Table 7-10, are the tap's, not the bridge's, and come here alone.
    chain past_bridge {{
        type filter hook input priority -300; policy accept;
        iifname \"{prefix}*\" jump from_guest
    }}
    chain from_guest {{
        iifname . ether saddr . ip saddr @cards ether daddr {mac} ip daddr {host} \
            tcp dport {DOOR_PORT} accept
        iifname . ether saddr . arp saddr ip @cards iifname . arp saddr ether . arp saddr ip @cards \
            arp operation {{ request, reply }} arp daddr ip {host} accept
        drop
    }}
    chain to_taps {{
        type filter hook postrouting priority 300; policy accept;
        oifname \"{prefix}*\" jump to_guest
    }}
    chain to_guest {{
        oifname . ether daddr . ip daddr @cards ip saddr {host} tcp sport {DOOR_PORT} accept
        arp saddr ip {host} oifname . arp daddr ip @addresses accept
        drop
    }}
}}
table inet {table}
delete table inet {table}
table inet {table} {{
    chain input {{
        type filter hook input priority -300; policy accept;
        iifname \"{bridge}\" ip daddr {host} tcp dport {DOOR_PORT} accept
        iifname {{ \"{bridge}\", \"{prefix}*\" }} drop
        iifname != \"lo\" ip daddr {host} drop
    }}
    chain forward {{
        type filter hook forward priority -300; policy accept;
        iifname {{ \"{bridge}\", \"{prefix}*\" }} drop
        oifname \"{bridge}\" drop
    }}
}}
"
    )
}

/// An element per slot: its tap, and what this makes of its address.
fn elements(names: &Names, subnet: Subnet, element: impl Fn(Ipv4Addr) -> String) -> String {
    let mut text = String::new();
    let mut put = |slot: Slot| {
        let element = element(subnet.address(slot));
        writeln!(text, "        \"{}\" . {element},", names.tap(slot))
    };
    subnet.slots().try_for_each(&mut put).expect("a String takes all");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_are_the_golden_ones() {
        let names = Names::of(&"moon".parse().unwrap());
        let subnet = Subnet::new([10, 79, 0, 0].into(), 29).unwrap();
        expectorate::assert_contents("tests/golden/rules.nft", &rules(&names, subnet));
    }
}
