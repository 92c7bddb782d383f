//! What was delegated to whom.
//!
//! illumos-gate usr/src/uts/common/fs/zfs/dsl_deleg.c (`dsl_deleg_access_impl`),
//! zfs_ioctl.c (`zfs_secpolicy_*`); zfs-allow(8).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::session::{Done, Session};
use super::state::{State, dataset_of};

/// Permissions of one user, or everyone, at one dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The user; everyone if absent.
    pub user: Option<String>,
    /// The permissions, by their names in zfs-allow(8).
    pub permissions: BTreeSet<String>,
    /// Whether they hold for the dataset itself.
    pub local: bool,
    /// Whether they hold for what is below it.
    pub descendent: bool,
}

impl Grant {
    /// Permissions of a user for a dataset and what is below it.
    pub(super) fn everywhere(user: &str, permissions: &str) -> Self {
        Self {
            user: Some(user.to_owned()),
            permissions: permissions.split(',').map(str::to_owned).collect(),
            local: true,
            descendent: true,
        }
    }
}

/// The permissions of zfs-allow(8) that are not properties.
const SUBCOMMANDS: &[&str] = &[
    "allow",
    "clone",
    "create",
    "destroy",
    "diff",
    "hold",
    "mount",
    "promote",
    "receive",
    "release",
    "rename",
    "rollback",
    "send",
    "share",
    "snapshot",
    "bookmark",
    "remap",
    "load-key",
    "change-key",
    "groupquota",
    "groupused",
    "userprop",
    "userquota",
    "userused",
];

impl Session<'_> {
    /// Whether the caller may do this to a dataset (or a snapshot of it), or
    /// to what would be one: `zfs_secpolicy_write_perms`.
    pub(super) fn may(&self, name: &str, permission: &str) -> bool {
        self.caller.has("sys_mount")
            || granted(self.state, &self.caller.user, dataset_of(name), permission)
    }

    /// Whether he may set these properties on a dataset: `zfs_secpolicy_setprop`.
    pub(super) fn may_set<'a>(
        &self,
        name: &str,
        properties: impl IntoIterator<Item = &'a str>,
    ) -> bool {
        properties.into_iter().all(|property| {
            let permission = if property.contains(':') { "userprop" } else { property };
            self.may(name, permission)
        })
    }
}

fn granted(state: &State, user: &str, dataset: &str, permission: &str) -> bool {
    let holds = |grant: &Grant| {
        grant.user.as_deref().is_none_or(|name| name == user)
            && grant.permissions.contains(permission)
    };
    let mut at = Some(dataset);
    while let Some(name) = at {
        let grants = state.datasets.get(name).map(|found| found.grants.as_slice());
        let here = |grant: &&Grant| if name == dataset { grant.local } else { grant.descendent };
        if grants.unwrap_or_default().iter().filter(here).any(holds) {
            return true;
        }
        at = name.rsplit_once('/').map(|(parent, _)| parent);
    }
    false
}

/// `zfs allow [-ldu] USER[,…]|everyone PERMISSION[,…] DATASET`, and `zfs allow DATASET`.
pub(super) fn allow(session: &mut Session<'_>, arguments: &[String]) -> Done {
    let given = session.options(arguments, "ldugecsh", None)?;
    if given.has('h') || given.has('g') || given.has('c') || given.has('s') {
        return session.not_simulated("zfs allow but for users and everyone");
    }
    if given.has('u') && given.has('e') {
        return session.usage("-u, -g, and -e are mutually exclusive");
    }
    if let ([dataset], false) = (given.operands, given.has('e')) {
        return show(session, dataset);
    }
    let wanted = who_and_what(session, given.operands, given.has('e'), false)?;
    let both = given.has('l') == given.has('d');
    let (local, descendent) = (both || given.has('l'), both || given.has('d'));
    let opened = open(session, &wanted.dataset, "allow")?;
    for permission in &wanted.permissions {
        let property = super::property::find(permission).is_some_and(|p| !p.readonly());
        if !SUBCOMMANDS.contains(&permission.as_str()) && !property {
            return session.not_simulated(&format!("the permission {permission}"));
        }
    }
    for user in wanted.users {
        let permissions = wanted.permissions.clone();
        opened_grants(session, &opened).push(Grant { user, permissions, local, descendent });
    }
    Ok(())
}

