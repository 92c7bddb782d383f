//! What pkglint(1) and pkg(7) want of packages, as far as it shows in the
//! manifests. Numbers are those of pkglint's checks (pkg5, src/modules/lint).

use std::collections::BTreeMap;

use crate::ips::{Action, Package, name_of};
use crate::problem::Problem;
use crate::system;
use crate::world::World;

/// Attributes that pkg(7) itself writes with an underscore.
const UNDERSCORED: &[&str] = &["restart_fmri"];

/// The attributes that each kind of action may have here.
const KINDS: &[(&str, &[&str])] = &[
    ("set", &["name", "value"]),
    ("license", &["license"]),
    ("depend", &["type", "fmri"]),
    ("dir", &["path", "owner", "group", "mode"]),
    ("file", &["path", "owner", "group", "mode", "preserve", "restart_fmri", "facet.doc.man"]),
    ("link", &["path", "target"]),
    ("group", &["groupname"]),
    ("user", &["username", "group", "gcos-field", "home-dir", "login-shell"]),
];

/// manifest008, 009, 010; the version is the workspace's.
pub(crate) fn descriptions(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    for package in &world.packages {
        let mut say = |text: String| problems.push(Problem::new(package.file.clone(), text));
        for name in ["pkg.fmri", "pkg.summary", "pkg.description", "info.classification"] {
            match package.set(name).as_slice() {
                [value] if !value.is_empty() => {}
                values => say(format!("sets {name} {} times", values.len())),
            }
        }
        if package.set("pkg.summary") == package.set("pkg.description") {
            say("has a description that only repeats the summary".to_owned());
        }
        for class in package.set("info.classification") {
            let known = class.strip_prefix("org.opensolaris.category.2008:");
            if !known.is_some_and(|class| system::CLASSIFICATIONS.contains(&class)) {
                say(format!("is classified as {class}, which does not exist"));
            }
        }
        if package.set("pkg.fmri").iter().any(|fmri| !fmri.ends_with(&world.version)) {
            say(format!("is not of the version {}", world.version));
        }
        if package.of("license").count() != 1 {
            say("has not exactly one licence".to_owned());
        }
    }
    let workspace = world.tree.text("Cargo.toml").unwrap_or_default();
    if !workspace.contains(&format!("\nversion = \"{}\"\n", world.version)) {
        let text = format!("VERSION is {}, which is not the workspace's", world.version);
        problems.push(Problem::new("ips-pkg/Makefile", text));
    }
    problems
}

/// action001 and the kinds of pkg(7), as far as they are used here.
pub(crate) fn actions(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    for action in world.packages.iter().flat_map(|package| &package.actions) {
        let Some((_, known)) = KINDS.iter().find(|(kind, _)| *kind == action.kind) else {
            problems.push(action.problem(format!("there are no actions `{}` here", action.kind)));
            continue;
        };
        for (name, _) in action.attributes() {
            if !known.contains(&name.as_str()) {
                problems.push(action.problem(format!("{name} does not belong here")));
            } else if name.contains('_') && !UNDERSCORED.contains(&name.as_str()) {
                problems.push(action.problem(format!("{name} has an underscore")));
            }
        }
        let payload = matches!(action.kind.as_str(), "file" | "license");
        if payload != action.payload.is_some() {
            problems.push(action.problem("has a payload and should not, or the other way round"));
        }
        let path = action.get("path").unwrap_or("x");
        let below = |folder: &&&str| path == **folder || path.starts_with(&format!("{folder}/"));
        if path.starts_with('/') || path.ends_with('/') || path.contains("..") {
            problems.push(action.problem("a path has slashes only inside, and no `..`"));
        }
        if let Some(folder) = system::FORBIDDEN.iter().find(below) {
            problems.push(action.problem(format!("nothing is delivered below {folder}")));
        }
    }
    problems
}

