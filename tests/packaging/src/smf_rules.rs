//! What a DTD cannot say about services and their methods.

use crate::ips::Package;
use crate::method::Script;
use crate::problem::Problem;
use crate::smf::{Context, Method, Service};
use crate::system;
use crate::world::{INCLUDE, World};

/// Where SMF's own definitions for methods are.
const SMF_INCLUDE: &str = "/lib/svc/share/smf_include.sh";

/// One instance, named `default`, that an operator enables.
pub(crate) fn instances(world: &World) -> Vec<Problem> {
    let right = [("default".to_owned(), false)];
    let wrong = world.services.iter().filter(|service| service.instances != right);
    wrong.map(|it| at(it, "has other instances than a disabled `default`")).collect()
}

/// Each is on a known service, or on a path.
pub(crate) fn dependencies(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    for service in &world.services {
        for dependency in &service.dependencies {
            for fmri in &dependency.fmris {
                let known = match dependency.kind.as_str() {
                    "service" => system::SERVICES.iter().any(|(name, _)| name == fmri),
                    "path" => fmri.starts_with("file://localhost/"),
                    _ => false,
                };
                if !known {
                    let name = &dependency.name;
                    problems.push(at(service, format!("{name}: {fmri} is not known to exist")));
                }
            }
            if dependency.fmris.is_empty() {
                problems.push(at(service, format!("{} depends on nothing", dependency.name)));
            }
        }
    }
    problems
}

/// Each executes a delivered script with a verb that it takes, or `:kill` or
/// `:true`; tokens are of properties that exist.
pub(crate) fn methods(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    for service in &world.services {
        for (name, method) in &service.methods {
            if method.timeout.parse::<u32>().is_err() {
                let text = format!("{name} has the timeout {:?}, not seconds", method.timeout);
                problems.push(at(service, text));
            }
            problems.extend(exec(world, service, name, method));
        }
        for needed in ["start", "stop"] {
            if !service.methods.contains_key(needed) {
                problems.push(at(service, format!("has no method {needed}")));
            }
        }
    }
    problems
}

fn exec(world: &World, service: &Service, name: &str, method: &Method) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut words = method.exec.split(' ');
    let program = words.next().unwrap_or_default();
    // The daemons end at SIGHUP: a refresh that sends one would be a lie.
    if matches!(program, ":kill" | ":true") {
        if program == ":kill" && name == "refresh" {
            problems.push(at(service, "a refresh by a signal, which the daemon does not know"));
        }
        return problems;
    }
    match world.script_at(program) {
        None => problems.push(at(service, format!("{name}: no package delivers {program}"))),
        Some(script) if !script.takes(name) || words.next() != Some(name) => {
            problems.push(at(service, format!("{name}: {} takes no such word", script.file)));
        }
        Some(_) => {}
    }
    for token in method.exec.split("%{").skip(1).filter_map(|rest| rest.split('}').next()) {
        if !has_property(service, token) {
            problems.push(at(service, format!("{name}: there is no property {token}")));
        }
    }
    problems
}

/// Whether a property is set by the manifest, or kept by the framework.
pub(crate) fn has_property(service: &Service, name: &str) -> bool {
    let (group, property) = name.split_once('/').unwrap_or((name, ""));
    system::FRAMEWORK_PROPERTIES.contains(&name) || !service.values(group, property).is_empty()
}

