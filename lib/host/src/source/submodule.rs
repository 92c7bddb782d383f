//! Submodules: which there are at a commit, and where they come from.
//!
//! `.gitmodules` is written by whoever wrote the change, so everything in it is
//! checked: paths stay inside the tree, addresses are http(s), and depth and
//! number are bounded.

use std::collections::{BTreeMap, HashMap};

use camino::Utf8Path;
use solstice_api::host::FetchCredential;
use solstice_exec::ExecError;
use solstice_model::{CommitSha, Source};
use url::Url;

use super::mirror::{Mirror, Mirrors};
use super::{SourceError, shown};

/// How deep submodules may nest.
const MAX_DEPTH: usize = 10;
/// How many submodules a tree may have altogether.
const MAX_COUNT: usize = 100;
/// How many entries one `.gitmodules` may have, those of absent submodules too.
const MAX_DECLARED: usize = 1_000;
/// The longest path of a submodule, in bytes.
const MAX_PATH_BYTES: usize = 1024;

/// A tree that goes into an archive.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) mirror: Mirror,
    pub(crate) commit: CommitSha,
    /// Where it lies: empty, or a path that ends with `/`.
    pub(crate) prefix: String,
    depth: usize,
}

/// A submodule as `.gitmodules` has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Declared {
    path: Option<String>,
    url: Option<String>,
    update: Option<String>,
}

/// Fetches a commit and all submodules in it; the parts in the order in which
/// they are unpacked.
pub(crate) async fn gather(
    mirrors: &Mirrors,
    source: &Source,
    credential: Option<&FetchCredential>,
) -> Result<Vec<Part>, SourceError> {
    let mirror = mirrors.with_commit(&source.clone_url, &source.commit, credential).await?;
    let root = Part { mirror, commit: source.commit.clone(), prefix: String::new(), depth: 0 };
    let mut parts = vec![root];
    let mut next = 0;
    while let Some(part) = parts.get(next).cloned() {
        for (path, url, commit) in submodules_of(mirrors, &part).await? {
            let refused = |why: String| refused(&part, &path, why);
            if part.depth == MAX_DEPTH {
                return Err(refused(format!("it is nested more than {MAX_DEPTH} deep")));
            }
            if parts.len() > MAX_COUNT {
                return Err(refused(format!("there are more than {MAX_COUNT} submodules")));
            }
            let mirror = mirrors.with_commit(&url, &commit, None).await?;
            let prefix = format!("{}{path}/", part.prefix);
            parts.push(Part { mirror, commit, prefix, depth: part.depth + 1 });
        }
        next += 1;
    }
    Ok(parts)
}

/// The submodules of one tree: path, address and commit.
async fn submodules_of(
    mirrors: &Mirrors,
    part: &Part,
) -> Result<Vec<(String, Url, CommitSha)>, SourceError> {
    let mut declared = declared_in(mirrors, part).await?;
    // As git-submodule(1) has it: not to be checked out.
    declared.retain(|it| it.path.is_some() && it.update.as_deref() != Some("none"));
    let mut paths = Vec::with_capacity(declared.len());
    for path in declared.iter().filter_map(|it| it.path.as_deref()) {
        check_path(path).map_err(|why| refused(part, path, why.to_owned()))?;
        paths.push(path);
    }
    let recorded = gitlinks(mirrors, part, &paths).await?;
    let mut found = Vec::new();
    for Declared { path, url, .. } in declared {
        // Declared, but not in this tree: nothing to do.
        let Some((path, commit)) = path.and_then(|it| recorded.get_key_value(&it)) else {
            continue;
        };
        let url = url.ok_or_else(|| refused(part, path, "it has no url".to_owned()))?;
        let url = resolve(&part.mirror.url, &url).map_err(|why| refused(part, path, why))?;
        found.push((path.clone(), url, commit.clone()));
    }
    Ok(found)
}

/// The error of an entry that its author has to mend.
fn refused(part: &Part, path: &str, why: String) -> SourceError {
    let path = path.chars().take(200).collect();
    SourceError::Submodule { path, url: shown(&part.mirror.url), why }
}

