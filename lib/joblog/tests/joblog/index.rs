//! The index: it saves a scan, and nothing depends on it.

use std::os::unix::fs::FileExt as _;

use solstice_joblog::JobLogs;
use solstice_model::AttemptId;
use solstice_model::id::new_id;
use tempfile::TempDir;

use crate::fixture::{all, append_lines, file, logs, records, reopen};

const LINES: u64 = 30_000;

async fn long_log() -> (TempDir, AttemptId) {
    let (dir, open) = logs();
    let attempt = new_id();
    append_lines(&open, attempt, LINES).await;
    (dir, attempt)
}

async fn is_whole(open: &JobLogs, attempt: AttemptId) {
    assert_eq!(open.extent(attempt).await.unwrap().lines, LINES);
    assert_eq!(open.line(attempt, 17_777).await.unwrap().seq, 17_777);
    assert_eq!(all(open, attempt, 1_000_000).await, records(1..=LINES));
}

#[tokio::test]
async fn a_long_log_is_not_read_through_when_it_is_opened() {
    let (dir, attempt) = long_log().await;
    // The first half is made unreadable: whoever looks there notices.
    let log = std::fs::File::options().write(true).open(file(dir.path(), attempt)).unwrap();
    log.write_all_at(&vec![b'x'; 1_500_000], 0).unwrap();
    let open = reopen(dir.path());
    let extent = open.extent(attempt).await.unwrap();
    assert_eq!((extent.last_seq, extent.lines), (LINES, LINES));
    let page = open.read(attempt, LINES - 10, 10_000).await.unwrap();
    assert_eq!(page.records, records(LINES - 10..=LINES));
}

#[tokio::test]
async fn an_index_torn_anywhere_costs_time_and_nothing_else() {
    let (dir, attempt) = long_log().await;
    let path = file(dir.path(), attempt).with_extension("index");
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 1, 31, 32, 33, 135, 136, 137, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        is_whole(&reopen(dir.path()), attempt).await;
    }
    for hole in [0, 40, 1000, whole.len() / 2, whole.len() - 104] {
        let mut bytes = whole.clone();
        bytes[hole..hole + 50].fill(0);
        std::fs::write(&path, &bytes).unwrap();
        is_whole(&reopen(dir.path()), attempt).await;
    }
    std::fs::remove_file(&path).unwrap();
    is_whole(&reopen(dir.path()), attempt).await;
    assert!(path.exists(), "who had to read the log wrote down where things are");
}

#[tokio::test]
async fn an_index_of_another_log_or_of_a_longer_one_is_not_believed() {
    let (dir, attempt) = long_log().await;
    let (other_dir, other) = long_log().await;
    let path = file(dir.path(), attempt).with_extension("index");
    let own = std::fs::read(&path).unwrap();
    let others = file(other_dir.path(), other).with_extension("index");
    std::fs::copy(others, &path).unwrap();
    is_whole(&reopen(dir.path()), attempt).await;
    // A power cut took the end of the log, and the index tells of it.
    std::fs::write(&path, own).unwrap();
    let log = file(dir.path(), attempt);
    let bytes = std::fs::read(&log).unwrap();
    std::fs::write(&log, &bytes[..bytes.len() / 2]).unwrap();
    let open = reopen(dir.path());
    let last = open.last_seq(attempt).await.unwrap();
    assert!((LINES / 3..LINES).contains(&last));
    assert_eq!(all(&open, attempt, 1_000_000).await, records(1..=last));
    open.append(attempt, &records(last..=last + 10)).await.unwrap();
    assert_eq!(all(&open, attempt, 1_000_000).await, records(1..=last + 10));
}

#[tokio::test]
async fn an_index_that_changes_under_a_reader_is_made_anew() {
    let (dir, attempt) = long_log().await;
    let open = reopen(dir.path());
    assert_eq!(open.last_seq(attempt).await.unwrap(), LINES);
    let path = file(dir.path(), attempt).with_extension("index");
    let length = std::fs::metadata(&path).unwrap().len();
    let index = std::fs::File::options().write(true).open(&path).unwrap();
    index.write_all_at(&vec![7; usize::try_from(length).unwrap()], 0).unwrap();
    is_whole(&open, attempt).await;
    drop(open);
    is_whole(&reopen(dir.path()), attempt).await;
}
