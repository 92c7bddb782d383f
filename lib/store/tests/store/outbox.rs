//! The outbox: only the newest wish, until the forge shows it (invariant I3).

use std::time::Duration;

use solstice_forge::CheckState;
use solstice_model::{AgentVerdict, JobEvent};
use solstice_store::{DueReport, Heed, ReportFailure, RunQuery, Store};

use crate::fixture::{at, claim, end, forge, new_run, one_job, pushed, spec, store};

async fn due(store: &Store, now: i64) -> Option<DueReport> {
    let mut due = store.due_reports(forge(), at(now), 10).await.unwrap();
    assert!(due.len() <= 1, "one check, one wish: {due:?}");
    due.pop()
}

#[tokio::test]
async fn every_change_that_shows_is_due_and_no_other() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let queued = due(&store, 0).await.unwrap();
    assert_eq!((queued.version, queued.report.description.as_str()), (1, "queued"));
    assert_eq!(queued.repository.as_str(), "acme/kernel");
    store.report_sent(queued.id, 1, at(10)).await.unwrap();
    assert!(due(&store, 999).await.is_none());

    let attempt = claim(&store, 10).await.attempt;
    let claimed = due(&store, 10).await.unwrap();
    assert_eq!((claimed.id, claimed.version), (queued.id, 2));
    store.report_sent(claimed.id, 2, at(10)).await.unwrap();
    store.transition(job.id, JobEvent::MachineStarting { attempt }, at(20)).await.unwrap();
    assert!(due(&store, 999).await.is_none(), "it reads the same as before");
    assert_eq!(store.counts().await.unwrap().unreported, 0);

    end(&store, attempt, AgentVerdict::Succeeded).await;
    let ended = due(&store, 999).await.unwrap();
    assert_eq!(ended.report.state, CheckState::Success);
    assert_eq!(ended.version, 4, "the wish in between is gone");
    assert_eq!(store.counts().await.unwrap().unreported, 1);
}

#[tokio::test]
async fn a_wish_that_changed_while_it_was_told_stays_due() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let queued = due(&store, 0).await.unwrap();
    claim(&store, 10).await;
    store.report_sent(queued.id, queued.version, at(10)).await.unwrap();
    let claimed = due(&store, 10).await.unwrap();
    assert_eq!(claimed.version, 2);
    store.report_sent(claimed.id, 2, at(10)).await.unwrap();
    store.report_sent(queued.id, 1, at(10)).await.unwrap();
    assert!(due(&store, 999).await.is_none(), "an old answer takes nothing back");
    store.report_sent(queued.id, 99, at(10)).await.unwrap();
    store.cancel(job.id, "alice".to_owned(), at(20)).await.unwrap();
    assert_eq!(due(&store, 20).await.unwrap().version, 3, "nothing is sent ahead of its wish");
}

#[tokio::test]
async fn a_failure_is_tried_again_at_its_time() {
    let (_dir, store) = store();
    one_job(&store).await;
    let queued = due(&store, 0).await.unwrap();
    let retry = |seconds| ReportFailure::Retry {
        next_try_at: at(seconds),
        error: "503 from the forge".to_owned(),
    };
    store.report_failed(queued.id, 1, retry(30)).await.unwrap();
    assert!(due(&store, 29).await.is_none());
    assert_eq!(store.next_report_try(forge(), Heed::default()).await.unwrap(), Some(at(30)));
    let again = due(&store, 30).await.unwrap();
    assert_eq!((again.version, again.tries), (1, 1));
    assert_eq!(store.counts().await.unwrap().unreported, 1);

    claim(&store, 10).await;
    let newer = due(&store, 10).await.unwrap();
    assert_eq!((newer.version, newer.tries), (2, 0), "a new wish does not wait for the old one");
    store.report_failed(queued.id, 1, retry(9_999)).await.unwrap();
    assert!(due(&store, 10).await.is_some(), "the old one's failure says nothing of it");
}

#[tokio::test]
async fn what_the_forge_will_never_take_is_given_up_until_there_is_a_newer_wish() {
    let (_dir, store) = store();
    one_job(&store).await;
    let queued = due(&store, 0).await.unwrap();
    let give_up = ReportFailure::GiveUp { error: "404 from the forge".to_owned() };
    store.report_failed(queued.id, 1, give_up).await.unwrap();
    assert!(due(&store, 999).await.is_none());
    assert_eq!(store.next_report_try(forge(), Heed::default()).await.unwrap(), None);
    assert_eq!(store.counts().await.unwrap().unreported, 0);
    claim(&store, 10).await;
    assert_eq!(due(&store, 10).await.unwrap().version, 2);
}

#[tokio::test]
async fn a_broken_workflow_has_one_failed_check() {
    let (_dir, store) = store();
    let broken = || vec![new_run("a.kdl", Err("no such node".to_owned()))];
    pushed(&store, 'a', broken()).await;
    pushed(&store, 'a', broken()).await;
    let due = due(&store, 0).await.unwrap();
    assert_eq!(due.report.context, "solstice/a.kdl");
    assert_eq!(
        (due.report.state, due.report.description.as_str()),
        (CheckState::Failure, "no such node")
    );
}

/// The contexts that are due and not kept back, in order.
async fn contexts(store: &Store, now: i64, heed: Heed) -> Vec<String> {
    let due = store.next_reports(forge(), at(now), heed, 99).await.unwrap();
    due.into_iter().map(|wish| wish.report.context).collect()
}

#[tokio::test]
async fn ends_come_before_beginnings_and_these_before_progress() {
    let (_dir, store) = store();
    let jobs = vec![spec("progress", &[]), spec("new", &[]), spec("ended", &[])];
    pushed(&store, 'a', vec![new_run("a.kdl", Ok(jobs))]).await;
    for wish in store.due_reports(forge(), at(0), 9).await.unwrap() {
        if !wish.report.context.ends_with("new") {
            store.report_sent(wish.id, wish.version, at(5)).await.unwrap();
        }
    }
    claim(&store, 10).await;
    let run = store.runs(RunQuery::default(), None, 1).await.unwrap()[0].id;
    let ended = store.run(run).await.unwrap().jobs.remove(2).id;
    store.cancel(ended, "ada".to_owned(), at(20)).await.unwrap();
    let name = |name: &str| format!("solstice/a.kdl/{name}");
    let all = [name("ended"), name("new"), name("progress")];
    assert_eq!(contexts(&store, 20, Heed::default()).await, all);
    let slow = Heed { progress: Duration::from_secs(60), ..Heed::default() };
    assert_eq!(contexts(&store, 64, slow.clone()).await, all[..2], "told 59 s ago");
    assert_eq!(contexts(&store, 65, slow.clone()).await, all);
    let next = store.next_report_try(forge(), slow).await.unwrap();
    assert_eq!(next, Some(at(0)), "the new one was due from its beginning on");
    let paused = Heed { paused: vec!["acme".to_owned()], ..Heed::default() };
    assert!(contexts(&store, 65, paused.clone()).await.is_empty());
    assert_eq!(store.next_report_try(forge(), paused).await.unwrap(), None);
    let other = Heed { paused: vec!["acm".to_owned(), "kernel".to_owned()], ..Heed::default() };
    assert_eq!(contexts(&store, 65, other).await, all);
}
