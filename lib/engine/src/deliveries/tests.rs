//! What becomes of deliveries.

use chrono::TimeDelta;
use solstice_forge::fake::Fault;
use solstice_forge::{CheckState, PullRequest};
use solstice_model::{EventKind, JobState, Outcome};

use super::*;
use crate::bench::{Bench, CI};

/// A pull request at a new commit with [`CI`].
fn pull_request(bench: &Bench, outside: bool) -> Event {
    let commit = bench.commit(CI);
    let told = bench.forge.pull_request(&bench.repository, 7, &commit);
    Event::PullRequest(PullRequest { outside, ..told })
}

#[tokio::test]
async fn a_pull_request_from_the_repository_becomes_a_run_at_its_head() {
    let bench = Bench::new();
    let delivery = bench.tell(&pull_request(&bench, false)).await;
    assert_eq!((delivery.verdict.as_str(), delivery.reason), ("runs", None));
    let run = bench.store.run(delivery.runs[0]).await.unwrap().run;
    assert_eq!((run.event, run.pull_request), (EventKind::PullRequest, Some(7)));
    assert_eq!(run.git_ref.as_str(), "refs/pull/7/head");
}

#[tokio::test]
async fn a_push_and_a_pull_request_of_one_commit_are_two_runs_with_the_same_checks() {
    let bench = Bench::new();
    let commit = bench.commit(CI);
    let push = bench.forge.push(&bench.repository, "refs/heads/topic", &commit);
    let pull_request = bench.forge.pull_request(&bench.repository, 7, &commit);
    let first = bench.tell(&Event::Push(push)).await.runs;
    let second = bench.tell(&Event::PullRequest(pull_request)).await.runs;
    assert_ne!(first, second);
    let due = bench.store.due_reports(bench.forge.name().clone(), bench.now(), 9).await.unwrap();
    let contexts: Vec<&str> = due.iter().map(|wish| wish.report.context.as_str()).collect();
    assert_eq!(contexts, ["solstice/CI/build"]);
}

#[tokio::test]
async fn what_is_closed_or_deleted_is_cancelled_with_a_reason() {
    let bench = Bench::new();
    let opened = bench.tell(&pull_request(&bench, false)).await;
    let push = bench.forge.push(&bench.repository, "refs/heads/topic", &bench.commit(CI));
    let pushed = bench.tell(&Event::Push(push.clone())).await;
    let (repository, actor) = (push.repository, "bob".to_owned());
    for (event, of, said) in [
        (
            Event::PullRequestClosed {
                repository: repository.clone(),
                number: 7,
                actor: actor.clone(),
            },
            opened.runs[0],
            "pull request 7 was closed; 1 job cancelled",
        ),
        (
            Event::RefDeleted { repository, git_ref: push.git_ref, actor },
            pushed.runs[0],
            "topic was deleted; 1 job cancelled",
        ),
    ] {
        let ended = bench.tell(&event).await;
        assert_eq!((ended.verdict.as_str(), ended.reason.as_deref()), ("ignored", Some(said)));
        let job = bench.store.run(of).await.unwrap().jobs.remove(0);
        assert!(
            matches!(&job.state, JobState::Finished { outcome: Outcome::Cancelled { by } }
                if by.contains("bob")),
            "{:?}",
            job.state
        );
    }
}

#[tokio::test]
async fn an_end_that_is_told_with_its_beginning_comes_after_it() {
    let bench = Bench::new();
    let event = pull_request(&bench, false);
    let Event::PullRequest(told) = &event else { unreachable!() };
    let repository = told.head.repository.clone();
    let closed = Event::PullRequestClosed { repository, number: 7, actor: "bob".to_owned() };
    // The other way round, as deliveries may arrive.
    let last = bench.take(bench.forge.deliver_event(&closed)).await;
    let first = bench.take(bench.forge.deliver_event(&event)).await;
    bench.interpret().await;
    let run = bench.store.delivery(first).await.unwrap().runs[0];
    let job = bench.store.run(run).await.unwrap().jobs.remove(0);
    assert!(matches!(job.state, JobState::Finished { .. }), "{:?}", job.state);
    let reason = bench.store.delivery(last).await.unwrap().reason.unwrap();
    assert!(reason.ends_with("1 job cancelled"), "{reason}");
}

#[tokio::test]
async fn a_file_that_is_too_large_fails_its_own_check_and_no_other() {
    let bench = Bench::new();
    let large = vec![b'/'; solstice_forge::workflows::MAX_FILE_BYTES + 1];
    let files = [(".solstice/ci.kdl", CI.as_bytes()), (".solstice/large.kdl", &large)];
    let commit = bench.forge.add_commit(&bench.repository, &files);
    let push = bench.forge.push(&bench.repository, "refs/heads/main", &commit);
    let delivery = bench.tell(&Event::Push(push)).await;
    assert_eq!((delivery.verdict.as_str(), delivery.runs.len()), ("runs", 2));
    let due = bench.store.due_reports(bench.forge.name().clone(), bench.now(), 9).await.unwrap();
    let failed = due.iter().find(|it| it.report.context == "solstice/.solstice/large.kdl").unwrap();
    assert_eq!(failed.report.state, CheckState::Failure);
    assert!(failed.report.description.contains("larger than"), "{:?}", failed.report);
}

#[tokio::test]
async fn patience_counts_tries_and_not_the_time_since_the_receipt() {
    let bench = Bench::new();
    let commit = bench.commit(CI);
    let push = bench.forge.push(&bench.repository, "refs/heads/main", &commit);
    let id = bench.take(bench.forge.deliver(&push)).await;
    // The server was down for a day.
    bench.clock.advance(TimeDelta::days(1));
    let begun = bench.now();
    bench.forge.go_down();
    let mut tries = 0;
    while bench.store.delivery(id).await.unwrap().verdict == "waiting" {
        tries += 1;
        bench.interpret().await;
        let forge = bench.forge.name().clone();
        if let Some(at) = bench.store.next_delivery_try(forge).await.unwrap() {
            bench.clock.advance(at - bench.now());
        }
    }
    assert_eq!(tries, MAX_TRIES);
    let delivery = bench.store.delivery(id).await.unwrap();
    assert_eq!(delivery.verdict, "rejected");
    assert!(delivery.reason.unwrap().contains("could not be read"));
    let took = bench.now() - begun;
    assert!(took > TimeDelta::minutes(50) && took < TimeDelta::minutes(80), "{took}");
}

#[tokio::test]
async fn a_refusal_for_good_is_not_repeated() {
    let bench = Bench::new();
    let push = bench.forge.push(&bench.repository, "refs/heads/main", &bench.commit(CI));
    bench.forge.fail_next(1, Fault::Status(403, None));
    let delivery = bench.tell(&Event::Push(push)).await;
    assert_eq!(delivery.verdict, "rejected");
}

#[tokio::test]
async fn a_delivery_that_ends_the_server_again_and_again_is_given_up() {
    let bench = Bench::new();
    let push = bench.forge.push(&bench.repository, "refs/heads/main", &bench.commit(CI));
    for (crashes, verdict) in [(MAX_CRASHES - 1, "runs"), (MAX_CRASHES, "rejected")] {
        let id = bench.take(bench.forge.deliver(&push)).await;
        for _ in 0..crashes {
            bench.store.begin_delivery_try(id).await.unwrap();
        }
        bench.interpret().await;
        assert_eq!(bench.store.delivery(id).await.unwrap().verdict, verdict);
    }
}
