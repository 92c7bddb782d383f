//! From a push to what the commit shows.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;
use solstice_forge::CheckState::{Cancelled, Error, Failure, Pending, Success};
use solstice_model::{AgentVerdict, Exit, RecordBody};

use crate::bench::{ONE_JOB, TWO_JOBS, bench, line, record, success};

#[tokio::test]
async fn a_push_becomes_jobs_and_their_ends_become_checks() {
    let bench = bench().await;
    let (commit, run) = bench.push(TWO_JOBS).await;
    assert_eq!(run["run"]["title"], format!("Commit {}", commit.short()));
    let jobs = run["jobs"].as_array().unwrap();
    assert_eq!((jobs[0]["name"].as_str(), jobs[1]["name"].as_str()), (Some("build"), Some("ship")));
    let waiting = bench.until_shown(&commit, "solstice/CI/build", Pending).await;
    assert_eq!(waiting.description, "waiting for a machine");
    let waiting = bench.until_shown(&commit, "solstice/CI/ship", Pending).await;
    assert_eq!(waiting.description, "waiting for build and a machine");

    // Only the job whose needs are met is given away.
    let wanted = bench.sync(2, &[], 0).await;
    assert_eq!(wanted.len(), 1);
    assert_eq!(wanted[0]["spec"]["name"], "build");
    assert_eq!(wanted[0]["spec"]["env"]["CI"], "true");
    assert_eq!(wanted[0]["source"]["commit"], commit.as_str());
    let attempt = wanted[0]["attempt"].as_str().unwrap();
    bench.run_up(attempt).await;
    let exit = Exit::Code { code: 2 };
    let (status, answer) = bench
        .records(
            attempt,
            &[
                record(1, RecordBody::StepStarted { step: 1 }),
                record(2, RecordBody::StepFinished { step: 1, exit: exit.clone() }),
                record(3, RecordBody::Finished { verdict: AgentVerdict::Failed { step: 1, exit } }),
            ],
        )
        .await;
    assert_eq!((status, &answer["stop"]), (StatusCode::OK, &json!(true)));
    assert!(bench.sync(2, &[attempt], 0).await.is_empty(), "no longer wanted");

    let failed = bench.until_shown(&commit, "solstice/CI/build", Failure).await;
    assert_eq!(failed.description, "step 2 “Test” failed: exit status 2");
    assert!(failed.target_url.as_str().starts_with("http://ci.test/jobs/"));
    let skipped = bench.until_shown(&commit, "solstice/CI/ship", Error).await;
    assert_eq!(skipped.description, "not run: build did not succeed");
    let run = bench.json(&format!("/api/v1/runs/{}", run["run"]["id"].as_str().unwrap())).await;
    assert_eq!(run["run"]["status"], "failed");
}

#[tokio::test]
async fn a_forge_that_was_away_shows_the_end_when_it_is_back() {
    let bench = bench().await;
    let (commit, run) = bench.push(ONE_JOB).await;
    let context = "solstice/CI/build";
    bench.until_shown(&commit, context, Pending).await;
    bench.forge.go_down();
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    bench.records(&attempt, &success(&["ok"])).await;
    bench.until_state(run["jobs"][0]["id"].as_str().unwrap(), "succeeded").await;
    assert_eq!(bench.json("/health").await["unreported"], 1);
    assert!(!bench.forge.states(&commit, context).contains(&Success));
    bench.forge.come_up();
    bench
        .until("the end", || async {
            bench.advance(60);
            bench.forge.states(&commit, context).contains(&Success).then_some(())
        })
        .await;
    bench
        .until("an empty outbox", || async {
            (bench.json("/health").await["unreported"] == 0).then_some(())
        })
        .await;
    let states = bench.forge.states(&commit, context);
    assert_eq!(states.iter().filter(|state| **state == Success).count(), 1, "{states:?}");
}

#[tokio::test]
async fn workflow_files_are_asked_for_again_until_patience_ends() {
    let bench = bench().await;
    bench.forge.go_down();
    bench.push_files(&[]).await;
    let verdict = || async {
        bench.advance(300);
        let all = bench.json("/api/v1/deliveries").await;
        let first = &all["items"][0];
        (first["verdict"] != "waiting").then(|| first.clone())
    };
    let given_up = bench.until("a verdict", verdict).await;
    assert_eq!(given_up["verdict"], "rejected");
    let reason = given_up["reason"].as_str().unwrap();
    assert!(reason.contains("could not be read") && reason.contains("cannot reach"), "{reason}");
}

#[tokio::test]
async fn a_slow_forge_keeps_neither_a_handler_nor_another_forge_waiting() {
    let bench = bench().await;
    bench.forge.pause(Duration::from_secs(25));
    let begun = std::time::Instant::now();
    for _ in 0..8 {
        bench.push_files(&[]).await;
    }
    let repository = bench.other.add_repository("ada/engine");
    let files = [(".solstice/ci.kdl", ONE_JOB.as_bytes())];
    let commit = bench.other.add_commit(&repository, &files);
    let push = bench.other.push(&repository, "refs/heads/main", &commit);
    let answer = bench.deliver("other", &bench.other.deliver(&push)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let shown = || async { bench.other.shown(&commit).into_iter().next() };
    assert_eq!(bench.until("the other's check", shown).await.state, Pending);
    assert!(begun.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn a_broken_workflow_is_a_failed_check_and_a_page_that_says_where() {
    let bench = bench().await;
    let broken = ONE_JOB.replace("runs_on", "run_on");
    let (commit, run) = bench.push(&broken).await;
    assert_eq!(run["run"]["status"], "failed");
    let shown = bench.until_shown(&commit, "solstice/.solstice/ci.kdl", Failure).await;
    assert!(shown.description.starts_with(".solstice/ci.kdl:2:"), "{}", shown.description);
    let page = bench.text(&format!("/runs/{}", run["run"]["id"].as_str().unwrap())).await;
    assert!(page.contains("did you mean `runs_on`?"), "{page}");
}

#[tokio::test]
async fn a_cancelled_job_is_no_longer_wanted_and_its_check_is_no_success() {
    let bench = bench().await;
    let (commit, run) = bench.push(ONE_JOB).await;
    let job = run["jobs"][0]["id"].as_str().unwrap();
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    bench.records(&attempt, &[record(1, RecordBody::StepStarted { step: 0 })]).await;
    let cancel = || {
        let url = bench.url(&format!("/api/v1/jobs/{job}/cancel"));
        bench.http.post(url).bearer_auth(bench.token(solstice_model::Role::Submitter).secret())
    };
    assert_eq!(cancel().send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(cancel().send().await.unwrap().status(), StatusCode::CONFLICT, "it is over");
    assert!(bench.sync(0, &[&attempt], 20_000).await.is_empty());
    let (status, answer) = bench.records(&attempt, &[line(2, "too late")]).await;
    assert_eq!((status, &answer["error_code"]), (StatusCode::GONE, &json!("attempt_over")));
    let ended = bench.until_shown(&commit, "solstice/CI/build", Cancelled).await;
    assert_eq!(ended.description, "cancelled by submitter");
    assert_eq!(bench.forge.misuse(), [""; 0]);
}
