//! Files: the workflows of a commit, and one file of the default branch.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde::Deserialize;
use solstice_forge::workflows::{self, DIRECTORY, MAX_FILE_BYTES, MAX_FILES};
use solstice_forge::{ForgeError, Retry, Unusable, WorkflowFile};
use solstice_model::{CommitSha, RepoName};

use crate::api::{Api, parsed, unusable};
use crate::client::Body;
use crate::history::require_commit;

/// The largest list of the directory that is read. An entry takes about one KiB.
const MAX_LIST_BYTES: usize = 2 * 1024 * 1024;

/// GitHub lists no more entries than this of a directory, and does not say
/// that there are more.
const MAX_LISTED: usize = 1000;

/// The largest answer that holds a file: up to 1 MB it comes with its content,
/// above without.
const MAX_FILE_ANSWER_BYTES: usize = 2 * 1024 * 1024;

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
    /// In Base64 with line breaks; not in lists.
    content: Option<String>,
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
    api: &Api,
    repository: &RepoName,
    commit: &CommitSha,
) -> Result<Vec<WorkflowFile>, ForgeError> {
    let listed = match list(api, repository, commit).await? {
        Listed::Files(listed) => listed,
        Listed::Unusable(why) => return Ok(why.directory()),
    };
    let mut files = Vec::with_capacity(listed.len());
    for one in listed {
        files.push(match one {
            Ok(name) => file(api, repository, commit, &name).await?,
            Err((path, why)) => WorkflowFile { path, content: Err(why) },
        });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

async fn list(api: &Api, repository: &RepoName, commit: &CommitSha) -> Result<Listed, ForgeError> {
    let call = api.get(repository, &["contents", DIRECTORY], &[("ref", commit.as_str())]);
    let answer = match api.send(repository, &call, StatusCode::OK).await {
        Err(ForgeError::Refused { status: 404, .. }) => {
            // No directory, no commit, no repository, or none that we may
            // see: all look alike, and only the first is fine.
            require_commit(api, repository, commit).await?;
            return Ok(Listed::Files(Vec::new()));
        }
        other => other?,
    };
    let Body::Whole(list) = answer.read(MAX_LIST_BYTES).await? else {
        let why = format!("the list of {DIRECTORY}/ is larger than {MAX_LIST_BYTES} bytes");
        return Err(ForgeError::BadAnswer { what: call.what, why, retry: Retry::Never });
    };
    let contents = serde_json::from_slice(&list);
    let why = format!("it does not say what is in {DIRECTORY}/");
    Ok(select(contents.map_err(|_| unusable(&call.what, why))?))
}

/// The workflow files among the entries.
fn select(contents: Contents) -> Listed {
    let entries = match contents {
        Contents::Directory(entries) if entries.len() >= MAX_LISTED => {
            return Listed::Unusable(Unusable::TooMany(entries.len()));
        }
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

async fn file(
    api: &Api,
    repository: &RepoName,
    commit: &CommitSha,
    name: &str,
) -> Result<WorkflowFile, ForgeError> {
    let path = ["contents", DIRECTORY, name];
    let call = api.get(repository, &path, &[("ref", commit.as_str())]).raw();
    let answer = api.send(repository, &call, StatusCode::OK).await?;
    let content = match answer.read(MAX_FILE_BYTES).await? {
        Body::Whole(content) => Ok(content),
        Body::TooLarge => Err(Unusable::TooLarge),
    };
    Ok(WorkflowFile { path: format!("{DIRECTORY}/{name}"), content })
}

/// Reads one file of the default branch, if it is there.
pub(crate) async fn default_branch_file(
    api: &Api,
    repository: &RepoName,
    path: &str,
) -> Result<Option<WorkflowFile>, ForgeError> {
    let parts: Vec<&str> = ["contents"].into_iter().chain(path.split('/')).collect();
    if parts.iter().any(|part| ["", ".", ".."].contains(part)) {
        return Ok(None);
    }
    let call = api.get(repository, &parts, &[]);
    let answer = match api.send(repository, &call, StatusCode::OK).await {
        Err(ForgeError::Refused { status: 404, .. }) => {
            // No such file, or no repository; only the first is fine.
            let call = api.get(repository, &[], &[]);
            api.send(repository, &call, StatusCode::OK).await?;
            return Ok(None);
        }
        other => other?,
    };
    let entry = match parsed(&call.what, answer, MAX_FILE_ANSWER_BYTES).await? {
        Contents::Directory(_) => return Ok(None),
        Contents::Other(entry) => entry,
    };
    let content = match entry.kind {
        Kind::File if entry.size > MAX_FILE_BYTES as u64 => Err(Unusable::TooLarge),
        Kind::File => Ok(decoded(entry).ok_or_else(|| unusable(&call.what, "it has no content"))?),
        Kind::Symlink => Err(Unusable::SymbolicLink),
        Kind::Dir | Kind::Submodule | Kind::Unknown => return Ok(None),
    };
    Ok(Some(WorkflowFile { path: path.to_owned(), content }))
}

fn decoded(entry: Entry) -> Option<Vec<u8>> {
    let text: String = entry.content?.split_ascii_whitespace().collect();
    STANDARD.decode(text).ok()
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

    #[test]
    fn a_list_that_may_be_cut_is_not_believed() {
        let entries: Vec<_> = (0..MAX_LISTED).map(|_| r#"{"name":"x","type":"file"}"#).collect();
        let listed = listed(&format!("[{}]", entries.join(",")));
        assert_eq!(listed, Listed::Unusable(Unusable::TooMany(MAX_LISTED)));
    }
}
