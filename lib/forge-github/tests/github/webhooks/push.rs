//! What the body of a push, and of a merge queue's event, may hold.

use serde_json::{Value, json};
use solstice_forge::{Event, Interpretation, Push};

use super::{event, ignored, malformed, meaning};

fn push(change: impl FnOnce(&mut Value)) -> Interpretation {
    meaning("push.branch-created", change)
}

fn pushed(meaning: Interpretation) -> Push {
    match event(meaning) {
        Event::Push(push) => push,
        other => panic!("{other:?}"),
    }
}

#[test]
fn zeros_delete_and_equal_ends_start_nothing() {
    let (zeros, long) = ("0".repeat(40), "0".repeat(64));
    let set = |field: &'static str, value: &str| {
        let value = value.to_owned();
        push(move |body| body[field] = json!(value))
    };
    let before = "7".repeat(40);
    assert_eq!(pushed(set("before", &before)).before, Some(before.parse().unwrap()));
    assert_eq!(pushed(set("before", &zeros)).before, None);
    let deleted = event(push(|body| {
        (body["before"], body["after"]) = (json!(before), json!(zeros));
    }));
    assert!(
        matches!(&deleted, Event::RefDeleted { git_ref, actor, .. }
            if git_ref.as_str() == "refs/heads/master" && actor == "Codertocat"),
        "{deleted:?}"
    );
    for both in [&zeros, &long] {
        let both = push(|body| (body["before"], body["after"]) = (json!(both), json!(both)));
        assert!(ignored(both).contains("neither before nor after"));
    }
    assert!(ignored(push(|body| body["before"] = body["after"].clone())).contains("equal"));
    for bad in ["", "a", &"a".repeat(39), &"a".repeat(41), &"A".repeat(40), &"g".repeat(40), &long]
    {
        malformed(set("before", bad));
        malformed(set("after", bad));
    }
}

#[test]
fn refs_of_any_kind_are_taken_as_they_are() {
    let meaning = |git_ref: &str| push(|body| body["ref"] = json!(git_ref));
    let longest = format!("refs/heads/{}", "x".repeat(239));
    for good in [
        "refs/heads/$(touch${IFS}x);`id`'\"#%25&|🚀",
        "refs/heads/-leading",
        "refs/heads/refs/heads/x",
        "refs/heads/HEAD",
        "refs/heads/1b2c3d4e5f60718293a4b5c6d7e8f90123456789",
        "refs/heads/e\u{301}",
        "refs/heads/\u{e9}",
        "refs/heads/\u{202e}nim",
        "refs/heads/gh-readonly-queue",
        "refs/tags/gh-readonly-queue/main/pr-1",
        "refs/tags/main",
        &longest,
    ] {
        assert_eq!(pushed(meaning(good)).git_ref.as_str(), good);
    }
    for other in ["refs/pull/7/head", "refs/notes/commits", "refs/head/x"] {
        assert!(ignored(meaning(other)).contains("neither a branch nor a tag"), "{other}");
    }
    let too_long = format!("{longest}x");
    for bad in ["", "main", "refs/heads/a..b", "refs/heads/a b", "refs/heads/a\u{0}", &too_long] {
        malformed(meaning(bad));
    }
}

#[test]
fn a_merge_queues_branch_is_told_of_by_the_queue_alone() {
    let queue = "refs/heads/gh-readonly-queue/main/pr-104-929f82";
    assert!(ignored(push(|body| body["ref"] = json!(queue))).contains("merge queue"));
    let deleted = push(|body| {
        (body["ref"], body["before"]) = (json!(queue), body["after"].clone());
        body["after"] = json!("0".repeat(40));
    });
    assert!(ignored(deleted).contains("merge queue"));
    let suite = meaning("check_suite.requested", |body| {
        body["check_suite"]["head_branch"] = json!(&queue["refs/heads/".len()..]);
    });
    assert!(ignored(suite).contains("merge queue"));
    let group = |change: fn(&mut Value)| meaning("merge_group.checks_requested", change);
    let Event::MergeGroup(told) = event(group(|_| {})) else { panic!() };
    assert_eq!(told.base, "main");
    assert!(told.head.git_ref.as_str().starts_with("refs/heads/gh-readonly-queue/main/pr-104-"));
    assert_eq!(told.head.before.unwrap().as_str(), "380387fbc80638b734a49e1be1c4dfec1c01b33c");
    let gone = event(group(|body| body["action"] = json!("destroyed")));
    assert!(
        matches!(&gone, Event::RefDeleted { git_ref, actor, .. }
            if *git_ref == told.head.git_ref && actor == "Codertocat"),
        "{gone:?}"
    );
    ignored(group(|body| body["action"] = json!("of next year")));
    malformed(group(|body| body["merge_group"]["head_ref"] = json!("refs/heads/main")));
    malformed(group(|body| body["merge_group"]["base_ref"] = json!("refs/tags/main")));
    malformed(group(|body| body["merge_group"]["head_sha"] = json!("0".repeat(40))));
    malformed(group(|body| body["merge_group"] = Value::Null));
}

#[test]
fn a_title_is_one_short_line() {
    let title =
        |message: &str| pushed(push(|body| body["head_commit"]["message"] = json!(message))).title;
    assert_eq!(title("Fix\u{1b}[2J it\r\n\nBecause."), "Fix[2J it");
    assert_eq!(title(""), "");
    assert_eq!(title(&"é".repeat(500)).chars().count(), 200);
    assert_eq!(pushed(push(|body| body["head_commit"] = Value::Null)).title, "");
    let other = pushed(push(|body| body["head_commit"]["id"] = json!("a".repeat(40))));
    assert_eq!((other.title.as_str(), other.commit.short()), ("", "6113728f27"));
}

#[test]
fn an_annotated_tag_means_the_commit_behind_it() {
    let tag = pushed(push(|body| {
        body["ref"] = json!("refs/tags/v2");
        body["after"] = json!("7".repeat(40));
        body["head_commit"] = json!({ "id": "a".repeat(40), "message": "m" });
    }));
    assert_eq!(tag.commit.as_str(), "a".repeat(40));
}

#[test]
fn addresses_must_be_of_the_web() {
    for field in ["clone_url", "html_url"] {
        for bad in [
            "",
            "widgets",
            "file:///etc/passwd",
            "ssh://git@h/x",
            "javascript:alert(1)",
            "https://",
            "https://user:word@h/x",
            "ext::sh -c id",
        ] {
            malformed(push(|body| body["repository"][field] = json!(bad)));
        }
    }
    for bad in ["widgets", "../widgets", "a/b/c", "a/.git", "a/ b", ""] {
        malformed(push(|body| body["repository"]["full_name"] = json!(bad)));
    }
    malformed(push(|body| body["repository"]["private"] = Value::Null));
    malformed(push(|body| body["repository"]["id"] = json!(-1)));
}

#[test]
fn who_pushed_is_told_or_the_body_is_malformed() {
    let actor = |change: fn(&mut Value)| pushed(push(change)).actor;
    assert_eq!(actor(|body| body["sender"] = Value::Null), "Codertocat");
    assert_eq!(actor(|body| body["sender"]["login"] = json!("dependabot[bot]")), "dependabot[bot]");
    let long = |body: &mut Value| body["sender"]["login"] = json!("x".repeat(500));
    assert_eq!(actor(long).chars().count(), 200);
    malformed(push(|body| (body["sender"], body["pusher"]) = (Value::Null, Value::Null)));
}
