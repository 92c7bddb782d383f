//! Names that came from outside, checked once, at the border.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a text is not a name of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a {kind}: {why}")]
pub struct BadName {
    /// What it should have been, for people.
    pub kind: &'static str,
    /// The text as given, cut to 80 characters.
    pub given: String,
    /// The rule that it breaks.
    pub why: &'static str,
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident, $kind:literal, $check:path;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadName;

            fn from_str(text: &str) -> Result<Self, BadName> {
                match $check(text) {
                    Ok(()) => Ok(Self(text.to_owned())),
                    Err(why) => {
                        Err(BadName { kind: $kind, given: text.chars().take(80).collect(), why })
                    }
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;

            fn try_from(text: String) -> Result<Self, BadName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> String {
                stringify!($name).to_owned()
            }

            fn json_schema(generator: &mut schemars::r#gen::SchemaGenerator) -> schemars::schema::Schema {
                let mut schema = String::json_schema(generator).into_object();
                schema.metadata().description = Some(concat!("A ", $kind, ".").to_owned());
                schema.into()
            }
        }
    )*};
}

names! {
    /// A commit id: 40 (SHA-1) or 64 (SHA-256) lower-case hex digits, not all zero.
    CommitSha, "commit id", check_commit;
    /// The first digits of a commit id, at least four, or all of it.
    CommitPrefix, "beginning of a commit id", check_commit_prefix;
    /// A full Git ref such as `refs/heads/main`; at most 250 bytes (git-check-ref-format(1)).
    GitRef, "full Git ref", check_ref;
    /// A repository on a forge, `owner/name`.
    RepoName, "repository name", check_repo;
    /// The name by which the configuration knows a forge.
    ForgeName, "forge name", check_word;
    /// A computer that runs an orchestrator.
    HostName, "host name", check_word;
    /// A golden image in a host's catalogue.
    ImageName, "image name", check_word;
    /// What a job asks for with `runs_on`.
    Label, "label", check_word;
    /// What a host calls machines of a certain size, such as `large`.
    SizeName, "size", check_word;
    /// A job's id inside its workflow.
    JobName, "job id", check_word;
}

impl GitRef {
    /// The branch that this ref names, if it names one.
    pub fn branch(&self) -> Option<&str> {
        self.0.strip_prefix("refs/heads/")
    }

    /// The tag that this ref names, if it names one.
    pub fn tag(&self) -> Option<&str> {
        self.0.strip_prefix("refs/tags/")
    }

    /// The ref as people say it: without `refs/heads/` or `refs/tags/`.
    pub fn short(&self) -> &str {
        self.branch().or_else(|| self.tag()).unwrap_or(&self.0)
    }
}

impl CommitSha {
    /// The first ten digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..10]
    }
}

fn check_commit_prefix(text: &str) -> Result<(), &'static str> {
    if !(4..=64).contains(&text.len()) {
        return Err("it must have 4 to 64 hex digits");
    }
    if !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err("only lower-case hex digits are allowed");
    }
    Ok(())
}

fn check_commit(text: &str) -> Result<(), &'static str> {
    if text.len() != 40 && text.len() != 64 {
        return Err("it must have 40 or 64 hex digits");
    }
    if !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err("only lower-case hex digits are allowed");
    }
    if text.bytes().all(|b| b == b'0') {
        return Err("all zeros means that there is no commit");
    }
    Ok(())
}

/// The rules of git-check-ref-format(1) for a full ref, plus our bound on length.
fn check_ref(text: &str) -> Result<(), &'static str> {
    if text.len() > 250 {
        return Err("it is longer than 250 bytes");
    }
    if !text.starts_with("refs/") {
        return Err("it must start with refs/");
    }
    if text.bytes().any(|b| b < 0x20 || b == 0x7f || b" ~^:?*[\\".contains(&b)) {
        return Err("git allows no control characters, blanks or ~^:?*[\\ in a ref");
    }
    if text.contains("..") || text.contains("@{") {
        return Err("git allows neither .. nor @{ in a ref");
    }
    let bad_part = |part: &str| part.is_empty() || part.starts_with('.') || part.ends_with(".lock");
    if text.split('/').any(bad_part) || text.ends_with('.') {
        return Err("a part of it is empty, starts with a dot, or ends with .lock or a dot");
    }
    Ok(())
}

fn check_repo(text: &str) -> Result<(), &'static str> {
    if text.len() > 200 {
        return Err("it is longer than 200 bytes");
    }
    let mut parts = text.split('/');
    let (Some(owner), Some(name), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err("it must be owner/name");
    };
    let fits = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.starts_with('-')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    if !fits(owner) || !fits(name) {
        return Err("owner and name take letters, digits and -_. and start with none of -.");
    }
    Ok(())
}

fn check_word(text: &str) -> Result<(), &'static str> {
    if text.is_empty() || text.len() > 63 {
        return Err("it must have 1 to 63 characters");
    }
    if !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
        return Err("only letters, digits and -_. are allowed");
    }
    if !text.as_bytes()[0].is_ascii_alphanumeric() {
        return Err("it must start with a letter or a digit");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commit_ids_of_both_hash_functions_are_taken() {
        assert!(CommitSha::from_str(&"a1".repeat(20)).is_ok());
        assert!(CommitSha::from_str(&"a1".repeat(32)).is_ok());
    }

    #[test]
    fn commit_ids_that_name_nothing_are_refused() {
        for bad in ["", "abc", &"0".repeat(40), &"A1".repeat(20), &"a".repeat(41)] {
            assert!(CommitSha::from_str(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_beginning_of_a_commit_id_is_at_least_four_digits() {
        assert!(CommitPrefix::from_str("a1b2").is_ok());
        for bad in ["", "a1b", "A1B2", "a1b%", &"a".repeat(65)] {
            assert!(CommitPrefix::from_str(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn refs_follow_git_check_ref_format() {
        for good in ["refs/heads/main", "refs/heads/$(id)", "refs/heads/a;b", "refs/pull/7/head"] {
            assert!(GitRef::from_str(good).is_ok(), "{good}");
        }
        for bad in ["main", "refs/heads/a..b", "refs/heads/a b", "refs//x", "refs/heads/x.lock"] {
            assert!(GitRef::from_str(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_repository_name_cannot_climb_out_of_a_directory() {
        for bad in ["../x", "a/..", "a/b/c", "a", "/a", "a/", "-x/y", "a/.git"] {
            assert!(RepoName::from_str(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn words_are_bounded_and_start_with_a_letter_or_digit() {
        assert!(Label::from_str("ubuntu-22.04").is_ok());
        for bad in ["", "-x", ".x", "a b", "ä", &"x".repeat(64)] {
            assert!(Label::from_str(bad).is_err(), "{bad}");
        }
    }
}
