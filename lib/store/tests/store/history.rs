//! How runs ended, what is listed of repositories, what runs and what waits.

use solstice_api::user::RunStatus;
use solstice_model::AgentVerdict;
use solstice_store::{DeliveryQuery, RerunJobs, RunQuery, Sight, Store};

use crate::fixture::{at, claim, end, failed, forge, new_run, pushed, repository, spec, store};

async fn with_status(store: &Store, status: RunStatus) -> usize {
    let which = RunQuery { status: Some(status), ..RunQuery::default() };
    store.runs(which, None, 10).await.unwrap().len()
}

async fn badge(store: &Store, workflow: Option<&str>) -> Option<RunStatus> {
    let (name, workflow) = (repository("acme/kernel").name, workflow.map(str::to_owned));
    store.branch_status(forge(), name, Sight::public(), None, workflow).await.unwrap()
}

#[tokio::test]
async fn a_run_is_found_by_its_status_and_a_rerun_opens_it_again() {
    let (_dir, store) = store();
    let made = pushed(&store, 'a', vec![new_run("ci.kdl", Ok(vec![spec("build", &[])]))]).await;
    assert_eq!(with_status(&store, RunStatus::Queued).await, 1);
    let attempt = claim(&store, 5).await.attempt;
    assert_eq!(with_status(&store, RunStatus::Running).await, 1);
    end(&store, attempt, failed()).await;
    assert_eq!(with_status(&store, RunStatus::Failed).await, 1);
    assert_eq!(badge(&store, None).await, Some(RunStatus::Failed));
    store.rerun(made[0].run, RerunJobs::All, "ada".to_owned(), at(300)).await.unwrap();
    assert_eq!(with_status(&store, RunStatus::Failed).await, 0);
    assert_eq!(with_status(&store, RunStatus::Queued).await, 1);
    end(&store, claim(&store, 310).await.attempt, AgentVerdict::Succeeded).await;
    assert_eq!(with_status(&store, RunStatus::Succeeded).await, 1);
    assert_eq!(badge(&store, None).await, Some(RunStatus::Succeeded));
}

#[tokio::test]
async fn a_badge_is_the_worst_workflow_of_the_newest_commit_that_is_over() {
    let (_dir, store) = store();
    assert_eq!(badge(&store, None).await, None);
    let broken = new_run("broken.kdl", Err("line 1: what?".to_owned()));
    let good = new_run("ci.kdl", Ok(vec![spec("build", &[])]));
    pushed(&store, 'a', vec![good.clone(), broken]).await;
    end(&store, claim(&store, 5).await.attempt, AgentVerdict::Succeeded).await;
    assert_eq!(badge(&store, None).await, Some(RunStatus::Failed));
    assert_eq!(badge(&store, Some("ci.kdl")).await, Some(RunStatus::Succeeded));
    assert_eq!(badge(&store, Some("absent")).await, None);
    pushed(&store, 'b', vec![good]).await;
    assert_eq!(badge(&store, None).await, Some(RunStatus::Failed), "the newer is not over");
    end(&store, claim(&store, 6).await.attempt, AgentVerdict::Succeeded).await;
    assert_eq!(badge(&store, None).await, Some(RunStatus::Succeeded));
}

#[tokio::test]
async fn repositories_deliveries_and_the_queue_are_listed() {
    let (_dir, store) = store();
    assert!(store.repositories(Sight::public(), None, 10).await.unwrap().is_empty());
    let jobs = vec![spec("build", &[]), spec("test", &["build"])];
    pushed(&store, 'a', vec![new_run("ci.kdl", Ok(jobs))]).await;
    let listed = store.repositories(Sight::public(), None, 10).await.unwrap();
    assert_eq!(listed[0].name, repository("acme/kernel").name);
    let after = store.repositories(Sight::public(), Some(listed[0].newest.id), 10).await.unwrap();
    assert!(after.is_empty());
    let recent = store.recent_runs(forge(), listed[0].name.clone()).await.unwrap();
    assert_eq!((recent.len(), recent[0].status), (1, RunStatus::Queued));
    let queue = store.queue(Sight::public(), 10, 10).await.unwrap();
    let places: Vec<_> = queue.waiting.iter().map(|job| (job.place, job.needs.len())).collect();
    assert_eq!(places, [(Some(1), 0), (None, 1)]);
    assert_eq!((queue.working_total, queue.waiting_total), (0, 2));
    claim(&store, 5).await;
    let queue = store.queue(Sight::public(), 10, 1).await.unwrap();
    assert_eq!((queue.working.len(), queue.waiting_total), (1, 1));
    let of = |verdict: &str| DeliveryQuery { verdict: Some(verdict.to_owned()), forge: None };
    assert_eq!(store.deliveries_of(of("runs"), None, 10).await.unwrap().len(), 1);
    assert!(store.deliveries_of(of("rejected"), None, 10).await.unwrap().is_empty());
}
