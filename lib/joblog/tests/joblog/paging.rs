//! A long log, read in the middle and at its end.

use std::time::Instant;

use solstice_joblog::JobLogs;
use solstice_model::AttemptId;
use solstice_model::id::new_id;

use crate::fixture::{all, logs, records, reopen};

const LINES: u64 = 100_000;

async fn is_read_anywhere(logs: &JobLogs, attempt: AttemptId) {
    assert_eq!(logs.last_seq(attempt).await.unwrap(), LINES);
    // Steps that meet every entry of the index, just before and just after it.
    for from in (1..LINES).step_by(97).chain([LINES - 1, LINES]) {
        let page = logs.read(attempt, from, 500).await.unwrap();
        assert_eq!(page.records, records(from..page.next_seq));
        assert!((1..=10).contains(&page.records.len()), "a page is bounded, but has something");
        assert_eq!(page.last_seq, LINES);
    }
    let past = logs.read(attempt, LINES + 1, 2_000).await.unwrap();
    assert_eq!((past.records.len(), past.next_seq), (0, LINES + 1));
}

#[tokio::test]
async fn a_long_log_is_read_anywhere_while_it_is_written_and_after() {
    let (dir, open) = logs();
    let attempt = new_id();
    for first in (1..LINES).step_by(5_000) {
        open.append(attempt, &records(first..first + 5_000)).await.unwrap();
    }
    is_read_anywhere(&open, attempt).await;
    drop(open);
    let open = reopen(dir.path());
    is_read_anywhere(&open, attempt).await;
    assert_eq!(all(&open, attempt, 1024 * 1024).await.len() as u64, LINES);
}

#[tokio::test]
async fn the_end_of_a_long_log_is_as_near_as_its_beginning() {
    let (_dir, open) = logs();
    let attempt = new_id();
    for first in (1..LINES).step_by(5_000) {
        open.append(attempt, &records(first..first + 5_000)).await.unwrap();
    }
    let mut spent = [0.0, 0.0];
    for _ in 0..30 {
        for (spent, from) in spent.iter_mut().zip([1, LINES - 10]) {
            let begun = Instant::now();
            open.read(attempt, from, 500).await.unwrap();
            *spent += begun.elapsed().as_secs_f64();
        }
    }
    // A reader without an index would take some two hundred times as long.
    assert!(spent[1] < spent[0] * 30.0, "{spent:?}");
}
