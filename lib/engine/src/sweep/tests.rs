//! What is found that no webhook told of.

use solstice_api::user::DeliverySource;
use solstice_forge::Event;
use solstice_forge::fake::Fault;
use solstice_model::EventKind;

use super::*;
use crate::bench::{Bench, CI};

/// A bench with one run at `main` and one sweep behind it.
async fn swept() -> (Bench, Sweep) {
    let bench = Bench::new();
    bench.pushed("refs/heads/main", CI).await;
    let sweep = bench.sweep();
    sweep.activate().await;
    bench.clock.advance(TimeDelta::hours(1));
    (bench, sweep)
}

/// The deliveries that sweeps made, newest first, after work on them.
async fn found(bench: &Bench) -> Vec<solstice_api::user::Delivery> {
    bench.interpret().await;
    let all = bench.store.deliveries(None, 99).await.unwrap();
    all.into_iter().filter(|one| one.source == DeliverySource::Sweep).collect()
}

#[tokio::test]
async fn a_lost_push_is_found_exactly_once() {
    let (bench, sweep) = swept().await;
    let commit = bench.commit(CI);
    bench.forge.push(&bench.repository, "refs/heads/main", &commit);
    for _ in 0..3 {
        sweep.activate().await;
        let found = found(&bench).await;
        assert_eq!((found.len(), found[0].verdict.as_str()), (1, "runs"), "{found:?}");
        assert_eq!((found[0].event.as_str(), found[0].replays), ("sweep", 0));
        let run = bench.store.run(found[0].runs[0]).await.unwrap().run;
        assert_eq!((run.event, run.commit), (EventKind::Push, commit.clone()));
        bench.clock.advance(TimeDelta::hours(1));
    }
}

#[tokio::test]
async fn a_lost_pull_request_is_found_as_one() {
    let (bench, sweep) = swept().await;
    let told = bench.forge.pull_request(&bench.repository, 7, &bench.commit(CI));
    bench.forge.set_pull_request(&bench.repository, 7, Some(told));
    sweep.activate().await;
    let found = found(&bench).await;
    let run = bench.store.run(found[0].runs[0]).await.unwrap().run;
    assert_eq!((run.event, run.pull_request), (EventKind::PullRequest, Some(7)));
}

#[tokio::test]
async fn the_first_look_only_remembers() {
    let bench = Bench::new();
    for branch in ["refs/heads/old-1", "refs/heads/old-2"] {
        bench.forge.push(&bench.repository, branch, &bench.commit(CI));
    }
    bench.pushed("refs/heads/main", CI).await;
    let sweep = bench.sweep();
    sweep.activate().await;
    assert!(found(&bench).await.is_empty());
    bench.clock.advance(TimeDelta::hours(1));
    bench.forge.push(&bench.repository, "refs/heads/old-2", &bench.commit(CI));
    sweep.activate().await;
    assert_eq!(found(&bench).await.len(), 1);
}

#[tokio::test]
async fn what_webhooks_told_is_not_found_whether_it_started_something_or_not() {
    let (bench, sweep) = swept().await;
    bench.pushed("refs/heads/topic", CI).await;
    let nothing = bench.forge.add_commit(&bench.repository, &[("README", b"no workflow")]);
    let push = bench.forge.push(&bench.repository, "refs/heads/docs", &nothing);
    assert_eq!(bench.tell(&Event::Push(push)).await.verdict, "ignored");
    let told = bench.forge.pull_request(&bench.repository, 7, &bench.commit(CI));
    bench.forge.set_pull_request(&bench.repository, 7, Some(told.clone()));
    bench.tell(&Event::PullRequest(told)).await;
    sweep.activate().await;
    assert!(found(&bench).await.is_empty());
}

#[tokio::test]
async fn a_push_whose_files_could_not_be_read_in_time_gets_another_chance() {
    let (bench, sweep) = swept().await;
    let push = bench.forge.push(&bench.repository, "refs/heads/main", &bench.commit(CI));
    bench.forge.fail_next(1, Fault::Status(403, None));
    assert_eq!(bench.tell(&Event::Push(push)).await.verdict, "rejected");
    sweep.activate().await;
    assert_eq!(found(&bench).await[0].verdict, "runs");
}

#[tokio::test]
async fn what_runs_for_a_branch_that_is_gone_is_cancelled_once() {
    let (bench, sweep) = swept().await;
    let (run, _) = bench.pushed("refs/heads/topic", CI).await;
    bench.forge.delete_ref(&bench.repository, "refs/heads/topic");
    for _ in 0..2 {
        sweep.activate().await;
        let found = found(&bench).await;
        assert_eq!(found.len(), 1, "{found:?}");
        let why = found[0].reason.as_deref();
        assert_eq!(why, Some("topic was deleted; 1 job cancelled"));
        let run = bench.store.run(run).await.unwrap().run;
        assert_eq!(run.status, solstice_api::user::RunStatus::Cancelled);
        bench.clock.advance(TimeDelta::hours(1));
    }
}

