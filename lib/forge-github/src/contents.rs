//! Files: the workflows of a commit, and one file of the default branch.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use solstice_forge::contents::{Contents, Entry, Kind, Listed, select};
use solstice_forge::workflows::{DIRECTORY, MAX_FILE_BYTES};
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
    Ok(whole(contents.map_err(|_| unusable(&call.what, why))?))
}

/// The workflow files among the entries, unless there may be more of these.
fn whole(contents: Contents) -> Listed {
    match contents {
        Contents::Directory(entries) if entries.len() >= MAX_LISTED => {
            Listed::Unusable(Unusable::TooMany(entries.len()))
        }
        contents => select(contents),
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

    #[test]
    fn a_list_that_may_be_cut_is_not_believed() {
        let entries: Vec<_> = (0..MAX_LISTED).map(|_| r#"{"name":"x","type":"file"}"#).collect();
        let list = format!("[{}]", entries.join(","));
        let listed = whole(serde_json::from_str(&list).unwrap());
        assert_eq!(listed, Listed::Unusable(Unusable::TooMany(MAX_LISTED)));
    }
}
