//! svccfg(8): properties, and manifests.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use super::fmri::{self, Target};
use super::repository::{Group, Groups, Property, State, value};
use super::{manifest, may, not_simulated, svcprop};
use crate::Reply;
use crate::command::rbac::Caller;

const USAGE: &str =
    "Usage:\tsvccfg [-v] [-s FMRI] [-f file]\n\tsvccfg [-v] [-s FMRI] <command> [args]";
/// The project's copy of the DTD, if the source tree is there.
const DTD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/dtd/service_bundle.dtd.1");
/// Types of properties that have the same values as text.
const TEXTS: &[&str] = &["astring", "ustring", "opaque", "host", "hostname", "uri", "fmri"];
const TYPES: &[&str] =
    &["boolean", "count", "integer", "time", "net_address", "net_address_v4", "net_address_v6"];

/// Runs it.
pub(super) fn run(state: &mut State, caller: &Caller, arguments: &[String]) -> Reply {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["validate", file] => match checked(file) {
            Ok(_) => Reply::ok(),
            Err(reply) => reply,
        },
        ["import", file] | ["import", "-V", file] => import(state, caller, file),
        ["-s", text, command @ ..] if !command.is_empty() => {
            selected(state, caller, text, &command.join(" "))
        }
        [] => not_simulated("svccfg as a conversation"),
        [word, ..] if word.starts_with('-') => Reply::fail(2, USAGE),
        [word, ..] => not_simulated(&format!("svccfg {word}")),
    }
}

fn fail(line: impl AsRef<str>) -> Reply {
    Reply::fail(1, format!("svccfg: {}", line.as_ref()))
}

fn syntax() -> Reply {
    fail("Syntax error.")
}

/// Reads a manifest. It is checked against the DTD if that and xmllint(1) are there.
fn checked(file: &str) -> Result<std::collections::BTreeMap<String, super::Service>, Reply> {
    let text = std::fs::read_to_string(file).map_err(|_| fail("couldn't parse document"))?;
    let services = manifest::parse(&text)
        .map_err(|why| Reply::fail(1, format!("{file}: {why}\nsvccfg: couldn't parse document")))?;
    match invalid(&text) {
        Some(why) => {
            Err(Reply::fail(1, format!("{}\nsvccfg: Document is not valid.", why.trim_end())))
        }
        None => Ok(services),
    }
}

/// What xmllint says against a manifest.
fn invalid(text: &str) -> Option<String> {
    if !Path::new(DTD).is_file() {
        return None;
    }
    // The system identifier names a file that only illumos has.
    let arguments = ["--nonet", "--noout", "--dtdvalid", DTD, "-"];
    let mut lint = Command::new("xmllint");
    let lint = lint.args(arguments).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut lint = lint.spawn().ok()?;
    let mut stdin = lint.stdin.take().expect("the standard input is a pipe");
    // If it ends early it says why.
    let _ended = stdin.write_all(text.as_bytes());
    drop(stdin);
    let output = lint.wait_with_output().ok()?;
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

fn import(state: &mut State, caller: &Caller, file: &str) -> Reply {
    let services = match checked(file) {
        Ok(services) => services,
        Err(reply) => return reply,
    };
    if !may(caller, &["solaris.smf.modify"]) {
        return fail("Permission denied.");
    }
    state.import(services);
    state.settle();
    Reply::ok()
}

fn selected(state: &mut State, caller: &Caller, text: &str, command: &str) -> Reply {
    let mut found = fmri::entities(state, text);
    if found.len() != 1 {
        return match found.len() {
            0 => fail(format!("Pattern '{text}' doesn't match any instances or services")),
            _ => fail(format!("Pattern '{text}' matches multiple instances or services")),
        };
    }
    let target = found.remove(0);
    let Some(words) = words(command) else { return syntax() };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["listprop"] => Ok(listed(groups(state, &target), None)),
        ["listprop", pattern] => Ok(listed(groups(state, &target), Some(pattern))),
        ["refresh"] => refresh(state, caller, &target),
        ["addpg", name, kind] => add_group(state, caller, &target, name, kind),
        ["delpg", name] => remove_group(state, caller, &target, name),
        ["setprop", name, "=", rest @ ..] => set(state, caller, &target, name, rest),
        ["setprop" | "listprop" | "refresh" | "addpg" | "delpg", ..] => Err(syntax()),
        [word, ..] => Err(not_simulated(&format!("svccfg -s … {word}"))),
        [] => Err(syntax()),
    };
    done.unwrap_or_else(|reply| reply)
}

