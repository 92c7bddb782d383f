//! What the API of GitHub, which Forgejo's and Gitea's follow, says of a path, and
//! which of the entries of a directory are workflows.

use serde::Deserialize;

use crate::workflows::{MAX_FILE_BYTES, MAX_FILES, Unusable, path_of};

/// What is said of a path: a list for a directory, an entry for anything else.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Contents {
    /// It is a directory.
    Directory(Vec<Entry>),
    /// It is anything else.
    Other(Entry),
}

/// An entry of a directory.
#[derive(Deserialize)]
pub struct Entry {
    /// Its name there.
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Its size, in bytes.
    #[serde(default)]
    pub size: u64,
    /// In Base64 with line breaks; not in lists.
    pub content: Option<String>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A plain file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A submodule.
    Submodule,
    /// Something that is not known yet.
    #[serde(other)]
    Unknown,
}

/// What a directory holds of workflows.
#[derive(Debug, PartialEq, Eq)]
pub enum Listed {
    /// The name of each, or its path and why it is not read.
    Files(Vec<Result<String, (String, Unusable)>>),
    /// Nothing in it can be read.
    Unusable(Unusable),
}

/// The workflow files among the entries.
pub fn select(contents: Contents) -> Listed {
    let entries = match contents {
        Contents::Directory(entries) => entries,
        Contents::Other(entry) if entry.kind == Kind::Symlink => {
            return Listed::Unusable(Unusable::SymbolicLink);
        }
        Contents::Other(_) => return Listed::Files(Vec::new()),
    };
    let mut listed = Vec::new();
    for entry in entries {
        let Some(path) = path_of(&entry.name) else { continue };
        match entry.kind {
            Kind::File if entry.size > MAX_FILE_BYTES as u64 => {
                listed.push(Err((path, Unusable::TooLarge)));
            }
            Kind::File => listed.push(Ok(entry.name)),
            Kind::Symlink => listed.push(Err((path, Unusable::SymbolicLink))),
            Kind::Dir | Kind::Submodule | Kind::Unknown => {}
        }
    }
    match listed.len() {
        0..=MAX_FILES => Listed::Files(listed),
        count => Listed::Unusable(Unusable::TooMany(count)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(json: &str) -> Listed {
        select(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn entries_of_other_kinds_are_passed_over() {
        let json = r#"[
            {"name": "a.kdl", "type": "file", "size": 3, "unheard": {"of": 1}},
            {"name": "b.kdl", "type": "dir", "size": 0},
            {"name": "c.kdl", "type": "submodule", "size": 0},
            {"name": "d.kdl", "type": "of next year"},
            {"name": "e/f.kdl", "type": "file"},
            {"name": "README", "type": "symlink"}
        ]"#;
        assert_eq!(listed(json), Listed::Files(vec![Ok("a.kdl".to_owned())]));
    }

    #[test]
    fn a_link_is_told_and_does_not_hide_the_others() {
        let json = r#"[{"name": "a.kdl", "type": "symlink"}, {"name": "b.kdl", "type": "file"}]"#;
        let link = (".solstice/a.kdl".to_owned(), Unusable::SymbolicLink);
        assert_eq!(listed(json), Listed::Files(vec![Err(link), Ok("b.kdl".to_owned())]));
        let directory = listed(r#"{"name": ".solstice", "type": "symlink"}"#);
        assert_eq!(directory, Listed::Unusable(Unusable::SymbolicLink));
    }
}
