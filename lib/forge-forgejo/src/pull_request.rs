//! What the webhook of a pull request means.
//!
//! Whose commits they are decides what they may start (invariant I10). A pull
//! request that was pushed to `refs/for/…` (AGit) needs no more than the right
//! to read, and looks like one from a branch of the repository itself: the same
//! repository as head and base, but an empty label, and `flow` 1 where the
//! forge tells it. So nobody counts as one of the repository's own unless all
//! of the description says so.

use serde::Deserialize;
use serde::de::IgnoredAny;
use solstice_forge::body::Unfit;
use solstice_forge::{Event, MAX_TITLE_CHARS, PullRequest, Push, Repository, text};
use solstice_model::{CommitSha, GitRef};

use crate::body::{BodyRepository, NOBODY, User, actor};

#[derive(Deserialize)]
struct Body {
    action: String,
    number: u64,
    pull_request: Description,
    repository: BodyRepository,
    sender: Option<User>,
    /// What was edited.
    changes: Option<Changes>,
}

/// What an edit changed: of its base, `ref` is there.
#[derive(Deserialize)]
struct Changes {
    r#ref: Option<IgnoredAny>,
}

/// A pull request, as webhooks and the API describe it.
#[derive(Deserialize)]
pub(crate) struct Description {
    number: u64,
    title: String,
    user: Option<User>,
    base: End,
    head: End,
    /// How it was made: 0 from a branch, 1 by AGit. Gitea does not say.
    flow: Option<i64>,
}

#[derive(Deserialize)]
struct End {
    label: String,
    r#ref: String,
    sha: String,
    repo_id: i64,
    /// Absent when a fork was deleted.
    repo: Option<EndRepository>,
}

#[derive(Deserialize)]
struct EndRepository {
    id: i64,
}

pub(crate) fn read(body: &[u8]) -> Result<Event, Unfit> {
    let body: Body = serde_json::from_slice(body)?;
    let number = body.number;
    if number == 0 || number != body.pull_request.number {
        return Err(Unfit::from("it has two numbers, or none"));
    }
    match body.action.as_str() {
        "opened" | "reopened" | "synchronized" => changed(body),
        // Into another branch it is another change.
        "edited" if body.changes.as_ref().is_some_and(|it| it.r#ref.is_some()) => changed(body),
        "closed" => {
            let (repository, actor) = (body.repository.checked()?, actor(body.sender)?);
            Ok(Event::PullRequestClosed { repository, number, actor })
        }
        other => {
            let action = text::one_line(other, 64);
            let reason = format!("a pull request that is {action} has the commits that it had");
            Err(Unfit::Ignored(reason))
        }
    }
}

fn changed(body: Body) -> Result<Event, Unfit> {
    let (repository, here) = (body.repository.checked()?, body.repository.id);
    let told = told(body.pull_request, repository, here, actor(body.sender)?)?;
    Ok(Event::PullRequest(told))
}

/// What a description means in the repository whose id is `here`; `actor` did
/// this now.
pub(crate) fn told(
    description: Description,
    repository: Repository,
    here: i64,
    actor: String,
) -> Result<PullRequest, Unfit> {
    let (outside, author) = (description.is_outside(here), description.author());
    let Description { number, title, base, head, .. } = description;
    let base_ref: GitRef = format!("refs/heads/{}", base.r#ref).parse()?;
    let commit: CommitSha = head.sha.parse()?;
    let head = Push {
        repository,
        git_ref: format!("refs/pull/{number}/head").parse()?,
        commit,
        before: None,
        title: text::first_line(&title, MAX_TITLE_CHARS),
        actor,
    };
    let (base, base_commit) = (base_ref.short().to_owned(), base.sha.parse().ok());
    Ok(PullRequest { number, base, outside, author, base_commit, head })
}

impl Description {
    /// Who opened it; of a deleted account the forge knows no more.
    pub(crate) fn author(&self) -> String {
        let login = self.user.as_ref().map(|user| text::one_line(&user.login, MAX_TITLE_CHARS));
        login.filter(|login| !login.is_empty()).unwrap_or_else(|| NOBODY.to_owned())
    }

    /// Whether its commits need not be those of somebody who may push here.
    fn is_outside(&self, here: i64) -> bool {
        let Description { base, head, flow, .. } = self;
        let same_repository = here > 0
            && head.repo.as_ref().is_some_and(|repository| repository.id == here)
            && [base.repo_id, head.repo_id] == [here, here];
        let from_a_branch =
            flow.is_none_or(|flow| flow == 0) && !head.label.is_empty() && head.r#ref == head.label;
        !(same_repository && from_a_branch)
    }
}
