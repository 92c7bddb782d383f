//! Whatever is done to a log, it holds what was acknowledged.

use proptest::prelude::*;
use solstice_joblog::{JobLogs, LogError};
use solstice_model::AttemptId;
use solstice_model::id::new_id;

use crate::fixture::{all, file, logs, record, reopen};

#[derive(Clone, Debug)]
enum Way {
    Append {
        new: u64,
        again: u64,
    },
    Restart,
    /// Some bytes of an append that never was acknowledged.
    Tear {
        bytes: usize,
    },
    LoseIndex,
    Seal,
    Read {
        from: u64,
        bytes: usize,
    },
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![
        8 => (1_u64..400, 0_u64..50).prop_map(|(new, again)| Way::Append { new, again }),
        2 => Just(Way::Restart),
        1 => (1_usize..3_000).prop_map(|bytes| Way::Tear { bytes }),
        1 => Just(Way::LoseIndex),
        1 => Just(Way::Seal),
        4 => (1_u64..3_000, 1_usize..100_000).prop_map(|(from, bytes)| Way::Read { from, bytes }),
    ]
}

fn line(seq: u64) -> Vec<u8> {
    // Its size depends on the number alone, so that a repeat is the same.
    let bytes = usize::try_from(seq * 7919 % 1500).unwrap();
    format!("line {seq} {}", "y".repeat(bytes)).into_bytes()
}

fn sent(seqs: std::ops::RangeInclusive<u64>) -> Vec<solstice_model::Record> {
    seqs.map(|seq| record(seq, &line(seq))).collect()
}

async fn append(
    open: &JobLogs,
    attempt: AttemptId,
    first: u64,
    last: u64,
) -> Result<u64, LogError> {
    open.append(attempt, &sent(first..=last)).await
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    // Invariant I5.
    #[test]
    fn any_way_of_using_a_log_gives_the_same_records(
        ways in proptest::collection::vec(way(), 1..30),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (dir, mut open) = logs();
            let attempt: AttemptId = new_id();
            let path = file(dir.path(), attempt);
            let (mut last, mut over) = (0_u64, false);
            for way in ways {
                match way {
                    Way::Append { new, again } => {
                        let first = (last + 1).saturating_sub(again).max(1);
                        let up_to = first + new - 1;
                        let answer = append(&open, attempt, first, up_to).await;
                        if over && up_to > last {
                            let sealed = matches!(answer, Err(LogError::Sealed { .. }));
                            prop_assert!(sealed);
                        } else {
                            last = last.max(up_to);
                            prop_assert_eq!(answer.unwrap(), last);
                        }
                    }
                    Way::Restart => {
                        drop(open);
                        open = reopen(dir.path());
                    }
                    Way::Tear { bytes } => {
                        drop(open);
                        if path.exists() {
                            let mut whole = std::fs::read(&path).unwrap();
                            let torn = serde_json::to_vec(&sent(last + 1..=last + 3)).unwrap();
                            whole.extend(&torn[1..bytes.min(torn.len() - 1)]);
                            std::fs::write(&path, whole).unwrap();
                        }
                        open = reopen(dir.path());
                    }
                    Way::LoseIndex => {
                        drop(open);
                        let _ = std::fs::remove_file(path.with_extension("index"));
                        open = reopen(dir.path());
                    }
                    Way::Seal => {
                        open.seal(attempt).await.unwrap();
                        over = last > 0;
                    }
                    Way::Read { from, bytes } => {
                        let from = from.min(last + 1);
                        let page = open.read(attempt, from, bytes).await.unwrap();
                        prop_assert_eq!(page.last_seq, last);
                        prop_assert_eq!(page.records, sent(from..=page.next_seq - 1));
                        let place = open.line(attempt, from).await.unwrap();
                        prop_assert_eq!(place.seq, from);
                    }
                }
            }
            prop_assert_eq!(all(&open, attempt, 50_000).await, sent(1..=last));
            drop(open);
            prop_assert_eq!(all(&reopen(dir.path()), attempt, 50_000).await, sent(1..=last));
            Ok(())
        })?;
    }
}
