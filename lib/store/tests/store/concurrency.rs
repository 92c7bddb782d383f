//! Many callers at once.

use std::collections::BTreeSet;

use solstice_store::RunQuery;
use tokio::task::JoinSet;

use crate::fixture::{LEASE, at, deliver, host, new_delivery, offer, run, spec, store};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_repeats_at_once_one_is_the_first() {
    let (_dir, store) = store();
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let store = store.clone();
        callers.spawn(async move { store.take_delivery(new_delivery("same")).await.unwrap() });
    }
    let taken = callers.join_all().await;
    assert_eq!(taken.iter().filter(|taken| !taken.repeat).count(), 1);
    assert!(taken.iter().all(|other| other.id == taken[0].id));
    assert_eq!(store.deliveries(None, 10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_claimers_at_once_no_two_get_the_same_job() {
    let (_dir, store) = store();
    let detail = run(&store, (0..100).map(|n| spec(&format!("job-{n}"), &[])).collect()).await;
    let mut callers = JoinSet::new();
    for number in 0..64 {
        let store = store.clone();
        callers.spawn(async move {
            let name = host(&format!("host-{number}"));
            let offers = || vec![offer(&["illumos"], 2)];
            store.claim(name.clone(), offers(), Vec::new(), 2, at(1), LEASE).await.unwrap();
            store.wanted(name).await.unwrap()
        });
    }
    let given: Vec<_> = callers.join_all().await.into_iter().flatten().collect();
    let jobs: BTreeSet<_> = given.iter().map(|assignment| assignment.job.to_string()).collect();
    assert_eq!((given.len(), jobs.len()), (detail.jobs.len(), detail.jobs.len()));
    assert!(given.iter().all(|assignment| assignment.number == 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_see_each_transaction_whole_while_others_write() {
    let (_dir, store) = store();
    let mut writers = JoinSet::new();
    for _ in 0..4 {
        let store = store.clone();
        writers.spawn(async move {
            for _ in 0..10 {
                run(&store, vec![spec("a", &[]), spec("b", &["a"])]).await;
            }
        });
    }
    while !writers.is_empty() {
        for run in store.runs(RunQuery::default(), None, 5).await.unwrap() {
            assert_eq!(store.run(run.id).await.unwrap().jobs.len(), 2);
        }
        let _ = writers.try_join_next();
        tokio::task::yield_now().await;
    }
    assert_eq!(store.runs(RunQuery::default(), None, 100).await.unwrap().len(), 40);
}

#[tokio::test]
async fn a_caller_that_goes_away_disturbs_nobody() {
    let (_dir, store) = store();
    for number in 0..20 {
        let gone = store.take_delivery(new_delivery(&number.to_string()));
        drop(tokio::time::timeout(std::time::Duration::ZERO, gone).await);
    }
    deliver(&store).await;
    assert!(!store.deliveries(None, 100).await.unwrap().is_empty());
}
