//! What the body of a pull request may hold.

use serde_json::{Value, json};
use solstice_forge::{Event, Interpretation, PullRequest};

use super::{event, ignored, malformed, meaning};

fn changed(change: impl FnOnce(&mut Value)) -> Interpretation {
    meaning("pull_request.opened", change)
}

fn told(meaning: Interpretation) -> PullRequest {
    match event(meaning) {
        Event::PullRequest(told) => told,
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_branches_of_the_repository_are_not_from_outside() {
    assert!(!told(changed(|_| {})).outside);
    for change in [
        (|it| it["head"]["repo"] = Value::Null) as fn(&mut Value),
        |it| it["head"]["repo"]["id"] = json!(4_711),
        |it| it["base"]["repo"]["id"] = json!(4_711),
        |it| it["base"]["repo"] = Value::Null,
        |it| {
            // Both from the same fork, told to us by our repository.
            it["head"]["repo"]["id"] = json!(4_711);
            it["base"]["repo"]["id"] = json!(4_711);
        },
    ] {
        assert!(told(changed(|body| change(&mut body["pull_request"]))).outside);
    }
    let none = changed(|body| {
        for id in ["/repository/id", "/pull_request/head/repo/id", "/pull_request/base/repo/id"] {
            *body.pointer_mut(id).unwrap() = json!(0);
        }
    });
    assert!(told(none).outside);
}

#[test]
fn what_changes_the_commits_or_the_base_is_told() {
    let action = |action: &str| changed(|body| body["action"] = json!(action));
    for good in ["opened", "reopened", "synchronize"] {
        assert_eq!(told(action(good)).number, 2, "{good}");
    }
    for other in [
        "assigned",
        "auto_merge_enabled",
        "converted_to_draft",
        "dequeued",
        "edited",
        "enqueued",
        "labeled",
        "locked",
        "ready_for_review",
        "review_requested",
        "of next year",
    ] {
        ignored(action(other));
    }
    let edited = |changes: Value| {
        changed(move |body| (body["action"], body["changes"]) = (json!("edited"), changes))
    };
    ignored(edited(json!({ "title": { "from": "x" } })));
    ignored(edited(json!({ "base": null })));
    let other = json!({ "base": { "ref": { "from": "x" }, "sha": { "from": "y" } } });
    assert_eq!(told(edited(other)).base, "master");
    let closed = event(action("closed"));
    assert!(
        matches!(&closed, Event::PullRequestClosed { number: 2, actor, .. } if actor == "Codertocat"),
        "{closed:?}"
    );
}

#[test]
fn who_opened_it_and_who_acts_are_told_apart() {
    let both = told(changed(|body| {
        body["pull_request"]["user"]["login"] = json!("mallory");
        body["sender"]["login"] = json!("alice");
    }));
    assert_eq!((both.author.as_str(), both.head.actor.as_str()), ("mallory", "alice"));
    let gone = told(changed(|body| body["pull_request"]["user"] = Value::Null));
    assert_eq!(gone.author, "ghost");
    malformed(changed(|body| body["sender"] = Value::Null));
}

#[test]
fn its_commits_are_found_at_its_own_ref() {
    let told = told(changed(|_| {}));
    assert_eq!(told.head.git_ref.as_str(), "refs/pull/2/head");
    assert_eq!(told.head.commit.short(), "ec26c3e57c");
    assert_eq!(told.base_commit.unwrap().short(), "f95f852bd8");
    assert_eq!(told.head.title, "Update the README with new information.");
}

#[test]
fn what_makes_no_sense_is_malformed() {
    for change in [
        (|body| body["number"] = json!(3)) as fn(&mut Value),
        |body| body["number"] = json!(0),
        |body| body["pull_request"]["head"]["sha"] = json!("0".repeat(40)),
        |body| body["pull_request"]["base"]["ref"] = json!("a..b"),
        |body| body["pull_request"]["title"] = Value::Null,
        |body| body["pull_request"] = Value::Null,
        |body| body["repository"]["id"] = json!(18_446_744_073_709_551_615_f64 * 2.0),
        |body| body["action"] = Value::Null,
    ] {
        malformed(changed(change));
    }
}
