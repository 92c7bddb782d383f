//! Logs in a directory of their own, and records to put there.

use std::path::{Path, PathBuf};

use chrono::DateTime;
use solstice_joblog::JobLogs;
use solstice_model::{AttemptId, Chunk, Record, RecordBody, Stream};
use tempfile::TempDir;

pub(crate) fn logs() -> (TempDir, JobLogs) {
    let dir = tempfile::tempdir().unwrap();
    let logs = JobLogs::open(dir.path()).unwrap();
    (dir, logs)
}

/// Opens the logs of a process that has just gone.
pub(crate) fn reopen(dir: &Path) -> JobLogs {
    JobLogs::open(dir).unwrap()
}

pub(crate) fn record(seq: u64, bytes: &[u8]) -> Record {
    Record {
        seq,
        at: DateTime::from_timestamp_millis(1_700_000_000_000).unwrap(),
        body: RecordBody::Output {
            step: 0,
            stream: Stream::Stdout,
            chunk: Chunk(bytes.to_vec()),
            newline: true,
        },
    }
}

pub(crate) fn records(seqs: impl IntoIterator<Item = u64>) -> Vec<Record> {
    seqs.into_iter().map(|seq| record(seq, format!("line {seq}").as_bytes())).collect()
}

pub(crate) fn file(dir: &Path, attempt: AttemptId) -> PathBuf {
    let id = attempt.to_string();
    dir.join(&id[id.len() - 2..]).join(format!("{id}.ndjson"))
}

/// All records of a log, page by page.
pub(crate) async fn all(logs: &JobLogs, attempt: AttemptId, page_bytes: usize) -> Vec<Record> {
    let (mut all, mut next) = (Vec::new(), 1);
    loop {
        let page = logs.read(attempt, next, page_bytes).await.unwrap();
        next = page.next_seq;
        all.extend(page.records);
        if next > page.last_seq {
            return all;
        }
    }
}