/// The words of a command: blanks divide, `=`, `(`, `)` and `:` behind a type
/// stand alone, `"` quotes and `\` quotes within.
fn words(command: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut letters = command.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' | '\t' => {}
            '=' | '(' | ')' => words.push(letter.to_string()),
            '"' => {
                let mut word = String::new();
                loop {
                    match letters.next()? {
                        '"' => break,
                        '\\' => word.push(letters.next()?),
                        other => word.push(other),
                    }
                }
                words.push(word);
            }
            _ => {
                let mut word = letter.to_string();
                while let Some(next) = letters.next_if(|c| !" \t=()\"".contains(*c)) {
                    word.push(next);
                }
                words.push(word);
            }
        }
    }
    Some(words)
}

fn groups<'a>(state: &'a mut State, target: &Target) -> &'a mut Groups {
    let service = state.services.get_mut(&target.0).expect("it was just found");
    match &target.1 {
        Some(name) => &mut service.instances.get_mut(name).expect("it was just found").groups,
        None => &mut service.groups,
    }
}

/// Group and property in a name `group/property`.
fn named(name: &str) -> Result<(&str, &str), Reply> {
    match name.split_once('/') {
        Some((group, property)) if svcprop::valid(group) && svcprop::valid(property) => {
            Ok((group, property))
        }
        _ => Err(syntax()),
    }
}

/// Who may change a group: smf_security(7).
fn permitted(caller: &Caller, group: Option<&Group>, kind: &str, values_only: bool) -> bool {
    let of_kind = format!("solaris.smf.modify.{kind}");
    let mut names = vec!["solaris.smf.modify".to_owned(), of_kind];
    let own = |property: &str| {
        let values = group.and_then(|group| group.properties.get(property));
        values.map(|property| property.values.clone()).unwrap_or_default()
    };
    names.extend(own("modify_authorization"));
    if values_only {
        names.extend(own("value_authorization"));
    }
    may(caller, &names.iter().map(String::as_str).collect::<Vec<_>>())
}

fn add_group(
    state: &mut State,
    caller: &Caller,
    target: &Target,
    name: &str,
    kind: &str,
) -> Result<Reply, Reply> {
    if !svcprop::valid(name) || !svcprop::valid(kind) {
        return Err(syntax());
    }
    let groups = groups(state, target);
    if groups.contains_key(name) {
        return Err(fail(format!("Property group \"{name}\" already exists.")));
    }
    if !permitted(caller, None, kind, false) {
        return Err(fail("Permission denied."));
    }
    groups.insert(name.to_owned(), Group { kind: kind.to_owned(), ..Group::default() });
    Ok(Reply::ok())
}

fn remove_group(
    state: &mut State,
    caller: &Caller,
    target: &Target,
    name: &str,
) -> Result<Reply, Reply> {
    let groups = groups(state, target);
    let group = groups.get(name);
    let kind = match group {
        Some(group) => group.kind.clone(),
        None => return Err(fail(format!("No such property group \"{name}\"."))),
    };
    if !permitted(caller, group, &kind, false) {
        return Err(fail("Permission denied."));
    }
    groups.remove(name);
    Ok(Reply::ok())
}

/// `[TYPE:] VALUE` or `[TYPE:] (VALUE…)`.
fn typed_values<'a>(rest: &[&'a str]) -> Option<(Option<&'a str>, Vec<String>)> {
    let (kind, values) = match rest.split_first() {
        Some((first, values)) if first.ends_with(':') && !values.is_empty() => {
            (Some(first.trim_end_matches(':')), values)
        }
        _ => (None, rest),
    };
    let values = match values {
        ["(", inner @ .., ")"] => inner,
        [value] if !["(", ")", "="].contains(value) => values,
        _ => return None,
    };
    Some((kind, values.iter().map(|value| (*value).to_owned()).collect()))
}

fn set(
    state: &mut State,
    caller: &Caller,
    target: &Target,
    name: &str,
    rest: &[&str],
) -> Result<Reply, Reply> {
    let (group_name, property_name) = named(name)?;
    let (kind, values) = typed_values(rest).ok_or_else(syntax)?;
    // A group that only the service has is none of the instance's.
    let groups = groups(state, target);
    let group = groups.get(group_name);
    let group = group.ok_or_else(|| fail(format!("No such property group \"{group_name}\".")))?;
    let known = group.properties.get(property_name).map(|known| known.kind.as_str());
    let kind = kind.or(known).ok_or_else(|| fail("Type required for new properties."))?;
    if !TEXTS.contains(&kind) && !TYPES.contains(&kind) {
        return Err(fail(format!("Unknown property type \"{kind}\".")));
    }
    if let Some(value) = values.iter().find(|value| !fits(kind, value)) {
        return Err(fail(format!("Invalid \"{kind}\" value \"{value}\".")));
    }
    if !permitted(caller, Some(group), &group.kind, known == Some(kind)) {
        return Err(fail("Permission denied."));
    }
    let property = Property { kind: kind.to_owned(), values };
    let group = groups.get_mut(group_name).expect("it was just found");
    group.properties.insert(property_name.to_owned(), property);
    Ok(Reply::ok())
}

