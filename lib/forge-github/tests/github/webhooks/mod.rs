//! Webhook requests: GitHub's examples, and what may be wrong with one.

mod checks;
mod headers;
mod pull_request;
mod push;

use std::sync::LazyLock;

use serde_json::Value;
use solstice_forge::{Event, Forge as _, Interpretation};
use solstice_forge_github::GitHubForge;

use crate::world::{DATA, SECRET, config, delivery_headers, example};

/// Made once: it reads the system's certificates.
static FORGE: LazyLock<GitHubForge> =
    LazyLock::new(|| GitHubForge::new(config("http://127.0.0.1:1/".parse().unwrap())).unwrap());

fn forge() -> &'static GitHubForge {
    &FORGE
}

/// What an example means after a change of its body.
fn meaning(name: &str, change: impl FnOnce(&mut Value)) -> Interpretation {
    let mut body: Value = serde_json::from_slice(&example(name)).unwrap();
    change(&mut body);
    let event = name.trim_start_matches("derived.").split('.').next().unwrap();
    forge().interpret(event, &serde_json::to_vec(&body).unwrap())
}

fn event(meaning: Interpretation) -> Event {
    match meaning {
        Interpretation::Event(event) => event,
        other => panic!("{other:?}"),
    }
}

fn ignored(meaning: Interpretation) -> String {
    match meaning {
        Interpretation::Ignored { reason } => reason,
        other => panic!("{other:?}"),
    }
}

fn malformed(meaning: Interpretation) -> String {
    match meaning {
        Interpretation::Malformed { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_example_gets_its_verdict() {
    let mut names: Vec<String> = std::fs::read_dir(format!("{DATA}/webhooks"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 20);
    let mut verdicts = String::new();
    for name in names {
        let name = name.strip_suffix(".json").unwrap();
        let kind = name.trim_start_matches("derived.").split('.').next().unwrap();
        let body = example(name);
        let headers = delivery_headers(kind, &body, SECRET);
        let genuine = forge().authenticate(&headers, &body).unwrap();
        let verdict = match forge().interpret(&genuine.event, &body) {
            Interpretation::Event(event) => serde_json::to_string_pretty(&event).unwrap(),
            other => format!("{other:?}"),
        };
        verdicts.push_str(&format!("{name}: {verdict}\n"));
    }
    expectorate::assert_contents(format!("{DATA}/verdicts.txt"), &verdicts);
}

#[test]
fn what_is_not_for_us_is_ignored() {
    for (name, word) in [
        ("ping", "is there"),
        ("create.tag", "push"),
        ("delete.tag", "push"),
        ("installation.created", "installed"),
        ("installation_repositories.added", "installed"),
    ] {
        assert!(ignored(meaning(name, |_| {})).contains(word), "{name}");
    }
    for event in ["star", "an_event_of_next_year", "", "\u{0}\u{202e}"] {
        let meaning = forge().interpret(event, b"{");
        assert!(matches!(meaning, Interpretation::Ignored { .. }), "{meaning:?}");
    }
    for event in ["push", "pull_request", "check_suite", "check_run", "merge_group"] {
        for body in [&b""[..], b"{}", b"[]", b"null", b"\xef\xbb\xbf{}", b"\"\\ud800\"", b"\xff"] {
            malformed(forge().interpret(event, body));
        }
        let deep = "{\"a\":".repeat(10_000);
        malformed(forge().interpret(event, deep.as_bytes()));
    }
}
