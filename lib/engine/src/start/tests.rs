//! Who may start what, and what is skipped: with the real store and the fake forge.

use solstice_api::user::{Delivery, RunDetail, RunStatus};
use solstice_forge::fake::Fault;
use solstice_forge::{CheckState, MergeGroup, Permission, PullRequest};
use solstice_model::job::Holding;
use solstice_model::{AgentVerdict, Exit, JobEvent, JobState, Outcome, RunId, id::new_id};

use super::*;
use crate::bench::{Bench, CI};

const POLICY: &str = solstice_policy::PATH;
const FILE: &str = ".solstice/ci.kdl";

/// What a `forge` node's lines say of policy.
fn operator(lines: &str) -> OperatorPolicy {
    let text = format!("forge {{\n{lines}\n}}");
    let limits = solstice_kdl::Limits::default();
    let document = solstice_kdl::Document::parse("server.kdl", text.as_bytes(), limits).unwrap();
    let read = document.decode(|top| {
        let mut node = top.required_child("forge")?;
        let policy = OperatorPolicy::read(&mut node);
        node.finish();
        Some(policy)
    });
    read.unwrap()
}

/// A commit with these files.
fn commit(bench: &Bench, files: &[(&str, &str)]) -> CommitSha {
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(path, text)| (*path, text.as_bytes())).collect();
    bench.forge.add_commit(&bench.repository, &files)
}

/// The default branch now has these files, and nobody is told.
fn main_has(bench: &Bench, files: &[(&str, &str)]) -> CommitSha {
    let commit = commit(bench, files);
    bench.forge.push(&bench.repository, "refs/heads/main", &commit);
    commit
}

/// Pull request 7, of mallory's, from outside, at this commit.
fn fork(bench: &Bench, commit: &CommitSha) -> PullRequest {
    let mut told = bench.forge.pull_request(&bench.repository, 7, commit);
    told.outside = true;
    told.author = "mallory".to_owned();
    told.head.actor = "mallory".to_owned();
    told
}

async fn tell_fork(bench: &Bench, commit: &CommitSha) -> Delivery {
    bench.tell(&Event::PullRequest(fork(bench, commit))).await
}

async fn push(
    bench: &Bench,
    git_ref: &str,
    commit: &CommitSha,
    before: Option<&CommitSha>,
) -> Delivery {
    let told = bench.forge.push(&bench.repository, git_ref, commit);
    bench.tell(&Event::Push(Push { before: before.cloned(), ..told })).await
}

async fn run(bench: &Bench, delivery: &Delivery) -> RunDetail {
    assert_eq!((delivery.verdict.as_str(), &delivery.reason), ("runs", &None));
    bench.store.run(delivery.runs[0]).await.unwrap()
}

async fn status(bench: &Bench, run: RunId) -> RunStatus {
    bench.store.run(run).await.unwrap().run.status
}

/// What a host that could run everything is given.
async fn claimed(bench: &Bench) -> usize {
    let offer = solstice_api::host::Offer { labels: ["illumos".parse().unwrap()].into(), room: 9 };
    let host = "host-1".parse().unwrap();
    let lease = std::time::Duration::from_secs(60);
    bench.store.claim(host, vec![offer], Vec::new(), 9, bench.now(), lease).await.unwrap().len()
}

/// Ends all jobs of a run so.
async fn end(bench: &Bench, run: RunId, verdict: AgentVerdict) {
    for job in bench.store.run(run).await.unwrap().jobs {
        let attempt = new_id();
        let claim = JobEvent::Claim(Holding { attempt, host: "host-1".parse().unwrap() });
        let ended = JobEvent::AttemptEnded { attempt, verdict: verdict.clone(), retry: false };
        for event in [claim, ended] {
            bench.store.transition(job.id, event, bench.now()).await.unwrap();
        }
    }
}

fn failed() -> AgentVerdict {
    AgentVerdict::Failed { step: 0, exit: Exit::Code { code: 1 } }
}

