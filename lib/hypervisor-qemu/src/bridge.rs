//! The guests' bridge, which leads nowhere but to the door (invariant I8).
//!
//! The bridge and its packet filter stay while their host is there, with and
//! without machines: making and removing them is no machine's business.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use camino::Utf8PathBuf;
use serde::Deserialize;
use solstice_exec::Command;
use solstice_hypervisor::folders::write_private_file;
use solstice_hypervisor::{Door, Slot, Subnet};
use solstice_model::HostName;
use tokio::time::Instant;

use crate::card::{DOOR_PORT, mac_of, mac_text};
use crate::config::BridgeConfig;
use crate::error::QemuError;
use crate::folder::Folder;
use crate::names::Names;
use crate::rules::rules;
use crate::taps::{self, devices, no_ipv6, set};
use crate::tools::{iproute2, nft, without_privileges};

/// How many connections of guests are passed on at a time.
const CONNECTIONS: usize = 256;
/// How long the door of a predecessor may take to be closed.
const PATIENCE: Duration = Duration::from_secs(5);
/// The slot of the tap by which the bridge is tried; no guest ever has it.
pub(crate) const TRIAL: Slot = 0;
/// The longest network: rules name every address of it.
const SHORTEST_PREFIX: u8 = 20;

/// A host's bridge.
#[derive(Debug)]
pub(crate) struct Bridge {
    names: Names,
    subnet: Subnet,
    /// Where the rules are written.
    rules: Utf8PathBuf,
    /// What the packet filter said of the rules when they were put in force.
    /// Never held across an await.
    listing: Mutex<String>,
    _door: Option<Door>,
}

impl Bridge {
    /// Makes the bridge unless it is there, tries whether machines can be
    /// connected to it, and opens the door.
    pub(crate) async fn open(
        host: &HostName,
        state_dir: Utf8PathBuf,
        config: &BridgeConfig,
    ) -> Result<Self, QemuError> {
        let mut bridge = Self {
            names: Names::of(host),
            subnet: config.subnet,
            rules: state_dir.join("bridge.nft"),
            listing: Mutex::default(),
            _door: None,
        };
        bridge.check_subnet().await?;
        let was_there = devices()?.contains(&bridge.names.bridge());
        let tried = bridge.try_out(Folder::at(state_dir.join("probe"))).await;
        if tried.is_err() && !was_there {
            bridge.take_down().await;
        }
        tried?;
        if config.serve {
            bridge._door = Some(bridge.open_door(&config.endpoint_file).await?);
        }
        Ok(bridge)
    }

    /// Removes what was made of it, as far as that is possible.
    async fn take_down(&self) {
        let (bridge, table) = (self.names.bridge(), self.names.table());
        // Any of it may be what could not be made, which is told.
        let _absent = iproute2("ip").args(["link", "delete", "dev", &bridge]).run().await;
        for family in ["bridge", "inet"] {
            let _absent = nft().args(["delete", "table", family, &table]).run().await;
        }
    }

    /// Its device, and where the door is.
    pub(crate) fn describe(&self) -> String {
        format!("{}, {}", self.names.bridge(), self.door())
    }

