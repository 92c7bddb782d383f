//! `paths` and `paths_ignore`: the files for which a workflow is.

use serde::Serialize;

use crate::pattern::Pattern;

/// The files for which a workflow is, by their path in the repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PathFilter {
    /// Those that it is for; without any: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<Pattern>,
    /// Those of them that it is not for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths_ignore: Vec<Pattern>,
}

impl PathFilter {
    /// Whether it is for every file.
    pub fn wants_all(&self) -> bool {
        self.paths.is_empty() && self.paths_ignore.is_empty()
    }

    /// Whether it is for this file.
    pub fn wants(&self, path: &str) -> bool {
        let any = |patterns: &[Pattern]| patterns.iter().any(|one| one.matches(path));
        (self.paths.is_empty() || any(&self.paths)) && !any(&self.paths_ignore)
    }
}
