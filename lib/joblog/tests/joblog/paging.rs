//! A long log, read in the middle and at its end.

use std::time::Instant;

use solstice_model::id::new_id;

use crate::fixture::{all, logs, records, reopen};

const LINES: u64 = 100_000;

#[tokio::test]
async fn a_long_log_is_read_anywhere_without_reading_all_of_it() {
    let (dir, open) = logs();
    let attempt = new_id();
    for first in (1..LINES).step_by(5_000) {
        open.append(attempt, &records(first..first + 5_000)).await.unwrap();
    }
    drop(open);
    // Both the index of a recovered log and that of one that was just written.
    let open = reopen(dir.path());
    assert_eq!(open.last_seq(attempt).await.unwrap(), LINES);
    for from in [1, 2, 4_999, 50_000, 77_777, LINES - 1, LINES] {
        let page = open.read(attempt, from, 2_000).await.unwrap();
        assert_eq!(page.records, records(from..page.next_seq));
        assert!(page.records.len() <= 2_000 / 50, "a page is bounded");
        assert_eq!(page.last_seq, LINES);
    }
    let past = open.read(attempt, LINES + 1, 2_000).await.unwrap();
    assert_eq!((past.records.len(), past.next_seq), (0, LINES + 1));
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