/// Sources: startd/method.c ("Invalid use of \":kill\" as stop method for
/// transient service"), startd/wait.c.
pub(crate) fn durations(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    for service in &world.services {
        let duration = service.values("startd", "duration").first().map(String::as_str);
        let is = |name: &str, exec: &str| {
            service.methods.get(name).is_some_and(|method| method.exec.starts_with(exec))
        };
        let limit = |name: &str| {
            service.methods.get(name).and_then(|method| method.timeout.parse::<u32>().ok())
        };
        match duration {
            Some("child") => {
                if limit("start") != Some(0) {
                    problems.push(at(service, "a child's start has a limit, which means nothing"));
                }
                if is("stop", ":true") || limit("stop") == Some(0) {
                    problems.push(at(service, "a child is not stopped, or for ever"));
                }
                if service.methods.contains_key("refresh") && limit("refresh") == Some(0) {
                    problems.push(at(service, "a refresh without limit blocks every other change"));
                }
            }
            Some("transient") if is("stop", ":kill") => {
                problems.push(at(service, "a transient service has no contract to :kill"));
            }
            Some("transient") => {}
            _ => problems.push(at(service, "does not say how it runs (startd/duration)")),
        }
    }
    problems
}

/// The stop method has to be given as long as the sample's drain takes, and
/// what it keeps for itself.
pub(crate) fn drain_time(world: &World) -> Vec<Problem> {
    const FILE: &str = "smf/method/solstice-orchestrator";
    let Some(script) = world.scripts.get(FILE) else {
        return vec![Problem::new(FILE, "is missing")];
    };
    let seconds = |name| script.constant(name).unwrap_or(0);
    let reserve = seconds("RESERVE_SECONDS");
    let mut problems = Vec::new();
    if reserve <= seconds("DAEMON_SECONDS") + seconds("COMMANDS_SECONDS") {
        problems.push(Problem::new(FILE, "RESERVE_SECONDS is not more than what it is for"));
    }
    let drain = world.tree.text("manifests/orchestrator.kdl").ok().and_then(|text| drain(&text));
    let Some(drain) = drain else {
        return vec![Problem::new("manifests/orchestrator.kdl", "has no drain_timeout in minutes")];
    };
    for service in world.services.iter().filter(|it| it.fmri.ends_with("/orchestrator")) {
        let stop = service.methods.get("stop").and_then(|stop| stop.timeout.parse().ok());
        if stop.unwrap_or(0_u64) < drain + reserve {
            problems.push(at(service, format!("a drain of {drain} s has no time in stop")));
        }
    }
    problems
}

/// The seconds of `drain_timeout "Nm"`.
fn drain(text: &str) -> Option<u64> {
    let (_, rest) = text.split_once("drain_timeout \"")?;
    let (minutes, _) = rest.split_once("m\"")?;
    Some(minutes.parse::<u64>().ok()? * 60)
}

/// Users and groups come with the package or with one that it requires, and
/// so does the directory to start in.
pub(crate) fn credentials(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (service, name, context) in contexts(world) {
        let Some(package) = world.package_of(&service.file) else { continue };
        let installed = world.installed_with(package);
        let has = |kind: &str, attribute: &str, name: &str| {
            let mut actions = installed.iter().flat_map(|package| package.of(kind));
            actions.any(|action| action.get(attribute) == Some(name))
        };
        let mut check = |ok: bool, what: String| {
            if !ok {
                problems.push(at(service, format!("{name}: {what} is not there")));
            }
        };
        let user = &context.user;
        check(user == "root" || has("user", "username", user), format!("the user {user}"));
        match context.group.as_deref() {
            None => check(false, "a group".to_owned()),
            Some(group) => check(
                group == "root" || has("group", "groupname", group),
                format!("the group {group}"),
            ),
        }
        match context.directory.as_deref() {
            None => check(false, "a working directory".to_owned()),
            Some("/") => {}
            Some(path) => check(
                has("dir", "path", path.trim_start_matches('/')),
                format!("the directory {path}"),
            ),
        }
    }
    problems
}

