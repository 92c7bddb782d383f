//! Who may press which button, and what it does.

use solstice_api::user::Delivery;
use solstice_forge::fake::Fault;
use solstice_forge::{CheckAction, Event};
use solstice_model::{
    AgentVerdict, CommitSha, Exit, JobState, Outcome, RecordBody, RepoName, RunId, id::new_id,
};

use super::*;
use crate::bench::{Bench, CI};

const TWO: &str = r#"workflow name="CI" {
    job id="build" runs_on="illumos" { step name="Test" run="true"; }
    job id="other" runs_on="nowhere" { step name="Test" run="true"; }
}"#;

struct Pressed {
    bench: Bench,
    run: RunId,
    commit: CommitSha,
}

impl Pressed {
    /// A run, and alice, who may push.
    async fn new(workflow: &str) -> Self {
        let bench = Bench::new();
        bench.forge.set_permission(&bench.repository, "alice", Permission::Write);
        let (run, commit) = bench.pushed("refs/heads/main", workflow).await;
        Self { bench, run, commit }
    }

    async fn fail_build(&self) {
        let (step, exit) = (0, Exit::Code { code: 1 });
        let verdict = AgentVerdict::Failed { step, exit };
        self.bench
            .work(vec![RecordBody::StepStarted { step }, RecordBody::Finished { verdict }])
            .await;
    }

    fn request(&self, actor: &str, subject: Option<String>, action: CheckAction) -> CheckRequest {
        let head = self.bench.forge.push(&self.bench.repository, "refs/heads/main", &self.commit);
        CheckRequest {
            repository: head.repository,
            commit: self.commit.clone(),
            subject,
            action,
            actor: actor.to_owned(),
        }
    }

    async fn press(&self, actor: &str, subject: Option<String>, action: CheckAction) -> Delivery {
        let request = self.request(actor, subject, action);
        self.bench.tell(&Event::CheckRequest(request)).await
    }

    async fn job(&self, name: &str) -> solstice_api::user::Job {
        let jobs = self.bench.jobs(self.run).await;
        jobs.into_iter().find(|job| job.name.as_str() == name).unwrap()
    }
}

fn told(delivery: &Delivery) -> (&str, &str) {
    (&delivery.verdict, delivery.reason.as_deref().unwrap_or_default())
}

#[tokio::test]
async fn a_job_is_run_once_more_however_often_the_button_is_pressed() {
    let it = Pressed::new(CI).await;
    it.fail_build().await;
    let job = it.job("build").await.id;
    let first = it.press("alice", Some(job.to_string()), CheckAction::Rerun).await;
    assert_eq!(told(&first), ("acted", "alice ran job build once more"));
    let again = it.job("build").await;
    assert_eq!((again.rerun, &again.state), (1, &JobState::Queued));
    let second = it.press("alice", Some(job.to_string()), CheckAction::Rerun).await;
    assert_eq!(second.verdict, "ignored");
    assert!(second.reason.unwrap().contains("run once more already"));
    assert_eq!(it.job("build").await.id, again.id);
}

#[tokio::test]
async fn who_may_not_push_is_refused_with_a_reason_and_so_is_a_stranger() {
    let it = Pressed::new(CI).await;
    it.fail_build().await;
    let job = it.job("build").await.id;
    for action in CheckAction::ALL {
        let refused = it.press("mallory", Some(job.to_string()), action).await;
        let said = refused.reason.as_deref().unwrap();
        assert_eq!(refused.verdict, "rejected");
        assert!(said.contains("mallory") && said.contains("right to push"), "{said}");
    }
    assert_eq!(it.job("build").await.id, job);
}

#[tokio::test]
async fn what_failed_of_the_run_is_run_once_more() {
    let it = Pressed::new(TWO).await;
    it.fail_build().await;
    let job = it.job("build").await.id;
    let done = it.press("alice", Some(job.to_string()), CheckAction::RerunFailed).await;
    assert_eq!(told(&done), ("acted", "alice ran what failed of CI once more: 1 job"));
    let again = it.press("alice", Some(job.to_string()), CheckAction::RerunFailed).await;
    assert_eq!(told(&again), ("ignored", "job build: none of its jobs failed"));
}

