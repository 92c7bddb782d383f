//! What forges are shown, as files to be read, and what cannot happen to it.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use solstice_api::user::{Job, RunStatus};
use solstice_forge::MAX_ACTIONS;
use solstice_model::{
    AnnotationCounts, AnnotationLevel, Exit, JobSpec, Outcome, RunId, StepSpec, StepWhen,
    id::new_id,
};

use super::super::tail;
use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

fn step(name: &str) -> StepSpec {
    StepSpec {
        name: name.to_owned(),
        run: String::new(),
        shell: Vec::new(),
        working_dir: None,
        env: BTreeMap::new(),
        timeout_s: None,
        when: StepWhen::OnSuccess,
        continue_on_error: false,
        retries: 0,
    }
}

fn spec(steps: &[&str]) -> JobSpec {
    JobSpec {
        name: "build".parse().unwrap(),
        matrix: None,
        runs_on: "illumos".parse().unwrap(),
        size: None,
        needs: Vec::new(),
        unmet: None,
        env: BTreeMap::new(),
        timeout_s: 60,
        retries: 0,
        continue_on_error: false,
        priority: 0,
        steps: steps.iter().map(|name| step(name)).collect(),
        artifacts: Vec::new(),
    }
}

fn run() -> Run {
    Run {
        id: new_id(),
        forge: "forge".parse().unwrap(),
        repository: "ada/engine".parse().unwrap(),
        commit: "a1".repeat(20).parse().unwrap(),
        event: solstice_model::EventKind::Push,
        pull_request: None,
        git_ref: "refs/heads/main".parse().unwrap(),
        title: "Title".to_owned(),
        actor: "ada".to_owned(),
        file: ".solstice/ci.kdl".to_owned(),
        workflow: "CI".to_owned(),
        problem: None,
        approval: None,
        status: RunStatus::Failed,
        created_at: at(0),
        finished_at: Some(at(1)),
    }
}

fn job(run: RunId, spec: &JobSpec, state: JobState) -> Job {
    Job {
        id: new_id(),
        run,
        name: spec.name.clone(),
        runs_on: spec.runs_on.clone(),
        size: None,
        matrix: None,
        needs: Vec::new(),
        continue_on_error: false,
        priority: 0,
        rerun: 0,
        replaced_by: None,
        state,
        queued_at: at(0),
        claimed_at: Some(at(50)),
        started_at: Some(at(90)),
        finished_at: Some(at(300)),
        annotations: AnnotationCounts::default(),
    }
}

fn attempt(number: u32, lost: Option<&str>) -> Attempt {
    Attempt {
        id: new_id(),
        number,
        host: "host-1".parse().unwrap(),
        claimed_at: at(50),
        ended_at: Some(at(300)),
        lost: lost.map(str::to_owned),
        verdict: None,
        phases: Vec::new(),
    }
}

fn begun(index: u32, name: &str, took: Option<i64>, exit: Option<Exit>) -> Step {
    let finished_at = took.map(|took| at(100) + TimeDelta::seconds(took));
    Step { index, name: name.to_owned(), started_at: at(100), finished_at, exit, tries: 1 }
}

fn exit(code: u8) -> Option<Exit> {
    Some(Exit::Code { code })
}

fn report(state: CheckState, description: &str) -> CheckReport {
    CheckReport {
        context: "solstice/CI/build".to_owned(),
        state,
        description: description.to_owned(),
        target_url: "https://ci.example/jobs/1".parse().unwrap(),
    }
}

/// A job that failed in the second of three steps.
fn failed(names: [&str; 3]) -> JobDetail {
    let (spec, run) = (spec(&names), run());
    let outcome = Outcome::Failed { step: 1, exit: Exit::Code { code: 2 } };
    let job = job(run.id, &spec, JobState::Finished { outcome });
    let attempts = vec![attempt(1, Some("host host-1 did not report in time")), attempt(2, None)];
    let steps = vec![begun(0, names[0], Some(3), exit(0)), begun(1, names[1], Some(187), exit(2))];
    JobDetail { job, run, spec, attempts, steps }
}

fn of(detail: &JobDetail, report: &CheckReport, log: &[u8]) -> CheckDetails {
    let tail = &tail::clean(log);
    of_job(Material { report, detail, tail, annotations: Vec::new(), omitted: 0 })
}

/// All of it, as a file to be read.
fn page(details: &CheckDetails) -> String {
    let CheckDetails { started_at, completed_at, title, summary, text, annotations, actions } =
        details;
    format!(
        "title: {title}\nfrom {started_at:?}\nto {completed_at:?}\nactions: {actions:?}\n\
         annotations: {}\n--- summary\n{summary}--- text\n{text}",
        annotations.len()
    )
}

fn golden(name: &str, details: &CheckDetails) {
    expectorate::assert_contents(format!("tests/golden/{name}.md"), &page(details));
}

const HOSTILE: &[u8] = b"\x1b[31mred\x1b[0m @alice, see #1 \xf0\x9f\xa6\x80\n\
    ```\n<img src=x onerror=alert(1)>\n`````js\n[click](javascript:x)\0\x07\n</details>\n~~~~\n\
    \xff\xfe not UTF-8\n10%\r100%\n\xe2\x80\xaeturned";

