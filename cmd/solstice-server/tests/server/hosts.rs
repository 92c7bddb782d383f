//! What hosts and their agents are told, also when answers are lost.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;
use solstice_forge::CheckState;
use solstice_model::{RecordBody, Role, Token};

use crate::bench::{HOST, ONE_JOB, bench, bench_with, finished, line, record, success};

#[tokio::test]
async fn a_waiting_host_hears_of_a_new_job_at_once() {
    let bench = bench().await;
    let (wanted, _) = tokio::join!(
        async {
            let begun = Instant::now();
            let wanted = bench.sync(1, &[], 25_000).await;
            assert!(begun.elapsed() < Duration::from_secs(15), "it was told, not timed out");
            wanted
        },
        async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            bench.push(ONE_JOB).await
        }
    );
    assert_eq!(wanted.len(), 1);
}

#[tokio::test]
async fn a_host_that_asks_again_does_not_get_twice_its_room() {
    let bench = bench().await;
    let wait = |n: u64| {
        let bench = &bench;
        async move {
            tokio::time::sleep(Duration::from_millis(n)).await;
            bench.sync(1, &[], 3_000).await
        }
    };
    let pushes = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        tokio::join!(bench.push(ONE_JOB), bench.push(ONE_JOB))
    };
    let (first, second, _) = tokio::join!(wait(0), wait(150), pushes);
    assert!(first.is_empty(), "the former request was replaced");
    assert_eq!(second.len(), 1);
    let again = bench.sync(0, &[], 0).await;
    assert_eq!(again.len(), 1, "only one was claimed");
}

#[tokio::test]
async fn an_empty_batch_asks_how_far_an_earlier_orchestrator_got() {
    let bench = bench().await;
    bench.push(ONE_JOB).await;
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    let answer =
        |seq: usize, stop: bool| (StatusCode::OK, json!({ "durable_seq": seq, "stop": stop }));
    assert_eq!(bench.records(&attempt, &[]).await, answer(0, false));
    let all = success(&["one", "two"]);
    bench.records(&attempt, &all[..2]).await;
    assert_eq!(bench.records(&attempt, &[]).await, answer(2, false));
    bench.records(&attempt, &all[2..]).await;
    assert_eq!(bench.records(&attempt, &[]).await, answer(all.len(), true));
}

#[tokio::test]
async fn a_lost_answer_to_the_last_batch_can_be_had_again() {
    let bench = bench().await;
    bench.push(ONE_JOB).await;
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    let all = success(&["one", "two"]);
    let (first, rest) = all.split_at(2);
    let expected =
        |seq: u64, stop: bool| (StatusCode::OK, json!({ "durable_seq": seq, "stop": stop }));
    assert_eq!(bench.records(&attempt, first).await, expected(2, false));
    assert_eq!(bench.records(&attempt, first).await, expected(2, false), "a repeat");
    assert_eq!(bench.records(&attempt, rest).await, expected(5, true));
    assert_eq!(bench.records(&attempt, rest).await, expected(5, true), "the agent may power off");
    let (status, _) = bench.records(&attempt, &[line(6, "more")]).await;
    assert_eq!(status, StatusCode::GONE);
}

#[tokio::test]
async fn gaps_and_nonsense_are_refused_and_nothing_of_them_is_kept() {
    let bench = bench().await;
    let (_, run) = bench.push(ONE_JOB).await;
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    bench.records(&attempt, &[record(1, RecordBody::StepStarted { step: 0 })]).await;
    let (status, gap) = bench.records(&attempt, &[line(3, "three")]).await;
    assert_eq!((status, &gap["error_code"]), (StatusCode::CONFLICT, &json!("record_gap")));
    let cases = [
        vec![record(2, RecordBody::StepStarted { step: 7 })],
        vec![line(2, "two"), line(4, "four")],
        vec![finished(2), line(3, "after the end")],
        vec![line(2, &"x".repeat(33 * 1024))],
    ];
    for records in cases {
        let (status, answer) = bench.records(&attempt, &records).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    }
    let job = run["jobs"][0]["id"].as_str().unwrap();
    assert_eq!(bench.text(&format!("/api/v1/jobs/{job}/log")).await, "=== step 1: Test\n");
}