/// A payload with a slash, or a licence, is a file of the tree; one without is a
/// program.
pub(crate) fn payloads(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    for package in &world.packages {
        for action in package.of("file").chain(package.of("license")) {
            let payload = action.payload.as_deref().unwrap_or_default();
            let there = if payload.contains('/') || action.kind == "license" {
                world.tree.has_file(payload)
            } else {
                world.tree.has_file(&source_of(payload))
            };
            if !there {
                problems.push(action.problem(format!("there is no {payload}")));
            }
        }
        for link in package.of("link") {
            let target = link.get("target").and_then(|target| target.strip_prefix('/'));
            if !target.is_some_and(|target| package_delivers(package, target)) {
                problems.push(link.problem("leads to nothing that this package delivers"));
            }
        }
    }
    problems
}

/// Where a program's source is: programs are in `cmd/`, but for one that
/// belongs to a library.
fn source_of(program: &str) -> String {
    match program {
        "solstice-console" => "lib/hypervisor-zones/src/bin/solstice-console.rs".to_owned(),
        _ => format!("cmd/{program}/src/main.rs"),
    }
}

fn package_delivers(package: &Package, path: &str) -> bool {
    package.of("file").any(|action| action.get("path") == Some(path))
}

/// action002, and owners who exist.
pub(crate) fn modes(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    for package in &world.packages {
        let installed = world.installed_with(package);
        let known = |kind: &str, attribute: &str, name: &str| {
            let mut all = installed.iter().flat_map(|package| package.of(kind));
            all.any(|action| action.get(attribute) == Some(name))
        };
        for action in package.of("file").chain(package.of("dir")) {
            let owner = action.get("owner").unwrap_or_default();
            if !system::USERS.contains(&owner) && !known("user", "username", owner) {
                problems.push(action.problem(format!("the owner {owner:?} is not known")));
            }
            let group = action.get("group").unwrap_or_default();
            if !system::GROUPS.contains(&group) && !known("group", "groupname", group) {
                problems.push(action.problem(format!("the group {group:?} is not known")));
            }
            problems.extend(mode(action).into_iter().map(|text| action.problem(text)));
        }
    }
    problems
}

/// What a mode has against it.
fn mode(action: &Action) -> Option<String> {
    let text = action.get("mode").unwrap_or_default();
    let Some(mode) = u32::from_str_radix(text, 8).ok().filter(|_| matches!(text.len(), 3 | 4))
    else {
        return Some(format!("{text:?} is no mode"));
    };
    let (user, group, other) = (mode >> 6 & 7, mode >> 3 & 7, mode & 7);
    if other > group || group > user {
        return Some(format!("mode {text} gives others more than those before them"));
    }
    if (group | other) & 2 != 0 {
        return Some(format!("mode {text} lets others write"));
    }
    if mode > 0o777 {
        return Some(format!("mode {text} sets ids, or is sticky"));
    }
    let path = action.get("path").unwrap_or_default();
    let runs = ["/bin/", "/sbin/", "usr/lib/solstice/", "lib/svc/method/"];
    let program = runs.iter().any(|place| path.contains(place));
    let executable = action.kind == "dir" || program;
    (executable != (user & 1 == 1)).then(|| format!("mode {text} does not fit {path}"))
}

/// dupaction001 and 007; IPS makes directories that nobody delivers, but with
/// attributes of its own.
pub(crate) fn paths(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut seen: BTreeMap<&str, &Action> = BTreeMap::new();
    for action in world.packages.iter().flat_map(|package| &package.actions) {
        let Some(path) = action.get("path") else { continue };
        if let Some(first) = seen.insert(path, action) {
            let same = action.kind == "dir" && first.attributes() == action.attributes();
            if !same {
                problems.push(action.problem(format!("{path} is already at {}", first.place)));
            }
        }
    }
    for package in &world.packages {
        let installed = world.installed_with(package);
        let dirs: Vec<_> = installed.iter().flat_map(|package| package.of("dir")).collect();
        for action in package.actions.iter().filter(|action| action.kind != "dir") {
            let parent = action.get("path").and_then(|path| path.rsplit_once('/'));
            let Some((parent, _)) = parent else { continue };
            let delivered = dirs.iter().any(|dir| dir.get("path") == Some(parent));
            if !delivered && !system::DIRECTORIES.contains(&parent) {
                problems.push(action.problem(format!("nobody delivers the directory {parent}")));
            }
        }
    }
    problems
}

