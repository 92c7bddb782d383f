//! The databases as they are written, and what they grant to a user.

use std::collections::BTreeMap;

use super::State;

/// The most profiles that a user's profiles come to (`MAXPROFS`).
const MAX_PROFILES: usize = 10_000;
/// The profile behind which no default is considered.
const STOP: &str = "Stop";

/// Attributes of a line: `key=value;key=value`.
pub(super) type Attributes = BTreeMap<String, String>;

/// The databases, read.
pub(super) struct Databases {
    users: Vec<(String, Attributes)>,
    profiles: Vec<(String, Attributes)>,
    executions: Vec<Execution>,
    policy: Attributes,
}

/// A line of exec_attr.
struct Execution {
    profile: String,
    path: String,
    attributes: Attributes,
}

impl Databases {
    /// Reads them. Lines that are none are passed over, as the library does.
    pub(super) fn read(state: &State) -> Self {
        Self {
            users: named_lines(&state.user_attr),
            profiles: named_lines(&state.prof_attr),
            executions: lines(&state.exec_attr).filter_map(|line| execution(&line)).collect(),
            policy: policy(&state.policy_conf),
        }
    }

    /// The profiles of a user, each followed by those that it includes, and
    /// then the default ones of policy.conf.
    ///
    /// illumos-gate usr/src/lib/libsecdb/common/chkauthattr.c `_enum_common`.
    pub(super) fn profiles_of(&self, user: &str) -> Vec<String> {
        let mut found = Vec::new();
        self.collect(list(self.user(user), "profiles"), &mut found);
        if found.last().map(String::as_str) != Some(STOP) {
            self.collect(list(Some(&self.policy), "PROFS_GRANTED"), &mut found);
        }
        found
    }

    fn collect(&self, names: Vec<String>, found: &mut Vec<String>) {
        for name in names {
            let stopped = found.last().map(String::as_str) == Some(STOP);
            if stopped || found.len() >= MAX_PROFILES {
                return;
            }
            if !found.contains(&name) {
                let included = list(self.profile(&name), "profiles");
                found.push(name);
                self.collect(included, found);
            }
        }
    }

    /// The authorizations of a user: their own, those of their profiles, and
    /// the default ones.
    pub(super) fn authorizations_of(&self, user: &str) -> Vec<String> {
        let mut granted = list(self.user(user), "auths");
        let profiles = self.profiles_of(user);
        for profile in &profiles {
            granted.extend(list(self.profile(profile), "auths"));
        }
        if profiles.last().map(String::as_str) != Some(STOP) {
            granted.extend(list(Some(&self.policy), "AUTHS_GRANTED"));
        }
        granted
    }

    /// The privileges that a user's profiles grant by themselves, `pfexec -P`,
    /// each as the text of a set.
    pub(super) fn privileges_of(&self, user: &str) -> Vec<String> {
        let profiles = self.profiles_of(user);
        let attributes = profiles.iter().filter_map(|name| self.profile(name));
        attributes.filter_map(|of| of.get("privs").cloned()).collect()
    }

    /// What the first of a user's profiles that knows this path says of it.
    /// `None` if none does, not even by `*`.
    pub(super) fn execution(&self, user: &str, path: &str) -> Option<&Attributes> {
        let patterns = patterns(path);
        self.profiles_of(user).iter().find_map(|profile| {
            let of_profile = |pattern: &String| {
                let mut all = self.executions.iter();
                all.find(|line| line.profile == *profile && line.path == *pattern)
            };
            patterns.iter().find_map(of_profile).map(|line| &line.attributes)
        })
    }

    fn user(&self, name: &str) -> Option<&Attributes> {
        find(&self.users, name)
    }

    fn profile(&self, name: &str) -> Option<&Attributes> {
        find(&self.profiles, name)
    }
}

fn find<'a>(all: &'a [(String, Attributes)], name: &str) -> Option<&'a Attributes> {
    all.iter().find(|(known, _)| known == name).map(|(_, attributes)| attributes)
}

/// What a path may be listed as: itself, everything in its directory or one
/// above, everything (`_exec_wild_id` of libnsl).
fn patterns(path: &str) -> Vec<String> {
    let mut patterns = vec![path.to_owned()];
    let mut rest = path;
    while let Some((above, _)) = rest.rsplit_once('/') {
        patterns.push(format!("{above}/*"));
        rest = above;
    }
    patterns.push("*".to_owned());
    patterns
}

