//! Interfaces of Linux that stand for links, and taps for zones.

use std::io;

use super::link::Class;
use super::mac::{Mac, fnv};
use super::net::Script;
use super::protection;
use crate::World;

/// The Linux interface that stands for a link: illumos' names are too long.
pub fn linux_name(link: &str) -> String {
    format!("il{:08x}", fnv(link.as_bytes()))
}

/// A tap for the guest of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tap {
    /// The tap's interface; it stays until [`untap`] removes it.
    pub device: String,
    /// The bridge that it is a port of.
    pub bridge: String,
    /// The address that the guest's interface is to have.
    pub mac: Mac,
}

/// Makes the tap of a VNIC, a port of its etherstub's bridge, with the VNIC's
/// link protection. One that is there already is made anew.
///
/// # Errors
///
/// If there is no such active VNIC, or the system refuses.
pub fn tap(world: &World, vnic: &str) -> io::Result<Tap> {
    let absent = || io::Error::new(io::ErrorKind::NotFound, format!("{vnic} is no active VNIC"));
    let link = world.links.active(vnic).map_err(|_| absent())?;
    let Class::Vnic { over, mac, .. } = &link.class else { return Err(absent()) };
    let device = linux_name(vnic);
    let mut script = Script::of_this_namespace()?;
    let bridge = script.bridge(over);
    script.remove(&device);
    script.line(format!("tuntap add dev {device} mode tap"));
    script.line(format!("link set {device} master {bridge} up"));
    script.run()?;
    let settings = link.active.clone().unwrap_or_default();
    protection::enforce(&device, *mac, &settings)?;
    Ok(Tap { device, bridge, mac: *mac })
}

/// Removes the tap of a VNIC, if there is one.
///
/// # Errors
///
/// If the system refuses.
pub fn untap(vnic: &str) -> io::Result<()> {
    let device = linux_name(vnic);
    let mut script = Script::of_this_namespace()?;
    script.remove(&device);
    script.run()?;
    protection::lift(&device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_differ() {
        let names = ["job1", "job2", "solstub0", "aVeryLongNameOfALinkIndeed1234"];
        let linux: std::collections::BTreeSet<_> = names.iter().map(|n| linux_name(n)).collect();
        assert_eq!(linux.len(), names.len());
        assert!(linux.iter().all(|name| name.len() == 10));
    }
}
