//! What a push webhook means.
//!
//! Forgejo's body has no `created`, `deleted` or `forced`: a commit of zeros
//! says the first two, and the third only Git knows.

use serde::Deserialize;
use solstice_forge::body::{End, Unfit};
use solstice_forge::{Event, MAX_TITLE_CHARS, Push, text};
use solstice_model::{CommitSha, GitRef};

use crate::body::{BodyRepository, User, actor};

#[derive(Deserialize)]
struct Body {
    r#ref: String,
    before: String,
    after: String,
    head_commit: Option<HeadCommit>,
    repository: BodyRepository,
    pusher: Option<User>,
    sender: Option<User>,
}

#[derive(Deserialize)]
struct HeadCommit {
    id: String,
    message: String,
}

pub(crate) fn read(body: &[u8]) -> Result<Event, Unfit> {
    let body: Body = serde_json::from_slice(body)?;
    let git_ref: GitRef = body.r#ref.parse()?;
    if git_ref.branch().is_none() && git_ref.tag().is_none() {
        return Err(Unfit::Ignored(format!("{git_ref} is neither a branch nor a tag")));
    }
    let (before, after) = (End::read(&body.before)?, End::read(&body.after)?);
    if body.before.len() != body.after.len() {
        return Err(Unfit::from("before and after are ids of different kinds"));
    }
    let after = match after {
        End::Nothing if before == End::Nothing => {
            return Err(Unfit::Ignored("neither before nor after is a commit".to_owned()));
        }
        End::Nothing => {
            let repository = body.repository.checked()?;
            let actor = actor(body.pusher.or(body.sender))?;
            return Ok(Event::RefDeleted { repository, git_ref, actor });
        }
        End::Commit(_) if before == after => {
            let reason = "before and after are equal: the webhook's test button was pressed";
            return Err(Unfit::Ignored(reason.to_owned()));
        }
        End::Commit(after) => after,
    };
    let (commit, title) = commit(&git_ref, after, body.head_commit)?;
    Ok(Event::Push(Push {
        repository: body.repository.checked()?,
        git_ref,
        commit,
        before: before.commit(),
        title,
        actor: actor(body.pusher.or(body.sender))?,
    }))
}

/// The commit to build, and its title. For an annotated tag, `after` is the
/// tag object and the head commit the commit; for a branch both are the commit.
fn commit(
    git_ref: &GitRef,
    after: CommitSha,
    head: Option<HeadCommit>,
) -> Result<(CommitSha, String), Unfit> {
    let Some(head) = head else { return Ok((after, String::new())) };
    let id: CommitSha = head.id.parse()?;
    let title = text::first_line(&head.message, MAX_TITLE_CHARS);
    match git_ref.tag() {
        Some(_) => Ok((id, title)),
        None if id == after => Ok((after, title)),
        // What the branch points to is what counts, whatever else is told.
        None => Ok((after, String::new())),
    }
}
