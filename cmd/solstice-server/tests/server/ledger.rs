//! Deliveries as operators see them, and what no webhook told of.

use http::Method;
use reqwest::StatusCode;
use serde_json::Value;
use solstice_forge::{CheckAction, CheckRequest, CheckState, Event, Forge as _, Permission};

use crate::bench::{Bench, ONE_JOB, bench, finished};

/// The newest delivery.
async fn newest(bench: &Bench) -> Value {
    bench.json("/api/v1/deliveries").await["items"][0].clone()
}

async fn replay(bench: &Bench, id: &str) -> StatusCode {
    let url = bench.url(&format!("/api/v1/deliveries/{id}/replay"));
    let token = bench.token(solstice_model::Role::Operator).secret();
    let request = bench.http.request(Method::POST, url).bearer_auth(token);
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn a_delivery_is_shown_whole_without_what_is_secret_and_can_be_replayed() {
    let bench = bench().await;
    let (_, run) = bench.push(ONE_JOB).await;
    let id = newest(&bench).await["id"].as_str().unwrap().to_owned();
    let detail = bench.json(&format!("/api/v1/deliveries/{id}")).await;
    assert_eq!((&detail["verdict"], &detail["source"]), (&"runs".into(), &"webhook".into()));
    let headers = detail["headers"].as_array().unwrap();
    let named = |name: &str| headers.iter().any(|header| header["name"] == name);
    assert!(named("x-fake-event") && !named("x-fake-signature"), "{headers:?}");
    let body = bench.text(&format!("/api/v1/deliveries/{id}/body")).await;
    assert_eq!(body.len() as u64, detail["body_bytes"].as_u64().unwrap());
    assert_eq!(serde_json::from_str::<Value>(&body).unwrap()["event"], "push");

    assert_eq!(replay(&bench, &id).await, StatusCode::OK);
    let again = bench.until("a verdict", || async {
        let detail = bench.json(&format!("/api/v1/deliveries/{id}")).await;
        (detail["verdict"] == "runs").then_some(detail)
    });
    let again = again.await;
    assert_eq!((&again["replays"], &again["replayed_by"]), (&1.into(), &"operator".into()));
    assert_eq!(again["runs"].as_array().unwrap(), &[run["id"].clone()]);
    assert_eq!(replay(&bench, "00000000-0000-4000-8000-000000000000").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_push_that_no_webhook_told_of_is_built() {
    let bench = bench().await;
    bench.push(ONE_JOB).await;
    bench
        .until("a look at the repository", || async {
            bench.advance(3600);
            bench.store().last_sweep(bench.forge.name().clone()).await.unwrap()
        })
        .await;
    let files = [(".solstice/ci.kdl", ONE_JOB.as_bytes())];
    let commit = bench.forge.add_commit(&bench.repository, &files);
    bench.forge.push(&bench.repository, "refs/heads/main", &commit);
    bench
        .until("a run of what was lost", || async {
            bench.advance(3600);
            let newest = newest(&bench).await;
            (newest["source"] == "sweep" && newest["verdict"] == "runs").then_some(())
        })
        .await;
    bench.until_shown(&commit, "solstice/CI/build", CheckState::Pending).await;
}

#[tokio::test]
async fn a_button_runs_a_job_once_more_and_its_check_follows() {
    let bench = bench().await;
    bench.forge.set_permission(&bench.repository, "alice", Permission::Write);
    let (commit, _) = bench.push(ONE_JOB).await;
    let attempt = bench.claim().await;
    assert_eq!(bench.records(&attempt, &[finished(1)]).await.0, StatusCode::OK);
    bench.until_shown(&commit, "solstice/CI/build", CheckState::Success).await;
    let shown = bench.forge.reported().pop().unwrap();
    let push = bench.forge.push(&bench.repository, "refs/heads/main", &commit);
    let event = Event::CheckRequest(CheckRequest {
        repository: push.repository,
        commit: commit.clone(),
        subject: Some(shown.subject.clone()),
        action: CheckAction::Rerun,
        actor: "alice".to_owned(),
    });
    let delivery = bench.forge.deliver_event(&event);
    for status in [StatusCode::ACCEPTED, StatusCode::OK] {
        assert_eq!(bench.deliver("forge", &delivery).send().await.unwrap().status(), status);
    }
    bench.until_shown(&commit, "solstice/CI/build", CheckState::Pending).await;
    let told = newest(&bench).await;
    assert_eq!(told["verdict"], "acted");
    assert_eq!(told["reason"], "alice ran job build once more");
    assert_ne!(bench.forge.reported().pop().unwrap().subject, shown.subject);
    assert_eq!(bench.forge.misuse(), Vec::<String>::new());
}
