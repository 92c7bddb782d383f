//! Where a ref is now.

use serde::Deserialize;
use solstice_forge::{ForgeError, Head, MAX_TITLE_CHARS, refs, text};
use solstice_model::{CommitSha, GitRef, RepoName};

use crate::ask::{ask_for, unusable};
use crate::body::BodyRepository;
use crate::client::{Client, below};
use crate::commit::{BRIEF, Commit};

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

pub(crate) async fn head(
    client: &Client,
    repository: &RepoName,
    name: Option<&str>,
    commit: Option<&CommitSha>,
) -> Result<Head, ForgeError> {
    let described: Option<Described> = ask_for(client, &below(repository, &[]), &[]).await?;
    let absent = |what: String| ForgeError::Absent { what };
    let described = described.ok_or_else(|| absent(format!("repository {repository}")))?;
    let name = name.unwrap_or(&described.default_branch);
    let (git_ref, tip) = tip(client, repository, name).await?;
    let wanted = commit.map_or(tip.as_str(), CommitSha::as_str);
    let path = below(repository, &["git", "commits", wanted]);
    let found: Option<Commit> = ask_for(client, &path, &BRIEF).await?;
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
        if let Some(tip) = ask_for::<Tip>(client, &path, &[]).await? {
            return Ok((git_ref, tip.commit.sha));
        }
    }
    let shown = text::cut(name, MAX_TITLE_CHARS);
    Err(ForgeError::Absent { what: format!("branch or tag {shown:?} in {repository}") })
}
