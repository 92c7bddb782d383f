//! Data links, IP interfaces and addresses: dladm(8) and ipadm(8).
//!
//! The state says what illumos would know. What the guests and the host see is
//! made real in the network namespace, lazily: an etherstub becomes a bridge
//! when the first of its VNICs needs it, a VNIC becomes an interface when it is
//! plumbed, or a tap when a zone boots on it ([`tap`]).
//!
//! Only etherstubs and VNICs over them exist; the host has no physical link.

mod device;
mod dladm;
mod ipadm;
mod link;
mod mac;
mod net;
mod ofmt;
mod properties;
mod protection;
mod show;

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::command::rbac::Caller;
use crate::faults::BROKEN;
use crate::{Reply, World, state_dir};

pub use device::{Tap, linux_name, tap, untap};
pub use link::{Address, Class, Interface, Link, LinkError, Settings};
pub use mac::Mac;

/// What the host remembers of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// Etherstubs and VNICs, by name.
    pub links: BTreeMap<String, Link>,
    /// IP interfaces, by the name of the link below each.
    pub interfaces: BTreeMap<String, Interface>,
    /// How many MAC addresses were made up so far.
    pub macs: u32,
}

/// dladm.
pub fn dladm(arguments: &[String]) -> Reply {
    changing(|links, caller| dladm::run(links, caller, arguments))
}

/// ipadm.
pub fn ipadm(arguments: &[String]) -> Reply {
    changing(|links, caller| ipadm::run(links, caller, arguments))
}

/// Runs a command and makes real what it changed. If that fails nothing was.
fn changing(command: impl FnOnce(&mut State, &Caller) -> Reply) -> Reply {
    let done = World::with(state_dir(), |world| {
        let caller = Caller::current(world);
        let before = world.links.clone();
        let reply = command(&mut world.links, &caller);
        net::change(&before, &world.links).map(|()| reply).inspect_err(|_| world.links = before)
    });
    match done {
        Ok(Ok(reply)) => reply,
        Ok(Err(error)) => Reply::fail(BROKEN, format!("illumos-host: {error}")),
        Err(error) => Reply::fail(BROKEN, error.to_string()),
    }
}

/// Boots: forgets what does not survive that, and makes real what does in a
/// network namespace that knows nothing of it yet.
///
/// # Errors
///
/// If the system refuses.
pub fn start(world: &mut World) -> io::Result<()> {
    boot(&mut world.links);
    net::change(&State::default(), &world.links)
}

fn boot(state: &mut State) {
    state.links.retain(|_, link| link.persistent.is_some());
    for link in state.links.values_mut() {
        link.active = link.persistent.clone();
        link.zone = None;
    }
    state.interfaces.retain(|_, interface| interface.persistent);
    for interface in state.interfaces.values_mut() {
        interface.active = true;
        interface.addresses.retain(|_, address| address.persistent);
        for address in interface.addresses.values_mut() {
            address.active = true;
        }
    }
}

/// Gives a VNIC to a zone that gets ready.
///
/// # Errors
///
/// [`LinkError`]: `Absent`, `NoVnic`, or `Busy` if it is plumbed or in another zone.
pub fn attach(world: &mut World, vnic: &str, zone: &str) -> Result<(), LinkError> {
    let plumbed = world.links.plumbed(vnic);
    let link = world.links.active_mut(vnic)?;
    if !matches!(link.class, Class::Vnic { .. }) {
        return Err(LinkError::NoVnic);
    }
    if plumbed || link.zone.as_deref().is_some_and(|owner| owner != zone) {
        return Err(LinkError::Busy);
    }
    link.zone = Some(zone.to_owned());
    Ok(())
}

/// Takes a VNIC back from the zone that had it. It stays, as it is.
pub fn detach(world: &mut World, vnic: &str) {
    if let Some(link) = world.links.links.get_mut(vnic) {
        link.zone = None;
    }
}

