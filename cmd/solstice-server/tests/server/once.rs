//! Requests that bear a key are done once.

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use solstice_model::Role;

use crate::bench::{Bench, ONE_JOB, bench, finished};

async fn post(bench: &Bench, path: &str, key: &str, body: Option<&Value>) -> Response {
    let request = bench.http.post(bench.url(path)).header("idempotency-key", key);
    let request = request.bearer_auth(bench.token(Role::Admin).secret());
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    request.send().await.unwrap()
}

async fn json_of(answer: Response, status: StatusCode) -> Value {
    assert_eq!(answer.status(), status);
    answer.json().await.unwrap()
}

async fn over(bench: &Bench) -> (String, String) {
    let (_, run) = bench.push(ONE_JOB).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (run, job) = (text(&run["run"]["id"]), text(&run["jobs"][0]["id"]));
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    assert_eq!(bench.records(&attempt, &[finished(1)]).await.0, StatusCode::OK);
    bench.until_state(&job, "succeeded").await;
    (run, job)
}

#[tokio::test]
async fn the_same_key_gives_the_same_answer_and_does_nothing_twice() {
    let mut bench = bench().await;
    let (run, job) = over(&bench).await;
    let path = format!("/api/v1/jobs/{job}/rerun");
    let first = json_of(post(&bench, &path, "k1", None).await, StatusCode::CREATED).await;
    let again = json_of(post(&bench, &path, "k1", None).await, StatusCode::CREATED).await;
    assert_eq!(first, again);
    bench.restart().await;
    let later = json_of(post(&bench, &path, "k1", None).await, StatusCode::CREATED).await;
    assert_eq!(first, later, "the answer is on disk");
    // Without the key it is another request, and there is nothing to run.
    let plain = bench.http.post(bench.url(&path)).bearer_auth(bench.token(Role::Admin).secret());
    assert_eq!(plain.send().await.unwrap().status(), StatusCode::CONFLICT);
    // The key of somebody else is another key.
    let other = bench.http.post(bench.url(&path)).header("idempotency-key", "k1");
    let other = other.bearer_auth(bench.token(Role::Submitter).secret()).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::CONFLICT);
    assert_eq!(other.json::<Value>().await.unwrap()["error_code"], "conflict");
    // The same key with another request.
    let path = format!("/api/v1/runs/{run}/rerun");
    let reused = post(&bench, &path, "k1", Some(&json!({}))).await;
    let reused = json_of(reused, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(reused["error_code"], "idempotency_key_reused");
    // What failed may be tried again with the same key.
    let failed = post(&bench, &path, "k2", Some(&json!({}))).await;
    assert_eq!(failed.status(), StatusCode::CONFLICT, "its job is not finished");
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    bench.records(&attempt, &[finished(1)]).await;
    bench.until_state(first[0]["id"].as_str().unwrap(), "succeeded").await;
    json_of(post(&bench, &path, "k2", Some(&json!({}))).await, StatusCode::CREATED).await;
    // After a day the key is as new.
    bench.advance(25 * 60 * 60);
    let path = format!("/api/v1/jobs/{job}/rerun");
    let forgotten = post(&bench, &path, "k1", None).await;
    assert_eq!(json_of(forgotten, StatusCode::CONFLICT).await["error_code"], "conflict");
    for bad in ["", &"x".repeat(201)] {
        assert_eq!(post(&bench, &path, bad, None).await.status(), StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn the_secret_of_a_token_is_given_again_and_never_on_disk() {
    let mut bench = bench().await;
    let body = json!({ "name": "deploy", "role": "reader" });
    let make = async |bench: &Bench| post(bench, "/api/v1/tokens", "k", Some(&body)).await;
    let first = json_of(make(&bench).await, StatusCode::CREATED).await;
    let again = json_of(make(&bench).await, StatusCode::CREATED).await;
    assert_eq!(first, again);
    let secret = first["token"].as_str().unwrap().as_bytes();
    for name in ["solstice.db", "solstice.db-wal"] {
        let bytes = std::fs::read(bench.data().join(name)).unwrap_or_default();
        assert!(!bytes.windows(secret.len()).any(|part| part == secret), "{name}");
    }
    bench.restart().await;
    let lost = json_of(make(&bench).await, StatusCode::CONFLICT).await;
    assert_eq!(lost["error_code"], "idempotency_answer_lost");
    let listed = bench.text("/api/v1/tokens").await;
    assert_eq!(listed.matches("deploy").count(), 1);
}

#[tokio::test]
async fn of_many_at_the_same_time_one_does_it() {
    let bench = bench().await;
    let (_, job) = over(&bench).await;
    let path = format!("/api/v1/jobs/{job}/rerun");
    let answers = futures::future::join_all((0..8).map(|_| post(&bench, &path, "k", None))).await;
    let mut made = Vec::new();
    for answer in answers {
        match answer.status() {
            StatusCode::CREATED => made.push(answer.json::<Value>().await.unwrap()),
            StatusCode::CONFLICT => {
                let body: Value = answer.json().await.unwrap();
                assert_eq!(body["error_code"], "idempotency_key_under_way");
            }
            other => panic!("{other}"),
        }
    }
    assert!(!made.is_empty() && made.iter().all(|one| *one == made[0]), "{made:?}");
}
