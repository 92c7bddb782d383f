//! How much is kept, and for how long.

use std::time::Duration;

use solstice_kdl::{Problem, Reader, Refusal, Value, value};

/// The largest log of one attempt, in bytes, unless the configuration says otherwise.
pub(super) const MAX_LOG_BYTES: u64 = 4 << 30;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The least that any size may be.
const MIN_BYTES: u64 = 1 << 20;

/// The most that anything may be kept for, which is a hundred years.
const MAX_AGE: Duration = Duration::from_secs(36_525 * 24 * 60 * 60);

/// How large artifacts may be, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArtifactLimits {
    /// One file.
    pub max_file_bytes: u64,
    /// All files of one attempt together; at least as much.
    pub max_job_bytes: u64,
}

impl Default for ArtifactLimits {
    /// 2 GiB and 8 GiB.
    fn default() -> Self {
        Self { max_file_bytes: 2 << 30, max_job_bytes: 8 << 30 }
    }
}

/// What is removed when. By default, nothing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RetentionConfig {
    /// The logs of jobs that are over.
    pub logs: Keep,
    /// Their artifacts.
    pub artifacts: Keep,
    /// The bodies of deliveries that were dealt with.
    pub deliveries: KeepBodies,
    /// What remains of deliveries: headers, verdict, which runs came of them. Those
    /// of runs stay as long as these do.
    pub ledger: KeepBodies,
    /// The entries of jobs' event logs, once the jobs are over.
    pub events: Option<Duration>,
    /// Who did what, for how long.
    pub audit: Option<Duration>,
}

/// How many bodies of deliveries are kept, and for how long; for ever where absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepBodies {
    /// From their receipt on.
    pub age: Option<Duration>,
    /// The newest so many.
    pub count: Option<u32>,
}

/// How much of a kind is kept, and for how long; for ever where absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// From the end of the job on.
    pub age: Option<Duration>,
    /// All of the kind together: beyond this the oldest are removed.
    pub bytes: Option<u64>,
    /// Of the newest so many attempts.
    pub count: Option<u32>,
}

pub(super) fn artifacts(mut node: Reader<'_>) -> ArtifactLimits {
    let ours = ArtifactLimits::default();
    let max_file = node.setting("max_file", size);
    let max_job = node.setting("max_job", size);
    if let (Some(file), Some(job)) = (max_file, max_job)
        && file > job
    {
        let problem = Problem::new(node.span(), "one file may be larger than all of a job's");
        node.report(problem.help("raise `max_job` or lower `max_file`"));
    }
    node.finish();
    // What is not said follows what is.
    let max_file_bytes = max_file.unwrap_or(ours.max_file_bytes.min(max_job.unwrap_or(u64::MAX)));
    let max_job_bytes = max_job.unwrap_or(ours.max_job_bytes.max(max_file_bytes));
    ArtifactLimits { max_file_bytes, max_job_bytes }
}

pub(super) fn retention(mut node: Reader<'_>) -> RetentionConfig {
    let logs = node.child("logs").map(keep).unwrap_or_default();
    let artifacts = node.child("artifacts").map(keep).unwrap_or_default();
    let deliveries = node.child("deliveries").map(keep_bodies).unwrap_or_default();
    let ledger = node.child("ledger").map(keep_bodies).unwrap_or_default();
    let events = node.setting("events", age);
    let audit = node.setting("audit", age);
    node.finish();
    RetentionConfig { logs, artifacts, deliveries, ledger, events, audit }
}

fn keep(mut node: Reader<'_>) -> Keep {
    let (age, bytes, count) = (node.arg(age), node.prop("size", size), node.prop("count", count));
    let keep = Keep { age, bytes, count };
    if keep == Keep::default() {
        let problem = Problem::new(node.span(), "it says neither an age nor a size nor a count");
        let help = "write for example \"90d\" size=\"50GiB\" count=10000, or one of the three";
        node.report(problem.help(help));
    }
    node.finish();
    keep
}

fn keep_bodies(mut node: Reader<'_>) -> KeepBodies {
    let keep = KeepBodies { age: node.arg(age), count: node.prop("count", count) };
    if keep == KeepBodies::default() {
        let problem = Problem::new(node.span(), "it says neither an age nor a count");
        node.report(problem.help("write for example \"90d\" count=10000, or one of the two"));
    }
    node.finish();
    keep
}

/// Not less than a hundred: people look for what happened last night.
fn count(given: &Value) -> Result<u32, Refusal> {
    match value::integer(given)? {
        count if count < 100 => Err(Refusal::because("it is less than 100")),
        count => Ok(count),
    }
}

/// Takes a size that makes sense as a limit.
pub(super) fn size(given: &Value) -> Result<u64, Refusal> {
    match value::size(given)? {
        bytes if bytes < MIN_BYTES => Err(Refusal::because("it is less than \"1MiB\"")),
        // The database counts in 64 bits with a sign.
        bytes if i64::try_from(bytes).is_err() => Err(Refusal::because("it is too large")),
        bytes => Ok(bytes),
    }
}

/// Not less than a day: a forge repeats deliveries, and people look for what
/// happened last night.
fn age(given: &Value) -> Result<Duration, Refusal> {
    match value::duration(given)? {
        age if age < DAY => Err(Refusal::because("it is less than one day (\"1d\")")),
        age if age > MAX_AGE => Err(Refusal::because("it is more than a hundred years")
            .help("leave it out to keep everything")),
        age => Ok(age),
    }
}
