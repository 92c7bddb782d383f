//! How reports are sent, and how often.

use std::collections::BTreeMap;

use solstice_forge::fake::Fault;
use solstice_forge::{CheckAction, CheckState, Pace};
use solstice_model::{AgentVerdict, CommitSha, Exit, RecordBody, Stream};

use super::*;
use crate::bench::{Bench, CI};

#[test]
fn what_an_operator_can_mend_is_tried_again() {
    let refused = |status| ForgeError::Refused {
        what: "POST".to_owned(),
        status,
        message: String::new(),
        retry: Retry::Never,
    };
    assert_eq!(patience(&refused(403)), Retry::Backoff);
    assert_eq!(patience(&refused(404)), Retry::Backoff);
    assert_eq!(patience(&refused(422)), Retry::Never);
}

#[test]
fn pauses_grow_up_to_a_bound_and_obey_the_forge() {
    let seconds = |retry, tries| pause(retry, tries).map(|pause| pause.num_seconds());
    assert_eq!(seconds(Retry::Backoff, 0), Some(1));
    assert_eq!(seconds(Retry::Backoff, 3), Some(8));
    assert_eq!(seconds(Retry::Backoff, 1000), Some(600));
    assert_eq!(seconds(Retry::After(Duration::from_secs(90)), 0), Some(90));
    assert_eq!(seconds(Retry::After(Duration::ZERO), 5), Some(1));
    assert_eq!(seconds(Retry::After(Duration::from_secs(1 << 40)), 0), Some(3600));
    assert_eq!(seconds(Retry::Never, 0), None);
}

/// A workflow with so many jobs.
fn jobs(count: usize) -> String {
    let jobs = (0..count).map(|job| {
        format!("job id=\"j{job}\" runs_on=\"illumos\" {{ step name=\"Test\" run=\"true\"; }}\n")
    });
    format!("workflow name=\"CI\" {{\n{}}}", jobs.collect::<String>())
}

fn output(line: &str) -> RecordBody {
    let (stream, chunk) = (Stream::Stdout, line.into());
    RecordBody::Output { step: 0, stream, chunk, newline: true }
}

fn failed() -> RecordBody {
    let verdict = AgentVerdict::Failed { step: 0, exit: Exit::Code { code: 2 } };
    RecordBody::Finished { verdict }
}

fn pace(progress: u64, per_minute: Option<u32>, per_hour: Option<u32>) -> Pace {
    let progress = Duration::from_secs(progress);
    Pace { details: true, annotations: Some(50), progress, per_minute, per_hour }
}

fn shown(bench: &Bench, commit: &CommitSha) -> BTreeMap<String, CheckState> {
    let shown = bench.forge.shown(commit).into_iter();
    shown.map(|report| (report.context, report.state)).collect()
}

#[tokio::test]
async fn a_failure_is_shown_with_its_steps_its_log_and_its_buttons() {
    let bench = Bench::new();
    let (_, commit) = bench.pushed("refs/heads/main", CI).await;
    let attempt = bench
        .work(vec![RecordBody::StepStarted { step: 0 }, output("\u{1b}[31m@alice ``` <img>")])
        .await;
    let reports = bench.reports();
    reports.activate().await;
    bench.clock.advance(TimeDelta::seconds(7));
    let exit = Exit::Code { code: 2 };
    bench.go_on(attempt, vec![RecordBody::StepFinished { step: 0, exit }, failed()]).await;
    reports.activate().await;
    let told = bench.forge.reported();
    let details: Vec<_> = told.iter().map(|one| one.details.clone().unwrap()).collect();
    assert_eq!(told[0].report.description, "step 1/1 “Test” at host-1");
    assert_eq!(details[0].title, "step 1/1: Test");
    assert_eq!((details[0].completed_at, details[0].actions.len()), (None, 0));
    assert_eq!(told[1].report.state, CheckState::Failure);
    assert_eq!(details[1].title, "step 1 “Test” failed: exit status 2");
    let took = details[1].completed_at.unwrap() - details[1].started_at.unwrap();
    assert_eq!(took, TimeDelta::seconds(7));
    assert_eq!(details[1].actions, [CheckAction::Rerun, CheckAction::RerunFailed]);
    assert!(details[1].summary.contains("| 1 | ` Test ` | ` exit status 2 ` | 7.0 s |"));
    assert!(details[1].summary.contains("````text\n=== step 1: Test\n@alice ``` <img>\n````\n"));
    assert_eq!(shown(&bench, &commit)["solstice/CI/build"], CheckState::Failure);
    assert_eq!(bench.forge.misuse(), Vec::<String>::new());
}

