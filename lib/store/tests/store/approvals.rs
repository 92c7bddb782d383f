//! What waits for an approval, and what is skipped from the beginning (invariant I10).

use proptest::prelude::*;
use solstice_api::user::RunStatus;
use solstice_forge::{CheckState, Event};
use solstice_model::{JobSpec, NeededOutcome, Outcome, RunId, SkipReason};
use solstice_store::{Hold, NewRuns, RerunJobs, Store, StoreError};

use crate::fixture::{
    at, claim_all, deliver, end, failed, forge, held, need, new_run, pull_request, push, spec,
    store, words,
};

fn jobs() -> Vec<JobSpec> {
    vec![spec("build", &[]), spec("test", &["build"])]
}

async fn waiting(store: &Store, event: Event, files: &[&str]) -> Vec<RunId> {
    held(store, event, files, jobs(), Hold::Approval).await
}

async fn status(store: &Store, run: RunId) -> RunStatus {
    store.run(run).await.unwrap().run.status
}

async fn approve(store: &Store, run: RunId) -> Result<Vec<RunId>, StoreError> {
    store.approve(run, "ada".to_owned(), at(50)).await
}

/// What the checks of the forge are to show, by context.
async fn wishes(store: &Store) -> Vec<(String, CheckState)> {
    let due = store.due_reports(forge(), at(1000), 99).await.unwrap();
    due.into_iter().map(|due| (due.report.context, due.report.state)).collect()
}

#[tokio::test]
async fn nothing_that_waits_is_claimed_and_one_approval_is_for_all_files_of_a_commit() {
    let (_dir, store) = store();
    let runs = waiting(&store, pull_request('a'), &["a.kdl", "b.kdl"]).await;
    assert_eq!(status(&store, runs[0]).await, RunStatus::WaitingForApproval);
    assert!(claim_all(&store, 1).await.is_empty());
    let all = wishes(&store).await;
    assert!(all.len() == 4 && all.iter().all(|it| it.1 == CheckState::ActionRequired), "{all:?}");
    let before = store.run(runs[1]).await.unwrap().run.approval.unwrap();
    assert_eq!((before.by, before.at), (None, None));

    assert_eq!(approve(&store, runs[1]).await.unwrap(), runs);
    for run in &runs {
        let shown = store.run(*run).await.unwrap();
        let approval = shown.run.approval.unwrap();
        assert_eq!((approval.by.as_deref(), approval.at), (Some("ada"), Some(at(50))));
        assert_eq!(shown.run.status, RunStatus::Queued);
        assert_eq!(shown.jobs[0].queued_at, at(50), "only now it is in the queue");
    }
    let all = wishes(&store).await;
    assert!(all.len() == 4 && all.iter().all(|it| it.1 == CheckState::Pending), "{all:?}");
    assert_eq!(claim_all(&store, 60).await, ["build", "build"], "and needs still count");
    assert_eq!(approve(&store, runs[0]).await.unwrap(), [], "twice is once");
}

#[tokio::test]
async fn an_approval_is_for_one_commit_of_one_pull_request() {
    let (_dir, store) = store();
    let mut other = pull_request('a');
    if let Event::PullRequest(told) = &mut other {
        told.number = 8;
        told.head.git_ref = "refs/pull/8/head".parse().unwrap();
    }
    let other = waiting(&store, other, &["ci.kdl"]).await[0];
    let pushed = waiting(&store, push('a'), &["ci.kdl"]).await[0];
    let old = waiting(&store, pull_request('a'), &["ci.kdl"]).await[0];
    assert_eq!(approve(&store, old).await.unwrap(), [old]);
    let new = waiting(&store, pull_request('b'), &["ci.kdl"]).await[0];
    for run in [other, pushed, new] {
        assert_eq!(status(&store, run).await, RunStatus::WaitingForApproval);
    }
    assert_eq!(words(&store, old).await, ["cancelled", "cancelled"], "superseded");
    assert!(claim_all(&store, 1).await.is_empty());
}

