//! What a job waits for, and what becomes of it.

use solstice_api::user::RunStatus;
use solstice_model::{
    AgentVerdict, HostName, JobEvent, JobSpec, NeededOutcome, Outcome, SkipReason, TimeLimit,
};
use solstice_store::{RunQuery, Store};

use crate::fixture::{at, attempt_of, claim_all, end, failed, need, run, spec, store, words};

fn on(name: &str, job: &str, outcome: NeededOutcome) -> JobSpec {
    let mut spec = spec(name, &[]);
    spec.needs = vec![need(job, outcome)];
    spec
}

/// How the needed job ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Succeed,
    Fail,
    LoseArtifact,
    TimeOut,
    Cancel,
    Lose,
    Unmet,
}

async fn build_ends(store: &Store, job: solstice_model::JobId, how: End) {
    let verdict = match how {
        End::Succeed => AgentVerdict::Succeeded,
        End::Fail => failed(),
        End::LoseArtifact => {
            AgentVerdict::ArtifactFailed { pattern: "out/*".to_owned(), why: "no file".to_owned() }
        }
        End::TimeOut => AgentVerdict::TimedOut { limit: TimeLimit::Job { seconds: 60 } },
        End::Cancel => {
            store.cancel(job, "alice".to_owned(), at(2)).await.unwrap();
            return;
        }
        End::Lose => {
            let attempt = attempt_of(store, "build").await;
            let lost = JobEvent::AttemptLost { attempt, why: "no boot".to_owned(), retry: false };
            store.transition(job, lost, at(2)).await.unwrap();
            return;
        }
        End::Unmet => return,
    };
    end(store, attempt_of(store, "build").await, verdict).await;
}

#[tokio::test]
async fn every_end_of_a_job_and_every_need_of_it() {
    use NeededOutcome::{Any, Completed, Failed, Succeeded};
    let needs = [('s', Succeeded), ('f', Failed), ('c', Completed), ('a', Any)];
    // The needs that are met; then the same for a job whose failure is allowed.
    let table = [
        (End::Succeed, "sca", "sca"),
        (End::Fail, "fca", "sfca"),
        (End::LoseArtifact, "fca", "sfca"),
        (End::TimeOut, "fca", "sfca"),
        (End::Cancel, "a", "a"),
        (End::Lose, "a", "a"),
        (End::Unmet, "a", "a"),
    ];
    for (how, plain, allowed) in table {
        for (continue_on_error, expected) in [(false, plain), (true, allowed)] {
            let (_dir, store) = store();
            let mut build = spec("build", &[]);
            build.continue_on_error = continue_on_error;
            build.unmet = matches!(how, End::Unmet).then(|| "branch == \"x\"".to_owned());
            let mut jobs = vec![build];
            jobs.extend(needs.map(|(name, outcome)| on(&name.to_string(), "build", outcome)));
            let detail = run(&store, jobs).await;
            claim_all(&store, 1).await;
            build_ends(&store, detail.jobs[0].id, how).await;
            let mut begun = claim_all(&store, 3).await;
            // Those that wait for a job which is skipped at once are claimed with the first.
            for wanted in store.wanted("host-1".parse::<HostName>().unwrap()).await.unwrap() {
                let name = wanted.spec.name.to_string();
                if name != "build" && !begun.contains(&name) {
                    begun.push(name);
                }
            }
            let met: String = "sfca".chars().filter(|c| begun.contains(&c.to_string())).collect();
            assert_eq!(met, expected, "{how:?}, allowed: {continue_on_error}");
            let words = words(&store, detail.run.id).await;
            assert_eq!(words.iter().filter(|word| **word == "skipped").count() + met.len(), {
                if matches!(how, End::Unmet) { 5 } else { 4 }
            });
        }
    }
}

#[tokio::test]
async fn a_job_whose_condition_does_not_hold_is_over_at_once_with_those_that_need_it() {
    let (_dir, store) = store();
    let mut deploy = spec("deploy", &["build"]);
    deploy.unmet = Some("branch == \"main\"".to_owned());
    let jobs = vec![spec("build", &[]), deploy, spec("announce", &["deploy"])];
    let detail = run(&store, jobs).await;
    assert_eq!(words(&store, detail.run.id).await, ["queued", "skipped", "skipped"]);
    let outcome = |job: usize| detail.jobs[job].state.outcome().cloned();
    let condition = "branch == \"main\"".to_owned();
    let why = SkipReason::Condition { condition };
    assert_eq!(outcome(1), Some(Outcome::Skipped { why }));
    let why = SkipReason::NeedNotMet { need: "deploy".parse().unwrap() };
    assert_eq!(outcome(2), Some(Outcome::Skipped { why }));
    claim_all(&store, 1).await;
    end(&store, attempt_of(&store, "build").await, AgentVerdict::Succeeded).await;
    let after = store.run(detail.run.id).await.unwrap().run;
    assert_eq!((after.status, after.finished_at), (RunStatus::Succeeded, Some(at(200))));
}

#[tokio::test]
async fn a_run_of_which_nothing_is_wanted_is_over_as_it_begins() {
    let (_dir, store) = store();
    let mut only = spec("build", &[]);
    only.unmet = Some("tag".to_owned());
    let detail = run(&store, vec![only, spec("test", &["build"])]).await;
    assert_eq!(words(&store, detail.run.id).await, ["skipped", "skipped"]);
    assert_eq!(detail.run.finished_at, Some(at(0)));
    assert_eq!(claim_all(&store, 1).await.len(), 0);
}

#[tokio::test]
async fn a_condition_says_more_than_a_need_that_is_not_met_either() {
    let (_dir, store) = store();
    let unmet = |name: &str, needs: &[&str]| {
        let mut spec = spec(name, needs);
        spec.unmet = Some("tag".to_owned());
        spec
    };
    // Whatever the order in the file, nothing is skipped twice.
    let detail = run(&store, vec![unmet("b", &["a"]), unmet("a", &[])]).await;
    for job in detail.jobs {
        assert_eq!(store.events(job.id, 0, 10).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_failure_that_is_allowed_fails_neither_the_run_nor_what_needs_it() {
    let (_dir, store) = store();
    let mut lint = spec("lint", &[]);
    lint.continue_on_error = true;
    let detail = run(&store, vec![lint, spec("pack", &["lint"])]).await;
    claim_all(&store, 1).await;
    end(&store, attempt_of(&store, "lint").await, failed()).await;
    assert_eq!(claim_all(&store, 2).await, ["pack"]);
    end(&store, attempt_of(&store, "pack").await, AgentVerdict::Succeeded).await;
    let after = store.run(detail.run.id).await.unwrap();
    assert_eq!(after.run.status, RunStatus::Succeeded);
    assert_eq!(words(&store, detail.run.id).await, ["failed", "succeeded"]);
    assert_eq!(
        store.runs(RunQuery::default(), None, 1).await.unwrap()[0].status,
        RunStatus::Succeeded
    );
    assert_eq!(store.job(after.jobs[0].id).await.unwrap().run.status, RunStatus::Succeeded);
}

#[tokio::test]
async fn a_need_that_is_named_twice_counts_once() {
    let (_dir, store) = store();
    run(&store, vec![spec("a", &[]), spec("b", &["a", "a"])]).await;
    claim_all(&store, 1).await;
    end(&store, attempt_of(&store, "a").await, AgentVerdict::Succeeded).await;
    assert_eq!(claim_all(&store, 2).await, ["b"]);
}
