//! Every list comes in pages: all of it, each entry once, in order.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::bench::{Bench, ONE_JOB, bench};

/// Reads a list in pages of so many entries.
async fn pages(bench: &Bench, path: &str, limit: usize) -> Vec<Value> {
    let mut found = Vec::new();
    let mut next = None::<String>;
    loop {
        let mut query = vec![("limit", limit.to_string())];
        query.extend(next.map(|token| ("page_token", token)));
        let answer = bench.get(path).query(&query).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let page: Value = answer.json().await.unwrap();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= limit, "{path}");
        found.extend(items.iter().cloned());
        match page["next_page"].as_str() {
            Some(token) => next = Some(token.to_owned()),
            None => return found,
        }
    }
}

#[tokio::test]
async fn a_list_in_small_pages_is_the_whole_list() {
    let bench = bench().await;
    let (_, run) = bench.push(ONE_JOB).await;
    bench.push(ONE_JOB).await;
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    for index in 0..3 {
        let path = format!("/attempts/{attempt}/artifacts/{index}?path=file-{index}");
        let put = bench.host_with(Method::PUT, &path).body("x").send().await.unwrap();
        assert_eq!(put.status(), StatusCode::OK);
    }
    let job = run["jobs"][0]["id"].as_str().unwrap();
    let artifacts = format!("/api/v1/jobs/{job}/artifacts");
    for (path, least) in [
        ("/api/v1/runs", 2),
        ("/api/v1/deliveries", 2),
        ("/api/v1/hosts", 1),
        ("/api/v1/tokens", 5),
        (artifacts.as_str(), 3),
    ] {
        let whole = pages(&bench, path, 200).await;
        assert!(whole.len() >= least, "{path}: {}", whole.len());
        for limit in [1, 2] {
            assert_eq!(pages(&bench, path, limit).await, whole, "{path} by {limit}");
        }
    }
}

#[tokio::test]
async fn a_place_in_a_list_is_none_in_another() {
    let bench = bench().await;
    let tokens = bench.json("/api/v1/tokens?limit=1").await;
    let place = tokens["next_page"].as_str().unwrap();
    for token in [place, "nonsense", ""] {
        let request = bench.get("/api/v1/runs").query(&[("page_token", token)]);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::BAD_REQUEST, "{token:?}");
    }
}
