//! pfexec(1): a program executed with what the caller's profiles say of it.
//!
//! The kernel asks pfexecd about the resolved path. A profile's line gives user
//! ids and privileges; a profile with `*` and no attributes (`All`, which every
//! user has by `Basic Solaris User`) lets the program run as it is, without a
//! word; if no profile knows the path, the execution is refused.
//!
//! illumos-gate usr/src/cmd/pfexec/pfexec.c, usr/src/cmd/pfexecd/pfexecd.c
//! `callback_pfexec`, usr/src/uts/common/os/klpd.c `pfexec_call`.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};

use super::caller::{CALLER_VARIABLE, Caller};
use super::databases::{Attributes, Databases};
use super::privileges;
use crate::{Reply, World, command, state_dir};

const USAGE: &str = "pfexec [-P privset] cmd [arg ..]";
/// Programs that illumos has in /sbin, with a symbolic link in /usr/sbin
/// (illumos-gate usr/src/pkg/manifests). Here /sbin itself is the link.
const IN_SBIN: &[&str] = &["dladm", "ipadm", "zfs", "zpool"];
/// Users whose names may stand in an attribute `uid` or `euid`.
const SYSTEM_USERS: &[&str] = &["root", "daemon", "bin", "sys", "adm", "lp", "dladm", "netadm"];

/// pfexec. On success the program is executed in place of this process.
pub fn pfexec(arguments: &[String]) -> Reply {
    let (wanted, command) = match parse(arguments) {
        Some((wanted, command)) if !command.is_empty() => (wanted, command),
        _ => return Reply::fail(1, USAGE),
    };
    let world = match World::with(state_dir(), |world| world.clone()) {
        Ok(world) => world,
        Err(error) => return Reply::fail(1, error.to_string()),
    };
    let caller = Caller::current(&world);
    let unable =
        |reason| Reply::fail(1, format!("pfexec: unable to execute {}: {reason}", command[0]));
    let Some(path) = search(&command[0]) else { return unable("No such file or directory") };
    let caller = match wanted {
        Some(wanted) => match with_privileges(&world, caller, wanted) {
            Ok(caller) => caller,
            Err(line) => return Reply::fail(1, line),
        },
        None => match executing(&world, &caller, &path) {
            Some(caller) => caller,
            None => return unable("Permission denied"),
        },
    };
    unable(reason(&execute(&path, command, &caller)))
}

/// What [`CALLER_VARIABLE`] has to be for a program that this caller executes,
/// by its absolute path. `None` if the execution is refused.
pub fn environment_of(world: &World, caller: &Caller, program: &Utf8Path) -> Option<String> {
    if !caller.profile_shell {
        return Some(caller.variable());
    }
    executing(world, caller, program).map(|caller| caller.variable())
}

/// The options: `-P` once, and what is behind them.
fn parse(arguments: &[String]) -> Option<(Option<&str>, &[String])> {
    let mut wanted = None;
    let mut rest = arguments;
    while let Some((first, behind)) = rest.split_first() {
        let option = match first.strip_prefix('-') {
            Some("-") => return Some((wanted, behind)),
            Some(option) if !option.is_empty() => option,
            _ => break,
        };
        let value = option.strip_prefix('P')?;
        if wanted.is_some() {
            return None;
        }
        if value.is_empty() {
            let (next, behind) = behind.split_first()?;
            (wanted, rest) = (Some(next.as_str()), behind);
        } else {
            (wanted, rest) = (Some(value), behind);
        }
    }
    Some((wanted, rest))
}

/// The program as execvp(2) finds it.
fn search(name: &str) -> Option<Utf8PathBuf> {
    if name.contains('/') {
        return Some(name.into()).filter(|path: &Utf8PathBuf| path.exists());
    }
    let path = std::env::var("PATH").unwrap_or_default();
    let mut candidates = path.split(':').map(|directory| Utf8Path::new(directory).join(name));
    candidates.find(|candidate| {
        let metadata = candidate.metadata();
        metadata.is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    })
}

