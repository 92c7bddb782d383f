//! What every end-to-end story begins with: an installation, a repository,
//! a push, and the job that comes of it.
//!
//! The stories themselves are in `tests/stories/`, a module each. Every one
//! boots real machines, so each should be about something that only a whole
//! installation shows.

use std::time::Duration;

use solstice_api::user::{JobDetail, RunDetail};
use solstice_model::{GitRef, JobId, JobState, RepoName, RunId};
use solstice_testbed::forge::{Entry, Pushed};
use solstice_testbed::{Built, Installation, TestbedError, wait_for};

/// How long a job may take: a cold boot under emulation on a busy computer,
/// several times over.
pub const JOB_LIMIT: Duration = Duration::from_secs(120);

/// How long what needs no machine may take.
pub const SOON: Duration = Duration::from_secs(30);

/// An installation with one repository.
pub struct Story {
    /// The installation.
    pub installation: Installation,
    /// The repository, empty at first.
    pub repository: RepoName,
}

impl Story {
    /// Starts everything.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if the programs or the image are not built, or do not come up.
    pub async fn begin() -> Result<Self, TestbedError> {
        Self::with(Installation::start(Built::from_env()?).await?).await
    }

    /// Tells the story on an installation of the caller's.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if the forge does not take the repository.
    pub async fn with(installation: Installation) -> Result<Self, TestbedError> {
        let repository: RepoName = "alice/widgets".parse().expect("a repository name");
        installation.forge().create_repository(&repository).await?;
        Ok(Self { installation, repository })
    }

    /// Commits these files to `main` and delivers the push.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if git or the delivery fails.
    pub async fn push(&self, files: &[(&str, &str)]) -> Result<Pushed, TestbedError> {
        let files: Vec<(&str, Entry)> =
            files.iter().map(|(path, text)| (*path, Entry::File((*text).into()))).collect();
        self.push_entries(&files).await
    }

    /// As [`Story::push`], with entries of any kind.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if git or the delivery fails.
    pub async fn push_entries(&self, files: &[(&str, Entry)]) -> Result<Pushed, TestbedError> {
        let forge = self.installation.forge();
        let branch: GitRef = "refs/heads/main".parse().expect("a full ref");
        forge.repositories().commit(&self.repository, &branch, "Change\n", files).await?;
        let pushed = forge.push_payload_of_default_branch(&self.repository).await?;
        let status = self.installation.deliver(&pushed.payload).await?;
        assert_eq!(status, 202, "the delivery is taken");
        Ok(pushed)
    }

    /// Pushes one workflow file and nothing else.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if git or the delivery fails.
    pub async fn push_workflow(&self, workflow: &str) -> Result<Pushed, TestbedError> {
        self.push(&[(".solstice/workflow.kdl", workflow)]).await
    }

    /// The runs of the newest delivery, or the reason why there are none.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Late`] if there is no verdict soon.
    pub async fn verdict(&self) -> Result<Result<Vec<RunId>, String>, TestbedError> {
        let api = self.installation.api();
        wait_for("verdict on the delivery", SOON, || async {
            let Some(delivery) = api.deliveries().await?.into_iter().next() else {
                return Ok(None);
            };
            Ok(match delivery.verdict.as_str() {
                "waiting" => None,
                "runs" => Some(Ok(delivery.runs)),
                _ => Some(Err(delivery.reason.unwrap_or_default())),
            })
        })
        .await
    }

    /// The one run of the newest delivery.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if it does not come.
    ///
    /// # Panics
    ///
    /// If the delivery came to anything but one run.
    pub async fn only_run(&self) -> Result<RunDetail, TestbedError> {
        let runs = self.verdict().await?.expect("the delivery made runs");
        let [run] = runs[..] else { panic!("one run was expected, not {runs:?}") };
        self.installation.api().run(run).await
    }

    /// The job once it is in a state that fits.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Late`] if it never is.
    pub async fn job_when(
        &self,
        job: JobId,
        fits: impl Fn(&JobState) -> bool,
    ) -> Result<JobDetail, TestbedError> {
        let api = self.installation.api();
        let found = wait_for("job in the awaited state", JOB_LIMIT, || async {
            let detail = api.job(job).await?;
            Ok(fits(&detail.job.state).then_some(detail))
        })
        .await;
        if let Err(TestbedError::Late { .. }) = &found {
            eprintln!("the job is {:?}", api.job(job).await?.job.state);
        }
        found
    }

    /// The job once it is over.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Late`] if it never is.
    pub async fn finished(&self, job: JobId) -> Result<JobDetail, TestbedError> {
        self.job_when(job, JobState::is_finished).await
    }

    /// Pushes a workflow with one job and waits for its end.
    ///
    /// # Errors
    ///
    /// [`TestbedError`] if it does not get there.
    pub async fn run_to_the_end(
        &self,
        workflow: &str,
    ) -> Result<(Pushed, JobDetail), TestbedError> {
        let pushed = self.push_workflow(workflow).await?;
        let run = self.only_run().await?;
        Ok((pushed, self.finished(run.jobs[0].id).await?))
    }

    /// What the forge shows for a context once everything is told: state and description.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Late`] if something stays untold.
    pub async fn shown(
        &self,
        pushed: &Pushed,
        context: &str,
    ) -> Result<(String, String), TestbedError> {
        self.installation.wait_until_reported(SOON).await?;
        let statuses = self.installation.forge().newest_statuses(pushed.commit.as_str());
        let status = statuses.into_iter().find(|status| status.context == context);
        let status = status.ok_or_else(|| TestbedError::Api {
            what: "statuses".to_owned(),
            why: format!("there is none of the context {context}"),
        })?;
        Ok((status.state, status.description))
    }

    /// What every story ends with: no machine is left, and the forge found
    /// nothing to complain of.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Late`] if something of a machine stays.
    ///
    /// # Panics
    ///
    /// If a request broke the forge's description of its API.
    pub async fn end(self) -> Result<(), TestbedError> {
        self.installation.wait_until_clean(SOON).await?;
        let violations = self.installation.forge().violations();
        assert!(violations.is_empty(), "{violations:?}");
        Ok(())
    }
}
