//! What the webhook of a pull request means.
//!
//! Whose commits they are decides what they may start (invariant I10). A pull
//! request that was pushed to `refs/for/…` (AGit) needs no more than the right
//! to read, and looks like one from a branch of the repository itself: the same
//! repository as head and base, but an empty label, and `flow` 1 where the
//! forge tells it. So nobody counts as one of the repository's own unless all
//! of the description says so.

use serde::Deserialize;
use solstice_forge::{Event, MAX_TITLE_CHARS, PullRequest, Push, text};
use solstice_model::{CommitSha, GitRef};

use crate::body::{BodyRepository, Unfit, User, actor};

#[derive(Deserialize)]
struct Body {
    action: String,
    number: u64,
    pull_request: Description,
    repository: BodyRepository,
    sender: Option<User>,
}

#[derive(Deserialize)]
struct Description {
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
        "opened" | "reopened" | "synchronized" => pull_request(body).map(Event::PullRequest),
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

fn pull_request(body: Body) -> Result<PullRequest, Unfit> {
    let outside = is_outside(&body);
    let Body { number, pull_request, repository, sender, .. } = body;
    let base_commit = pull_request.base.sha.parse().ok();
    let actor = actor(sender)?;
    // Of a deleted account the forge knows no more.
    let author = pull_request.user.map(|user| text::one_line(&user.login, MAX_TITLE_CHARS));
    let author = author.filter(|login| !login.is_empty()).unwrap_or_else(|| "ghost".to_owned());
    let base: GitRef = format!("refs/heads/{}", pull_request.base.r#ref).parse()?;
    let commit: CommitSha = pull_request.head.sha.parse()?;
    let head = Push {
        repository: repository.checked()?,
        git_ref: format!("refs/pull/{number}/head").parse()?,
        commit,
        before: None,
        title: text::first_line(&pull_request.title, MAX_TITLE_CHARS),
        actor,
    };
    Ok(PullRequest { number, base: base.short().to_owned(), outside, author, base_commit, head })
}

/// Whether its commits need not be those of somebody who may push.
fn is_outside(body: &Body) -> bool {
    let Description { base, head, flow, .. } = &body.pull_request;
    let here = body.repository.id;
    let same_repository = here > 0
        && head.repo.as_ref().is_some_and(|repository| repository.id == here)
        && [base.repo_id, head.repo_id] == [here, here];
    let from_a_branch =
        flow.is_none_or(|flow| flow == 0) && !head.label.is_empty() && head.r#ref == head.label;
    !(same_repository && from_a_branch)
}
