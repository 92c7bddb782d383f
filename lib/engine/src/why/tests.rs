//! Every state, as people read it; the texts are in `tests/golden/why.txt`.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use solstice_api::host::Phase;
use solstice_api::user::{
    Approval, Attempt, Confidence, DeliveryWhy, Host, Job, JobWhy, Run, RunStatus, Step,
};
use solstice_model::job::Holding;
use solstice_model::{
    Annotation, AnnotationLevel, EventKind, Exit, Grounds, JobLines, JobSpec, JobState, Need,
    NeededOutcome, Outcome, SkipReason, StepLines, StepSpec, StepWhen, TimeLimit,
};
use solstice_store::{NeedFact, QueueFacts};

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

/// Ids that are the same each time.
fn id<T: std::str::FromStr>(number: u8) -> T
where
    T::Err: std::fmt::Debug,
{
    format!("01a1fc2b-0000-7000-8000-0000000000{number:02x}").parse().unwrap()
}

fn story() -> Story {
    let run = Run {
        id: id(1),
        forge: "forge".parse().unwrap(),
        repository: "ada/engine".parse().unwrap(),
        commit: "a1".repeat(20).parse().unwrap(),
        event: EventKind::Push,
        pull_request: None,
        git_ref: "refs/heads/main".parse().unwrap(),
        title: "Title".to_owned(),
        actor: "ada".to_owned(),
        file: ".solstice/ci.kdl".to_owned(),
        workflow: "CI".to_owned(),
        problem: None,
        status: RunStatus::Running,
        created_at: at(0),
        finished_at: None,
        approval: None,
    };
    let steps = vec![StepLines { step: 7, timeout: None }, StepLines { step: 8, timeout: Some(9) }];
    let lines = JobLines {
        job: 5,
        runs_on: Some(5),
        condition: Some(6),
        timeout: Some(5),
        needs: [("lint".parse().unwrap(), 5)].into(),
        steps,
    };
    let delivery = DeliveryWhy {
        id: id(2),
        forge: run.forge.clone(),
        event: "push".to_owned(),
        received_at: at(-1),
        verdict: "runs".to_owned(),
        reason: None,
        runs: vec![run.id],
    };
    Story {
        run,
        html_url: "https://forge.example/ada/engine".parse().unwrap(),
        base: None,
        grounds: Grounds {
            trigger: Some(2),
            policy: Some("the policy lets every push start".to_owned()),
            changed: None,
            jobs: [("test".parse().unwrap(), lines)].into(),
        },
        deliveries: vec![delivery],
    }
}

fn spec() -> JobSpec {
    let step = |name: &str| StepSpec {
        name: name.to_owned(),
        run: String::new(),
        shell: Vec::new(),
        working_dir: None,
        env: BTreeMap::new(),
        timeout_s: None,
        when: StepWhen::OnSuccess,
        continue_on_error: false,
        retries: 0,
    };
    JobSpec {
        name: "test".parse().unwrap(),
        matrix: None,
        runs_on: "illumos".parse().unwrap(),
        size: None,
        needs: vec![Need { job: "lint".parse().unwrap(), outcome: NeededOutcome::Succeeded }],
        unmet: None,
        env: BTreeMap::new(),
        timeout_s: 60,
        retries: 0,
        continue_on_error: false,
        priority: 0,
        steps: vec![step("Build"), step("Test")],
        artifacts: Vec::new(),
    }
}

fn facts(state: JobState) -> JobFacts {
    let spec = spec();
    let job = Job {
        id: id(3),
        run: id(1),
        name: spec.name.clone(),
        runs_on: spec.runs_on.clone(),
        size: None,
        matrix: None,
        needs: spec.needs.clone(),
        continue_on_error: false,
        priority: 0,
        rerun: 0,
        replaced_by: None,
        queued_at: at(0),
        claimed_at: (state != JobState::Queued).then(|| at(10)),
        started_at: (state != JobState::Queued).then(|| at(12)),
        finished_at: state.is_finished().then(|| at(40)),
        state,
        annotations: Default::default(),
    };
    let need = NeedFact {
        job: id(4),
        name: "lint".parse().unwrap(),
        outcome: NeededOutcome::Succeeded,
        met: true,
        state: JobState::Finished { outcome: Outcome::Succeeded },
    };
    JobFacts {
        job,
        spec,
        attempts: Vec::new(),
        steps: Vec::new(),
        needs: vec![need],
        rerun_by: None,
        failure: None,
        hosts: Vec::new(),
        queue: None,
        took: Vec::new(),
    }
}

