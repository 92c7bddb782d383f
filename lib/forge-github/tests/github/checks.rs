//! What our side does to show checks, and what it does when that goes wrong.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use solstice_forge::conformance::World as _;
use solstice_forge::{
    Check, CheckAction, CheckDetails, CheckReport, CheckState, Forge as _, ForgeError, Retry,
};
use solstice_forge_github::{GitHubForge, Timeouts};
use solstice_model::{Annotation, AnnotationLevel, CommitSha};

use crate::world::fault::Fault;
use crate::world::state::Run;
use crate::world::{GitHub, connect, repository};

const CREATE: &str = "POST /repos/{owner}/{repo}/check-runs";
const UPDATE: &str = "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}";
const SUBJECT: &str = "0193f3b0-0000-7000-8000-000000000007";

fn report(state: CheckState) -> CheckReport {
    CheckReport {
        context: "solstice/CI/build #1 & more".to_owned(),
        state,
        description: "3 steps".to_owned(),
        target_url: "https://ci.example.org/jobs/7".parse().unwrap(),
    }
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn details(annotations: usize) -> CheckDetails {
    CheckDetails {
        started_at: Some(instant("2026-01-02T03:04:05.678Z")),
        completed_at: Some(instant("2026-01-02T03:05:00Z")),
        title: "2 of 3 steps".to_owned(),
        summary: "It went **well**.".to_owned(),
        text: "```\nok\n```".to_owned(),
        annotations: (0..annotations).map(remark).collect(),
        actions: vec![CheckAction::Rerun, CheckAction::RerunFailed],
    }
}

fn remark(number: usize) -> Annotation {
    Annotation {
        path: "src/a b.rs".to_owned(),
        line: u32::try_from(number).unwrap() + 1,
        end_line: u32::try_from(number).unwrap() + 1,
        column: Some(3),
        level: AnnotationLevel::Warning,
        title: String::new(),
        message: format!("remark {number}"),
    }
}

async fn tell(
    forge: &GitHubForge,
    commit: &CommitSha,
    subject: &str,
    state: CheckState,
    details: Option<&CheckDetails>,
) -> Result<(), ForgeError> {
    let (repository, report) = (repository(), report(state));
    let check = Check { repository: &repository, commit, subject, report: &report, details };
    forge.report(&check).await
}

/// The one run that there is.
fn only(world: &GitHub) -> Run {
    let runs = world.fake.state().runs.clone();
    assert_eq!(runs.len(), 1, "{runs:?}");
    runs[0].clone()
}

fn messages(run: &Run) -> Vec<String> {
    run.annotations.iter().map(|it| it["message"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_state_is_told_in_githubs_words() {
    let (world, commit) = GitHub::with_commit().await;
    for (state, status, conclusion) in [
        (CheckState::Pending, "queued", Value::Null),
        (CheckState::Running, "in_progress", Value::Null),
        (CheckState::ActionRequired, "completed", json!("action_required")),
        (CheckState::Success, "completed", json!("success")),
        (CheckState::Skipped, "completed", json!("skipped")),
        (CheckState::Failure, "completed", json!("failure")),
        (CheckState::TimedOut, "completed", json!("timed_out")),
        (CheckState::Cancelled, "completed", json!("cancelled")),
        (CheckState::Error, "completed", json!("cancelled")),
        // A run that was over may begin again.
        (CheckState::Pending, "queued", Value::Null),
    ] {
        tell(&world.forge, &commit, SUBJECT, state, Some(&details(0))).await.unwrap();
        let run = only(&world).fields;
        assert_eq!((run["status"].as_str(), &run["conclusion"]), (Some(status), &conclusion));
    }
    let run = only(&world).fields;
    assert_eq!(run["name"], "solstice/CI/build #1 & more");
    assert_eq!(run["external_id"], SUBJECT);
    assert_eq!(run["details_url"], "https://ci.example.org/jobs/7");
    let titles: BTreeSet<_> =
        world.shown(&commit).await.into_iter().map(|it| it.description).collect();
    assert_eq!(titles, ["2 of 3 steps".to_owned()].into());
    world.assert_well_used().await;
}

#[tokio::test]
async fn what_could_not_be_run_says_so() {
    let (world, commit) = GitHub::with_commit().await;
    tell(&world.forge, &commit, SUBJECT, CheckState::Error, None).await.unwrap();
    let run = only(&world).fields;
    assert_eq!(run["output"]["title"], "Could not be run: 3 steps");
    assert_eq!(run["conclusion"], "cancelled");
}

#[tokio::test]
async fn times_and_buttons_are_told_where_they_belong() {
    let (world, commit) = GitHub::with_commit().await;
    let details = details(0);
    let mut told = Vec::new();
    for state in [CheckState::Pending, CheckState::Running, CheckState::Failure] {
        tell(&world.forge, &commit, SUBJECT, state, Some(&details)).await.unwrap();
        told.push(world.fake.requests().last().unwrap().body.clone());
    }
    let fields = |body: &Value, names: &[&str]| {
        names.iter().map(|name| body[*name].clone()).collect::<Vec<_>>()
    };
    let names = ["started_at", "completed_at", "actions"];
    let (started, completed) = (json!("2026-01-02T03:04:05Z"), json!("2026-01-02T03:05:00Z"));
    assert_eq!(fields(&told[0], &names), vec![Value::Null; 3]);
    assert_eq!(fields(&told[1], &names), [started.clone(), Value::Null, Value::Null]);
    let actions = told[2]["actions"].clone();
    assert_eq!(fields(&told[2], &names), [started, completed, actions.clone()]);
    let identifiers: Vec<_> =
        actions.as_array().unwrap().iter().map(|it| &it["identifier"]).collect();
    assert_eq!(identifiers, ["rerun", "rerun_failed"]);
}

#[tokio::test]
async fn three_hundred_annotations_are_told_once_each() {
    let (world, commit) = GitHub::with_commit().await;
    let details = details(300);
    for _ in 0..2 {
        tell(&world.forge, &commit, SUBJECT, CheckState::Failure, Some(&details)).await.unwrap();
    }
    // As after a restart, when nothing is remembered.
    let restarted = connect(&world.fake, Timeouts::default());
    tell(&restarted, &commit, SUBJECT, CheckState::Failure, Some(&details)).await.unwrap();
    let expected: Vec<_> = (0..300).map(|number| format!("remark {number}")).collect();
    assert_eq!(messages(&only(&world)), expected);
    let writes = world.fake.requests_like("P").len() - world.fake.requests_like("POST /app").len();
    assert_eq!(writes, 6 + 1 + 1);
    world.assert_well_used().await;
}

#[tokio::test]
async fn annotations_grow_with_each_report() {
    let (world, commit) = GitHub::with_commit().await;
    for count in [0, 1, 50, 51, 101, 101] {
        let details = details(count);
        tell(&world.forge, &commit, SUBJECT, CheckState::Running, Some(&details)).await.unwrap();
        assert_eq!(only(&world).annotations.len(), count);
    }
    world.assert_well_used().await;
}

#[tokio::test]
async fn a_lost_answer_makes_no_second_run_and_no_annotation_twice() {
    let (world, commit) = GitHub::with_commit().await;
    let details = details(120);
    let state = CheckState::Failure;
    // The answer to each of the three requests is lost once.
    for operation in [CREATE, UPDATE, UPDATE] {
        world.fake.fail(Some(operation), Fault::Lost);
        let error = tell(&world.forge, &commit, SUBJECT, state, Some(&details)).await.unwrap_err();
        assert!(matches!(error, ForgeError::Unreachable { .. }), "{error:?}");
        assert_eq!(error.retry(), Retry::Backoff);
    }
    tell(&world.forge, &commit, SUBJECT, state, Some(&details)).await.unwrap();
    let expected: Vec<_> = (0..120).map(|number| format!("remark {number}")).collect();
    assert_eq!(messages(&only(&world)), expected);
    world.assert_well_used().await;
}

#[tokio::test]
async fn what_a_lost_answer_changed_is_asked_for_and_not_remembered() {
    let (world, commit) = GitHub::with_commit().await;
    let state = CheckState::Running;
    tell(&world.forge, &commit, SUBJECT, state, Some(&details(10))).await.unwrap();
    world.fake.fail(Some(UPDATE), Fault::Lost);
    tell(&world.forge, &commit, SUBJECT, state, Some(&details(30))).await.unwrap_err();
    tell(&world.forge, &commit, SUBJECT, state, Some(&details(31))).await.unwrap();
    let expected: Vec<_> = (0..31).map(|number| format!("remark {number}")).collect();
    assert_eq!(messages(&only(&world)), expected);
}

#[tokio::test]
async fn a_server_error_makes_no_second_run() {
    let (world, commit) = GitHub::with_commit().await;
    world.fake.fail(Some(CREATE), Fault::status(500));
    let state = CheckState::Pending;
    let error = tell(&world.forge, &commit, SUBJECT, state, None).await.unwrap_err();
    assert!(matches!(error, ForgeError::Refused { status: 500, .. }), "{error:?}");
    tell(&world.forge, &commit, SUBJECT, state, None).await.unwrap();
    only(&world);
    // Each was sent once: repeating is the outbox's.
    assert_eq!(world.fake.requests_like("POST /repos").len(), 2);
}

#[tokio::test]
async fn subjects_and_commits_have_runs_of_their_own() {
    let (world, commit) = GitHub::with_commit().await;
    let other = world.commit(&[]).await;
    for _ in 0..2 {
        for (commit, subject) in [(&commit, "a"), (&commit, "b"), (&other, "a")] {
            tell(&world.forge, commit, subject, CheckState::Pending, None).await.unwrap();
        }
    }
    assert_eq!(world.fake.state().runs.len(), 3);
    // What is remembered is not asked for.
    assert_eq!(world.fake.requests_like("GET /repos/alice/widgets/commits").len(), 3);
}

#[tokio::test]
async fn two_reports_at_once_make_one_run() {
    let (world, commit) = GitHub::with_commit().await;
    let (one, two) = tokio::join!(
        tell(&world.forge, &commit, SUBJECT, CheckState::Pending, None),
        tell(&world.forge, &commit, SUBJECT, CheckState::Pending, None),
    );
    one.unwrap();
    two.unwrap();
    only(&world);
}

#[tokio::test]
async fn a_run_is_found_among_hundreds_of_its_name() {
    let (world, commit) = GitHub::with_commit().await;
    for number in 0..230 {
        let told = json!({ "name": report(CheckState::Pending).context, "head_sha": commit,
            "external_id": format!("job {number}"), "details_url": "https://ci.example.org/",
            "status": "queued", "output": { "title": "t", "summary": "s" } });
        world.fake.state().tell(None, &told);
    }
    tell(&world.forge, &commit, "job 3", CheckState::Running, None).await.unwrap();
    let state = world.fake.state();
    assert_eq!((state.runs.len(), &state.runs[3].fields["status"]), (230, &json!("in_progress")));
}

#[tokio::test]
async fn a_run_that_is_gone_is_made_anew() {
    let (world, commit) = GitHub::with_commit().await;
    tell(&world.forge, &commit, SUBJECT, CheckState::Pending, None).await.unwrap();
    world.fake.state().runs.clear();
    tell(&world.forge, &commit, SUBJECT, CheckState::Success, None).await.unwrap();
    assert_eq!(only(&world).fields["conclusion"], "success");
}

#[tokio::test]
async fn texts_are_cut_to_what_github_takes() {
    let (world, commit) = GitHub::with_commit().await;
    let mut long = details(0);
    // A character of four bytes lies across the limit.
    long.text = format!("x{}", "🚀".repeat(5 * 1024 * 1024 / 4));
    long.summary = "ü".repeat(40_000);
    long.title = format!("two\nlines {}", "🚀".repeat(1000));
    let mut remark = remark(0);
    (remark.end_line, remark.title) = (9, "é".repeat(300));
    long.annotations = vec![remark];
    tell(&world.forge, &commit, SUBJECT, CheckState::Success, Some(&long)).await.unwrap();
    let run = only(&world);
    let output = &run.fields["output"];
    assert_eq!(output["text"].as_str().unwrap().len(), 65_533);
    assert_eq!(output["summary"].as_str().unwrap().len(), 65_534);
    assert!(output["title"].as_str().unwrap().starts_with("two lines 🚀"));
    let remark = &run.annotations[0];
    assert_eq!(remark["title"].as_str().unwrap().chars().count(), 255);
    assert_eq!((&remark["start_column"], &remark["end_line"]), (&Value::Null, &json!(9)));
    world.assert_well_used().await;
}

#[tokio::test]
async fn the_pace_keeps_within_githubs_limits() {
    let world = GitHub::new().await;
    let pace = world.forge.pace();
    assert!(pace.details);
    assert_eq!((pace.per_minute, pace.per_hour), (Some(80), Some(500)));
    assert_eq!(pace.progress.as_secs(), 10);
}