#[tokio::test]
async fn a_broken_workflow_is_shown_with_its_diagnostics() {
    let bench = Bench::new();
    bench.pushed("refs/heads/main", "workflow { jobb id=\"@alice\"; }").await;
    bench.reports().activate().await;
    let told = bench.forge.reported().remove(0);
    let details = told.details.unwrap();
    assert!(details.summary.contains("```text\n.solstice/ci.kdl:1:12:"), "{}", details.summary);
    assert!(details.actions.is_empty() && details.completed_at.is_some());
    let place = &details.annotations[0];
    assert_eq!((place.path.as_str(), place.line, place.column), (".solstice/ci.kdl", 1, Some(12)));
    assert_eq!(bench.forge.misuse(), Vec::<String>::new());
}

#[tokio::test]
async fn what_goes_on_is_told_no_more_often_than_the_pace_and_its_end_at_once() {
    let bench = Bench::new();
    bench.forge.set_pace(pace(10, None, None));
    let (_, commit) = bench.pushed("refs/heads/main", CI).await;
    let reports = bench.reports();
    reports.activate().await;
    let attempt = bench.work(vec![RecordBody::StepStarted { step: 0 }]).await;
    bench.clock.advance(TimeDelta::seconds(3));
    let next = reports.activate().await;
    assert_eq!(bench.forge.reported().len(), 1, "too early");
    assert!(matches!(next, Next::After(pause) if pause.as_secs() == 7), "{next:?}");
    bench.clock.advance(TimeDelta::seconds(8));
    reports.activate().await;
    let states = || bench.forge.states(&commit, "solstice/CI/build");
    assert_eq!(states(), [CheckState::Pending, CheckState::Running]);
    bench.go_on(attempt, vec![failed()]).await;
    assert_eq!(reports.activate().await, Next::Idle);
    assert_eq!(states().last(), Some(&CheckState::Failure));
}

#[tokio::test]
async fn a_run_of_forty_jobs_stays_within_the_pace_and_ends_come_first() {
    let bench = Bench::new();
    bench.forge.set_pace(pace(0, Some(6), Some(100)));
    let (_, commit) = bench.pushed("refs/heads/main", &jobs(40)).await;
    let reports = bench.reports();
    let mut sent: Vec<i64> = Vec::new();
    let mut seconds = 0;
    while bench.store.counts().await.unwrap().unreported > 0 {
        assert!(seconds < 3600, "it comes to an end");
        let before = bench.forge.calls();
        reports.activate().await;
        sent.extend(std::iter::repeat_n(seconds, bench.forge.calls() - before));
        if seconds == 60 {
            bench.work(vec![failed()]).await;
            reports.activate().await;
        }
        if seconds == 120 {
            let newest = bench.forge.reported();
            assert!(
                newest[newest.len() - 6..].iter().any(|it| it.report.state == CheckState::Failure),
                "the end overtakes what waits"
            );
        }
        seconds += 10;
        bench.clock.advance(TimeDelta::seconds(10));
    }
    for begin in (0..seconds).step_by(10) {
        let within = sent.iter().filter(|at| (begin..begin + 60).contains(*at)).count();
        assert!(within <= 6, "{within} in the minute from {begin} s on");
    }
    assert_eq!(sent.len(), 41, "each check once, and the end of one that was shown before");
    assert_eq!(shown(&bench, &commit).len(), 40);
}

