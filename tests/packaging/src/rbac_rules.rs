//! What the RBAC fragments grant, and to whom.

use std::collections::BTreeMap;

use crate::problem::Problem;
use crate::rbac::Entry;
use crate::system;
use crate::world::World;

/// Where lib/illumos names the commands that it runs.
const COMMANDS: &str = "lib/illumos/src/programs.rs";

/// Commands that need nothing from a profile, and why.
const UNPRIVILEGED: &[(&str, &str)] = &[
    ("/usr/bin/pfexec", "is what asks for the profile"),
    ("/usr/bin/ctrun", "makes contracts, which everybody may"),
    ("/sbin/zfs", "works by delegation (zfs allow)"),
    ("/usr/bin/svcs", "reads"),
    ("/usr/bin/svcprop", "reads"),
    ("/usr/sbin/svcadm", "asks for an authorization, which this user has not"),
    ("/usr/sbin/svccfg", "likewise"),
];

/// Every name that a line uses is defined, by us or by the system.
pub(crate) fn fragments(world: &World) -> Vec<Problem> {
    let rbac = &world.rbac;
    let mut problems = Vec::new();
    for entry in &rbac.authorizations {
        if !entry.name().starts_with("solaris.smf.") || !entry.name().ends_with(".solstice") {
            problems.push(entry.problem("is not an authorization of ours"));
        }
    }
    for entry in &rbac.profiles {
        for granted in entry.list("auths") {
            let known = system::AUTHORIZATIONS.iter().any(|(name, _)| *name == granted);
            if !known {
                problems.push(entry.problem(format!("grants {granted}, which nothing asks for")));
            }
        }
    }
    problems.extend(rbac.executions.iter().flat_map(|entry| execution(world, entry)));
    for entry in &rbac.users {
        let delivered = world.packages.iter().flat_map(|package| package.of("user"));
        if !delivered.into_iter().any(|user| user.get("username") == Some(entry.name())) {
            problems.push(entry.problem("is of a user that no package delivers"));
        }
        for profile in entry.list("profiles") {
            if !is_profile(world, profile) {
                problems.push(entry.problem(format!("names the profile {profile:?}: not ours")));
            }
        }
    }
    problems
}

/// A line of exec_attr(5): profile, policy, type, two reserved, path, attributes.
fn execution(world: &World, entry: &Entry) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut say = |text: String| problems.push(entry.problem(text));
    if !is_profile(world, entry.name()) {
        say(format!("is of the profile {:?}, which is not ours", entry.name()));
    }
    if entry.fields[1..5] != ["solaris", "cmd", "", ""] {
        say("is not for a command under the policy solaris".to_owned());
    }
    if !entry.fields[5].starts_with('/') || entry.fields[5].contains('*') {
        say("does not name one program".to_owned());
    }
    for (name, value) in entry.attributes() {
        let known = match name {
            "uid" | "euid" | "egid" => system::EXECUTION_IDS.contains(&value),
            "privs" => value.split(',').all(|it| system::PRIVILEGES.contains(&it)),
            _ => false,
        };
        if !known {
            say(format!("has {name}={value}, which is not known"));
        }
    }
    problems
}

fn is_profile(world: &World, name: &str) -> bool {
    world.rbac.profiles.iter().any(|profile| profile.name() == name)
}

/// pfexec(1) runs a command that no line names without privileges and without
/// a word: the two lists have to be the same.
pub(crate) fn commands(world: &World) -> Vec<Problem> {
    let text = match world.tree.text(COMMANDS) {
        Ok(text) => text,
        Err(problem) => return vec![problem],
    };
    let called = constants(&text);
    let mut problems = Vec::new();
    let granted: Vec<_> = world.rbac.executions.iter().map(|it| it.fields[5].as_str()).collect();
    for (name, path) in &called {
        let free = UNPRIVILEGED.iter().any(|(known, _)| known == path);
        match granted.iter().filter(|it| *it == path).count() {
            0 if !free => problems.push(Problem::new(
                COMMANDS,
                format!("{name} ({path}) has no line in ips-pkg/rbac/exec_attr"),
            )),
            1 if free => problems.push(Problem::new(
                "ips-pkg/rbac/exec_attr",
                format!("grants something to {path}, which needs nothing"),
            )),
            0 | 1 => {}
            _ => problems.push(Problem::new("ips-pkg/rbac/exec_attr", format!("{path} is twice"))),
        }
    }
    for entry in &world.rbac.executions {
        if !called.values().any(|path| *path == entry.fields[5]) {
            problems.push(entry.problem("is for a program that lib/illumos does not call"));
        }
    }
    problems
}

/// Constants of the form `const NAME: &str = "/PATH";`.
fn constants(text: &str) -> BTreeMap<&str, &str> {
    text.lines()
        .filter_map(|line| {
            let (_, rest) = line.split_once("const ")?;
            let (name, value) = rest.split_once(": &str = \"")?;
            let path = value.strip_suffix("\";")?;
            path.starts_with('/').then_some((name, path))
        })
        .collect()
}

/// What each command lets its caller do is written down.
pub(crate) fn explained(world: &World) -> Vec<Problem> {
    const FILE: &str = "docs/security.md";
    let text = match world.tree.text(FILE) {
        Ok(text) => text,
        Err(problem) => return vec![problem],
    };
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with('|')).collect();
    let mut problems = Vec::new();
    for entry in &world.rbac.executions {
        let path = format!("`{}`", entry.fields[5]);
        let granted = entry.fields[6].replace(';', "; ");
        let told = |row: &&&str| row.contains(&path) && row.contains(&format!("`{granted}`"));
        if rows.iter().find(told).is_none() {
            problems.push(Problem::new(FILE, format!("no row has {path} with `{granted}`")));
        }
    }
    problems
}
