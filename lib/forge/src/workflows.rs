//! Which files of a commit are workflows, and how much of them is read.
//!
//! The rule is the same for every forge: the direct children of `.solstice/`
//! whose names end with `.kdl`.

use crate::error::{ForgeError, Retry};

/// The directory of workflows.
pub const DIRECTORY: &str = ".solstice";

/// The most workflow files of one commit.
pub const MAX_FILES: usize = 64;

/// The largest workflow file, in bytes.
pub const MAX_FILE_BYTES: usize = 256 * 1024;

/// The path of an entry of the directory, if its name is a workflow's.
pub fn path_of(name: &str) -> Option<String> {
    let fits = name.len() > ".kdl".len() && name.ends_with(".kdl") && !name.contains('/');
    fits.then(|| format!("{DIRECTORY}/{name}"))
}

/// The error for a commit with more workflow files than are read.
pub fn too_many(what: impl Into<String>, count: usize) -> ForgeError {
    ForgeError::BadAnswer {
        what: what.into(),
        why: format!(
            "{DIRECTORY}/ holds {count} workflow files, more than the {MAX_FILES} allowed"
        ),
        retry: Retry::Never,
    }
}

/// The error for a workflow file that is larger than is read.
pub fn too_large(what: impl Into<String>, path: &str) -> ForgeError {
    ForgeError::BadAnswer {
        what: what.into(),
        why: format!("{path} is larger than the {MAX_FILE_BYTES} bytes allowed"),
        retry: Retry::Never,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_direct_children_are_workflows() {
        assert_eq!(path_of("a b.kdl").as_deref(), Some(".solstice/a b.kdl"));
        for bad in [".kdl", "a.KDL", "a.kdl.md", "a/b.kdl", "kdl", ""] {
            assert_eq!(path_of(bad), None, "{bad}");
        }
    }
}
