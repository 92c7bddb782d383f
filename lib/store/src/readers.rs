//! Read-only connections: a few, opened when first needed, used off the async threads.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::error::StoreError;
use crate::store::open_reader;

/// How many readers may work at the same time.
const MAX_READERS: usize = 4;

/// The pool.
pub(crate) struct Readers {
    path: PathBuf,
    busy_timeout: Duration,
    permits: Arc<Semaphore>,
    /// Guards the connections that nobody uses now; held for a push or a pop only.
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub(crate) fn open(path: PathBuf, busy_timeout: Duration) -> Result<Self, StoreError> {
        let first = open_reader(&path, busy_timeout)?;
        let permits = Arc::new(Semaphore::new(MAX_READERS));
        Ok(Self { path, busy_timeout, permits, idle: Arc::new(Mutex::new(vec![first])) })
    }

    pub(crate) async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permits = Arc::clone(&self.permits);
        let permit = permits.acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (path, busy_timeout) = (self.path.clone(), self.busy_timeout);
        let idle = Arc::clone(&self.idle);
        let reading = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let spare = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match spare {
                Some(connection) => connection,
                None => open_reader(&path, busy_timeout)?,
            };
            let result = in_snapshot(&connection, work);
            // A connection that failed half-way is not put back.
            if connection.is_autocommit() {
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            }
            result
        });
        reading.await.map_err(|_| StoreError::Closed)?
    }
}

/// Several statements of one reader see the same state.
fn in_snapshot<T>(
    connection: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let snapshot = connection.unchecked_transaction()?;
    let result = work(&snapshot);
    snapshot.finish()?;
    result
}