/// The server is held as tightly as it can be; the orchestrator has no limit
/// set, because zoneadm(8) insists on all privileges.
pub(crate) fn privileges(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (service, name, context) in contexts(world) {
        let mut say = |text: String| problems.push(at(service, format!("{name}: {text}")));
        for set in [&context.privileges, &context.limit].into_iter().flatten() {
            for word in set.split(',').map(|word| word.trim_start_matches('!')) {
                if !system::PRIVILEGES.contains(&word) {
                    say(format!("{word} is no privilege that a service of ours may name"));
                }
            }
        }
        if context.user != "root" && context.privileges.is_none() {
            say("privileges are not named".to_owned());
        }
        match service.fmri.as_str() {
            it if it.ends_with("/orchestrator") && context.limit.is_some() => {
                say("a limit set keeps zoneadm from the full set that it insists on".to_owned());
            }
            it if it.ends_with("/server") && context.limit != context.privileges => {
                say("the limit set is wider than what the server has".to_owned());
            }
            _ => {}
        }
    }
    problems
}

/// Authorizations are those that the packages deliver.
pub(crate) fn authorizations(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    for service in &world.services {
        for (group, content) in &service.groups {
            for (name, property) in &content.properties {
                let wrong = property.values.iter().filter(|value| {
                    !world.rbac.authorizations.iter().any(|entry| entry.name() == value.as_str())
                });
                if name.ends_with("_authorization") {
                    problems.extend(wrong.map(|value| {
                        at(service, format!("{group}/{name}: nobody delivers {value}"))
                    }));
                }
            }
        }
    }
    problems
}

/// By the names of smf_include.sh; a plain number only where SMF has no name.
pub(crate) fn exits(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    for script in world.scripts.values() {
        for name in script.exits().filter(|name| !system::EXITS.contains(name)) {
            problems.push(in_script(script, format!("SMF has no {name}")));
        }
        for number in script.numeric_exits().into_iter().filter(|number| *number != "1") {
            problems.push(in_script(script, format!("exits with {number} and not by name")));
        }
    }
    problems
}

/// Absolute paths in scripts and in properties lead to what the package, one
/// that it requires, or the system delivers.
pub(crate) fn references(world: &World) -> Vec<Problem> {
    let mut problems = Vec::new();
    for script in world.scripts.values() {
        let Some(package) = world.package_of(&script.file) else {
            problems.push(in_script(script, "is in no package"));
            continue;
        };
        let unknown = script.paths().filter(|path| !is_there(world, package, path));
        problems.extend(unknown.map(|path| in_script(script, format!("nobody delivers {path}"))));
        let method = script.file.starts_with("smf/method/");
        if method && !(script.sources(SMF_INCLUDE) && script.sources(INCLUDE)) {
            problems.push(in_script(script, "does not source what methods need"));
        }
    }
    for service in &world.services {
        let Some(package) = world.package_of(&service.file) else {
            problems.push(at(service, "is in no package"));
            continue;
        };
        let values = service.groups.values().flat_map(|group| group.properties.values());
        for value in values.flat_map(|property| &property.values) {
            if value.starts_with('/') && !is_there(world, package, value) {
                problems.push(at(service, format!("nobody delivers {value}")));
            }
        }
    }
    problems
}

fn is_there(world: &World, package: &Package, path: &str) -> bool {
    let ours = |package: &&Package| {
        let mut actions = package.actions.iter();
        actions.any(|action| action.get("path") == path.strip_prefix('/'))
    };
    system::FILES.contains(&path)
        || system::MADE_LATER.contains(&path)
        || world.installed_with(package).iter().any(ours)
}

/// Every context with its service and what it is of.
fn contexts(world: &World) -> impl Iterator<Item = (&Service, &str, &Context)> {
    world.services.iter().flat_map(|service| {
        let methods = service.methods.iter().filter(|(_, method)| !method.exec.starts_with(':'));
        methods.filter_map(move |(name, method)| {
            service.context_of(method).map(|context| (service, name.as_str(), context))
        })
    })
}

fn at(service: &Service, text: impl Into<String>) -> Problem {
    Problem::new(service.file.clone(), text)
}

fn in_script(script: &Script, text: impl Into<String>) -> Problem {
    Problem::new(script.file.clone(), text)
}
