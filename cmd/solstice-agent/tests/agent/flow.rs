//! Which steps run, how often, and what decides; and what comes before them.

use std::time::Duration;

use solstice_model::{AgentVerdict, Exit, StepWhen, Stream, TimeLimit};

use crate::host::{Answer, Host, job, no_source, run, source};
use crate::told;

fn failed(step: u32, code: u8) -> AgentVerdict {
    AgentVerdict::Failed { step, exit: Exit::Code { code } }
}

#[test]
fn the_first_failure_decides_and_later_steps_run_by_their_conditions() {
    let mut spec = job(&["echo a", "exit 3", "echo b", "echo c", "exit 4", "echo d", "echo e"]);
    for (step, when) in [
        (0, StepWhen::OnFailure),
        (3, StepWhen::OnFailure),
        (4, StepWhen::Always),
        (5, StepWhen::Always),
        (6, StepWhen::Never),
    ] {
        spec.steps[step].when = when;
    }
    let host = Host::new(spec, no_source());
    assert!(host.run_agent().success);
    assert_eq!(host.verdict(), failed(1, 3));
    let mut told = told(&host);
    told.retain(|line| !line.starts_with("start") && !line.starts_with("end"));
    let expected =
        ["skip 0", "skip 2", "3 Stdout \"c\" true", "5 Stdout \"d\" true", "skip 6", "finished"];
    assert_eq!(told, expected);
}

#[test]
fn a_failure_that_is_allowed_counts_for_nothing() {
    let mut spec = job(&["exit 3", "echo on", "echo no"]);
    spec.steps[0].continue_on_error = true;
    spec.steps[2].when = StepWhen::OnFailure;
    let host = Host::new(spec, no_source());
    assert!(host.run_agent().success);
    assert_eq!(host.verdict(), AgentVerdict::Succeeded);
    assert_eq!(host.exit_of(0), Exit::Code { code: 3 });
    assert_eq!(host.lines(Stream::Stdout), ["on"]);
}

#[test]
fn a_step_is_tried_again_until_it_succeeds() {
    let mut spec = job(&["echo x >> tries; n=$(wc -l < tries); echo try $n; [ $n -ge 3 ]"]);
    spec.steps[0].retries = 5;
    let host = Host::new(spec, no_source());
    assert!(host.run_agent().success);
    assert_eq!(host.verdict(), AgentVerdict::Succeeded);
    let expected = [
        "start 0",
        "0 Stdout \"try 1\" true",
        "again 0: exit status 1",
        "0 Stdout \"try 2\" true",
        "again 0: exit status 1",
        "0 Stdout \"try 3\" true",
        "end 0: exit status 0",
        "finished",
    ];
    assert_eq!(told(&host), expected);
}

#[test]
fn a_step_s_limit_counts_anew_for_each_try_and_its_last_end_decides() {
    let mut spec = job(&["echo $$; sleep 60", "echo after"]);
    (spec.steps[0].retries, spec.steps[0].timeout_s) = (1, Some(1));
    spec.steps[1].when = StepWhen::Always;
    let host = Host::new(spec, no_source());
    let end = host.run_agent();
    assert!(end.took > Duration::from_secs(2), "{end:?}");
    let limit = TimeLimit::Step { step: 0, seconds: 1 };
    assert_eq!(host.verdict(), AgentVerdict::TimedOut { limit });
    assert_eq!(host.lines(Stream::Stdout).len(), 3, "two tries, and the step after them");
}

#[test]
fn the_end_of_the_job_s_time_ends_all_and_does_not_hide_an_earlier_failure() {
    for first in ["exit 3", "true"] {
        let mut spec = job(&[first, "sleep 60", "echo never"]);
        spec.timeout_s = 1;
        (spec.steps[1].when, spec.steps[2].when) = (StepWhen::Always, StepWhen::Always);
        (spec.steps[1].continue_on_error, spec.steps[1].retries) = (true, 5);
        spec.artifacts = vec![crate::host::rule("README")];
        let host = Host::new(spec, no_source());
        assert!(host.run_agent().success);
        let limit = TimeLimit::Job { seconds: 1 };
        let expected =
            if first == "true" { AgentVerdict::TimedOut { limit } } else { failed(0, 3) };
        assert_eq!(host.verdict(), expected);
        assert!(host.output(Stream::Stdout).is_empty());
        assert!(host.artifacts().is_empty(), "nothing is kept without time");
    }
}

#[test]
fn what_the_needed_jobs_left_is_there_for_the_steps() {
    let host =
        Host::new(job(&["cat $SOLSTICE_INPUT/build/dist/a; ls $SOLSTICE_INPUT"]), no_source());
    *host.shared.inputs.lock().unwrap() = Some(source(&[("build/dist/a", b"made before\n")]));
    let end = host.run_agent();
    assert!(end.success, "{}", end.console);
    assert_eq!(host.lines(Stream::Stdout), ["made before", "build"]);
    let without = run(&["echo ${SOLSTICE_INPUT-none}"]);
    assert_eq!(without.lines(Stream::Stdout), ["none"]);
}

#[test]
fn a_host_that_says_that_it_is_fetching_is_waited_for() {
    let host = Host::new(job(&["true"]), no_source());
    let busy = || Answer::Code("source_not_ready");
    host.shared.source_answers.lock().unwrap().extend([
        busy(),
        busy(),
        Answer::Code("server_away"),
    ]);
    let end = host.run_agent();
    assert!(end.success, "{}", end.console);
    assert_eq!(
        end.console.matches("Service Unavailable; trying again").count(),
        3,
        "{}",
        end.console
    );
}

#[test]
fn output_beyond_the_log_s_limit_is_dropped_and_told_twice() {
    let host = Host::new(job(&["echo first; seq 1 300000", "echo second"]), no_source());
    host.shared.log_limit.store(5_000, std::sync::atomic::Ordering::SeqCst);
    let end = host.run_agent();
    assert!(end.success, "{}", end.console);
    assert_eq!(host.verdict(), AgentVerdict::Succeeded);
    let kept = host.output(Stream::Stdout);
    assert!(kept.len() <= 5_000 && kept.len() > 4_900, "{}", kept.len());
    let all: usize = (1..=300_000u32).map(|n| n.to_string().len() + 1).sum();
    let dropped = all + "first\nsecond\n".len() - kept.len();
    let notes = host.notes();
    assert!(notes[0].contains("limit of 5000 bytes"), "{notes:?}");
    assert!(notes[1].starts_with(&format!("{dropped} bytes")), "{notes:?} {dropped}");
    assert_eq!(notes.len(), 2);
}