#[test]
fn a_job_that_failed() {
    let details = failed(["Build", "Test", "Publish"]);
    let report = report(CheckState::Failure, "step 2 “Test” failed: exit status 2");
    golden("failed", &of(&details, &report, b"=== step 2: Test\nassertion failed\n"));
}

#[test]
fn a_job_whose_author_and_programs_mean_ill() {
    let details = failed(["@alice | `x` ``y", "<img src=x>\n| a | b |", "![](http://x)"]);
    let said = "step 2 “<img src=x> @bob” failed: exit status 2";
    golden("hostile", &of(&details, &report(CheckState::Failure, said), HOSTILE));
}

#[test]
fn a_job_that_runs() {
    let mut detail = failed(["Build", "Test", "Publish"]);
    let held = solstice_model::job::Holding {
        attempt: detail.attempts[1].id,
        host: "host-1".parse().unwrap(),
    };
    detail.job.state = JobState::Running(held);
    detail.job.finished_at = None;
    detail.steps[1] = begun(1, "Test", None, None);
    let report = report(CheckState::Running, "step 2/3 “Test” at host-1");
    golden("running", &of(&detail, &report, b"so far\n"));
}

#[test]
fn a_job_that_waits_for_an_approval() {
    let mut detail = failed(["Build", "Test", "Publish"]);
    detail.job = job(detail.run.id, &detail.spec, JobState::Queued);
    (detail.job.started_at, detail.job.finished_at) = (None, None);
    (detail.attempts, detail.steps) = (Vec::new(), Vec::new());
    let report = report(CheckState::ActionRequired, "waiting for somebody's approval");
    golden("approval", &of(&detail, &report, b""));
}

#[test]
fn a_workflow_that_is_broken() {
    let mut run = run();
    run.problem = Some(
        ".solstice/ci.kdl:2:5: `job` has no property `run_on`\n    2 | ```@alice\x1b[31m\n"
            .to_owned(),
    );
    let report = report(CheckState::Failure, "`job` has no property `run_on`");
    let annotation = Annotation {
        path: ".solstice/ci.kdl".to_owned(),
        line: 2,
        end_line: 2,
        column: Some(5),
        level: AnnotationLevel::Failure,
        title: String::new(),
        message: "`job` has no property `run_on`".to_owned(),
    };
    golden("broken", &of_broken_run(&report, &run, vec![annotation]));
}

#[test]
fn whatever_there_is_the_limits_are_kept_and_the_end_of_the_log_stays() {
    let long = "`|🦀\n".repeat(200);
    let mut detail = failed(["a", "b", "c"]);
    detail.spec = spec(&vec![long.as_str(); 900]);
    detail.steps = (0..800).map(|index| begun(index, &long, Some(1), exit(1))).collect();
    detail.attempts = (1..=500).map(|number| attempt(number, Some(&long))).collect();
    let report = report(CheckState::Failure, &"x".repeat(140));
    for fill in ["`".repeat(100_000), "🦀".repeat(40_000), "```\n".repeat(30_000)] {
        for shift in 0..4 {
            let log = format!("{}{fill}\nthe end", "x".repeat(shift));
            let details = of(&detail, &report, log.as_bytes());
            let summary = &details.summary;
            assert!(summary.len() <= MAX_DETAIL_BYTES && details.text.len() <= MAX_DETAIL_BYTES);
            assert!(summary.contains("\nthe end\n`"), "the end of the log is there");
            assert!(summary.contains("| 800 |"), "so is the last step");
            assert!(summary.ends_with("(<https://ci.example/jobs/1>)\n"), "nothing was cut off");
            assert!(details.title.chars().count() <= 255 && !details.title.contains('\n'));
        }
    }
}

#[test]
fn a_fence_holds_whatever_is_written() {
    let details = failed(["a", "b", "c"]);
    let report = report(CheckState::Failure, "failed");
    let summary = of(&details, &report, HOSTILE).summary;
    let fence =
        summary.lines().find(|line| line.ends_with("text")).unwrap().trim_end_matches("text");
    let (_, inside) = summary.split_once(&format!("{fence}text\n")).unwrap();
    let (inside, after) = inside.split_once(&format!("\n{fence}\n")).unwrap();
    assert_eq!(inside.lines().count(), HOSTILE.split(|byte| *byte == b'\n').count());
    assert!(!inside.contains(fence) && !after.contains("@alice"));
    assert!(!summary.contains(|c: char| c.is_control() && c != '\n'));
}

#[test]
fn the_buttons_are_few_and_only_where_they_mean_something() {
    for state in CheckState::ALL {
        let buttons = actions(state);
        assert!(buttons.len() <= MAX_ACTIONS);
        let shown = state.is_over() || state == CheckState::ActionRequired;
        assert!(buttons.is_empty() || shown, "{state:?}");
    }
    assert!(actions(CheckState::Success).is_empty());
}
