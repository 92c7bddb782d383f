//! What the bodies of webhooks share, and what is checked of it.
//!
//! Only what is used is read, by structures of our own; unknown fields pass.

use serde::Deserialize;
use solstice_forge::body::{Unfit, web_address};
use solstice_forge::{MAX_TITLE_CHARS, Repository, text};
use solstice_model::{CommitSha, GitRef};

/// The branches of merge queues.
const QUEUES: &str = "refs/heads/gh-readonly-queue/";

/// How GitHub calls an account that is gone.
const GHOST: &str = "ghost";

/// A repository, as webhooks and the API describe it.
#[derive(Deserialize)]
pub(crate) struct BodyRepository {
    pub(crate) id: u64,
    full_name: String,
    clone_url: String,
    html_url: String,
    private: bool,
}

#[derive(Deserialize)]
pub(crate) struct User {
    /// Empty where the API knows nobody, which it says in several ways.
    #[serde(default)]
    pub(crate) login: String,
}

/// A commit, as webhooks describe one.
#[derive(Deserialize)]
pub(crate) struct BodyCommit {
    pub(crate) id: String,
    pub(crate) message: String,
}

/// No concern of ours, for this reason.
pub(crate) fn ignored<T>(reason: impl Into<String>) -> Result<T, Unfit> {
    Err(Unfit::Ignored(reason.into()))
}

/// An event whose action starts nothing; `what` says of what.
pub(crate) fn other_action<T>(what: &str, action: &str) -> Result<T, Unfit> {
    ignored(format!("{what} that is {} starts nothing", text::one_line(action, 64)))
}

impl BodyRepository {
    /// The repository, or what is wrong with the description.
    pub(crate) fn checked(&self) -> Result<Repository, String> {
        Ok(Repository {
            name: self.full_name.parse().map_err(|error| format!("full_name: {error}"))?,
            clone_url: web_address("clone_url", &self.clone_url)?,
            html_url: web_address("html_url", &self.html_url)?,
            private: self.private,
        })
    }
}

/// Who did it, on one bounded line.
pub(crate) fn actor(user: Option<User>) -> Result<String, Unfit> {
    login(user).ok_or_else(|| Unfit::from("the body does not say who did it"))
}

/// Whose it is; of a deleted account GitHub knows no more.
pub(crate) fn author(user: Option<User>) -> String {
    login(user).unwrap_or_else(|| GHOST.to_owned())
}

fn login(user: Option<User>) -> Option<String> {
    let login = text::one_line(&user?.login, MAX_TITLE_CHARS);
    (!login.is_empty()).then_some(login)
}

/// Whether a ref is a merge queue's own, which only `merge_group` tells of.
pub(crate) fn is_queue(git_ref: &GitRef) -> bool {
    git_ref.as_str().starts_with(QUEUES)
}

/// The title of a commit, if this is the commit.
pub(crate) fn title(head: Option<BodyCommit>, commit: &CommitSha) -> String {
    head.filter(|head| head.id == commit.as_str())
        .map(|head| text::first_line(&head.message, MAX_TITLE_CHARS))
        .unwrap_or_default()
}