/// manifest011, and what has to be told of new files: svc:/system/manifest-import
/// of manifests, svc:/system/rbac of fragments.
pub(crate) fn actuators(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    for package in &world.packages {
        let mut services = Vec::new();
        for action in package.of("file") {
            let path = action.get("path").unwrap_or_default();
            let payload = action.payload.as_deref().unwrap_or_default();
            let wanted = if path.starts_with("lib/svc/manifest/") {
                let service = world.services.iter().find(|service| service.file == payload);
                services.extend(service.map(|service| format!("{}:default", service.fmri)));
                Some("svc:/system/manifest-import:default")
            } else if path.contains("_attr.d/") {
                Some("svc:/system/rbac:default")
            } else {
                None
            };
            if action.get("restart_fmri") != wanted {
                problems.push(action.problem(format!("restarts not {wanted:?}")));
            }
        }
        if package.set("org.opensolaris.smf.fmri") != services {
            let text = format!("delivers {services:?} and says otherwise");
            problems.push(Problem::new(package.file.clone(), text));
        }
    }
    for service in world.services.iter().filter(|it| world.package_of(&it.file).is_none()) {
        problems.push(Problem::new(service.file.clone(), "no package delivers it"));
    }
    problems
}

/// action005 and 006: FMRIs without publisher, of packages that there are.
pub(crate) fn depends(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    for action in world.packages.iter().flat_map(|package| package.of("depend")) {
        let fmri = action.get("fmri").unwrap_or_default();
        let Some(name) = name_of(fmri) else {
            problems.push(action.problem(format!("{fmri:?} is not pkg:/NAME")));
            continue;
        };
        let ours = world.packages.iter().any(|package| package.name() == name);
        if ours && !fmri.ends_with(&format!("@{}", world.version)) {
            problems.push(action.problem(format!("{name} is ours: of the same version")));
        }
        if !ours && !system::PACKAGES.contains(&name) {
            problems.push(action.problem(format!("{name} is not known to exist")));
        }
        if action.get("type") != Some("require") {
            problems.push(action.problem("is of another type than `require`"));
        }
    }
    problems
}

/// action010; homes are delivered, and belong to those who live there.
pub(crate) fn users(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    for package in &world.packages {
        for (kind, attribute) in [("user", "username"), ("group", "groupname")] {
            for action in package.of(kind) {
                let name = action.get(attribute).unwrap_or_default();
                let well = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
                if !begins || name.len() > 32 || !name.chars().all(well) {
                    problems.push(action.problem(format!("{name:?} is no name of a {kind}")));
                }
            }
        }
        for user in package.of("user") {
            let group = user.get("group");
            if !package.of("group").any(|it| it.get("groupname") == group) {
                problems.push(user.problem("has a group that the package does not deliver"));
            }
            let home = user.get("home-dir").and_then(|home| home.strip_prefix('/'));
            let lives =
                |dir: &Action| dir.get("path") == home && dir.get("owner") == user.get("username");
            if home.is_none() || !package.of("dir").any(lives) {
                problems.push(user.problem("has a home that the package does not give to it"));
            }
        }
    }
    problems
}

/// What an operator edits survives updates, and names secrets' places.
pub(crate) fn configuration(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    for action in world.packages.iter().flat_map(|package| package.of("file")) {
        let path = action.get("path").unwrap_or_default();
        let edited = path.starts_with("etc/solstice/");
        if edited != (action.get("preserve") == Some("renamenew")) {
            problems.push(action.problem("preserve=renamenew is for configuration, and only that"));
        }
        if edited && !action.get("mode").is_some_and(|mode| mode.ends_with('0')) {
            problems.push(action.problem("everybody may read this configuration"));
        }
    }
    problems
}
