//! Leases, lost attempts and what hosts report (invariant I9).

use solstice_api::host::{HostReport, Phase};
use solstice_model::id::new_id;
use solstice_model::{Outcome, TimeLimit};
use solstice_store::{StoreError, Transitioned};

use crate::fixture::{LEASE, MAX_ATTEMPTS, at, claim, host, one_job, store, word};

#[tokio::test]
async fn a_host_that_falls_silent_loses_its_jobs_which_are_tried_again() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let first = claim(&store, 0).await;
    assert_eq!(store.next_lease_end().await.unwrap(), Some(at(60)));
    assert_eq!(store.expire_leases(at(60), MAX_ATTEMPTS).await.unwrap(), []);
    assert_eq!(store.expire_leases(at(61), MAX_ATTEMPTS).await.unwrap(), [job.id]);
    assert_eq!(word(&store, job.id).await, "queued");
    assert_eq!(store.next_lease_end().await.unwrap(), None);

    let second = claim(&store, 70).await;
    assert_eq!(second.number, 2);
    assert_ne!(second.attempt, first.attempt);
    store.expire_leases(at(200), MAX_ATTEMPTS).await.unwrap();
    let detail = store.job(job.id).await.unwrap();
    let lost = "host host-1 did not report in time";
    let outcome = Outcome::InfraFailed { why: lost.to_owned() };
    assert_eq!(detail.job.state.outcome(), Some(&outcome));
    let attempts: Vec<_> =
        detail.attempts.iter().map(|tried| (tried.number, tried.lost.as_deref())).collect();
    assert_eq!(attempts, [(1, Some(lost)), (2, Some(lost))]);
    assert_eq!(store.expire_leases(at(999), MAX_ATTEMPTS).await.unwrap(), []);
}

#[tokio::test]
async fn a_heartbeat_keeps_the_leases_of_its_host_alone() {
    let (_dir, store) = store();
    let mut jobs = Vec::new();
    for name in ["host-1", "host-2"] {
        jobs.push(one_job(&store).await.id);
        let offers = vec![crate::fixture::offer(&["illumos"], 1)];
        store.claim(host(name), offers, Vec::new(), 1, at(0), LEASE).await.unwrap();
    }
    store.renew_leases(host("host-1"), at(50), LEASE).await.unwrap();
    assert_eq!(store.expire_leases(at(100), MAX_ATTEMPTS).await.unwrap(), [jobs[1]]);
    // A late, slow request takes nothing back.
    store.renew_leases(host("host-1"), at(10), LEASE).await.unwrap();
    assert_eq!(store.expire_leases(at(105), MAX_ATTEMPTS).await.unwrap(), []);
}

#[tokio::test]
async fn after_a_pause_of_the_server_every_host_gets_time_to_report() {
    let (_dir, store) = store();
    one_job(&store).await;
    let attempt = claim(&store, 0).await.attempt;
    store.extend_leases(at(5_000)).await.unwrap();
    assert_eq!(store.expire_leases(at(4_999), MAX_ATTEMPTS).await.unwrap(), []);
    assert_eq!(store.live_attempts().await.unwrap()[0].id, attempt);
}

#[tokio::test]
async fn a_host_tells_how_the_machine_comes_up() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let attempt = claim(&store, 0).await.attempt;
    let phases = vec![
        Phase { name: "create".to_owned(), took_ms: 12 },
        Phase { name: "boot".to_owned(), took_ms: 800 },
    ];
    let report =
        |report| store.report_from_host(host("host-1"), attempt, report, at(5), MAX_ATTEMPTS);
    report(HostReport::Starting).await.unwrap();
    assert_eq!(word(&store, job.id).await, "starting");
    let running = HostReport::Running { phases: phases.clone() };
    report(running.clone()).await.unwrap();
    assert_eq!(report(running).await.unwrap(), Transitioned::Stale);
    assert_eq!(report(HostReport::Starting).await.unwrap(), Transitioned::Stale);
    let detail = store.job(job.id).await.unwrap();
    assert_eq!(detail.job.state.name(), "running");
    assert_eq!(detail.attempts[0].phases, phases);
    let limit = TimeLimit::Job { seconds: 3600 };
    report(HostReport::TimedOut { limit: limit.clone() }).await.unwrap();
    assert_eq!(
        store.job_state(job.id).await.unwrap().outcome(),
        Some(&Outcome::TimedOut { limit })
    );
}

#[tokio::test]
async fn a_lost_machine_is_never_the_author_s_failure() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    for (now, state) in [(0, "queued"), (10, "infra_failed")] {
        let attempt = claim(&store, now).await.attempt;
        let lost = HostReport::Lost { why: "no boot".to_owned() };
        store.report_from_host(host("host-1"), attempt, lost, at(now), MAX_ATTEMPTS).await.unwrap();
        assert_eq!(word(&store, job.id).await, state);
    }
}

#[tokio::test]
async fn nobody_waits_for_an_attempt_that_is_over_or_unknown_or_another_host_s() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let attempt = claim(&store, 0).await.attempt;
    let over = |result: Result<Transitioned, StoreError>| match result {
        Err(StoreError::AttemptOver { .. }) => {}
        other => panic!("{other:?}"),
    };
    let report = |name: &str, attempt| {
        store.report_from_host(host(name), attempt, HostReport::Starting, at(5), MAX_ATTEMPTS)
    };
    over(report("host-1", new_id()).await);
    over(report("host-2", attempt).await);
    assert_eq!(word(&store, job.id).await, "claimed");
    store.expire_leases(at(100), MAX_ATTEMPTS).await.unwrap();
    over(report("host-1", attempt).await);
    assert_eq!(word(&store, job.id).await, "queued");
}
