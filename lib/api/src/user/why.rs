//! Why a run or a job is where it is, and what can be done about it.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use solstice_model::{CommitPrefix, DeliveryId, ForgeName, JobId, JobName, RepoName, RunId};
use url::Url;

use super::Run;

/// Why a job is where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JobWhy {
    /// The job.
    pub job: JobId,
    /// The run that it belongs to.
    pub run: RunId,
    /// Its id in the workflow.
    pub name: JobName,
    /// Where it stands.
    pub standing: Standing,
    /// By whose fault it did not succeed, if so.
    pub fault: Option<Fault>,
    /// All of it in one line, for people.
    pub summary: String,
    /// Why it stands there, what says most first.
    pub reasons: Vec<Reason>,
    /// Why there is such a job at all, in the order in which it came about.
    pub cause: Vec<Reason>,
    /// Its place among the jobs that wait for the same hosts, if it could begin.
    pub queue: Option<QueuePlace>,
    /// When it will begin and end, by what was seen before.
    pub estimate: Option<Estimate>,
}

/// Why a run is where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunWhy {
    /// The run.
    pub run: RunId,
    /// Where it stands.
    pub standing: Standing,
    /// By whose fault it did not succeed, if so.
    pub fault: Option<Fault>,
    /// All of it in one line, for people.
    pub summary: String,
    /// Why it stands there, as far as that is not its jobs' to say.
    pub reasons: Vec<Reason>,
    /// Why there is such a run, in the order in which it came about.
    pub cause: Vec<Reason>,
    /// Its jobs, in the file's order.
    pub jobs: Vec<JobInShort>,
}

/// Why a job is where it is, in one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JobInShort {
    /// The job.
    pub job: JobId,
    /// Its id in the workflow.
    pub name: JobName,
    /// Where it stands.
    pub standing: Standing,
    /// By whose fault it did not succeed, if so.
    pub fault: Option<Fault>,
    /// All of it in one line, for people.
    pub summary: String,
}

/// Where a run or a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It waits.
    Waits,
    /// A host works on it.
    Runs,
    /// It did what it should.
    Succeeded,
    /// It was not to run.
    Skipped,
    /// It failed, by whose fault is told.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

/// By whose fault something did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The change's: its program, its test or its workflow file.
    Author,
    /// A time limit's of the workflow file.
    Limit,
    /// Nobody's in the change: a machine, an image, a host (invariant I9).
    Infrastructure,
    /// Somebody's who stopped it.
    Person,
    /// Another job's that it needs.
    Need,
    /// Nobody has approved of it.
    Policy,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// Its kind, for programs.
    pub kind: ReasonKind,
    /// One line for people. It may hold what strangers wrote.
    pub text: String,
    /// Where that is written, if it is.
    pub place: Option<Place>,
    /// Where more of it is to be seen: a path of the server's pages.
    pub link: Option<String>,
    /// What helps, if anything does: one line for people.
    pub remedy: Option<String>,
}

/// What a reason is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReasonKind {
    /// What a forge told of, or somebody's wish.
    Event,
    /// The webhook request that told of it.
    Delivery,
    /// What in the workflow file asks for it.
    Trigger,
    /// A file that changed, or that none did.
    Files,
    /// What the policy says.
    Policy,
    /// An approval, waited for or given.
    Approval,
    /// The words in a commit's message.
    CommitMessage,
    /// The workflow file, which cannot be read.
    Workflow,
    /// Another job that it needs.
    Need,
    /// Its condition.
    Condition,
    /// Jobs that go before it.
    Queue,
    /// A host, or that there is none.
    Host,
    /// A try of it, and what became of that.
    Attempt,
    /// A step.
    Step,
    /// The log.
    Log,
    /// A remark on a place in the source.
    Annotation,
    /// A file that it had to leave.
    Artifact,
    /// A time limit.
    Limit,
    /// Somebody.
    Person,
}

/// A line of a file of the repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// The file's path.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The forge's page of it, at the commit.
    pub url: Option<Url>,
}

/// A place among the jobs that could begin on the same hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueuePlace {
    /// How many begin before, as far as they were counted.
    pub ahead: u32,
    /// Whether there are more.
    pub more: bool,
    /// How many hosts that are at work could run it.
    pub hosts: u32,
    /// How many more machines those have room for now.
    pub room: u32,
}

/// What is expected, by what was seen before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// When it begins; absent if it has, or if nothing is known.
    pub begins_at: Option<DateTime<Utc>>,
    /// When it ends; absent if nothing is known.
    pub ends_at: Option<DateTime<Utc>>,
    /// How long it takes from claim to end, in seconds: the median of those before.
    pub usual_s: Option<u32>,
    /// How many were looked at for that.
    pub samples: u32,
    /// How sure that is.
    pub confidence: Confidence,
}

/// How sure an estimate is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// A guess: little is known, or it differed much.
    Low,
    /// Some were seen, and they took alike.
    Fair,
    /// Many were seen, and they took alike.
    Good,
}

/// Which commit.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CommitQuery {
    /// The repository.
    pub repository: RepoName,
    /// The commit, or its first digits: at least four.
    pub commit: CommitPrefix,
    /// The forge; every one if absent.
    #[serde(default)]
    pub forge: Option<ForgeName>,
}

/// What came of a commit: runs, or reasons why there are none (invariant I2).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CommitWhy {
    /// All of it in one line, for people.
    pub summary: String,
    /// What came of it, newest first.
    pub runs: Vec<Run>,
    /// What the forge told of it, newest first.
    pub deliveries: Vec<DeliveryWhy>,
}

/// What became of one webhook request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryWhy {
    /// Its id.
    pub id: DeliveryId,
    /// The forge.
    pub forge: ForgeName,
    /// The kind of event, as the forge names it.
    pub event: String,
    /// When it was taken.
    pub received_at: DateTime<Utc>,
    /// What became of it: `waiting`, `runs`, `acted`, `ignored` or `rejected`.
    pub verdict: String,
    /// Why, or what was done, for people.
    pub reason: Option<String>,
    /// The runs that came of it.
    pub runs: Vec<RunId>,
}
