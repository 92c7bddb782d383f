//! Pull requests, refs that go away, runs by hand: what is made and what is cancelled.

use solstice_forge::Event;
use solstice_model::id::new_id;
use solstice_model::{AgentVerdict, EventKind, Outcome};
use solstice_store::StoreError;

use crate::fixture::{
    at, claim, claim_all, deliver, end, forge, head, host, new_run, pull_request, push, repository,
    run_of, spec, store, words,
};

fn jobs() -> Vec<solstice_model::JobSpec> {
    vec![spec("build", &[]), spec("test", &["build"])]
}

fn closed(number: u64) -> Event {
    let repository = repository("acme/kernel");
    Event::PullRequestClosed { repository, number, actor: "ada".to_owned() }
}

fn deleted(git_ref: &str) -> Event {
    let (repository, git_ref) = (repository("acme/kernel"), git_ref.parse().unwrap());
    Event::RefDeleted { repository, git_ref, actor: "ada".to_owned() }
}

#[tokio::test]
async fn a_run_of_a_pull_request_says_so_to_people_and_to_its_jobs() {
    let (_dir, store) = store();
    let detail = run_of(&store, pull_request('a'), jobs()).await;
    assert_eq!((detail.run.event, detail.run.pull_request), (EventKind::PullRequest, Some(7)));
    assert_eq!(detail.run.git_ref.as_str(), "refs/pull/7/head");
    let env = claim(&store, 1).await.spec.env;
    assert_eq!(
        (env["SOLSTICE_EVENT"].as_str(), env["SOLSTICE_BASE_REF"].as_str()),
        ("pull_request", "main")
    );
    assert_eq!(env["SOLSTICE_PULL_REQUEST"], "7");
    let pushed = run_of(&store, push('a'), jobs()).await;
    assert_eq!((pushed.run.event, pushed.run.pull_request), (EventKind::Push, None));
}

#[tokio::test]
async fn a_new_commit_of_a_pull_request_ends_what_the_older_ones_run() {
    let (_dir, store) = store();
    let old = run_of(&store, pull_request('a'), jobs()).await;
    claim(&store, 1).await;
    let branch = run_of(&store, push('a'), jobs()).await;
    let new = run_of(&store, pull_request('b'), jobs()).await;
    assert_eq!(words(&store, old.run.id).await, ["cancelled", "cancelled"]);
    let by = "commit bbbbbbbbbb, which supersedes it".to_owned();
    let state = store.job_state(old.jobs[0].id).await.unwrap();
    assert_eq!(state.outcome(), Some(&Outcome::Cancelled { by }));
    assert!(store.wanted(host("host-1")).await.unwrap().is_empty(), "its machine goes");
    assert_eq!(words(&store, new.run.id).await, ["queued", "queued"]);
    assert_eq!(words(&store, branch.run.id).await, ["queued", "queued"], "a push ends nothing");
    let other = run_of(&store, push('c'), jobs()).await;
    assert_eq!(words(&store, branch.run.id).await, ["queued", "queued"]);
    assert_eq!(words(&store, other.run.id).await, ["queued", "queued"]);
}

#[tokio::test]
async fn going_back_to_an_older_commit_runs_what_was_cancelled_there() {
    let (_dir, store) = store();
    let first = run_of(&store, pull_request('a'), jobs()).await;
    let second = run_of(&store, pull_request('b'), jobs()).await;
    let third = run_of(&store, pull_request('a'), jobs()).await;
    assert_ne!(first.run.id, third.run.id);
    assert_eq!(words(&store, second.run.id).await, ["cancelled", "cancelled"]);
    assert_eq!(words(&store, third.run.id).await, ["queued", "queued"]);
    let again = run_of(&store, pull_request('a'), jobs()).await;
    assert_eq!(again.run.id, third.run.id, "the same event once more makes nothing new");
}

#[tokio::test]
async fn what_had_ended_before_is_not_run_again() {
    let (_dir, store) = store();
    let first = run_of(&store, pull_request('a'), vec![spec("build", &[])]).await;
    end(&store, claim(&store, 1).await.attempt, AgentVerdict::Succeeded).await;
    run_of(&store, pull_request('b'), jobs()).await;
    assert_eq!(words(&store, first.run.id).await, ["succeeded"]);
    let back = run_of(&store, pull_request('a'), jobs()).await;
    assert_eq!(back.run.id, first.run.id);
}

#[tokio::test]
async fn a_delivery_that_was_interpreted_late_does_not_undo_a_newer_one() {
    let (_dir, store) = store();
    let (older, newer) = (deliver(&store).await, deliver(&store).await);
    let runs = || vec![new_run("ci.kdl", Ok(jobs()))];
    let made = |id, event| store.finish_delivery_with_runs(id, event, runs(), at(0));
    let new = made(newer, pull_request('b')).await.unwrap()[0].run;
    let old = made(older, pull_request('a')).await.unwrap()[0].run;
    assert_eq!(words(&store, new).await, ["queued", "queued"]);
    assert_eq!(words(&store, old).await, ["cancelled", "cancelled"]);
}

#[tokio::test]
async fn a_pull_request_that_is_closed_runs_nothing_any_more() {
    let (_dir, store) = store();
    let gone = run_of(&store, pull_request('a'), jobs()).await;
    let branch = run_of(&store, push('a'), jobs()).await;
    let id = deliver(&store).await;
    let ended = store.finish_delivery_with_cancellation(id, closed(7), at(5)).await.unwrap();
    assert_eq!(ended, [gone.jobs[0].id, gone.jobs[1].id]);
    assert_eq!(words(&store, gone.run.id).await, ["cancelled", "cancelled"]);
    assert_eq!(words(&store, branch.run.id).await, ["queued", "queued"]);
    let delivery = store.delivery(id).await.unwrap();
    assert_eq!(delivery.verdict, "ignored");
    assert_eq!(delivery.reason.as_deref(), Some("pull request 7 was closed; 2 jobs cancelled"));
    // Reopened at the same commit.
    let again = run_of(&store, pull_request('a'), jobs()).await;
    assert_ne!(again.run.id, gone.run.id);
    assert_eq!(words(&store, again.run.id).await, ["queued", "queued"]);
}

