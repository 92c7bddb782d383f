//! Zones: configuration, life, console.
//!
//! What a zone is configured to be, and how far it is installed, is in the
//! files that illumos keeps (`store`); what the kernel knows of it is in
//! `State`. Every zone that is ready or more has a zoneadmd of its own, which
//! runs QEMU in bhyve's place.

mod brand;
mod config;
mod door;
mod kernel;
mod machine;
mod store;
mod xml;
mod zlogin;
mod zoneadm;
mod zoneadmd;
mod zonecfg;

use std::io;

use crate::command::rbac::Caller;
use crate::{Reply, World, WorldError, faults, state_dir};

pub use kernel::{Active, Process, State, Status, Variant};

use store::Store;

/// Forgets what was active before the host started.
pub fn start(world: &mut World) {
    world.zones.active.clear();
}

/// zlogin.
pub fn zlogin(arguments: &[String]) -> Reply {
    answer(zlogin::run(arguments))
}

/// zoneadm.
pub fn zoneadm(arguments: &[String]) -> Reply {
    answer(zoneadm::run(arguments))
}

/// zoneadmd, which zoneadm and zlogin start.
pub fn zoneadmd(arguments: &[String]) -> Reply {
    answer(zoneadmd::run(arguments))
}

/// zonecfg.
pub fn zonecfg(arguments: &[String]) -> Reply {
    let store = Store::host();
    answer(World::with(state_dir(), |world| {
        world.zones.settle();
        let host = zonecfg::Host {
            store: &store,
            variant: world.zones.brand,
            brand_known: &|brand| world.zones.brands.contains(brand),
            active: &|zone| world.zones.active.contains_key(zone),
            read_only: !Caller::current(world).euid_root,
        };
        zonecfg::run(&host, arguments)
    }))
}

/// The process id of a zone's bhyve, if it has one.
///
/// # Errors
///
/// [`WorldError`].
pub(super) fn bhyve(zone: &str) -> Result<Option<i32>, WorldError> {
    Ok(running(zone)?.map(|process| process.pid))
}

/// Signals the bhyve of a zone, and gives its process id if it has one.
///
/// # Errors
///
/// [`WorldError`]; that it is gone by then is no error.
pub(super) fn signal_bhyve(zone: &str, signal: Signal) -> Result<Option<i32>, WorldError> {
    let process = running(zone)?;
    if let Some(process) = process {
        machine::signal(&Store::host(), zone, process, signal);
    }
    Ok(process.map(|process| process.pid))
}

fn running(zone: &str) -> Result<Option<Process>, WorldError> {
    World::with(state_dir(), |world| {
        world.zones.settle();
        world.zones.active.get(zone)?.init.filter(|process| process.runs())
    })
}

pub(super) use machine::Signal;

/// Whether there is a zone of this name.
pub(super) fn exists(zone: &str) -> bool {
    Store::host().entry(zone).is_some()
}

fn answer(reply: Result<Reply, WorldError>) -> Reply {
    reply.unwrap_or_else(|error| Reply::fail(faults::BROKEN, error.to_string()))
}

/// For what illumos has and this has not.
pub(super) fn not_simulated(what: &str) -> Reply {
    Reply::fail(faults::BROKEN, format!("illumos-host: not simulated: {what}"))
}

/// strerror(3C) of illumos, for what can happen here.
fn strerror(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "No such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "Permission denied".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or_default().to_owned()
        }
    }
}