fn host(name: &str, label: &str, room: u32) -> Host {
    Host {
        name: name.parse().unwrap(),
        labels: vec![label.parse().unwrap()],
        room,
        seen_at: at(60),
        jobs: Vec::new(),
        draining: false,
        online: true,
        sizes: vec!["small".parse().unwrap()],
        images: Vec::new(),
    }
}

fn attempt(number: u32, lost: Option<&str>) -> Attempt {
    Attempt {
        id: id(10 + u8::try_from(number).unwrap()),
        number,
        host: "host-1".parse().unwrap(),
        claimed_at: at(10),
        ended_at: Some(at(40)),
        lost: lost.map(str::to_owned),
        verdict: None,
        phases: vec![Phase { name: "create".to_owned(), took_ms: 1500 }],
    }
}

fn minutes(all: &[i64]) -> Vec<TimeDelta> {
    all.iter().map(|minutes| TimeDelta::minutes(*minutes)).collect()
}

fn ask(story: &Story, facts: &JobFacts, log: Option<&LogEnd>) -> JobWhy {
    let line_url = |path: &str, line: u32| {
        solstice_forge::line_url(&story.html_url, &["blob", "a1a1"], path, line)
    };
    job(&Asked { story, now: at(100), max_attempts: 2, line_url: &line_url }, facts, log)
}

/// What people read of it.
fn shown(title: &str, why: &JobWhy) -> String {
    let mut text = format!("## {title}\n{:?} {:?}\n{}\n", why.standing, why.fault, why.summary);
    for reason in &why.reasons {
        let Reason { kind, text: said, place, link, remedy } = reason;
        text.push_str(&format!("- {kind:?}: {said}\n"));
        let place = place
            .as_ref()
            .map(|place| format!("{}:{} {}", place.file, place.line, place.url.as_ref().unwrap()));
        for (name, value) in [("at", &place), ("see", link), ("helps", remedy)] {
            if let Some(value) = value {
                text.push_str(&format!("    {name}: {value}\n"));
            }
        }
    }
    text + "\n"
}

fn ended(outcome: Outcome) -> JobFacts {
    facts(JobState::Finished { outcome })
}

fn waiting() -> JobFacts {
    JobFacts { hosts: vec![host("host-1", "illumos", 0)], ..facts(JobState::Queued) }
}

/// Everything that a job can wait for.
fn waits(text: &mut String) {
    let plain = story();
    let mut stranger = story();
    let why = "bob's change comes from outside the repository".to_owned();
    stranger.run.approval = Some(Approval { why, by: None, at: None });
    stranger.run.status = RunStatus::WaitingForApproval;
    text.push_str(&shown("an approval", &ask(&stranger, &waiting(), None)));

    let mut open = waiting();
    open.needs[0].met = false;
    open.needs[0].state = JobState::Queued;
    text.push_str(&shown("a need", &ask(&plain, &open, None)));

    let none = JobFacts { hosts: Vec::new(), ..waiting() };
    text.push_str(&shown("any host", &ask(&plain, &none, None)));
    let other = JobFacts { hosts: vec![host("host-1", "illumos-r1", 1)], ..waiting() };
    text.push_str(&shown("a label", &ask(&plain, &other, None)));
    let mut large = waiting();
    large.job.size = Some("large".parse().unwrap());
    text.push_str(&shown("a size", &ask(&plain, &large, None)));
    let mut draining = waiting();
    draining.hosts[0].draining = true;
    text.push_str(&shown("a host that drains", &ask(&plain, &draining, None)));
    let mut offline = waiting();
    offline.hosts[0].online = false;
    text.push_str(&shown("a host that is away", &ask(&plain, &offline, None)));

    let mut busy = waiting();
    busy.queue = Some(QueueFacts {
        ahead: 2,
        more: false,
        busy: minutes(&[1, 3]),
        took: minutes(&[4, 4, 4, 4, 5]),
    });
    busy.took = minutes(&[6, 6, 7]);
    text.push_str(&shown("those before it", &ask(&plain, &busy, None)));
    let mut free = waiting();
    free.hosts[0].room = 1;
    free.queue = Some(QueueFacts::default());
    text.push_str(&shown("nothing any more", &ask(&plain, &free, None)));
    let mut again = waiting();
    again.queue = Some(QueueFacts { busy: minutes(&[1]), ..QueueFacts::default() });
    again.attempts = vec![attempt(1, Some("the machine did not boot"))];
    text.push_str(&shown("a further try", &ask(&plain, &again, None)));
}

