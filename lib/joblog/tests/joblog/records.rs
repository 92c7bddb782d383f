//! What is appended, what is refused, who is told.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use proptest::prelude::*;
use solstice_joblog::{JobLogs, LogError};
use solstice_model::id::new_id;
use solstice_model::{AttemptId, RecordBody};

use crate::fixture::{all, file, logs, record, records, reopen};

#[tokio::test]
async fn what_was_appended_is_read_back_whatever_its_bytes() {
    let (_dir, logs) = logs();
    let attempt: AttemptId = new_id();
    let every_byte: Vec<u8> = (0..=255).collect();
    let mut sent = vec![record(1, &every_byte), record(2, "höher\r\u{1b}[31m".as_bytes())];
    sent.push(record(3, &[0; 32 * 1024]));
    assert_eq!(logs.append(attempt, &sent).await.unwrap(), 3);
    assert_eq!(all(&logs, attempt, 1).await, sent);
}

#[tokio::test]
async fn an_attempt_without_a_log_is_empty_and_leaves_no_file() {
    let (dir, logs) = logs();
    let attempt = new_id();
    assert_eq!(logs.last_seq(attempt).await.unwrap(), 0);
    let page = logs.read(attempt, 1, 1000).await.unwrap();
    assert_eq!((page.records.len(), page.next_seq, page.last_seq), (0, 1, 0));
    assert_eq!(logs.append(attempt, &[]).await.unwrap(), 0);
    assert!(!file(dir.path(), attempt).exists());
}

#[tokio::test]
async fn a_gap_is_refused_with_what_was_to_come() {
    let (_dir, logs) = logs();
    let attempt = new_id();
    let gap = |result| match result {
        Err(LogError::Gap { expected, found }) => (expected, found),
        other => panic!("{other:?}"),
    };
    assert_eq!(gap(logs.append(attempt, &records([2])).await), (1, 2));
    logs.append(attempt, &records(1..=3)).await.unwrap();
    assert_eq!(gap(logs.append(attempt, &records([5, 6])).await), (4, 5));
    assert_eq!(gap(logs.append(attempt, &records([4, 6])).await), (5, 6));
    assert_eq!(gap(logs.append(attempt, &records([4, 4])).await), (5, 4));
    assert_eq!(logs.last_seq(attempt).await.unwrap(), 3, "a refused batch is refused whole");
}

#[tokio::test]
async fn a_line_or_a_batch_beyond_the_bounds_is_refused() {
    let (_dir, logs) = logs();
    let attempt = new_id();
    let mut note = record(1, b"");
    note.body = RecordBody::Note { text: "x".repeat(2 * 1024 * 1024) };
    let refused = logs.append(attempt, &[note]).await;
    assert!(matches!(refused, Err(LogError::TooLarge { .. })), "{refused:?}");
    let many: Vec<_> = (1..400).map(|seq| record(seq, &[b'x'; 32 * 1024])).collect();
    let refused = logs.append(attempt, &many).await;
    assert!(matches!(refused, Err(LogError::TooLarge { .. })), "{refused:?}");
    assert_eq!(logs.last_seq(attempt).await.unwrap(), 0);
}

#[tokio::test]
async fn a_second_process_is_refused() {
    let (dir, logs) = logs();
    let second = JobLogs::open(dir.path());
    assert!(matches!(second, Err(LogError::Locked { .. })), "{second:?}");
    drop(logs);
    JobLogs::open(dir.path()).unwrap();
}

#[tokio::test]
async fn logs_and_consoles_are_for_their_owner_alone() {
    let (dir, logs) = logs();
    let attempt = new_id();
    logs.append(attempt, &records([1])).await.unwrap();
    logs.put_console(attempt, b"login:".to_vec()).await.unwrap();
    let log = file(dir.path(), attempt);
    for path in [log.parent().unwrap(), &log, &log.with_extension("console")] {
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
    }
}

#[tokio::test]
async fn followers_are_told_and_let_go() {
    let (_dir, logs) = logs();
    let attempt = new_id();
    logs.append(attempt, &records(1..=2)).await.unwrap();
    let mut follower = logs.follow(attempt).await.unwrap();
    assert_eq!(*follower.borrow_and_update(), 2);
    logs.append(attempt, &records(1..=4)).await.unwrap();
    follower.changed().await.unwrap();
    assert_eq!(*follower.borrow_and_update(), 4);
    logs.finish(attempt).await;
    assert!(follower.changed().await.is_err());
    let mut late = logs.follow(attempt).await.unwrap();
    assert_eq!(*late.borrow_and_update(), 4);
    assert!(late.changed().await.is_err(), "a finished log has no followers");
}

