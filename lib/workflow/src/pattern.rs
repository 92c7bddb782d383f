//! Patterns: for names of branches and tags, for texts of conditions, for files.

use globset::{Glob, GlobBuilder, GlobMatcher};
use serde::Serialize;
use solstice_kdl::{Refusal, quoted};

use crate::limits::MAX_PATTERN_BYTES;
use crate::rules;

/// A pattern for names of branches or tags, or for a text of a condition; `*` does not cross a `/`, `**` does.
#[derive(Clone, Debug, Serialize)]
#[serde(into = "String")]
pub struct Pattern(GlobMatcher);

impl Pattern {
    /// Takes a pattern for short names of refs.
    ///
    /// # Errors
    ///
    /// Refuses a full ref, and as [`Pattern::new`].
    pub fn of_names(text: &str) -> Result<Self, Refusal> {
        if let Some(name) = text.strip_prefix("refs/heads/").or(text.strip_prefix("refs/tags/")) {
            return Err(Refusal::because(
                "a pattern is compared with the short name of a branch or tag",
            )
            .help(format!("write \"{name}\"")));
        }
        Self::new(text)
    }

    /// Takes a pattern for files of the source, by their path in it.
    pub(crate) fn of_paths(text: &str) -> Result<Self, Refusal> {
        let path = text.trim_start_matches("./").trim_start_matches('/');
        if path.len() < text.len() {
            return Err(Refusal::because("a pattern is compared with a path in the repository")
                .help(format!("write \"{path}\"")));
        }
        if text.ends_with('/') {
            return Err(Refusal::because("a pattern is compared with files, not directories")
                .help(format!("write \"{text}**\"")));
        }
        Self::new(text)
    }

    /// Takes a pattern for any text.
    ///
    /// # Errors
    ///
    /// Refuses what is empty, too long or not a pattern, and one with `!`.
    pub fn new(text: &str) -> Result<Self, Refusal> {
        if text.is_empty() || text.len() > MAX_PATTERN_BYTES {
            let reason = format!("a pattern has 1 to {MAX_PATTERN_BYTES} bytes");
            return Err(Refusal::because(reason).help("write * for every name without a /"));
        }
        if text.starts_with('!') {
            return Err(Refusal::because("a pattern cannot exclude")
                .help("name what is wanted; ! is not supported by this version"));
        }
        Ok(Self(glob(text)?.compile_matcher()))
    }

    /// The pattern as it is written.
    pub fn as_str(&self) -> &str {
        self.0.glob().glob()
    }

    /// Whether the whole name fits.
    pub fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Pattern {}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.as_str().to_owned()
    }
}

/// Takes a pattern for files of the source, or from `/` of the machine.
pub(crate) fn files(text: &str) -> Result<String, Refusal> {
    let help = "write a path with *, **, ?, [a-z] and {a,b}, such as \"dist/*.tar.gz\"";
    if text.is_empty() || text.len() > MAX_PATTERN_BYTES {
        let reason = format!("a pattern has 1 to {MAX_PATTERN_BYTES} bytes");
        return Err(Refusal::because(reason).help(help));
    }
    rules::no_controls("a pattern", text)?;
    if text.split('/').any(|part| part == "..") {
        return Err(Refusal::because("a pattern must not leave the source by ..")
            .help("write the path from / if it is outside"));
    }
    if text.starts_with('!') {
        return Err(Refusal::because("a pattern cannot exclude")
            .help("put it into a block: { exclude \"…\" }"));
    }
    glob(text).map(|glob| glob.glob().to_owned())
}

fn glob(text: &str) -> Result<Glob, Refusal> {
    GlobBuilder::new(text).literal_separator(true).build().map_err(|error| {
        Refusal::because(format!("{} is not a pattern: {}", quoted(text), error.kind()))
            .help("use *, **, ?, [a-z] and {a,b}")
    })
}