/// Every way in which a job can end, and one that runs.
fn goes_on_and_ends(text: &mut String) {
    let plain = story();
    let held = Holding { attempt: id(11), host: "host-1".parse().unwrap() };
    let mut starting = facts(JobState::Starting(held.clone()));
    starting.took = minutes(&[2]);
    text.push_str(&shown("its machine starts", &ask(&plain, &starting, None)));
    let mut running = facts(JobState::Running(held));
    running.took = minutes(&[2, 2, 2, 2, 2]);
    running.steps = vec![Step {
        index: 1,
        name: "Test".to_owned(),
        started_at: at(20),
        finished_at: None,
        exit: None,
        tries: 1,
    }];
    text.push_str(&shown("it runs", &ask(&plain, &running, None)));

    let mut failed = ended(Outcome::Failed { step: 1, exit: Exit::Code { code: 2 } });
    failed.attempts = vec![attempt(1, None)];
    failed.failure = Some(Annotation {
        path: "src/main.c".to_owned(),
        line: 3,
        end_line: 3,
        column: None,
        level: AnnotationLevel::Failure,
        title: String::new(),
        message: "expected ;\nhere".to_owned(),
    });
    let log = LogEnd { line: 482, text: "make: *** [all] Error 2".to_owned() };
    text.push_str(&shown("a step failed", &ask(&plain, &failed, Some(&log))));
    failed.spec.continue_on_error = true;
    text.push_str(&shown("a failure that is allowed", &ask(&plain, &failed, None)));

    let why = "no file fits".to_owned();
    let outcomes = [
        ("an artifact", Outcome::ArtifactFailed { pattern: "out/*".to_owned(), why }),
        ("the job's limit", Outcome::TimedOut { limit: TimeLimit::Job { seconds: 60 } }),
        ("a step's limit", Outcome::TimedOut { limit: TimeLimit::Step { step: 1, seconds: 5 } }),
        ("cancelled", Outcome::Cancelled { by: "bob".to_owned() }),
        ("succeeded", Outcome::Succeeded),
        ("a condition", skip(SkipReason::Condition { condition: "branch == 'x'".to_owned() })),
        ("a marker", skip(SkipReason::CommitMessage { marker: "[skip ci]".to_owned() })),
        ("no file", skip(SkipReason::NoFileChanged)),
    ];
    for (title, outcome) in outcomes {
        text.push_str(&shown(title, &ask(&plain, &ended(outcome), None)));
    }
    let mut unmet = ended(skip(SkipReason::NeedNotMet { need: "lint".parse().unwrap() }));
    let failed = Outcome::Failed { step: 0, exit: Exit::Code { code: 1 } };
    unmet.needs[0].met = false;
    unmet.needs[0].state = JobState::Finished { outcome: failed };
    text.push_str(&shown("a need that was not met", &ask(&plain, &unmet, None)));
    let mut lost = ended(Outcome::InfraFailed { why: "the machine did not boot".to_owned() });
    lost.attempts =
        vec![attempt(1, Some("the host fell silent")), attempt(2, Some("it did not boot"))];
    text.push_str(&shown("infrastructure", &ask(&plain, &lost, None)));
}

