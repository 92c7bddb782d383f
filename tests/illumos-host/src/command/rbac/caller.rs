//! Who calls a command.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::databases::Databases;
use super::privileges;
use crate::World;

/// The variable that says who a program of the simulator runs as. Only the
/// simulator's own programs read it; it stands for the credentials that the
/// kernel of illumos keeps.
pub const CALLER_VARIABLE: &str = "ILLUMOS_HOST_CALLER";

/// The credentials of a process, as far as the commands ask for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The user of the real user id, whose authorizations count.
    pub user: String,
    /// Whether the effective user id is 0.
    pub euid_root: bool,
    /// The effective privileges, by their names in privileges(7).
    pub privileges: BTreeSet<String>,
    /// The user's authorizations as they are written, wildcards and all.
    pub authorizations: BTreeSet<String>,
    /// Whether what it executes gets what its profiles say (`PRIV_PFEXEC`).
    pub profile_shell: bool,
}

/// What the variable carries: all that is not in the databases.
#[derive(Serialize, Deserialize)]
struct Credentials {
    user: String,
    euid_root: bool,
    privileges: BTreeSet<String>,
    profile_shell: bool,
}

impl Caller {
    /// Who calls this process: whom the variable names, else the world's user
    /// with nothing but basic privileges.
    pub fn current(world: &World) -> Caller {
        let text = std::env::var(CALLER_VARIABLE).ok();
        let credentials = text.and_then(|text| serde_json::from_str(&text).ok());
        let ordinary = || Credentials {
            user: world.rbac.user.clone(),
            euid_root: false,
            privileges: privileges::basic(),
            profile_shell: false,
        };
        let Credentials { user, euid_root, privileges, profile_shell } =
            credentials.unwrap_or_else(ordinary);
        let authorizations = Databases::read(&world.rbac).authorizations_of(&user);
        let authorizations = authorizations.into_iter().collect();
        Caller { user, euid_root, privileges, authorizations, profile_shell }
    }

    /// The superuser.
    pub fn root(world: &World) -> Caller {
        let authorizations = Databases::read(&world.rbac).authorizations_of("root");
        Caller {
            user: "root".to_owned(),
            euid_root: true,
            privileges: privileges::all(),
            authorizations: authorizations.into_iter().collect(),
            profile_shell: false,
        }
    }

    /// What [`CALLER_VARIABLE`] has to say for a program to run as this caller.
    pub fn variable(&self) -> String {
        let credentials = Credentials {
            user: self.user.clone(),
            euid_root: self.euid_root,
            privileges: self.privileges.clone(),
            profile_shell: self.profile_shell,
        };
        serde_json::to_string(&credentials).expect("credentials can be written as JSON")
    }

    /// Whether it has every privilege. An effective user id of 0 brings all
    /// that the limit set allows, and nothing here reduces that.
    pub fn all_privileges(&self) -> bool {
        self.euid_root || self.privileges == privileges::all()
    }

    /// Whether it may do what this privilege allows.
    pub fn has(&self, privilege: &str) -> bool {
        self.all_privileges() || privileges::allows(&self.privileges, privilege)
    }

    /// Whether its user has this authorization, such as
    /// `solaris.zone.manage/job1`: without an object an authorization holds
    /// for every object, and `*` at its end for whatever begins so, but for `grant`.
    ///
    /// illumos-gate usr/src/lib/libsecdb/common/chkauthattr.c.
    pub fn authorized(&self, authorization: &str) -> bool {
        self.authorizations.iter().any(|held| matches(held, authorization))
    }
}

fn matches(held: &str, wanted: &str) -> bool {
    if held == wanted {
        return true;
    }
    let (verb, object) = divided(wanted);
    let (held_verb, held_object) = divided(held);
    let pattern = match (object, held_object) {
        (Some(object), Some(held_object)) if object != held_object => return false,
        (Some(_), Some(_)) => held_verb,
        (Some(_), None) if held == verb => return true,
        _ => held,
    };
    let beginning = pattern.strip_suffix('*');
    let grants = wanted.rsplit('.').next().is_some_and(|last| last.starts_with("grant"));
    beginning.is_some_and(|beginning| wanted.starts_with(beginning)) && !grants
}

fn divided(authorization: &str) -> (&str, Option<&str>) {
    match authorization.split_once('/') {
        Some((verb, object)) => (verb, Some(object)),
        None => (authorization, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authorization_without_object_holds_for_every_object() {
        assert!(matches("solaris.zone.manage", "solaris.zone.manage/job1"));
        assert!(matches("solaris.zone.*", "solaris.zone.manage/job1"));
        assert!(matches("solaris.*", "solaris.zone.manage/job1"));
        assert!(matches("solaris.zone.manage/job1", "solaris.zone.manage/job1"));
    }

    #[test]
    fn an_authorization_holds_for_nothing_else() {
        assert!(!matches("solaris.zone.manage/job2", "solaris.zone.manage/job1"));
        assert!(!matches("solaris.zone.login", "solaris.zone.manage/job1"));
        assert!(!matches("solaris.zone", "solaris.zone.manage"));
        assert!(!matches("solaris.*", "solaris.zone.grant"));
        assert!(!matches("solaris.smf.manage", "solaris.smf.manage.solstice"));
    }

    #[test]
    fn a_caller_survives_the_way_through_the_environment() {
        let world = World::default();
        let root = Caller::root(&world);
        let back: Credentials = serde_json::from_str(&root.variable()).unwrap();
        assert!(back.euid_root && back.user == "root");
        assert!(root.all_privileges() && root.has("sys_dl_config"));
        assert!(root.authorized("solaris.zone.manage/x"));
    }
}
