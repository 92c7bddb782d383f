//! What the webhook of a deleted branch means.
//!
//! Forgejo tells of a deleted tag by a push as well, and of a deleted branch by
//! this alone. The ref comes in full from Forgejo and short from Gitea.

use serde::Deserialize;
use solstice_forge::Event;
use solstice_forge::body::Unfit;
use solstice_model::GitRef;

use crate::body::{BodyRepository, User, actor};

#[derive(Deserialize)]
struct Body {
    r#ref: String,
    ref_type: String,
    repository: BodyRepository,
    sender: Option<User>,
}

pub(crate) fn read(body: &[u8]) -> Result<Event, Unfit> {
    let body: Body = serde_json::from_slice(body)?;
    match body.ref_type.as_str() {
        "branch" => {}
        // Acting on it too would do everything twice.
        "tag" => {
            let reason = "that a tag was deleted is told by a push as well";
            return Err(Unfit::Ignored(reason.to_owned()));
        }
        _ => return Err(Unfit::Ignored("neither a branch nor a tag was deleted".to_owned())),
    }
    let full = match body.r#ref.starts_with("refs/heads/") {
        true => body.r#ref,
        false => format!("refs/heads/{}", body.r#ref),
    };
    let git_ref: GitRef = full.parse()?;
    let (repository, actor) = (body.repository.checked()?, actor(body.sender)?);
    Ok(Event::RefDeleted { repository, git_ref, actor })
}
