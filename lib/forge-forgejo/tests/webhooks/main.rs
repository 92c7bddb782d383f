//! Webhook requests: the forge's examples, and what may be wrong with one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod headers;
mod pull_request;
mod push;

use std::sync::LazyLock;

use solstice_forge::{Forge as _, Interpretation, Secret};
use solstice_forge_forgejo::{ForgejoConfig, ForgejoForge};
use solstice_testbed::forge::delivery_headers;
use uuid::Uuid;

const SECRET: &str = "the webhook's secret";
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

/// Made once: it reads the system's certificates.
static FORGE: LazyLock<ForgejoForge> = LazyLock::new(|| {
    ForgejoForge::new(ForgejoConfig {
        name: "forgejo".parse().unwrap(),
        base_url: "https://forge.example.org/".parse().unwrap(),
        token: Secret::new("t").unwrap(),
        webhook_secrets: vec![Secret::new(SECRET).unwrap()],
    })
    .unwrap()
});

fn forge() -> &'static ForgejoForge {
    &FORGE
}

fn example(name: &str) -> Vec<u8> {
    std::fs::read(format!("{DATA}/webhooks/{name}.json")).unwrap()
}

#[test]
fn every_example_gets_its_verdict() {
    let mut names: Vec<String> = std::fs::read_dir(format!("{DATA}/webhooks"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 16);
    let mut verdicts = String::new();
    for name in names {
        let name = name.strip_suffix(".json").unwrap();
        let kind = name.split('.').next().unwrap();
        let body = example(name);
        let headers = delivery_headers(kind, Uuid::now_v7(), &body, SECRET);
        let genuine = forge().authenticate(&headers, &body).unwrap();
        let meaning = forge().interpret(&genuine.event, &body);
        let verdict = match &meaning {
            Interpretation::Event(event) => serde_json::to_string_pretty(event).unwrap(),
            other => format!("{other:?}"),
        };
        verdicts.push_str(&format!("{name}: {verdict}\n"));
    }
    expectorate::assert_contents(format!("{DATA}/verdicts.txt"), &verdicts);
}
