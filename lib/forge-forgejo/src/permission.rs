//! What somebody may do in a repository.

use serde::Deserialize;
use solstice_forge::{ForgeError, Permission};
use solstice_model::RepoName;

use crate::ask::{ask_for, unusable};
use crate::client::{Client, below};

#[derive(Deserialize)]
struct Told {
    permission: String,
}

/// What this user may do there, by all ways: as a collaborator, through a team,
/// as the owner. Whoever asks must be an administrator of the repository.
pub(crate) async fn permission(
    client: &Client,
    repository: &RepoName,
    user: &str,
) -> Result<Permission, ForgeError> {
    if !may_be_a_user(user) {
        return Ok(Permission::None);
    }
    let path = below(repository, &["collaborators", user, "permission"]);
    let Some(told) = ask_for::<Told>(client, &path, &[]).await? else {
        return Ok(Permission::None);
    };
    match told.permission.as_str() {
        "none" => Ok(Permission::None),
        "read" => Ok(Permission::Read),
        "write" => Ok(Permission::Write),
        "admin" | "owner" => Ok(Permission::Admin),
        _ => {
            let what = format!("GET /{}", path.join("/"));
            Err(unusable(what, "its permission is none that is known".to_owned()))
        }
    }
}

/// Whether somebody can have this name: what cannot be one must not become
/// another part of an address.
fn may_be_a_user(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    name.starts_with(|c: char| c != '.') && name.len() <= 255 && name.chars().all(fits)
}