/// `zfs unallow [-ldur] USER[,…]|everyone [PERMISSION[,…]] DATASET`.
pub(super) fn unallow(session: &mut Session<'_>, arguments: &[String]) -> Done {
    let given = session.options(arguments, "ldugecsrh", None)?;
    if "hgcsrld".chars().any(|letter| given.has(letter)) {
        return session.not_simulated("zfs unallow with options but -u and -e");
    }
    let wanted = who_and_what(session, given.operands, given.has('e'), true)?;
    let opened = open(session, &wanted.dataset, "unallow")?;
    let grants = opened_grants(session, &opened);
    for user in &wanted.users {
        for grant in grants.iter_mut().filter(|grant| grant.user == *user) {
            match wanted.permissions.is_empty() {
                true => grant.permissions.clear(),
                false => grant.permissions.retain(|p| !wanted.permissions.contains(p)),
            }
        }
    }
    grants.retain(|grant| !grant.permissions.is_empty());
    Ok(())
}

struct Wanted {
    users: Vec<Option<String>>,
    permissions: BTreeSet<String>,
    dataset: String,
}

fn who_and_what(
    session: &mut Session<'_>,
    operands: &[String],
    everyone: bool,
    optional: bool,
) -> Done<Wanted> {
    let (who, rest) = match operands {
        rest if everyone => (None, rest),
        [who, rest @ ..] if who == "everyone" => (None, rest),
        [who, rest @ ..] => (Some(who), rest),
        [] => return session.bare_usage(),
    };
    let (permissions, dataset) = match rest {
        [permissions, dataset] => (permissions.as_str(), dataset),
        [dataset] if optional => ("", dataset),
        _ => return session.bare_usage(),
    };
    let mut users = Vec::new();
    match who {
        None => users.push(None),
        Some(names) => {
            for name in names.split(',') {
                if name != "root" && name != session.service_user() {
                    return session.not_simulated(&format!("the user or group {name}"));
                }
                users.push(Some(name.to_owned()));
            }
        }
    }
    let permissions = permissions.split(',').filter(|p| !p.is_empty()).map(str::to_owned).collect();
    Ok(Wanted { users, permissions, dataset: dataset.clone() })
}

/// The dataset, if the caller may delegate there.
fn open(session: &mut Session<'_>, dataset: &str, verb: &str) -> Done<String> {
    if session.open_dataset(dataset).is_err() {
        // zfs_do_allow_unallow_impl returns -1 then.
        session.complain(format!("Failed to open dataset: {dataset}"));
        return Err(super::session::End::Code(255));
    }
    if !session.caller.has("sys_mount") {
        if session.may(dataset, "allow") {
            return session.not_simulated(&format!("zfs {verb} by an ordinary user"));
        }
        return session.fail(format!("cannot set permissions on '{dataset}': permission denied"));
    }
    Ok(dataset.to_owned())
}

fn opened_grants<'a>(session: &'a mut Session<'_>, name: &str) -> &'a mut Vec<Grant> {
    &mut session.state.datasets.get_mut(name).expect("it was opened").grants
}

/// Lists the permissions from the dataset upwards, as `print_fs_perms` does.
fn show(session: &mut Session<'_>, dataset: &str) -> Done {
    if session.open_dataset(dataset).is_err() {
        session.complain(format!("Failed to open dataset: {dataset}"));
        return Err(super::session::End::Code(255));
    }
    let mut at = Some(dataset);
    while let Some(name) = at {
        let grants = &session.state.datasets[name].grants;
        let mut text = String::new();
        for (title, local, descendent) in [
            ("Local permissions:", true, false),
            ("Descendent permissions:", false, true),
            ("Local+Descendent permissions:", true, true),
        ] {
            text += &section(grants, title, local, descendent);
        }
        if !text.is_empty() {
            let head = format!("---- Permissions on {name} ");
            session.out += &format!("{head:-<70}\n{text}");
        }
        at = name.rsplit_once('/').map(|(parent, _)| parent);
    }
    Ok(())
}

fn section(grants: &[Grant], title: &str, local: bool, descendent: bool) -> String {
    let of_this = |grant: &&Grant| grant.local == local && grant.descendent == descendent;
    let users: BTreeSet<Option<&str>> =
        grants.iter().filter(of_this).map(|grant| grant.user.as_deref()).collect();
    let mut lines = String::new();
    // Users come before everyone.
    for user in users.iter().filter(|u| u.is_some()).chain(users.iter().filter(|u| u.is_none())) {
        let all: BTreeSet<&str> = grants
            .iter()
            .filter(of_this)
            .filter(|grant| grant.user.as_deref() == *user)
            .flat_map(|grant| grant.permissions.iter().map(String::as_str))
            .collect();
        let who = user.map_or("everyone".to_owned(), |user| format!("user {user}"));
        lines += &format!("\t{who} {}\n", all.into_iter().collect::<Vec<_>>().join(","));
    }
    if lines.is_empty() { lines } else { format!("{title}\n{lines}") }
}
