//! A disk that is full, by way of a limit on the size of files.

use std::process::Command;

use solstice_joblog::{JobLogs, LogError};
use solstice_model::AttemptId;
use solstice_model::id::new_id;

use crate::fixture::{all, file, logs, records, reopen, told};

/// Appends until nothing more fits, then asks again.
#[tokio::test]
#[ignore = "the child process of a_full_disk_keeps_all_of_a_batch_or_nothing"]
async fn child_that_fills_the_disk() {
    let (Ok(dir), Ok(attempt)) = (std::env::var("JOBLOG_DIR"), std::env::var("JOBLOG_ATTEMPT"))
    else {
        return;
    };
    let logs = JobLogs::open(&dir).unwrap();
    let attempt: AttemptId = attempt.parse().unwrap();
    let mut last = 0;
    let error = loop {
        match logs.append(attempt, &records(last + 1..=last + 7)).await {
            Ok(durable) => last = durable,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LogError::Full), "{error:?}");
    let before = std::fs::read(file(dir.as_ref(), attempt)).unwrap();
    assert!(last > 0 && before.ends_with(b"\n"));
    let again = logs.append(attempt, &records(last + 1..=last + 7)).await;
    assert!(matches!(again, Err(LogError::Full)), "{again:?}");
    assert_eq!(std::fs::read(file(dir.as_ref(), attempt)).unwrap(), before);
    assert_eq!(all(&logs, attempt, 10_000).await, records(1..=last));
    let console = logs.put_console(attempt, vec![0; 100_000]).await;
    assert!(matches!(console, Err(LogError::Full)), "{console:?}");
    assert_eq!(logs.console(attempt).await.unwrap(), None);
}

#[tokio::test]
async fn a_full_disk_keeps_all_of_a_batch_or_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let attempt: AttemptId = new_id();
    // 16 blocks of 512 bytes; without the trap the signal would end the child.
    let child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["full::child_that_fills_the_disk", "--exact", "--ignored"])
        .env("JOBLOG_DIR", dir.path())
        .env("JOBLOG_ATTEMPT", attempt.to_string())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    // With room again, the log goes on where it was.
    let logs = reopen(dir.path());
    let last = logs.last_seq(attempt).await.unwrap();
    assert!(last > 0, "the child wrote nothing");
    assert_eq!(logs.append(attempt, &records(last + 1..=last + 7)).await.unwrap(), last + 7);
    assert_eq!(all(&logs, attempt, 10_000).await, records(1..=last + 7));
}

/// Seals where there is no room for that.
#[tokio::test]
#[ignore = "the child process of a_log_that_cannot_be_sealed_stays_as_it_is"]
async fn child_that_seals_on_a_full_disk() {
    let Some((dir, attempt)) = told() else { return };
    let logs = JobLogs::open(&dir).unwrap();
    let path = file(&dir, attempt);
    for _ in 0..2 {
        let refused = logs.seal(attempt).await;
        assert!(matches!(refused, Err(LogError::Full)), "{refused:?}");
        assert!(!path.with_extension("ndjson.zst.new").exists());
        assert_eq!(all(&logs, attempt, 10_000).await, records(1..=1000));
    }
    assert_eq!(logs.usage(), std::fs::metadata(path).unwrap().len());
}

#[tokio::test]
async fn a_log_that_cannot_be_sealed_stays_as_it_is() {
    let (dir, logs) = logs();
    let attempt = new_id();
    logs.append(attempt, &records(1..=1000)).await.unwrap();
    drop(logs);
    let child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["full::child_that_seals_on_a_full_disk", "--exact", "--ignored"])
        .env("JOBLOG_DIR", dir.path())
        .env("JOBLOG_ATTEMPT", attempt.to_string())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    let logs = reopen(dir.path());
    logs.seal(attempt).await.unwrap();
    assert_eq!(all(&logs, attempt, 10_000).await, records(1..=1000));
}

/// Uses a log when no file can be opened, and when that is over.
#[tokio::test]
#[ignore = "the child process of a_log_waits_for_file_descriptors"]
async fn child_without_file_descriptors() {
    let Some((dir, attempt)) = told() else { return };
    let logs = JobLogs::open(&dir).unwrap();
    let open: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
    assert!(!open.is_empty());
    for refused in [
        logs.append(attempt, &records([1001])).await.map(drop),
        logs.read(attempt, 1, 100).await.map(drop),
        logs.seal(attempt).await,
    ] {
        assert!(matches!(&refused, Err(LogError::Io { .. })), "{refused:?}");
        assert!(refused.unwrap_err().retry());
    }
    drop(open);
    assert_eq!(logs.append(attempt, &records([1001])).await.unwrap(), 1001);
    let open: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
    // What is open goes on to be used; what would need a new file is refused.
    assert_eq!(logs.append(attempt, &records([1002])).await.unwrap(), 1002);
    let refused = logs.seal(attempt).await;
    assert!(matches!(refused, Err(LogError::Io { .. })), "{refused:?}");
    drop(open);
    logs.seal(attempt).await.unwrap();
    assert_eq!(all(&logs, attempt, 10_000).await, records(1..=1002));
}

#[tokio::test]
async fn a_log_waits_for_file_descriptors() {
    let (dir, logs) = logs();
    let attempt = new_id();
    logs.append(attempt, &records(1..=1000)).await.unwrap();
    drop(logs);
    let child = Command::new("sh")
        .args(["-c", "ulimit -n 40; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["full::child_without_file_descriptors", "--exact", "--ignored"])
        .env("JOBLOG_DIR", dir.path())
        .env("JOBLOG_ATTEMPT", attempt.to_string())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert_eq!(all(&reopen(dir.path()), attempt, 10_000).await, records(1..=1002));
}
