//! Which files of a commit are workflows, and how much of them is read.
//!
//! The rule is the same for every forge: the direct children of `.solstice/`
//! whose names end with `.kdl`.

use crate::seam::WorkflowFile;

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

/// Why a workflow file is not read: what is wrong with the commit, for its
/// author. Asking again would not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It, or the directory, is a symbolic link.
    #[error("it is a symbolic link, and workflow files must be plain files")]
    SymbolicLink,
    /// It is larger than is read.
    #[error("it is larger than the {MAX_FILE_BYTES} bytes allowed")]
    TooLarge,
    /// The directory holds more workflow files than are read.
    #[error("it holds {0} workflow files, more than the {MAX_FILES} allowed")]
    TooMany(usize),
}

impl Unusable {
    /// The answer for a commit whose directory is at fault.
    pub fn directory(self) -> Vec<WorkflowFile> {
        vec![WorkflowFile { path: DIRECTORY.to_owned(), content: Err(self) }]
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
