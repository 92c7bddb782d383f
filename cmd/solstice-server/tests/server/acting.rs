//! What people do to runs and jobs, through the API and by the pages' buttons.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use solstice_forge::{Event, PullRequest};
use solstice_model::Role;

use crate::bench::{Bench, ONE_JOB, TWO_JOBS, bench, form, record, success};

async fn post(bench: &Bench, path: &str, body: Option<Value>) -> (StatusCode, Value) {
    let request = bench.http.request(Method::POST, bench.url(path));
    let request = request.bearer_auth(bench.token(Role::Submitter).secret());
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or(Value::Null))
}

#[tokio::test]
async fn cancelling_a_run_ends_its_jobs_once() {
    let bench = bench().await;
    let (_, run) = bench.push(TWO_JOBS).await;
    let id = run["run"]["id"].as_str().unwrap();
    let path = format!("/api/v1/runs/{id}/cancel");
    let (status, ended) = post(&bench, &path, None).await;
    assert_eq!((status, ended.as_array().unwrap().len()), (StatusCode::OK, 2), "{ended}");
    let (status, ended) = post(&bench, &path, None).await;
    assert_eq!((status, ended), (StatusCode::OK, json!([])));
}

/// A pull request from outside, of somebody who may only read, and its run.
async fn stranger(bench: &Bench) -> Value {
    let files = [(".solstice/ci.kdl", ONE_JOB.as_bytes())];
    let commit = bench.forge.add_commit(&bench.repository, &files);
    let told = bench.forge.pull_request(&bench.repository, 7, &commit);
    let event = Event::PullRequest(PullRequest { outside: true, ..told });
    let delivery = bench.forge.deliver_event(&event);
    let answer = bench.deliver("forge", &delivery).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    bench.until("a run", || bench.run_of(&commit)).await
}

#[tokio::test]
async fn a_stranger_s_commit_runs_once_somebody_approved_of_it() {
    let bench = bench().await;
    let run = stranger(&bench).await;
    assert_eq!(run["run"]["status"], "waiting_for_approval");
    let (id, job) = (run["run"]["id"].as_str().unwrap(), run["jobs"][0]["id"].as_str().unwrap());
    let page = bench.text(&format!("/runs/{id}")).await;
    for said in ["needs approval", "comes from outside the repository", "Approve commit"] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(bench.text(&format!("/jobs/{job}")).await.contains("waiting for an approval"));
    let path = format!("/api/v1/runs/{id}/approve");
    let (status, approved) = post(&bench, &path, None).await;
    assert_eq!((status, approved), (StatusCode::OK, json!([id])));
    let (status, again) = post(&bench, &path, None).await;
    assert_eq!((status, again), (StatusCode::OK, json!([])));
    let run = bench.json(&format!("/api/v1/runs/{id}")).await;
    assert_eq!(run["run"]["status"], "queued");
    let by = run["run"]["approval"]["by"].as_str().unwrap();
    let page = bench.text(&format!("/runs/{id}")).await;
    assert!(page.contains("Approved by") && page.contains(by), "{page}");
    assert!(!page.contains("Approve commit"));
    bench.claim().await;
    let (_, pushed) = bench.push(ONE_JOB).await;
    let path = format!("/api/v1/runs/{}/approve", pushed["run"]["id"].as_str().unwrap());
    assert_eq!(post(&bench, &path, None).await.0, StatusCode::CONFLICT);
}

