//! Forgejo and Gitea.
//!
//! Both speak the same API (v1) and send the same webhooks; Gitea leaves the
//! `X-Forgejo-…` headers out. One [`ForgejoForge`] is one server of either kind.
//!
//! ```
//! use solstice_forge::{Forge as _, Secret};
//! use solstice_forge_forgejo::{ForgejoConfig, ForgejoForge};
//!
//! let forge = ForgejoForge::new(ForgejoConfig {
//!     name: "forgejo".parse()?,
//!     base_url: "https://forge.example.org/".parse()?,
//!     token: Secret::new("0123456789abcdef0123456789abcdef01234567")?,
//!     webhook_secrets: vec![Secret::new("shared with the forge's webhook")?],
//! })?;
//! assert_eq!(forge.name().as_str(), "forgejo");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The token belongs to an account of its own that may write to the
//! repositories (scope `write:repository`). These calls of the API are made:
//!
//! | call below `/repos/{owner}/{repo}` | for |
//! | --- | --- |
//! | `GET` itself | its default branch and where it is cloned from, for runs started by hand |
//! | `GET /contents/.solstice?ref=` | which workflow files there are |
//! | `GET /raw/{filepath}?ref=` | what is in one |
//! | `GET /contents/{filepath}` | a file of the default branch |
//! | `GET /git/commits/{sha}` | whether the commit exists, if it has no such directory; its message |
//! | `GET /compare/{base}...{head}` | which files changed |
//! | `GET /collaborators/{user}/permission` | who may approve and stop runs; only an administrator of the repository is answered |
//! | `GET /branches`, `GET /pulls` | what webhooks should have told of |
//! | `GET /branches/{branch}`, `GET /tags/{tag}` | where a branch or a tag is now, for runs started by hand |
//! | `POST /statuses/{sha}` | showing a check |
//!
//! The webhook should send these events: push, pull request (opened, closed,
//! edited), pull request synchronized, and delete, which alone tells of a
//! deleted branch. Comments and the like are ignored with a reason. Nothing is
//! repeated here, and no answer is believed longer than its bound.

mod ask;
mod body;
mod client;
mod commit;
mod config;
mod contents;
mod delete;
mod file;
mod head;
mod permission;
mod pull_request;
mod push;
mod standing;
mod status;
mod webhook;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderMap;
use solstice_forge::{
    Changed, Check, Credential, Forge, ForgeError, Genuine, Head, Interpretation, Pace, Permission,
    Rejection, Secrets, Standing, WorkflowFile,
};
use solstice_model::{CommitSha, ForgeName, RepoName};
use url::Url;

use crate::client::Client;
pub use crate::config::{ConfigError, ForgejoConfig, Timeouts};

/// One Forgejo or Gitea server.
pub struct ForgejoForge {
    name: ForgeName,
    secrets: Secrets,
    client: Client,
}

impl fmt::Debug for ForgejoForge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForgejoForge").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ForgejoForge {
    /// Prepares to talk to the server; asks it nothing yet.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for an address, token or set of secrets that cannot work.
    pub fn new(config: ForgejoConfig) -> Result<Self, ConfigError> {
        Self::with_timeouts(config, Timeouts::default())
    }

    /// As [`ForgejoForge::new`], with other limits of time.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for an address, token or set of secrets that cannot work.
    pub fn with_timeouts(config: ForgejoConfig, timeouts: Timeouts) -> Result<Self, ConfigError> {
        Ok(Self {
            client: Client::new(&config.base_url, &config.token, timeouts)?,
            secrets: Secrets::new(config.webhook_secrets)?,
            name: config.name,
        })
    }
}

#[async_trait]
impl Forge for ForgejoForge {
    fn name(&self) -> &ForgeName {
        &self.name
    }

    fn line_url(&self, html_url: &Url, commit: &CommitSha, path: &str, line: u32) -> Option<Url> {
        solstice_forge::line_url(html_url, &["src", "commit", commit.as_str()], path, line)
    }

    fn authenticate(&self, headers: &HeaderMap, body: &[u8]) -> Result<Genuine, Rejection> {
        webhook::authenticate(&self.secrets, headers, body)
    }

    fn interpret(&self, event: &str, body: &[u8]) -> Interpretation {
        webhook::interpret(event, body)
    }

    async fn workflow_files(
        &self,
        repository: &RepoName,
        commit: &CommitSha,
    ) -> Result<Vec<WorkflowFile>, ForgeError> {
        contents::workflow_files(&self.client, repository, commit).await
    }

    async fn head(
        &self,
        repository: &RepoName,
        git_ref: Option<&str>,
        commit: Option<&CommitSha>,
    ) -> Result<Head, ForgeError> {
        head::head(&self.client, repository, git_ref, commit).await
    }

    async fn default_branch_file(
        &self,
        repository: &RepoName,
        path: &str,
    ) -> Result<Option<WorkflowFile>, ForgeError> {
        file::of_default_branch(&self.client, repository, path).await
    }

    async fn commit_message(
        &self,
        repository: &RepoName,
        commit: &CommitSha,
    ) -> Result<String, ForgeError> {
        commit::message(&self.client, repository, commit).await
    }

    async fn changed_files(
        &self,
        repository: &RepoName,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<Changed, ForgeError> {
        commit::changed_files(&self.client, repository, base, head).await
    }

    async fn permission(
        &self,
        repository: &RepoName,
        user: &str,
    ) -> Result<Permission, ForgeError> {
        permission::permission(&self.client, repository, user).await
    }

    async fn standing(&self, repository: &RepoName) -> Result<Standing, ForgeError> {
        standing::standing(&self.client, repository).await
    }

    /// The account's own token: Forgejo has none that reads one repository only.
    async fn fetch_credential(&self, _: &RepoName) -> Result<Option<Credential>, ForgeError> {
        let (username, password) = ("solstice".to_owned(), self.client.token().clone());
        Ok(Some(Credential { username, password }))
    }

    fn pace(&self) -> Pace {
        Pace {
            details: false,
            annotations: None,
            progress: Duration::from_secs(10),
            per_minute: None,
            per_hour: None,
        }
    }

    async fn report(&self, check: &Check<'_>) -> Result<(), ForgeError> {
        status::report(&self.client, check).await
    }
}
