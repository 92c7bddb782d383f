//! What the bodies of webhooks share, and what is checked of it.
//!
//! Only what is used is read, by structures of our own; unknown fields pass.

use serde::Deserialize;
use solstice_forge::body::{Unfit, web_address};
use solstice_forge::{MAX_TITLE_CHARS, Repository, text};

/// Whoever is behind an account that is deleted, or behind an address that
/// belongs to none: the name that both forges give them.
pub(crate) const NOBODY: &str = "ghost";

/// A repository, as webhooks and the API describe it.
#[derive(Deserialize)]
pub(crate) struct BodyRepository {
    /// Positive, where it is told.
    #[serde(default)]
    pub(crate) id: i64,
    full_name: String,
    clone_url: String,
    html_url: String,
    private: bool,
    /// Of an organisation that only those who are logged in see.
    #[serde(default)]
    internal: bool,
}

#[derive(Deserialize)]
pub(crate) struct User {
    pub(crate) login: String,
}

impl BodyRepository {
    /// The repository, or what is wrong with the description.
    pub(crate) fn checked(&self) -> Result<Repository, String> {
        Ok(Repository {
            name: self.full_name.parse().map_err(|error| format!("full_name: {error}"))?,
            clone_url: web_address("clone_url", &self.clone_url)?,
            html_url: web_address("html_url", &self.html_url)?,
            private: self.private || self.internal,
        })
    }
}

/// Who did it, on one bounded line.
pub(crate) fn actor(user: Option<User>) -> Result<String, Unfit> {
    let login = user.map(|user| text::one_line(&user.login, MAX_TITLE_CHARS)).unwrap_or_default();
    if login.is_empty() {
        return Err(Unfit::from("the body does not say who did it"));
    }
    Ok(login)
}
