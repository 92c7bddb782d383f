//! Who has an answer already is told so, and gets no other's.

use reqwest::{StatusCode, header};
use serde_json::json;

use crate::bench::{Bench, ONE_JOB, bench, success};

/// Asks with a tag; gives the status and the tag of the answer.
async fn ask(bench: &Bench, path: &str, tag: Option<&str>) -> (StatusCode, Option<String>) {
    let mut request = bench.get(path);
    if let Some(tag) = tag {
        request = request.header(header::IF_NONE_MATCH, tag);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let tag = answer.headers().get(header::ETAG).map(|tag| tag.to_str().unwrap().to_owned());
    if tag.is_some() {
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "private, no-cache", "{path}");
    }
    if status == StatusCode::NOT_MODIFIED {
        assert!(answer.bytes().await.unwrap().is_empty(), "{path}");
    }
    (status, tag)
}

#[tokio::test]
async fn an_unchanged_answer_is_not_sent_again_and_a_changed_one_is() {
    let mut bench = bench().await;
    let (_, run) = bench.push(ONE_JOB).await;
    let (id, job) = (run["run"]["id"].as_str().unwrap(), run["jobs"][0]["id"].as_str().unwrap());
    let paths = [
        "/api/v1/runs".to_owned(),
        format!("/api/v1/runs/{id}"),
        format!("/api/v1/jobs/{job}"),
        "/api/v1/hosts".to_owned(),
    ];
    let mut tags = Vec::new();
    for path in &paths {
        let (status, tag) = ask(&bench, path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let tag = tag.expect("it has a tag");
        assert!(tag.starts_with('"'), "a strong one: {tag}");
        assert_eq!(
            ask(&bench, path, Some(&tag)).await,
            (StatusCode::NOT_MODIFIED, Some(tag.clone()))
        );
        let list = format!("\"x\", W/{tag}");
        assert_eq!(ask(&bench, path, Some(&list)).await.0, StatusCode::NOT_MODIFIED);
        assert_eq!(ask(&bench, path, Some("\"x\"")).await.0, StatusCode::OK);
        tags.push(tag);
    }
    bench.restart().await;
    for (path, tag) in paths.iter().zip(&tags) {
        let (status, _) = ask(&bench, path, Some(tag)).await;
        assert_eq!(status, StatusCode::NOT_MODIFIED, "{path} after a restart");
    }
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    for (path, tag) in paths.iter().zip(&tags) {
        let (status, now) = ask(&bench, path, Some(tag)).await;
        assert_eq!(status, StatusCode::OK, "{path} has changed");
        assert_ne!(now.as_ref(), Some(tag), "{path}");
    }
}

#[tokio::test]
async fn a_log_has_a_tag_once_it_is_whole() {
    let bench = bench().await;
    let (_, run) = bench.push(ONE_JOB).await;
    let job = run["jobs"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/jobs/{job}/log");
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    let records = success(&["one", "two"]);
    bench.records(&attempt, &records[..2]).await;
    assert_eq!(ask(&bench, &path, Some("*")).await, (StatusCode::OK, None), "it grows");
    bench.records(&attempt, &records[2..]).await;
    bench.until_state(job, "succeeded").await;
    let (_, tag) = ask(&bench, &path, None).await;
    let tag = tag.expect("it is whole");
    assert_eq!(ask(&bench, &path, Some(&tag)).await.0, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn a_tag_opens_nothing_to_who_may_not_see_it() {
    let bench = bench().await;
    bench.push(ONE_JOB).await;
    let answer = bench.http.get(bench.url("/api/v1/runs")).header(header::IF_NONE_MATCH, "*");
    assert_eq!(answer.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn parts_of_an_artifact_are_only_those_of_the_one_that_is_there() {
    let bench = bench().await;
    let (_, run) = bench.push(ONE_JOB).await;
    let job = run["jobs"][0]["id"].as_str().unwrap();
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    let put = bench.host_with(reqwest::Method::PUT, &format!("/attempts/{attempt}/artifacts/0"));
    let put = put.query(&[("path", "a")]).body("0123456789").send().await.unwrap();
    assert_eq!(put.status(), StatusCode::OK, "{}", json!(put.text().await.unwrap()));
    let path = format!("/api/v1/jobs/{job}/artifacts/0");
    let (_, tag) = ask(&bench, &path, None).await;
    let tag = tag.unwrap();
    assert_eq!(ask(&bench, &path, Some(&tag)).await.0, StatusCode::NOT_MODIFIED);
    let part = |tag: String| {
        let request = bench.get(&path).header(header::RANGE, "bytes=2-4");
        async move { request.header(header::IF_RANGE, tag).send().await.unwrap() }
    };
    let same = part(tag.clone()).await;
    assert_eq!(same.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(same.text().await.unwrap(), "234");
    // Only a strong comparison will do (RFC 9110, section 13.1.5).
    for other in [format!("W/{tag}"), "\"x\"".to_owned(), "Sat, 21 Nov 2026 10:00:00 GMT".into()] {
        let whole = part(other).await;
        assert_eq!(whole.status(), StatusCode::OK);
        assert_eq!(whole.text().await.unwrap(), "0123456789");
    }
}
