//! GitHub, as a GitHub App, on github.com or a GitHub Enterprise Server.
//!
//! An App, because only an App can write check runs: one for each job, with
//! details, annotations and buttons. One [`GitHubForge`] is one App on one server;
//! where it is installed it finds out by itself.
//!
//! ```no_run
//! use solstice_forge::{Forge as _, Secret};
//! use solstice_forge_github::{GitHubConfig, GitHubForge};
//!
//! let forge = GitHubForge::new(GitHubConfig {
//!     name: "github".parse()?,
//!     base_url: "https://github.com/".parse()?,
//!     api_url: None,
//!     app_id: 29310,
//!     private_key_pem: Secret::new(std::fs::read("/etc/solstice/github.pem")?)?,
//!     webhook_secrets: vec![Secret::new("shared with the App's webhook")?],
//! })?;
//! assert_eq!(forge.name().as_str(), "github");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What the App has to be allowed, and which events it has to subscribe to:
//!
//! | permission | for | events |
//! | --- | --- | --- |
//! | Checks: read and write | showing checks, and their buttons | check suite, check run (both always) |
//! | Contents: read | workflow files, commits, what changed | push |
//! | Metadata: read (always there) | the repository, who may do what | |
//! | Pull requests: read | pull requests | pull request |
//! | Merge queues: read | merge queues | merge group |
//!
//! The calls of the API, in the App's own name (signed with its key):
//!
//! | call | for |
//! | --- | --- |
//! | `GET /repos/{owner}/{repo}/installation` | which installation a repository belongs to |
//! | `POST /app/installations/{installation_id}/access_tokens` | its token, for an hour; one for a host, that reads one repository |
//! | `GET /app/hook/deliveries` | which webhooks did not arrive |
//! | `POST /app/hook/deliveries/{delivery_id}/attempts` | asking for one again |
//!
//! and with the installation's token, below `/repos/{owner}/{repo}`:
//!
//! | call | for |
//! | --- | --- |
//! | `GET …/commits/{ref}/check-runs` | finding our run of a subject again |
//! | `POST …/check-runs`, `PATCH …/check-runs/{check_run_id}` | showing a check |
//! | `GET …/contents/{path}` | workflow files of a commit; one file of the default branch |
//! | `GET …/git/commits/{commit_sha}` | a commit's message, and whether it is there |
//! | `GET …/git/ref/{ref}`, `GET …/git/tags/{tag_sha}` | where a branch or tag is now |
//! | `GET …` | the default branch, and where it is cloned from |
//! | `GET …/compare/{basehead}` | which files a change touches |
//! | `GET …/collaborators/{username}/permission` | what somebody may do |
//! | `GET …/branches`, `GET …/commits`, `GET …/pulls` | what there is now, after webhooks were lost |
//!
//! Nothing is repeated here but one call with a new token when the old one is
//! not taken, and no answer is believed longer than its bound. It makes no
//! commit statuses, and reads no secrets of Actions.

mod api;
mod body;
mod check_event;
mod check_run;
mod client;
mod config;
mod contents;
mod deliveries;
mod head;
mod history;
mod installation;
mod merge_group;
mod output;
mod people;
mod pull_request;
mod push;
mod refusal;
mod standing;
mod webhook;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use solstice_forge::{
    Changed, Check, Credential, Forge, ForgeError, Genuine, Head, Interpretation, Pace, Permission,
    Rejection, Secrets, Standing, WorkflowFile,
};
use solstice_model::{CommitSha, ForgeName, RepoName};
use url::Url;

use crate::api::Api;
use crate::check_run::CheckRuns;
use crate::client::Client;
use crate::config::api_root;
pub use crate::config::{ConfigError, GitHubConfig, Timeouts};
use crate::installation::{App, Installations};
use crate::standing::Commits;

/// One GitHub App on one server.
pub struct GitHubForge {
    name: ForgeName,
    app_id: u64,
    secrets: Secrets,
    api: Api,
    checks: CheckRuns,
    commits: Commits,
}

