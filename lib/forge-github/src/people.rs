//! Who may do what.

use serde::Deserialize;
use solstice_forge::{ForgeError, Permission};
use solstice_model::RepoName;

use crate::api::Api;

/// GitHub's answer has `role_name` too, which an organisation may invent; the
/// permission is what any role comes to (`maintain` to `write`, `triage` to `read`).
#[derive(Deserialize)]
struct Allowed {
    permission: String,
}

pub(crate) async fn permission(
    api: &Api,
    repository: &RepoName,
    user: &str,
) -> Result<Permission, ForgeError> {
    // No login, and no part of a path.
    if ["", ".", ".."].contains(&user) {
        return Ok(Permission::None);
    }
    let path = ["collaborators", user, "permission"];
    let allowed: Option<Allowed> = api.find(repository, &path, &[]).await?;
    Ok(match allowed.as_ref().map(|allowed| allowed.permission.as_str()) {
        Some("admin") => Permission::Admin,
        Some("write") => Permission::Write,
        Some("read") => Permission::Read,
        _ => Permission::None,
    })
}
