//! The guests' own network: a bridge that leads nowhere, and the filter in front
//! of every guest (invariant I8).

use std::net::SocketAddr;

use solstice_model::{HostName, Sha256Digest};
use virt::connect::Connect;
use virt::error::ErrorNumber;
use virt::network::Network;
use virt::nwfilter::NWFilter;

use crate::error::LibvirtError;
use crate::xml::{Element, attributes, element, text};
use solstice_hypervisor::Subnet;

/// The port of the door, on the host's address. Fixed: guests that were told of
/// it outlive the orchestrator.
pub const DOOR_PORT: u16 = 4480;
/// The namespace of the elements that mark what is ours.
pub(crate) const NAMESPACE: &str = "urn:solstice-ci:libvirt:1";

/// What libvirt is told of a host's network.
#[derive(Clone, Debug)]
pub(crate) struct Bridge {
    pub(crate) host: HostName,
    pub(crate) subnet: Subnet,
}

impl Bridge {
    /// The name of the network and of the filter.
    pub(crate) fn name(&self) -> String {
        format!("solstice-{}", self.host)
    }

    /// Where the door listens.
    pub(crate) fn door(&self) -> SocketAddr {
        SocketAddr::new(self.subnet.gateway().into(), DOOR_PORT)
    }

    /// A number that no other host's name has, in hexadecimal.
    fn digits(&self) -> String {
        Sha256Digest::of(self.host.as_str().as_bytes()).hex()
    }

    /// A bridge's name has at most 15 bytes (IFNAMSIZ in linux/if.h).
    fn device(&self) -> String {
        format!("sol-{}", &self.digits()[..11])
    }

    /// The filter's own id. A filter has no place for a mark; this is one.
    fn filter_id(&self) -> String {
        let d = self.digits();
        format!("{}-{}-8{}-8{}-{}", &d[..8], &d[8..12], &d[12..15], &d[15..18], &d[18..30])
    }

    fn network_xml(&self) -> Element {
        let mark = element("solstice:network")
            .with("xmlns:solstice", NAMESPACE)
            .with("host", &self.host)
            .with("subnet", self.subnet);
        let address = element("ip")
            .with("address", self.subnet.gateway())
            .with("prefix", self.subnet.prefix());
        element("network").holding([
            text("name", self.name()),
            element("metadata").holding([mark]),
            // No <forward>: libvirt rejects what would leave the bridge.
            element("bridge").with("name", self.device()).with("stp", "off").with("delay", 0),
            element("dns").with("enable", "no"),
            address,
        ])
    }

    /// The rules, by ebtables on the host's side of a guest's card. $MAC and $IP
    /// are the guest's own.
    fn filter_xml(&self) -> Element {
        let host = self.subnet.gateway();
        let arp = |name: &'static str| element("arp").with(name, host);
        let tcp = |port: [&'static str; 2]| {
            element("ip").with("protocol", "tcp").with(port[0], DOOR_PORT).with(port[1], DOOR_PORT)
        };
        let to_host = arp("arpdstipaddr")
            .with("srcmacaddr", "$MAC")
            .with("arpsrcmacaddr", "$MAC")
            .with("arpsrcipaddr", "$IP");
        let to_door = tcp(["dstportstart", "dstportend"])
            .with("srcmacaddr", "$MAC")
            .with("srcipaddr", "$IP")
            .with("dstipaddr", host);
        let from_host = arp("arpsrcipaddr").with("arpdstipaddr", "$IP");
        let from_door =
            tcp(["srcportstart", "srcportend"]).with("srcipaddr", host).with("dstipaddr", "$IP");
        element("filter").with("name", self.name()).with("chain", "root").holding([
            text("uuid", self.filter_id()),
            rule("accept", "out", 100, to_host),
            rule("accept", "out", 200, to_door),
            rule("accept", "in", 100, from_host),
            rule("accept", "in", 200, from_door),
            rule("drop", "inout", 900, element("mac")),
        ])
    }

