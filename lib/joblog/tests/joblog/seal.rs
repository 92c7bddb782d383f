//! A log is compressed when its attempt is over, and nobody notices but the disk.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::time::Duration;

use solstice_joblog::{JobLogs, LogError};
use solstice_model::AttemptId;
use solstice_model::id::new_id;

use crate::fixture::{
    all, append_lines, bytes_on_disk, child, file, logs, records, reopen, sealed_file, told,
};

const LINES: u64 = 20_000;

#[tokio::test]
async fn a_sealed_log_reads_as_before_from_anywhere() {
    let (dir, open) = logs();
    let attempt = new_id();
    append_lines(&open, attempt, LINES).await;
    let plain = std::fs::read(file(dir.path(), attempt)).unwrap();
    let before = open.extent(attempt).await.unwrap();
    open.seal(attempt).await.unwrap();
    open.seal(attempt).await.unwrap();
    assert!(!file(dir.path(), attempt).exists());
    let packed = std::fs::read(sealed_file(dir.path(), attempt)).unwrap();
    assert!(packed.len() * 5 < plain.len(), "{} of {}", packed.len(), plain.len());
    // Any decoder of the format takes it for the records and nothing else.
    assert_eq!(zstd::decode_all(&packed[..]).unwrap(), plain);
    let mut open = open;
    for _ in 0..2 {
        assert_eq!(open.extent(attempt).await.unwrap(), before);
        assert_eq!(all(&open, attempt, 100_000).await, records(1..=LINES));
        for from in (1..LINES).step_by(997).chain([LINES - 1, LINES]) {
            let page = open.read(attempt, from, 500).await.unwrap();
            assert_eq!(page.records, records(from..page.next_seq));
            assert!((1..=10).contains(&page.records.len()));
        }
        assert_eq!(open.usage(), bytes_on_disk(dir.path()));
        drop(open);
        open = reopen(dir.path());
    }
}

#[tokio::test]
async fn what_is_known_is_acknowledged_again_and_what_is_new_is_refused() {
    let (_dir, logs) = logs();
    let attempt = new_id();
    logs.append(attempt, &records(1..=5)).await.unwrap();
    logs.seal(attempt).await.unwrap();
    assert_eq!(logs.append(attempt, &records(3..=5)).await.unwrap(), 5);
    let refused = logs.append(attempt, &records(5..=6)).await;
    assert!(matches!(refused, Err(LogError::Sealed { last_seq: 5 })), "{refused:?}");
    let late = logs.follow(attempt).await.unwrap();
    assert_eq!(*late.borrow(), 5);
    assert!(late.has_changed().is_err(), "a sealed log has no followers");
}

