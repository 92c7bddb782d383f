//! The bodies of webhooks, byte for byte as Forgejo writes them.
//!
//! Forgejo's structures have a fixed order of fields, an indentation of two
//! blanks, and escape `<`, `>`, `&`, U+2028 and U+2029 in strings, as Go's JSON
//! encoder does. The commits of a push are the newest first and at most fifteen, ten for
//! a new branch and none for a tag; the head commit is always whole. For an
//! annotated tag, `after` is the tag object and the head commit the commit.

mod commit;
mod pull_request;
mod repository;

use serde::Serialize;
use serde_json::{Value, json};
use solstice_model::{CommitSha, GitRef, RepoName};

use self::commit::{Commit, compared, newest_commits};
pub use self::pull_request::{PullRequestAction, PullRequestFrom};
use self::repository::{Repository, User};
use super::git;
use super::repositories::Repositories;
use crate::error::TestbedError;

/// Forgejo's `PAYLOAD_COMMIT_LIMIT`.
const MAX_COMMITS: usize = 15;

/// A new branch is cut to so many commits beforehand.
const MAX_NEW_COMMITS: usize = 10;

/// A push that happened, and what the forge says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// The ref that moved.
    pub git_ref: GitRef,
    /// The commit that it points to now.
    pub commit: CommitSha,
    /// The webhook's body.
    pub payload: Vec<u8>,
}

#[derive(Serialize)]
struct Payload<'a> {
    r#ref: &'a str,
    before: &'a str,
    after: &'a str,
    compare_url: String,
    commits: Vec<Commit>,
    total_commits: usize,
    head_commit: Option<Commit>,
    repository: Repository,
    pusher: User,
    sender: User,
}

impl Repositories {
    /// The webhook's body for a ref that moved. `before` is absent for a new
    /// ref, `after` for a deleted one.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if Git knows no such repository or commit.
    pub async fn push_payload(
        &self,
        repository: &RepoName,
        git_ref: &GitRef,
        before: Option<&CommitSha>,
        after: Option<&CommitSha>,
        pusher: &str,
    ) -> Result<Vec<u8>, TestbedError> {
        let path = self.path(repository);
        let format = git::git_line(&path, &["rev-parse", "--show-object-format"]).await?;
        let zeros = "0".repeat(if format == "sha256" { 64 } else { 40 });
        let id = |commit: Option<&CommitSha>| commit.map_or(&*zeros, |it| it.as_str()).to_owned();
        let (before, after) = (id(before), id(after));
        let html_url = self.html_url(repository);
        let head = if after == zeros { None } else { git::resolve(&path, &after).await };
        let (mut commits, mut total) = (Vec::new(), 0);
        if git_ref.branch().is_some() && after != zeros {
            let (range, limit) = match &before {
                before if *before == zeros => (after.clone(), Some(MAX_NEW_COMMITS)),
                // The test button of a webhook's page: the tip alone.
                before if *before == after => (after.clone(), Some(1)),
                before => (format!("{before}..{after}"), None),
            };
            (commits, total) = newest_commits(&path, &html_url, &range, limit).await?;
        }
        let head_commit = match head {
            Some(head) => newest_commits(&path, &html_url, &head, Some(1)).await?.0.pop(),
            None => None,
        };
        let pusher = User::new(self, pusher);
        let payload = Payload {
            r#ref: git_ref.as_str(),
            before: &before,
            after: &after,
            compare_url: format!("{html_url}/compare/{before}...{after}"),
            commits,
            total_commits: total,
            head_commit,
            repository: describe(self, repository).await?,
            sender: pusher.clone(),
            pusher,
        };
        Ok(as_go_writes(&payload))
    }

    /// The webhook's body as if the default branch had just been made.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if the repository is absent or empty.
    pub async fn push_payload_of_default_branch(
        &self,
        repository: &RepoName,
    ) -> Result<Pushed, TestbedError> {
        self.push_payload_of_commit(repository, "HEAD").await
    }

    /// The webhook's body as if the default branch had just been made at this
    /// commit: a branch, a tag or the beginning of a commit id.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if the repository or the commit is absent.
    pub async fn push_payload_of_commit(
        &self,
        repository: &RepoName,
        commit: &str,
    ) -> Result<Pushed, TestbedError> {
        let path = self.path(repository);
        let absent = |why: String| TestbedError::Api {
            what: format!("find commit {commit} of {repository}"),
            why,
        };
        let found = git::resolve(&path, commit).await.ok_or(absent("no such commit".to_owned()))?;
        let commit: CommitSha =
            found.parse().map_err(|error: solstice_model::BadName| absent(error.to_string()))?;
        let branch = git::git_line(&path, &["symbolic-ref", "HEAD"]).await;
        // Somebody's mirror may have a detached head.
        let git_ref = branch.ok().and_then(|name| name.parse().ok());
        let git_ref = git_ref.unwrap_or("refs/heads/main".parse().expect("a ref"));
        let owner = repository.as_str().split('/').next().expect("split gives one part at least");
        let payload = self.push_payload(repository, &git_ref, None, Some(&commit), owner).await?;
        Ok(Pushed { git_ref, commit, payload })
    }
}

/// What the forge's answers and webhooks have in common.
impl Repositories {
    /// A repository, as the API describes it.
    pub(super) async fn described(&self, repository: &RepoName) -> Option<Value> {
        let described = describe(self, repository).await.ok()?;
        serde_json::to_value(described).ok()
    }

    /// A branch, as the API describes it.
    pub(super) async fn branch(&self, repository: &RepoName, name: &str) -> Option<Value> {
        let (path, html_url) = (self.path(repository), self.html_url(repository));
        let tip = git::git_line(
            &path,
            &[
                "rev-parse",
                "--verify",
                "--quiet",
                "--end-of-options",
                &format!("refs/heads/{name}"),
            ],
        )
        .await
        .ok()?;
        let commit = newest_commits(&path, &html_url, &tip, Some(1)).await.ok()?.0.pop()?;
        Some(json!({
            "name": name,
            "commit": commit,
            "protected": false,
            "required_approvals": 0,
            "enable_status_check": false,
            "status_check_contexts": [],
            "user_can_push": true,
            "user_can_merge": true,
            "effective_branch_protection_name": "",
        }))
    }
}

/// What two commits have in common, and not.
impl Repositories {
    /// The comparison of two commits, as the API describes it.
    pub(super) async fn compared(
        &self,
        repository: &RepoName,
        base: &str,
        head: &str,
    ) -> Option<Value> {
        let path = self.path(repository);
        let (base, head) = (git::resolve(&path, base).await?, git::resolve(&path, head).await?);
        // Forgejo and Gitea find nothing between histories that never met.
        let parted = git::git_line(&path, &["merge-base", &base, &head]).await;
        let range = parted.map_or(format!("{head}..{head}"), |parted| format!("{parted}..{head}"));
        let commits = compared(&path, &self.html_url(repository), &range).await.ok()?;
        Some(json!({ "total_commits": commits.len(), "commits": commits }))
    }
}

async fn describe(forge: &Repositories, repository: &RepoName) -> Result<Repository, TestbedError> {
    let path = forge.path(repository);
    let format = git::git_line(&path, &["rev-parse", "--show-object-format"]).await?;
    Repository::new(forge, repository, &format, &path).await
}

/// JSON as Go's encoder writes it with an indentation of two blanks.
fn as_go_writes(payload: &impl Serialize) -> Vec<u8> {
    let text = serde_json::to_string_pretty(payload).expect("a payload is plain data");
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            // Outside of strings, JSON has none of these.
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => escaped.push(character),
        }
    }
    escaped.into_bytes()
}
