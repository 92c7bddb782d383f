//! The audit log: everything that is done is in it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use solstice_model::Role;

use crate::bench::{Bench, ONE_JOB, bench, form};

async fn entries(bench: &Bench, query: &str) -> Vec<Value> {
    let page = bench.json(&format!("/api/v1/audit{query}")).await;
    page["items"].as_array().unwrap().clone()
}

async fn post(bench: &Bench, path: &str, body: Option<Value>) -> StatusCode {
    let request = bench.http.request(Method::POST, bench.url(path));
    let request = request.bearer_auth(bench.token(Role::Admin).secret());
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn what_is_done_is_written_down_with_who_and_from_where() {
    let bench = bench().await;
    let (_, run) = bench.push(ONE_JOB).await;
    let (run, job) = (run["run"]["id"].as_str().unwrap(), run["jobs"][0]["id"].as_str().unwrap());
    let delivery = bench.json("/api/v1/deliveries").await["items"][0]["id"].clone();
    let delivery = delivery.as_str().unwrap();
    bench.sync(0, &[], 0).await;
    assert!(post(&bench, &format!("/api/v1/jobs/{job}/cancel"), None).await.is_success());
    assert!(post(&bench, &format!("/api/v1/jobs/{job}/rerun"), None).await.is_success());
    assert!(post(&bench, &format!("/api/v1/runs/{run}/cancel"), None).await.is_success());
    let rerun = post(&bench, &format!("/api/v1/runs/{run}/rerun"), Some(json!({}))).await;
    assert!(rerun.is_success());
    assert!(
        post(&bench, &format!("/api/v1/deliveries/{delivery}/replay"), None).await.is_success()
    );
    let token = json!({ "name": "new", "role": "reader" });
    assert!(post(&bench, "/api/v1/tokens", Some(token)).await.is_success());
    let admin = bench.token(Role::Admin).secret();
    let revoke = bench.http.delete(bench.url("/api/v1/tokens/new")).bearer_auth(admin);
    assert!(revoke.send().await.unwrap().status().is_success());
    let drain = bench.http.put(bench.url("/api/v1/hosts/host-1")).bearer_auth(admin);
    assert!(drain.json(&json!({ "draining": true })).send().await.unwrap().status().is_success());
    let session = bench.sign_in(Role::Reader).await;
    let out = bench.browser.post(bench.url("/logout")).header("cookie", session.cookie());
    form(out, &[("csrf", session.csrf())]).send().await.unwrap();
    let wrong = bench.browser.get(bench.url("/login")).send().await.unwrap();
    let cookie = crate::bench::cookies(&wrong).remove(0);
    let value = crate::bench::csrf(&wrong.text().await.unwrap());
    let request = bench.browser.post(bench.url("/login")).header("cookie", cookie);
    form(request, &[("csrf", &value), ("token", "sol_x")]).send().await.unwrap();

    let all = entries(&bench, "?limit=100").await;
    let told: Vec<(&str, &str, &str)> = all
        .iter()
        .map(|one| {
            let text = |name: &str| one[name].as_str().unwrap_or("-");
            (text("who"), text("action"), text("object"))
        })
        .take(11)
        .collect();
    let (run, job) = (format!("run:{run}"), format!("job:{job}"));
    let delivery = format!("delivery:{delivery}");
    assert_eq!(
        told,
        [
            ("somebody", "session.refuse", "-"),
            ("reader", "session.end", "-"),
            ("reader", "session.begin", "-"),
            ("admin", "host.drain", "host:host-1"),
            ("admin", "token.revoke", "token:new"),
            ("admin", "token.create", "token:new"),
            ("admin", "delivery.replay", delivery.as_str()),
            ("admin", "run.rerun", run.as_str()),
            ("admin", "run.cancel", run.as_str()),
            ("admin", "job.rerun", job.as_str()),
            ("admin", "job.cancel", job.as_str()),
        ]
    );
    assert!(all[3..11].iter().all(|one| one["remote"] == "127.0.0.1" && one["via"] == "token"));
    assert!(all[3]["request"].as_str().unwrap().len() > 10);
    assert_eq!(all[1]["via"], "session");

    assert_eq!(entries(&bench, "?who=reader").await.len(), 2);
    assert_eq!(entries(&bench, "?action=job.cancel&who=admin").await.len(), 1);
    assert_eq!(entries(&bench, &format!("?object={run}")).await.len(), 2);
    let first = bench.json("/api/v1/audit?limit=4").await;
    let next = first["next_page"].as_str().unwrap();
    let second = bench.json(&format!("/api/v1/audit?limit=4&page_token={next}")).await;
    assert_eq!(second["items"][0]["action"], "token.revoke");
    let page = bench.text("/audit?action=job.cancel").await;
    assert!(page.contains("<code>job.cancel</code>") && !page.contains("<code>run.cancel</code>"));

    let store = bench.store();
    assert_eq!(store.remove_audit(chrono::DateTime::UNIX_EPOCH).await.unwrap(), 0);
    let later = bench.now() + chrono::TimeDelta::hours(1);
    assert!(store.remove_audit(later).await.unwrap() >= 11);
    assert_eq!(entries(&bench, "").await.len(), 0);
}

#[tokio::test]
async fn refused_sign_ins_fill_no_disk() {
    use solstice_api::user::{AuditAction, AuditVia};
    let bench = bench().await;
    for _ in 0..250 {
        let by = solstice_store::Actor::new("x".repeat(5_000), AuditVia::Nothing);
        let noted = bench.store().note(by, AuditAction::SignInRefused, None, None, bench.now());
        noted.await.unwrap();
    }
    let kept = entries(&bench, "?action=session.refuse&limit=200").await;
    assert_eq!(kept.len(), 200);
    assert_eq!(kept[0]["who"].as_str().unwrap().len(), 300);
    bench.advance(2 * 60 * 60);
    let by = solstice_store::Actor::new("x", AuditVia::Nothing);
    let noted = bench.store().note(by, AuditAction::SignInRefused, None, None, bench.now());
    noted.await.unwrap();
    assert_eq!(entries(&bench, "?who=x").await.len(), 1);
}

#[tokio::test]
async fn the_button_of_a_check_is_in_the_log() {
    use solstice_forge::{CheckAction, CheckRequest, Event, Permission, Repository};
    let bench = bench().await;
    let (commit, run) = bench.push(ONE_JOB).await;
    let job = run["jobs"][0]["id"].as_str().unwrap();
    bench.forge.set_permission(&bench.repository, "alice", Permission::Write);
    let push = bench.forge.push(&bench.repository, "refs/heads/main", &commit);
    let repository: Repository = push.repository;
    let event = Event::CheckRequest(CheckRequest {
        repository,
        commit,
        subject: Some(job.to_owned()),
        action: CheckAction::Cancel,
        actor: "alice".to_owned(),
    });
    let delivery = bench.forge.deliver_event(&event);
    assert!(bench.deliver("forge", &delivery).send().await.unwrap().status().is_success());
    bench.until_state(job, "cancelled").await;
    let told = entries(&bench, "?who=alice%40forge").await;
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["action"], &told[0]["via"]), (&json!("job.cancel"), &json!("check")));
    assert_eq!(told[0]["object"], format!("job:{job}"));
}
