//! Random graphs of jobs and random deeds: what holds of a run whatever happens to it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use solstice_api::user::{Job, RunDetail};
use solstice_model::{
    AgentVerdict, HostName, JobSpec, JobState, NeededOutcome, Outcome, RunId, Transition,
};
use solstice_store::{RerunJobs, Store, StoreError};

use crate::fixture::{
    MAX_ATTEMPTS, at, claim_all, end, failed, forge, need, new_run, pushed, spec, store,
};

#[derive(Clone, Debug)]
enum Deed {
    Claim,
    End { who: usize, well: bool },
    Expire,
    Cancel { who: usize },
    CancelRun,
    Rerun { who: usize },
    RerunFailed,
    RerunAll,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        5 => Just(Deed::Claim),
        8 => (0..6_usize, any::<bool>()).prop_map(|(who, well)| Deed::End { who, well }),
        1 => Just(Deed::Expire),
        1 => (0..6_usize).prop_map(|who| Deed::Cancel { who }),
        1 => Just(Deed::CancelRun),
        2 => (0..6_usize).prop_map(|who| Deed::Rerun { who }),
        1 => Just(Deed::RerunFailed),
        1 => Just(Deed::RerunAll),
    ];
    proptest::collection::vec(deed, 1..40)
}

/// Up to six jobs; each may need those before it.
fn graph() -> impl Strategy<Value = Vec<JobSpec>> {
    use NeededOutcome::{Any, Completed, Failed, Succeeded};
    let outcome =
        prop_oneof![4 => Just(Succeeded), 1 => Just(Failed), 1 => Just(Completed), 1 => Just(Any)];
    let job = (
        proptest::collection::vec((any::<prop::sample::Index>(), outcome), 0..3),
        0..3_u32,
        any::<bool>(),
        prop::bool::weighted(0.1),
    );
    proptest::collection::vec(job, 1..6).prop_map(|jobs| {
        let of =
            |(number, (needs, retries, allowed, unmet)): (usize, (Vec<_>, u32, bool, bool))| {
                let mut spec = spec(&format!("job-{number}"), &[]);
                if number > 0 {
                    let needed = |(index, outcome): (prop::sample::Index, NeededOutcome)| {
                        need(&format!("job-{}", index.index(number)), outcome)
                    };
                    spec.needs = needs.into_iter().map(needed).collect();
                    spec.needs.sort_by(|a, b| a.job.cmp(&b.job));
                    spec.needs.dedup_by(|a, b| a.job == b.job);
                }
                (spec.retries, spec.continue_on_error) = (retries, allowed);
                spec.unmet = unmet.then(|| "tag".to_owned());
                spec
            };
        jobs.into_iter().enumerate().map(of).collect()
    })
}

async fn act(store: &Store, run: RunId, deed: &Deed, now: i64) {
    let jobs = store.run(run).await.unwrap().jobs;
    let job = |who: usize| jobs[who % jobs.len()].id;
    let host: HostName = "host-1".parse().unwrap();
    let by = "bob".to_owned();
    let refused = match deed {
        Deed::Claim => {
            claim_all(store, now).await;
            None
        }
        Deed::End { who, well } => {
            let wanted = store.wanted(host).await.unwrap();
            if let Some(one) = wanted.get(who % wanted.len().max(1)) {
                let verdict = if *well { AgentVerdict::Succeeded } else { failed() };
                end(store, one.attempt, verdict).await;
            }
            None
        }
        Deed::Expire => store.expire_leases(at(now + 1_000), MAX_ATTEMPTS).await.err(),
        Deed::Cancel { who } => store.cancel(job(*who), by, at(now)).await.err(),
        Deed::CancelRun => store.cancel_run(run, by, at(now)).await.err(),
        Deed::Rerun { who } => store.rerun(run, RerunJobs::Job(job(*who)), by, at(now)).await.err(),
        Deed::RerunFailed => store.rerun(run, RerunJobs::Failed, by, at(now)).await.err(),
        Deed::RerunAll => store.rerun(run, RerunJobs::All, by, at(now)).await.err(),
    };
    match refused {
        None | Some(StoreError::Conflict { .. } | StoreError::IllegalTransition(_)) => {}
        Some(other) => panic!("{deed:?}: {other:?}"),
    }
}

fn word(state: &JobState) -> &'static str {
    state.outcome().map_or(state.name(), Outcome::name)
}

/// What a queued job that could run, and one that never will, have to do with each other.
fn needs_agree(detail: &RunDetail, job: &Job) -> Result<(), TestCaseError> {
    let by_name: BTreeMap<_, _> = detail.jobs.iter().map(|job| (&job.name, job)).collect();
    for need in &job.needs {
        let needed = by_name[&need.job];
        let met = needed
            .state
            .outcome()
            .map(|outcome| need.outcome.is_met_by(outcome, needed.continue_on_error));
        if job.state == JobState::Queued {
            prop_assert_ne!(met, Some(false), "{} waits for {} in vain", job.name, needed.name);
        }
        if job.state.holding().is_some() {
            prop_assert_eq!(met, Some(true), "{} runs without {}", job.name, needed.name);
        }
    }
    Ok(())
}

async fn holds(store: &Store, run: RunId, specs: &[JobSpec]) -> Result<(), TestCaseError> {
    let detail = store.run(run).await.unwrap();
    let names: Vec<_> = detail.jobs.iter().map(|job| &job.name).collect();
    prop_assert_eq!(names, specs.iter().map(|spec| &spec.name).collect::<Vec<_>>());
    let over = detail.jobs.iter().all(|job| job.state.is_finished());
    prop_assert_eq!(detail.run.finished_at.is_some(), over);
    let due = store.due_reports(forge(), at(99_999), 99).await.unwrap();
    prop_assert_eq!(due.len(), specs.len());
    for job in &detail.jobs {
        needs_agree(&detail, job)?;
        let shown = due.iter().find(|due| due.report.context.ends_with(job.name.as_str())).unwrap();
        if job.state.holding().is_none() {
            prop_assert_eq!(shown.report.description.as_str(), word(&job.state), "{}", job.name);
        }
        let mut state = JobState::Queued;
        for entry in store.events(job.id, 0, 500).await.unwrap() {
            if let Transition::Moved(to) = state.apply(&entry.event).unwrap() {
                state = to;
            }
        }
        prop_assert_eq!(&state, &job.state);
    }
    Ok(())
}

async fn story(specs: Vec<JobSpec>, deeds: Vec<Deed>) -> Result<(), TestCaseError> {
    let (_dir, store) = store();
    let run = pushed(&store, 'a', vec![new_run("ci.kdl", Ok(specs.clone()))]).await[0].run;
    holds(&store, run, &specs).await?;
    for (now, deed) in (1..).zip(&deeds) {
        act(&store, run, deed, now).await;
        holds(&store, run, &specs).await?;
    }
    // Whatever happened: if all goes well from here, it comes to an end.
    for now in 100..120 {
        claim_all(&store, now).await;
        for wanted in store.wanted("host-1".parse().unwrap()).await.unwrap() {
            end(&store, wanted.attempt, AgentVerdict::Succeeded).await;
        }
    }
    holds(&store, run, &specs).await?;
    prop_assert!(store.run(run).await.unwrap().run.finished_at.is_some());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn needs_runs_reports_and_the_event_log_agree_whatever_happens(
        specs in graph(),
        deeds in deeds(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(story(specs, deeds))?;
    }
}
