//! Commands that succeed, fail, hang, flood and cannot start.

use std::time::{Duration, Instant};

use solstice_exec::{Command, ExecError};

fn sh(script: &str) -> Command {
    Command::new("/bin/sh").args(["-c", script])
}

#[tokio::test]
async fn output_and_environment_come_back() {
    let output = sh("echo $GREETING; echo aside >&2; pwd")
        .env("GREETING", "hello")
        .current_dir("/")
        .run()
        .await
        .unwrap();
    assert_eq!(output.stdout_text(), "hello\n/\n");
    assert_eq!(output.stderr, "aside\n");
}

#[tokio::test]
async fn arguments_reach_the_program_unchanged() {
    let words = ["a b", "$HOME", "", "'", "*"];
    let output = Command::new("printf").arg("%s\n").args(words).run().await.unwrap();
    assert_eq!(output.stdout_text().lines().collect::<Vec<_>>(), words);
}

#[tokio::test]
async fn a_command_line_of_another_builder_is_taken_over() {
    let mut other = std::process::Command::new("/bin/sh");
    other.args(["-c", "echo $GREETING; pwd"]).env("GREETING", "hello").current_dir("/");
    let output = Command::from(&other).run().await.unwrap();
    assert_eq!(output.stdout_text(), "hello\n/\n");
}

#[tokio::test]
async fn a_failure_tells_argv_status_and_the_end_of_stderr() {
    let error = sh("seq 1 5000 >&2; echo no such disk >&2; exit 3").run().await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("`/bin/sh -c 'seq"), "{text}");
    assert!(text.contains("exit status 3") && text.ends_with("no such disk"), "{text}");
    assert!(error.stderr().unwrap().len() <= 8 * 1024);
}

#[tokio::test]
async fn a_signal_is_told() {
    let error = sh("kill -9 $$").run().await.unwrap_err();
    assert!(error.to_string().contains("signal 9"), "{error}");
}

#[tokio::test]
async fn a_missing_program_and_a_missing_directory_are_told_apart() {
    let missing = Command::new("/nowhere/git").remedy("apt-get install git").run().await;
    assert!(matches!(missing, Err(ExecError::NotFound { remedy: Some(_), .. })), "{missing:?}");
    let missing = sh("true").current_dir("/nowhere").run().await;
    assert!(matches!(missing, Err(ExecError::NoDirectory { .. })), "{missing:?}");
}

#[tokio::test]
async fn a_time_limit_ends_the_whole_process_group() {
    let begun = Instant::now();
    let error = sh("echo $$ >&2; sleep 1000 & sleep 1000")
        .timeout(Duration::from_millis(300))
        .run()
        .await
        .unwrap_err();
    assert!(matches!(error, ExecError::TimedOut { .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    group_ends(error.stderr().unwrap()).await;
}

#[tokio::test]
async fn dropping_the_future_ends_the_whole_process_group() {
    let dir = tempfile::tempdir().unwrap();
    let note = dir.path().join("pid");
    let run = sh("echo $$ > pid.new; mv pid.new pid; sleep 1000 & sleep 1000")
        .current_dir(dir.path())
        .run();
    let noted = async {
        while !note.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        ended = run => panic!("{ended:?}"),
        () = noted => {}
    }
    group_ends(&std::fs::read_to_string(&note).unwrap()).await;
}

#[tokio::test]
async fn output_beyond_its_bound_is_refused() {
    let error = sh("yes").stdout_limit(100_000).run().await.unwrap_err();
    assert!(matches!(error, ExecError::TooMuchOutput { limit: 100_000, .. }), "{error}");
    let file = tempfile::tempfile().unwrap();
    let error = sh("yes").stdout_to(file).stdout_limit(100_000).run().await.unwrap_err();
    assert!(matches!(error, ExecError::TooMuchOutput { .. }), "{error}");
}

#[tokio::test]
async fn files_are_streamed_in_and_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let content = "line\n".repeat(100_000);
    std::fs::write(path("in"), &content).unwrap();
    let output = Command::new("cat")
        .stdin_from(std::fs::File::open(path("in")).unwrap())
        .stdout_to(std::fs::File::create(path("out")).unwrap())
        .run()
        .await
        .unwrap();
    assert!(output.stdout.is_empty());
    assert_eq!(std::fs::read_to_string(path("out")).unwrap(), content);
}

#[tokio::test]
async fn a_cleared_environment_holds_nothing_of_ours() {
    let output = Command::new("/usr/bin/env").env_clear().env("A", "1").run().await.unwrap();
    assert_eq!(output.stdout_text(), "A=1\nLC_ALL=C\n");
}

/// Waits, with a bound, until no process of the group is left.
async fn group_ends(leader: &str) {
    let leader = leader.trim().parse().expect("the script wrote its process id");
    let leader = rustix::process::Pid::from_raw(leader).expect("a process id is not 0");
    for _ in 0..500 {
        if rustix::process::test_kill_process_group(leader).is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("processes of group {leader:?} are left");
}
