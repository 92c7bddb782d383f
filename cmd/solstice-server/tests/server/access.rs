//! Who may do what: every endpoint with every role.

use reqwest::{Method, StatusCode};
use serde_json::json;
use solstice_model::Role;

use crate::bench::{Bench, bench, bench_with};

const NOBODY: &str = "00000000-0000-7000-8000-000000000000";

/// Method, path, and the weakest role that gets past the door.
fn endpoints() -> Vec<(Method, String, Role)> {
    let table = [
        (Method::GET, "/api/v1/runs", Role::Reader),
        (Method::GET, "/api/v1/runs/ID", Role::Reader),
        (Method::GET, "/api/v1/jobs/ID", Role::Reader),
        (Method::GET, "/api/v1/jobs/ID/log", Role::Reader),
        (Method::GET, "/api/v1/jobs/ID/events", Role::Reader),
        (Method::GET, "/api/v1/jobs/ID/console", Role::Reader),
        (Method::GET, "/api/v1/jobs/ID/records", Role::Reader),
        (Method::GET, "/api/v1/jobs/ID/artifacts", Role::Reader),
        (Method::GET, "/api/v1/jobs/ID/artifacts/0", Role::Reader),
        (Method::GET, "/", Role::Reader),
        (Method::GET, "/runs/ID", Role::Reader),
        (Method::GET, "/repositories", Role::Reader),
        (Method::GET, "/repositories/forge/a/b", Role::Reader),
        (Method::GET, "/api/v1/repositories", Role::Reader),
        (Method::GET, "/api/v1/queue", Role::Reader),
        (Method::GET, "/hosts", Role::Operator),
        (Method::POST, "/hosts/nobody/drain", Role::Operator),
        (Method::GET, "/images", Role::Operator),
        (Method::GET, "/deliveries", Role::Operator),
        (Method::GET, "/deliveries/ID", Role::Operator),
        (Method::POST, "/deliveries/ID/replay", Role::Operator),
        (Method::GET, "/jobs/ID", Role::Reader),
        (Method::POST, "/api/v1/jobs/ID/cancel", Role::Submitter),
        (Method::POST, "/api/v1/jobs/ID/rerun", Role::Submitter),
        (Method::POST, "/api/v1/runs/ID/approve", Role::Submitter),
        (Method::POST, "/api/v1/runs/ID/cancel", Role::Submitter),
        (Method::POST, "/runs/ID/approve", Role::Submitter),
        (Method::POST, "/runs/ID/cancel", Role::Submitter),
        (Method::POST, "/jobs/ID/rerun", Role::Submitter),
        (Method::GET, "/api/v1/deliveries", Role::Operator),
        (Method::GET, "/api/v1/deliveries/ID", Role::Operator),
        (Method::GET, "/api/v1/deliveries/ID/body", Role::Operator),
        (Method::POST, "/api/v1/deliveries/ID/replay", Role::Operator),
        (Method::GET, "/api/v1/hosts", Role::Operator),
        (Method::GET, "/api/v1/images", Role::Operator),
        (Method::GET, "/api/v1/audit", Role::Admin),
        (Method::GET, "/audit", Role::Admin),
        (Method::GET, "/api/v1/tokens", Role::Admin),
        (Method::POST, "/api/v1/tokens", Role::Admin),
        (Method::DELETE, "/api/v1/tokens/nobody", Role::Admin),
    ];
    table
        .into_iter()
        .map(|(method, path, role)| (method, path.replace("ID", NOBODY), role))
        .collect()
}

async fn ask(bench: &Bench, method: &Method, path: &str, header: Option<String>) -> StatusCode {
    let mut request = bench.browser.request(method.clone(), bench.url(path));
    if *method == Method::POST && path == "/api/v1/tokens" {
        request = request.json(&json!({ "name": "not a name", "role": "reader" }));
    }
    if let Some(header) = header {
        request = request.header("authorization", header);
    }
    request.send().await.unwrap().status()
}