#[tokio::test]
async fn what_failed_is_run_once_more_and_the_old_job_stays() {
    let bench = bench().await;
    let (_, run) = bench.push(ONE_JOB).await;
    let (id, job) = (run["run"]["id"].as_str().unwrap(), run["jobs"][0]["id"].as_str().unwrap());
    let path = format!("/api/v1/runs/{id}/rerun");
    let (status, _) = post(&bench, &path, Some(json!({ "failed_only": true }))).await;
    assert_eq!(status, StatusCode::CONFLICT, "it is not finished");
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    let failed = json!({ "verdict": "failed", "step": 0, "exit": { "how": "code", "code": 1 } });
    let body = serde_json::from_value(json!({ "kind": "finished", "verdict": failed })).unwrap();
    bench.records(&attempt, &[record(1, body)]).await;
    bench.until_state(job, "failed").await;
    let (status, new) = post(&bench, &path, Some(json!({ "failed_only": true }))).await;
    assert_eq!(status, StatusCode::CREATED, "{new}");
    assert_eq!(new[0]["rerun"], 1);
    let old = bench.json(&format!("/api/v1/jobs/{job}")).await;
    assert_eq!(old["job"]["replaced_by"], new[0]["id"]);
    assert_eq!(old["job"]["state"]["outcome"]["outcome"], "failed");
}

#[tokio::test]
async fn the_pages_buttons_act_for_whoever_may_and_for_no_other_site() {
    let bench = bench().await;
    let (_, run) = bench.push(ONE_JOB).await;
    let job = run["jobs"][0]["id"].as_str().unwrap();
    let session = bench.sign_in(Role::Submitter).await;
    let press = |path: String, site: &'static str| {
        let request = bench.browser.post(bench.url(&path)).header("sec-fetch-site", site);
        let request = request.header("cookie", session.cookie());
        let request = form(request, &[("csrf", session.csrf())]);
        async move { request.send().await.unwrap() }
    };
    let foreign = press(format!("/jobs/{job}/cancel"), "cross-site").await;
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    let own = press(format!("/jobs/{job}/cancel"), "same-origin").await;
    assert_eq!(own.status(), StatusCode::SEE_OTHER);
    assert_eq!(own.headers()["location"], format!("/jobs/{job}"));
    bench.until_state(job, "cancelled").await;
    let again = press(format!("/jobs/{job}/rerun"), "same-origin").await;
    assert_eq!(again.status(), StatusCode::SEE_OTHER);
    let new = again.headers()["location"].to_str().unwrap().to_owned();
    assert!(new.starts_with("/jobs/") && !new.ends_with(job), "{new}");
    let odd = press(format!("/jobs/{job}/explode"), "same-origin").await;
    assert_eq!(odd.status(), StatusCode::NOT_FOUND);
    assert!(bench.text(&format!("/jobs/{job}")).await.contains("It was run once more"));
}

#[tokio::test]
async fn the_end_of_a_log_is_read_as_records() {
    let bench = bench().await;
    let (_, run) = bench.push(ONE_JOB).await;
    let job = run["jobs"][0]["id"].as_str().unwrap();
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    let lines: Vec<String> = (1..=50).map(|n| format!("line {n}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    bench.records(&attempt, &success(&lines)).await;
    let path = format!("/api/v1/jobs/{job}/records");
    let all = bench.json(&path).await;
    assert_eq!(all["records"].as_array().unwrap().len(), 53);
    assert_eq!(
        (&all["last_seq"], &all["next_seq"], &all["over"]),
        (&json!(53), &json!(54), &json!(true))
    );
    let tail = bench.json(&format!("{path}?tail=3")).await;
    assert_eq!(tail["records"][0]["chunk"], "line 48");
    let some = bench.json(&format!("{path}?from=10&limit=2")).await;
    assert_eq!(some["records"].as_array().unwrap().len(), 2);
    assert_eq!(some["next_seq"], 12);
    for bad in ["limit=0", "limit=10001", "from=1&tail=2"] {
        let answer = bench.get(&format!("{path}?{bad}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn a_server_is_ready_while_it_can_write() {
    let bench = bench().await;
    assert_eq!(bench.get("/ready").send().await.unwrap().status(), StatusCode::OK);
    let who = bench.json("/api/v1/whoami").await;
    assert_eq!(who, json!({ "name": "admin", "role": "admin" }));
}

#[tokio::test]
async fn a_server_that_cannot_write_is_not_ready_and_says_what() {
    let bench = bench().await;
    std::fs::remove_dir_all(bench.data().join("artifacts")).unwrap();
    let answer = bench.http.get(bench.url("/ready")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["message"], "artifacts cannot be written");
}
