//! Commit statuses as they were posted, in order.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use camino::Utf8Path;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use solstice_model::RepoName;
use tokio::sync::watch;

use crate::error::TestbedError;

/// One commit status, as a client posted it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedStatus {
    /// Its place in the order of arrival, from 1.
    pub id: u64,
    /// When it arrived.
    pub at: DateTime<Utc>,
    /// The repository.
    pub repository: RepoName,
    /// The commit, in full.
    pub commit: String,
    /// The check's name.
    pub context: String,
    /// `pending`, `success`, `failure`, `error` or `warning`.
    pub state: String,
    /// One line for people.
    pub description: String,
    /// The page behind it.
    pub target_url: String,
}

/// All statuses, and a signal for those who wait for one.
#[derive(Debug)]
pub(super) struct Statuses {
    /// Guards the list and the order in the file.
    recorded: Mutex<Recorded>,
    count: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Recorded {
    all: Vec<RecordedStatus>,
    file: Option<std::fs::File>,
}

impl Statuses {
    /// Begins with what the file of an earlier life holds, and appends to it.
    pub(super) fn open(file: Option<&Utf8Path>) -> Result<Self, TestbedError> {
        let mut recorded = Recorded::default();
        if let Some(path) = file {
            let io = |source| TestbedError::Io { what: path.to_string(), source };
            let mut options = std::fs::OpenOptions::new();
            let file = options.create(true).append(true).open(path).map_err(io)?;
            let text = std::fs::read_to_string(path).map_err(io)?;
            // A crash may have cut the last line.
            recorded.all = text.lines().map_while(|line| serde_json::from_str(line).ok()).collect();
            recorded.file = Some(file);
        }
        let count = watch::Sender::new(recorded.all.len());
        Ok(Self { recorded: Mutex::new(recorded), count })
    }

    /// Records a status: numbers it, writes it to the file, wakes who waits.
    pub(super) fn record(&self, mut status: RecordedStatus) -> RecordedStatus {
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        status.id = recorded.all.len() as u64 + 1;
        if let Some(file) = &mut recorded.file {
            let mut line = serde_json::to_vec(&status).expect("a status is plain data");
            line.push(b'\n');
            file.write_all(&line).expect("the test's disk takes a line");
        }
        recorded.all.push(status.clone());
        let count = recorded.all.len();
        drop(recorded);
        self.count.send_replace(count);
        status
    }

    pub(super) fn all(&self) -> Vec<RecordedStatus> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner).all.clone()
    }

    /// Waits until a recorded status, old or new, is the wanted one.
    pub(super) async fn wait(
        &self,
        context: &str,
        wanted: impl Fn(&RecordedStatus) -> bool,
        limit: Duration,
    ) -> Result<RecordedStatus, TestbedError> {
        let mut count = self.count.subscribe();
        let found = async {
            loop {
                count.borrow_and_update();
                let all = self.all();
                if let Some(status) = all.into_iter().find(|s| s.context == context && wanted(s)) {
                    return status;
                }
                count.changed().await.expect("the sender lives as long as self");
            }
        };
        tokio::time::timeout(limit, found).await.map_err(|_| TestbedError::Late {
            what: format!("such status {context:?} among {:?}", self.all()),
            limit,
        })
    }
}
