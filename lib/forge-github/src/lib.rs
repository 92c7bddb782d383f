//! GitHub, as a GitHub App.
mod api;
mod body;
mod check_event;
mod check_run;
mod client;
mod config;
mod contents;
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
    Changed, Check, Forge, ForgeError, Genuine, Head, Interpretation, Pace, Permission, Rejection,
    Secrets, Standing, WorkflowFile,
};
use solstice_model::{CommitSha, ForgeName, RepoName};

use crate::api::Api;
use crate::check_run::CheckRuns;
use crate::client::Client;
use crate::config::api_root;
pub use crate::config::{ConfigError, GitHubConfig, Timeouts};
use crate::installation::{App, Installations};

/// One GitHub App on one server.
pub struct GitHubForge {
    name: ForgeName,
    app_id: u64,
    secrets: Secrets,
    api: Api,
    checks: CheckRuns,
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
        standing::standing(&self.api, repository).await
    }

    async fn redeliver(&self, since: DateTime<Utc>) -> Result<usize, ForgeError> {
        standing::redeliver(&self.api, since).await
    }

    fn pace(&self) -> Pace {
        Pace {
            details: true,
            progress: Duration::from_secs(10),
            per_minute: Some(80),
            per_hour: Some(500),
        }
    }

    async fn report(&self, check: &Check<'_>) -> Result<(), ForgeError> {
        self.checks.report(&self.api, check).await
    }
}
