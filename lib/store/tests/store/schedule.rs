//! Whose job goes first: fairness, priority, age, labels, sizes.

use solstice_forge::{Event, Push};
use solstice_model::JobSpec;
use solstice_model::id::{JobKind, new_id};
use solstice_store::Store;

use crate::fixture::{LEASE, at, deliver, head, host, new_run, offer, repository, spec, store};

fn sized(name: &str, size: &str) -> JobSpec {
    let mut spec = spec(name, &[]);
    spec.size = Some(size.parse().unwrap());
    spec
}

fn urgent(name: &str, priority: i8) -> JobSpec {
    let mut spec = spec(name, &[]);
    spec.priority = priority;
    spec
}

/// Jobs of a repository, at a time.
async fn queue(store: &Store, name: &str, now: i64, jobs: Vec<JobSpec>) {
    let head = Push { repository: repository(name), ..head("refs/heads/main", 'a') };
    let file = format!("{now}.kdl");
    let (id, runs) = (deliver(store).await, vec![new_run(&file, Ok(jobs))]);
    store.finish_delivery_with_runs(id, Event::Push(head), runs, at(now)).await.unwrap();
}

/// Claims one job after the other, each for a host of its own, and gives their names.
async fn order(store: &Store, sizes: &[&str], room: u32) -> Vec<String> {
    let sizes: Vec<_> = sizes.iter().map(|size| size.parse().unwrap()).collect();
    let mut names = Vec::new();
    for _ in 0..room {
        let name = host(&format!("host-{}", new_id::<JobKind>()));
        let offers = vec![offer(&["illumos"], 1)];
        store.claim(name.clone(), offers, sizes.clone(), 1, at(99), LEASE).await.unwrap();
        let wanted = store.wanted(name).await.unwrap();
        names.extend(wanted.into_iter().map(|wanted| wanted.spec.name.to_string()));
    }
    names
}

#[tokio::test]
async fn a_repository_with_many_jobs_keeps_no_other_one_waiting() {
    let (_dir, store) = store();
    queue(&store, "acme/big", 1, (1..=4).map(|n| spec(&format!("big-{n}"), &[])).collect()).await;
    queue(&store, "acme/small", 2, vec![spec("small-1", &[]), spec("small-2", &[])]).await;
    queue(&store, "acme/late", 3, vec![spec("late-1", &[])]).await;
    let expected = ["big-1", "small-1", "late-1", "big-2", "small-2", "big-3", "big-4"];
    assert_eq!(order(&store, &[], 9).await, expected);
}

#[tokio::test]
async fn one_claim_of_many_jobs_is_as_fair_as_many_of_one() {
    let (_dir, store) = store();
    queue(&store, "acme/big", 1, (1..=4).map(|n| spec(&format!("big-{n}"), &[])).collect()).await;
    queue(&store, "acme/small", 2, vec![spec("small-1", &[]), spec("small-2", &[])]).await;
    let offers = vec![offer(&["illumos"], 4)];
    store.claim(host("host-1"), offers, Vec::new(), 4, at(9), LEASE).await.unwrap();
    let wanted = store.wanted(host("host-1")).await.unwrap();
    let names: Vec<_> = wanted.iter().map(|wanted| wanted.spec.name.as_str()).collect();
    assert_eq!(names, ["big-1", "small-1", "big-2", "small-2"]);
}

#[tokio::test]
async fn within_a_repository_priority_goes_before_age() {
    let (_dir, store) = store();
    queue(&store, "acme/kernel", 1, vec![urgent("old", 0), urgent("idle", -5)]).await;
    queue(&store, "acme/kernel", 2, vec![urgent("new", 0), urgent("hot", 9), urgent("warm", 3)])
        .await;
    assert_eq!(order(&store, &[], 9).await, ["hot", "warm", "old", "new", "idle"]);
}

#[tokio::test]
async fn priority_takes_nothing_from_another_repository() {
    let (_dir, store) = store();
    queue(&store, "acme/modest", 1, vec![urgent("modest", -100)]).await;
    queue(&store, "acme/loud", 2, vec![urgent("loud-1", 100), urgent("loud-2", 100)]).await;
    assert_eq!(order(&store, &[], 9).await, ["modest", "loud-1", "loud-2"]);
}

#[tokio::test]
async fn a_job_with_a_size_fits_only_a_host_that_has_it() {
    let (_dir, store) = store();
    let jobs = vec![sized("huge", "huge"), sized("large", "large"), spec("any", &[])];
    queue(&store, "acme/kernel", 1, jobs).await;
    assert_eq!(order(&store, &["small"], 9).await, ["any"]);
    assert_eq!(order(&store, &["small", "large"], 9).await, ["large"]);
    assert_eq!(order(&store, &["huge"], 9).await, ["huge"]);
}

#[tokio::test]
async fn what_no_host_fits_does_not_hide_what_one_does() {
    let (_dir, store) = store();
    let mut jobs: Vec<_> = (0..500).map(|n| sized(&format!("huge-{n}"), "huge")).collect();
    jobs.push(spec("fits", &[]));
    queue(&store, "acme/kernel", 1, jobs).await;
    assert_eq!(order(&store, &["small"], 2).await, ["fits"]);
}