#[tokio::test]
async fn a_closed_pull_request_is_found() {
    let (bench, sweep) = swept().await;
    let told = bench.forge.pull_request(&bench.repository, 7, &bench.commit(CI));
    bench.tell(&Event::PullRequest(told)).await;
    sweep.activate().await;
    let found = found(&bench).await;
    assert_eq!(found.len(), 1, "{found:?}");
    let why = found[0].reason.as_deref();
    assert_eq!(why, Some("pull request 7 was closed; 1 job cancelled"));
}

#[tokio::test]
async fn a_repository_that_became_private_is_out_of_sight() {
    let (bench, sweep) = swept().await;
    let (run, _) = bench.pushed("refs/heads/topic", CI).await;
    let public = solstice_store::Sight::public();
    bench.store.see_run(run, &public).await.unwrap();
    bench.forge.set_private(&bench.repository, true);
    sweep.activate().await;
    assert!(bench.store.see_run(run, &public).await.is_err());
    bench.forge.set_private(&bench.repository, false);
    bench.clock.advance(TimeDelta::hours(1));
    sweep.activate().await;
    bench.store.see_run(run, &public).await.unwrap();
}

#[tokio::test]
async fn a_deleted_branch_is_forgotten_and_found_when_it_comes_again() {
    let (bench, sweep) = swept().await;
    let (_, commit) = bench.pushed("refs/heads/topic", CI).await;
    bench.forge.delete_ref(&bench.repository, "refs/heads/topic");
    sweep.activate().await;
    assert_eq!(found(&bench).await.len(), 1, "what ran for it is cancelled");
    bench.clock.advance(TimeDelta::hours(1));
    bench.forge.push(&bench.repository, "refs/heads/topic", &commit);
    sweep.activate().await;
    let found = found(&bench).await;
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].runs.len(), 1, "its run is there already, and is told");
}

#[tokio::test]
async fn one_repository_that_cannot_be_read_stops_no_other() {
    let (mut bench, _) = swept().await;
    let first = bench.repository.clone();
    bench.repository = bench.forge.add_repository("bob/other");
    bench.pushed("refs/heads/main", CI).await;
    let sweep = bench.sweep();
    sweep.activate().await;
    bench.clock.advance(TimeDelta::hours(1));
    bench.forge.push(&bench.repository, "refs/heads/main", &bench.commit(CI));
    // The first call is for what was lost, the second for the first repository.
    bench.forge.fail_next(1, Fault::AnswerLost);
    bench.forge.fail_next(1, Fault::Status(404, None));
    sweep.activate().await;
    assert_eq!(found(&bench).await.len(), 1, "beside {first}");
}

#[tokio::test]
async fn a_forge_that_is_down_is_left_in_peace_and_nothing_is_forgotten() {
    let (bench, sweep) = swept().await;
    bench.forge.push(&bench.repository, "refs/heads/main", &bench.commit(CI));
    bench.forge.go_down();
    let before = bench.forge.calls();
    assert_eq!(sweep.activate().await, Next::Idle);
    assert_eq!(bench.forge.calls(), before + 1, "one call shows it");
    bench.forge.come_up();
    bench.clock.advance(TimeDelta::hours(1));
    sweep.activate().await;
    assert_eq!(found(&bench).await.len(), 1);
}

#[tokio::test]
async fn a_restart_finds_at_once_what_was_lost_meanwhile_and_asks_for_it_again() {
    let (bench, sweep) = swept().await;
    sweep.activate().await;
    drop(sweep);
    bench.clock.advance(TimeDelta::minutes(2));
    bench.forge.push(&bench.repository, "refs/heads/main", &bench.commit(CI));
    let sweep = bench.sweep();
    sweep.activate().await;
    assert_eq!(found(&bench).await.len(), 1);
    let asked = bench.forge.redelivered();
    assert_eq!(asked.last(), Some(&(bench.now() - TimeDelta::minutes(62))));
    sweep.activate().await;
    assert_eq!(bench.forge.redelivered().len(), asked.len(), "not with every signal");
}

#[tokio::test]
async fn a_repository_without_a_run_for_a_month_is_not_looked_at() {
    let (bench, sweep) = swept().await;
    bench.clock.advance(TimeDelta::days(31));
    bench.forge.push(&bench.repository, "refs/heads/main", &bench.commit(CI));
    sweep.activate().await;
    assert!(found(&bench).await.is_empty());
}