/// Limits a VNIC to one address, as zoneadmd does for `allowed-address`
/// (illumos-gate usr/src/cmd/zoneadmd/vplat.c).
///
/// # Errors
///
/// [`LinkError`]: `Absent`, or `Set` with the property that is set already.
pub fn protect(world: &mut World, vnic: &str, address: Ipv4Addr) -> Result<(), LinkError> {
    let link = world.links.active_mut(vnic)?;
    let settings = link.active.get_or_insert_default();
    for property in ["protection", "allowed-ips"] {
        if settings.contains_key(property) {
            return Err(LinkError::Set(property));
        }
    }
    settings.insert("protection".to_owned(), vec!["ip-nospoof".to_owned()]);
    settings.insert("allowed-ips".to_owned(), vec![format!("{address}/32")]);
    Ok(())
}

/// Takes the limits of [`protect`] away again.
pub fn unprotect(world: &mut World, vnic: &str) {
    if let Ok(link) = world.links.active_mut(vnic) {
        let settings = link.active.get_or_insert_default();
        settings.retain(|property, _| property != "protection" && property != "allowed-ips");
    }
}

impl State {
    /// An active link.
    ///
    /// # Errors
    ///
    /// [`LinkError::Absent`].
    pub fn active(&self, name: &str) -> Result<&Link, LinkError> {
        self.links.get(name).filter(|link| link.active.is_some()).ok_or(LinkError::Absent)
    }

    fn active_mut(&mut self, name: &str) -> Result<&mut Link, LinkError> {
        self.links.get_mut(name).filter(|link| link.active.is_some()).ok_or(LinkError::Absent)
    }

    /// Whether there is an IP interface on the link.
    pub fn plumbed(&self, name: &str) -> bool {
        self.interfaces.get(name).is_some_and(|interface| interface.active)
    }

    /// The active VNICs over a link.
    pub fn over<'a>(&'a self, lower: &'a str) -> impl Iterator<Item = (&'a String, &'a Link)> {
        let over =
            move |link: &Link| matches!(&link.class, Class::Vnic { over, .. } if over == lower);
        self.links.iter().filter(move |(_, link)| link.active.is_some() && over(link))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        let mut world = World::default();
        let root = Caller::root(&world);
        for line in [
            "create-etherstub keep0",
            "create-etherstub -t stub0",
            "create-vnic -l keep0 kept0",
            "create-vnic -t -l stub0 job1",
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(dladm::run(&mut world.links, &root, &words), Reply::ok(), "{line}");
        }
        world
    }

    #[test]
    fn a_vnic_belongs_to_one_zone_at_a_time() {
        let mut world = world();
        attach(&mut world, "job1", "a").unwrap();
        attach(&mut world, "job1", "a").unwrap();
        assert_eq!(attach(&mut world, "job1", "b"), Err(LinkError::Busy));
        detach(&mut world, "job1");
        attach(&mut world, "job1", "b").unwrap();
        assert_eq!(attach(&mut world, "stub0", "b"), Err(LinkError::NoVnic));
        assert_eq!(attach(&mut world, "job2", "b"), Err(LinkError::Absent));
    }

    #[test]
    fn a_zone_cannot_limit_what_is_limited_already() {
        let mut world = world();
        let address = Ipv4Addr::new(10, 0, 0, 2);
        protect(&mut world, "job1", address).unwrap();
        assert_eq!(protect(&mut world, "job1", address), Err(LinkError::Set("protection")));
        unprotect(&mut world, "job1");
        protect(&mut world, "job1", address).unwrap();
    }

    #[test]
    fn a_boot_forgets_what_is_temporary() {
        let mut world = world();
        attach(&mut world, "kept0", "a").unwrap();
        boot(&mut world.links);
        let names: Vec<_> = world.links.links.keys().collect();
        assert_eq!(names, ["keep0", "kept0"]);
        assert_eq!(world.links.active("kept0").unwrap().zone, None);
    }
}
