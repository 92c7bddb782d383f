//! What the webhook of a pull request means.
//!
//! Whose commits they are decides what they may start (invariant I10): those
//! of the repository itself only if the head's repository is told and is the
//! same one. The names of branches prove nothing, and of a deleted fork there
//! is no repository.

use serde::Deserialize;
use solstice_forge::body::Unfit;
use solstice_forge::{Event, MAX_TITLE_CHARS, PullRequest, Push, Repository, text};
use solstice_model::{CommitSha, GitRef};

use crate::body::{BodyRepository, User, actor, author, ignored, other_action};

#[derive(Deserialize)]
struct Body {
    action: String,
    number: u64,
    pull_request: Description,
    changes: Option<Changes>,
    repository: BodyRepository,
    sender: Option<User>,
}

/// What was edited.
#[derive(Deserialize)]
struct Changes {
    base: Option<serde::de::IgnoredAny>,
}

/// A pull request, as webhooks and the API describe it.
#[derive(Deserialize)]
pub(crate) struct Description {
    number: u64,
    title: String,
    user: Option<User>,
    base: End,
    head: End,
}

#[derive(Deserialize)]
struct End {
    r#ref: String,
    sha: String,
    /// Absent when a fork was deleted.
    repo: Option<EndRepository>,
}

#[derive(Deserialize)]
struct EndRepository {
    id: u64,
}

pub(crate) fn read(body: &[u8]) -> Result<Event, Unfit> {
    let body: Body = serde_json::from_slice(body)?;
    let number = body.number;
    if number == 0 || number != body.pull_request.number {
        return Err(Unfit::from("it has two numbers, or none"));
    }
    match body.action.as_str() {
        "opened" | "reopened" | "synchronize" => {}
        "edited" if body.changes.is_some_and(|changes| changes.base.is_some()) => {}
        "edited" => return ignored("a pull request with other words has the commits that it had"),
        "closed" => {
            let (repository, actor) = (body.repository.checked()?, actor(body.sender)?);
            return Ok(Event::PullRequestClosed { repository, number, actor });
        }
        other => return other_action("a pull request", other),
    }
    let (id, repository) = (body.repository.id, body.repository.checked()?);
    let actor = actor(body.sender)?;
    body.pull_request.checked(id, repository, Some(actor)).map(Event::PullRequest)
}

impl Description {
    /// The pull request into this repository, brought about by `actor` or else
    /// its author.
    pub(crate) fn checked(
        self,
        repository_id: u64,
        repository: Repository,
        actor: Option<String>,
    ) -> Result<PullRequest, Unfit> {
        let outside = self.is_outside(repository_id);
        let Self { number, title, user, base, head } = self;
        let base_commit = base.sha.parse().ok();
        let base: GitRef = format!("refs/heads/{}", base.r#ref).parse()?;
        let commit: CommitSha = head.sha.parse()?;
        let author = author(user);
        let head = Push {
            repository,
            git_ref: format!("refs/pull/{number}/head").parse()?,
            commit,
            before: None,
            title: text::first_line(&title, MAX_TITLE_CHARS),
            actor: actor.unwrap_or_else(|| author.clone()),
        };
        Ok(PullRequest {
            number,
            base: base.short().to_owned(),
            outside,
            author,
            base_commit,
            head,
        })
    }

    /// Whether its commits need not be those of somebody who may push.
    fn is_outside(&self, here: u64) -> bool {
        let is_here = |end: &End| end.repo.as_ref().is_some_and(|repository| repository.id == here);
        here == 0 || !is_here(&self.base) || !is_here(&self.head)
    }
}
