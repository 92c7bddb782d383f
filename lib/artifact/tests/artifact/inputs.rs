//! What a job gets of those that it needs.

use std::collections::BTreeMap;
use std::io::Read as _;

use futures::{StreamExt as _, TryStreamExt as _};
use solstice_artifact::{ArtifactError, ArtifactStore, Input, Limits};
use solstice_model::AttemptId;
use solstice_model::id::new_id;

use crate::fixture::{noise, put, store};

fn input(job: &str, path: &str, attempt: AttemptId, index: u32) -> Input {
    Input { job: job.to_owned(), path: path.to_owned(), attempt, index }
}

/// Unpacks as the agent does.
async fn unpacked(open: &ArtifactStore, wanted: Vec<Input>) -> BTreeMap<String, Vec<u8>> {
    let pieces = open.inputs(wanted).await.unwrap().try_collect::<Vec<_>>().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let plain = zstd::stream::read::Decoder::new(std::io::Cursor::new(pieces.concat())).unwrap();
    let mut archive = tar::Archive::new(plain);
    archive.set_ignore_zeros(true);
    archive.set_preserve_permissions(false);
    archive.set_preserve_mtime(true);
    let mut found = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        assert_eq!(entry.header().entry_type(), tar::EntryType::Regular);
        let name = entry.path().unwrap().to_str().unwrap().to_owned();
        assert!(entry.unpack_in(dir.path()).unwrap());
        let mut bytes = Vec::new();
        std::fs::File::open(dir.path().join(&name)).unwrap().read_to_end(&mut bytes).unwrap();
        found.insert(name, bytes);
    }
    found
}

#[tokio::test]
async fn all_artifacts_arrive_under_their_names() {
    let (_dir, open) = store(Limits::default());
    let (build, test): (AttemptId, AttemptId) = (new_id(), new_id());
    put(&open, build, 0, &noise(1, 3_000_000)).await.unwrap();
    put(&open, build, 1, b"").await.unwrap();
    put(&open, test, 0, b"<testsuite/>").await.unwrap();
    let long = format!("{}/file", "directory".repeat(20));
    let found = unpacked(
        &open,
        vec![
            input("build", "target/release/solstice", build, 0),
            input("build", "empty", build, 1),
            input("build", "again/empty", build, 1),
            input("test", &long, test, 0),
            input("test", "Prüfung 1.xml", test, 0),
        ],
    )
    .await;
    let expected = BTreeMap::from([
        ("build/target/release/solstice".to_owned(), noise(1, 3_000_000)),
        ("build/empty".to_owned(), Vec::new()),
        ("build/again/empty".to_owned(), Vec::new()),
        (format!("test/{long}"), b"<testsuite/>".to_vec()),
        ("test/Prüfung 1.xml".to_owned(), b"<testsuite/>".to_vec()),
    ]);
    assert!(found == expected, "{:?}", found.keys());
    assert!(unpacked(&open, Vec::new()).await.is_empty());
}

#[tokio::test]
async fn what_is_not_there_or_has_no_name_is_said_before_anything_is_sent() {
    let (_dir, open) = store(Limits::default());
    let attempt = new_id();
    put(&open, attempt, 0, b"contents").await.unwrap();
    let absent = open.inputs(vec![input("build", "a", attempt, 1)]).await;
    assert!(matches!(absent, Err(ArtifactError::Absent { index: 1, .. })), "{absent:?}");
    for (first, second) in [("../a", "b"), ("a", "a"), ("a", "a/b"), ("a/b", "a")] {
        let wanted = [first, second].map(|path| input("build", path, attempt, 0));
        let refused = open.inputs(wanted.into()).await;
        assert!(matches!(refused, Err(ArtifactError::BadName { .. })), "{first} {second}");
    }
}

#[tokio::test]
async fn an_archive_that_breaks_off_says_so() {
    let (_dir, open) = store(Limits::default());
    let (first, second) = (new_id(), new_id());
    put(&open, first, 0, &noise(1, 5_000_000)).await.unwrap();
    put(&open, second, 0, b"contents").await.unwrap();
    let wanted = vec![input("build", "a", first, 0), input("test", "a", second, 0)];
    let mut pieces = open.inputs(wanted).await.unwrap();
    pieces.next().await.unwrap().unwrap();
    // The second is not open yet: few pieces are made before they are taken.
    open.remove_attempt(second).await.unwrap();
    let rest = pieces.try_collect::<Vec<_>>().await;
    assert!(matches!(rest, Err(ArtifactError::Absent { .. })), "{:?}", rest.map(|all| all.len()));
}

#[tokio::test]
async fn an_archive_that_nobody_takes_ends() {
    let (dir, open) = store(Limits::default());
    let attempt = new_id();
    put(&open, attempt, 0, &noise(1, 5_000_000)).await.unwrap();
    let mut pieces = open.inputs(vec![input("build", "a", attempt, 0)]).await.unwrap();
    pieces.next().await.unwrap().unwrap();
    drop(pieces);
    drop(open);
    // The lock is free once the last who packs has ended.
    let again = tokio::time::timeout(std::time::Duration::from_secs(20), async {
        loop {
            match ArtifactStore::open_dir(dir.path(), Limits::default()) {
                Ok(open) => return open,
                Err(ArtifactError::Locked { .. }) => tokio::task::yield_now().await,
                Err(other) => panic!("{other:?}"),
            }
        }
    });
    assert_eq!(again.await.unwrap().usage(), 5_000_000);
}
