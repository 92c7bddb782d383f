//! Deliveries: invariants I1 and I2.

use solstice_forge::CheckState;
use solstice_model::NeededOutcome;
use solstice_model::id::new_id;
use solstice_store::{RunQuery, StoreError, Verdict};

use crate::fixture::{at, deliver, forge, need, new_delivery, new_run, push, pushed, spec, store};

#[tokio::test]
async fn a_delivery_is_taken_once_and_its_body_kept() {
    let (_dir, store) = store();
    let mut new = new_delivery("uuid-1");
    new.body = (0..=255).cycle().take(100_000).collect();
    let first = store.take_delivery(new.clone()).await.unwrap();
    let second = store.take_delivery(new.clone()).await.unwrap();
    assert_eq!((first.repeat, second.repeat), (false, true));
    assert_eq!(first.id, second.id);
    let waiting = store.next_waiting_deliveries(forge(), at(0), 10).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].id, &waiting[0].body), (first.id, &new.body));
}

#[tokio::test]
async fn two_forges_may_use_the_same_id() {
    let (_dir, store) = store();
    let mut other = new_delivery("uuid-1");
    other.forge = "github".parse().unwrap();
    assert!(!store.take_delivery(new_delivery("uuid-1")).await.unwrap().repeat);
    assert!(!store.take_delivery(other).await.unwrap().repeat);
}

#[tokio::test]
async fn an_empty_body_is_kept_too() {
    let (_dir, store) = store();
    let mut new = new_delivery("uuid-1");
    new.body.clear();
    store.take_delivery(new).await.unwrap();
    assert!(store.next_waiting_deliveries(forge(), at(0), 1).await.unwrap()[0].body.is_empty());
}

#[tokio::test]
async fn a_reason_ends_a_delivery() {
    let (_dir, store) = store();
    let (ignored, rejected) = (deliver(&store).await, deliver(&store).await);
    let reason = "a branch was deleted".to_owned();
    store.finish_delivery(ignored, Verdict::Ignored { reason }, at(1)).await.unwrap();
    let reason = "not JSON".to_owned();
    store.finish_delivery(rejected, Verdict::Rejected { reason }, at(1)).await.unwrap();
    assert!(store.next_waiting_deliveries(forge(), at(9), 10).await.unwrap().is_empty());
    let listed = store.deliveries(None, 10).await.unwrap();
    let said = |at: usize| (listed[at].verdict.as_str(), listed[at].reason.as_deref().unwrap());
    assert_eq!(said(0), ("rejected", "not JSON"));
    assert_eq!(said(1), ("ignored", "a branch was deleted"));
}

