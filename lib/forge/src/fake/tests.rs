//! The fake obeys the laws, and is as strict as it says.

use async_trait::async_trait;
use solstice_model::GitRef;

use super::*;
use crate::conformance::{Happening, Sample, Trouble, World};
use crate::{CheckAction, CheckRequest, ForgeError, MergeGroup, Retry};

struct FakeWorld {
    forge: FakeForge,
    repository: RepoName,
}

impl FakeWorld {
    async fn new() -> Self {
        let forge = FakeForge::new("fake".parse().unwrap());
        let repository = forge.add_repository("alice/widgets");
        Self { forge, repository }
    }

    fn sample(&self, event: Event) -> Sample {
        let Delivery { headers, body } = self.forge.deliver_event(&event);
        Sample { headers, body, event }
    }
}

#[async_trait]
impl World for FakeWorld {
    type Handle = FakeForge;

    fn forge(&self) -> &FakeForge {
        &self.forge
    }

    fn repository(&self) -> RepoName {
        self.repository.clone()
    }

    async fn commit(&self, files: &[(&str, &[u8])]) -> CommitSha {
        self.forge.add_commit(&self.repository, files)
    }

    async fn point(&self, git_ref: &GitRef, commit: &CommitSha) {
        self.forge.push(&self.repository, git_ref.as_str(), commit);
    }

    async fn title(&self, commit: &CommitSha) -> String {
        commit_title(commit)
    }

    async fn commit_saying(&self, message: &str) -> CommitSha {
        let commit = self.commit(&[]).await;
        self.forge.set_message(&commit, message);
        commit
    }

    async fn permit(&self, user: &str, permission: Permission) {
        self.forge.set_permission(&self.repository, user, permission);
    }

    async fn open_pull_request(&self, number: u64, commit: &CommitSha, outside: bool) {
        let told = self.forge.pull_request(&self.repository, number, commit);
        let told = PullRequest { outside, ..told };
        self.forge.set_pull_request(&self.repository, number, Some(told));
    }

    fn has_merge_queue(&self) -> bool {
        true
    }

    async fn merge_group(&self, commit: &CommitSha) -> Sample {
        let queue = "refs/heads/gh-readonly-queue/main/pr-7";
        let head = self.forge.push(&self.repository, queue, commit);
        self.sample(Event::MergeGroup(MergeGroup { base: "main".to_owned(), head }))
    }

    async fn button(
        &self,
        commit: &CommitSha,
        subject: Option<&str>,
        action: CheckAction,
    ) -> Sample {
        let repository = self.forge.state().describe(&self.repository);
        self.sample(Event::CheckRequest(CheckRequest {
            repository,
            commit: commit.clone(),
            subject: subject.map(str::to_owned),
            action,
            actor: "alice".to_owned(),
        }))
    }

    async fn delivery(&self, happening: &Happening) -> Sample {
        let repository = self.forge.state().describe(&self.repository);
        let actor = "alice".to_owned();
        let event = match happening {
            Happening::Pushed { git_ref, commit } => {
                Event::Push(self.forge.push(&self.repository, git_ref.as_str(), commit))
            }
            Happening::PullRequest { number, commit, outside } => {
                let told = self.forge.pull_request(&self.repository, *number, commit);
                Event::PullRequest(PullRequest { outside: *outside, ..told })
            }
            Happening::PullRequestClosed { number } => {
                Event::PullRequestClosed { repository, number: *number, actor }
            }
            Happening::Deleted { git_ref } => {
                Event::RefDeleted { repository, git_ref: git_ref.clone(), actor }
            }
        };
        self.sample(event)
    }

    async fn shown(&self, commit: &CommitSha) -> Vec<CheckReport> {
        let reported = self.forge.reported().into_iter();
        reported.filter(|it| it.commit == *commit).map(|it| it.report).collect()
    }

    async fn fail_next(&self, times: usize, trouble: Trouble) {
        let fault = match trouble {
            Trouble::Status(status) => Fault::Status(status, None),
            Trouble::RetryAfter(status, pause) => Fault::Status(status, Some(pause)),
            Trouble::Nonsense => Fault::Nonsense,
        };
        self.forge.fail_next(times, fault);
    }

    async fn go_down(&self) {
        self.forge.go_down();
    }

    async fn come_up(&self) {
        self.forge.come_up();
    }

    async fn assert_well_used(&self) {
        assert_eq!(self.forge.misuse(), [""; 0]);
    }
}

crate::conformance_suite!(FakeWorld::new());

fn report() -> CheckReport {
    CheckReport {
        context: "solstice/CI/build".to_owned(),
        state: CheckState::Pending,
        description: "waits for a host".to_owned(),
        target_url: "https://ci.example.org/jobs/1".parse().unwrap(),
    }
}

async fn tell(
    world: &FakeWorld,
    commit: &CommitSha,
    report: &CheckReport,
) -> Result<(), ForgeError> {
    let repository = &world.repository;
    let check = Check { repository, commit, subject: "7", report, details: None };
    world.forge.report(&check).await
}

#[tokio::test]
async fn reports_beyond_the_limits_are_refused_and_remembered() {
    let world = FakeWorld::new().await;
    let commit = world.commit(&[]).await;
    let bad = [
        CheckReport { context: String::new(), ..report() },
        CheckReport { context: "x".repeat(101), ..report() },
        CheckReport { description: "x".repeat(141), ..report() },
        CheckReport { description: "two\nlines".to_owned(), ..report() },
        CheckReport { target_url: "file:///etc".parse().unwrap(), ..report() },
    ];
    for report in &bad {
        let error = tell(&world, &commit, report).await.unwrap_err();
        assert!(matches!(error, ForgeError::Refused { status: 422, retry: Retry::Never, .. }));
    }
    assert_eq!(world.forge.misuse().len(), bad.len());
    assert_eq!(world.forge.reported(), []);
}

#[test]
fn a_body_that_tells_of_another_event_than_its_header_is_malformed() {
    let forge = FakeForge::new("fake".parse().unwrap());
    let widgets = forge.add_repository("alice/widgets");
    let commit = forge.add_commit(&widgets, &[]);
    let body = forge.deliver(&forge.push(&widgets, "refs/heads/main", &commit)).body;
    let meaning = forge.interpret("pull_request", &body);
    assert!(matches!(meaning, Interpretation::Malformed { .. }), "{meaning:?}");
}

#[tokio::test]
async fn a_lost_answer_looks_like_a_failure_of_what_happened() {
    let world = FakeWorld::new().await;
    let commit = world.commit(&[]).await;
    world.forge.fail_next(1, Fault::AnswerLost);
    let error = tell(&world, &commit, &report()).await.unwrap_err();
    assert_eq!(error.retry(), Retry::Backoff);
    assert_eq!(world.forge.states(&commit, "solstice/CI/build"), [CheckState::Pending]);
    assert_eq!(world.forge.shown(&commit), [report()]);
    assert_eq!(world.forge.calls(), 1);
}
