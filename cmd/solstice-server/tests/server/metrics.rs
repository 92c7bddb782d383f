//! What scrapers get, and how the server says whether it is well.

use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;
use solstice_metrics::Place;
use solstice_model::Role;

use crate::bench::{Bench, ONE_JOB, bench, bench_with, line, success};

/// The value of one sample.
fn sample(text: &str, name: &str) -> Option<f64> {
    let of = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
    text.lines().find_map(of)
}

async fn until_sample(bench: &Bench, name: &str, value: f64) {
    let seen = || async {
        let text = bench.text("/metrics").await;
        (sample(&text, name) == Some(value)).then_some(())
    };
    bench.until(name, seen).await;
}

#[tokio::test]
async fn a_scraper_needs_the_role_operator_or_the_listener_of_its_own() {
    let any = Place::Tcp("127.0.0.1:0".parse().unwrap());
    let bench = bench_with(|config| config.metrics = Some(any)).await;
    for (role, status) in [
        (Role::Reader, StatusCode::FORBIDDEN),
        (Role::Submitter, StatusCode::FORBIDDEN),
        (Role::Operator, StatusCode::OK),
    ] {
        let request = bench.http.get(bench.url("/metrics"));
        let answer = request.bearer_auth(bench.token(role).secret()).send().await.unwrap();
        assert_eq!(answer.status(), status, "{role:?}");
    }
    let unasked = bench.http.get(bench.url("/metrics")).send().await.unwrap();
    assert_eq!(unasked.status(), StatusCode::UNAUTHORIZED);
    let own = format!("http://{}/metrics", bench.server().scrapers().unwrap());
    let answer = bench.http.get(own).send().await.unwrap();
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    let text = answer.text().await.unwrap();
    assert!(text.ends_with("# EOF\n") && text.contains("solstice_ready 1"), "{text}");
}

#[tokio::test]
async fn what_becomes_of_a_push_is_counted() {
    let bench = bench().await;
    bench.sync(0, &[], 0).await;
    let (_, run) = bench.push(ONE_JOB).await;
    until_sample(&bench, "solstice_queue_jobs{label=\"illumos\"}", 1.0).await;
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    until_sample(&bench, "solstice_machines{host=\"host-1\",state=\"running\"}", 1.0).await;
    bench.records(&attempt, &success(&["four"])).await;
    bench.until_state(run["jobs"][0]["id"].as_str().unwrap(), "succeeded").await;
    for (name, value) in [
        ("solstice_deliveries_total{forge=\"forge\",verdict=\"runs\"}", 1.0),
        ("solstice_jobs_finished_total{outcome=\"succeeded\"}", 1.0),
        ("solstice_job_phase_seconds_count{phase=\"queue\"}", 1.0),
        ("solstice_job_phase_seconds_sum{phase=\"boot\"}", 1.2),
        ("solstice_job_phase_seconds_count{phase=\"steps\"}", 1.0),
        ("solstice_job_phase_seconds_count{phase=\"report\"}", 1.0),
        ("solstice_log_records_total", 4.0),
        ("solstice_log_bytes_total", 4.0),
        ("solstice_reports_unsent", 0.0),
    ] {
        until_sample(&bench, name, value).await;
    }
    let text = bench.text("/metrics").await;
    let asked =
        "solstice_forge_request_seconds_count{forge=\"forge\",operation=\"report\",outcome=\"ok\"}";
    assert!(sample(&text, asked).is_some_and(|count| count >= 1.0), "{text}");
    let taken = "solstice_http_requests_total{listener=\"webhooks\",operation=\"webhook_deliver\",status=\"2xx\"}";
    assert_eq!(sample(&text, taken), Some(1.0), "{text}");
    assert!(sample(&text, "solstice_store_commit_seconds_count").unwrap() > 3.0);
}

