//! Measures the logs on the disk of a directory (`--dir`, by default a new one
//! in the directory for temporary files): what appending, opening, reading,
//! searching, sealing and following cost. `--json` gives one object of numbers.
//! `--small` takes a hundredth, to see that it works.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::DateTime;
use serde_json::{Map, Value, json};
use solstice_joblog::{JobLogs, Search, Wanted};
use solstice_model::id::new_id;
use solstice_model::{AttemptId, Record, RecordBody, Stream};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

struct Settings {
    json: bool,
    dir: PathBuf,
    /// By what the sizes are divided.
    divisor: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut settings = Settings { json: false, dir: std::env::temp_dir(), divisor: 1 };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => settings.json = true,
            "--small" => settings.divisor = 100,
            "--dir" => settings.dir = arguments.next().ok_or("--dir needs a directory")?.into(),
            other => return Err(format!("unknown argument {other:?}").into()),
        }
    }
    let dir = tempfile::tempdir_in(&settings.dir)?;
    let mut figures = Map::new();
    one_line_at_a_time(dir.path(), &mut figures).await?;
    a_million_lines(dir.path(), settings.divisor, &mut figures).await?;
    a_gibibyte(dir.path(), settings.divisor, &mut figures).await?;
    figures.insert("peak_rss_without_followers_mib".to_owned(), json!(peak_rss_mib()?));
    followers(dir.path(), settings.divisor, &mut figures).await?;
    figures.insert("peak_rss_mib".to_owned(), json!(peak_rss_mib()?));
    if settings.json {
        println!("{}", serde_json::to_string_pretty(&figures)?);
    } else {
        figures.iter().for_each(|(name, figure)| println!("{name:36} {figure}"));
    }
    Ok(())
}

fn line(seq: u64) -> Record {
    let at = DateTime::from_timestamp(1_700_000_000, 0).unwrap_or_default();
    let hash = seq.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let text = format!("   Compiling crate-{:04} v0.{}.{seq} [{hash:016x}]", seq % 977, seq % 31);
    let chunk = text.as_str().into();
    Record {
        seq,
        at,
        body: RecordBody::Output { step: 0, stream: Stream::Stdout, chunk, newline: true },
    }
}

fn lines(first: u64, count: u64) -> Vec<Record> {
    (first..first + count).map(line).collect()
}

fn note(figures: &mut Map<String, Value>, name: &str, figure: f64) {
    figures.insert(name.to_owned(), json!((figure * 100.0).round() / 100.0));
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "figures are rounded anyway")]
fn float(number: u64) -> f64 {
    number as f64
}

async fn one_line_at_a_time(dir: &Path, figures: &mut Map<String, Value>) -> Result<()> {
    let logs = JobLogs::open(dir)?;
    let (attempt, begun, mut count) = (new_id(), Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(3) {
        count = logs.append(attempt, &lines(count + 1, 1)).await?;
    }
    note(figures, "append_one_line_per_s", float(count) / begun.elapsed().as_secs_f64());
    logs.remove(attempt).await?;
    Ok(())
}

/// Appends batches of about 512 KiB; gives the time that took, without making them.
async fn fill(
    logs: &JobLogs,
    attempt: AttemptId,
    enough: impl Fn(u64, u64) -> bool,
) -> Result<Duration> {
    const BATCH: u64 = 3300;
    let mut spent = Duration::ZERO;
    loop {
        let extent = logs.extent(attempt).await?;
        if enough(extent.last_seq, extent.bytes) {
            return Ok(spent);
        }
        let batch = lines(extent.last_seq + 1, BATCH);
        let begun = Instant::now();
        logs.append(attempt, &batch).await?;
        spent += begun.elapsed();
    }
}

async fn a_million_lines(dir: &Path, divisor: u64, figures: &mut Map<String, Value>) -> Result<()> {
    let logs = JobLogs::open(dir)?;
    let attempt = new_id();
    let spent = fill(&logs, attempt, |lines, _| lines >= 1_000_000 / divisor).await?.as_secs_f64();
    let extent = logs.extent(attempt).await?;
    note(figures, "append_512kib_lines_per_s", float(extent.lines) / spent);
    note(figures, "append_512kib_mib_per_s", float(extent.bytes) / 1_048_576.0 / spent);
    let logs = cold(dir, logs)?;
    open_and_tail(&logs, attempt, figures, "million_live").await?;
    let begun = Instant::now();
    logs.seal(attempt).await?;
    note(figures, "million_seal_ms", ms(begun));
    note(figures, "million_seal_ratio", float(extent.bytes) / float(logs.usage()));
    let logs = cold(dir, logs)?;
    open_and_tail(&logs, attempt, figures, "million_sealed").await?;
    logs.remove(attempt).await?;
    Ok(())
}

/// The same logs in a new process, as good as: nothing of them is in memory.
fn cold(dir: &Path, logs: JobLogs) -> Result<JobLogs> {
    drop(logs);
    for shard in std::fs::read_dir(dir)? {
        let shard = shard?.path();
        for file in
            shard.is_dir().then(|| std::fs::read_dir(&shard)).transpose()?.into_iter().flatten()
        {
            forget(&std::fs::File::open(file?.path())?)?;
        }
    }
    Ok(JobLogs::open(dir)?)
}

/// Has the kernel drop what it keeps of a file (posix_fadvise(2)).
#[cfg(target_os = "linux")]
fn forget(file: &std::fs::File) -> Result<()> {
    file.sync_all()?;
    Ok(rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed)?)
}