#[tokio::test]
async fn a_followed_log_stays_open_while_many_others_come_and_go() {
    let (_dir, logs) = logs();
    let attempt = new_id();
    let mut follower = logs.follow(attempt).await.unwrap();
    for _ in 0..200 {
        logs.append(new_id(), &records([1])).await.unwrap();
    }
    logs.append(attempt, &records([1])).await.unwrap();
    follower.changed().await.unwrap();
    assert_eq!(*follower.borrow(), 1);
}

#[tokio::test]
async fn a_log_that_was_closed_for_want_of_room_goes_on() {
    let (_dir, logs) = logs();
    let attempts: Vec<AttemptId> = (0..150).map(|_| new_id()).collect();
    for round in [1..=2, 3..=3] {
        for attempt in &attempts {
            logs.append(*attempt, &records(round.clone())).await.unwrap();
        }
    }
    for attempt in &attempts {
        assert_eq!(all(&logs, *attempt, 1000).await, records(1..=3));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attempts_do_not_disturb_each_other_nor_doubles_themselves() {
    let (_dir, logs) = logs();
    let attempts: [AttemptId; 2] = [new_id(), new_id()];
    let whole = Arc::new(records(1..=300));
    // Three senders per attempt say the same, in pieces of different sizes.
    let mut senders = tokio::task::JoinSet::new();
    for attempt in attempts {
        for size in [1, 7, 40] {
            let (logs, whole) = (logs.clone(), Arc::clone(&whole));
            senders.spawn(async move {
                for piece in whole.chunks(size) {
                    logs.append(attempt, piece).await.unwrap();
                }
            });
        }
    }
    senders.join_all().await;
    for attempt in attempts {
        assert_eq!(all(&logs, attempt, 500).await, *whole);
    }
}

#[tokio::test]
async fn the_plain_text_is_the_same_in_whatever_pieces() {
    let (_dir, logs) = logs();
    let attempt = new_id();
    for first in (1..20_000).step_by(4_000) {
        logs.append(attempt, &records(first..first + 4_000)).await.unwrap();
    }
    let mut reader = logs.plain(attempt, Vec::new());
    let (mut text, mut pieces) = (Vec::new(), 0);
    while let Some(piece) = reader.next().await.unwrap() {
        text.extend(piece);
        pieces += 1;
    }
    let expected: String = (1..=20_000).map(|seq| format!("line {seq}\n")).collect();
    assert_eq!(String::from_utf8(text).unwrap(), expected);
    assert!(pieces > 1, "a long log comes in pieces");
}

#[tokio::test]
async fn a_console_is_kept_whole_and_replaced_whole() {
    let (dir, logs) = logs();
    let attempt = new_id();
    assert_eq!(logs.console(attempt).await.unwrap(), None);
    logs.put_console(attempt, vec![1, 2, 3]).await.unwrap();
    logs.put_console(attempt, b"login:".to_vec()).await.unwrap();
    drop(logs);
    let logs = reopen(dir.path());
    assert_eq!(logs.console(attempt).await.unwrap().as_deref(), Some(&b"login:"[..]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    // Invariant I5: whatever the batches, repeats and restarts, the file is the same.
    #[test]
    fn any_way_of_sending_a_sequence_gives_the_same_file(
        ways in proptest::collection::vec((1_u64..30, 0_u64..30, any::<bool>()), 1..25),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (dir, mut open) = logs();
            let (attempt, straight) = (new_id(), new_id());
            let mut last = 0_u64;
            for (new, again, restart) in ways {
                let first = (last + 1).saturating_sub(again).max(1);
                let up_to = (first + new - 1).max(first);
                last = last.max(up_to);
                let durable = open.append(attempt, &records(first..=up_to)).await.unwrap();
                prop_assert_eq!(durable, last);
                if restart {
                    drop(open);
                    open = reopen(dir.path());
                }
            }
            open.append(straight, &records(1..=last)).await.unwrap();
            let bytes = |attempt| std::fs::read(file(dir.path(), attempt)).unwrap();
            prop_assert_eq!(bytes(attempt), bytes(straight));
            prop_assert_eq!(all(&open, attempt, 100).await, records(1..=last));
            Ok(())
        })?;
    }
}
