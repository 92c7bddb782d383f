//! The bodies of the webhooks of pull requests and deleted branches. The order
//! of the fields is Forgejo's.

use serde::Serialize;
use serde_json::Value;
use solstice_model::{CommitSha, GitRef, RepoName};

use super::repository::{Repository, User};
use super::{as_go_writes, describe};
use crate::error::TestbedError;
use crate::forge::git;
use crate::forge::repositories::Repositories;

/// Where the commits of a pull request are from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PullRequestFrom {
    /// A branch of the repository itself.
    Branch(String),
    /// A branch of this user's fork.
    Fork {
        /// Whose.
        owner: String,
        /// Which.
        branch: String,
    },
    /// A branch of a fork that is deleted by now.
    DeletedFork {
        /// Which.
        branch: String,
    },
    /// A push to `refs/for/…`, for which one need only be able to read.
    Agit,
}

/// What happened to a pull request into the default branch.
#[derive(Clone, Debug)]
pub struct PullRequestAction {
    /// `opened`, `synchronized`, `closed`, …
    pub action: &'static str,
    /// Its number.
    pub number: u64,
    /// Its title.
    pub title: String,
    /// Where its commits are from.
    pub from: PullRequestFrom,
    /// Its head; in a repository under `refs/pull/<number>/head`.
    pub head: CommitSha,
    /// Who did it.
    pub sender: String,
}

#[derive(Serialize)]
struct Payload {
    action: &'static str,
    number: u64,
    pull_request: PullRequest,
    requested_reviewer: Option<()>,
    repository: Repository,
    sender: User,
    commit_id: &'static str,
    review: Option<()>,
}

#[derive(Serialize)]
struct PullRequest {
    id: u64,
    url: String,
    number: u64,
    user: User,
    title: String,
    body: &'static str,
    labels: [(); 0],
    milestone: Option<()>,
    assignee: Option<()>,
    assignees: Option<()>,
    requested_reviewers: [(); 0],
    requested_reviewers_teams: [(); 0],
    state: &'static str,
    draft: bool,
    is_locked: bool,
    comments: u64,
    review_comments: u64,
    additions: u64,
    deletions: u64,
    changed_files: u64,
    html_url: String,
    diff_url: String,
    patch_url: String,
    mergeable: bool,
    merged: bool,
    merged_at: Option<()>,
    merge_commit_sha: Option<()>,
    merged_by: Option<()>,
    allow_maintainer_edit: bool,
    base: End,
    head: End,
    merge_base: String,
    due_date: Option<()>,
    created_at: &'static str,
    updated_at: &'static str,
    closed_at: Option<&'static str>,
    pin_order: u64,
    flow: u64,
}

#[derive(Serialize)]
struct End {
    label: String,
    r#ref: String,
    sha: String,
    repo_id: i64,
    repo: Option<Repository>,
}

#[derive(Serialize)]
struct Deleted<'a> {
    r#ref: &'a str,
    ref_type: &'static str,
    pusher_type: &'static str,
    repository: Repository,
    sender: User,
}

impl Repositories {
    /// The webhook's body for something that happened to a pull request.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if the repository is absent or its default branch empty.
    pub async fn pull_request_payload(
        &self,
        repository: &RepoName,
        told: &PullRequestAction,
    ) -> Result<Vec<u8>, TestbedError> {
        let described = describe(self, repository).await?;
        let base = self.base(repository, &described).await?;
        let payload = Payload {
            action: told.action,
            number: told.number,
            pull_request: self.pull_request(repository, told, base, &described),
            requested_reviewer: None,
            repository: described,
            sender: User::new(self, &told.sender),
            commit_id: "",
            review: None,
        };
        Ok(as_go_writes(&payload))
    }

    /// The pull request, as the API describes it.
    pub(in crate::forge) async fn described_pull_request(
        &self,
        repository: &RepoName,
        told: &PullRequestAction,
    ) -> Option<Value> {
        let described = describe(self, repository).await.ok()?;
        let base = self.base(repository, &described).await.ok()?;
        serde_json::to_value(self.pull_request(repository, told, base, &described)).ok()
    }

    /// The default branch.
    async fn base(
        &self,
        repository: &RepoName,
        described: &Repository,
    ) -> Result<End, TestbedError> {
        let path = self.path(repository);
        let branch = git::git_line(&path, &["symbolic-ref", "--short", "HEAD"]).await?;
        Ok(End {
            label: branch.clone(),
            r#ref: branch,
            sha: git::git_line(&path, &["rev-parse", "--verify", "HEAD"]).await?,
            repo_id: described.id(),
            repo: Some(described.clone()),
        })
    }

    fn pull_request(
        &self,
        repository: &RepoName,
        told: &PullRequestAction,
        base: End,
        described: &Repository,
    ) -> PullRequest {
        let url = format!("{}/pulls/{}", self.html_url(repository), told.number);
        let closed = told.action == "closed";
        PullRequest {
            id: 900 + told.number,
            url: url.clone(),
            number: told.number,
            user: User::new(self, &told.sender),
            title: told.title.clone(),
            body: "",
            labels: [],
            milestone: None,
            assignee: None,
            assignees: None,
            requested_reviewers: [],
            requested_reviewers_teams: [],
            state: if closed { "closed" } else { "open" },
            draft: false,
            is_locked: false,
            comments: 0,
            review_comments: 0,
            additions: 3,
            deletions: 1,
            changed_files: 1,
            diff_url: format!("{url}.diff"),
            patch_url: format!("{url}.patch"),
            html_url: url,
            mergeable: !closed,
            merged: false,
            merged_at: None,
            merge_commit_sha: None,
            merged_by: None,
            allow_maintainer_edit: false,
            merge_base: base.sha.clone(),
            base,
            head: head(told, described),
            due_date: None,
            created_at: "2026-10-11T12:00:00Z",
            updated_at: "2026-10-11T12:13:14Z",
            closed_at: closed.then_some("2026-10-11T12:13:14Z"),
            pin_order: 0,
            flow: u64::from(told.from == PullRequestFrom::Agit),
        }
    }

    /// The webhook's body for a branch that was deleted.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if the repository is absent.
    pub async fn delete_payload(
        &self,
        repository: &RepoName,
        git_ref: &GitRef,
        sender: &str,
    ) -> Result<Vec<u8>, TestbedError> {
        Ok(as_go_writes(&Deleted {
            r#ref: git_ref.as_str(),
            ref_type: if git_ref.tag().is_some() { "tag" } else { "branch" },
            pusher_type: "user",
            repository: describe(self, repository).await?,
            sender: User::new(self, sender),
        }))
    }
}

fn head(told: &PullRequestAction, here: &Repository) -> End {
    let (number, sha) = (told.number, told.head.to_string());
    let own_ref = format!("refs/pull/{number}/head");
    match &told.from {
        PullRequestFrom::Branch(branch) => End {
            label: branch.clone(),
            r#ref: branch.clone(),
            sha,
            repo_id: here.id(),
            repo: Some(here.clone()),
        },
        PullRequestFrom::Fork { owner, branch } => {
            let fork = here.forked_by(owner);
            let (label, r#ref) = (branch.clone(), branch.clone());
            End { label, r#ref, sha, repo_id: fork.id(), repo: Some(fork) }
        }
        PullRequestFrom::DeletedFork { branch } => {
            End { label: branch.clone(), r#ref: own_ref, sha, repo_id: -1, repo: None }
        }
        PullRequestFrom::Agit => End {
            label: String::new(),
            r#ref: own_ref,
            sha,
            repo_id: here.id(),
            repo: Some(here.clone()),
        },
    }
}
