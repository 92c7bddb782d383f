//! Sizes and counts beyond what is allowed, and a disk that is full.

use std::process::Command;

use bytes::Bytes;
use solstice_artifact::{ArtifactError, ArtifactStore, Limits};
use solstice_model::{AttemptId, id::new_id};

use crate::fixture::{SMALL, bytes_on_disk, get, noise, put, store, write};

#[tokio::test]
async fn each_bound_has_its_own_answer_and_a_refusal_leaves_nothing() {
    let (dir, open) = store(SMALL);
    let attempts: Vec<AttemptId> = (0..4).map(|_| new_id()).collect();
    let refused = put(&open, attempts[0], 0, &noise(1, 100_001)).await;
    assert!(matches!(refused, Err(ArtifactError::TooLarge { limit: 100_000 })), "{refused:?}");
    for index in 0..2 {
        put(&open, attempts[0], index, &noise(1, 100_000)).await.unwrap();
    }
    let refused = put(&open, attempts[0], 2, &noise(1, 50_001)).await;
    let limit = SMALL.attempt_bytes;
    assert!(
        matches!(refused, Err(ArtifactError::AttemptTooLarge { limit: l }) if l == limit),
        "{refused:?}"
    );
    put(&open, attempts[0], 2, &noise(1, 50_000)).await.unwrap();
    put(&open, attempts[0], u32::MAX, &[]).await.unwrap();
    let refused = put(&open, attempts[0], 4, &[]).await;
    assert!(matches!(refused, Err(ArtifactError::TooMany { limit: 4 })), "{refused:?}");
    for attempt in &attempts[1..3] {
        for index in 0..2 {
            put(&open, *attempt, index, &noise(1, 85_000)).await.unwrap();
        }
    }
    let refused = put(&open, attempts[3], 0, &noise(1, 10_001)).await;
    assert!(matches!(refused, Err(ArtifactError::Full { limit: 600_000, .. })), "{refused:?}");
    assert!(refused.unwrap_err().retry());
    assert_eq!((open.usage(), bytes_on_disk(dir.path())), (590_000, 590_000));
    open.remove_attempt(attempts[0]).await.unwrap();
    put(&open, attempts[3], 0, &noise(1, 10_001)).await.unwrap();
}

#[tokio::test]
async fn many_writers_share_the_bounds() {
    let (dir, open) = store(SMALL);
    let attempt: AttemptId = new_id();
    let mut writers = Vec::new();
    for index in 0..4 {
        writers.push(open.begin(attempt, index).await.unwrap());
    }
    let refused = open.begin(attempt, 4).await;
    assert!(matches!(refused, Err(ArtifactError::TooMany { .. })), "{refused:?}");
    writers.push(open.begin(attempt, 3).await.unwrap());
    for writer in &mut writers[..2] {
        write(writer, &noise(1, 100_000), 10_000).await.unwrap();
    }
    let refused = write(&mut writers[2], &noise(1, 60_000), 10_000).await;
    assert!(matches!(refused, Err(ArtifactError::AttemptTooLarge { .. })), "{refused:?}");
    let again = writers[2].write(Bytes::from_static(b"x")).await;
    assert!(matches!(again, Err(ArtifactError::GivenUp)), "{again:?}");
    drop(writers);
    assert_eq!((open.usage(), bytes_on_disk(dir.path())), (0, 0));
    put(&open, attempt, 9, b"there is room again").await.unwrap();
}

/// Writes until nothing more fits into a file.
#[tokio::test]
#[ignore = "the child process of a_full_disk_is_said_and_leaves_nothing"]
async fn child_that_fills_the_disk() {
    let Ok(dir) = std::env::var("ARTIFACT_DIR") else { return };
    let open = ArtifactStore::open_dir(&dir, Limits::default()).unwrap();
    let attempt = new_id();
    put(&open, attempt, 0, &noise(1, 5_000)).await.unwrap();
    let refused = put(&open, attempt, 1, &noise(1, 9_000)).await;
    assert!(matches!(refused, Err(ArtifactError::DiskFull)), "{refused:?}");
    assert_eq!(get(&open, attempt, 0).await.unwrap(), noise(1, 5_000));
    assert_eq!((open.usage(), bytes_on_disk(dir.as_ref())), (5_000, 5_000));
}

#[tokio::test]
async fn a_full_disk_is_said_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // 16 blocks of 512 bytes; without the trap the signal would end the child.
    let child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["bounds::child_that_fills_the_disk", "--exact", "--ignored"])
        .env("ARTIFACT_DIR", dir.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    assert_eq!(bytes_on_disk(dir.path()), 5_000, "the child ran");
}
