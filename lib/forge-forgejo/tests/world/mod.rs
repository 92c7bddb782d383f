//! A recording forge and our side of it.

use async_trait::async_trait;
use camino::Utf8Path;
use solstice_forge::conformance::{Sample, Trouble, World};
use solstice_forge::{CheckReport, CheckState, Push, Repository, Secret};
use solstice_forge_forgejo::{ForgejoConfig, ForgejoForge, Timeouts};
use solstice_model::{CommitSha, GitRef, RepoName};
use solstice_testbed::forge::{
    Entry, Fault, Flavour, Options, RecordedStatus, RecordingForge, delivery_headers,
};
use uuid::Uuid;

const SECRET: &str = "the webhook's secret";

pub(crate) struct Forgejo {
    pub(crate) recording: RecordingForge,
    pub(crate) forge: ForgejoForge,
    flavour: Flavour,
    _directory: tempfile::TempDir,
}

/// Our side of a forge, with its token and the right secret.
pub(crate) fn connect(recording: &RecordingForge, timeouts: Timeouts) -> ForgejoForge {
    let config = ForgejoConfig {
        name: "forgejo".parse().unwrap(),
        base_url: recording.base_url().clone(),
        token: Secret::new(recording.token()).unwrap(),
        webhook_secrets: vec![Secret::new("an older one").unwrap(), Secret::new(SECRET).unwrap()],
    };
    ForgejoForge::with_timeouts(config, timeouts).unwrap()
}

impl Forgejo {
    pub(crate) async fn new(flavour: Flavour) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(directory.path()).unwrap();
        let options = Options { flavour, guarded: true, ..Options::default() };
        let recording = RecordingForge::start_with(path, options).await.unwrap();
        let forge = connect(&recording, Timeouts::default());
        let world = Self { recording, forge, flavour, _directory: directory };
        world.recording.create_repository(&world.repository()).await.unwrap();
        world
    }

    /// What the webhook tells of this push.
    fn push(&self, git_ref: &GitRef, commit: &CommitSha) -> Push {
        let repositories = self.recording.repositories();
        Push {
            repository: Repository {
                name: self.repository(),
                clone_url: repositories.clone_url(&self.repository()),
                html_url: repositories.html_url(&self.repository()),
                private: false,
            },
            git_ref: git_ref.clone(),
            commit: commit.clone(),
            title: "Change <everything> & more".to_owned(),
            actor: "bob".to_owned(),
        }
    }
}

fn report_of(status: RecordedStatus) -> CheckReport {
    CheckReport {
        context: status.context,
        state: match status.state.as_str() {
            "pending" => CheckState::Pending,
            "success" => CheckState::Success,
            "failure" => CheckState::Failure,
            "error" => CheckState::Error,
            other => panic!("{other}"),
        },
        description: status.description,
        target_url: status.target_url.parse().unwrap(),
    }
}

#[async_trait]
impl World for Forgejo {
    type Handle = ForgejoForge;

    fn forge(&self) -> &ForgejoForge {
        &self.forge
    }

    fn repository(&self) -> RepoName {
        "alice/widgets".parse().unwrap()
    }

    async fn commit(&self, files: &[(&str, &[u8])]) -> CommitSha {
        let files: Vec<_> =
            files.iter().map(|(path, content)| (*path, Entry::File(content.to_vec()))).collect();
        let main = "refs/heads/main".parse().unwrap();
        let message = "Change <everything> & more\n\nAt once.\n";
        let repositories = self.recording.repositories();
        repositories.commit(&self.repository(), &main, message, &files).await.unwrap()
    }

    async fn delivery(&self, git_ref: &GitRef, commit: &CommitSha) -> Sample {
        let (forge, repository) = (&self.recording, self.repository());
        let payload = forge.push_payload(&repository, git_ref, None, Some(commit), "bob");
        let body = payload.await.unwrap();
        let mut headers = delivery_headers("push", Uuid::now_v7(), &body, SECRET);
        if self.flavour == Flavour::Gitea {
            for name in ["x-forgejo-delivery", "x-forgejo-event", "x-forgejo-event-type"] {
                headers.remove(name);
            }
            headers.remove("x-forgejo-signature");
        }
        Sample { headers, body, push: self.push(git_ref, commit) }
    }

    async fn shown(&self, commit: &CommitSha) -> Vec<CheckReport> {
        let statuses = self.recording.statuses().into_iter();
        statuses.filter(|status| status.commit == commit.as_str()).map(report_of).collect()
    }

    async fn fail_next(&self, times: usize, trouble: Trouble) {
        let fault = match trouble {
            Trouble::Status(status) => Fault::Status(status),
            Trouble::RetryAfter(status, pause) => Fault::RetryAfter(status, pause.as_secs()),
            Trouble::Nonsense => Fault::Page,
        };
        self.recording.fail_next(times, &fault);
    }

    async fn go_down(&self) {
        self.recording.go_down().await;
    }

    async fn come_up(&self) {
        self.recording.come_up().await;
    }

    async fn assert_well_used(&self) {
        assert_eq!(self.recording.violations(), []);
        for request in self.recording.requests() {
            assert!(request.user_agent.starts_with("solstice-ci/"), "{request:?}");
        }
    }
}
