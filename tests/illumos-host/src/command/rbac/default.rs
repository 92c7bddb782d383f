//! What the databases of an installed host say, as far as it matters here.
//!
//! illumos-gate usr/src/lib/libsecdb/{user_attr,prof_attr,exec_attr}.txt,
//! policy.conf(5).

use super::State;

/// Users of the system.
const USER_ATTR: &str = "\
dladm::::auths=solaris.smf.manage.wpa,solaris.smf.modify
root::::auths=solaris.*,solaris.grant;profiles=All;lock_after_retries=no
";

/// Profiles of the system.
const PROF_ATTR: &str = "\
All:::Execute any command as the user or role:help=RtAll.html
Basic Solaris User:::Automatically assigned rights:auths=solaris.profmgr.read,solaris.mail.mailq,\
solaris.device.mount.removable,solaris.admin.wusb.read;profiles=All;help=RtDefault.html
Network Link Security:::Manage network link security:auths=solaris.network.link.security
Network Management:::Manage the host and network configuration:auths=solaris.network.interface.config
Primary Administrator:::Can perform all administrative tasks:auths=solaris.*,solaris.grant
Process Management:::Manage current processes and processors:auths=solaris.smf.manage.cron
Service Operator:::Administer services:auths=solaris.smf.manage,solaris.smf.modify.framework
Stop:::Last Profile evaluated, default profiles are not considered:help=RtReservedProfile.html
ZFS File System Management:::Create and Manage ZFS File Systems:help=RtZFSFileSysMngmnt.html
ZFS Storage Management:::Create and Manage ZFS Storage Pools:help=RtZFSStorageMngmnt.html
Zone Management:::Zones Virtual Application Environment Administration:help=RtZoneMngmnt.html
Zone Security:::Zones Virtual Application Environment Security:auths=solaris.zone.*,solaris.zone.grant
";

/// Commands of the system's profiles.
const EXEC_ATTR: &str = "\
All:suser:cmd:::*:
Network Link Security:solaris:cmd:::/sbin/dladm:euid=dladm;egid=sys;\\
	privs=sys_dl_config,net_rawaccess,proc_audit
Network Management:solaris:cmd:::/sbin/dladm:euid=dladm;egid=netadm;\\
	privs=sys_dl_config,net_rawaccess,proc_audit
Network Management:solaris:cmd:::/sbin/ipadm:euid=netadm;egid=netadm;\\
	privs=sys_ip_config,net_rawaccess
Primary Administrator:solaris:cmd:::*:uid=0;gid=0
Process Management:solaris:cmd:::/usr/bin/kill:privs=proc_owner
ZFS File System Management:solaris:cmd:::/sbin/zfs:euid=0
ZFS Storage Management:solaris:cmd:::/sbin/zpool:uid=0
Zone Management:solaris:cmd:::/usr/sbin/zoneadm:euid=0
Zone Management:solaris:cmd:::/usr/sbin/zlogin:euid=0
Zone Security:solaris:cmd:::/usr/sbin/zonecfg:uid=0
";

/// The default rights of every user.
const POLICY_CONF: &str = "\
AUTHS_GRANTED=
PROFS_GRANTED=Basic Solaris User
CONSOLE_USER=Console User
";

// What the packages deliver, and nothing else, so that what works here works there.
const PROJECT_USER_ATTR: &str = include_str!("../../../../../ips-pkg/rbac/user_attr");
const PROJECT_PROF_ATTR: &str = include_str!("../../../../../ips-pkg/rbac/prof_attr");
const PROJECT_EXEC_ATTR: &str = include_str!("../../../../../ips-pkg/rbac/exec_attr");

/// A host with the orchestrator's package installed.
pub(super) fn state() -> State {
    State {
        user: "solstice".to_owned(),
        user_attr: [USER_ATTR, PROJECT_USER_ATTR].concat(),
        prof_attr: [PROF_ATTR, PROJECT_PROF_ATTR].concat(),
        exec_attr: [EXEC_ATTR, PROJECT_EXEC_ATTR].concat(),
        policy_conf: POLICY_CONF.to_owned(),
    }
}