#[tokio::test]
async fn nothing_that_a_stranger_writes_is_a_label() {
    let bench = bench().await;
    let odd = ONE_JOB.replace("illumos", "strangers-own");
    bench.push(&odd).await;
    until_sample(&bench, "solstice_queue_jobs{label=\"other\"}", 1.0).await;
    let webhooks = format!("http://{}/webhooks/strangers-own", bench.server().webhooks());
    bench.http.post(webhooks).body("x").send().await.unwrap();
    let url = bench.url("/strangers-own?strangers-own=1");
    bench.http.get(url).header("x-request-id", "strangers-own").send().await.unwrap();
    until_sample(&bench, "solstice_webhook_rejections_total{reason=\"not_found\"}", 1.0).await;
    let text = bench.text("/metrics").await;
    assert!(!text.contains("strangers-own"), "{text}");
    assert!(text.contains("operation=\"unknown\",status=\"4xx\""), "{text}");
}

#[tokio::test]
async fn documentation_and_dashboards_name_the_metrics_there_are() {
    let bench = bench().await;
    let described = bench.server().metrics().await;
    let docs = include_str!("../../../../docs/operating.md");
    let rows = docs.lines().filter(|line| line.starts_with("| `") && line.contains("| server |"));
    let both = docs.lines().filter(|line| line.starts_with("| `") && line.contains("| both |"));
    let rows: Vec<&str> = rows.chain(both).collect();
    for one in &described {
        let labels: Vec<String> = one.labels.iter().map(|label| format!("`{label}`")).collect();
        let begin = format!("| `{}` | {} | {} |", one.name, one.kind, labels.join(" "));
        let found = rows.iter().any(|row| row.starts_with(&begin) && row.contains(one.help));
        assert!(found, "operating.md has no row like\n{begin} server | {} |", one.help);
    }
    assert_eq!(rows.len(), described.len(), "each row is a metric");

    let all: Vec<&str> = docs.lines().filter_map(|line| line.strip_prefix("| `")).collect();
    let all: Vec<&str> = all.iter().filter_map(|row| row.split('`').next()).collect();
    for file in [
        include_str!("../../../../docs/grafana/solstice.json"),
        include_str!("../../../../docs/grafana/alerts.yml"),
    ] {
        let names = file.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
        let names: Vec<&str> =
            names.filter(|it| it.starts_with("solstice_") || it.starts_with("process_")).collect();
        assert!(names.len() > 5);
        for name in names {
            let bare = ["_bucket", "_sum", "_count"].iter().find_map(|it| name.strip_suffix(it));
            let known = all.contains(&name) || bare.is_some_and(|bare| all.contains(&bare));
            assert!(known, "no program has a metric {name}");
        }
    }
}

#[tokio::test]
async fn each_request_has_one_id() {
    let bench = bench().await;
    let request = bench.http.get(bench.url("/api/v1/runs")).header("x-request-id", "mine");
    let answer = request.send().await.unwrap();
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(id.len(), 36, "ours, not the caller's: {id}");
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body["request_id"], id);
}

#[tokio::test]
async fn a_server_that_stops_is_not_ready_and_answers_what_it_began() {
    let mut bench = bench().await;
    assert_eq!(bench.get("/ready").send().await.unwrap().status(), StatusCode::OK);
    let poll = json!({
        "host": crate::bench::HOST, "offers": [], "room": 0, "known": [], "wait_ms": 30_000,
    });
    let begun = Instant::now();
    let poll = tokio::spawn(bench.host("/sync", &poll).send());
    let text = bench.text("/metrics").await;
    assert!(text.contains("solstice_ready 1"));
    bench.server().drain();
    let refused = bench.get("/ready").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let told = refused.text().await.unwrap();
    assert!(told.contains("the server is stopping"), "{told}");
    assert_eq!(bench.get("/health").send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(poll.await.unwrap().unwrap().status(), StatusCode::OK, "what began is answered");
    assert!(begun.elapsed() < Duration::from_secs(20), "and does not wait");
    bench.server.take().unwrap().stop().await;
}

#[tokio::test]
async fn records_of_a_stranger_are_not_taken_and_not_counted() {
    let bench = bench().await;
    bench.push(ONE_JOB).await;
    bench.claim().await;
    let strange = "01a1fc2b-fc5d-7655-9c9c-6de3e832e150";
    bench.records(strange, &[line(1, "x")]).await;
    let text = bench.text("/metrics").await;
    assert_eq!(sample(&text, "solstice_log_records_total"), Some(0.0), "{text}");
}
