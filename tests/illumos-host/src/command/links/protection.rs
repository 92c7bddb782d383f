//! Link protection for taps: nftables drop what a guest must not send.
//!
//! Without nft(8) on the machine the protection is recorded but not enforced.
//! `ip-nospoof` without `allowed-ips` is not enforced either: illumos would
//! learn the address from the guest's DHCP exchange.
//!
//! illumos-gate usr/src/uts/common/io/mac/mac_protect.c.

use std::io;
use std::net::Ipv6Addr;
use std::path::Path;
use std::process::Command;

use super::link::Settings;
use super::mac::Mac;
use super::net::feed;

/// Where nft(8) may be.
const NFT: &[&str] = &["/usr/sbin/nft", "/sbin/nft"];

fn nft() -> Option<&'static str> {
    NFT.iter().copied().find(|path| Path::new(path).is_file())
}

/// Filters what comes out of a tap by the VNIC's properties.
///
/// # Errors
///
/// If nft(8) is there and refuses.
pub(super) fn enforce(device: &str, mac: Mac, settings: &Settings) -> io::Result<()> {
    let Some(nft) = nft() else { return Ok(()) };
    let rules = rules(mac, settings);
    let mut ruleset = format!("table netdev {device}\ndelete table netdev {device}\n");
    if !rules.is_empty() {
        let hook = format!("type filter hook ingress device \"{device}\" priority 0;");
        let rules = rules.join("\n");
        ruleset.push_str(&format!(
            "table netdev {device} {{ chain guest {{\n{hook} policy accept;\n{rules}\n}}\n}}\n"
        ));
    }
    feed(Command::new(nft).args(["-f", "-"]), &ruleset)
}

/// Removes the filter of a tap that is gone.
///
/// # Errors
///
/// If nft(8) is there and refuses.
pub(super) fn lift(device: &str) -> io::Result<()> {
    let Some(nft) = nft() else { return Ok(()) };
    let ruleset = format!("table netdev {device}\ndelete table netdev {device}\n");
    feed(Command::new(nft).args(["-f", "-"]), &ruleset)
}

/// What to drop.
fn rules(mac: Mac, settings: &Settings) -> Vec<String> {
    let values = |name| settings.get(name).map(Vec::as_slice).unwrap_or_default();
    let protected = |kind: &str| values("protection").iter().any(|value| value == kind);
    let mut rules = Vec::new();
    if protected("mac-nospoof") {
        rules.push(format!("ether saddr != {} drop", mac.padded()));
    }
    if protected("restricted") {
        rules.push("ether type != { ip, arp, ip6 } drop".to_owned());
    }
    if protected("ip-nospoof") && !values("allowed-ips").is_empty() {
        rules.extend(addresses(mac, values("allowed-ips")));
    }
    if protected("dhcp-nospoof") {
        // The hardware address in a DHCP request, 28 bytes behind the UDP header.
        let octets: String = mac.0.iter().map(|octet| format!("{octet:02x}")).collect();
        rules.push(format!("udp dport 67 @th,288,48 != 0x{octets} drop"));
    }
    rules
}

/// Source addresses: the allowed ones, the unspecified one, and for IPv6 the
/// link-local one that belongs to the MAC.
fn addresses(mac: Mac, allowed: &[String]) -> Vec<String> {
    let (v6, v4): (Vec<_>, Vec<_>) = allowed.iter().cloned().partition(|text| text.contains(':'));
    let v4 = [vec!["0.0.0.0".to_owned()], v4].concat().join(", ");
    let v6 = [vec!["::".to_owned(), link_local(mac)], v6].concat().join(", ");
    vec![
        format!("ip saddr != {{ {v4} }} drop"),
        format!("arp saddr ip != {{ {v4} }} drop"),
        format!("ip6 saddr != {{ {v6} }} drop"),
    ]
}

