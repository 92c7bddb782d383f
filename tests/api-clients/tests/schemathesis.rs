//! schemathesis asks the real server for what the document allows and for what
//! it does not: no answer may be one that the document does not know.

use std::collections::BTreeMap;

use camino::Utf8Path;
use solstice_api_clients::{Served, Tools};
use solstice_model::Role;

/// Runs schemathesis with the configuration that lies beside it; gives how often
/// each status was answered.
async fn tried(served: &Served, token: Option<&str>) -> BTreeMap<u64, usize> {
    let tools = Tools::installed();
    let mut command = tools.python("schemathesis");
    let (config, document) = (tools.work().join("schemathesis.toml"), Tools::document());
    std::fs::write(&config, configuration(served)).expect("the folder is ours");
    command.args(["--config-file", config.as_str(), "run", document.as_str()]);
    command.args(["--url", &served.url(), "--report-har-path", "answers.har"]);
    if let Some(token) = token {
        command.args(["--header", &format!("Authorization: Bearer {token}")]);
    }
    let said = tools.run(command.env("NO_COLOR", "1")).await;
    println!("{said}");
    statuses(&tools.work().join("answers.har"))
}

/// The configuration, with what is there on this server.
fn configuration(served: &Served) -> String {
    let source = Tools::source("python/schemathesis.toml");
    let mut text = std::fs::read_to_string(source).expect("it lies beside this");
    for (name, value) in served.environment() {
        text = text.replace(&format!("${{{name}}}"), &value);
    }
    text
}

/// The statuses in an archive of requests (HTTP Archive 1.2).
fn statuses(path: &Utf8Path) -> BTreeMap<u64, usize> {
    let text = std::fs::read_to_string(path).expect("schemathesis has written it");
    let archive: serde_json::Value = serde_json::from_str(&text).expect("an archive is JSON");
    let mut found = BTreeMap::new();
    for entry in archive["log"]["entries"].as_array().into_iter().flatten() {
        let status = entry["response"]["status"].as_u64();
        *found.entry(status.expect("every answer has one")).or_default() += 1;
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_gets_only_answers_that_the_document_knows() {
    let served = Served::start().await;
    let statuses = tried(&served, Some(served.token(Role::Admin))).await;
    println!("{statuses:?}");
    // Its token was good to the end.
    served.get("/api/v1/whoami").await;
    for status in [200, 201, 204, 400, 401, 404, 405, 409] {
        assert!(statuses.contains_key(&status), "no {status}: {statuses:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_in_particular_gets_only_answers_that_the_document_knows() {
    let statuses = tried(&Served::start().await, None).await;
    println!("{statuses:?}");
    for status in [200, 400, 401] {
        assert!(statuses.contains_key(&status), "no {status}: {statuses:?}");
    }
}