#[tokio::test]
async fn an_attempt_is_its_host_s_alone() {
    let bench = bench().await;
    bench.push(ONE_JOB).await;
    let attempt = bench.claim().await;
    let other = Token::generate();
    let made = bench.store().create_token("host-2".into(), Role::Host, other.hash(), bench.now());
    made.await.unwrap();
    for (path, body) in [
        ("report", json!({ "report": "starting" })),
        ("records", json!({ "records": [line(1, "forged")] })),
        ("console", json!("forged")),
    ] {
        let path = format!("/attempts/{attempt}/{path}");
        let request = bench.host(&path, &body).build().unwrap();
        let mut request = request;
        let bearer = format!("Bearer {}", other.secret()).parse().unwrap();
        request.headers_mut().insert("authorization", bearer);
        assert_eq!(bench.http.execute(request).await.unwrap().status(), StatusCode::GONE, "{path}");
    }
}

#[tokio::test]
async fn a_silent_host_s_job_is_tried_again_and_then_given_up_as_ours_to_mend() {
    let bench = bench().await;
    let (commit, run) = bench.push(ONE_JOB).await;
    let job = run["jobs"][0]["id"].as_str().unwrap();
    let first = bench.claim().await;
    bench.run_up(&first).await;
    bench.advance(61);
    bench.until_state(job, "queued").await;
    let second = bench.claim().await;
    assert_ne!(first, second);
    let status = bench.report(&first, json!({ "report": "starting" })).await;
    assert_eq!(status, StatusCode::GONE, "the first attempt is over");
    bench.advance(61);
    let detail = bench.until_state(job, "infra_failed").await;
    assert_eq!(detail["attempts"].as_array().unwrap().len(), 2);
    let shown = bench.until_shown(&commit, "solstice/CI/build", CheckState::Error).await;
    assert!(shown.description.starts_with("could not be run: "), "{}", shown.description);
}

#[tokio::test]
async fn a_host_that_reports_in_keeps_its_lease() {
    let bench = bench().await;
    let (_, run) = bench.push(ONE_JOB).await;
    let attempt = bench.claim().await;
    for _ in 0..5 {
        bench.advance(40);
        assert_eq!(bench.sync(0, &[&attempt], 0).await.len(), 1);
    }
    let job = run["jobs"][0]["id"].as_str().unwrap();
    assert_eq!(bench.until_state(job, "claimed").await["attempts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_restart_loses_no_lease_and_no_job() {
    let mut bench = bench_with(|config| config.max_attempts = 1).await;
    let (_, run) = bench.push(ONE_JOB).await;
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    bench.records(&attempt, &success(&["one"])[..2]).await;
    bench.clock.advance(chrono::TimeDelta::seconds(600));
    bench.restart().await;
    assert_eq!(bench.sync(0, &[&attempt], 0).await.len(), 1, "hosts could not report meanwhile");
    let (status, _) = bench.records(&attempt, &success(&["one"])[2..]).await;
    assert_eq!(status, StatusCode::OK);
    bench.until_state(run["jobs"][0]["id"].as_str().unwrap(), "succeeded").await;
}

#[tokio::test]
async fn requests_without_bounds_are_refused() {
    let bench = bench().await;
    let sync = |body: serde_json::Value| {
        let request = bench.host("/sync", &body);
        async move { request.send().await.unwrap().status() }
    };
    let mut body = json!({ "host": HOST, "offers": [], "room": 0, "known": [], "wait_ms": 30_001 });
    assert_eq!(sync(body.clone()).await, StatusCode::BAD_REQUEST);
    body["wait_ms"] = json!(0);
    body["offers"] = json!(vec![json!({ "labels": [], "room": 1 }); 300]);
    assert_eq!(sync(body).await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_console_is_kept_and_shown_as_text() {
    let bench = bench().await;
    let (_, run) = bench.push(ONE_JOB).await;
    let job = run["jobs"][0]["id"].as_str().unwrap();
    let console = format!("/api/v1/jobs/{job}/console");
    assert_eq!(bench.get(&console).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    let attempt = bench.claim().await;
    let put = bench.host(&format!("/attempts/{attempt}/console"), &()).body("<b>boot</b>\r\n");
    assert_eq!(put.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    let answer = bench.get(&console).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert_eq!(answer.text().await.unwrap(), "<b>boot</b>\r\n");
}