/// The path that the kernel of illumos would ask about.
fn resolved(path: &Utf8Path) -> Utf8PathBuf {
    let name = path.file_name().unwrap_or_default();
    let directory = path.parent().filter(|parent| !parent.as_str().is_empty());
    let directory = directory.unwrap_or(Utf8Path::new(".")).canonicalize_utf8();
    match directory {
        Ok(directory) if directory == "/usr/sbin" && IN_SBIN.contains(&name) => {
            Utf8Path::new("/sbin").join(name)
        }
        Ok(directory) => directory.join(name),
        Err(_) => path.to_owned(),
    }
}

/// The caller of a program that a profile shell executes. `None` if it may not.
fn executing(world: &World, caller: &Caller, path: &Utf8Path) -> Option<Caller> {
    let databases = Databases::read(&world.rbac);
    let attributes = databases.execution(&caller.user, resolved(path).as_str())?;
    let mut granted = granted(world, caller, attributes)?;
    let authorizations = databases.authorizations_of(&granted.user);
    granted.authorizations = authorizations.into_iter().collect();
    Some(granted)
}

/// What the attributes make of a caller. `None` if they name a user or a
/// privilege that does not exist.
fn granted(world: &World, caller: &Caller, attributes: &Attributes) -> Option<Caller> {
    let mut granted = Caller { profile_shell: true, ..caller.clone() };
    if let Some(uid) = attributes.get("uid") {
        granted.user = user(world, uid)?;
        granted.euid_root = granted.user == "root";
        // A profile shell that becomes another user is none any more.
        granted.profile_shell = granted.user == caller.user;
    }
    if let Some(euid) = attributes.get("euid") {
        granted.euid_root = user(world, euid)? == "root";
    }
    if let Some(limit) = attributes.get("limitprivs") {
        let limit = privileges::parse(limit)?;
        granted.privileges.retain(|privilege| limit.contains(privilege));
    }
    if let Some(privs) = attributes.get("privs") {
        granted.privileges.extend(privileges::parse(privs)?);
    }
    Some(granted)
}

/// A user by name or by number; of numbers only 0 has a name here.
fn user(world: &World, text: &str) -> Option<String> {
    let known = SYSTEM_USERS.contains(&text) || text == world.rbac.user;
    match text {
        "0" => Some("root".to_owned()),
        _ if known || text.chars().all(|c| c.is_ascii_digit()) => Some(text.to_owned()),
        _ => None,
    }
}

/// `-P`: the caller with these privileges added, if its profiles grant them.
fn with_privileges(world: &World, mut caller: Caller, wanted: &str) -> Result<Caller, String> {
    let Some(wanted) = privileges::parse(wanted) else {
        return Err("pfexec: error parsing privileges: Invalid argument".to_owned());
    };
    let granted = Databases::read(&world.rbac).privileges_of(&caller.user);
    let granted: Vec<_> = granted.iter().filter_map(|text| privileges::parse(text)).collect();
    let allowed = |privilege: &String| {
        caller.has(privilege) || granted.iter().any(|set| set.contains(privilege))
    };
    if !wanted.iter().all(allowed) {
        return Err("pfexec: error setting privileges: Not owner".to_owned());
    }
    caller.privileges.extend(wanted);
    Ok(caller)
}

/// Executes the program in place of this one; comes back only if that fails.
fn execute(path: &Utf8Path, command: &[String], caller: &Caller) -> io::Error {
    let mut program = Command::new(path);
    program.arg0(&command[0]).args(&command[1..]);
    if ours(path) {
        program.env(CALLER_VARIABLE, caller.variable());
    }
    program.exec()
}

/// Whether the path is one of the simulator's programs.
fn ours(path: &Utf8Path) -> bool {
    let resolved = resolved(path);
    command::PROGRAMS.iter().any(|(program, _)| {
        let program = Utf8Path::new(program);
        program == resolved
            || (resolved.parent() == Some(Utf8Path::new("/sbin"))
                && program.file_name() == resolved.file_name())
    })
}

