//! svcprop(1): properties of services and instances.

use super::repository::{Group, Groups, Instance, Property, Service, State, composed};
use super::{fmri, not_simulated};
use crate::Reply;
use crate::command::getopt::{Given, Wrong};

const USAGE: &str = "\
Usage: svcprop [-fqtv] [-C | -c | -s snapshot] [-z zone] [-p [name/]name]... 
         {FMRI | pattern}...
       svcprop -w [-fqtv] [-z zone] [-p [name/]name] {FMRI | pattern}";

/// What a shell would take amiss.
const META: &[char] =
    &[';', '&', '(', ')', '|', '^', '<', '>', '\n', ' ', '\t', '\\', '"', '\'', '`'];

/// Runs it.
pub(super) fn run(state: &State, arguments: &[String]) -> Reply {
    let given = match Given::parse(arguments, "Ccp:qs:tv", &[]) {
        Ok(given) => given,
        Err(Wrong::Unknown(letter @ ('f' | 'w' | 'z'))) => {
            return not_simulated(&format!("svcprop -{letter}"));
        }
        Err(_) => return Reply::fail(2, USAGE),
    };
    let sources = ['C', 'c', 's'].iter().filter(|letter| given.has(**letter)).count();
    if given.operands.is_empty() || sources > 1 {
        return Reply::fail(2, USAGE);
    }
    if given.all('s').any(|name| name != "running") {
        return not_simulated("svcprop -s with another snapshot than running");
    }
    let wanted = match wanted(&given) {
        Ok(wanted) => wanted,
        Err(reply) => return reply,
    };
    let mut show = Show {
        reply: Reply::ok(),
        quiet: given.has('q'),
        loud: given.has('v'),
        types: given.has('t'),
    };
    let mixed = wanted.windows(2).any(|pair| pair[0].1.is_none() != pair[1].1.is_none());
    show.types |= mixed;
    for text in given.operands {
        if text.contains("/:properties") {
            return not_simulated("svcprop for a property's FMRI");
        }
        let found = fmri::entities(state, text);
        if found.is_empty() {
            show.warn(format!("Pattern '{text}' doesn't match any entities"), true);
        }
        if found.len() > 1 || given.operands.len() > 1 {
            return not_simulated("svcprop for several services at once");
        }
        for (name, instance) in found {
            let service = &state.services[&name];
            let chosen = instance.as_ref().map(|name| &service.instances[name]);
            let groups = groups(service, chosen, &given);
            let (kind, full) = match &instance {
                Some(instance) => ("instance", fmri::instance(&name, instance)),
                None => ("service", format!("svc:/{name}")),
            };
            show.entity(&groups, &wanted, kind, &full);
        }
    }
    show.reply
}

/// The arguments of `-p`: a group, and a property if there is a `/`.
fn wanted<'a>(given: &Given<'a>) -> Result<Vec<(&'a str, Option<&'a str>)>, Reply> {
    let mut wanted = Vec::new();
    for text in given.all('p') {
        let (group, property) = match text.split_once('/') {
            Some((group, property)) => (group, Some(property)),
            None => (text, None),
        };
        if property.is_some_and(|property| property.contains('/')) {
            let line = format!("svcprop: -p argument `{text}' has too many components.");
            return Err(Reply::fail(2, format!("{line}\n{USAGE}")));
        }
        for name in [Some(group), property].into_iter().flatten() {
            if !valid(name) {
                return Err(Reply::fail(2, format!("svcprop: Invalid component name `{name}'.")));
            }
        }
        wanted.push((group, property));
    }
    Ok(wanted)
}

/// uu_check_name(3UUTIL): an optional domain and a comma, then a letter and
/// letters, digits, `_`, `-` (and `.` in a domain).
pub(super) fn valid(name: &str) -> bool {
    let (domain, name) = name.split_once(',').unwrap_or(("a", name));
    let word = |text: &str, more: &[char]| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(&c))
    };
    word(domain, &['_', '-', '.']) && word(name, &['_', '-'])
}

/// The groups that are asked for. A service has only current ones; an
/// instance those of its snapshot, and the volatile ones as they are now.
fn groups(service: &Service, instance: Option<&Instance>, given: &Given<'_>) -> Groups {
    let Some(instance) = instance else { return service.groups.clone() };
    let mut groups = match (given.has('C'), given.has('c')) {
        (true, _) => instance.groups.clone(),
        (_, true) => composed(&service.groups, &instance.groups),
        _ => instance.running.clone(),
    };
    groups.extend(instance.volatile());
    groups
}

struct Show {
    reply: Reply,
    quiet: bool,
    loud: bool,
    types: bool,
}

impl Show {
    fn entity(&mut self, groups: &Groups, wanted: &[(&str, Option<&str>)], kind: &str, full: &str) {
        if wanted.is_empty() {
            groups.iter().for_each(|(name, group)| self.group(name, group));
        }
        for (name, property) in wanted {
            match (groups.get(*name), property) {
                (None, _) => {
                    let line =
                        format!("Couldn't find property group `{name}' for {kind} `{full}'.");
                    self.warn(line, false);
                }
                (Some(group), None) => self.group(name, group),
                (Some(group), Some(property)) => match group.properties.get(*property) {
                    Some(found) => self.property(name, property, found, self.types),
                    None => {
                        let line = format!(
                            "Couldn't find property `{name}/{property}' for {kind} `{full}'."
                        );
                        self.warn(line, false);
                    }
                },
            }
        }
    }

    /// A whole group, always with types.
    fn group(&mut self, name: &str, group: &Group) {
        for (property, found) in &group.properties {
            self.property(name, property, found, true);
        }
    }

    fn property(&mut self, group: &str, name: &str, property: &Property, types: bool) {
        if self.quiet {
            return;
        }
        if types {
            self.reply.stdout.push_str(&format!("{group}/{name} {} ", property.kind));
        }
        let values: Vec<String> = property.values.iter().map(|value| quoted(value)).collect();
        self.reply.stdout.push_str(&values.join(" "));
        self.reply.stdout.push('\n');
    }

    fn warn(&mut self, line: String, about_pattern: bool) {
        self.reply.code = 1;
        if !self.quiet || (self.loud && !about_pattern) {
            self.reply.stderr.push_str(&format!("svcprop: {line}\n"));
        }
    }
}

/// A value for a shell.
fn quoted(value: &str) -> String {
    if value.is_empty() {
        return "\"\"".to_owned();
    }
    let mut quoted = String::with_capacity(value.len());
    for letter in value.chars() {
        if META.contains(&letter) {
            quoted.push('\\');
        }
        quoted.push(letter);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_for_a_shell() {
        assert_eq!(quoted("hello world (x)"), "hello\\ world\\ \\(x\\)");
        assert_eq!(quoted("a\"b'c\\"), "a\\\"b\\'c\\\\");
        assert_eq!(quoted(""), "\"\"");
        assert_eq!(quoted("/a=b,$c"), "/a=b,$c");
    }

    #[test]
    fn names_have_letters_digits_and_dashes() {
        assert!(valid("config") && valid("SUNW,x-y_1") && valid("a.b,c"));
        assert!(!valid("") && !valid("1a") && !valid("a.b") && !valid("a b"));
    }
}
