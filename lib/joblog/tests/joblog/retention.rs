//! What is kept, what is removed, and how much of it there may be.

use solstice_joblog::{JobLogs, Limits, LogError};
use solstice_model::AttemptId;
use solstice_model::id::new_id;

use crate::fixture::{all, append_lines, bytes_on_disk, file, logs, records, reopen, sealed_file};

#[tokio::test]
async fn the_sum_is_what_is_on_disk_and_the_oldest_come_first() {
    let (dir, open) = logs();
    let attempts: Vec<AttemptId> = (0..6).map(|_| new_id()).collect();
    for (lines, attempt) in (0..).zip(&attempts) {
        append_lines(&open, *attempt, 1 + lines * 9_000).await;
        open.put_console(*attempt, vec![0; 1000]).await.unwrap();
        open.put_console(*attempt, vec![0; 700]).await.unwrap();
        if lines % 2 == 0 {
            open.seal(*attempt).await.unwrap();
        }
    }
    let sum = bytes_on_disk(dir.path());
    assert_eq!(open.usage(), sum);
    drop(open);
    let open = reopen(dir.path());
    assert_eq!(open.usage(), sum);
    let kept = open.oldest(100).await.unwrap();
    assert_eq!(kept.iter().map(|kept| kept.attempt).collect::<Vec<_>>(), attempts);
    assert_eq!(kept.iter().map(|kept| kept.bytes).sum::<u64>(), sum);
    assert!(kept.iter().enumerate().all(|(at, kept)| kept.sealed == (at % 2 == 0)));
    assert_eq!(open.oldest(2).await.unwrap(), kept[..2]);
    let mut freed = 0;
    for attempt in &attempts {
        freed += open.remove(*attempt).await.unwrap();
        assert_eq!(open.remove(*attempt).await.unwrap(), 0, "twice is once");
        assert_eq!(open.usage(), sum - freed);
    }
    assert_eq!((freed, bytes_on_disk(dir.path())), (sum, 0));
}

#[tokio::test]
async fn who_reads_or_writes_a_log_that_is_removed_is_told() {
    let (dir, open) = logs();
    for seal in [false, true] {
        let attempt = new_id();
        append_lines(&open, attempt, 1000).await;
        if seal {
            open.seal(attempt).await.unwrap();
        }
        let page = open.read(attempt, 1, 1000).await.unwrap();
        let mut follower = open.follow(attempt).await.unwrap();
        open.remove(attempt).await.unwrap();
        for open in [open.clone(), {
            let other = tempfile::tempdir().unwrap();
            reopen(other.path())
        }] {
            let refused = open.read(attempt, page.next_seq, 1000).await;
            assert!(matches!(refused, Err(LogError::Removed)), "{refused:?}");
        }
        let refused = open.append(attempt, &records([1001])).await;
        assert!(matches!(refused, Err(LogError::Removed)), "{refused:?}");
        assert!(follower.changed().await.is_err(), "followers are let go");
        assert!(!file(dir.path(), attempt).exists());
    }
}

#[tokio::test]
async fn a_removal_that_a_crash_cut_short_is_ended_at_the_next_start() {
    let (dir, open) = logs();
    let attempt = new_id();
    append_lines(&open, attempt, 100_000).await;
    open.put_console(attempt, vec![0; 700]).await.unwrap();
    drop(open);
    let path = file(dir.path(), attempt);
    std::fs::rename(&path, path.with_extension("trash")).unwrap();
    let open = reopen(dir.path());
    assert_eq!((open.usage(), bytes_on_disk(dir.path())), (0, 0));
    assert_eq!(open.console(attempt).await.unwrap(), None);
}

#[tokio::test]
async fn a_log_may_grow_so_far_and_no_further() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Limits { max_bytes: 10_000 };
    let open = JobLogs::open_with(dir.path(), limits).unwrap();
    let attempt = new_id();
    let mut last = 0;
    let refused = loop {
        match open.append(attempt, &records(last + 1..=last + 3)).await {
            Ok(durable) => last = durable,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, LogError::TooLong { limit: 10_000 }), "{refused:?}");
    assert!(!refused.retry());
    assert!((9_500..=10_000).contains(&open.extent(attempt).await.unwrap().bytes));
    assert_eq!(all(&open, attempt, 1000).await, records(1..=last));
    assert_eq!(open.append(attempt, &records(1..=last)).await.unwrap(), last);
}

#[tokio::test]
async fn what_an_earlier_process_did_not_seal_is_sealed() {
    let (dir, open) = logs();
    let (live, over) = (new_id(), new_id());
    append_lines(&open, live, 10).await;
    append_lines(&open, over, 10).await;
    drop(open);
    let open = reopen(dir.path());
    open.seal_others([live].into()).await.unwrap();
    tokio::time::timeout(std::time::Duration::from_secs(20), async {
        while file(dir.path(), over).exists() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("it is sealed in time");
    assert!(sealed_file(dir.path(), over).exists());
    assert!(file(dir.path(), live).exists());
    append_lines(&open, live, 20).await;
}
