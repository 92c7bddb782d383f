//! What a push webhook means.
//!
//! Deletions are pushes too. A branch of a merge queue is none of ours here:
//! the queue tells of it by `merge_group`, and acting on both would run
//! everything twice.

use serde::Deserialize;
use solstice_forge::body::{End, Unfit};
use solstice_forge::{Event, MAX_TITLE_CHARS, Push, text};
use solstice_model::{CommitSha, GitRef};

use crate::body::{BodyCommit, BodyRepository, User, actor, ignored, is_queue, title};

#[derive(Deserialize)]
struct Body {
    r#ref: String,
    before: String,
    after: String,
    head_commit: Option<BodyCommit>,
    repository: BodyRepository,
    pusher: Option<Pusher>,
    sender: Option<User>,
}

/// Who pushed, as Git's side of GitHub knows them.
#[derive(Deserialize)]
struct Pusher {
    name: String,
}

pub(crate) fn read(body: &[u8]) -> Result<Event, Unfit> {
    let body: Body = serde_json::from_slice(body)?;
    let git_ref: GitRef = body.r#ref.parse()?;
    if git_ref.branch().is_none() && git_ref.tag().is_none() {
        return ignored(format!("{git_ref} is neither a branch nor a tag"));
    }
    if is_queue(&git_ref) {
        return ignored(format!("{git_ref} is a merge queue's, which tells of it by itself"));
    }
    let (before, after) = (End::read(&body.before)?, End::read(&body.after)?);
    if body.before.len() != body.after.len() {
        return Err(Unfit::from("before and after are ids of different kinds"));
    }
    let pusher = body.pusher.map(|pusher| User { login: pusher.name });
    let who = body.sender.or(pusher);
    let after = match after {
        End::Nothing if before == End::Nothing => {
            return ignored("neither before nor after is a commit");
        }
        End::Nothing => {
            let (repository, actor) = (body.repository.checked()?, actor(who)?);
            return Ok(Event::RefDeleted { repository, git_ref, actor });
        }
        End::Commit(_) if before == after => return ignored("before and after are equal"),
        End::Commit(after) => after,
    };
    let (commit, title) = commit(&git_ref, after, body.head_commit)?;
    let (repository, actor) = (body.repository.checked()?, actor(who)?);
    let before = before.commit();
    Ok(Event::Push(Push { repository, git_ref, commit, before, title, actor }))
}

/// The commit to build, and its title. For an annotated tag, `after` is the
/// tag object and the head commit the commit; for a branch both are the commit.
fn commit(
    git_ref: &GitRef,
    after: CommitSha,
    head: Option<BodyCommit>,
) -> Result<(CommitSha, String), Unfit> {
    match (git_ref.tag(), head) {
        (Some(_), Some(head)) => {
            Ok((head.id.parse()?, text::first_line(&head.message, MAX_TITLE_CHARS)))
        }
        // What the branch points to is what counts, whatever else is told.
        (_, head) => {
            let title = title(head, &after);
            Ok((after, title))
        }
    }
}
