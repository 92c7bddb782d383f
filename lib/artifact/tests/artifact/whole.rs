//! What is committed is there, whole; what is not is nowhere.

use bytes::Bytes;
use futures::TryStreamExt as _;
use proptest::prelude::*;
use solstice_artifact::{ArtifactError, ArtifactStore, Limits};
use solstice_model::id::new_id;
use solstice_model::{AttemptId, Sha256Digest};

use crate::fixture::{SMALL, bytes_on_disk, get, noise, put, store, write};

#[tokio::test]
async fn what_was_committed_is_read_back_also_in_parts_and_later() {
    let (dir, open) = store(Limits::default());
    let attempt: AttemptId = new_id();
    let sizes = [0, 1, 256 * 1024, 1_000_000];
    for (index, bytes) in (0..).zip(sizes) {
        put(&open, attempt, index, &noise(7, bytes)).await.unwrap();
    }
    drop(open);
    let open = ArtifactStore::open_dir(dir.path(), Limits::default()).unwrap();
    for (index, bytes) in (0..).zip(sizes) {
        assert_eq!(get(&open, attempt, index).await.unwrap(), noise(7, bytes));
    }
    assert_eq!(open.usage(), sizes.iter().sum::<usize>() as u64);
    let reader = open.open(attempt, 3).await.unwrap();
    for (offset, bytes) in
        [(0, 10), (300_000, 500_000), (999_999, 100), (1_000_000, 1), (u64::MAX, 1)]
    {
        let pieces: Vec<Bytes> = reader.clone().stream(offset, bytes).try_collect().await.unwrap();
        let whole = noise(7, 1_000_000);
        let start = usize::try_from(offset).unwrap().min(whole.len());
        let end = start.saturating_add(usize::try_from(bytes).unwrap()).min(whole.len());
        assert_eq!(pieces.concat(), whole[start..end], "{offset}");
    }
    let absent = open.open(attempt, 4).await;
    assert!(matches!(absent, Err(ArtifactError::Absent { index: 4, .. })), "{absent:?}");
    let second = ArtifactStore::open_dir(dir.path(), SMALL);
    assert!(matches!(second, Err(ArtifactError::Locked { .. })), "{second:?}");
}

#[tokio::test]
async fn what_came_is_told_and_not_what_was_meant() {
    let (_dir, open) = store(SMALL);
    let bytes = noise(1, 50_000);
    for (index, sent) in (0..).zip([&bytes[..], &bytes[1..], &[]]) {
        let mut writer = open.begin(new_id(), index).await.unwrap();
        write(&mut writer, sent, 1000).await.unwrap();
        let stored = writer.commit().await.unwrap();
        assert_eq!((stored.bytes, stored.sha256), (sent.len() as u64, Sha256Digest::of(sent)));
    }
}

#[tokio::test]
async fn a_writer_that_is_dropped_leaves_nothing() {
    let (dir, open) = store(Limits::default());
    let mut writer = open.begin(new_id(), 0).await.unwrap();
    write(&mut writer, &noise(1, 900_000), 1000).await.unwrap();
    assert_eq!(open.usage(), 900_000, "what is written counts");
    drop(writer);
    assert_eq!((open.usage(), bytes_on_disk(dir.path())), (0, 0));
}

#[tokio::test]
async fn of_those_who_write_the_same_one_has_it_and_the_same_again_is_fine() {
    let (dir, open) = store(Limits::default());
    let attempt: AttemptId = new_id();
    let (one, other) = (noise(1, 400_000), noise(2, 400_000));
    let writers = (0..16).map(|n| {
        let (open, bytes) = (open.clone(), if n % 2 == 0 { one.clone() } else { other.clone() });
        tokio::spawn(async move { (n % 2, put(&open, attempt, 3, &bytes).await) })
    });
    let mut fine = [0, 0];
    for writer in writers.collect::<Vec<_>>() {
        match writer.await.unwrap() {
            (kind, Ok(())) => fine[kind] += 1,
            (_, Err(ArtifactError::Exists { index: 3, .. })) => {}
            (_, Err(other)) => panic!("{other:?}"),
        }
    }
    let kept = get(&open, attempt, 3).await.unwrap();
    let expected = if kept == one { [8, 0] } else { [0, 8] };
    assert_eq!(fine, expected);
    assert!(kept == one || kept == other);
    assert_eq!((open.usage(), bytes_on_disk(dir.path())), (400_000, 400_000));
}

#[tokio::test]
async fn an_attempt_is_removed_as_a_whole_also_under_writers() {
    let (dir, open) = store(Limits::default());
    let attempts: Vec<AttemptId> = (0..3).map(|_| new_id()).collect();
    for attempt in &attempts {
        for index in 0..5 {
            put(&open, *attempt, index, &noise(3, 10_000)).await.unwrap();
        }
    }
    let kept = open.oldest(2).await.unwrap();
    assert_eq!(kept.iter().map(|kept| kept.attempt).collect::<Vec<_>>(), attempts[..2]);
    assert_eq!((kept[0].bytes, kept[0].files), (50_000, 5));
    let reader = open.open(attempts[0], 0).await.unwrap();
    let mut writer = open.begin(attempts[0], 7).await.unwrap();
    write(&mut writer, &noise(4, 10_000), 1000).await.unwrap();
    assert_eq!(open.remove_attempt(attempts[0]).await.unwrap(), 50_000);
    assert_eq!(open.remove_attempt(attempts[0]).await.unwrap(), 0, "twice is once");
    assert_eq!(reader.read(9_000, 5_000).await.unwrap(), noise(3, 10_000)[9_000..]);
    let refused = writer.commit().await;
    assert!(matches!(refused, Err(ArtifactError::Removed { .. })), "{refused:?}");
    assert_eq!((open.usage(), bytes_on_disk(dir.path())), (100_000, 100_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn the_sum_is_what_is_on_disk_whatever_is_done(
        ways in proptest::collection::vec((0_usize..3, 0_u32..6, 0_usize..120_000, 0_u8..8), 1..25),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (dir, mut open) = store(SMALL);
            let attempts: Vec<AttemptId> = (0..3).map(|_| new_id()).collect();
            for (attempt, index, bytes, way) in ways {
                let attempt = attempts[attempt];
                match way {
                    0 => _ = open.remove_attempt(attempt).await.unwrap(),
                    1 => {
                        drop(open);
                        open = ArtifactStore::open_dir(dir.path(), SMALL).unwrap();
                    }
                    _ => {
                        let bytes = noise(u64::from(way), bytes);
                        if put(&open, attempt, index, &bytes).await.is_ok() {
                            prop_assert_eq!(get(&open, attempt, index).await.unwrap(), bytes);
                        }
                    }
                }
                prop_assert_eq!(open.usage(), bytes_on_disk(dir.path()));
                prop_assert!(open.usage() <= SMALL.total_bytes);
                for kept in open.oldest(10).await.unwrap() {
                    prop_assert!(kept.bytes <= SMALL.attempt_bytes);
                    prop_assert!(kept.files <= SMALL.attempt_files);
                }
            }
            Ok(())
        })?;
    }
}