#[tokio::test]
async fn a_verdict_falls_once() {
    let (_dir, store) = store();
    let id = deliver(&store).await;
    let verdict = Verdict::Ignored { reason: "no workflow".to_owned() };
    store.finish_delivery(id, verdict.clone(), at(1)).await.unwrap();
    let again = store.finish_delivery(id, verdict.clone(), at(1)).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    let runs = vec![new_run("a.kdl", Ok(vec![spec("build", &[])]))];
    let again = store.finish_delivery_with_runs(id, push('a'), runs, at(1)).await;
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    let late = store.postpone_delivery(id, at(2), "later".to_owned()).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    let unknown = store.finish_delivery(new_id(), verdict, at(1)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
}

#[tokio::test]
async fn a_postponed_delivery_waits_for_its_time() {
    let (_dir, store) = store();
    let (first, second) = (deliver(&store).await, deliver(&store).await);
    store.postpone_delivery(first, at(60), "the forge is down".to_owned()).await.unwrap();
    let due = |waiting: Vec<solstice_store::WaitingDelivery>| {
        waiting.into_iter().map(|waiting| (waiting.id, waiting.tries)).collect::<Vec<_>>()
    };
    assert_eq!(
        due(store.next_waiting_deliveries(forge(), at(59), 9).await.unwrap()),
        [(second, 0)]
    );
    let both = due(store.next_waiting_deliveries(forge(), at(60), 9).await.unwrap());
    assert_eq!(both, [(second, 0), (first, 1)]);
    assert_eq!(store.next_delivery_try(forge()).await.unwrap(), Some(at(0)));
    let verdict = Verdict::Ignored { reason: "no workflow".to_owned() };
    store.finish_delivery(second, verdict, at(1)).await.unwrap();
    assert_eq!(store.next_delivery_try(forge()).await.unwrap(), Some(at(60)));
}

#[tokio::test]
async fn runs_jobs_and_pending_checks_come_with_the_verdict() {
    let (_dir, store) = store();
    let jobs = vec![spec("build", &[]), spec("test", &["build"])];
    let runs = vec![new_run("a.kdl", Ok(jobs)), new_run("b.kdl", Err("no such node".to_owned()))];
    let made = pushed(&store, 'a', runs).await;
    assert!(made.iter().all(|run| run.new));

    let good = store.run(made[0].run).await.unwrap();
    let names: Vec<&str> = good.jobs.iter().map(|job| job.name.as_str()).collect();
    assert_eq!(names, ["build", "test"]);
    assert_eq!(good.jobs[1].needs, [need("build", NeededOutcome::Succeeded)]);
    assert_eq!(good.run.title, "Make it so");
    let broken = store.run(made[1].run).await.unwrap();
    assert_eq!(broken.run.problem.as_deref(), Some("no such node"));
    assert!(broken.run.finished_at.is_some() && broken.jobs.is_empty());

    let due = store.due_reports(forge(), at(0), 10).await.unwrap();
    let mut shown: Vec<_> = due
        .iter()
        .map(|due| (due.report.context.as_str(), due.report.state, due.commit.short()))
        .collect();
    shown.sort_by_key(|(context, ..)| *context);
    assert_eq!(
        shown,
        [
            ("solstice/a.kdl/build", CheckState::Pending, "aaaaaaaaaa"),
            ("solstice/a.kdl/test", CheckState::Pending, "aaaaaaaaaa"),
            ("solstice/b.kdl", CheckState::Failure, "aaaaaaaaaa"),
        ]
    );
    let delivery = store.deliveries(None, 1).await.unwrap().remove(0);
    assert_eq!(delivery.verdict, "runs");
    assert_eq!(delivery.runs, [made[0].run, made[1].run]);
}

#[tokio::test]
async fn the_same_push_delivered_under_a_new_id_makes_no_second_run() {
    let (_dir, store) = store();
    let runs = |files: &[&str]| {
        files.iter().map(|file| new_run(file, Ok(vec![spec("build", &[])]))).collect::<Vec<_>>()
    };
    let first = pushed(&store, 'a', runs(&["a.kdl"])).await;
    let second = pushed(&store, 'a', runs(&["a.kdl", "b.kdl"])).await;
    assert_eq!(second[0].run, first[0].run);
    assert_eq!((second[0].new, second[1].new), (false, true));
    let other_commit = pushed(&store, 'b', runs(&["a.kdl"])).await;
    assert!(other_commit[0].new);
    assert_eq!(store.runs(RunQuery::default(), None, 10).await.unwrap().len(), 3);
    assert_eq!(store.due_reports(forge(), at(0), 10).await.unwrap().len(), 3);
    let listed = store.deliveries(None, 10).await.unwrap();
    assert_eq!(listed[1].runs, [first[0].run, second[1].run], "both deliveries lead to it");
}

#[tokio::test]
async fn a_workflow_that_could_never_end_is_refused_whole() {
    let (_dir, store) = store();
    let bad = [
        vec![],
        vec![spec("a", &[]), spec("a", &[])],
        vec![spec("a", &["b"])],
        vec![spec("a", &["a"])],
        vec![spec("a", &["b"]), spec("b", &["c"]), spec("c", &["a"]), spec("d", &[])],
    ];
    let id = deliver(&store).await;
    for jobs in bad {
        let runs = vec![
            new_run("good.kdl", Ok(vec![spec("build", &[])])),
            new_run("bad.kdl", Ok(jobs.clone())),
        ];
        let refused = store.finish_delivery_with_runs(id, push('a'), runs, at(0)).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{jobs:?}: {refused:?}");
    }
    let none = store.finish_delivery_with_runs(id, push('a'), Vec::new(), at(0)).await;
    assert!(matches!(none, Err(StoreError::Conflict { .. })), "{none:?}");
    assert!(store.runs(RunQuery::default(), None, 10).await.unwrap().is_empty());
    assert_eq!(store.counts().await.unwrap().waiting, 1);
}

#[tokio::test]
async fn deliveries_are_paged_newest_first() {
    let (_dir, store) = store();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, deliver(&store).await);
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = store.deliveries(before, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        seen.extend(page.iter().map(|delivery| delivery.id));
    }
    assert_eq!(seen, ids);
}
