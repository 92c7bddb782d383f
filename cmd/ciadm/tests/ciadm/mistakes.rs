//! What somebody who errs is told, and with which exit status; what shells get.

use std::process::Stdio;

use serde_json::Value;

use crate::bench::{bench, end, said, step};

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_is_told_in_one_shape_with_its_status() {
    let bench = bench().await;
    let (run, _) = bench.push().await;
    for (arguments, status, message, hint) in [
        (vec!["job", "show", "ffffffff"], 2, "no job among the newest", ""),
        (vec!["runs", "--limit", "0"], 2, "invalid value '0'", ""),
        (vec!["wathc", &run], 2, "unrecognized subcommand 'wathc'", "watch"),
        (
            vec!["job", "show", "0a1b2c3d-0000-7000-8000-000000000000"],
            2,
            "",
            "where a job is meant",
        ),
    ] {
        let plain = bench.ciadm(&arguments).await;
        assert_eq!((plain.code, plain.out.as_str()), (status, ""), "{arguments:?}");
        let mut arguments = arguments;
        arguments.push("--json");
        let told = bench.ciadm(&arguments).await;
        assert_eq!((told.code, told.out.as_str()), (status, ""), "{arguments:?}");
        let error: Value = serde_json::from_str(&told.err).unwrap();
        let error = &error["error"];
        assert_eq!(error["exit_status"], status, "{arguments:?}");
        assert!(error["message"].as_str().unwrap().contains(message), "{error}");
        assert!(error["hint"].as_str().unwrap_or_default().contains(hint), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_where_a_job_is_meant_is_told_with_its_jobs() {
    let bench = bench().await;
    let (run, jobs) = bench.push().await;
    let page = format!("https://ci.test/runs/{run}");
    for text in [page.as_str(), &run[run.len() - 8..]] {
        let told = bench.ciadm(&["job", "show", text]).await;
        assert_eq!(told.code, 2);
        assert!(told.err.contains("is a run; name a job of it (build, lint)"), "{}", told.err);
    }
    let page = format!("https://ci.test/jobs/{}?line=3#L3", jobs[0]);
    let told = bench.ciadm(&["run", "show", &page]).await;
    assert!(told.code == 2 && told.err.contains("is a job"), "{}", told.err);
    assert!(bench.ok(&["job", "show", &page]).await.contains("build"));
    assert!(bench.ok(&["why", &page]).await.contains("build"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_status_says_what_is_wrong() {
    let bench = bench().await;
    let (_, jobs) = bench.push().await;
    let attempt = bench.claim("illumos").await;
    bench.records(&attempt, 1, vec![step("step_started", 0), end(true)]).await;
    assert_eq!(bench.ciadm(&["logs", "--follow", &jobs[0]]).await.code, 1, "the job failed");
    assert_eq!(bench.ciadm(&["logs"]).await.code, 2, "usage");
    let mut command = bench.command(&["runs", "--json"]);
    command.env("SOLSTICE_URL", "http://127.0.0.1:1").env("SOLSTICE_TOKEN", "x");
    let away = said(command.output().await.unwrap());
    assert_eq!(away.code, 3, "no server");
    let error: Value = serde_json::from_str(&away.err).unwrap();
    assert!(error["error"]["hint"].as_str().unwrap().contains("doctor"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_no_host_can_take_says_what_helps() {
    let bench = bench().await;
    bench.claim_nothing("illumos-r1").await;
    let (_, jobs) = bench.push().await;
    let told = bench.ok(&["why", &jobs[0]]).await;
    assert!(told.contains("no host offers the label illumos"), "{told}");
    assert!(told.contains("did you mean runs_on=\"illumos-r1\"?"), "{told}");
    assert!(told.contains("at .solstice/ci.kdl:4"), "{told}");
}

#[tokio::test]
async fn shells_can_read_their_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let program = env!("CARGO_BIN_EXE_ciadm");
        let output = std::process::Command::new(program).args(["completions", shell]).output();
        let script = output.unwrap().stdout;
        assert!(!script.is_empty());
        let check = std::process::Command::new(shell)
            .arg("-n")
            .arg("/dev/stdin")
            .stdin(Stdio::piped())
            .spawn();
        let mut child = match check {
            Ok(child) => child,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound && shell != "bash" => {
                eprintln!("not tried: {shell} is not on this computer");
                continue;
            }
            Err(why) => panic!("{shell}: {why}"),
        };
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), &script).unwrap();
        assert!(child.wait().unwrap().success(), "{shell}");
    }
}
