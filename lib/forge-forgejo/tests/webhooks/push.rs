//! What the body of a push may hold.

use serde_json::{Value, json};
use solstice_forge::{Event, Forge as _, Interpretation, Push};

use crate::{example, forge};

/// What a push means, after a change of its body.
fn push(change: impl FnOnce(&mut Value)) -> Interpretation {
    let mut body: Value = serde_json::from_slice(&example("push.branch")).unwrap();
    change(&mut body);
    forge().interpret("push", &serde_json::to_vec(&body).unwrap())
}

fn event(meaning: Interpretation) -> Push {
    match meaning {
        Interpretation::Event(Event::Push(push)) => push,
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
fn zeros_delete_and_equal_ends_start_nothing() {
    let (zeros, long) = ("0".repeat(40), "0".repeat(64));
    let set = |field: &'static str, value: &str| {
        let value = value.to_owned();
        push(move |body| body[field] = json!(value))
    };
    let deleted = set("after", &zeros);
    assert!(
        matches!(&deleted, Interpretation::Event(Event::RefDeleted { git_ref, actor, .. })
            if git_ref.as_str() == "refs/heads/main" && actor == "alice"),
        "{deleted:?}"
    );
    assert_eq!(event(set("before", &zeros)).git_ref.as_str(), "refs/heads/main");
    let both = push(|body| (body["before"], body["after"]) = (json!(zeros), json!(zeros)));
    assert!(ignored(both).contains("neither before nor after"));
    let both = push(|body| (body["before"], body["after"]) = (json!(long), json!(long)));
    assert!(ignored(both).contains("neither before nor after"));
    let button = push(|body| body["before"] = body["after"].clone());
    assert!(ignored(button).contains("test button"));
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
        "refs/tags/main",
        &longest,
    ] {
        assert_eq!(event(meaning(good)).git_ref.as_str(), good);
    }
    for other in ["refs/pull/7/head", "refs/for/main", "refs/notes/commits", "refs/head/x"] {
        assert!(ignored(meaning(other)).contains("neither a branch nor a tag"), "{other}");
    }
    let too_long = format!("{longest}x");
    for bad in ["", "main", "refs/heads/a..b", "refs/heads/a b", "refs/heads/a\u{0}", &too_long] {
        malformed(meaning(bad));
    }
}

#[test]
fn a_title_is_one_short_line() {
    let title =
        |message: &str| event(push(|body| body["head_commit"]["message"] = json!(message))).title;
    assert_eq!(title("Fix\u{1b}[2J it\r\n\nBecause."), "Fix[2J it");
    assert_eq!(title(""), "");
    assert_eq!(title(&"é".repeat(500)).chars().count(), 200);
    let without = event(push(|body| body["head_commit"] = Value::Null));
    assert_eq!(without.title, "");
    let other = event(push(|body| body["head_commit"]["id"] = json!("a".repeat(40))));
    assert_eq!((other.title.as_str(), other.commit.short()), ("", "1b2c3d4e5f"));
}

#[test]
fn an_annotated_tag_means_the_commit_behind_it() {
    let tag = event(push(|body| {
        body["ref"] = json!("refs/tags/v2");
        body["before"] = json!("0".repeat(40));
        body["after"] = json!("7".repeat(40));
    }));
    assert_eq!(tag.commit.as_str(), "1b2c3d4e5f60718293a4b5c6d7e8f90123456789");
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
            "data:text/html,x",
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
}

#[test]
fn what_only_some_may_see_is_private() {
    let private = |private: bool, internal: Value| {
        let change = |body: &mut Value| {
            body["repository"]["private"] = json!(private);
            body["repository"]["internal"] = internal;
        };
        event(push(change)).repository.private
    };
    assert!(!private(false, json!(false)));
    assert!(private(true, json!(false)));
    assert!(private(false, json!(true)));
    malformed(push(|body| body["repository"]["private"] = Value::Null));
}

#[test]
fn whoever_pushed_is_named() {
    let sender = push(|body| {
        body["pusher"] = Value::Null;
        body["sender"]["login"] = json!("  bob\n");
    });
    assert_eq!(event(sender).actor, "bob");
    malformed(push(|body| (body["pusher"], body["sender"]) = (Value::Null, Value::Null)));
    malformed(push(|body| body["pusher"]["login"] = json!("")));
}

#[test]
fn a_list_of_commits_of_any_length_is_not_looked_at() {
    event(push(|body| body["commits"] = Value::Null));
    event(push(|body| body["commits"] = json!(vec![body["commits"][0].clone(); 3000])));
    event(push(|body| body["total_commits"] = json!(-1)));
}

#[test]
fn bodies_that_are_no_json_are_malformed() {
    let text = String::from_utf8(example("push.branch")).unwrap();
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let with = |field: &str| text.replacen('{', &format!("{{{field},"), 1).into_bytes();
    let bom = ["\u{feff}", &text].concat().into_bytes();
    for bad in [
        Vec::new(),
        b"\xff\xfe".to_vec(),
        bom,
        b"payload=%7B%7D".to_vec(),
        [text.as_bytes(), b"\0"].concat(),
        text.replace("\"Second\\n\"", "\"\\ud800\"").into_bytes(),
        with("\"ref\": \"refs/heads/other\""),
        text.replacen("\"refs/heads/main\"", &deep, 1).into_bytes(),
        with("\"sender\": 7"),
    ] {
        let reason = malformed(forge().interpret("push", &bad));
        assert!(!reason.is_empty() && reason.chars().count() <= 200, "{reason}");
        assert!(!reason.contains(char::is_control), "{reason:?}");
    }
    // In fields that nobody reads, anything goes.
    for fine in [
        with("\"id\": 123456789012345678901234567890"),
        with(&format!("\"unheard_of\": {deep}")),
        with("\"unheard_of\": 1, \"unheard_of\": 2"),
    ] {
        event(forge().interpret("push", &fine));
    }
}

#[test]
fn other_events_are_ignored_whatever_their_body() {
    for (event, reason) in [
        ("create", "told by a push"),
        ("pull_request_comment", "starts nothing"),
        ("issue_comment", "starts nothing"),
        ("\u{0}\u{202e}", "starts nothing"),
        ("", "starts nothing"),
    ] {
        assert!(ignored(forge().interpret(event, b"\xff")).contains(reason), "{event:?}");
    }
}
