//! The fake forge, and a way to make it slow.

use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderMap;
use solstice_forge::fake::FakeForge;
use solstice_forge::{
    CheckReport, Forge, ForgeError, Genuine, Head, Interpretation, Rejection, WorkflowFile,
};
use solstice_model::{CommitSha, ForgeName, RepoName};

/// The fake forge with pauses before its answers.
pub(crate) struct SlowForge {
    fake: FakeForge,
    pause: Mutex<Duration>,
}

impl SlowForge {
    pub(crate) fn new(fake: FakeForge) -> Self {
        Self { fake, pause: Mutex::default() }
    }

    /// From now on each answer takes this long.
    pub(crate) fn pause(&self, pause: Duration) {
        *self.pause.lock().unwrap() = pause;
    }

    async fn wait(&self) {
        let pause = *self.pause.lock().unwrap();
        tokio::time::sleep(pause).await;
    }
}

#[async_trait]
impl Forge for SlowForge {
    fn name(&self) -> &ForgeName {
        self.fake.name()
    }

    fn authenticate(&self, headers: &HeaderMap, body: &[u8]) -> Result<Genuine, Rejection> {
        self.fake.authenticate(headers, body)
    }

    fn interpret(&self, event: &str, body: &[u8]) -> Interpretation {
        self.fake.interpret(event, body)
    }

    async fn workflow_files(
        &self,
        repository: &RepoName,
        commit: &CommitSha,
    ) -> Result<Vec<WorkflowFile>, ForgeError> {
        self.wait().await;
        self.fake.workflow_files(repository, commit).await
    }

    async fn head(
        &self,
        repository: &RepoName,
        git_ref: Option<&str>,
        commit: Option<&CommitSha>,
    ) -> Result<Head, ForgeError> {
        self.wait().await;
        self.fake.head(repository, git_ref, commit).await
    }

    async fn report(
        &self,
        repository: &RepoName,
        commit: &CommitSha,
        report: &CheckReport,
    ) -> Result<(), ForgeError> {
        self.wait().await;
        self.fake.report(repository, commit, report).await
    }
}
