//! What commits say and change.

use http::StatusCode;
use serde::Deserialize;
use solstice_forge::{Changed, ForgeError, MAX_COMMIT_MESSAGE_BYTES, Retry};
use solstice_model::{CommitSha, RepoName};

use crate::api::Api;
use crate::client::Body;

/// The most files that GitHub tells of a comparison, all on its first page.
const MAX_COMPARED: usize = 300;

/// The largest comparison that is read: each file comes with its differences.
const MAX_COMPARISON_BYTES: usize = 16 * 1024 * 1024;

/// A commit as Git knows it, without what it changed.
#[derive(Deserialize)]
pub(crate) struct Commit {
    pub(crate) sha: String,
    pub(crate) message: String,
}

#[derive(Deserialize)]
struct Comparison {
    files: Option<Vec<File>>,
}

#[derive(Deserialize)]
struct File {
    filename: String,
    previous_filename: Option<String>,
}

/// Refuses a commit that the repository does not have.
pub(crate) async fn require_commit(
    api: &Api,
    repository: &RepoName,
    commit: &CommitSha,
) -> Result<(), ForgeError> {
    let call = api.get(repository, &["git", "commits", commit.as_str()], &[]);
    api.send(repository, &call, StatusCode::OK).await.map(drop)
}

pub(crate) async fn commit_message(
    api: &Api,
    repository: &RepoName,
    commit: &CommitSha,
) -> Result<String, ForgeError> {
    let path = ["git", "commits", commit.as_str()];
    let Commit { mut message, .. } = api.ask(repository, &path, &[]).await?;
    message.truncate(message.floor_char_boundary(MAX_COMMIT_MESSAGE_BYTES));
    Ok(message)
}

pub(crate) async fn changed_files(
    api: &Api,
    repository: &RepoName,
    base: &CommitSha,
    head: &CommitSha,
) -> Result<Changed, ForgeError> {
    let range = format!("{base}...{head}");
    // Of the commits, which are counted by pages, only one is wanted.
    let query = [("per_page", "1"), ("page", "1")];
    let call = api.get(repository, &["compare", &range], &query);
    let answer = match api.send(repository, &call, StatusCode::OK).await {
        Err(ForgeError::Refused { status: 404, .. }) => {
            // One of the two is not there. That may be the base.
            require_commit(api, repository, head).await?;
            return Ok(Changed::Unknown);
        }
        other => other?,
    };
    let Body::Whole(body) = answer.read(MAX_COMPARISON_BYTES).await? else {
        return Ok(Changed::Unknown);
    };
    let Ok(comparison) = serde_json::from_slice::<Comparison>(&body) else {
        let why = "it does not say which files differ".to_owned();
        return Err(ForgeError::BadAnswer { what: call.what, why, retry: Retry::Backoff });
    };
    Ok(match comparison.files {
        Some(files) if files.len() < MAX_COMPARED => {
            let names = |file: File| [Some(file.filename), file.previous_filename];
            Changed::Files(files.into_iter().flat_map(names).flatten().collect())
        }
        _ => Changed::Unknown,
    })
}