#[tokio::test]
async fn a_ref_that_is_deleted_runs_nothing_any_more() {
    let (_dir, store) = store();
    let main = run_of(&store, push('a'), jobs()).await;
    let topic = run_of(&store, Event::Push(head("refs/heads/topic", 'b')), jobs()).await;
    let id = deliver(&store).await;
    let event = deleted("refs/heads/topic");
    let ended = store.finish_delivery_with_cancellation(id, event, at(5)).await.unwrap();
    assert_eq!(ended.len(), 2);
    assert_eq!(words(&store, topic.run.id).await, ["cancelled", "cancelled"]);
    assert_eq!(words(&store, main.run.id).await, ["queued", "queued"]);
    let id = deliver(&store).await;
    let event = deleted("refs/heads/topic");
    assert_eq!(store.finish_delivery_with_cancellation(id, event, at(6)).await.unwrap(), []);
    let reason = store.delivery(id).await.unwrap().reason.unwrap();
    assert_eq!(reason, "topic was deleted; nothing of it was unfinished");
}

#[tokio::test]
async fn each_event_has_its_own_end() {
    let (_dir, store) = store();
    let id = deliver(&store).await;
    let runs = || vec![new_run("ci.kdl", Ok(jobs()))];
    let refused = store.finish_delivery_with_runs(id, closed(7), runs(), at(0)).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    let refused = store.finish_delivery_with_cancellation(id, push('a'), at(0)).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    store.finish_delivery_with_cancellation(id, closed(9), at(0)).await.unwrap();
    let again = store.finish_delivery_with_cancellation(id, closed(9), at(0)).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    let unknown = store.delivery(new_id()).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
}

#[tokio::test]
async fn runs_by_hand_are_always_new_and_their_starter_s() {
    let (_dir, store) = store();
    let by_hand = || {
        let runs = vec![new_run("ci.kdl", Ok(jobs()))];
        let head = head("refs/heads/main", 'a');
        store.make_runs_by_hand(forge(), head, "carol".to_owned(), runs, at(0))
    };
    let (first, second) = (by_hand().await.unwrap(), by_hand().await.unwrap());
    assert_ne!(first, second);
    let run = store.run(second[0]).await.unwrap().run;
    assert_eq!((run.event, run.actor.as_str()), (EventKind::Manual, "carol"));
    let pushed = run_of(&store, push('a'), jobs()).await;
    assert_ne!(pushed.run.id, second[0]);
    let none = store.make_runs_by_hand(
        forge(),
        head("refs/heads/main", 'a'),
        "carol".to_owned(),
        Vec::new(),
        at(0),
    );
    assert!(matches!(none.await, Err(StoreError::Conflict { .. })));
}

#[tokio::test]
async fn cancelling_a_run_ends_all_of_it_as_cancelled() {
    let (_dir, store) = store();
    let detail = run_of(&store, push('a'), jobs()).await;
    claim(&store, 1).await;
    let cancel = || store.cancel_run(detail.run.id, "bob".to_owned(), at(5));
    assert_eq!(cancel().await.unwrap(), [detail.jobs[0].id, detail.jobs[1].id]);
    assert_eq!(words(&store, detail.run.id).await, ["cancelled", "cancelled"]);
    assert_eq!(store.run(detail.run.id).await.unwrap().run.finished_at, Some(at(5)));
    assert_eq!(cancel().await.unwrap(), []);
    let unknown = store.cancel_run(new_id(), "bob".to_owned(), at(5)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
    assert_eq!(claim_all(&store, 9).await.len(), 0);
}

#[tokio::test]
async fn two_refs_at_one_commit_share_its_checks_and_the_newer_run_has_them() {
    let (_dir, store) = store();
    let one = || vec![spec("build", &[])];
    let first = run_of(&store, push('a'), one()).await;
    let second = run_of(&store, Event::Push(head("refs/heads/next", 'a')), one()).await;
    let shown = || async {
        let due = store.due_reports(forge(), at(999), 10).await.unwrap();
        assert!(due.len() <= 1, "{due:?}");
        due.into_iter().next().map(|due| due.report.description)
    };
    assert_eq!(shown().await.as_deref(), Some("queued"));
    store.cancel(first.jobs[0].id, "bob".to_owned(), at(5)).await.unwrap();
    assert_eq!(shown().await.as_deref(), Some("queued"), "the older run has nothing to say there");
    store.cancel(second.jobs[0].id, "bob".to_owned(), at(6)).await.unwrap();
    assert_eq!(shown().await.as_deref(), Some("cancelled"));
}

#[tokio::test]
async fn an_interpretation_that_never_ends_is_counted() {
    let (_dir, store) = store();
    let id = deliver(&store).await;
    for before in 0..3 {
        assert_eq!(store.begin_delivery_try(id).await.unwrap(), before);
    }
    store.postpone_delivery(id, at(9), "the forge is down".to_owned()).await.unwrap();
    assert_eq!(store.begin_delivery_try(id).await.unwrap(), 0, "that one came to an end");
    store.finish_delivery_with_cancellation(id, closed(9), at(0)).await.unwrap();
    let late = store.begin_delivery_try(id).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
}
