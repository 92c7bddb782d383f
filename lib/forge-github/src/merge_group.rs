//! What the webhook of a merge queue means.
//!
//! The entry's commit is on a branch of the queue's own. What it would change
//! is counted from the commit into which it would be merged.

use serde::Deserialize;
use solstice_forge::body::{End, Unfit};
use solstice_forge::{Event, MergeGroup, Push};
use solstice_model::{CommitSha, GitRef};

use crate::body::{BodyCommit, BodyRepository, User, actor, is_queue, other_action, title};

#[derive(Deserialize)]
struct Body {
    action: String,
    merge_group: Group,
    repository: BodyRepository,
    sender: Option<User>,
}

#[derive(Deserialize)]
struct Group {
    head_sha: String,
    head_ref: String,
    base_sha: String,
    base_ref: String,
    head_commit: Option<BodyCommit>,
}

pub(crate) fn read(body: &[u8]) -> Result<Event, Unfit> {
    let Body { action, merge_group, repository, sender } = serde_json::from_slice(body)?;
    let git_ref: GitRef = merge_group.head_ref.parse()?;
    if !is_queue(&git_ref) {
        return Err(Unfit::from(format!("{git_ref} is no merge queue's")));
    }
    let (repository, actor) = (repository.checked()?, actor(sender)?);
    match action.as_str() {
        "checks_requested" => {}
        "destroyed" => return Ok(Event::RefDeleted { repository, git_ref, actor }),
        other => return other_action("an entry of a merge queue", other),
    }
    let base: GitRef = merge_group.base_ref.parse()?;
    let base = base.branch().ok_or("the base of a merge queue is no branch")?.to_owned();
    let commit: CommitSha = merge_group.head_sha.parse()?;
    let title = title(merge_group.head_commit, &commit);
    let before = End::read(&merge_group.base_sha)?.commit();
    let head = Push { repository, git_ref, commit, before, title, actor };
    Ok(Event::MergeGroup(MergeGroup { base, head }))
}
