//! What is kept no longer: rehearsed, and done.

use http::Method;
use reqwest::StatusCode;
use serde_json::{Value, json};
use solstice_model::Role;

use crate::bench::{Bench, ONE_JOB, bench_with, success};

const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 60 * 60);

async fn one_log(bench: &Bench) -> String {
    let (_, run) = bench.push(ONE_JOB).await;
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    bench.records(&attempt, &success(&["line"])).await;
    let job = run["jobs"][0]["id"].as_str().unwrap().to_owned();
    bench.until_state(&job, "succeeded").await;
    job
}

/// How many of a kind.
fn count(told: &Value, kind: &str) -> u64 {
    let all = told["removed"].as_array().unwrap();
    all.iter().find(|one| one["kind"] == kind).unwrap()["count"].as_u64().unwrap()
}

async fn run(bench: &Bench, role: Role, dry_run: bool) -> reqwest::Response {
    let request = bench.http.request(Method::POST, bench.url("/api/v1/retention"));
    let request = request.bearer_auth(bench.token(role).secret());
    request.json(&json!({ "dry_run": dry_run })).send().await.unwrap()
}

#[tokio::test]
async fn what_would_go_is_told_and_then_goes() {
    let bench = bench_with(|config| {
        config.retention.logs.count = Some(1);
        config.retention.deliveries.age = Some(DAY);
        config.retention.ledger.age = Some(DAY * 365);
        config.retention.events = Some(DAY * 400);
    })
    .await;
    let (first, second) = (one_log(&bench).await, one_log(&bench).await);
    // What ended in this very moment is not looked at yet.
    bench.clock.advance(chrono::TimeDelta::seconds(1));
    let path = |job: &str| format!("/api/v1/jobs/{job}/log");
    let told = bench.json("/api/v1/retention").await;
    assert_eq!((count(&told, "logs"), count(&told, "deliveries")), (1, 0), "{told}");
    assert!(told["removed"][0]["bytes"].as_u64().unwrap() > 0, "{told}");
    assert_eq!(told["dry_run"], true);
    assert_eq!(bench.get(&path(&first)).send().await.unwrap().status(), StatusCode::OK);

    assert_eq!(run(&bench, Role::Operator, false).await.status(), StatusCode::FORBIDDEN);
    let rehearsed: Value = run(&bench, Role::Admin, true).await.json().await.unwrap();
    assert_eq!(rehearsed, told);
    let done: Value = run(&bench, Role::Admin, false).await.json().await.unwrap();
    assert_eq!((count(&done, "logs"), &done["dry_run"]), (1, &json!(false)), "{done}");
    assert_eq!(bench.get(&path(&first)).send().await.unwrap().status(), StatusCode::GONE);
    assert_eq!(bench.get(&path(&second)).send().await.unwrap().status(), StatusCode::OK);
    let again: Value = run(&bench, Role::Admin, false).await.json().await.unwrap();
    assert_eq!(count(&again, "logs"), 0);

    bench.clock.advance(chrono::TimeDelta::days(2));
    assert_eq!(count(&bench.json("/api/v1/retention").await, "deliveries"), 2);
    bench.clock.advance(chrono::TimeDelta::days(380));
    let told = bench.json("/api/v1/retention").await;
    assert_eq!((count(&told, "ledger"), count(&told, "events")), (2, 0), "{told}");
    run(&bench, Role::Admin, false).await;
    let left = bench.json("/api/v1/deliveries").await;
    assert_eq!(left["items"].as_array().unwrap().len(), 0, "{left}");
    assert_eq!(bench.json("/api/v1/runs").await["items"].as_array().unwrap().len(), 2);
    bench.clock.advance(chrono::TimeDelta::days(30));
    let done: Value = run(&bench, Role::Admin, false).await.json().await.unwrap();
    assert_eq!(count(&done, "events"), 8, "{done}");
    let text = bench.text("/metrics").await;
    assert!(text.contains("solstice_retention_removed_total{kind=\"events\"} 8"), "{text}");
}

#[tokio::test]
async fn what_a_run_that_is_not_over_needs_stays() {
    let bench = bench_with(|config| {
        config.retention.logs.count = Some(0);
        config.retention.ledger.age = Some(DAY);
    })
    .await;
    bench.push(ONE_JOB).await;
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    bench.clock.advance(chrono::TimeDelta::days(9));
    let told = bench.json("/api/v1/retention").await;
    assert_eq!((count(&told, "logs"), count(&told, "ledger")), (0, 0), "{told}");
}