fn skip(why: SkipReason) -> Outcome {
    Outcome::Skipped { why }
}

#[test]
fn every_state_has_its_reasons_and_its_remedy() {
    let mut text = String::new();
    waits(&mut text);
    goes_on_and_ends(&mut text);
    expectorate::assert_contents("tests/golden/why.txt", &text);
}

#[test]
fn the_way_to_a_job_is_told_in_its_order() {
    let mut story = story();
    story.run.event = EventKind::PullRequest;
    story.run.pull_request = Some(7);
    story.base = Some("main".to_owned());
    story.grounds.changed = Some("src/main.c".to_owned());
    let why = "the policy asks for it".to_owned();
    story.run.approval = Some(Approval { why, by: Some("eve".to_owned()), at: Some(at(40)) });
    let mut facts = waiting();
    facts.rerun_by = Some("ada".to_owned());
    facts.job.rerun = 1;
    let cause = ask(&story, &facts, None).cause;
    let said: Vec<&str> = cause.iter().map(|reason| reason.text.as_str()).collect();
    assert_eq!(
        said,
        [
            "ada brought pull request 7 into main to a1a1a1a1a1",
            "forge told of it 1 min 41 s ago: delivery 01a1fc2b-0000-7000-8000-000000000002 (push)",
            ".solstice/ci.kdl has an `on` that covers this",
            "src/main.c changed, for which it is to run",
            "the policy lets every push start",
            "eve approved of it 1 min 00 s ago",
            "it is job test of the workflow",
            "ada had it run once more; this is the 2. time",
        ]
    );
    let lines: Vec<u32> =
        cause.iter().filter_map(|reason| Some(reason.place.as_ref()?.line)).collect();
    assert_eq!(lines, [2, 5]);
}

#[test]
fn what_a_stranger_writes_is_one_line() {
    let mut story = story();
    story.run.actor = "a\u{1b}[2Jb\nc".to_owned();
    let text = ask(&story, &waiting(), None).cause[0].text.clone();
    assert!(!text.contains(char::is_control), "{text:?}");
}

#[test]
fn of_a_broken_file_its_line_is_told() {
    let mut story = story();
    story.run.problem =
        Some(".solstice/ci.kdl:4:9: no node is called `stpe`\n  4 | x\n".to_owned());
    story.run.status = RunStatus::Failed;
    let line_url = |_: &str, _: u32| None;
    let asked = Asked { story: &story, now: at(1), max_attempts: 2, line_url: &line_url };
    let why = run(&asked, &[]);
    assert_eq!((why.standing, why.fault), (Standing::Failed, Some(Fault::Author)));
    assert_eq!(why.reasons[0].place.as_ref().unwrap().line, 4);
    assert!(why.summary.contains("`stpe`"), "{}", why.summary);
}

#[test]
fn an_estimate_is_as_sure_as_what_it_rests_on() {
    let sure = |took: &[i64], ahead| {
        let mut facts = waiting();
        facts.took = minutes(took);
        let busy = minutes(&[1]);
        facts.queue = Some(QueueFacts { ahead, more: false, busy, took: minutes(took) });
        ask(&story(), &facts, None).estimate.unwrap()
    };
    assert_eq!(sure(&[5, 5, 5, 5, 5], 0).confidence, Confidence::Good);
    assert_eq!(sure(&[5, 5, 6], 0).confidence, Confidence::Fair);
    assert_eq!(sure(&[5, 60, 2, 9, 30], 0).confidence, Confidence::Low);
    assert_eq!(sure(&[5, 5, 5, 5, 5], 11).confidence, Confidence::Low);
    let next = sure(&[5, 5, 5], 0);
    assert_eq!(next.begins_at, Some(at(100 + 4 * 60)), "when the one at work is done");
    assert_eq!(next.ends_at, Some(at(100 + 9 * 60)));
    assert_eq!(sure(&[5, 5, 5], 1).begins_at, Some(at(100 + 9 * 60)));
}
