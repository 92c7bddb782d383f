//! The fragments of user_attr(5), prof_attr(5), exec_attr(5) and auth_attr(5).

use crate::problem::Problem;
use crate::tree::Tree;

/// Every fragment that the packages deliver.
pub(crate) struct Rbac {
    pub(crate) authorizations: Vec<Entry>,
    pub(crate) profiles: Vec<Entry>,
    pub(crate) executions: Vec<Entry>,
    pub(crate) users: Vec<Entry>,
}

/// One line.
pub(crate) struct Entry {
    /// `FILE:LINE`.
    pub(crate) place: String,
    /// Its fields, between colons.
    pub(crate) fields: Vec<String>,
}

impl Rbac {
    pub(crate) fn read(tree: &Tree) -> Result<Self, Problem> {
        Ok(Self {
            authorizations: entries(tree, "auth_attr", 6)?,
            profiles: entries(tree, "prof_attr", 5)?,
            executions: entries(tree, "exec_attr", 7)?,
            users: entries(tree, "user_attr", 5)?,
        })
    }
}

impl Entry {
    pub(crate) fn name(&self) -> &str {
        &self.fields[0]
    }

    /// The attributes of the last field, `NAME=VALUE;…`.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        let last = self.fields.last().map_or("", String::as_str);
        last.split(';').filter(|it| !it.is_empty()).map(|it| it.split_once('=').unwrap_or((it, "")))
    }

    /// The values of one attribute, between commas.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let found = self.attributes().find(|(known, _)| *known == name);
        found.map_or_else(Vec::new, |(_, values)| values.split(',').collect())
    }

    pub(crate) fn problem(&self, text: impl Into<String>) -> Problem {
        Problem::new(self.place.clone(), text)
    }
}

fn entries(tree: &Tree, name: &str, fields: usize) -> Result<Vec<Entry>, Problem> {
    let file = format!("ips-pkg/rbac/{name}");
    let text = tree.text(&file)?;
    let mut entries = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let place = format!("{file}:{}", index + 1);
        let parts: Vec<_> = line.split(':').map(str::to_owned).collect();
        if parts.len() != fields {
            let text = format!("has {} fields and not {fields}", parts.len());
            return Err(Problem::new(place, text));
        }
        entries.push(Entry { place, fields: parts });
    }
    Ok(entries)
}
