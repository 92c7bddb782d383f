//! Torn tails, damaged files, and a process that is killed while it writes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use solstice_joblog::{JobLogs, LogError};
use solstice_model::AttemptId;
use solstice_model::id::new_id;

use crate::fixture::{all, file, logs, record, records, reopen};

#[tokio::test]
async fn a_tail_torn_anywhere_is_cut_and_comes_again() {
    let (dir, logs) = logs();
    let attempt = new_id();
    logs.append(attempt, &records(1..=3)).await.unwrap();
    drop(logs);
    let path = file(dir.path(), attempt);
    let whole = std::fs::read(&path).unwrap();
    let last_line = whole[..whole.len() - 1].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
    for torn in last_line..whole.len() {
        std::fs::write(&path, &whole[..torn]).unwrap();
        let logs = reopen(dir.path());
        assert_eq!(logs.last_seq(attempt).await.unwrap(), 2, "torn at byte {torn}");
        assert_eq!(all(&logs, attempt, 1000).await, records(1..=2));
        assert_eq!(std::fs::read(&path).unwrap(), &whole[..last_line]);
        assert_eq!(logs.append(attempt, &records(1..=3)).await.unwrap(), 3);
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }
}

#[tokio::test]
async fn holes_that_a_power_cut_left_are_cut() {
    let (dir, logs) = logs();
    let attempt = new_id();
    logs.append(attempt, &records(1..=5)).await.unwrap();
    drop(logs);
    let path = file(dir.path(), attempt);
    let mut bytes = std::fs::read(&path).unwrap();
    let third = bytes.windows(6).position(|word| word == b"line 3").unwrap();
    bytes[third..third + 3].fill(0);
    std::fs::write(&path, bytes).unwrap();
    let logs = reopen(dir.path());
    assert_eq!(all(&logs, attempt, 1000).await, records(1..=2));
}

#[tokio::test]
async fn more_than_a_torn_tail_is_damage_and_is_left_alone() {
    let (dir, logs) = logs();
    let attempt = new_id();
    for first in 1..=6 {
        let first = (first - 1) * 60 + 1;
        let batch: Vec<_> =
            (first..first + 60).map(|seq| record(seq, &[b'x'; 32 * 1024])).collect();
        logs.append(attempt, &batch).await.unwrap();
    }
    drop(logs);
    let path = file(dir.path(), attempt);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[0] = b'x';
    std::fs::write(&path, &bytes).unwrap();
    let logs = reopen(dir.path());
    for _ in 0..2 {
        let refused = logs.read(attempt, 1, 1000).await;
        assert!(matches!(refused, Err(LogError::Damaged { offset: 0, .. })), "{refused:?}");
        assert_eq!(logs.read(attempt, 360, 1000).await.unwrap().records.len(), 1);
    }
    drop(logs);
    // Without an index it is noticed at once.
    std::fs::remove_file(path.with_extension("index")).unwrap();
    let logs = reopen(dir.path());
    for _ in 0..2 {
        let refused = logs.last_seq(attempt).await;
        assert!(matches!(refused, Err(LogError::Damaged { offset: 0, .. })), "{refused:?}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

/// Appends one record at a time and says each number once it is durable.
#[tokio::test]
#[ignore = "the child process of killing_the_process_loses_nothing_that_was_acknowledged"]
async fn child_that_appends_until_killed() {
    let (Ok(dir), Ok(attempt)) = (std::env::var("JOBLOG_DIR"), std::env::var("JOBLOG_ATTEMPT"))
    else {
        return;
    };
    let logs = JobLogs::open(dir).unwrap();
    let attempt: AttemptId = attempt.parse().unwrap();
    for first in (1..).step_by(3) {
        let durable = logs.append(attempt, &records(first..first + 3)).await.unwrap();
        println!("durable {durable}");
        std::io::stdout().flush().unwrap();
    }
}

// Invariant I5.
#[tokio::test]
async fn killing_the_process_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let attempt: AttemptId = new_id();
    let mut last = 0;
    for round in 1..=3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["crash::child_that_appends_until_killed", "--exact", "--ignored", "--nocapture"])
            .env("JOBLOG_DIR", dir.path())
            .env("JOBLOG_ATTEMPT", attempt.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let goal = round * 200;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let Some((_, durable)) = line.split_once("durable ") else { continue };
            last = durable.parse::<u64>().unwrap();
            if last >= goal {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(last >= goal);
        let logs = reopen(dir.path());
        let kept = all(&logs, attempt, 10_000).await;
        assert!(kept.len() as u64 >= last, "{} kept of {last}", kept.len());
        assert_eq!(kept, records(1..=kept.len() as u64));
    }
}
