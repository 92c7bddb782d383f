//! The project's files, some of them perhaps changed in memory: that is how
//! each rule is shown to find what it is there for.

use std::collections::BTreeMap;

use camino::{Utf8Path, Utf8PathBuf};

use crate::problem::Problem;

/// A source tree.
#[derive(Clone, Debug)]
pub struct Tree {
    root: Utf8PathBuf,
    changed: BTreeMap<Utf8PathBuf, String>,
}

impl Tree {
    /// The tree at a directory.
    pub fn at(root: Utf8PathBuf) -> Self {
        Self { root, changed: BTreeMap::new() }
    }

    /// The same tree with another text in one file, by its path from the root.
    #[must_use]
    pub fn with(mut self, path: &str, text: String) -> Self {
        self.changed.insert(path.into(), text);
        self
    }

    /// Where it is.
    pub fn root(&self) -> &Utf8Path {
        &self.root
    }

    /// The text of a file, by its path from the root.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is not UTF-8.
    pub fn text(&self, path: &str) -> Result<String, Problem> {
        if let Some(text) = self.changed.get(Utf8Path::new(path)) {
            return Ok(text.clone());
        }
        std::fs::read_to_string(self.root.join(path))
            .map_err(|error| Problem::new(path, format!("cannot be read: {error}")))
    }

    /// Whether a file is there, by its path from the root.
    pub fn has_file(&self, path: &str) -> bool {
        self.changed.contains_key(Utf8Path::new(path)) || self.root.join(path).is_file()
    }

    /// The paths of the files of a folder whose names end so, sorted.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read.
    pub fn files(&self, folder: &str, ending: &str) -> Result<Vec<String>, Problem> {
        let unreadable = |error| Problem::new(folder, format!("cannot be read: {error}"));
        let mut found = Vec::new();
        for entry in self.root.join(folder).read_dir_utf8().map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            if entry.path().is_file() && entry.file_name().ends_with(ending) {
                found.push(format!("{folder}/{}", entry.file_name()));
            }
        }
        found.sort();
        Ok(found)
    }
}