/// What is refused for want of a token: pages send a browser to where it gets in.
fn is_refused(path: &str, status: StatusCode) -> bool {
    let page = !path.starts_with("/api/");
    status == if page { StatusCode::SEE_OTHER } else { StatusCode::UNAUTHORIZED }
}

#[tokio::test]
async fn every_endpoint_opens_to_its_role_and_to_no_weaker_one() {
    let bench = bench().await;
    for (method, path, needed) in endpoints() {
        for role in Role::ALL {
            let bearer = format!("Bearer {}", bench.token(role).secret());
            let status = ask(&bench, &method, &path, Some(bearer)).await;
            let opened = status != StatusCode::FORBIDDEN && status != StatusCode::UNAUTHORIZED;
            assert_eq!(opened, role.may(needed), "{method} {path} as {role:?}: {status}");
        }
        for header in ["Bearer sol_wrong", "Digest x", "Basic bWU6c29sX3dyb25n"] {
            let status = ask(&bench, &method, &path, Some(header.to_owned())).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path} with {header:?}");
        }
        let status = ask(&bench, &method, &path, None).await;
        assert!(is_refused(&path, status), "{method} {path}: {status}");
    }
}

#[tokio::test]
async fn the_host_api_opens_to_hosts_alone() {
    let bench = bench().await;
    let url = format!("http://{}/host/v1/sync", bench.server().hosts());
    let body = json!({ "host": "host-1", "offers": [], "room": 0, "known": [], "wait_ms": 0 });
    for role in Role::ALL {
        let request = bench.http.post(&url).bearer_auth(bench.token(role).secret()).json(&body);
        let status = request.send().await.unwrap().status();
        assert_eq!(status.is_success(), role == Role::Host, "{role:?}: {status}");
    }
    let other = json!({ "host": "host-2", "offers": [], "room": 0, "known": [], "wait_ms": 0 });
    let request = bench.http.post(&url).bearer_auth(bench.token(Role::Host).secret()).json(&other);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN, "another's name");
}

#[tokio::test]
async fn anonymous_readers_read_and_do_nothing_else() {
    let bench = bench_with(|config| config.anonymous = Some(Role::Reader)).await;
    for (method, path, needed) in endpoints() {
        let status = ask(&bench, &method, &path, None).await;
        let refused = is_refused(&path, status);
        assert_eq!(refused, needed != Role::Reader, "{method} {path}: {status}");
    }
    let wrong = ask(&bench, &Method::GET, "/", Some("Bearer sol_wrong".to_owned())).await;
    assert_eq!(wrong, StatusCode::UNAUTHORIZED, "a wrong token is not no token");
}

#[tokio::test]
async fn tokens_are_made_shown_once_listed_and_revoked() {
    let bench = bench().await;
    let admin = bench.token(Role::Admin).secret().to_owned();
    let create = |name: &str, role: &str| {
        let body = json!({ "name": name, "role": role });
        bench.http.post(bench.url("/api/v1/tokens")).bearer_auth(&admin).json(&body).send()
    };
    let made = create("deploy", "submitter").await.unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    let made: serde_json::Value = made.json().await.unwrap();
    let secret = made["token"].as_str().unwrap().to_owned();
    let use_it = || ask(&bench, &Method::GET, "/api/v1/runs", Some(format!("Bearer {secret}")));
    assert_eq!(use_it().await, StatusCode::OK);
    assert_eq!(create("deploy", "reader").await.unwrap().status(), StatusCode::CONFLICT);
    assert_eq!(create("two words", "reader").await.unwrap().status(), StatusCode::BAD_REQUEST);
    let listed = bench.text("/api/v1/tokens").await;
    assert!(listed.contains("deploy") && !listed.contains(&secret));
    let revoke = bench.http.delete(bench.url("/api/v1/tokens/deploy")).bearer_auth(&admin);
    assert_eq!(revoke.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(use_it().await, StatusCode::UNAUTHORIZED);
}
