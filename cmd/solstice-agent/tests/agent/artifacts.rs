//! What a job leaves behind, and what it cannot make the agent hand over.

use std::time::Duration;

use solstice_model::{AgentVerdict, ArtifactRule, Exit};

use crate::host::{Answer, Host, job, no_source, rule};

fn required(pattern: &str) -> ArtifactRule {
    ArtifactRule { required: true, ..rule(pattern) }
}

/// A job with this script and these rules, ready to be run.
fn host(script: &str, rules: Vec<ArtifactRule>) -> Host {
    let mut spec = job(&[script]);
    spec.artifacts = rules;
    Host::new(spec, no_source())
}

fn finished(host: &Host) -> AgentVerdict {
    let end = host.run_agent();
    assert!(end.success, "{}", end.console);
    host.verdict()
}

fn why(verdict: AgentVerdict, of: &str) -> String {
    match verdict {
        AgentVerdict::ArtifactFailed { pattern, why } if pattern == of => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn files_are_kept_sorted_and_once() {
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().display();
    let script = format!(
        "mkdir -p d/e; seq 1 200000 > d/big; echo x > 'd/e/ä b&c'; : > d/empty; \
         echo out > {folder}/report.txt"
    );
    let absolute = format!("{folder}/*.txt");
    let host = host(&script, vec![rule("d/**"), required("d/big"), rule(&absolute)]);
    assert_eq!(finished(&host), AgentVerdict::Succeeded);
    let kept = host.artifacts();
    let report = format!("{folder}/report.txt");
    let names = ["d/big", "d/e/ä b&c", "d/empty", report.trim_start_matches('/')];
    assert!(kept.keys().eq(names), "{:?}", kept.keys());
    let big: String = (1..=200_000).map(|n| format!("{n}\n")).collect();
    assert!(kept["d/big"] == big.as_bytes());
    assert_eq!(kept["d/empty"], b"");
    assert_eq!(host.notes().len(), 4);
    assert!(host.notes()[0].starts_with("kept \"d/big\", "), "{:?}", host.notes());
}

#[test]
fn what_is_required_must_be_there_and_not_empty() {
    let verdict = finished(&host("true", vec![rule("none/*"), required("dist/*")]));
    assert_eq!(why(verdict, "dist/*"), "no file matches it");
    let host = host(": > empty; echo x > full", vec![rule("*"), required("{empty,full}")]);
    assert!(why(finished(&host), "{empty,full}").contains("1 of the files"));
    assert_eq!(host.artifacts().len(), 3, "and is kept all the same");
}

#[test]
fn a_step_that_failed_decides_and_its_artifacts_are_kept() {
    let host = host("echo x > log; exit 7", vec![rule("log"), required("dist")]);
    let exit = Exit::Code { code: 7 };
    assert_eq!(finished(&host), AgentVerdict::Failed { step: 0, exit });
    assert_eq!(host.artifacts()["log"], b"x\n");
    assert_eq!(host.notes()[1], "artifact \"dist\": no file matches it");
}

#[test]
fn nothing_outside_and_nothing_that_is_no_file_is_kept() {
    let script = "ln -s /etc/shadow shadow; ln -s /etc etc; mkfifo pipe; ln -s . loop; echo x > x";
    let rules = ["**", "etc/*", "shadow", "loop/x", "../**", "pipe"].map(rule);
    let host = host(script, rules.to_vec());
    assert!(why(finished(&host), "../**").contains("`..`"));
    assert!(host.artifacts().keys().eq(["README", "x"]), "{:?}", host.artifacts().keys());
}

#[test]
fn too_many_files_and_a_file_that_is_too_large_fail_their_rule() {
    let many = "mkdir m; cd m; seq 1 10001 | xargs touch";
    let host =
        host(&format!("{many}; cd ..; truncate -s 1T huge"), vec![rule("m/*"), rule("huge")]);
    let verdict = finished(&host);
    assert!(why(verdict, "m/*").contains("more than 10000 files"));
    assert_eq!(host.artifacts().len(), 10_000);
    let notes = host.notes();
    assert!(notes.iter().any(|note| note == "kept 9900 more files, 0 bytes"), "{}", notes.len());
    assert!(notes.iter().any(|note| note.contains("more than 10000 files to keep")));
    let host = self::host("truncate -s 1T huge; echo x > x", vec![rule("*")]);
    let verdict = finished(&host);
    assert_eq!(why(verdict, "*"), "\"huge\" is larger than 8589934592 bytes");
    assert!(host.artifacts().keys().eq(["README", "x"]));
}

#[test]
fn a_file_that_grows_while_it_is_read_fails_its_rule_unless_it_may() {
    // The writer has left the step's group; it ends by itself.
    let script = "head -c 20000000 /dev/zero > f; setsid sh -c 'i=0; while [ $i -lt 4000 ]; do \
        echo more >> f; sleep 0.001; i=$((i+1)); done' > /dev/null 2>&1 & sleep 0.2";
    let strict = host(script, vec![rule("f")]);
    assert_eq!(why(finished(&strict), "f"), "\"f\" changed while it was read");
    assert!(strict.artifacts().is_empty(), "nothing half-changed is kept");
    let lax = host(script, vec![ArtifactRule { may_change: true, ..rule("f") }]);
    assert_eq!(finished(&lax), AgentVerdict::Succeeded);
    assert!(lax.artifacts()["f"].len() >= 20_000_000);
}

#[test]
fn a_refusal_for_size_is_the_job_s_failure_and_a_passing_one_is_tried_again() {
    let host = host("echo x > a; echo y > b; echo z > c", vec![rule("[abc]")]);
    let answers = [Answer::Status(503), Answer::Garbled, Answer::Status(429), Answer::Status(413)];
    host.shared.artifact_answers.lock().unwrap().extend(answers);
    let why = why(finished(&host), "[abc]");
    assert!(why.starts_with("\"a\" is larger than what may be kept"), "{why}");
    assert!(host.artifacts().keys().eq(["b", "c"]));
}

#[test]
fn a_host_that_is_gone_for_a_while_gets_the_artifacts_whole() {
    let mut host = host("head -c 3000000 /dev/urandom > f; md5sum < f; echo half", vec![rule("f")]);
    host.shared
        .artifact_answers
        .lock()
        .unwrap()
        .push_back(Answer::Late(Duration::from_millis(500)));
    let agent = host.start_agent();
    host.wait_for_line("half");
    host.down();
    std::thread::sleep(Duration::from_millis(500));
    host.up();
    let end = agent.wait();
    assert!(end.success, "{}", end.console);
    assert_eq!(host.artifacts()["f"].len(), 3_000_000);
    assert_eq!(host.verdict(), AgentVerdict::Succeeded);
}

#[test]
fn a_host_that_says_stop_gets_no_more_artifacts() {
    let host = host("echo x > a; echo x > b", vec![rule("[ab]")]);
    host.shared.artifact_answers.lock().unwrap().push_back(Answer::Status(410));
    let end = host.run_agent();
    assert!(end.success && end.console.contains("stopped by the host"), "{}", end.console);
    assert!(host.artifacts().is_empty());
    assert!(
        !host
            .durable()
            .iter()
            .any(|it| matches!(it.body, solstice_model::RecordBody::Finished { .. }))
    );
}
