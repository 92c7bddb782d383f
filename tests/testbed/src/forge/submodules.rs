//! Brings an existing repository to the forge, with the submodules that a
//! clone from the forge would look for beside it.
//!
//! A submodule with a relative address (`../other.git`) is looked for beside
//! the place that the superproject was cloned from (gitmodules(5)). So it is
//! mirrored from beside the original to the matching place on the forge. A
//! submodule with an absolute address is left where it is.

use std::fmt;

use camino::Utf8Path;
use solstice_model::RepoName;

use super::git;
use super::repositories::Repositories;
use crate::error::TestbedError;

/// Submodules of submodules are followed this deep.
const MAX_DEPTH: usize = 8;

/// What [`Repositories::import`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Where the repository is on the forge now.
    pub name: RepoName,
    /// Its submodules, and theirs, in the order in which they were met.
    pub also: Vec<Submodule>,
}

/// One submodule of an imported repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submodule {
    /// The repository that has it.
    pub of: RepoName,
    /// Its address, as `.gitmodules` has it.
    pub url: String,
    /// What became of it.
    pub fate: SubmoduleFate,
}

/// What became of a submodule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmoduleFate {
    /// It was mirrored from this address to this place on the forge.
    Mirrored {
        /// The original.
        from: String,
        /// The place.
        to: RepoName,
    },
    /// It was there already.
    Present(RepoName),
    /// It was left alone, for this reason.
    Left(&'static str),
}

impl fmt::Display for Submodule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.fate {
            SubmoduleFate::Mirrored { from, to } => write!(f, "{} as {to}, from {from}", self.url),
            SubmoduleFate::Present(to) => write!(f, "{} as {to}, which is there already", self.url),
            SubmoduleFate::Left(why) => write!(f, "{}, which was left alone: {why}", self.url),
        }
    }
}

impl Repositories {
    /// Mirrors a repository, by path or address, under the last two parts of
    /// its own name.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if it cannot be cloned or the place is taken.
    pub async fn import(&self, source: &str) -> Result<Imported, TestbedError> {
        let name = name_of(source);
        self.import_as(source, &name).await
    }

    /// Mirrors a repository, by path or address, under this name, with its submodules.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if it or a submodule cannot be cloned or the place is taken.
    pub async fn import_as(&self, source: &str, name: &RepoName) -> Result<Imported, TestbedError> {
        let source = absolute(source)?;
        if self.exists(name) {
            let what = format!("import {source} as {name}");
            return Err(TestbedError::Api { what, why: "it exists already".to_owned() });
        }
        self.mirror(&source, name).await?;
        let mut also = Vec::new();
        let mut next = vec![(source, name.clone())];
        for _ in 0..MAX_DEPTH {
            let mut deeper = Vec::new();
            for (source, name) in &next {
                for url in self.submodule_urls(name).await? {
                    let fate = self.place(source, name, &url).await?;
                    if let SubmoduleFate::Mirrored { from, to } = &fate {
                        deeper.push((from.clone(), to.clone()));
                    }
                    also.push(Submodule { of: name.clone(), url, fate });
                }
            }
            next = deeper;
        }
        Ok(Imported { name: name.clone(), also })
    }

    async fn mirror(&self, source: &str, name: &RepoName) -> Result<(), TestbedError> {
        let path = self.path(name);
        let parent = path.parent().expect("owner/name.git has a parent");
        let made = tokio::fs::create_dir_all(parent).await;
        made.map_err(|source| TestbedError::Io { what: parent.to_string(), source })?;
        let arguments = ["clone", "--quiet", "--mirror", "--", source, path.as_str()];
        git::git(parent, &arguments).await.map(drop)
    }

    /// The addresses in `.gitmodules` of the default branch.
    async fn submodule_urls(&self, name: &RepoName) -> Result<Vec<String>, TestbedError> {
        let path = self.path(name);
        if git::git(&path, &["cat-file", "-e", "HEAD:.gitmodules"]).await.is_err() {
            return Ok(Vec::new());
        }
        let pattern = r"^submodule\..*\.url$";
        let arguments = ["config", "--null", "--blob", "HEAD:.gitmodules", "--get-regexp", pattern];
        // Git ends with 1 if no key fits.
        let Ok(output) = git::git(&path, &arguments).await else { return Ok(Vec::new()) };
        let text = String::from_utf8_lossy(&output);
        let values = text.split('\0').filter_map(|pair| pair.split_once('\n'));
        Ok(values.map(|(_, url)| url.to_owned()).collect())
    }

