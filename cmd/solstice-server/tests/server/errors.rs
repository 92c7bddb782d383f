//! Every refusal has the same shape, whoever refuses: we or the framework below.

use reqwest::{Method, StatusCode};
use serde_json::Value;
use solstice_model::Role;

use crate::bench::{Bench, bench};

const ID: &str = "0198c0de-0000-7000-8000-000000000000";

/// Listener, method, path, body, and what is said: a code if the refusal is ours.
type Refusal = (&'static str, Method, String, &'static str, StatusCode, Option<&'static str>);

fn refusals() -> Vec<Refusal> {
    let at = |path: &str| path.replace("ID", ID);
    vec![
        ("people", Method::GET, at("/nowhere"), "", StatusCode::NOT_FOUND, None),
        ("people", Method::PUT, at("/api/v1/runs"), "", StatusCode::METHOD_NOT_ALLOWED, None),
        ("people", Method::GET, at("/api/v1/runs/x"), "", StatusCode::BAD_REQUEST, None),
        ("people", Method::POST, at("/api/v1/runs"), "{", StatusCode::BAD_REQUEST, None),
        (
            "people",
            Method::GET,
            at("/api/v1/runs/ID"),
            "",
            StatusCode::NOT_FOUND,
            Some("not_found"),
        ),
        ("hosts", Method::GET, at("/nowhere"), "", StatusCode::NOT_FOUND, None),
        ("hosts", Method::POST, at("/host/v1/sync"), "{", StatusCode::BAD_REQUEST, None),
        (
            "hosts",
            Method::GET,
            at("/host/v1/attempts/ID/inputs"),
            "",
            StatusCode::FORBIDDEN,
            Some("forbidden"),
        ),
        ("webhooks", Method::GET, at("/webhooks/forge"), "", StatusCode::METHOD_NOT_ALLOWED, None),
        (
            "webhooks",
            Method::POST,
            at("/webhooks/none"),
            "{}",
            StatusCode::NOT_FOUND,
            Some("not_found"),
        ),
        (
            "webhooks",
            Method::POST,
            at("/webhooks/forge"),
            "{}",
            StatusCode::UNAUTHORIZED,
            Some("unauthenticated"),
        ),
    ]
}

fn url(bench: &Bench, listener: &str, path: &str) -> String {
    let server = bench.server();
    let address = match listener {
        "people" => server.people(),
        "hosts" => server.hosts(),
        _ => server.webhooks(),
    };
    format!("http://{address}{path}")
}

#[tokio::test]
async fn a_refusal_is_json_with_a_message_and_the_id_of_the_request() {
    let bench = bench().await;
    for (listener, method, path, body, status, code) in refusals() {
        let request = bench.http.request(method.clone(), url(&bench, listener, &path));
        let request = request.bearer_auth(bench.token(Role::Admin).secret());
        let request = request.header("content-type", "application/json").body(body);
        let answer = request.send().await.unwrap();
        let what = format!("{listener} {method} {path}");
        assert_eq!(answer.status(), status, "{what}");
        assert_eq!(answer.headers()["content-type"], "application/json", "{what}");
        let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        let told: Value = answer.json().await.unwrap();
        assert_eq!(told["request_id"], id, "{what}");
        assert!(!told["message"].as_str().unwrap().is_empty(), "{what}");
        assert_eq!(told.get("error_code").and_then(Value::as_str), code, "{what}");
    }
}
