//! The workflow files of a commit.

use http::StatusCode;
use reqwest::Method;
use serde::Deserialize;
use solstice_forge::workflows::{self, DIRECTORY, MAX_FILE_BYTES, MAX_FILES};
use solstice_forge::{ForgeError, Retry, WorkflowFile};
use solstice_model::{CommitSha, RepoName};

use crate::client::{Body, Client, read};

/// The largest list of the directory that is read. An entry takes about one
/// KiB, and the directory may hold other files too.
const MAX_LIST_BYTES: usize = 1024 * 1024;

/// What the API says of a path: a list for a directory, an entry for anything else.
#[derive(Deserialize)]
#[serde(untagged)]
enum Contents {
    Directory(Vec<Entry>),
    Other(Entry),
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default)]
    size: u64,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    File,
    Dir,
    Symlink,
    Submodule,
    #[serde(other)]
    Unknown,
}

/// Reads every workflow file of the commit, ordered by path.
pub(crate) async fn workflow_files(
    client: &Client,
    repository: &RepoName,
    commit: &CommitSha,
) -> Result<Vec<WorkflowFile>, ForgeError> {
    let names = names(client, repository, commit).await?;
    let mut files = Vec::with_capacity(names.len());
    for name in names {
        files.push(file(client, repository, commit, &name).await?);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// The parts of a path below `/repos/{owner}/{repo}`.
fn below<'p>(repository: &'p RepoName, parts: &[&'p str]) -> Vec<&'p str> {
    let owner_and_name = repository.as_str().split('/');
    ["repos"].into_iter().chain(owner_and_name).chain(parts.iter().copied()).collect()
}

/// The names of the workflow files.
async fn names(
    client: &Client,
    repository: &RepoName,
    commit: &CommitSha,
) -> Result<Vec<String>, ForgeError> {
    let path = below(repository, &["contents", DIRECTORY]);
    let call = client.call(Method::GET, path, &[("ref", commit.as_str())]);
    let what = call.what.clone();
    let response = match client.send(call, StatusCode::OK).await {
        Err(ForgeError::Refused { status: 404, .. }) => {
            // No directory, no commit, no repository, or none that we may
            // see: all look alike, and only the first is fine.
            require_commit(client, repository, commit).await?;
            return Ok(Vec::new());
        }
        other => other?,
    };
    let unusable = |why: String, retry| ForgeError::BadAnswer { what: what.clone(), why, retry };
    let Body::Whole(list) = read(&what, response, MAX_LIST_BYTES).await? else {
        let why = format!("the list of {DIRECTORY}/ is larger than {MAX_LIST_BYTES} bytes");
        return Err(unusable(why, Retry::Never));
    };
    let contents = serde_json::from_slice(&list);
    let contents = contents.map_err(|_| {
        unusable(format!("it does not say what is in {DIRECTORY}/"), Retry::Backoff)
    })?;
    select(&what, contents)
}

/// The workflow files among the entries.
fn select(what: &str, contents: Contents) -> Result<Vec<String>, ForgeError> {
    let link = |path: &str| ForgeError::BadAnswer {
        what: what.to_owned(),
        why: format!("{path} is a symbolic link, and workflow files must be plain files"),
        retry: Retry::Never,
    };
    let entries = match contents {
        Contents::Directory(entries) => entries,
        Contents::Other(entry) if entry.kind == Kind::Symlink => return Err(link(DIRECTORY)),
        Contents::Other(_) => return Ok(Vec::new()),
    };
    let mut names = Vec::new();
    for entry in entries {
        let Some(path) = workflows::path_of(&entry.name) else { continue };
        match entry.kind {
            Kind::File if entry.size > MAX_FILE_BYTES as u64 => {
                return Err(workflows::too_large(what, &path));
            }
            Kind::File => names.push(entry.name),
            Kind::Symlink => return Err(link(&path)),
            Kind::Dir | Kind::Submodule | Kind::Unknown => {}
        }
    }
    if names.len() > MAX_FILES {
        return Err(workflows::too_many(what, names.len()));
    }
    Ok(names)
}

async fn require_commit(
    client: &Client,
    repository: &RepoName,
    commit: &CommitSha,
) -> Result<(), ForgeError> {
    let path = below(repository, &["git", "commits", commit.as_str()]);
    // The answer is not read, so it may as well be short.
    let query = [("stat", "false"), ("verification", "false"), ("files", "false")];
    client.send(client.call(Method::GET, path, &query), StatusCode::OK).await.map(drop)
}

async fn file(
    client: &Client,
    repository: &RepoName,
    commit: &CommitSha,
    name: &str,
) -> Result<WorkflowFile, ForgeError> {
    let path = below(repository, &["raw", DIRECTORY, name]);
    let call = client.call(Method::GET, path, &[("ref", commit.as_str())]);
    let what = call.what.clone();
    let response = client.send(call, StatusCode::OK).await?;
    let path = format!("{DIRECTORY}/{name}");
    match read(&what, response, MAX_FILE_BYTES).await? {
        Body::Whole(content) => Ok(WorkflowFile { path, content }),
        Body::TooLarge => Err(workflows::too_large(what, &path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_of(json: &str) -> Result<Vec<String>, String> {
        let contents = serde_json::from_str(json).unwrap();
        select("GET", contents).map_err(|error| error.to_string())
    }

    #[test]
    fn entries_of_other_kinds_are_passed_over() {
        let json = r#"[
            {"name": "a.kdl", "type": "file", "size": 3, "unheard": {"of": 1}},
            {"name": "b.kdl", "type": "dir", "size": 0},
            {"name": "c.kdl", "type": "submodule", "size": 0},
            {"name": "d.kdl", "type": "of next year"},
            {"name": "e/f.kdl", "type": "file"}
        ]"#;
        assert_eq!(names_of(json), Ok(vec!["a.kdl".to_owned()]));
    }

    #[test]
    fn a_link_is_an_error_that_names_it() {
        let why = names_of(r#"[{"name": "a.kdl", "type": "symlink"}]"#).unwrap_err();
        assert!(why.contains(".solstice/a.kdl is a symbolic link"), "{why}");
        let why = names_of(r#"{"name": ".solstice", "type": "symlink"}"#).unwrap_err();
        assert!(why.contains(".solstice is a symbolic link"), "{why}");
        assert_eq!(names_of(r#"[{"name": "README", "type": "symlink"}]"#), Ok(vec![]));
    }
}
