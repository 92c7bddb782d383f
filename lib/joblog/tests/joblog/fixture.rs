//! Logs in a directory of their own, and records to put there.

use std::path::{Path, PathBuf};
use std::process::Command;

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

/// A part of a line.
pub(crate) fn part(seq: u64, step: u32, stream: Stream, text: &[u8], newline: bool) -> Record {
    let chunk = Chunk(text.to_vec());
    Record { body: RecordBody::Output { step, stream, chunk, newline }, ..record(seq, b"") }
}

pub(crate) fn records(seqs: impl IntoIterator<Item = u64>) -> Vec<Record> {
    seqs.into_iter().map(|seq| record(seq, format!("line {seq}").as_bytes())).collect()
}

pub(crate) fn file(dir: &Path, attempt: AttemptId) -> PathBuf {
    let id = attempt.to_string();
    dir.join(&id[id.len() - 2..]).join(format!("{id}.ndjson"))
}

/// The same when the log is sealed.
pub(crate) fn sealed_file(dir: &Path, attempt: AttemptId) -> PathBuf {
    file(dir, attempt).with_extension("ndjson.zst")
}

/// What all files of a store have together, in bytes.
pub(crate) fn bytes_on_disk(dir: &Path) -> u64 {
    let shards = std::fs::read_dir(dir).unwrap().map(|shard| shard.unwrap().path());
    let files = shards.filter(|shard| shard.is_dir()).flat_map(|shard| {
        std::fs::read_dir(shard).unwrap().map(|file| file.unwrap().metadata().unwrap().len())
    });
    files.sum()
}

/// Appends records of this many lines, in batches.
pub(crate) async fn append_lines(logs: &JobLogs, attempt: AttemptId, lines: u64) {
    for first in (1..=lines).step_by(5_000) {
        let last = lines.min(first + 4_999);
        assert_eq!(logs.append(attempt, &records(first..=last)).await.unwrap(), last);
    }
}

/// Runs an ignored test of this program as a process of its own.
pub(crate) fn child(test: &str, dir: &Path, attempt: AttemptId) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--ignored", "--nocapture"]);
    command.env("JOBLOG_DIR", dir).env("JOBLOG_ATTEMPT", attempt.to_string());
    command
}

/// What a child was told; `None` if it was started by hand.
pub(crate) fn told() -> Option<(PathBuf, AttemptId)> {
    let dir = std::env::var_os("JOBLOG_DIR")?;
    let attempt = std::env::var("JOBLOG_ATTEMPT").ok()?;
    Some((dir.into(), attempt.parse().unwrap()))
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
