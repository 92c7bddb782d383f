//! Group commit: who is undone with whom.

use std::time::Duration;

use solstice_forge::CheckReport;

use super::*;
use crate::describe::{JobView, RunView};

struct Silent;

impl Describe for Silent {
    fn job(&self, _: &RunView, _: &JobView<'_>) -> CheckReport {
        unreachable!("these tests have no jobs")
    }

    fn broken_run(&self, _: &RunView, _: &str) -> CheckReport {
        unreachable!("these tests have no runs")
    }
}

fn writer(dir: &tempfile::TempDir) -> Arc<Writer> {
    let connection = Connection::open(dir.path().join("test.db")).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.execute_batch("CREATE TABLE number (n INTEGER UNIQUE, fill BLOB)").unwrap();
    Arc::new(Writer::start(connection, Arc::new(Silent)))
}

fn insert(tx: &Tx<'_>, n: i64, bytes: usize) -> Result<(), StoreError> {
    tx.execute("INSERT INTO number VALUES (?1, zeroblob(?2))", (n, bytes))?;
    tx.changed();
    Ok(())
}

async fn count(writer: &Writer) -> i64 {
    let count = |tx: &Tx<'_>| Ok(tx.query_row("SELECT count(*) FROM number", [], |r| r.get(0))?);
    writer.write(count).await.unwrap()
}

/// Holds the writer until the returned sender is used or dropped, so that
/// what is asked meanwhile goes into one commit.
fn stall(writer: &Arc<Writer>) -> std::sync::mpsc::Sender<()> {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let writer = Arc::clone(writer);
    tokio::spawn(async move {
        let hold = move |_: &Tx<'_>| {
            let _ = wait.recv_timeout(Duration::from_secs(20));
            Ok(())
        };
        writer.write(hold).await
    });
    go
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_piece_that_fails_is_rolled_back_alone() {
    let dir = tempfile::tempdir().unwrap();
    let writer = writer(&dir);
    let go = stall(&writer);
    let mut pieces = tokio::task::JoinSet::new();
    for n in 0..30 {
        let writer = Arc::clone(&writer);
        pieces.spawn(async move {
            let work = move |tx: &Tx<'_>| {
                insert(tx, n, 0)?;
                if n % 3 == 0 { Err(StoreError::conflict("test", "no")) } else { Ok(()) }
            };
            writer.write(work).await.is_ok()
        });
    }
    tokio::task::yield_now().await;
    drop(go);
    let kept = pieces.join_all().await.into_iter().filter(|kept| *kept).count();
    assert_eq!((kept, count(&writer).await), (20, 20));
}

#[tokio::test]
async fn watchers_hear_of_what_was_kept_and_of_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let writer = writer(&dir);
    let changes = writer.signals().changes.subscribe();
    let mut jobs = writer.signals().jobs.subscribe();
    let [gone, kept] = [(); 2].map(|()| solstice_model::id::new_id());
    let undone = move |tx: &Tx<'_>| {
        tx.job_changed(gone);
        Err::<(), _>(StoreError::conflict("test", "no"))
    };
    writer.write(undone).await.unwrap_err();
    assert!(!changes.has_changed().unwrap());
    let done = move |tx: &Tx<'_>| {
        tx.job_changed(kept);
        Ok(())
    };
    writer.write(done).await.unwrap();
    assert!(changes.has_changed().unwrap());
    assert_eq!(jobs.recv().await.unwrap(), kept);
    assert!(jobs.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_said_and_what_was_answered_stays() {
    let dir = tempfile::tempdir().unwrap();
    let writer = writer(&dir);
    let limit = |pages: u32| {
        let writer = Arc::clone(&writer);
        let set = move |tx: &Tx<'_>| {
            Ok(tx.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?)
        };
        async move { writer.write(set).await.unwrap() }
    };
    limit(40).await;
    let mut kept = 0;
    for n in 0..100 {
        match writer.write(move |tx| insert(tx, n, 4000)).await {
            Ok(()) => kept += 1,
            Err(error) => assert!(matches!(error, StoreError::Full), "{error:?}"),
        }
    }
    assert!(kept > 0 && kept < 100);
    assert_eq!(count(&writer).await, kept);
    limit(1000).await;
    writer.write(|tx| insert(tx, 1000, 4000)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_fills_within_a_batch_fails_all_whom_it_undid() {
    let dir = tempfile::tempdir().unwrap();
    let writer = writer(&dir);
    let set = |tx: &Tx<'_>| Ok(tx.pragma_update_and_check(None, "max_page_count", 40, |_| Ok(()))?);
    writer.write(set).await.unwrap();
    let mut pieces = tokio::task::JoinSet::new();
    let go = stall(&writer);
    for n in 0..100 {
        let writer = Arc::clone(&writer);
        pieces.spawn(async move { writer.write(move |tx| insert(tx, n, 4000)).await });
    }
    tokio::task::yield_now().await;
    drop(go);
    let mut kept = 0;
    for answer in pieces.join_all().await {
        match answer {
            Ok(()) => kept += 1,
            Err(error) => assert!(matches!(error, StoreError::Full), "{error:?}"),
        }
    }
    assert_eq!(count(&writer).await, kept, "what was answered, and only that, is there");
}

#[tokio::test]
async fn what_is_queued_is_written_before_the_writer_goes() {
    let dir = tempfile::tempdir().unwrap();
    let writer = writer(&dir);
    let asked: Vec<_> = (0..200)
        .map(|n| {
            let writer = Arc::clone(&writer);
            tokio::spawn(async move { writer.write(move |tx| insert(tx, n, 0)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    drop(writer);
    for answer in asked {
        answer.await.unwrap().unwrap();
    }
    let connection = Connection::open(dir.path().join("test.db")).unwrap();
    let kept: i64 = connection.query_row("SELECT count(*) FROM number", [], |r| r.get(0)).unwrap();
    assert_eq!(kept, 200);
}
