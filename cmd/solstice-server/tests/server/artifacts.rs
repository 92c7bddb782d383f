//! Artifacts: what a guest hands over comes back whole, to be saved and never
//! to be shown.

use reqwest::{Body, Method, Response, StatusCode};
use serde_json::Value;
use solstice_model::Sha256Digest;

use crate::bench::{Bench, ONE_JOB, TWO_JOBS, bench, bench_with, success};

async fn put(bench: &Bench, attempt: &str, index: u32, path: &str, bytes: Vec<u8>) -> Response {
    let url = format!("/attempts/{attempt}/artifacts/{index}");
    let request = bench.host_with(Method::PUT, &url).query(&[("path", path)]);
    request.body(Body::from(bytes)).send().await.unwrap()
}

async fn running(bench: &Bench, workflow: &str) -> (Value, String, String) {
    let (_, run) = bench.push(workflow).await;
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    let job = run["jobs"][0]["id"].as_str().unwrap().to_owned();
    (run, job, attempt)
}

#[tokio::test]
async fn what_is_handed_over_comes_back_whole_and_in_parts() {
    let bench = bench().await;
    let (_, job, attempt) = running(&bench, ONE_JOB).await;
    let bytes: Vec<u8> = (0..300_000_u32).map(|at| (at % 251) as u8).collect();
    let stored: Value =
        put(&bench, &attempt, 0, "out/a \"b\".html", bytes.clone()).await.json().await.unwrap();
    assert_eq!(stored["bytes"], 300_000);
    assert_eq!(stored["sha256"], Sha256Digest::of(&bytes).to_string());
    let listed = bench.json(&format!("/api/v1/jobs/{job}/artifacts")).await;
    assert_eq!(listed["items"][0]["path"], "out/a \"b\".html");
    let url = format!("/api/v1/jobs/{job}/artifacts/0");
    let answer = bench.get(&url).send().await.unwrap();
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/octet-stream");
    assert_eq!(header("content-length"), "300000");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-security-policy").contains("sandbox"));
    assert!(header("content-disposition").starts_with("attachment; filename=\"a__b_.html\""));
    assert_eq!(answer.bytes().await.unwrap(), bytes);
    let part = bench.get(&url).header("range", "bytes=10-19").send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()["content-range"], "bytes 10-19/300000");
    assert_eq!(part.bytes().await.unwrap(), bytes[10..20]);
    let beyond = bench.get(&url).header("range", "bytes=300000-").send().await.unwrap();
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
}

#[tokio::test]
async fn what_is_too_large_or_has_an_odd_name_is_refused() {
    let bench = bench_with(|config| {
        config.artifacts.max_file_bytes = 1000;
        config.artifacts.max_job_bytes = 1500;
    })
    .await;
    let (_, job, attempt) = running(&bench, ONE_JOB).await;
    let large = put(&bench, &attempt, 0, "a", vec![b'x'; 1001]).await;
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(put(&bench, &attempt, 0, "a", vec![b'x'; 1000]).await.status(), StatusCode::OK);
    let together = put(&bench, &attempt, 1, "b", vec![b'x'; 501]).await;
    assert_eq!(together.status(), StatusCode::PAYLOAD_TOO_LARGE);
    for path in ["", "../x", "/etc/passwd", "a//b", "a/.", &"x".repeat(1025)] {
        let status = put(&bench, &attempt, 2, path, Vec::new()).await.status();
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path:?}");
    }
    let index = put(&bench, &attempt, 10_000, "x", Vec::new()).await;
    assert_eq!(index.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        bench.json(&format!("/api/v1/jobs/{job}/artifacts")).await["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    bench.records(&attempt, &success(&[])).await;
    assert_eq!(put(&bench, &attempt, 3, "late", Vec::new()).await.status(), StatusCode::GONE);
}

#[tokio::test]
async fn a_job_gets_what_those_that_it_needs_have_left() {
    let bench = bench().await;
    let (_, _, build) = running(&bench, TWO_JOBS).await;
    put(&bench, &build, 0, "target/tool", b"#!/bin/sh\n".to_vec()).await;
    bench.finish(&build, 2).await;
    let ship = bench.claim().await;
    bench.run_up(&ship).await;
    let path = format!("/attempts/{ship}/inputs");
    let answer = bench.host_with(Method::GET, &path).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let archive = answer.bytes().await.unwrap();
    // A frame of Zstandard (RFC 8878, section 3.1.1).
    assert_eq!(archive[..4], [0x28, 0xb5, 0x2f, 0xfd]);
}

#[tokio::test]
async fn retention_removes_by_age_and_says_so() {
    let bench = bench_with(|config| {
        let day = std::time::Duration::from_secs(24 * 60 * 60);
        config.retention.logs.age = Some(day);
        config.retention.artifacts.age = Some(2 * day);
    })
    .await;
    let (_, job, attempt) = running(&bench, ONE_JOB).await;
    put(&bench, &attempt, 0, "a", b"kept".to_vec()).await;
    bench.records(&attempt, &success(&["line"])).await;
    bench.until_state(&job, "succeeded").await;
    let (log, artifact) =
        (format!("/api/v1/jobs/{job}/log"), format!("/api/v1/jobs/{job}/artifacts/0"));
    assert!(bench.text(&log).await.contains("line"));
    bench.advance(25 * 60 * 60);
    bench.until_status(&log, StatusCode::GONE).await;
    assert_eq!(bench.get(&artifact).send().await.unwrap().status(), StatusCode::OK);
    for part in ["records", "lines", "search?q=x", "steps", "log.json"] {
        let answer = bench.get(&format!("/api/v1/jobs/{job}/{part}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::GONE, "{part}");
    }
    assert!(bench.text(&format!("/jobs/{job}")).await.contains("The log was removed"));
    bench.advance(24 * 60 * 60);
    bench.until_status(&artifact, StatusCode::GONE).await;
    let listed = bench.json(&format!("/api/v1/jobs/{job}/artifacts")).await;
    assert!(listed["items"][0]["removed_at"].is_string(), "{listed}");
}
