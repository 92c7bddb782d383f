//! The workflow files of a commit.

use http::StatusCode;
use reqwest::Method;
use serde::Deserialize;
use solstice_forge::workflows::{self, DIRECTORY, MAX_FILE_BYTES, MAX_FILES};
use solstice_forge::{ForgeError, Retry, Unusable, WorkflowFile};
use solstice_model::{CommitSha, RepoName};

use crate::client::{Body, Client, below, read};

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

/// What the directory holds of workflows.
#[derive(Debug, PartialEq, Eq)]
enum Listed {
    /// The name of each, or its path and why it is not read.
    Files(Vec<Result<String, (String, Unusable)>>),
    /// Nothing in it can be read.
    Unusable(Unusable),
}

/// Reads every workflow file of the commit, ordered by path.
pub(crate) async fn workflow_files(
    client: &Client,
    repository: &RepoName,
    commit: &CommitSha,
) -> Result<Vec<WorkflowFile>, ForgeError> {
    let listed = match list(client, repository, commit).await? {
        Listed::Files(listed) => listed,
        Listed::Unusable(why) => return Ok(why.directory()),
    };
    let mut files = Vec::with_capacity(listed.len());
    for one in listed {
        files.push(match one {
            Ok(name) => file(client, repository, commit, &name).await?,
            Err((path, why)) => WorkflowFile { path, content: Err(why) },
        });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

async fn list(
    client: &Client,
    repository: &RepoName,
    commit: &CommitSha,
) -> Result<Listed, ForgeError> {
    let path = below(repository, &["contents", DIRECTORY]);
    let call = client.call(Method::GET, path, &[("ref", commit.as_str())]);
    let what = call.what.clone();
    let response = match client.send(call, StatusCode::OK).await {
        Err(ForgeError::Refused { status: 404, .. }) => {
            // No directory, no commit, no repository, or none that we may
            // see: all look alike, and only the first is fine.
            require_commit(client, repository, commit).await?;
            return Ok(Listed::Files(Vec::new()));
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
    Ok(select(contents))
}

/// The workflow files among the entries.
fn select(contents: Contents) -> Listed {
    let entries = match contents {
        Contents::Directory(entries) => entries,
        Contents::Other(entry) if entry.kind == Kind::Symlink => {
            return Listed::Unusable(Unusable::SymbolicLink);
        }
        Contents::Other(_) => return Listed::Files(Vec::new()),
    };
    let mut listed = Vec::new();
    for entry in entries {
        let Some(path) = workflows::path_of(&entry.name) else { continue };
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
    let content = match read(&what, response, MAX_FILE_BYTES).await? {
        Body::Whole(content) => Ok(content),
        Body::TooLarge => Err(Unusable::TooLarge),
    };
    Ok(WorkflowFile { path: format!("{DIRECTORY}/{name}"), content })
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
