//! What is known about illumos itself, each with its source. Paths are below
//! usr/src of illumos-gate unless said otherwise.

/// Services that may be depended on, with the manifests that define them.
pub(crate) const SERVICES: &[(&str, &str)] = &[
    ("svc:/milestone/multi-user-server", "cmd/svc/milestone/multi-user-server.xml"),
    ("svc:/milestone/name-services", "cmd/svc/milestone/name-services.xml"),
    ("svc:/milestone/network", "cmd/svc/milestone/network.xml"),
    ("svc:/network/datalink-management", "cmd/dlmgmtd/dlmgmt.xml"),
    ("svc:/network/ip-interface-management", "cmd/cmd-inet/lib/ipmgmtd/network-ipmgmt.xml"),
    ("svc:/network/loopback", "cmd/svc/milestone/network-loopback.xml"),
    ("svc:/system/filesystem/local", "cmd/svc/milestone/local-fs.xml"),
    ("svc:/system/pfexec", "cmd/pfexecd/pfexecd.xml"),
    // Named by the actuators of oi-userland, transforms/actuators.
    ("svc:/system/rbac", "/lib/svc/manifest/system/rbac.xml"),
    ("svc:/system/zones", "cmd/zoneadm/zones.xml"),
];

/// Properties that the framework keeps for every instance: startd/libscf.c
/// (`restarter/…`), svcadm(8) (`general…/enabled`), smf_method(7).
pub(crate) const FRAMEWORK_PROPERTIES: &[&str] = &[
    "general/enabled",
    "general_ovr/enabled",
    "restarter/contract",
    "restarter/start_pid",
    "stop/timeout_seconds",
];

/// Exit statuses by name: cmd/svc/shell/smf_include.sh.
pub(crate) const EXITS: &[&str] = &[
    "SMF_EXIT_OK",
    "SMF_EXIT_ERR_FATAL",
    "SMF_EXIT_ERR_CONFIG",
    "SMF_EXIT_MON_DEGRADE",
    "SMF_EXIT_MON_OFFLINE",
    "SMF_EXIT_ERR_NOSMF",
    "SMF_EXIT_ERR_PERM",
];

/// Files of the system that methods may use: the package system/core-os and
/// the packages that it cannot be without.
pub(crate) const FILES: &[&str] = &[
    "/dev/null",
    "/lib/svc/share/smf_include.sh",
    "/sbin/sh",
    "/usr/bin/pgrep",
    "/usr/bin/pkill",
    "/usr/bin/sleep",
    "/usr/bin/svcprop",
    "/usr/sbin/poweroff",
];

/// Places that whoever prepares a machine makes, not a package.
pub(crate) const MADE_LATER: &[&str] = &["/etc/solstice/seed", "/work"];

/// Directories that the system delivers, or that IPS makes implicitly with
/// the attributes that everybody expects (pkg(7), DIRECTORY ACTIONS).
pub(crate) const DIRECTORIES: &[&str] = &[
    "etc",
    "etc/security",
    "etc/security/auth_attr.d",
    "etc/security/exec_attr.d",
    "etc/security/prof_attr.d",
    "etc/user_attr.d",
    "lib",
    "lib/svc",
    "lib/svc/manifest",
    "lib/svc/manifest/application",
    "lib/svc/method",
    "lib/svc/share",
    "usr",
    "usr/bin",
    "usr/lib",
    "usr/sbin",
    "usr/share",
    "usr/share/man",
    "usr/share/man/man1",
    "usr/share/man/man8",
    "var",
    "var/lib",
];

/// Where packages must not deliver anything: pkg(7).
pub(crate) const FORBIDDEN: &[&str] =
    &["tmp", "system/volatile", "var/tmp", "var/share", "var/pkg", "dev", "devices", "proc"];

/// Users of the system that may own what we deliver: /etc/passwd of system/core-os.
pub(crate) const USERS: &[&str] = &["root"];

/// Groups of the system, likewise.
pub(crate) const GROUPS: &[&str] = &["root", "bin", "sys"];

/// Users and groups whose ids a profile may give: lib/libsecdb/exec_attr.txt.
pub(crate) const EXECUTION_IDS: &[&str] = &["0", "dladm", "netadm", "sys"];

/// Privileges that may be named: privileges(7).
pub(crate) const PRIVILEGES: &[&str] = &[
    "basic",
    "file_link_any",
    "file_read",
    "file_write",
    "net_access",
    "net_rawaccess",
    "proc_audit",
    "proc_exec",
    "proc_fork",
    "proc_info",
    "proc_owner",
    "proc_secflags",
    "proc_session",
    "proc_zone",
    "sys_dl_config",
    "sys_ip_config",
];

/// Authorizations of the system that a profile may grant, and who asks for them.
pub(crate) const AUTHORIZATIONS: &[(&str, &str)] = &[
    ("solaris.network.interface.config", "lib/libipadm/common/libipadm.c, ipadm_check_auth"),
    ("solaris.zone.manage", "cmd/zoneadm/zoneadm.c, cmd/zlogin/zlogin.c"),
];

/// Sections and categories of `info.classification`: pkg5,
/// src/util/opensolaris.org.sections, as far as they may fit us.
pub(crate) const CLASSIFICATIONS: &[&str] = &[
    "Development/Distribution Tools",
    "System/Administration and Configuration",
    "System/Services",
    "System/Virtualization",
    "Web Services/Application and Web Servers",
];

/// Packages of the distributions that ours may need.
pub(crate) const PACKAGES: &[&str] = &[
    "developer/versioning/git",
    // OmniOS and OpenIndiana: pkg5, src/pkg/manifests.
    "system/zones/brand/bhyve",
    // pkg/manifests/system-zones.p5m.
    "system/zones",
];