    pub(crate) fn subnet(&self) -> Subnet {
        self.subnet
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// Where the guests find their endpoint.
    pub(crate) fn door(&self) -> SocketAddr {
        SocketAddr::new(self.subnet.gateway().into(), DOOR_PORT)
    }

    /// Makes bridge and rules anew if somebody took them away or changed them.
    pub(crate) async fn keep_up(&self) -> Result<(), QemuError> {
        let as_it_was = match self.list().await {
            Ok(now) => now == *self.listing.lock().unwrap_or_else(PoisonError::into_inner),
            Err(_) => false,
        };
        if as_it_was && devices()?.contains(&self.names.bridge()) {
            return self.close();
        }
        self.raise().await
    }

    /// Closes the ways that lead from the bridge elsewhere, whatever becomes of the
    /// rules. Who changes ip_forward changes the parameter of every device with it.
    fn close(&self) -> Result<(), QemuError> {
        let bridge = self.names.bridge();
        no_ipv6(&bridge)?;
        set(&format!("ipv4/conf/{bridge}/forwarding"), "0")?;
        set(&format!("ipv4/conf/{bridge}/rp_filter"), "1")
    }

    async fn raise(&self) -> Result<(), QemuError> {
        let (bridge, subnet) = (self.names.bridge(), self.subnet);
        if !devices()?.contains(&bridge) {
            // An address of its own: it would have that of one of its ports, now this, now that.
            let mac = mac_text(mac_of(subnet.gateway()));
            let kind = ["type", "bridge", "stp_state", "0", "forward_delay", "0"];
            let add = ["link", "add", "name", &bridge, "address", &mac];
            run(iproute2("ip").args(add).args(kind).args(["mcast_snooping", "0"])).await?;
        }
        self.close()?;
        write_private_file(&self.rules, rules(&self.names, subnet).as_bytes())?;
        run(nft().arg("-f").arg(&self.rules)).await?;
        let address = format!("{}/{}", subnet.gateway(), subnet.prefix());
        run(iproute2("ip").args(["address", "replace", &address, "dev", &bridge])).await?;
        run(iproute2("ip").args(["link", "set", "dev", &bridge, "up"])).await?;
        let listing = self.list().await?;
        *self.listing.lock().unwrap_or_else(PoisonError::into_inner) = listing;
        Ok(())
    }

    /// The rules that are in force, without the elements of their sets.
    async fn list(&self) -> Result<String, QemuError> {
        let mut text = String::new();
        for family in ["bridge", "inet"] {
            let list = ["--terse", "list", "table", family, &self.names.table()];
            text += &run(nft().args(list)).await?;
        }
        Ok(text)
    }

    /// Makes the bridge, and does once what is done for each machine.
    async fn try_out(&self, folder: Folder) -> Result<(), QemuError> {
        self.raise().await?;
        taps::make(&self.names, TRIAL, &folder).await?;
        taps::remove(&self.names, TRIAL).await?;
        let words = without_privileges();
        let (program, args) = words.split_first().expect("it begins with a program");
        let remedy = "apt-get install util-linux";
        run(Command::new(program).args(args).arg("/bin/true").remedy(remedy)).await.map(drop)
    }

    /// Nobody else on this computer may have addresses of the network.
    async fn check_subnet(&self) -> Result<(), QemuError> {
        #[derive(Deserialize)]
        struct Device {
            ifname: String,
            addr_info: Vec<Address>,
        }
        #[derive(Deserialize)]
        struct Address {
            local: Ipv4Addr,
            prefixlen: u8,
        }
        if self.subnet.prefix() < SHORTEST_PREFIX {
            let why = format!("{} is larger than a /{SHORTEST_PREFIX}", self.subnet);
            return Err(QemuError::Subnet { why });
        }
        let listed = run(iproute2("ip").args(["-json", "-4", "address", "show"])).await?;
        let devices: Vec<Device> =
            serde_json::from_str(&listed).map_err(|source| QemuError::Listing { source })?;
        let (bridge, ours) = (self.names.bridge(), (self.subnet.gateway(), self.subnet.prefix()));
        for Device { ifname, addr_info } in devices {
            for Address { local, prefixlen } in addr_info {
                let it = format!("{local}/{prefixlen}");
                let why = if ifname != bridge && overlap((local, prefixlen), ours) {
                    format!("{} overlaps with {it} of {ifname}", self.subnet)
                } else if ifname == bridge && (local, prefixlen) != ours {
                    format!(
                        "{bridge} has {it}; let its machines end, and `ip link delete {bridge}`"
                    )
                } else {
                    continue;
                };
                return Err(QemuError::Subnet { why });
            }
        }
        Ok(())
    }

    async fn open_door(&self, endpoint_file: &Utf8PathBuf) -> Result<Door, QemuError> {
        let (address, begun) = (self.door(), Instant::now());
        loop {
            match Door::open(address, None, endpoint_file.clone(), CONNECTIONS).await {
                Err(error)
                    if error.kind() == std::io::ErrorKind::AddrInUse
                        && begun.elapsed() < PATIENCE =>
                {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                opened => return opened.map_err(|source| QemuError::Door { address, source }),
            }
        }
    }
}

/// Whether two networks have an address in common.
fn overlap(one: (Ipv4Addr, u8), two: (Ipv4Addr, u8)) -> bool {
    let shorter = u32::from(one.1.min(two.1));
    (one.0.to_bits() ^ two.0.to_bits()).checked_shr(32 - shorter).unwrap_or(0) == 0
}

async fn run(command: Command) -> Result<String, QemuError> {
    let output = command.run().await.map_err(QemuError::Network)?;
    Ok(output.stdout_text().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_overlap_if_one_is_in_the_other() {
        let is = |a: [u8; 4], p, b: [u8; 4], q| overlap((a.into(), p), (b.into(), q));
        assert!(is([10, 79, 0, 1], 24, [10, 79, 0, 200], 24));
        assert!(
            is([10, 79, 0, 1], 24, [10, 1, 2, 3], 8) && is([10, 1, 2, 3], 8, [10, 79, 0, 1], 24)
        );
        assert!(is([10, 79, 0, 1], 24, [192, 0, 2, 1], 0));
        assert!(is([10, 79, 0, 1], 24, [10, 79, 0, 9], 32));
        assert!(
            !is([10, 79, 0, 1], 24, [10, 79, 1, 1], 24)
                && !is([10, 79, 0, 1], 24, [127, 0, 0, 1], 8)
        );
    }
}
