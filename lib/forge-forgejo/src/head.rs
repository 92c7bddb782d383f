//! Where a ref is now.

use http::StatusCode;
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use solstice_forge::{ForgeError, Head, MAX_TITLE_CHARS, Retry, refs, text};
use solstice_model::{CommitSha, GitRef, RepoName};

use crate::body::BodyRepository;
use crate::client::{Body, Client, below, read};

/// The largest answer that is read. That of a commit holds its whole message.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

#[derive(Deserialize)]
struct Described {
    default_branch: String,
    #[serde(flatten)]
    repository: BodyRepository,
}

/// The API calls a branch's commit `id`, and a tag's `sha`.
#[derive(Deserialize)]
struct Tip {
    commit: TipCommit,
}

#[derive(Deserialize)]
struct TipCommit {
    #[serde(alias = "id")]
    sha: String,
}

#[derive(Deserialize)]
struct Commit {
    sha: String,
    commit: Message,
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

pub(crate) async fn head(
    client: &Client,
    repository: &RepoName,
    name: Option<&str>,
    commit: Option<&CommitSha>,
) -> Result<Head, ForgeError> {
    let described: Option<Described> = ask(client, &below(repository, &[]), &[]).await?;
    let absent = |what: String| ForgeError::Absent { what };
    let described = described.ok_or_else(|| absent(format!("repository {repository}")))?;
    let name = name.unwrap_or(&described.default_branch);
    let (git_ref, tip) = tip(client, repository, name).await?;
    let wanted = commit.map_or(tip.as_str(), CommitSha::as_str);
    // What is not read may as well be short.
    let query = [("stat", "false"), ("verification", "false"), ("files", "false")];
    let path = below(repository, &["git", "commits", wanted]);
    let found: Option<Commit> = ask(client, &path, &query).await?;
    let found = found.ok_or_else(|| absent(format!("commit {wanted} in {repository}")))?;
    let bad = |why: String| unusable(format!("the commit {wanted} of {repository}"), why);
    Ok(Head {
        repository: described.repository.checked().map_err(&bad)?,
        git_ref,
        commit: found.sha.parse().map_err(|error| bad(format!("{error}")))?,
        title: text::first_line(&found.commit.message, MAX_TITLE_CHARS),
    })
}

/// The first that there is of the refs that the name may mean, and where it is.
async fn tip(
    client: &Client,
    repository: &RepoName,
    name: &str,
) -> Result<(GitRef, String), ForgeError> {
    for git_ref in refs::meant(name) {
        let kind = if git_ref.branch().is_some() { "branches" } else { "tags" };
        let path = below(repository, &[kind, git_ref.short()]);
        if let Some(tip) = ask::<Tip>(client, &path, &[]).await? {
            return Ok((git_ref, tip.commit.sha));
        }
    }
    let shown = text::cut(name, MAX_TITLE_CHARS);
    Err(ForgeError::Absent { what: format!("branch or tag {shown:?} in {repository}") })
}

/// Asks for something that need not be there.
async fn ask<T: DeserializeOwned>(
    client: &Client,
    path: &[&str],
    query: &[(&str, &str)],
) -> Result<Option<T>, ForgeError> {
    let call = client.call(Method::GET, path.iter().copied(), query);
    let what = call.what.clone();
    let response = match client.send(call, StatusCode::OK).await {
        Err(ForgeError::Refused { status: 404, .. }) => return Ok(None),
        other => other?,
    };
    let Body::Whole(answer) = read(&what, response, MAX_ANSWER_BYTES).await? else {
        return Err(unusable(what, format!("it is larger than {MAX_ANSWER_BYTES} bytes")));
    };
    match serde_json::from_slice(&answer) {
        Ok(answer) => Ok(Some(answer)),
        Err(error) => Err(unusable(what, text::one_line(&error.to_string(), MAX_TITLE_CHARS))),
    }
}

fn unusable(what: String, why: String) -> ForgeError {
    ForgeError::BadAnswer { what, why, retry: Retry::Backoff }
}