impl fmt::Debug for GitHubForge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHubForge").field("name", &self.name).finish_non_exhaustive()
    }
}

impl GitHubForge {
    /// Prepares to talk to the server; asks it nothing yet.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for an address, a key or a set of secrets that cannot work.
    pub fn new(config: GitHubConfig) -> Result<Self, ConfigError> {
        Self::with_timeouts(config, Timeouts::default())
    }

    /// As [`GitHubForge::new`], with other limits of time.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for an address, a key or a set of secrets that cannot work.
    pub fn with_timeouts(config: GitHubConfig, timeouts: Timeouts) -> Result<Self, ConfigError> {
        let client = Client::new(api_root(&config)?, timeouts)?;
        let app = App::new(config.app_id, &config.private_key_pem)?;
        Ok(Self {
            app_id: app.id(),
            api: Api { client, installations: Installations::new(app, timeouts.total) },
            secrets: Secrets::new(config.webhook_secrets)?,
            checks: CheckRuns::default(),
            commits: Commits::default(),
            name: config.name,
        })
    }
}

#[async_trait]
impl Forge for GitHubForge {
    fn name(&self) -> &ForgeName {
        &self.name
    }

    fn authenticate(&self, headers: &HeaderMap, body: &[u8]) -> Result<Genuine, Rejection> {
        webhook::authenticate(&self.secrets, headers, body)
    }

    fn interpret(&self, event: &str, body: &[u8]) -> Interpretation {
        webhook::interpret(self.app_id, event, body)
    }

    async fn workflow_files(
        &self,
        repository: &RepoName,
        commit: &CommitSha,
    ) -> Result<Vec<WorkflowFile>, ForgeError> {
        contents::workflow_files(&self.api, repository, commit).await
    }

    async fn head(
        &self,
        repository: &RepoName,
        git_ref: Option<&str>,
        commit: Option<&CommitSha>,
    ) -> Result<Head, ForgeError> {
        head::head(&self.api, repository, git_ref, commit).await
    }

    async fn default_branch_file(
        &self,
        repository: &RepoName,
        path: &str,
    ) -> Result<Option<WorkflowFile>, ForgeError> {
        contents::default_branch_file(&self.api, repository, path).await
    }

    async fn commit_message(
        &self,
        repository: &RepoName,
        commit: &CommitSha,
    ) -> Result<String, ForgeError> {
        history::commit_message(&self.api, repository, commit).await
    }

    async fn changed_files(
        &self,
        repository: &RepoName,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<Changed, ForgeError> {
        history::changed_files(&self.api, repository, base, head).await
    }

    async fn permission(
        &self,
        repository: &RepoName,
        user: &str,
    ) -> Result<Permission, ForgeError> {
        people::permission(&self.api, repository, user).await
    }

    async fn standing(&self, repository: &RepoName) -> Result<Standing, ForgeError> {
        self.commits.standing(&self.api, repository).await
    }

    async fn redeliver(&self, since: DateTime<Utc>) -> Result<usize, ForgeError> {
        deliveries::redeliver(&self.api, since).await
    }

    /// A token of its own, which reads this repository for an hour.
    async fn fetch_credential(
        &self,
        repository: &RepoName,
    ) -> Result<Option<Credential>, ForgeError> {
        let Api { client, installations } = &self.api;
        let password = installations.reader(client, repository).await?;
        // GitHub's name for whoever comes with such a token.
        let username = "x-access-token".to_owned();
        Ok(Some(Credential { username, password }))
    }

    fn line_url(&self, html_url: &Url, commit: &CommitSha, path: &str, line: u32) -> Option<Url> {
        solstice_forge::line_url(html_url, &["blob", commit.as_str()], path, line)
    }

    fn pace(&self) -> Pace {
        Pace {
            details: true,
            progress: Duration::from_secs(10),
            annotations: Some(output::MAX_BATCH),
            per_minute: Some(80),
            per_hour: Some(500),
        }
    }

    async fn report(&self, check: &Check<'_>) -> Result<(), ForgeError> {
        self.checks.report(&self.api, check).await
    }
}
