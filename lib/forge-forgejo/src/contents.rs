//! The workflow files of a commit.

use http::StatusCode;
use reqwest::Method;
use solstice_forge::contents::{Listed, select};
use solstice_forge::workflows::{DIRECTORY, MAX_FILE_BYTES};
use solstice_forge::{ForgeError, Retry, Unusable, WorkflowFile};
use solstice_model::{CommitSha, RepoName};

use crate::client::{Body, Client, below, read};

/// The largest list of the directory that is read. An entry takes about one
/// KiB, and the directory may hold other files too.
const MAX_LIST_BYTES: usize = 1024 * 1024;

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