    /// Makes the network, unless it is there.
    pub(crate) fn ensure_network(&self, connection: &Connect) -> Result<(), LibvirtError> {
        let name = self.name();
        let failed = |action| LibvirtError::call(action, format!("the network {name}"));
        match Network::lookup_by_name(connection, &name) {
            Ok(network) => {
                self.check(&network.get_xml_desc(0).map_err(failed("read"))?)?;
                if !network.is_active().map_err(failed("look at"))? {
                    network.create().map_err(failed("start"))?;
                }
                Ok(())
            }
            Err(error) if error.code() == ErrorNumber::NoNetwork => {
                let made = Network::create_xml(connection, &self.network_xml().document());
                made.map(drop).map_err(failed("make"))
            }
            Err(error) => Err(failed("find")(error)),
        }
    }

    fn check(&self, found: &str) -> Result<(), LibvirtError> {
        let name = self.name();
        let mark = attributes(found, "network", NAMESPACE).unwrap_or_default();
        let value = |wanted| mark.iter().find(|(key, _)| key == wanted).map(|(_, value)| value);
        if value("host").map(String::as_str) != Some(self.host.as_str()) {
            return Err(LibvirtError::Foreign { kind: "network", name });
        }
        let wanted = self.subnet.to_string();
        match value("subnet") {
            Some(found) if *found == wanted => Ok(()),
            found => {
                let found = found.cloned().unwrap_or_default();
                Err(LibvirtError::OtherSubnet { name, found, wanted })
            }
        }
    }

    /// Makes the filter, or makes it what it should be; running guests get the
    /// new rules at once.
    pub(crate) fn ensure_filter(&self, connection: &Connect) -> Result<(), LibvirtError> {
        let name = self.name();
        let failed = |action| LibvirtError::call(action, format!("the network filter {name}"));
        match NWFilter::lookup_by_name(connection, &name) {
            Ok(filter) => {
                if filter.get_uuid_string().map_err(failed("look at"))? != self.filter_id() {
                    return Err(LibvirtError::Foreign { kind: "network filter", name });
                }
            }
            Err(error) if error.code() == ErrorNumber::NoNwfilter => {}
            Err(error) => return Err(failed("find")(error)),
        }
        let made = NWFilter::define_xml(connection, &self.filter_xml().document());
        made.map(drop).map_err(failed("make"))
    }
}

fn rule(action: &str, direction: &str, priority: u16, what: Element) -> Element {
    element("rule")
        .with("action", action)
        .with("direction", direction)
        .with("priority", priority)
        .holding([what])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bridge() -> Bridge {
        Bridge {
            host: "moon".parse().unwrap(),
            subnet: Subnet::new([10, 78, 0, 0].into(), 24).unwrap(),
        }
    }

    #[test]
    fn network_and_filter_are_the_golden_ones() {
        let bridge = bridge();
        expectorate::assert_contents("tests/golden/network.xml", &bridge.network_xml().document());
        expectorate::assert_contents("tests/golden/filter.xml", &bridge.filter_xml().document());
    }

    #[test]
    fn names_and_ids_fit_and_differ_between_hosts() {
        let (moon, mars) = (bridge(), Bridge { host: "mars".parse().unwrap(), ..bridge() });
        assert_eq!(moon.device().len(), 15);
        assert_ne!(moon.device(), mars.device());
        assert_eq!(moon.filter_id().len(), 36);
        assert_ne!(moon.filter_id(), mars.filter_id());
    }

    #[test]
    fn a_network_is_ours_only_with_our_mark_and_our_addresses() {
        let bridge = bridge();
        let document = bridge.network_xml().document();
        bridge.check(&document).unwrap();
        let foreign = |text: &str| matches!(bridge.check(text), Err(LibvirtError::Foreign { .. }));
        assert!(foreign(&document.replace("host=\"moon\"", "host=\"mars\"")));
        assert!(foreign(&document.replace(NAMESPACE, "urn:other")));
        assert!(foreign("<network><name>solstice-moon</name></network>"));
        let other = document.replace("subnet=\"10.78.0.0/24\"", "subnet=\"10.78.0.0/25\"");
        assert!(matches!(bridge.check(&other), Err(LibvirtError::OtherSubnet { .. })));
    }
}
