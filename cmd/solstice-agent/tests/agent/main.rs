//! The agent's own program against a real host API: what it runs, what it
//! reports, and that nothing is lost on a bad wire (invariants I5 and I12).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod artifacts;
mod bench;
mod debian;
mod flow;
mod host;
mod machine;
mod shell;

use std::time::{Duration, Instant};

use host::{Answer, Host, job, no_source, run, source};
use solstice_model::record::MAX_CHUNK_BYTES;
use solstice_model::{AgentVerdict, Exit, RecordBody, Stream, TimeLimit};

/// Bytes without any order in them.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..count).map(|_| next()).collect()
}

fn is_running(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(") ").next().unwrap().starts_with('Z'))
}

/// Killing is asynchronous: waits until the process is gone.
fn assert_ends(pid: &str) {
    let started = Instant::now();
    while is_running(pid) {
        assert!(started.elapsed() < Duration::from_secs(10), "{pid} still runs");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_job_runs_in_its_source_with_its_environment_and_nothing_else() {
    let mut spec = job(&["cat hello\nenv | sort\npwd\ncat", "./tool"]);
    spec.env.insert("BOTH".to_owned(), "job".to_owned());
    spec.steps[0].env.insert("BOTH".to_owned(), "step".to_owned());
    spec.steps[1].working_dir = Some("sub".to_owned());
    let host = Host::new(
        spec,
        source(&[("hello", b"hi\n"), ("sub/tool", b"#!/bin/sh\necho tool $BOTH >&2\n")]),
    );
    let end = host.run_agent();
    assert!(end.success, "{}", end.console);
    assert!(end.console.starts_with("solstice-agent: up\n"), "{}", end.console);
    assert!(end.console.contains("solstice-agent: redeemed job build\n"));

    let src = host.work.path().join("w/src");
    let src = src.to_str().unwrap();
    let mut lines = host.lines(Stream::Stdout);
    assert_eq!(lines.remove(0), "hi");
    assert_eq!(lines.pop().unwrap(), src);
    lines.retain(|line| !line.starts_with("_=") && !line.starts_with("SHLVL="));
    let workspace = format!("SOLSTICE_WORKSPACE={src}");
    let github = format!("GITHUB_WORKSPACE={src}");
    let expected = [
        "BOTH=step",
        "CI=true",
        &github,
        "HOME=/root",
        "LANG=C.UTF-8",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        &format!("PWD={src}"),
        &workspace,
        "TERM=dumb",
    ];
    assert_eq!(lines, expected);
    assert_eq!(host.lines(Stream::Stderr), ["tool job"]);
    assert_eq!(host.verdict(), AgentVerdict::Succeeded);
}

/// The records, a line each.
pub(crate) fn told(host: &Host) -> Vec<String> {
    host.durable()
        .into_iter()
        .map(|record| match record.body {
            RecordBody::StepStarted { step } => format!("start {step}"),
            RecordBody::Output { step, stream, chunk, newline } => {
                format!("{step} {stream:?} {chunk:?} {newline}")
            }
            RecordBody::StepFinished { step, exit } => format!("end {step}: {exit}"),
            RecordBody::StepRetried { step, exit } => format!("again {step}: {exit}"),
            RecordBody::StepSkipped { step } => format!("skip {step}"),
            RecordBody::Note { text } => format!("note {text}"),
            RecordBody::Finished { .. } => "finished".to_owned(),
        })
        .collect()
}

#[test]
fn the_records_tell_the_job_in_order() {
    let host = run(&["echo one", "echo two >&2"]);
    let told = told(&host);
    let expected = [
        "start 0",
        "0 Stdout \"one\" true",
        "end 0: exit status 0",
        "start 1",
        "1 Stderr \"two\" true",
        "end 1: exit status 0",
        "finished",
    ];
    assert_eq!(told, expected);
}

#[test]
fn the_first_step_that_fails_ends_the_job_with_its_true_exit() {
    for (script, exit) in [
        ("exit 3", Exit::Code { code: 3 }),
        ("false; echo not reached", Exit::Code { code: 1 }),
        ("kill -9 $$", Exit::Signal { signal: 9 }),
        ("kill -40 $$", Exit::Signal { signal: 40 }),
    ] {
        let host = run(&["true", script, "echo not reached"]);
        assert_eq!(
            host.verdict(),
            AgentVerdict::Failed { step: 1, exit: exit.clone() },
            "{script}"
        );
        assert_eq!(host.exit_of(1), exit);
        assert!(host.output(Stream::Stdout).is_empty(), "{script}");
    }
}

#[test]
fn a_step_that_cannot_start_says_why() {
    let mut no_shell = job(&["true"]);
    no_shell.steps[0].shell = vec!["/no/such/shell".to_owned()];
    let mut no_directory = job(&["true"]);
    no_directory.steps[0].working_dir = Some("no/such".to_owned());
    for (spec, part) in [(no_shell, "/no/such/shell"), (no_directory, "\"no/such\"")] {
        let host = Host::new(spec, no_source());
        assert!(host.run_agent().success);
        match host.verdict() {
            AgentVerdict::Failed { step: 0, exit: Exit::NotStarted { why } } => {
                assert!(why.contains(part), "{why}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_step_that_ignores_sigterm_is_killed_at_its_limit() {
    let mut spec = job(&["trap '' TERM; echo $$; while :; do sleep 1; done"]);
    spec.steps[0].timeout_s = Some(1);
    let host = Host::new(spec, no_source());
    let end = host.run_agent();
    let limit = TimeLimit::Step { step: 0, seconds: 1 };
    assert_eq!(host.verdict(), AgentVerdict::TimedOut { limit });
    assert_eq!(host.exit_of(0), Exit::Signal { signal: 9 });
    assert!(end.took > Duration::from_secs(6) && end.took < Duration::from_secs(20), "{end:?}");
    assert_ends(&host.lines(Stream::Stdout)[0]);
}

#[test]
fn the_job_s_limit_counts_over_all_steps() {
    let mut spec = job(&["sleep 1", "trap 'echo bye; exit 0' TERM; sleep 60 & wait", "echo more"]);
    spec.timeout_s = 2;
    spec.steps[1].timeout_s = Some(30);
    let host = Host::new(spec, no_source());
    assert!(host.run_agent().success);
    let limit = TimeLimit::Job { seconds: 2 };
    assert_eq!(host.verdict(), AgentVerdict::TimedOut { limit });
    assert_eq!(host.exit_of(1), Exit::Code { code: 0 });
    assert_eq!(host.lines(Stream::Stdout), ["bye"]);
}

#[test]
fn a_background_process_that_holds_the_pipe_does_not_hold_the_job() {
    let host = Host::new(job(&["sleep 600 & echo $!", "echo next"]), no_source());
    let end = host.run_agent();
    assert!(end.took < Duration::from_secs(20), "{end:?}");
    assert_eq!(host.verdict(), AgentVerdict::Succeeded);
    let lines = host.lines(Stream::Stdout);
    assert_eq!(lines[1], "next");
    assert_ends(&lines[0]);
}

#[test]
fn a_background_process_that_prints_without_end_does_not_hold_the_job() {
    let host =
        Host::new(job(&["yes \"$(printf %4000d 1)\" & sleep 0.2", "echo next"]), no_source());
    let end = host.run_agent();
    assert!(end.took < Duration::from_secs(60), "{end:?}");
    assert_eq!(host.verdict(), AgentVerdict::Succeeded);
    assert_eq!(host.lines(Stream::Stdout).last().unwrap(), "next");
}

#[test]
fn a_process_that_left_the_group_does_not_hold_the_job() {
    let host = Host::new(job(&["setsid sleep 30 & echo started"]), no_source());
    let end = host.run_agent();
    assert!(end.took < Duration::from_secs(20), "{end:?}");
    assert_eq!(host.verdict(), AgentVerdict::Succeeded);
}

#[test]
fn what_a_background_process_prints_at_the_end_is_kept() {
    let host = run(&["(sleep 0.3; echo late) & echo early"]);
    assert_eq!(host.lines(Stream::Stdout), ["early", "late"]);
}

#[test]
fn a_line_that_stops_in_the_middle_is_shown_at_once() {
    let host = run(&["printf abc; sleep 0.5; echo def"]);
    let pieces: Vec<(String, bool)> = host
        .durable()
        .into_iter()
        .filter_map(|record| match record.body {
            RecordBody::Output { chunk, newline, .. } => Some((chunk.text().into_owned(), newline)),
            _ => None,
        })
        .collect();
    assert_eq!(pieces, [("abc".to_owned(), false), ("def".to_owned(), true)]);
}

#[test]
fn a_hundred_thousand_lines_arrive_each_once_in_order() {
    let host = run(&["seq 1 100000"]);
    let expected: Vec<String> = (1..=100_000).map(|n| n.to_string()).collect();
    assert!(host.lines(Stream::Stdout) == expected);
}

#[test]
fn five_megabytes_without_a_newline_arrive_whole() {
    let host = run(&["head -c 5000000 /dev/zero | tr '\\0' x"]);
    assert!(host.output(Stream::Stdout) == vec![b'x'; 5_000_000]);
    let last = host.durable().iter().rev().find_map(|record| match &record.body {
        RecordBody::Output { chunk, newline, .. } => Some((chunk.0.len(), *newline)),
        _ => None,
    });
    assert!(matches!(last, Some((1..=MAX_CHUNK_BYTES, false))), "{last:?}");
}

#[test]
fn bytes_that_are_no_text_arrive_as_they_were() {
    let blob = noise(300_000);
    let host = Host::new(job(&["cat blob; cat blob >&2"]), source(&[("blob", &blob)]));
    assert!(host.run_agent().success);
    assert!(host.output(Stream::Stdout) == blob);
    assert!(host.output(Stream::Stderr) == blob);
}

#[test]
fn control_characters_fit_into_a_request_however_json_swells_them() {
    let host = run(&["head -c 3000000 /dev/zero"]);
    assert!(host.output(Stream::Stdout) == vec![0; 3_000_000]);
}

#[test]
fn nothing_is_lost_or_doubled_when_answers_are() {
    // Long enough for dozens of requests.
    let script = "i=0; while [ $i -lt 60 ]; do i=$((i+1)); seq $i 60 500; sleep 0.02; done";
    let host = Host::new(job(&[script]), no_source());
    host.cut_one_answer_in(3);
    let end = host.run_agent();
    assert!(end.success, "{}", end.console);
    assert!(host.doubles() > 0, "no answer was lost: the test tests nothing");
    let expected: Vec<String> =
        (1..=60).flat_map(|i| (i..=500).step_by(60)).map(|n| n.to_string()).collect();
    assert_eq!(host.lines(Stream::Stdout), expected);
    assert_eq!(host.verdict(), AgentVerdict::Succeeded);
}

#[test]
fn a_host_that_restarts_finds_the_rest_of_the_log() {
    let mut host = Host::new(job(&["seq 1 3; echo half; sleep 1; seq 4 40000"]), no_source());
    let agent = host.start_agent();
    host.wait_for_line("half");
    host.down();
    std::thread::sleep(Duration::from_millis(1500));
    host.up();
    let end = agent.wait();
    assert!(end.success, "{}", end.console);
    let mut lines = host.lines(Stream::Stdout);
    lines.retain(|line| line != "half");
    assert!(lines == (1..=40_000).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(host.verdict(), AgentVerdict::Succeeded);
}

#[test]
fn a_slow_server_slows_the_step_down_and_loses_nothing() {
    let host = Host::new(job(&["seq 1 200000"]), no_source());
    host.answer((0..30).map(|_| Answer::Late(Duration::from_millis(100))));
    let end = host.run_agent();
    assert!(end.success, "{}", end.console);
    assert!(host.lines(Stream::Stdout) == (1..=200_000).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn passing_refusals_are_tried_again() {
    let host = Host::new(job(&["echo one", "echo two"]), no_source());
    host.answer_redeem([503, 503, 429]);
    host.answer([503, 429, 409, 503].map(Answer::Status));
    let end = host.run_agent();
    assert!(end.success, "{}", end.console);
    assert_eq!(host.lines(Stream::Stdout), ["one", "two"]);
    assert_eq!(host.verdict(), AgentVerdict::Succeeded);
}

#[test]
fn a_refused_token_is_final_and_is_not_shown() {
    let host = Host::new(job(&["echo no"]), no_source());
    let end = host.start_agent_with("sol_wrong").wait();
    assert!(!end.success);
    assert!(end.console.contains("401"), "{}", end.console);
    assert!(!end.console.contains("sol_wrong"));
    assert!(host.durable().is_empty());
}

#[test]
fn a_host_that_says_stop_gets_no_verdict_and_the_step_is_killed() {
    for revoked in [false, true] {
        let script = "echo $$; echo ready; while :; do sleep 0.1; echo tick; done";
        let host = Host::new(job(&[script]), no_source());
        let agent = host.start_agent();
        host.wait_for_line("ready");
        if revoked {
            host.revoke()
        } else {
            host.tell_stop()
        }
        let end = agent.wait();
        assert!(end.took < Duration::from_secs(20), "{end:?}");
        assert!(!host.durable().iter().any(|r| matches!(r.body, RecordBody::Finished { .. })));
        assert_ends(&host.lines(Stream::Stdout)[0]);
    }
}

#[test]
fn a_source_that_broke_off_is_fetched_again() {
    let right = source(&[("blob", &noise(500_000)), ("hello", b"hi\n")]);
    let host = Host::new(job(&["cat hello"]), right.clone());
    host.serve_first(right[..right.len() / 2].to_vec());
    host.serve_first(b"no archive at all".to_vec());
    let end = host.run_agent();
    assert!(end.success, "{}", end.console);
    assert_eq!(host.lines(Stream::Stdout), ["hi"]);
}

#[test]
fn a_hostile_source_is_refused_with_a_note_and_writes_nothing_outside() {
    let mut header = tar::Header::new_ustar();
    header.as_mut_bytes()[..9].copy_from_slice(b"../escape");
    header.set_mode(0o644);
    header.set_size(1);
    header.set_cksum();
    let mut archive = tar::Builder::new(Vec::new());
    archive.append(&header, &b"x"[..]).unwrap();
    let packed = zstd::encode_all(&archive.into_inner().unwrap()[..], 1).unwrap();

    let host = Host::new(job(&["echo no"]), packed);
    let end = host.run_agent();
    assert!(!end.success);
    assert!(!host.work.path().join("w/escape").exists());
    let records = host.durable();
    match &records[..] {
        [record] => match &record.body {
            RecordBody::Note { text } => assert!(text.contains("../escape"), "{text}"),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}
