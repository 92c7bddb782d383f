//! What people look at.

use solstice_api::user::RunStatus;
use solstice_model::AgentVerdict;
use solstice_model::id::new_id;
use solstice_store::{Counts, MAX_PAGE, RunQuery, StoreError};

use crate::fixture::{claim, end, failed, forge, new_run, one_job, pushed, run, spec, store};

#[tokio::test]
async fn runs_are_paged_newest_first_with_their_status() {
    let (_dir, store) = store();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, run(&store, vec![spec("build", &[])]).await.run.id);
    }
    end(&store, claim(&store, 1).await.attempt, failed()).await;
    end(&store, claim(&store, 2).await.attempt, AgentVerdict::Succeeded).await;
    claim(&store, 3).await;
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = store.runs(RunQuery::default(), before, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2);
        before = Some(last.id);
        seen.extend(page.into_iter().map(|run| (run.id, run.status)));
    }
    use RunStatus::{Failed, Queued, Running, Succeeded};
    let statuses = [Queued, Queued, Running, Succeeded, Failed];
    assert_eq!(seen, ids.into_iter().zip(statuses).collect::<Vec<_>>());
}

#[tokio::test]
async fn no_page_is_longer_than_the_bound() {
    let (_dir, store) = store();
    for _ in 0..MAX_PAGE / 20 + 1 {
        let files: Vec<String> =
            (0..20).map(|_| new_id::<solstice_model::id::RunKind>().to_string()).collect();
        let runs = files.iter().map(|file| new_run(file, Err("bad".to_owned()))).collect();
        pushed(&store, 'a', runs).await;
    }
    assert_eq!(store.runs(RunQuery::default(), None, usize::MAX).await.unwrap().len(), MAX_PAGE);
    assert_eq!(
        store.due_reports(forge(), crate::fixture::at(0), usize::MAX).await.unwrap().len(),
        MAX_PAGE
    );
    assert_eq!(store.runs(RunQuery::default(), None, 0).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (_dir, store) = store();
    let missing = |error: StoreError| assert!(matches!(error, StoreError::NotFound { .. }));
    missing(store.run(new_id()).await.unwrap_err());
    missing(store.job(new_id()).await.unwrap_err());
    missing(store.job_state(new_id()).await.unwrap_err());
    missing(store.attempt(new_id()).await.unwrap_err());
    assert!(store.events(new_id(), 0, 10).await.unwrap().is_empty());
    assert!(store.runs(RunQuery::default(), None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_counts_say_how_much_there_is_to_do() {
    let (_dir, store) = store();
    assert_eq!(store.counts().await.unwrap(), Counts::default());
    one_job(&store).await;
    one_job(&store).await;
    claim(&store, 1).await;
    crate::fixture::deliver(&store).await;
    let counts = store.counts().await.unwrap();
    assert_eq!(counts, Counts { queued: 1, running: 1, unreported: 2, waiting: 1 });
}

#[tokio::test]
async fn only_the_last_attempt_s_steps_are_shown() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let first = claim(&store, 0).await.attempt;
    let records = crate::fixture::good_records();
    let host = crate::fixture::host("host-1");
    let now = crate::fixture::at(5);
    store.apply_records(host, first, &records[..4], now).await.unwrap();
    assert_eq!(store.job(job.id).await.unwrap().steps.len(), 2);
    store.expire_leases(crate::fixture::at(100), 2).await.unwrap();
    claim(&store, 110).await;
    let detail = store.job(job.id).await.unwrap();
    assert_eq!((detail.attempts.len(), detail.steps.len()), (2, 0));
    assert_eq!(detail.job.started_at, None);
}