/// Why the first job of a run was skipped, if it was.
async fn skipped(bench: &Bench, delivery: &Delivery) -> Option<SkipReason> {
    match run(bench, delivery).await.jobs.remove(0).state {
        JobState::Finished { outcome: Outcome::Skipped { why } } => Some(why),
        JobState::Queued => None,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_stranger_who_edits_policy_and_workflow_starts_nothing_until_approved() {
    let bench = Bench::new();
    main_has(&bench, &[(FILE, CI)]);
    // What they would like: no approval, a job that prints what it finds, no condition.
    let open = "policy { approval \"never\"; user \"mallory\"; }";
    let greedy = CI.replace("run=\"true\"", "run=\"env; cat /etc/shadow\"");
    let first = commit(&bench, &[(FILE, &greedy), (POLICY, open)]);
    let delivery = tell_fork(&bench, &first).await;
    let held = run(&bench, &delivery).await;
    assert_eq!(held.run.status, RunStatus::WaitingForApproval);
    assert_eq!(claimed(&bench).await, 0);
    let name = bench.forge.name().clone();
    let due = bench.store.due_reports(name.clone(), bench.now(), 9).await.unwrap();
    assert_eq!(due[0].report.state, CheckState::ActionRequired);
    assert!(due[0].report.description.contains("mallory"), "{}", due[0].report.description);
    bench.store.approve(held.run.id, "ada".to_owned(), bench.now()).await.unwrap();
    let due = bench.store.due_reports(name, bench.now(), 9).await.unwrap();
    assert_eq!(due[0].report.state, CheckState::Pending);
    assert_eq!(status(&bench, held.run.id).await, RunStatus::Queued);
    assert_eq!(claimed(&bench).await, 1);
    // The next commit is another one.
    let second = commit(&bench, &[(FILE, &greedy), (POLICY, open)]);
    let next = run(&bench, &tell_fork(&bench, &second).await).await;
    assert_eq!(next.run.status, RunStatus::WaitingForApproval);
    assert_eq!(claimed(&bench).await, 0);
    assert_eq!(status(&bench, held.run.id).await, RunStatus::Cancelled, "it is superseded");
}

#[tokio::test]
async fn both_the_author_and_whoever_acts_now_must_be_members() {
    let bench = Bench::new();
    main_has(&bench, &[(FILE, CI)]);
    bench.forge.set_permission(&bench.repository, "ada", Permission::Write);
    for (author, actor, held) in [
        ("ada", "ada", false),
        ("ada", "mallory", true),
        ("mallory", "ada", true),
        ("", "ada", true),
    ] {
        let mut told = fork(&bench, &commit(&bench, &[(FILE, CI)]));
        (told.author, told.head.actor) = (author.to_owned(), actor.to_owned());
        let delivery = bench.tell(&Event::PullRequest(told)).await;
        let waits = run(&bench, &delivery).await.run.status == RunStatus::WaitingForApproval;
        assert_eq!(waits, held, "{author} {actor}");
    }
    // Asked at that moment: what was so before counts for nothing.
    bench.forge.set_permission(&bench.repository, "ada", Permission::Read);
    let mut told = fork(&bench, &commit(&bench, &[(FILE, CI)]));
    (told.author, told.head.actor) = ("ada".to_owned(), "ada".to_owned());
    let delivery = bench.tell(&Event::PullRequest(told)).await;
    assert_eq!(run(&bench, &delivery).await.run.status, RunStatus::WaitingForApproval);
}

#[tokio::test]
async fn the_default_branch_and_the_operator_say_who_counts() {
    let mut bench = Bench::new();
    main_has(&bench, &[(FILE, CI), (POLICY, "policy { user \"Mallory\"; }")]);
    let told = fork(&bench, &commit(&bench, &[(FILE, CI)]));
    let delivery = bench.tell(&Event::PullRequest(told.clone())).await;
    assert_eq!(run(&bench, &delivery).await.run.status, RunStatus::Queued, "named");
    // What the operator says of the repository is final.
    bench.policy =
        operator("repository \"ADA/*\" { policy { start \"members\"; user \"eve\"; }; }");
    let delivery = tell_fork(&bench, &commit(&bench, &[(FILE, CI)])).await;
    assert_eq!(delivery.verdict, "ignored");
    let reason = delivery.reason.unwrap();
    assert!(reason.contains("only members") && reason.contains("mallory"), "{reason}");
    bench.policy = operator("policy { start \"members\"; }");
    let delivery = tell_fork(&bench, &commit(&bench, &[(FILE, CI)])).await;
    assert_eq!(delivery.verdict, "runs", "the file is above what is said of the forge");
}

#[tokio::test]
async fn a_merge_group_is_never_held_and_never_skipped() {
    let mut bench = Bench::new();
    bench.policy = operator(
        "repository \"*/*\" { policy { start \"members\"; approval \"all\"; branches \"main\"; }; }",
    );
    let workflow = CI.replacen('{', "{\n on \"pull_request\" paths=\"src/**\"\n", 1);
    let main = main_has(&bench, &[(FILE, &workflow)]);
    let entry = commit(&bench, &[(FILE, &workflow)]);
    bench.forge.set_message(&entry, "Merge [skip ci]");
    let mut head =
        bench.forge.push(&bench.repository, "refs/heads/gh-readonly-queue/main/pr-7", &entry);
    (head.before, head.actor) = (Some(main), "mallory".to_owned());
    let event = Event::MergeGroup(MergeGroup { base: "main".to_owned(), head });
    let delivery = bench.tell(&event).await;
    assert_eq!(run(&bench, &delivery).await.run.status, RunStatus::Queued);
    assert_eq!(claimed(&bench).await, 1);
}

#[tokio::test]
async fn a_push_to_a_branch_that_is_not_covered_starts_nothing() {
    let bench = Bench::new();
    let main = main_has(&bench, &[(FILE, CI), (POLICY, "policy { branches \"main\"; }")]);
    let topic = push(&bench, "refs/heads/topic", &main, None).await;
    assert_eq!(topic.verdict, "ignored");
    assert!(topic.reason.unwrap().contains("`branches` do not cover `topic`"));
    assert_eq!(push(&bench, "refs/heads/main", &main, None).await.verdict, "runs");
}

#[tokio::test]
async fn a_marker_skips_every_check_unless_the_policy_or_a_needed_approval_forbids_it() {
    let bench = Bench::new();
    main_has(&bench, &[(FILE, CI)]);
    let marked = || {
        let commit = commit(&bench, &[(FILE, CI)]);
        bench.forge.set_message(&commit, "Fix a typo\n\n[Skip CI]");
        commit
    };
    let delivery = push(&bench, "refs/heads/topic", &marked(), None).await;
    let marker = "[skip ci]".to_owned();
    assert_eq!(skipped(&bench, &delivery).await, Some(SkipReason::CommitMessage { marker }));
    let due = bench.store.due_reports(bench.forge.name().clone(), bench.now(), 9).await.unwrap();
    assert_eq!(due[0].report.state, CheckState::Skipped);
    // A stranger's marker does not take the check away that somebody has to look at.
    let stranger = run(&bench, &tell_fork(&bench, &marked()).await).await;
    assert_eq!(stranger.run.status, RunStatus::WaitingForApproval);
    main_has(&bench, &[(FILE, CI), (POLICY, "policy { skip_markers #false; }")]);
    let delivery = push(&bench, "refs/heads/topic", &marked(), None).await;
    assert_eq!(skipped(&bench, &delivery).await, None);
}

#[tokio::test]
async fn files_are_counted_from_the_last_green_commit() {
    let bench = Bench::new();
    let workflow = CI.replacen('{', "{\n on \"push\" paths=\"src/**\"\n", 1);
    let at = |src: &str, docs: &str| {
        commit(&bench, &[(FILE, &workflow), ("src/a", src), ("docs/a", docs)])
    };
    let topic = "refs/heads/topic";
    // Nothing is known of the branch: what changed by this push counts.
    let (before, one, two, three, four) =
        (at("1", "1"), at("1", "2"), at("2", "2"), at("2", "3"), at("2", "4"));
    let first = push(&bench, topic, &one, Some(&before)).await;
    assert_eq!(skipped(&bench, &first).await, Some(SkipReason::NoFileChanged));
    let second = push(&bench, topic, &two, Some(&one)).await;
    assert_eq!(skipped(&bench, &second).await, None);
    end(&bench, second.runs[0], failed()).await;
    // Only docs since then, but src has not been found good yet.
    let third = push(&bench, topic, &three, Some(&two)).await;
    assert_eq!(skipped(&bench, &third).await, None);
    end(&bench, third.runs[0], AgentVerdict::Succeeded).await;
    let fourth = push(&bench, topic, &four, Some(&three)).await;
    assert_eq!(skipped(&bench, &fourth).await, Some(SkipReason::NoFileChanged));
    // The workflow's own file counts, and a commit that the forge no longer knows.
    let other = CI.replacen('{', "{\n on \"push\" paths=\"src/**\" \"x\"\n", 1);
    let edited = commit(&bench, &[(FILE, &other), ("src/a", "2"), ("docs/a", "4")]);
    assert_eq!(skipped(&bench, &push(&bench, topic, &edited, None).await).await, None);
    let gone = "7".repeat(40).parse().unwrap();
    let unknown = push(&bench, "refs/heads/new", &at("2", "5"), Some(&gone)).await;
    assert_eq!(skipped(&bench, &unknown).await, None);
    let new = push(&bench, "refs/heads/newer", &at("2", "6"), None).await;
    assert_eq!(skipped(&bench, &new).await, None, "a new branch has changed all");
}

#[tokio::test]
async fn a_pull_request_is_compared_with_its_base_before_it_was_green() {
    let bench = Bench::new();
    let workflow = CI.replacen('{', "{\n on \"pull_request\" paths_ignore=\"docs/**\"\n", 1);
    let at = |src: &str, docs: &str| {
        commit(&bench, &[(FILE, &workflow), ("src/a", src), ("docs/a", docs)])
    };
    let base = at("1", "1");
    let pull = |head: &CommitSha, base: Option<&CommitSha>| {
        let told = bench.forge.pull_request(&bench.repository, 7, head);
        Event::PullRequest(PullRequest { base_commit: base.cloned(), ..told })
    };
    let docs = bench.tell(&pull(&at("1", "2"), Some(&base))).await;
    assert_eq!(skipped(&bench, &docs).await, Some(SkipReason::NoFileChanged));
    let src = bench.tell(&pull(&at("2", "2"), Some(&base))).await;
    assert_eq!(skipped(&bench, &src).await, None);
    let still = bench.tell(&pull(&at("2", "3"), Some(&base))).await;
    assert_eq!(skipped(&bench, &still).await, None, "src is not good yet");
    end(&bench, still.runs[0], AgentVerdict::Succeeded).await;
    let now = bench.tell(&pull(&at("2", "4"), Some(&base))).await;
    assert_eq!(skipped(&bench, &now).await, Some(SkipReason::NoFileChanged));
    let untold = Event::PullRequest(PullRequest {
        number: 8,
        ..bench.forge.pull_request(&bench.repository, 8, &at("2", "5"))
    });
    assert_eq!(skipped(&bench, &bench.tell(&untold).await).await, None);
}

#[tokio::test]
async fn a_broken_policy_starts_nothing_and_says_so_on_the_commit() {
    let bench = Bench::new();
    let main = main_has(&bench, &[(FILE, CI), (POLICY, "policy {\n aproval \"never\"\n}")]);
    for delivery in [
        push(&bench, "refs/heads/main", &main, None).await,
        tell_fork(&bench, &commit(&bench, &[(FILE, CI)])).await,
    ] {
        let told = run(&bench, &delivery).await;
        assert_eq!((told.run.file.as_str(), told.run.status), (POLICY, RunStatus::Failed));
        let problem = told.run.problem.unwrap();
        assert!(problem.starts_with(".solstice/policy.kdl:2:2:"), "{problem}");
        assert!(problem.contains("did you mean `approval`?"), "{problem}");
        assert_eq!((delivery.runs.len(), told.jobs.len()), (1, 0));
    }
    assert_eq!(claimed(&bench).await, 0);
}

#[tokio::test]
async fn a_change_that_would_break_the_policy_is_told_beside_its_runs() {
    let bench = Bench::new();
    main_has(&bench, &[(FILE, CI)]);
    let breaking = commit(&bench, &[(FILE, CI), (POLICY, "policy { start; }")]);
    let delivery = push(&bench, "refs/heads/topic", &breaking, None).await;
    assert_eq!(delivery.runs.len(), 2);
    let mut broken = Vec::new();
    for run in delivery.runs {
        let run = bench.store.run(run).await.unwrap().run;
        broken.extend(run.problem.is_some().then_some(run.file));
    }
    assert_eq!(broken, [POLICY]);
}

#[tokio::test]
async fn a_forge_that_does_not_say_who_somebody_is_starts_nothing_yet() {
    let bench = Bench::new();
    main_has(&bench, &[(FILE, CI)]);
    bench.forge.set_permission(&bench.repository, "mallory", Permission::Write);
    let told = Event::PullRequest(fork(&bench, &commit(&bench, &[(FILE, CI)])));
    for call in 0..4 {
        // The policy, the permission, the files, the message: each may fail.
        let fault = Fault::Status(503, None);
        let id = bench.take(bench.forge.deliver_event(&told)).await;
        for _ in 0..call {
            bench.forge.fail_next(1, Fault::AnswerLost);
        }
        bench.forge.fail_next(1, fault);
        bench.interpret().await;
        let delivery = bench.store.delivery(id).await.unwrap();
        assert_eq!((delivery.verdict.as_str(), delivery.runs.len()), ("waiting", 0), "{call}");
        bench.clock.advance(chrono::TimeDelta::minutes(10));
        bench.interpret().await;
        let delivery = bench.store.delivery(id).await.unwrap();
        assert_eq!(run(&bench, &delivery).await.run.status, RunStatus::Queued, "{call}");
    }
    // Whom it will never say anything of is a stranger.
    let told = Event::PullRequest(fork(&bench, &commit(&bench, &[(FILE, CI)])));
    bench.forge.fail_next(1, Fault::AnswerLost);
    bench.forge.fail_next(1, Fault::Status(404, None));
    let delivery = bench.tell(&told).await;
    assert_eq!(run(&bench, &delivery).await.run.status, RunStatus::WaitingForApproval);
}

#[tokio::test]
async fn without_supersede_an_older_commit_goes_on() {
    let bench = Bench::new();
    main_has(&bench, &[(FILE, CI), (POLICY, "policy { supersede #false; }")]);
    let first = run(&bench, &tell_fork(&bench, &commit(&bench, &[(FILE, CI)])).await).await;
    let second = run(&bench, &tell_fork(&bench, &commit(&bench, &[(FILE, CI)])).await).await;
    for run in [first, second] {
        assert_eq!(status(&bench, run.run.id).await, RunStatus::WaitingForApproval);
    }
}
