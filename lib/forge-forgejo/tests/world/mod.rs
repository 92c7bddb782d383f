//! A recording forge and our side of it.

use async_trait::async_trait;
use camino::Utf8Path;
use solstice_forge::conformance::{Happening, Sample, Trouble, World};
use solstice_forge::{
    CheckReport, CheckState, Event, Permission, PullRequest, Push, Repository, Secret,
};
use solstice_forge_forgejo::{ForgejoConfig, ForgejoForge, Timeouts};
use solstice_model::{CommitSha, GitRef, RepoName};
use solstice_testbed::forge::{
    Entry, Fault, Flavour, Options, PullRequestAction, PullRequestFrom, RecordedStatus,
    RecordingForge, delivery_headers,
};
use uuid::Uuid;

const SECRET: &str = "the webhook's secret";

/// The first line of every commit's message.
const TITLE: &str = "Change <everything> & more";

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

    fn described(&self) -> Repository {
        let repositories = self.recording.repositories();
        Repository {
            name: self.repository(),
            clone_url: repositories.clone_url(&self.repository()),
            html_url: repositories.html_url(&self.repository()),
            private: repositories.private(),
        }
    }

    /// The event, the body of its webhook, and what that means.
    async fn told(&self, happening: &Happening) -> (&'static str, Vec<u8>, Event) {
        let (name, forge) = (self.repository(), self.recording.repositories());
        let (repository, actor) = (self.described(), "bob".to_owned());
        match happening.clone() {
            Happening::Pushed { git_ref, commit } => {
                let body = forge.push_payload(&name, &git_ref, None, Some(&commit), "bob").await;
                let title = TITLE.to_owned();
                let push = Push { repository, git_ref, commit, before: None, title, actor };
                ("push", body.unwrap(), Event::Push(push))
            }
            Happening::PullRequest { number, commit, outside } => {
                let told = action("opened", number, &commit, outside);
                let body = forge.pull_request_payload(&name, &told).await.unwrap();
                let git_ref = format!("refs/pull/{number}/head").parse().unwrap();
                let (title, author) = (told.title, actor.clone());
                let head = Push { repository, git_ref, commit, before: None, title, actor };
                let base_commit = Some(self.main().await);
                let base = "main".to_owned();
                let told = PullRequest { number, base, outside, author, base_commit, head };
                ("pull_request", body, Event::PullRequest(told))
            }
            Happening::PullRequestClosed { number } => {
                let told = action("closed", number, &self.main().await, false);
                let body = forge.pull_request_payload(&name, &told).await.unwrap();
                ("pull_request", body, Event::PullRequestClosed { repository, number, actor })
            }
            Happening::Deleted { git_ref } => {
                let before: CommitSha = "7".repeat(40).parse().unwrap();
                let (kind, body) = match git_ref.tag() {
                    None => ("delete", forge.delete_payload(&name, &git_ref, "bob").await),
                    Some(_) => {
                        let before = Some(&before);
                        ("push", forge.push_payload(&name, &git_ref, before, None, "bob").await)
                    }
                };
                (kind, body.unwrap(), Event::RefDeleted { repository, git_ref, actor })
            }
        }
    }

    /// Where the default branch is.
    async fn main(&self) -> CommitSha {
        let main = "refs/heads/main".parse().unwrap();
        self.recording.repositories().tip(&self.repository(), &main).await.unwrap()
    }
}

/// What happened to a pull request.
fn action(action: &'static str, number: u64, head: &CommitSha, outside: bool) -> PullRequestAction {
    let branch = "topic/#1".to_owned();
    PullRequestAction {
        action,
        number,
        title: "A <thing>".to_owned(),
        from: match outside {
            true => PullRequestFrom::Fork { owner: "mallory".to_owned(), branch },
            false => PullRequestFrom::Branch(branch),
        },
        head: head.clone(),
        sender: "bob".to_owned(),
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

    async fn point(&self, git_ref: &GitRef, commit: &CommitSha) {
        let repositories = self.recording.repositories();
        repositories.point(&self.repository(), git_ref, commit).await.unwrap();
    }

    async fn title(&self, _: &CommitSha) -> String {
        TITLE.to_owned()
    }

    async fn commit_saying(&self, message: &str) -> CommitSha {
        let main = "refs/heads/main".parse().unwrap();
        let repositories = self.recording.repositories();
        repositories.commit(&self.repository(), &main, message, &[]).await.unwrap()
    }

    async fn permit(&self, user: &str, permission: Permission) {
        let level = match permission {
            Permission::None => "none",
            Permission::Read => "read",
            Permission::Write => "write",
            Permission::Admin => "admin",
        };
        self.recording.permit(&self.repository(), user, level);
    }

    async fn open_pull_request(&self, number: u64, commit: &CommitSha, outside: bool) {
        let told = action("opened", number, commit, outside);
        self.recording.list_pull_request(&self.repository(), told);
    }

    fn left_of(&self, state: CheckState) -> CheckState {
        state.of_four()
    }

    async fn delivery(&self, happening: &Happening) -> Sample {
        let (kind, body, event) = self.told(happening).await;
        let mut headers = delivery_headers(kind, Uuid::now_v7(), &body, SECRET);
        if self.flavour == Flavour::Gitea {
            for name in ["x-forgejo-delivery", "x-forgejo-event", "x-forgejo-event-type"] {
                headers.remove(name);
            }
            headers.remove("x-forgejo-signature");
        }
        Sample { headers, body, event }
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