/// The words of strerror(3C) there.
fn reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "No such file or directory",
        io::ErrorKind::PermissionDenied => "Permission denied",
        io::ErrorKind::ArgumentListTooLong => "Arg list too long",
        _ => "Exec format error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(path: &str) -> Option<Caller> {
        let world = World::default();
        executing(&world, &Caller::current(&world), Utf8Path::new(path))
    }

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn the_profile_of_the_service_gives_what_it_names_and_no_more() {
        let zoneadm = after("/usr/sbin/zoneadm").unwrap();
        assert!(zoneadm.all_privileges() && zoneadm.user == "solstice");
        assert!(zoneadm.authorized("solaris.zone.manage/job1"));
        let zonecfg = after("/usr/sbin/zonecfg").unwrap();
        assert!(zonecfg.euid_root && zonecfg.user == "root" && !zonecfg.profile_shell);
        let dladm = after("/usr/sbin/dladm").unwrap();
        assert!(dladm.has("sys_dl_config") && !dladm.has("sys_ip_config"));
        assert!(!dladm.all_privileges());
        let pkill = after("/usr/bin/pkill").unwrap();
        assert!(pkill.has("proc_owner") && pkill.has("proc_zone"));
    }

    #[test]
    fn a_path_that_no_line_names_runs_as_it_is() {
        let zpool = after("/usr/sbin/zpool").unwrap();
        assert_eq!(zpool.privileges, privileges::basic());
        assert!(!zpool.euid_root);
    }

    #[test]
    fn without_the_profile_all_the_execution_is_refused() {
        let mut world = World::default();
        world.rbac.policy_conf.clear();
        let caller = Caller::current(&world);
        assert_eq!(executing(&world, &caller, Utf8Path::new("/usr/sbin/zpool")), None);
        assert!(executing(&world, &caller, Utf8Path::new("/usr/sbin/zoneadm")).is_some());
    }

    #[test]
    fn an_unknown_privilege_or_user_refuses_the_execution() {
        for line in ["euid=nobody-here", "privs=proc_owner,proc_nonsense"] {
            let mut world = World::default();
            let line = format!("Solstice CI Orchestrator:solaris:cmd:::/usr/bin/svcs:{line}\n");
            world.rbac.exec_attr.push_str(&line);
            let caller = Caller::current(&world);
            assert_eq!(executing(&world, &caller, Utf8Path::new("/usr/bin/svcs")), None);
        }
    }

    #[test]
    fn options_end_where_the_command_begins() {
        let line = words("-P proc_owner ls -P x");
        assert_eq!(parse(&line), Some((Some("proc_owner"), &line[2..])));
        let line = words("-Pbasic -- -x");
        assert_eq!(parse(&line), Some((Some("basic"), &line[2..])));
        assert_eq!(parse(&words("-x ls")), None);
        assert_eq!(parse(&words("-P basic -P basic ls")), None);
        assert_eq!(parse(&words("-P")), None);
    }

    #[test]
    fn privileges_asked_for_by_name_must_be_granted_by_a_profile() {
        let mut world = World::default();
        let caller = Caller::current(&world);
        let refused = with_privileges(&world, caller.clone(), "proc_owner").unwrap_err();
        assert_eq!(refused, "pfexec: error setting privileges: Not owner");
        let unknown = with_privileges(&world, caller.clone(), "nonsense").unwrap_err();
        assert_eq!(unknown, "pfexec: error parsing privileges: Invalid argument");
        world.rbac.prof_attr.push_str("Killer:::x:privs=proc_owner\n");
        world.rbac.user_attr = "solstice::::profiles=Killer\n".to_owned();
        assert!(with_privileges(&world, caller, "proc_owner").unwrap().has("proc_owner"));
    }
}
