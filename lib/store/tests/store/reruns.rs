//! Jobs that are run once more: new rows, old outcomes (invariant I3).

use solstice_api::user::{RunDetail, RunStatus};
use solstice_model::id::new_id;
use solstice_model::{AgentVerdict, JobId, Outcome, SkipReason};
use solstice_store::{RerunJobs, Store, StoreError};

use crate::fixture::{
    at, attempt_of, claim, claim_all, end, failed, forge, new_run, one_job, pushed, run, spec,
    store, word, words,
};

async fn again(
    store: &Store,
    detail: &RunDetail,
    which: RerunJobs,
) -> Result<Vec<JobId>, StoreError> {
    store.rerun(detail.run.id, which, "bob".to_owned(), at(300)).await
}

/// `build` succeeded, `test` failed, so `pack` was skipped; `lint` succeeded.
async fn half_failed(store: &Store) -> RunDetail {
    let jobs = vec![
        spec("build", &[]),
        spec("test", &["build"]),
        spec("pack", &["test"]),
        spec("lint", &[]),
    ];
    let detail = run(store, jobs).await;
    for (name, verdict) in
        [("build", AgentVerdict::Succeeded), ("lint", AgentVerdict::Succeeded), ("test", failed())]
    {
        claim_all(store, 1).await;
        end(store, attempt_of(store, name).await, verdict).await;
    }
    let detail = store.run(detail.run.id).await.unwrap();
    assert_eq!(words(store, detail.run.id).await, ["succeeded", "failed", "skipped", "succeeded"]);
    detail
}

#[tokio::test]
async fn what_failed_is_run_once_more_with_what_needs_it_and_nothing_else() {
    let (_dir, store) = store();
    let before = half_failed(&store).await;
    let made = again(&store, &before, RerunJobs::Failed).await.unwrap();
    assert_eq!(made.len(), 2);
    let after = store.run(before.run.id).await.unwrap();
    let ids: Vec<JobId> = after.jobs.iter().map(|job| job.id).collect();
    assert_eq!(ids, [before.jobs[0].id, made[0], made[1], before.jobs[3].id]);
    assert_eq!(after.jobs.iter().map(|job| job.rerun).collect::<Vec<_>>(), [0, 1, 1, 0]);
    assert_eq!((after.run.status, after.run.finished_at), (RunStatus::Running, None));

    let old = store.job(before.jobs[1].id).await.unwrap();
    assert_eq!(old.job.replaced_by, Some(made[0]));
    assert_eq!(word(&store, old.job.id).await, "failed", "its outcome stays its own");
    assert_eq!(old.attempts.len(), 1);

    assert_eq!(claim_all(&store, 301).await, ["test"]);
    assert_eq!(store.job(made[0]).await.unwrap().attempts[0].number, 1);
    end(&store, attempt_of(&store, "test").await, AgentVerdict::Succeeded).await;
    assert_eq!(claim_all(&store, 302).await, ["pack"]);
    end(&store, attempt_of(&store, "pack").await, AgentVerdict::Succeeded).await;
    let done = store.run(before.run.id).await.unwrap().run;
    assert_eq!(done.status, RunStatus::Succeeded);
    assert!(done.finished_at.is_some());
}

#[tokio::test]
async fn a_run_of_which_nothing_failed_has_nothing_to_run_once_more() {
    let (_dir, store) = store();
    let mut unmet = spec("deploy", &[]);
    unmet.unmet = Some("tag".to_owned());
    let detail = run(&store, vec![spec("build", &[]), unmet]).await;
    claim_all(&store, 1).await;
    end(&store, attempt_of(&store, "build").await, AgentVerdict::Succeeded).await;
    let refused = again(&store, &detail, RerunJobs::Failed).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert_eq!(again(&store, &detail, RerunJobs::All).await.unwrap().len(), 2);
    assert_eq!(words(&store, detail.run.id).await, ["queued", "skipped"]);
}

