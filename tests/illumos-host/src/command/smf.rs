//! Services and their properties: svcs(1), svcprop(1), svcadm(8), svccfg(8).
//!
//! Only states and properties change: no method is ever run and no process of a
//! service started. How the start method of a service would end is read from
//! its property `illumos-host/exit` (count), if it has one.
//!
//! illumos-gate usr/src/cmd/svc/{svcs,svcprop,svcadm,svccfg,startd}, smf(7),
//! smf_security(7).

mod fmri;
mod manifest;
mod repository;
mod svcadm;
mod svccfg;
mod svcprop;
mod svcs;

use crate::command::rbac::Caller;
use crate::faults::BROKEN;
use crate::{Reply, World, state_dir};

pub use repository::{Group, Groups, Instance, Property, Service, State};

/// Boots: forgets what was to be until now only, and starts what is enabled.
pub fn start(world: &mut World) {
    let services = world.smf.services.values_mut();
    services.flat_map(|service| service.instances.values_mut()).for_each(|instance| {
        instance.until_boot = None;
        "uninitialized".clone_into(&mut instance.state);
    });
    world.smf.settle();
}

/// svcprop.
pub fn svcprop(arguments: &[String]) -> Reply {
    with(|state, _| svcprop::run(state, arguments))
}

/// svcs.
pub fn svcs(arguments: &[String]) -> Reply {
    with(|state, _| svcs::run(state, arguments))
}

/// svcadm.
pub fn svcadm(arguments: &[String]) -> Reply {
    with(|state, caller| svcadm::run(state, caller, arguments))
}

/// svccfg.
pub fn svccfg(arguments: &[String]) -> Reply {
    with(|state, caller| svccfg::run(state, caller, arguments))
}

fn with(command: impl FnOnce(&mut State, &Caller) -> Reply) -> Reply {
    let done = World::with(state_dir(), |world| {
        let caller = Caller::current(world);
        command(&mut world.smf, &caller)
    });
    done.unwrap_or_else(|error| Reply::fail(BROKEN, error.to_string()))
}

fn not_simulated(what: &str) -> Reply {
    Reply::fail(BROKEN, format!("illumos-host: not simulated: {what}"))
}

/// Whether the caller has one of these authorizations, or everything.
fn may(caller: &Caller, authorizations: &[&str]) -> bool {
    caller.all_privileges() || authorizations.iter().any(|name| caller.authorized(name))
}