#[tokio::test]
async fn one_owner_who_is_to_wait_keeps_no_other_waiting() {
    let mut bench = Bench::new();
    let (_, first) = bench.pushed("refs/heads/main", &jobs(9)).await;
    bench.forge.fail_next(1, Fault::Status(403, Some(Duration::from_secs(90))));
    let reports = bench.reports();
    reports.activate().await;
    let told = bench.forge.reported().len();
    assert!(told < CONCURRENCY, "at most those that were on their way: {told}");
    bench.repository = bench.forge.add_repository("bob/other");
    let (_, second) = bench.pushed("refs/heads/main", CI).await;
    let calls = bench.forge.calls();
    let next = reports.activate().await;
    assert_eq!(bench.forge.calls(), calls + 1);
    assert_eq!(bench.forge.shown(&second).len(), 1);
    assert!(matches!(next, Next::After(pause) if pause.as_secs() == 90), "{next:?}");
    bench.clock.advance(TimeDelta::seconds(91));
    reports.activate().await;
    assert_eq!(bench.forge.shown(&first).len(), 9);
}

#[tokio::test]
async fn an_hour_without_the_forge_loses_nothing_and_ends_with_the_truth() {
    let bench = Bench::new();
    bench.forge.set_pace(pace(10, Some(30), None));
    let (_, commit) = bench.pushed("refs/heads/main", &jobs(8)).await;
    bench.forge.go_down();
    let reports = bench.reports();
    let mut attempts = Vec::new();
    for _ in 0..8 {
        attempts.push(bench.work(vec![RecordBody::StepStarted { step: 0 }]).await);
    }
    for minute in 0..60 {
        reports.activate().await;
        if minute == 30 {
            for (index, attempt) in attempts.iter().enumerate() {
                let verdict = match index % 2 {
                    0 => RecordBody::Finished { verdict: AgentVerdict::Succeeded },
                    _ => failed(),
                };
                bench.go_on(*attempt, vec![verdict]).await;
            }
        }
        bench.clock.advance(TimeDelta::minutes(1));
    }
    assert!(bench.forge.reported().is_empty());
    bench.forge.come_up();
    bench.forge.fail_next(2, Fault::AnswerLost);
    bench.forge.fail_next(1, Fault::Status(500, None));
    for _ in 0..30 {
        reports.activate().await;
        bench.clock.advance(TimeDelta::minutes(1));
    }
    assert_eq!(bench.store.counts().await.unwrap().unreported, 0);
    let shown = shown(&bench, &commit);
    let good = shown.values().filter(|state| **state == CheckState::Success).count();
    let bad = shown.values().filter(|state| **state == CheckState::Failure).count();
    assert_eq!((shown.len(), good, bad), (8, 4, 4));
    assert!(bench.forge.reported().iter().all(|it| it.report.state.is_over()), "no old news");
    assert!(bench.forge.reported().len() <= 10, "two answers were lost");
}

#[tokio::test]
async fn a_log_that_is_gone_does_not_keep_the_outcome_back() {
    let bench = Bench::new();
    let (_, commit) = bench.pushed("refs/heads/main", CI).await;
    let attempt = bench.work(vec![output("x"), failed()]).await;
    bench.logs.remove(attempt).await.unwrap();
    bench.reports().activate().await;
    assert_eq!(shown(&bench, &commit)["solstice/CI/build"], CheckState::Failure);
}

#[tokio::test]
async fn only_the_end_of_a_long_log_is_read_and_all_of_it_fits() {
    let bench = Bench::new();
    bench.pushed("refs/heads/main", CI).await;
    let lines = (0..3000).map(|line| output(&format!("{line}{}", "`".repeat(400))));
    let attempt = bench.work(lines.collect()).await;
    bench.go_on(attempt, vec![output("the very last line"), failed()]).await;
    bench.reports().activate().await;
    let details = bench.forge.reported().remove(0).details.unwrap();
    assert!(details.summary.contains("the very last line\n`"));
    assert!(!details.summary.contains("\n2000`"));
    assert_eq!(bench.forge.misuse(), Vec::<String>::new());
}