#[tokio::test]
async fn nothing_is_run_once_more_while_it_still_runs() {
    let (_dir, store) = store();
    let detail = run(&store, vec![spec("a", &[]), spec("b", &["a"]), spec("c", &[])]).await;
    claim_all(&store, 1).await;
    end(&store, attempt_of(&store, "a").await, AgentVerdict::Succeeded).await;
    let of = |job: usize| RerunJobs::Job(detail.jobs[job].id);
    for which in [RerunJobs::All, of(0), of(1), of(2)] {
        let refused = again(&store, &detail, which).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{which:?}: {refused:?}");
    }
    claim_all(&store, 2).await;
    end(&store, attempt_of(&store, "b").await, failed()).await;
    // `c` runs on; nobody touches it.
    assert_eq!(again(&store, &detail, of(0)).await.unwrap().len(), 2);
    assert_eq!(words(&store, detail.run.id).await, ["queued", "queued", "claimed"]);
}

#[tokio::test]
async fn a_job_that_was_run_once_more_says_which_took_its_place() {
    let (_dir, store) = store();
    let detail = half_failed(&store).await;
    let test = RerunJobs::Job(detail.jobs[1].id);
    let made = again(&store, &detail, test).await.unwrap();
    let refused = again(&store, &detail, test).await.unwrap_err();
    assert!(refused.to_string().contains(&made[0].to_string()), "{refused}");
    for (run, which) in [
        (detail.run.id, RerunJobs::Job(new_id())),
        (detail.run.id, RerunJobs::Job(one_job(&store).await.id)),
        (new_id(), RerunJobs::All),
    ] {
        let missing = store.rerun(run, which, "bob".to_owned(), at(300)).await;
        assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
    }
    let broken = pushed(&store, 'c', vec![new_run("x.kdl", Err("bad".to_owned()))]).await[0].run;
    let refused = store.rerun(broken, RerunJobs::All, "bob".to_owned(), at(300)).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_job_whose_need_stays_unmet_is_skipped_again() {
    let (_dir, store) = store();
    let detail = half_failed(&store).await;
    let made = again(&store, &detail, RerunJobs::Job(detail.jobs[2].id)).await.unwrap();
    assert_eq!(made.len(), 1);
    let why = SkipReason::NeedNotMet { need: "test".parse().unwrap() };
    let state = store.job_state(made[0]).await.unwrap();
    assert_eq!(state.outcome(), Some(&Outcome::Skipped { why }));
    let after = store.run(detail.run.id).await.unwrap().run;
    assert_eq!((after.status, after.finished_at), (RunStatus::Failed, Some(at(300))));
}

#[tokio::test]
async fn the_check_is_the_newest_job_s() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    end(&store, claim(&store, 1).await.attempt, failed()).await;
    let due = || async { store.due_reports(forge(), at(999), 10).await.unwrap() };
    let failed_once = due().await.remove(0);
    store.report_sent(failed_once.id, failed_once.version, at(9)).await.unwrap();
    let made = store.rerun(job.run, RerunJobs::All, "bob".to_owned(), at(300)).await.unwrap();
    let pending = due().await;
    assert_eq!(pending.len(), 1);
    assert_eq!((pending[0].id, pending[0].report.description.as_str()), (failed_once.id, "queued"));
    assert!(pending[0].version > failed_once.version);
    store.report_sent(failed_once.id, failed_once.version, at(9)).await.unwrap();
    assert_eq!(due().await.len(), 1, "an answer to the old one's report settles nothing");
    store.cancel(made[0], "bob".to_owned(), at(301)).await.unwrap();
    assert_eq!(due().await[0].report.description, "cancelled");
}

#[tokio::test]
async fn a_third_generation_replaces_the_second() {
    let (_dir, store) = store();
    let detail = half_failed(&store).await;
    for _ in 0..2 {
        let made = again(&store, &detail, RerunJobs::Failed).await.unwrap();
        store.cancel(made[0], "bob".to_owned(), at(301)).await.unwrap();
    }
    let after = store.run(detail.run.id).await.unwrap();
    assert_eq!(after.jobs.iter().map(|job| job.rerun).collect::<Vec<_>>(), [0, 2, 2, 0]);
    assert_eq!(after.run.status, RunStatus::Cancelled);
}
