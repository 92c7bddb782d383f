//! Databases that are not opened, and why.

use std::os::unix::fs::PermissionsExt as _;

use solstice_store::{RunQuery, StoreError};

use crate::fixture::{LEASE, at, deliver, forge, host, open, store};

#[tokio::test]
async fn what_the_first_version_wrote_can_be_looked_at_and_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("solstice.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(include_str!("../../migrations/0001_first.sql")).unwrap();
    connection.execute_batch(include_str!("../../migrations/populated/0001.sql")).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    drop(connection);

    let store = open(&path).unwrap();
    let counts = store.counts().await.unwrap();
    assert_eq!((counts.queued, counts.running, counts.waiting), (1, 1, 1));
    for run in store.runs(RunQuery::default(), None, 10).await.unwrap() {
        for job in store.run(run.id).await.unwrap().jobs {
            store.job(job.id).await.unwrap();
            store.events(job.id, 0, 10).await.unwrap();
        }
    }
    assert_eq!(store.deliveries(None, 10).await.unwrap().len(), 3);
    assert_eq!(store.next_waiting_deliveries(forge(), at(0), 10).await.unwrap().len(), 1);
    assert_eq!(
        (store.hosts(at(0), LEASE).await.unwrap().len(), store.tokens().await.unwrap().len()),
        (1, 1)
    );
    let wanted = store.wanted(host("host-1")).await.unwrap();
    let last = store.expire_leases(at(9_999), 9).await.unwrap();
    assert_eq!(last, [wanted[0].job]);
}

#[tokio::test]
async fn a_second_server_is_refused_while_the_first_is_there() {
    let (dir, store) = store();
    deliver(&store).await;
    let path = dir.path().join("solstice.db");
    let refused = open(&path).unwrap_err();
    assert!(matches!(refused, StoreError::Locked { .. }), "{refused:?}");
    assert!(refused.to_string().contains("solstice.db.lock"), "{refused}");
    let clone = store.clone();
    drop(store);
    assert!(open(&path).is_err(), "a clone is still there");
    drop(clone);
    assert_eq!(open(&path).unwrap().deliveries(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused() {
    let (dir, store) = store();
    drop(store);
    let path = dir.path().join("solstice.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 7000).unwrap();
    drop(connection);
    let refused = open(&path).unwrap_err();
    assert!(matches!(refused, StoreError::Newer { found: 7000, .. }), "{refused:?}");
}

#[tokio::test]
async fn what_is_not_a_database_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("solstice.db");
    let text = "dear diary\n".repeat(1000);
    std::fs::write(&path, &text).unwrap();
    let refused = open(&path).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_said_to_be_so() {
    let dir = tempfile::tempdir().unwrap();
    let refused = open(&dir.path().join("nowhere/solstice.db")).unwrap_err();
    assert!(matches!(refused, StoreError::Io { .. }), "{refused:?}");
    assert!(refused.to_string().contains("nowhere/solstice.db.lock"), "{refused}");
}

#[tokio::test]
async fn the_database_is_for_its_owner_alone() {
    let (dir, store) = store();
    deliver(&store).await;
    for name in ["solstice.db", "solstice.db-wal", "solstice.db-shm"] {
        let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} has mode {mode:o}");
    }
}
