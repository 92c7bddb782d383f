//! What follows from a job's move: the event log, its dependents, its run (invariant I3).

use solstice_api::user::RunStatus;
use solstice_model::id::new_id;
use solstice_model::{AgentVerdict, JobEvent, JobState, Outcome, SkipReason};
use solstice_store::{HostNote, StoreError, Transitioned};

use crate::fixture::{at, claim, end, failed, one_job, run, spec, store, word};

#[tokio::test]
async fn a_job_goes_from_its_claim_to_its_outcome() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let attempt = claim(&store, 10).await.attempt;
    store.transition(job.id, JobEvent::MachineStarting { attempt }, at(20)).await.unwrap();
    store.transition(job.id, JobEvent::AgentRunning { attempt }, at(30)).await.unwrap();
    let ended = JobEvent::AttemptEnded { attempt, verdict: AgentVerdict::Succeeded, retry: false };
    store.transition(job.id, ended, at(40)).await.unwrap();

    let detail = store.job(job.id).await.unwrap();
    assert_eq!(detail.job.state, JobState::Finished { outcome: Outcome::Succeeded });
    assert_eq!(detail.job.queued_at, at(0));
    let times = (detail.job.claimed_at, detail.job.started_at, detail.job.finished_at);
    assert_eq!(times, (Some(at(10)), Some(at(30)), Some(at(40))));
    assert_eq!(detail.run.finished_at, Some(at(40)));
    assert_eq!(detail.attempts[0].ended_at, Some(at(40)));
    let log = store.events(job.id, 0, 10).await.unwrap();
    let names: Vec<_> = log.iter().map(|entry| entry.event.name()).collect();
    assert_eq!(names, ["claim", "machine_starting", "agent_running", "attempt_ended"]);
    assert_eq!(store.events(job.id, log[2].seq, 10).await.unwrap(), log[3..]);
}

#[tokio::test]
async fn a_repeat_is_stale_and_nonsense_is_illegal_and_neither_is_written() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let attempt = claim(&store, 10).await.attempt;
    let starting = JobEvent::MachineStarting { attempt };
    store.transition(job.id, starting.clone(), at(20)).await.unwrap();
    assert_eq!(store.transition(job.id, starting, at(21)).await.unwrap(), Transitioned::Stale);
    let other = JobEvent::AgentRunning { attempt: new_id() };
    assert_eq!(store.transition(job.id, other, at(22)).await.unwrap(), Transitioned::Stale);
    let skip = JobEvent::Skip { why: SkipReason::NeedNotMet { need: "x".parse().unwrap() } };
    let illegal = store.transition(job.id, skip.clone(), at(23)).await;
    assert!(matches!(illegal, Err(StoreError::IllegalTransition(_))), "{illegal:?}");
    assert_eq!(store.events(job.id, 0, 10).await.unwrap().len(), 2);
    let unknown = store.transition(new_id(), skip, at(23)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
}

#[tokio::test]
async fn cancelling_ends_the_attempt_and_a_second_time_is_refused() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let attempt = claim(&store, 10).await.attempt;
    store.cancel(job.id, "alice".to_owned(), at(20)).await.unwrap();
    assert_eq!(word(&store, job.id).await, "cancelled");
    assert!(store.wanted("host-1".parse().unwrap()).await.unwrap().is_empty());
    assert!(store.attempt(attempt).await.unwrap().over);
    let again = store.cancel(job.id, "bob".to_owned(), at(21)).await;
    assert!(matches!(again, Err(StoreError::IllegalTransition(_))), "{again:?}");
}

#[tokio::test]
async fn a_job_whose_need_failed_is_skipped_and_so_are_those_that_need_it() {
    let (_dir, store) = store();
    let jobs = vec![
        spec("build", &[]),
        spec("test", &["build"]),
        spec("pack", &["test", "lint"]),
        spec("ship", &["pack", "build"]),
        spec("lint", &[]),
    ];
    let detail = run(&store, jobs).await;
    end(&store, claim(&store, 1).await.attempt, failed()).await;

    let mut words = Vec::new();
    for job in &detail.jobs {
        words.push(word(&store, job.id).await);
    }
    assert_eq!(words, ["failed", "skipped", "skipped", "skipped", "queued"]);
    let why = |need: &str| Outcome::Skipped {
        why: SkipReason::NeedNotMet { need: need.parse().unwrap() },
    };
    let test = store.job_state(detail.jobs[1].id).await.unwrap();
    assert_eq!(test.outcome(), Some(&why("build")));
    let pack = store.job_state(detail.jobs[2].id).await.unwrap();
    assert_eq!(pack.outcome(), Some(&why("test")));
    let events = store.events(detail.jobs[3].id, 0, 10).await.unwrap();
    assert_eq!(events.len(), 1, "skipped once, though two needs are not met");

    assert_eq!(store.run(detail.run.id).await.unwrap().run.status, RunStatus::Running);
    end(&store, claim(&store, 2).await.attempt, AgentVerdict::Succeeded).await;
    let after = store.run(detail.run.id).await.unwrap().run;
    assert_eq!((after.status, after.finished_at), (RunStatus::Failed, Some(at(200))));
}

#[tokio::test]
async fn a_long_chain_is_skipped_to_its_end() {
    let (_dir, store) = store();
    let names: Vec<String> = (0..500).map(|number| format!("job-{number}")).collect();
    let mut jobs = vec![spec(&names[0], &[])];
    jobs.extend(names.windows(2).map(|pair| spec(&pair[1], &[&pair[0]])));
    let detail = run(&store, jobs).await;
    store.cancel(detail.jobs[0].id, "alice".to_owned(), at(5)).await.unwrap();
    let after = store.run(detail.run.id).await.unwrap();
    assert!(after.jobs.iter().all(|job| job.state.is_finished()));
    assert_eq!((after.run.status, after.run.finished_at), (RunStatus::Cancelled, Some(at(5))));
}

#[tokio::test]
async fn watchers_are_told_of_changes_and_not_of_heartbeats() {
    let (_dir, store) = store();
    let (mut changes, mut jobs) = (store.changes(), store.job_changes());
    let job = one_job(&store).await;
    assert!(changes.has_changed().unwrap());
    assert_eq!(jobs.recv().await.unwrap(), job.id);
    changes.mark_unchanged();

    let host: solstice_model::HostName = "host-1".parse().unwrap();
    store.note_host(host.clone(), HostNote::default(), at(1)).await.unwrap();
    store.renew_leases(host, at(1), crate::fixture::LEASE).await.unwrap();
    store.cancel(new_id(), "alice".to_owned(), at(1)).await.unwrap_err();
    assert!(!changes.has_changed().unwrap());

    store.cancel(job.id, "alice".to_owned(), at(2)).await.unwrap();
    assert!(changes.has_changed().unwrap());
    assert_eq!(jobs.recv().await.unwrap(), job.id);
    store.cancel(job.id, "alice".to_owned(), at(3)).await.unwrap_err();
    assert!(jobs.try_recv().is_err());
}