fn fits(kind: &str, value: &str) -> bool {
    match kind {
        "boolean" => ["true", "false", "0", "1"].contains(&value),
        "count" => value.parse::<u64>().is_ok(),
        "integer" => value.parse::<i64>().is_ok(),
        "time" => value.parse::<f64>().is_ok(),
        "net_address_v4" => value.parse::<std::net::Ipv4Addr>().is_ok(),
        "net_address_v6" => value.parse::<std::net::Ipv6Addr>().is_ok(),
        "net_address" => value.parse::<std::net::IpAddr>().is_ok(),
        _ => true,
    }
}

fn refresh(state: &mut State, caller: &Caller, target: &Target) -> Result<Reply, Reply> {
    let (service, Some(name)) = target else {
        return Err(not_simulated("svccfg refresh of a service"));
    };
    let running = &state.services[service].instances[name].running;
    let own = value(running, "general", "action_authorization");
    let names: Vec<&str> =
        ["solaris.smf.manage", "solaris.smf.modify"].into_iter().chain(own).collect();
    if !may(caller, &names) {
        return Err(fail("Permission denied."));
    }
    state.refresh(service, name);
    state.settle();
    Ok(Reply::ok())
}

/// Names, types and values in columns. How wide they are on illumos is not known here.
fn listed(groups: &Groups, pattern: Option<&str>) -> Reply {
    let mut rows: Vec<(String, String, String)> = Vec::new();
    for (name, group) in groups {
        rows.push((name.clone(), group.kind.clone(), String::new()));
        for (property, found) in &group.properties {
            let values: Vec<String> = found.values.iter().map(|value| shown(value)).collect();
            rows.push((format!("{name}/{property}"), found.kind.clone(), values.join(" ")));
        }
    }
    rows.retain(|(name, _, _)| {
        pattern.is_none_or(|pattern| {
            name == pattern
                || pattern.strip_suffix('*').is_some_and(|start| name.starts_with(start))
        })
    });
    let width = rows.iter().map(|(name, _, _)| name.len()).max().unwrap_or(0);
    let line = |(name, kind, values): &(String, String, String)| {
        format!("{}\n", format!("{name:<width$}  {kind:<11}  {values}").trim_end())
    };
    Reply::out(rows.iter().map(line).collect::<String>())
}

fn shown(value: &str) -> String {
    if !value.is_empty() && !value.contains([' ', '\t', '"', '\\', '=', '(', ')']) {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_divided_like_the_lexer_does() {
        let expected = ["setprop", "a/b", "=", "astring:", "(", "x y", "z\"", ")"];
        assert_eq!(words("setprop a/b = astring: (\"x y\" \"z\\\"\")").unwrap(), expected);
        assert_eq!(words("setprop a/b=count: 1").unwrap().len(), 5);
        assert_eq!(words("setprop a/b = \"open"), None);
    }

    #[test]
    fn values_fit_their_type() {
        assert!(fits("boolean", "true") && !fits("boolean", "yes"));
        assert!(fits("count", "7") && !fits("count", "-7") && fits("integer", "-7"));
        assert!(fits("net_address_v4", "10.0.0.1") && !fits("net_address_v4", "fe80::1"));
    }

    #[test]
    fn the_manifests_of_the_project_are_valid() {
        for name in ["agent", "orchestrator", "server"] {
            let path = format!("{}/../../smf/solstice-{name}.xml", env!("CARGO_MANIFEST_DIR"));
            assert!(checked(&path).is_ok(), "{:?}", checked(&path));
        }
    }

    #[test]
    fn elements_in_the_wrong_order_are_not_valid() {
        let text = include_str!("../../../../../smf/solstice-server.xml");
        assert_eq!(invalid(text), None);
        let instance = r#"<instance name="default" enabled="false"/>"#;
        let early = text.replace(instance, "").replace("<single_instance/>", instance);
        assert!(manifest::parse(&early).is_ok(), "only the DTD knows the order");
        assert!(invalid(&early).is_some_and(|why| why.contains("does not follow the DTD")));
    }

    #[test]
    fn importing_again_keeps_what_was_set() {
        let mut state = State::default();
        let root = Caller::root(&crate::World::default());
        let server = "application/solstice/server";
        let line = "setprop config/log_level = astring: debug";
        assert_eq!(selected(&mut state, &root, server, line), Reply::ok());
        let path = format!("{}/../../smf/solstice-server.xml", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(import(&mut state, &root, &path), Reply::ok());
        assert_eq!(value(&state.services[server].groups, "config", "log_level"), Some("debug"));
    }
}
