//! A forge whose requests are counted, and whose reports are told to the tracer.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use http::HeaderMap;
use solstice_engine::Clock;
use solstice_forge::{
    Changed, Check, Credential, Forge, ForgeError, Genuine, Head, Interpretation, Pace, Permission,
    Rejection, Standing, WorkflowFile,
};
use solstice_metrics::SecondsBy;
use solstice_model::{CommitSha, ForgeName, RepoName};
use url::Url;

use crate::observe::Observer;

/// The forge, and who watches.
pub(crate) struct Measured {
    pub(crate) forge: Arc<dyn Forge>,
    pub(crate) seconds: SecondsBy<3>,
    pub(crate) observer: Arc<Observer>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Measured {
    async fn ask<T>(
        &self,
        operation: &'static str,
        request: impl Future<Output = Result<T, ForgeError>> + Send,
    ) -> Result<T, ForgeError> {
        let begun = Instant::now();
        let answer = request.await;
        let outcome = match &answer {
            Ok(_) => "ok",
            Err(ForgeError::Unreachable { .. }) => "unreachable",
            Err(ForgeError::Absent { .. }) => "absent",
            Err(ForgeError::Refused { .. }) => "refused",
            Err(ForgeError::BadAnswer { .. }) => "bad_answer",
        };
        let labels = [
            ("forge", self.forge.name().to_string()),
            ("operation", operation.to_owned()),
            ("outcome", outcome.to_owned()),
        ];
        self.seconds.get_or_create(&labels).observe(begun.elapsed().as_secs_f64());
        answer
    }
}

#[async_trait]
impl Forge for Measured {
    fn name(&self) -> &ForgeName {
        self.forge.name()
    }

    fn authenticate(&self, headers: &HeaderMap, body: &[u8]) -> Result<Genuine, Rejection> {
        self.forge.authenticate(headers, body)
    }

    fn interpret(&self, event: &str, body: &[u8]) -> Interpretation {
        self.forge.interpret(event, body)
    }

    async fn workflow_files(
        &self,
        repository: &RepoName,
        commit: &CommitSha,
    ) -> Result<Vec<WorkflowFile>, ForgeError> {
        self.ask("workflow_files", self.forge.workflow_files(repository, commit)).await
    }

    async fn head(
        &self,
        repository: &RepoName,
        git_ref: Option<&str>,
        commit: Option<&CommitSha>,
    ) -> Result<Head, ForgeError> {
        self.ask("head", self.forge.head(repository, git_ref, commit)).await
    }

    async fn default_branch_file(
        &self,
        repository: &RepoName,
        path: &str,
    ) -> Result<Option<WorkflowFile>, ForgeError> {
        self.ask("default_branch_file", self.forge.default_branch_file(repository, path)).await
    }

    async fn commit_message(
        &self,
        repository: &RepoName,
        commit: &CommitSha,
    ) -> Result<String, ForgeError> {
        self.ask("commit_message", self.forge.commit_message(repository, commit)).await
    }

    async fn changed_files(
        &self,
        repository: &RepoName,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<Changed, ForgeError> {
        self.ask("changed_files", self.forge.changed_files(repository, base, head)).await
    }

    async fn permission(
        &self,
        repository: &RepoName,
        user: &str,
    ) -> Result<Permission, ForgeError> {
        self.ask("permission", self.forge.permission(repository, user)).await
    }

    async fn standing(&self, repository: &RepoName) -> Result<Standing, ForgeError> {
        self.ask("standing", self.forge.standing(repository)).await
    }

    async fn redeliver(&self, since: DateTime<Utc>) -> Result<usize, ForgeError> {
        self.ask("redeliver", self.forge.redeliver(since)).await
    }

    async fn fetch_credential(
        &self,
        repository: &RepoName,
    ) -> Result<Option<Credential>, ForgeError> {
        self.ask("fetch_credential", self.forge.fetch_credential(repository)).await
    }

    fn line_url(&self, html_url: &Url, commit: &CommitSha, path: &str, line: u32) -> Option<Url> {
        self.forge.line_url(html_url, commit, path, line)
    }

    fn pace(&self) -> Pace {
        self.forge.pace()
    }

    async fn report(&self, check: &Check<'_>) -> Result<(), ForgeError> {
        let begun = self.clock.now();
        let told = self.ask("report", self.forge.report(check)).await;
        self.observer
            .told(self.name(), check, (begun, self.clock.now()), told.as_ref().err())
            .await;
        told
    }
}
