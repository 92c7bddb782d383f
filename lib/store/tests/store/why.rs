//! What is known when somebody asks why.

use solstice_api::user::DeliveryWhy;
use solstice_model::id::new_id;
use solstice_model::{AgentVerdict, JobId};
use solstice_store::{HostNote, Sight, Store, StoreError};

use crate::fixture::{LEASE, at, claim, end, host, new_run, pushed, run, spec, store};

async fn hosts(store: &Store) {
    for (name, labels, room) in [("h1", "illumos", 1), ("h2", "linux", 3)] {
        let labels = vec![labels.parse().unwrap()];
        let note = HostNote { labels, room, ..HostNote::default() };
        store.note_host(host(name), note, at(0)).await.unwrap();
    }
}

#[tokio::test]
async fn who_is_before_a_job_is_counted_as_hosts_are_given_jobs() {
    let (_dir, store) = store();
    hosts(&store).await;
    let mut jobs: Vec<JobId> = Vec::new();
    for _ in 0..3 {
        jobs.push(run(&store, vec![spec("build", &[])]).await.jobs[0].id);
    }
    for (before, job) in (0..).zip(&jobs) {
        let (story, facts) = store.job_facts(*job, at(1), LEASE).await.unwrap();
        let queue = facts.queue.unwrap();
        assert_eq!((queue.ahead, queue.more), (before, false));
        assert_eq!(facts.hosts.len(), 2);
        assert_eq!(story.deliveries.len(), 1);
        assert_eq!(story.deliveries[0].runs, [facts.job.run]);
    }
    // A host that fell silent counts for nothing: then nobody can say.
    let late = at(10_000);
    let (_, facts) = store.job_facts(jobs[2], late, LEASE).await.unwrap();
    assert!(facts.queue.unwrap().more);
}

#[tokio::test]
async fn a_job_with_open_needs_is_in_no_queue_and_what_was_before_is_its_measure() {
    let (_dir, store) = store();
    hosts(&store).await;
    let file = |jobs| vec![new_run("ci.kdl", Ok(jobs))];
    let first = pushed(&store, 'a', file(vec![spec("build", &[])])).await[0].run;
    let first = store.run(first).await.unwrap();
    end(&store, claim(&store, 5).await.attempt, AgentVerdict::Succeeded).await;
    let jobs = vec![spec("build", &[]), spec("test", &["build"])];
    let second = pushed(&store, 'b', file(jobs)).await[0].run;
    let second = store.run(second).await.unwrap();
    let (_, test) = store.job_facts(second.jobs[1].id, at(20), LEASE).await.unwrap();
    assert_eq!(test.queue, None);
    assert_eq!((test.needs.len(), test.needs[0].met), (1, false));
    assert!(test.took.is_empty(), "no job of its name has run");
    let (_, build) = store.job_facts(second.jobs[0].id, at(20), LEASE).await.unwrap();
    let done = store.job(first.jobs[0].id).await.unwrap().job;
    let took = done.finished_at.unwrap() - done.claimed_at.unwrap();
    assert_eq!(build.took, [took]);
    let (_, all) = store.run_facts(second.run.id, at(20), LEASE).await.unwrap();
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|one| one.queue.is_none()), "a run does not count queues");
}

#[tokio::test]
async fn a_commit_is_found_by_its_first_digits_and_only_where_it_may_be_seen() {
    let (_dir, store) = store();
    let made = run(&store, vec![spec("build", &[])]).await.run;
    let delivery = store.deliveries(None, 1).await.unwrap().remove(0).id;
    let (name, commit) = (made.repository.clone(), made.commit.clone());
    let ask = |sight: Sight, digits: &str| {
        store.commit_facts(sight, None, name.clone(), digits.to_owned())
    };
    let digits = &commit.as_str()[..6];
    let told = |all: &[DeliveryWhy]| all.iter().map(|one| one.id).collect::<Vec<_>>();
    let (runs, deliveries) = ask(Sight::Everything, digits).await.unwrap();
    assert_eq!((runs[0].id, told(&deliveries)), (made.id, vec![]));
    store.note_subject(delivery, name.clone(), commit.clone()).await.unwrap();
    let (_, deliveries) = ask(Sight::public(), digits).await.unwrap();
    assert_eq!(told(&deliveries), [delivery]);
    let (runs, deliveries) = ask(Sight::Everything, "0123").await.unwrap();
    assert!(runs.is_empty() && deliveries.is_empty());
}

#[tokio::test]
async fn of_what_is_not_there_nothing_is_known() {
    let (_dir, store) = store();
    let missing = |error: StoreError| assert!(matches!(error, StoreError::NotFound { .. }));
    missing(store.job_facts(new_id(), at(0), LEASE).await.unwrap_err());
    missing(store.run_facts(new_id(), at(0), LEASE).await.unwrap_err());
}