#[cfg(not(target_os = "linux"))]
fn forget(_file: &std::fs::File) -> Result<()> {
    Ok(())
}

async fn open_and_tail(
    logs: &JobLogs,
    attempt: AttemptId,
    figures: &mut Map<String, Value>,
    name: &str,
) -> Result<()> {
    let begun = Instant::now();
    let extent = logs.extent(attempt).await?;
    note(figures, &format!("{name}_open_ms"), ms(begun));
    let begun = Instant::now();
    let place = logs.tail(attempt, 200, u64::MAX).await?;
    let page = logs.read(attempt, place.seq, 1 << 20).await?;
    note(figures, &format!("{name}_last_200_ms"), ms(begun));
    assert_eq!(page.records.len(), 200, "the last lines are there");
    let begun = Instant::now();
    logs.line(attempt, extent.lines / 2).await?;
    note(figures, &format!("{name}_line_in_the_middle_ms"), ms(begun));
    let (begun, mut next) = (Instant::now(), Some(1));
    while let Some(from) = next {
        let wanted = Wanted::Text { text: "no such text".to_owned(), ignore_case: true };
        let search = Search { wanted, from, to: None, limit: 100 };
        next = logs.search(attempt, search).await?.next;
    }
    note(figures, &format!("{name}_search_mib_per_s"), rate(extent.bytes, begun));
    Ok(())
}

fn rate(bytes: u64, since: Instant) -> f64 {
    float(bytes) / 1_048_576.0 / since.elapsed().as_secs_f64()
}

async fn a_gibibyte(dir: &Path, divisor: u64, figures: &mut Map<String, Value>) -> Result<()> {
    let logs = JobLogs::open(dir)?;
    let attempt = new_id();
    fill(&logs, attempt, |_, bytes| bytes >= (1 << 30) / divisor).await?;
    let logs = cold(dir, logs)?;
    open_and_tail(&logs, attempt, figures, "gibibyte_live").await?;
    let begun = Instant::now();
    logs.seal(attempt).await?;
    note(figures, "gibibyte_seal_ms", ms(begun));
    let extent = logs.extent(attempt).await?;
    note(figures, "gibibyte_seal_ratio", float(extent.bytes) / float(logs.usage()));
    let logs = cold(dir, logs)?;
    open_and_tail(&logs, attempt, figures, "gibibyte_sealed").await?;
    let (begun, mut next) = (Instant::now(), 1);
    while next <= extent.last_seq {
        next = logs.read(attempt, next, 256 * 1024).await?.next_seq;
    }
    note(figures, "gibibyte_sealed_read_mib_per_s", rate(extent.bytes, begun));
    logs.remove(attempt).await?;
    Ok(())
}

/// Five hundred readers of a log that grows: how long until all have a batch.
async fn followers(dir: &Path, divisor: u64, figures: &mut Map<String, Value>) -> Result<()> {
    const FOLLOWERS: usize = 500;
    let logs = JobLogs::open(dir)?;
    let attempt = new_id();
    let last = 100_000 / divisor;
    let mut readers = Vec::new();
    for _ in 0..FOLLOWERS {
        let (logs, mut durable) = (logs.clone(), logs.follow(attempt).await?);
        readers.push(tokio::spawn(async move {
            let mut next = 1;
            while next <= last {
                let page = logs.read(attempt, next, 64 * 1024).await.expect("the log is read");
                next = page.next_seq;
                if next > page.last_seq && next <= last && durable.changed().await.is_err() {
                    break;
                }
            }
        }));
    }
    let begun = Instant::now();
    for first in (1..=last).step_by(1000) {
        logs.append(attempt, &lines(first, 1000.min(last + 1 - first))).await?;
    }
    for reader in readers {
        reader.await?;
    }
    let all = float(last) * float(FOLLOWERS as u64);
    note(figures, "followers_500_lines_per_s", all / begun.elapsed().as_secs_f64());
    Ok(())
}

/// The most memory that was in use, in MiB (proc_pid_status(5)); 0 where the
/// system does not tell in that way.
fn peak_rss_mib() -> Result<u64> {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return Ok(0) };
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib: u64 = line.unwrap_or("0").trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024)
}