#[tokio::test]
async fn a_cancelled_job_ends_its_log_and_no_other_job() {
    let it = Pressed::new(TWO).await;
    let attempt = it.bench.work(vec![RecordBody::StepStarted { step: 0 }]).await;
    let follower = it.bench.logs.follow(attempt).await.unwrap();
    let job = it.job("build").await.id;
    let done = it.press("alice", Some(job.to_string()), CheckAction::Cancel).await;
    assert_eq!(told(&done), ("acted", "alice cancelled job build"));
    assert!(follower.has_changed().is_err(), "nobody waits for more of the log");
    let state = it.job("build").await.state;
    assert!(
        matches!(state, JobState::Finished { outcome: Outcome::Cancelled { by } } if by == "alice")
    );
    assert_eq!(it.job("other").await.state, JobState::Queued);
    let again = it.press("alice", Some(job.to_string()), CheckAction::Cancel).await;
    assert_eq!(told(&again), ("ignored", "job build: it is over already"));
}

#[tokio::test]
async fn without_a_subject_every_workflow_of_the_commit_is_meant() {
    let it = Pressed::new(CI).await;
    it.fail_build().await;
    let done = it.press("alice", None, CheckAction::Rerun).await;
    assert_eq!(told(&done), ("acted", "alice ran CI once more"));
    let again = it.press("alice", None, CheckAction::Rerun).await;
    assert_eq!(told(&again), ("ignored", "CI: its job build is queued, not finished"));
}

#[tokio::test]
async fn what_is_not_ours_or_not_of_that_commit_is_ignored_and_nobody_is_asked() {
    let it = Pressed::new(CI).await;
    it.fail_build().await;
    let job = it.job("build").await.id.to_string();
    let other: RepoName = it.bench.forge.add_repository("bob/other");
    let calls = it.bench.forge.calls();
    let mut foreign = it.request("alice", Some(job.clone()), CheckAction::Rerun);
    foreign.repository.name = other;
    let mut older = it.request("alice", Some(job), CheckAction::Rerun);
    older.commit = "ab".repeat(20).parse().unwrap();
    let unknown: RunId = new_id();
    for (request, said) in [
        (foreign, "no check of ours in bob/other"),
        (older, "the check is of commit"),
        (it.request("alice", Some(unknown.to_string()), CheckAction::Cancel), "no check of ours"),
        (it.request("alice", Some("'; --".to_owned()), CheckAction::Cancel), "no check of ours"),
    ] {
        let ignored = it.bench.tell(&Event::CheckRequest(request)).await;
        assert_eq!(ignored.verdict, "ignored");
        assert!(ignored.reason.as_deref().unwrap().contains(said), "{ignored:?}");
    }
    assert_eq!(it.bench.forge.calls(), calls);
}

#[tokio::test]
async fn a_pull_request_that_went_on_is_not_run_at_its_old_commit() {
    let it = Pressed::new(CI).await;
    let (bench, old) = (&it.bench, it.bench.commit(CI));
    let opened = bench.forge.pull_request(&bench.repository, 7, &old);
    let run = bench.tell(&Event::PullRequest(opened)).await.runs[0];
    let mut request = it.request("alice", Some(run.to_string()), CheckAction::Cancel);
    request.commit = old;
    let newer = bench.forge.pull_request(&bench.repository, 7, &bench.commit(CI));
    bench.tell(&Event::PullRequest(newer)).await;
    let ignored = bench.tell(&Event::CheckRequest(request)).await;
    assert_eq!(ignored.verdict, "ignored");
    assert!(ignored.reason.unwrap().contains("went on to commit"));
}

#[tokio::test]
async fn a_forge_that_does_not_answer_is_asked_again() {
    let it = Pressed::new(CI).await;
    it.fail_build().await;
    let job = it.job("build").await.id;
    it.bench.forge.fail_next(1, Fault::Unreachable);
    let waits = it.press("alice", Some(job.to_string()), CheckAction::Rerun).await;
    assert_eq!(waits.verdict, "waiting");
    it.bench.clock.advance(chrono::TimeDelta::seconds(5));
    it.bench.interpret().await;
    assert_eq!(it.bench.store.delivery(waits.id).await.unwrap().verdict, "acted");
}
