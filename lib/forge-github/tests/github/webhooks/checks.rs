//! What the bodies of check suites and check runs may hold.

use serde_json::{Value, json};
use solstice_forge::{CheckAction, CheckRequest, Event};

use super::{event, ignored, malformed, meaning};
use crate::world::state::APP_ID;

const SUBJECT: &str = "0193f3b0-0000-7000-8000-000000000007";

fn asked(meaning: solstice_forge::Interpretation) -> CheckRequest {
    match event(meaning) {
        Event::CheckRequest(request) => request,
        other => panic!("{other:?}"),
    }
}

/// A run that we made.
fn run(name: &str, change: impl FnOnce(&mut Value)) -> solstice_forge::Interpretation {
    meaning(name, |body| {
        body["check_run"]["app"]["id"] = json!(APP_ID);
        body["check_run"]["external_id"] = json!(SUBJECT);
        change(body);
    })
}

#[test]
fn a_suite_that_is_requested_is_a_push() {
    let suite = |change: fn(&mut Value)| {
        meaning("check_suite.requested", |body| change(&mut body["check_suite"]))
    };
    let Event::Push(push) = event(suite(|_| {})) else { panic!() };
    assert_eq!(push.git_ref.as_str(), "refs/heads/master");
    assert_eq!((push.commit.short(), push.title.as_str()), ("f95f852bd8", "Add new gemfile"));
    assert_eq!(push.before.unwrap().short(), "6113728f27");
    let Event::Push(push) = event(suite(|it| it["before"] = json!("0".repeat(40)))) else {
        panic!()
    };
    assert_eq!(push.before, None);
    let Event::Push(push) = event(suite(|it| it["before"] = Value::Null)) else { panic!() };
    assert_eq!(push.before, None);
    assert!(ignored(suite(|it| it["head_branch"] = Value::Null)).contains("pull request"));
    assert!(ignored(suite(|it| it["app"]["id"] = json!(7))).contains("another App"));
    malformed(suite(|it| it["app"] = Value::Null));
    malformed(suite(|it| it["head_branch"] = json!("a..b")));
    malformed(suite(|it| it["head_sha"] = json!("HEAD")));
}

#[test]
fn a_suite_that_is_wanted_again_is_all_checks_of_its_commit() {
    let again = asked(meaning("check_suite.rerequested", |_| {}));
    assert_eq!((again.subject, again.action), (None, CheckAction::Rerun));
    assert_eq!(again.actor, "octocoders-linter[bot]");
    let of_a_fork = |body: &mut Value| body["check_suite"]["head_branch"] = Value::Null;
    assert_eq!(asked(meaning("check_suite.rerequested", of_a_fork)).subject, None);
    let foreign = |body: &mut Value| body["check_suite"]["app"]["id"] = json!(7);
    assert!(ignored(meaning("check_suite.rerequested", foreign)).contains("another App"));
    let completed = |body: &mut Value| body["action"] = json!("completed");
    ignored(meaning("check_suite.requested", completed));
}

#[test]
fn a_button_names_the_check_and_what_is_wanted() {
    let again = asked(run("check_run.rerequested", |_| {}));
    assert_eq!((again.subject.as_deref(), again.action), (Some(SUBJECT), CheckAction::Rerun));
    for action in CheckAction::ALL {
        let pressed = asked(run("check_run.requested_action", |body| {
            body["requested_action"]["identifier"] = json!(action.identifier());
        }));
        assert_eq!((pressed.subject.as_deref(), pressed.action), (Some(SUBJECT), action));
    }
}

#[test]
fn what_is_none_of_ours_is_ignored() {
    for name in ["check_run.rerequested", "check_run.requested_action"] {
        let approve = json!({ "identifier": "approve" });
        let run = |change: &dyn Fn(&mut Value)| {
            run(name, |body| {
                body["requested_action"] = approve.clone();
                change(body);
            })
        };
        asked(run(&|_| {}));
        ignored(run(&|body| body["check_run"]["app"]["id"] = json!(7)));
        for foreign in [json!(""), json!(null), json!("x".repeat(65)), json!("ä"), json!("a b")] {
            ignored(run(&|body| body["check_run"]["external_id"] = foreign.clone()));
        }
        ignored(run(&|body| body["action"] = json!("completed")));
        malformed(run(&|body| body["sender"] = Value::Null));
        malformed(run(&|body| body["check_run"]["head_sha"] = json!("x")));
    }
    for foreign in ["", "Approve", "delete_everything"] {
        let pressed = run("check_run.requested_action", |body| {
            body["requested_action"]["identifier"] = json!(foreign);
        });
        assert!(ignored(pressed).contains("none of ours"), "{foreign}");
    }
    let nothing = |body: &mut Value| body["requested_action"] = Value::Null;
    ignored(run("check_run.requested_action", nothing));
}