    async fn place(
        &self,
        source: &str,
        name: &RepoName,
        url: &str,
    ) -> Result<SubmoduleFate, TestbedError> {
        if !url.starts_with("./") && !url.starts_with("../") {
            return Ok(SubmoduleFate::Left("its address is absolute"));
        }
        let place = relative(&format!("{name}.git"), url).and_then(|place| {
            place.strip_suffix(".git").unwrap_or(&place).parse::<RepoName>().ok()
        });
        let Some(to) = place else {
            return Ok(SubmoduleFate::Left("its place on the forge would not be owner/name"));
        };
        if self.exists(&to) {
            return Ok(SubmoduleFate::Present(to));
        }
        let Some(from) = relative(source, url) else {
            return Ok(SubmoduleFate::Left("its address leads out of the original's host"));
        };
        self.mirror(&from, &to).await?;
        Ok(SubmoduleFate::Mirrored { from, to })
    }
}

/// A relative address applied to a base, as git-submodule(1) does it: each
/// `../` takes the last part away.
fn relative(whole: &str, url: &str) -> Option<String> {
    let (mut base, mut url) = (whole.trim_end_matches('/'), url);
    loop {
        if let Some(rest) = url.strip_prefix("../") {
            url = rest;
            let end = base.rfind(['/', ':']);
            base = end.map_or("", |at| &base[..at]);
            // Past the path: what is left is a scheme, or a host before a colon.
            if base.ends_with(":/") || end.is_some_and(|at| whole.as_bytes()[at] == b':') {
                return None;
            }
        } else if let Some(rest) = url.strip_prefix("./") {
            url = rest;
        } else {
            break;
        }
    }
    let url = url.trim_end_matches('/');
    Some(if base.is_empty() { url.to_owned() } else { format!("{base}/{url}") })
}

/// A path as an absolute one, because a relative submodule is beside it; an
/// address as it is.
fn absolute(source: &str) -> Result<String, TestbedError> {
    if source.contains("://") || !Utf8Path::new(source).exists() {
        return Ok(source.to_owned());
    }
    let path = Utf8Path::new(source).canonicalize_utf8();
    let path = path.map_err(|error| TestbedError::Io { what: source.to_owned(), source: error })?;
    Ok(path.into_string())
}

/// A name for a repository from the end of its address.
fn name_of(source: &str) -> RepoName {
    let source = absolute(source).unwrap_or_else(|_| source.to_owned());
    let source = source.trim_end_matches('/').trim_end_matches("/.git");
    let mut parts = source.rsplit(['/', ':']).map(word).filter(|part| !part.is_empty());
    let name = parts.next().unwrap_or_else(|| "repository".to_owned());
    let owner = parts.next().unwrap_or_else(|| "imported".to_owned());
    let name = name.strip_suffix(".git").unwrap_or(&name);
    format!("{owner}/{name}").parse().expect("two words of safe characters are a name")
}

/// The characters of a part that a repository's name may have.
fn word(part: &str) -> String {
    let safe = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
    let word: String = part.chars().filter(safe).take(80).collect();
    word.trim_start_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_addresses_are_applied_as_git_does() {
        let cases = [
            ("https://h/o/r.git", "../s.git", Some("https://h/o/s.git")),
            ("https://h/o/r.git/", "../../p/s", Some("https://h/p/s")),
            ("https://h/o/r.git", "../../../../s", None),
            ("git@h:o/r.git", "../s.git", Some("git@h:o/s.git")),
            ("git@h:o/r.git", "../../s.git", None),
            ("/a/b/r", "./s", Some("/a/b/r/s")),
            ("o/r.git", "../s.git", Some("o/s.git")),
            ("o/r.git", "../../p/s", Some("p/s")),
        ];
        for (base, url, result) in cases {
            assert_eq!(relative(base, url).as_deref(), result, "{base} {url}");
        }
    }

    #[test]
    fn a_name_is_made_of_the_end_of_an_address() {
        let cases = [
            ("https://forge.example.org/alice/widgets.git", "alice/widgets"),
            ("git@forge.example.org:alice/widgets", "alice/widgets"),
            ("/no/such/tree/", "such/tree"),
            ("nothing", "imported/nothing"),
            ("/no/ä b/.c", "b/c"),
        ];
        for (source, name) in cases {
            assert_eq!(name_of(source).as_str(), name, "{source}");
        }
    }
}