/// RFC 4291, appendix A.
fn link_local(mac: Mac) -> String {
    let [a, b, c, d, e, f] = mac.0;
    let octets = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f];
    Ipv6Addr::from(octets).to_string()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::process::Stdio;

    use super::*;

    #[test]
    fn each_kind_of_protection_has_its_rules() {
        let mac = Mac([2, 8, 0x20, 0xa, 0xb, 0xc]);
        let values = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let mut settings = Settings::new();
        assert_eq!(rules(mac, &settings), Vec::<String>::new());
        let all = values("mac-nospoof,restricted,ip-nospoof,dhcp-nospoof");
        settings.insert("protection".to_owned(), all);
        assert_eq!(rules(mac, &settings).len(), 3, "no address is known to be allowed");
        settings.insert("allowed-ips".to_owned(), values("10.0.0.2/32"));
        let expected = [
            "ether saddr != 02:08:20:0a:0b:0c drop",
            "ether type != { ip, arp, ip6 } drop",
            "ip saddr != { 0.0.0.0, 10.0.0.2/32 } drop",
            "arp saddr ip != { 0.0.0.0, 10.0.0.2/32 } drop",
            "ip6 saddr != { ::, fe80::8:20ff:fe0a:b0c } drop",
            "udp dport 67 @th,288,48 != 0x0208200a0b0c drop",
        ];
        assert_eq!(rules(mac, &settings), expected);
    }

    fn run(line: &str) {
        let mut words = line.split(' ');
        let output = Command::new(words.next().unwrap()).args(words).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Whether the guest can connect to the test from this address within a second.
    fn connects(guest: u32, from: &str, port: u16) -> bool {
        run(&format!("nsenter -n -t {guest} ip address flush dev eth0"));
        run(&format!("nsenter -n -t {guest} ip address add {from}/24 dev eth0"));
        let connect = format!("exec 3<>/dev/tcp/10.0.0.1/{port}");
        let guest = guest.to_string();
        let arguments = ["-n", "-t", &guest, "timeout", "1", "bash", "-c", &connect];
        Command::new("nsenter").args(arguments).output().unwrap().status.success()
    }

    #[test]
    fn a_guest_cannot_take_another_address() {
        let name = "command::links::protection::tests::a_guest_cannot_take_another_address";
        if nft().is_none() {
            eprintln!("{name}: not run: link protection needs nft(8); install nftables");
            return;
        }
        let Some(_host) = crate::enter::this_test(name) else { return };
        let mut guest = Command::new("unshare");
        let guest = guest.args(["-n", "sh", "-c", "echo up; exec cat"]);
        let mut guest = guest.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        guest.stdout.as_mut().unwrap().read_exact(&mut [0; 3]).unwrap();
        let pid = guest.id();
        let mac = Mac([2, 8, 0x20, 0xa, 0xb, 0xc]);
        let peer = format!("name eth0 address {} netns {pid}", mac.padded());
        run(&format!("ip link add port type veth peer {peer}"));
        run("ip address add 10.0.0.1/24 dev port");
        run("ip link set port up");
        run(&format!("nsenter -n -t {pid} ip link set eth0 up"));
        let listener = std::net::TcpListener::bind("10.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(connects(pid, "10.0.0.3", port), "nothing is protected yet");

        let values = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        let protection = values("mac-nospoof,restricted,ip-nospoof,dhcp-nospoof");
        let mut settings = Settings::from([("protection".to_owned(), protection)]);
        settings.insert("allowed-ips".to_owned(), values("10.0.0.2/32"));
        enforce("port", mac, &settings).unwrap();
        assert!(connects(pid, "10.0.0.2", port));
        assert!(!connects(pid, "10.0.0.3", port), "another IP address");
        run(&format!("nsenter -n -t {pid} ip link set eth0 address 02:08:20:00:00:01"));
        assert!(!connects(pid, "10.0.0.2", port), "another MAC address");
        lift("port").unwrap();
        assert!(connects(pid, "10.0.0.3", port));
        drop(guest.stdin.take());
        guest.wait().unwrap();
    }
}