/// What `.gitmodules` of the part's commit declares.
async fn declared_in(mirrors: &Mirrors, part: &Part) -> Result<Vec<Declared>, SourceError> {
    let git = || mirrors.git().on(&part.mirror.path);
    let failed = |error| mirrors.failed("read .gitmodules", &part.mirror, error);
    let look = git().args(["ls-tree", "-z", "--full-tree", part.commit.as_str(), "--"]);
    let seen = look.arg(".gitmodules").run().await.map_err(failed)?;
    // A symbolic link or a folder of that name declares nothing.
    if !seen.stdout_text().starts_with("100") {
        return Ok(Vec::new());
    }
    let blob = format!("{}:.gitmodules", part.commit);
    let list = git().args(["config", "--null", "--blob", &blob, "--list"]);
    let listed = list.run().await.map_err(|error| match error {
        ExecError::Failed { stderr, .. } => SourceError::Submodule {
            path: ".gitmodules".to_owned(),
            url: shown(&part.mirror.url),
            why: format!("it cannot be read: {}", stderr.trim()),
        },
        error => failed(error),
    })?;
    let declared = parse_config(&listed.stdout_text());
    if declared.len() > MAX_DECLARED {
        let why = format!("it has more than {MAX_DECLARED} entries");
        return Err(refused(part, ".gitmodules", why));
    }
    Ok(declared)
}

/// Reads the output of `git config --null --list`: `key\nvalue\0…`.
fn parse_config(listed: &str) -> Vec<Declared> {
    let mut all: BTreeMap<&str, Declared> = BTreeMap::new();
    for entry in listed.split('\0') {
        let Some((key, value)) = entry.split_once('\n') else { continue };
        // The name in the middle may have dots of its own.
        let Some(rest) = key.strip_prefix("submodule.") else { continue };
        let Some((name, variable)) = rest.rsplit_once('.') else { continue };
        let declared = all.entry(name).or_default();
        let slot = match variable {
            "path" => &mut declared.path,
            "url" => &mut declared.url,
            "update" => &mut declared.update,
            _ => continue,
        };
        *slot = Some(value.to_owned());
    }
    all.into_values().collect()
}

/// The commits that the tree records at these paths, of those that are
/// submodules. One process, however many they are.
async fn gitlinks(
    mirrors: &Mirrors,
    part: &Part,
    paths: &[&str],
) -> Result<HashMap<String, CommitSha>, SourceError> {
    if paths.is_empty() {
        // Without a path all of the tree would be listed.
        return Ok(HashMap::new());
    }
    let look = mirrors.git().on(&part.mirror.path).args(["ls-tree", "-z", "--full-tree"]);
    let look = look.arg(part.commit.as_str()).arg("--").args(paths);
    let listed =
        look.run().await.map_err(|error| mirrors.failed("list the tree", &part.mirror, error))?;
    let listed = listed.stdout_text();
    let links = listed.split('\0').filter_map(parse_gitlink);
    links.map(|(path, commit)| Ok((path.to_owned(), commit.parse()?))).collect()
}

/// Reads `160000 commit SHA\tPATH` into path and commit.
fn parse_gitlink(listed: &str) -> Option<(&str, &str)> {
    let (about, path) = listed.split_once('\t')?;
    Some((path, about.strip_prefix("160000 commit ")?))
}

/// Refuses a path that could leave the tree, hide in Git's own folder, or be
/// taken for an option.
fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() || path.len() > MAX_PATH_BYTES {
        return Err("its path is empty or too long");
    }
    if path.starts_with('-') || path.chars().any(|c| c.is_control() || c == '\\') {
        return Err("its path has characters that no path of ours has");
    }
    let components = || Utf8Path::new(path).as_str().split('/');
    if path.starts_with('/') || components().any(|it| matches!(it, "" | "." | "..")) {
        return Err("its path is not a plain relative path");
    }
    if components().any(|it| it.trim_end_matches([' ', '.']).eq_ignore_ascii_case(".git")) {
        return Err("its path goes through .git");
    }
    Ok(())
}

