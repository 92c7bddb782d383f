//! What the body of a pull request's webhook, or of a deleted branch's, may hold.

use serde_json::{Value, json};
use solstice_forge::{Event, Forge as _, Interpretation, PullRequest};

use crate::{example, forge};

/// What an example means, after a change of its body.
fn changed(name: &str, change: impl FnOnce(&mut Value)) -> Interpretation {
    let mut body: Value = serde_json::from_slice(&example(name)).unwrap();
    change(&mut body);
    let event = name.split('.').next().unwrap();
    forge().interpret(event, &serde_json::to_vec(&body).unwrap())
}

fn opened(change: impl FnOnce(&mut Value)) -> Interpretation {
    changed("pull_request.opened", change)
}

fn pull_request(meaning: Interpretation) -> PullRequest {
    match meaning {
        Interpretation::Event(Event::PullRequest(told)) => told,
        other => panic!("{other:?}"),
    }
}

fn assert_malformed(meaning: Interpretation) {
    match meaning {
        Interpretation::Malformed { reason } => {
            assert!((1..=200).contains(&reason.chars().count()), "{reason}");
            assert!(!reason.contains(char::is_control), "{reason:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_a_branch_of_the_repository_itself_is_not_outside() {
    assert!(!pull_request(opened(|_| {})).outside);
    for stranger in ["opened.fork", "opened.agit", "synchronized.fork-deleted"]
        .map(|it| format!("pull_request.{it}"))
    {
        assert!(pull_request(changed(&stranger, |_| {})).outside, "{stranger}");
    }
    // Gitea does not tell the flow; then the label alone gives AGit away.
    let without_flow = |body: &mut Value| {
        body["pull_request"].as_object_mut().unwrap().remove("flow").unwrap();
    };
    assert!(pull_request(changed("pull_request.opened.agit", without_flow)).outside);
    assert!(!pull_request(opened(without_flow)).outside);
}

#[test]
fn each_sign_of_a_stranger_is_enough() {
    let signs: [fn(&mut Value); 11] = [
        |it| it["head"]["label"] = json!(""),
        |it| it["head"]["label"] = json!("mallory:main"),
        |it| it["head"]["ref"] = json!("refs/pull/5/head"),
        |it| it["head"]["repo_id"] = json!(77),
        |it| it["head"]["repo_id"] = json!(-1),
        |it| it["head"]["repo"] = Value::Null,
        |it| it["head"]["repo"]["id"] = json!(77),
        |it| it["base"]["repo_id"] = json!(77),
        |it| it["flow"] = json!(1),
        |it| it["flow"] = json!(2),
        // A fork's branch of the same name as one of ours.
        |it| {
            it["head"]["ref"] = json!("main");
            it["head"]["label"] = json!("main");
            it["head"]["repo_id"] = json!(77);
        },
    ];
    for (at, sign) in signs.iter().enumerate() {
        let told = pull_request(opened(|body| sign(&mut body["pull_request"])));
        assert!(told.outside, "sign {at}");
        assert_eq!(told.head.git_ref.as_str(), "refs/pull/5/head");
        assert_eq!(told.head.repository.name.as_str(), "alice/widgets");
    }
    let nameless = opened(|body| body["repository"]["id"] = json!(0));
    assert!(pull_request(nameless).outside);
}

#[test]
fn actions_that_bring_no_commits_are_ignored_with_a_reason() {
    for action in ["edited", "label_updated", "assigned", "reviewed", "of next year\u{7}", ""] {
        match opened(|body| body["action"] = json!(action)) {
            Interpretation::Ignored { reason } => {
                assert!(reason.contains("pull request"), "{reason}");
                assert!(!reason.contains(char::is_control), "{reason:?}");
            }
            other => panic!("{action}: {other:?}"),
        }
    }
    for action in ["opened", "reopened", "synchronized"] {
        pull_request(opened(|body| body["action"] = json!(action)));
    }
}

#[test]
fn another_base_makes_it_another_change() {
    let edited = |changes: Value| {
        opened(|body| {
            body["action"] = json!("edited");
            body["changes"] = changes;
            body["pull_request"]["base"]["ref"] = json!("release/1");
        })
    };
    let told = pull_request(edited(json!({ "ref": { "from": "main" } })));
    assert_eq!((told.base.as_str(), told.outside), ("release/1", false));
    for other in
        [json!({ "title": { "from": "x" } }), json!({ "ref": null }), json!({}), json!(null)]
    {
        let meaning = edited(other);
        assert!(matches!(meaning, Interpretation::Ignored { .. }), "{meaning:?}");
    }
}

#[test]
fn a_closed_pull_request_needs_no_more_than_its_number() {
    let meaning = changed("pull_request.closed-merged", |body| {
        body["pull_request"]["head"]["sha"] = json!("gone");
        body["pull_request"]["title"] = json!("");
    });
    match meaning {
        Interpretation::Event(Event::PullRequestClosed { number, actor, repository }) => {
            assert_eq!((number, actor.as_str()), (5, "alice"));
            assert_eq!(repository.name.as_str(), "alice/widgets");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_missing_or_senseless_is_malformed() {
    let changes: [fn(&mut Value); 14] = [
        |body| body["number"] = json!(0),
        |body| body["number"] = json!(-5),
        |body| body["number"] = json!(6),
        |body| body["number"] = json!("5"),
        |body| body["number"] = json!(1.0e30),
        |body| body["pull_request"] = Value::Null,
        |body| body["pull_request"]["head"] = Value::Null,
        |body| body["pull_request"]["head"]["sha"] = json!("0".repeat(40)),
        |body| body["pull_request"]["head"]["sha"] = json!("main"),
        |body| body["pull_request"]["base"]["ref"] = json!("a..b"),
        |body| body["pull_request"]["base"]["ref"] = json!("x".repeat(300)),
        |body| body["repository"]["clone_url"] = json!("file:///etc"),
        |body| body["repository"]["full_name"] = json!("../widgets"),
        |body| body["sender"] = Value::Null,
    ];
    for change in changes {
        assert_malformed(opened(change));
    }
}

#[test]
fn titles_and_actors_are_made_safe() {
    let told = pull_request(opened(|body| {
        body["pull_request"]["title"] = json!(format!("\u{1b}[2J{}\nmore", "é".repeat(500)));
        body["sender"]["login"] = json!(" bob\n");
    }));
    assert!(told.head.title.starts_with("[2Jé"), "{}", told.head.title);
    assert_eq!(told.head.title.chars().count(), 200);
    assert_eq!(told.head.actor, "bob");
    let hostile = "$(touch${IFS}x);`id`'\"#%25&|🚀";
    let told = pull_request(opened(|body| body["pull_request"]["base"]["ref"] = json!(hostile)));
    assert_eq!(told.base, hostile);
}

#[test]
fn a_deleted_branch_may_be_named_in_full_or_short() {
    let deleted = |name: &str| match changed("delete.branch", |body| body["ref"] = json!(name)) {
        Interpretation::Event(Event::RefDeleted { git_ref, .. }) => git_ref.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(deleted("refs/heads/feature"), "refs/heads/feature");
    assert_eq!(deleted("feature"), "refs/heads/feature");
    assert_eq!(deleted("refs/tags/x"), "refs/heads/refs/tags/x");
    assert_malformed(changed("delete.branch", |body| body["ref"] = json!("a b")));
    for kind in ["tag", "repository", ""] {
        let meaning = changed("delete.branch", |body| body["ref_type"] = json!(kind));
        assert!(matches!(meaning, Interpretation::Ignored { .. }), "{meaning:?}");
    }
}