#[tokio::test]
async fn what_is_gone_cannot_be_approved_and_what_needs_none_neither() {
    let (_dir, store) = store();
    let conflict = async |run, said: &str| match approve(&store, run).await {
        Err(StoreError::Conflict { why, .. }) => assert!(why.contains(said), "{why}"),
        other => panic!("{other:?}"),
    };
    let old = waiting(&store, pull_request('a'), &["ci.kdl"]).await[0];
    let new = waiting(&store, pull_request('b'), &["ci.kdl"]).await[0];
    assert_eq!(words(&store, old).await, ["cancelled", "cancelled"], "a new commit supersedes it");
    conflict(old, "withdrawn").await;
    for job in store.run(new).await.unwrap().jobs {
        let _ = store.cancel(job.id, "ada".to_owned(), at(2)).await;
    }
    conflict(new, "over").await;
    let free = held(&store, push('c'), &["ci.kdl"], jobs(), Hold::None).await[0];
    conflict(free, "needs no approval").await;
    let nothing = solstice_model::id::new_id();
    assert!(matches!(approve(&store, nothing).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn cancelling_declines_and_the_same_event_asks_again() {
    let (_dir, store) = store();
    let declined = waiting(&store, pull_request('a'), &["ci.kdl"]).await[0];
    store.cancel_run(declined, "ada".to_owned(), at(1)).await.unwrap();
    assert_eq!(status(&store, declined).await, RunStatus::Cancelled);
    assert!(matches!(approve(&store, declined).await, Err(StoreError::Conflict { .. })));
    let again = waiting(&store, pull_request('a'), &["ci.kdl"]).await[0];
    assert_ne!(again, declined);
    assert_eq!(approve(&store, again).await.unwrap(), [again]);
}

#[tokio::test]
async fn to_run_it_once_more_is_no_way_around_an_approval() {
    let (_dir, store) = store();
    let run = waiting(&store, pull_request('a'), &["ci.kdl"]).await[0];
    let rerun = async |which| store.rerun(run, which, "ada".to_owned(), at(2)).await;
    let first = store.run(run).await.unwrap().jobs[0].id;
    for _ in 0..2 {
        for which in [RerunJobs::All, RerunJobs::Failed, RerunJobs::Job(first)] {
            assert!(matches!(rerun(which).await, Err(StoreError::Conflict { .. })), "{which:?}");
        }
        store.cancel_run(run, "ada".to_owned(), at(1)).await.unwrap();
    }
    assert!(claim_all(&store, 3).await.is_empty());
    // Once it is given, it stays.
    let run = waiting(&store, pull_request('b'), &["ci.kdl"]).await[0];
    approve(&store, run).await.unwrap();
    claim_all(&store, 60).await;
    let attempt = crate::fixture::attempt_of(&store, "build").await;
    end(&store, attempt, failed()).await;
    store.rerun(run, RerunJobs::All, "ada".to_owned(), at(300)).await.unwrap();
    assert_eq!(claim_all(&store, 301).await, ["build"]);
}

#[tokio::test]
async fn a_condition_that_does_not_hold_shows_only_once_somebody_has_looked() {
    let (_dir, store) = store();
    let mut never = spec("deploy", &[]);
    never.unmet = Some("branch == 'main'".to_owned());
    let specs = vec![never, spec("build", &[])];
    let run = held(&store, pull_request('a'), &["ci.kdl"], specs, Hold::Approval).await[0];
    assert_eq!(words(&store, run).await, ["queued", "queued"]);
    approve(&store, run).await.unwrap();
    assert_eq!(words(&store, run).await, ["skipped", "queued"]);
}

#[tokio::test]
async fn what_is_skipped_is_skipped_as_a_whole_and_for_that_reason() {
    let (_dir, store) = store();
    let mut specs = jobs();
    specs.push(spec("after", &[]));
    specs[2].needs = vec![need("test", NeededOutcome::Failed)];
    let why = SkipReason::NoFileChanged;
    let run = held(&store, push('a'), &["ci.kdl"], specs, Hold::Skip(why.clone())).await[0];
    let shown = store.run(run).await.unwrap();
    for job in shown.jobs {
        assert_eq!(job.state.outcome(), Some(&Outcome::Skipped { why: why.clone() }));
    }
    assert_eq!((shown.run.status, shown.run.finished_at), (RunStatus::Succeeded, Some(at(0))));
    assert!(shown.run.approval.is_none());
    assert!(claim_all(&store, 1).await.is_empty());
    // Somebody may want it all the same.
    store.rerun(run, RerunJobs::All, "ada".to_owned(), at(2)).await.unwrap();
    assert_eq!(claim_all(&store, 3).await, ["build"]);
}

#[tokio::test]
async fn runs_that_do_not_supersede_leave_the_older_ones_alone() {
    let (_dir, store) = store();
    let old = held(&store, pull_request('a'), &["ci.kdl"], jobs(), Hold::None).await[0];
    let runs = NewRuns { runs: vec![new_run("ci.kdl", Ok(jobs()))], supersede: false };
    let delivery = deliver(&store).await;
    store.finish_delivery_with_runs(delivery, pull_request('b'), runs, at(1)).await.unwrap();
    assert_eq!(words(&store, old).await, ["queued", "queued"]);
}

/// Something that may happen to a pull request.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Commit(char),
    Approve(usize),
    Cancel(usize),
    Rerun(usize),
    Claim,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let one = prop_oneof![
        prop::sample::select(vec!['a', 'b', 'c']).prop_map(Deed::Commit),
        (0..6_usize).prop_map(Deed::Approve),
        (0..6_usize).prop_map(Deed::Cancel),
        (0..6_usize).prop_map(Deed::Rerun),
        Just(Deed::Claim),
    ];
    prop::collection::vec(one, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_job_is_ever_claimed_of_a_run_that_nobody_approved_of(script in deeds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_dir, store) = store();
            let mut runs: Vec<RunId> = Vec::new();
            for deed in script {
                let by = || "ada".to_owned();
                let run = |at: usize| runs.get(at).copied();
                match deed {
                    Deed::Commit(digit) => {
                        let made = waiting(&store, pull_request(digit), &["a.kdl", "b.kdl"]).await;
                        runs.extend(made);
                    }
                    Deed::Approve(at) => if let Some(run) = run(at) { let _ = approve(&store, run).await; },
                    Deed::Cancel(n) => if let Some(run) = run(n) { let _ = store.cancel_run(run, by(), at(1)).await; },
                    Deed::Rerun(n) => if let Some(run) = run(n) { let _ = store.rerun(run, RerunJobs::All, by(), at(1)).await; },
                    Deed::Claim => { claim_all(&store, 60).await; }
                }
                for run in &runs {
                    let shown = store.run(*run).await.unwrap();
                    let approved = shown.run.approval.is_some_and(|approval| approval.by.is_some());
                    let begun = shown.jobs.iter().any(|job| job.claimed_at.is_some());
                    assert!(approved || !begun, "{run}");
                }
            }
        });
    }
}
