//! The commands: one function per program, from its arguments to a [`Reply`].
//!
//! A function gets the arguments behind the program's name and the caller. Most
//! work on the [`World`](crate::World) under its lock from beginning to end;
//! those that block (zoneadm, zlogin) take the lock for each step.

mod getopt;
pub mod links;
pub mod process;
pub mod rbac;
pub mod smf;
pub mod zfs;
pub mod zone;

use crate::Reply;

/// A program: from the arguments behind its name to what it prints and how it ends.
pub type Program = fn(&[String]) -> Reply;

/// The programs, by the absolute paths at which illumos has them.
pub const PROGRAMS: &[(&str, Program)] = &[
    ("/usr/bin/ctrun", process::ctrun),
    ("/usr/bin/pfexec", rbac::pfexec),
    ("/usr/bin/pkill", process::pkill),
    ("/usr/bin/svcprop", smf::svcprop),
    ("/usr/bin/svcs", smf::svcs),
    ("/usr/lib/zones/zoneadmd", zone::zoneadmd),
    ("/usr/sbin/dladm", links::dladm),
    ("/usr/sbin/ipadm", links::ipadm),
    ("/usr/sbin/svcadm", smf::svcadm),
    ("/usr/sbin/svccfg", smf::svccfg),
    ("/usr/sbin/zfs", zfs::zfs),
    ("/usr/sbin/zlogin", zone::zlogin),
    ("/usr/sbin/zoneadm", zone::zoneadm),
    ("/usr/sbin/zonecfg", zone::zonecfg),
    ("/usr/sbin/zpool", zfs::zpool),
];

/// The program of this name, called as itself or by a path.
pub fn by_name(called: &str) -> Option<Program> {
    let name = called.rsplit('/').next().unwrap_or(called);
    let mut all = PROGRAMS.iter();
    all.find(|(path, _)| path.rsplit('/').next() == Some(name)).map(|(_, program)| *program)
}