/// The address of a submodule, relative ones against the parent's as git does:
/// `../` takes off the last component, the rest is appended (git-submodule(1), add).
fn resolve(parent: &Url, given: &str) -> Result<Url, String> {
    if !given.starts_with("./") && !given.starts_with("../") {
        // A path of this host; whether files may be read is decided where they are fetched.
        if let Ok(url) = Url::from_file_path(given) {
            return Ok(url);
        }
        return match Url::parse(given) {
            Ok(url) if matches!(url.scheme(), "http" | "https" | "file") => Ok(url),
            _ => Err(format!("{given:?} is not an http(s) or relative address")),
        };
    }
    let (mut base, mut rest) = (parent.path().trim_end_matches('/').to_owned(), given);
    loop {
        if let Some(deeper) = rest.strip_prefix("./") {
            rest = deeper;
        } else if let Some(higher) = rest.strip_prefix("../") {
            let Some(slash) = base.rfind('/') else {
                return Err(format!("{given:?} leads above the root of {}", shown(parent)));
            };
            base.truncate(slash);
            rest = higher;
        } else {
            break;
        }
    }
    if rest.is_empty() || rest.split('/').any(|it| it == "..") {
        return Err(format!("{given:?} is not an address"));
    }
    let mut url = parent.clone();
    url.set_path(&format!("{base}/{}", rest.trim_end_matches('/')));
    url.set_query(None);
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_addresses_resolve_as_git_does() {
        let parent: Url = "https://u:p@forge.org/a/b.git/".parse().unwrap();
        for (given, expected) in [
            ("../c.git", "https://u:p@forge.org/a/c.git"),
            ("../../x/y", "https://u:p@forge.org/x/y"),
            ("./sub", "https://u:p@forge.org/a/b.git/sub"),
            (".././../z/", "https://u:p@forge.org/z"),
            ("https://other.org/q", "https://other.org/q"),
            ("/srv/git/lib", "file:///srv/git/lib"),
        ] {
            assert_eq!(resolve(&parent, given).unwrap().as_str(), expected, "{given}");
        }
        let above = ["../../../x", "../", "./", "../../../../..", "../a/../../b"];
        let other = ["git@forge.org:a/b", "ssh://forge.org/a", "ext::sh -c x", "-u", ""];
        for bad in above.iter().chain(&other) {
            assert!(resolve(&parent, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn paths_stay_inside_the_tree() {
        for good in ["a", "deps/lib-1", ".github/x", "a.git", "a b"] {
            assert_eq!(check_path(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "/a",
            "a/",
            "a//b",
            ".",
            "./a",
            "../a",
            "a/../b",
            "a/..",
            "-a",
            "a\nb",
            ".git",
            "a/.GIT/hooks",
            ".git. ",
            "a\\..\\b",
            "\u{1b}[31m",
        ] {
            assert!(check_path(bad).is_err(), "{bad:?}");
        }
        assert!(check_path(&"a/".repeat(1000)).is_err());
    }

    #[test]
    fn gitmodules_and_trees_are_read_from_what_git_prints() {
        let listed = "core.bare\nfalse\0submodule.my.lib.path\ndeps/lib\0\
                      submodule.my.lib.url\n../lib.git\0submodule.x.update\nnone\0\
                      submodule.x.shallow\ntrue\0submodule.novalue\0";
        let lib = Declared {
            path: Some("deps/lib".to_owned()),
            url: Some("../lib.git".to_owned()),
            update: None,
        };
        let x = Declared { update: Some("none".to_owned()), ..Declared::default() };
        assert_eq!(parse_config(listed), [lib, x]);
        assert_eq!(parse_gitlink("160000 commit abc\tdeps/lib"), Some(("deps/lib", "abc")));
        assert_eq!(parse_gitlink("040000 tree abc\tdeps/lib"), None);
        assert_eq!(parse_gitlink(""), None);
    }
}
