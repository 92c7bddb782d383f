//! The programs that are called, by the paths that the RBAC profile names:
//! exec_attr(5) matches the exact path.

/// Grants what the caller's profiles say; see pfexec(1).
pub const PFEXEC: &str = "/usr/bin/pfexec";
/// Runs a command in a process contract of its own; see ctrun(1).
pub const CTRUN: &str = "/usr/bin/ctrun";
/// ZFS; see zfs(8).
pub const ZFS: &str = "/sbin/zfs";
/// Zone configuration; see zonecfg(8).
pub const ZONECFG: &str = "/usr/sbin/zonecfg";
/// Zone administration; see zoneadm(8).
pub const ZONEADM: &str = "/usr/sbin/zoneadm";
/// A zone's console; see zlogin(1).
pub const ZLOGIN: &str = "/usr/sbin/zlogin";
/// Data links; see dladm(8).
pub const DLADM: &str = "/sbin/dladm";
/// IP interfaces and addresses; see ipadm(8).
pub const IPADM: &str = "/sbin/ipadm";
/// Signals by zone and name; see pkill(1).
pub const PKILL: &str = "/usr/bin/pkill";
/// Service states; see svcs(1).
pub const SVCS: &str = "/usr/bin/svcs";
/// Service properties; see svcprop(1).
pub const SVCPROP: &str = "/usr/bin/svcprop";
/// Service administration; see svcadm(8).
pub const SVCADM: &str = "/usr/sbin/svcadm";
/// Service configuration; see svccfg(8).
pub const SVCCFG: &str = "/usr/sbin/svccfg";
