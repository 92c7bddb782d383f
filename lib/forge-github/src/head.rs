//! Where a ref is now.

use serde::Deserialize;
use solstice_forge::{ForgeError, Head, MAX_TITLE_CHARS, refs, text};
use solstice_model::{CommitSha, GitRef, RepoName};

use crate::api::{Api, unusable};
use crate::body::BodyRepository;
use crate::history::Commit;

/// How many tags may point to each other before a commit has to follow.
const MAX_TAGS: usize = 4;

/// A repository, and where its people work.
#[derive(Deserialize)]
struct Described {
    default_branch: String,
    #[serde(flatten)]
    repository: BodyRepository,
}

/// A ref, or a tag of a ref: what it points to.
#[derive(Deserialize)]
struct Pointer {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    #[serde(rename = "type")]
    kind: String,
    sha: String,
}

pub(crate) async fn head(
    api: &Api,
    repository: &RepoName,
    name: Option<&str>,
    commit: Option<&CommitSha>,
) -> Result<Head, ForgeError> {
    let absent = |what: String| ForgeError::Absent { what };
    let described: Option<Described> = api.find(repository, &[], &[]).await?;
    let described = described.ok_or_else(|| absent(format!("repository {repository}")))?;
    let name = name.unwrap_or(&described.default_branch);
    let (git_ref, tip) = tip(api, repository, name).await?;
    let wanted = commit.map_or(tip.as_str(), CommitSha::as_str);
    let found: Option<Commit> = api.find(repository, &["git", "commits", wanted], &[]).await?;
    let found = found.ok_or_else(|| absent(format!("commit {wanted} in {repository}")))?;
    let bad = |why: String| unusable(&format!("the commit {wanted} of {repository}"), why);
    Ok(Head {
        repository: described.repository.checked().map_err(&bad)?,
        git_ref,
        commit: found.sha.parse().map_err(|error| bad(format!("{error}")))?,
        title: text::first_line(&found.message, MAX_TITLE_CHARS),
    })
}

/// The first that there is of the refs that the name may mean, and its commit.
async fn tip(
    api: &Api,
    repository: &RepoName,
    name: &str,
) -> Result<(GitRef, CommitSha), ForgeError> {
    for git_ref in refs::meant(name) {
        // `refs/` is part of the path already; each part is encoded by itself.
        let parts: Vec<&str> =
            ["git", "ref"].into_iter().chain(git_ref.as_str().split('/').skip(1)).collect();
        if let Some(Pointer { object }) = api.find(repository, &parts, &[]).await? {
            let commit = commit_of(api, repository, object).await?;
            return Ok((git_ref, commit));
        }
    }
    let shown = text::cut(name, MAX_TITLE_CHARS);
    Err(ForgeError::Absent { what: format!("branch or tag {shown:?} in {repository}") })
}

/// The commit that a ref's object is, or that its annotated tags are of.
async fn commit_of(
    api: &Api,
    repository: &RepoName,
    mut object: Object,
) -> Result<CommitSha, ForgeError> {
    let what = format!("a ref of {repository}");
    for _ in 0..MAX_TAGS {
        let sha: CommitSha =
            object.sha.parse().map_err(|error| unusable(&what, format!("{error}")))?;
        if object.kind != "tag" {
            return Ok(sha);
        }
        let tag: Pointer = api.ask(repository, &["git", "tags", sha.as_str()], &[]).await?;
        object = tag.object;
    }
    Err(ForgeError::Absent { what: format!("commit behind the tags of {what}") })
}