#[tokio::test]
async fn a_log_that_is_finished_is_sealed_soon() {
    let (dir, logs) = logs();
    let attempt = new_id();
    logs.append(attempt, &records(1..=5)).await.unwrap();
    logs.finish(attempt).await;
    let path = file(dir.path(), attempt);
    tokio::time::timeout(Duration::from_secs(20), async {
        while path.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("it is sealed in time");
    assert_eq!(all(&logs, attempt, 1000).await, records(1..=5));
    assert!(logs.take_seal_failures().is_empty());
}

#[tokio::test]
async fn an_attempt_without_records_has_nothing_to_seal() {
    let (dir, logs) = logs();
    let attempt = new_id();
    logs.seal(attempt).await.unwrap();
    assert_eq!(bytes_on_disk(dir.path()), 0);
}

/// Each way in which a crash may leave the two files.
#[tokio::test]
async fn whatever_a_crash_leaves_of_the_two_files_there_is_one_log() {
    let (dir, open) = logs();
    let attempt = new_id();
    append_lines(&open, attempt, LINES).await;
    let path = file(dir.path(), attempt);
    let plain = std::fs::read(&path).unwrap();
    open.seal(attempt).await.unwrap();
    drop(open);
    let sealed_path = sealed_file(dir.path(), attempt);
    let sealed = std::fs::read(&sealed_path).unwrap();
    let sealing = file(dir.path(), attempt).with_extension("ndjson.zst.new");
    let half = &sealed[..sealed.len() / 2];
    for (begun, done) in [
        (Some(&[][..]), None),
        (Some(half), None),
        (Some(&sealed[..]), None),
        (None, Some(&sealed[..])),
        (None, Some(half)),
        (Some(half), Some(&sealed[..])),
    ] {
        let _ = std::fs::remove_file(&sealed_path);
        std::fs::write(&path, &plain).unwrap();
        for (bytes, path) in [(begun, &sealing), (done, &sealed_path)] {
            if let Some(bytes) = bytes {
                std::fs::write(path, bytes).unwrap();
            }
        }
        let open = reopen(dir.path());
        assert_eq!(all(&open, attempt, 100_000).await, records(1..=LINES));
        open.seal(attempt).await.unwrap();
        assert_eq!(all(&open, attempt, 100_000).await, records(1..=LINES));
        assert_eq!(std::fs::read(&sealed_path).unwrap(), sealed);
        assert!(!path.exists() && !sealing.exists());
        assert_eq!(open.usage(), bytes_on_disk(dir.path()));
    }
}

#[tokio::test]
async fn a_sealed_log_that_is_cut_or_changed_is_damaged_and_left_alone() {
    let (dir, open) = logs();
    let attempt = new_id();
    append_lines(&open, attempt, LINES).await;
    open.seal(attempt).await.unwrap();
    drop(open);
    let path = sealed_file(dir.path(), attempt);
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 1, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let open = reopen(dir.path());
        let refused = open.read(attempt, 1, 1000).await;
        assert!(matches!(refused, Err(LogError::Damaged { .. })), "{length}: {refused:?}");
        let refused = open.append(attempt, &records([1])).await;
        assert!(matches!(refused, Err(LogError::Damaged { .. })), "{length}: {refused:?}");
        assert_eq!(std::fs::read(&path).unwrap(), &whole[..length]);
    }
    let mut changed = whole.clone();
    changed[1000] ^= 1;
    std::fs::write(&path, &changed).unwrap();
    let open = reopen(dir.path());
    let refused = open.read(attempt, 1, 1000).await;
    assert!(matches!(refused, Err(LogError::Damaged { .. })), "{refused:?}");
    // The frames that are whole are read.
    assert_eq!(open.read(attempt, LINES, 1000).await.unwrap().records, records([LINES]));
    drop(open);
    // Another attempt's file is no log of this one.
    let other: AttemptId = new_id();
    let other_path = sealed_file(dir.path(), other);
    std::fs::create_dir_all(other_path.parent().unwrap()).unwrap();
    std::fs::write(&other_path, &whole).unwrap();
    let refused = reopen(dir.path()).last_seq(other).await;
    assert!(matches!(refused, Err(LogError::Damaged { .. })), "{refused:?}");
}

#[tokio::test]
async fn readers_go_on_while_a_log_is_sealed() {
    let (_dir, open) = logs();
    let attempt = new_id();
    append_lines(&open, attempt, LINES).await;
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let open = open.clone();
            tokio::spawn(async move { all(&open, attempt, 20_000).await.len() as u64 })
        })
        .collect();
    open.seal(attempt).await.unwrap();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), LINES);
    }
}

/// Writes a log and seals it, again and again.
#[tokio::test]
#[ignore = "the child process of killing_the_process_while_it_seals_loses_nothing"]
async fn child_that_seals_until_killed() {
    let Some((dir, attempt)) = told() else { return };
    let logs = JobLogs::open(dir).unwrap();
    append_lines(&logs, attempt, LINES).await;
    println!("durable");
    std::io::stdout().flush().unwrap();
    logs.seal(attempt).await.unwrap();
    println!("sealed");
}

// Invariant I5.
#[tokio::test]
async fn killing_the_process_while_it_seals_loses_nothing() {
    for delay_ms in (0..20).step_by(2) {
        let dir = tempfile::tempdir().unwrap();
        let attempt: AttemptId = new_id();
        let mut child = child("seal::child_that_seals_until_killed", dir.path(), attempt)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(said.any(|line| line.unwrap().contains("durable")));
        // Not a wait for anything: it only moves the place where the child dies.
        tokio::time::sleep(Duration::from_millis(delay_ms)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let open = reopen(dir.path());
        assert_eq!(all(&open, attempt, 1_000_000).await, records(1..=LINES));
        open.seal(attempt).await.unwrap();
        assert_eq!(all(&open, attempt, 1_000_000).await, records(1..=LINES));
        assert_eq!(open.usage(), bytes_on_disk(dir.path()));
    }
}