/// The lines but for comments, a backslash at the end joined with the next.
fn lines(text: &str) -> impl Iterator<Item = String> {
    let joined = text.replace("\\\n", "\n\\");
    let mut whole: Vec<String> = Vec::new();
    for line in joined.lines() {
        match (line.strip_prefix('\\'), whole.last_mut()) {
            (Some(more), Some(last)) => last.push_str(more.trim_start()),
            _ => whole.push(line.to_owned()),
        }
    }
    whole.into_iter().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// user_attr and prof_attr: `name:…:…:…:attributes`.
fn named_lines(text: &str) -> Vec<(String, Attributes)> {
    let entry = |line: String| match divided(&line, ':').as_slice() {
        [name, _, _, _, attributes] if !name.is_empty() => {
            Some((unescaped(name), attributes_of(attributes)))
        }
        _ => None,
    };
    lines(text).filter_map(entry).collect()
}

/// exec_attr: `profile:policy:type:::path:attributes`.
fn execution(line: &str) -> Option<Execution> {
    match divided(line, ':').as_slice() {
        [profile, "solaris" | "suser", "cmd", _, _, path, attributes] => Some(Execution {
            profile: unescaped(profile),
            path: unescaped(path),
            attributes: attributes_of(attributes),
        }),
        _ => None,
    }
}

fn attributes_of(text: &str) -> Attributes {
    let pairs = divided(text, ';');
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=')?;
        Some((key.trim().to_owned(), unescaped(value.trim())))
    };
    pairs.into_iter().filter_map(pair).collect()
}

/// policy.conf: `KEY=value`.
fn policy(text: &str) -> Attributes {
    let pair = |line: String| {
        let (key, value) = line.split_once('=')?;
        Some((key.to_owned(), value.trim().to_owned()))
    };
    lines(text).filter_map(pair).collect()
}

fn list(attributes: Option<&Attributes>, key: &str) -> Vec<String> {
    let value = attributes.and_then(|of| of.get(key)).map_or("", String::as_str);
    value.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Divides at a character unless a backslash is before it.
fn divided(text: &str, at: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (index, character) in text.char_indices() {
        if character == at && !escaped {
            parts.push(&text[start..index]);
            start = index + at.len_utf8();
        }
        escaped = character == '\\' && !escaped;
    }
    parts.push(&text[start..]);
    parts
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let kept = if character == '\\' { characters.next() } else { Some(character) };
        plain.extend(kept);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn databases() -> Databases {
        Databases::read(&State {
            user: "u".to_owned(),
            user_attr: "u::::type=normal;profiles=Outer,Second;auths=solaris.a\n".to_owned(),
            prof_attr: "# a comment\n\
                Outer:::Text with \\: in it:profiles=Inner;auths=solaris.b,solaris.c\n\
                Inner:::x:privs=proc_owner;help=I.html\n\
                Second:::x:\nShort:x\n\
                Basic:::x:profiles=All\n"
                .to_owned(),
            exec_attr: "Second:solaris:cmd:::/usr/bin/one:uid=0\n\
                Inner:suser:cmd:::/usr/bin/one:euid=2;\\\n\tprivs=proc_owner\n\
                Inner:other:cmd:::/usr/bin/two:uid=0\n\
                Second:solaris:cmd:::/usr/lib/*:uid=3\n\
                All:suser:cmd:::*:\n"
                .to_owned(),
            policy_conf: "PROFS_GRANTED=Basic\nAUTHS_GRANTED=solaris.d\n".to_owned(),
        })
    }

    #[test]
    fn profiles_come_with_what_they_include_and_the_default_ones_last() {
        let expected = ["Outer", "Inner", "Second", "Basic", "All"];
        assert_eq!(databases().profiles_of("u"), expected);
        assert_eq!(databases().profiles_of("nobody"), ["Basic", "All"]);
    }

    #[test]
    fn the_first_profile_that_knows_the_path_wins() {
        let databases = databases();
        let found = |path| databases.execution("u", path).unwrap();
        assert_eq!(found("/usr/bin/one")["euid"], "2");
        assert_eq!(found("/usr/bin/one")["privs"], "proc_owner");
        assert!(found("/usr/bin/two").is_empty(), "a line of another policy counts for nothing");
        assert_eq!(found("/usr/lib/a/b")["uid"], "3");
    }

    #[test]
    fn authorizations_are_gathered_from_everywhere() {
        let expected = ["solaris.a", "solaris.b", "solaris.c", "solaris.d"];
        assert_eq!(databases().authorizations_of("u"), expected);
        assert_eq!(databases().privileges_of("u"), ["proc_owner"]);
    }
}
