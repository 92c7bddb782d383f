//! Why a run or a job is where it is: a pure function from what is known of it to
//! reasons, by whose fault, and what helps.
//!
//! The facts come from the store; whose log or which forge is meant, the caller
//! knows ([`Asked`]). A failure of ours is never told as the author's, nor the
//! reverse (invariant I9).

mod cause;
mod ended;
mod estimate;
mod waits;

use chrono::{DateTime, Utc};
use solstice_api::user::{
    CommitWhy, DeliveryWhy, Estimate, Fault, JobInShort, JobWhy, Place, QueuePlace, Reason,
    ReasonKind, Run, RunStatus, RunWhy, Standing,
};
use solstice_display::duration;
use solstice_model::JobState;
use solstice_store::{JobFacts, Story};
use url::Url;

use crate::check::one_line;

/// What somebody asks about, and what is not in the store.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The run, and how it came to be.
    pub story: &'a Story,
    /// Now.
    pub now: DateTime<Utc>,
    /// How often a job is tried that is lost.
    pub max_attempts: u32,
    /// Where the forge shows a line of a file at the run's commit.
    pub line_url: &'a dyn Fn(&str, u32) -> Option<Url>,
}

/// The end of a step's output in the log of a job's last attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEnd {
    /// The number of its last line, from 1.
    pub line: u64,
    /// What that says, without escape sequences.
    pub text: String,
}

/// What a job is told by: where it stands, whose fault that is, and why.
struct Told {
    standing: Standing,
    fault: Option<Fault>,
    /// The first says most.
    reasons: Vec<Reason>,
    estimate: Option<Estimate>,
}

/// Why a job is where it is. `log` is where the step ended that it ended with.
pub fn job(asked: &Asked<'_>, facts: &JobFacts, log: Option<&LogEnd>) -> JobWhy {
    let told = told(asked, facts, log);
    let mut cause = cause::of_run(asked);
    cause.extend(cause::of_job(asked, facts));
    JobWhy {
        job: facts.job.id,
        run: facts.job.run,
        name: facts.job.name.clone(),
        standing: told.standing,
        fault: told.fault,
        summary: summary(&told, asked.now),
        cause,
        queue: facts.queue.as_ref().map(|queue| {
            let able = facts.able();
            let (hosts, room) =
                able.fold((0, 0), |(hosts, room), host| (hosts + 1, room + host.room));
            QueuePlace { ahead: queue.ahead, more: queue.more, hosts, room }
        }),
        reasons: told.reasons,
        estimate: told.estimate,
    }
}

/// Why a run is where it is.
pub fn run(asked: &Asked<'_>, jobs: &[JobFacts]) -> RunWhy {
    let run = &asked.story.run;
    let jobs: Vec<JobInShort> = jobs
        .iter()
        .map(|facts| {
            let told = told(asked, facts, None);
            JobInShort {
                job: facts.job.id,
                name: facts.job.name.clone(),
                standing: told.standing,
                fault: told.fault,
                summary: summary(&told, asked.now),
            }
        })
        .collect();
    let reasons: Vec<Reason> = cause::keeps(asked).into_iter().collect();
    let standing = standing(run, &jobs);
    // Of several the one that counts for the run's status.
    let fault = match run.problem {
        Some(_) => Some(Fault::Author),
        None => jobs.iter().filter(|job| job.standing == standing).find_map(|job| job.fault),
    };
    let summary = match reasons.first() {
        Some(reason) => reason.text.clone(),
        None => of_jobs(&jobs),
    };
    RunWhy { run: run.id, standing, fault, summary, reasons, cause: cause::of_run(asked), jobs }
}

/// What came of a commit.
pub fn commit(runs: Vec<Run>, deliveries: Vec<DeliveryWhy>) -> CommitWhy {
    let nothing = deliveries.iter().find_map(|delivery| delivery.reason.clone());
    let summary = match (runs.len(), deliveries.len(), nothing) {
        (0, 0, _) => "nothing is known of this commit: no forge has told of it".to_owned(),
        (0, _, Some(reason)) => format!("it started nothing: {}", one_line(&reason)),
        (0, _, None) => "what the forge told of it waits to be looked at".to_owned(),
        (1, ..) => "it started 1 run".to_owned(),
        (many, ..) => format!("it started {many} runs"),
    };
    CommitWhy { summary, runs, deliveries }
}

fn told(asked: &Asked<'_>, facts: &JobFacts, log: Option<&LogEnd>) -> Told {
    match &facts.job.state {
        JobState::Queued => waits::told(asked, facts),
        JobState::Claimed(_) | JobState::Starting(_) | JobState::Running(_) => {
            ended::still_going(asked, facts)
        }
        JobState::Finished { outcome } => ended::told(asked, facts, outcome, log),
    }
}

fn summary(told: &Told, now: DateTime<Utc>) -> String {
    let first = told.reasons.first().map_or("", |reason| reason.text.as_str());
    let expected = told.estimate.as_ref().and_then(|estimate| estimate::text(estimate, now));
    let said = match told.standing {
        Standing::Waits => format!("it waits: {first}"),
        Standing::Runs => format!("it runs: {first}"),
        Standing::Succeeded => "it succeeded".to_owned(),
        Standing::Skipped => format!("it was not run: {first}"),
        Standing::Cancelled => format!("it was cancelled: {first}"),
        Standing::Failed => match told.fault {
            Some(Fault::Infrastructure) => {
                format!("it could not be run, which is not the change's fault: {first}")
            }
            _ => format!("it failed: {first}"),
        },
    };
    match expected {
        Some(expected) => format!("{said}; {expected}"),
        None => said,
    }
}

fn standing(run: &Run, jobs: &[JobInShort]) -> Standing {
    let skipped = |job: &JobInShort| job.standing == Standing::Skipped;
    match run.status {
        RunStatus::WaitingForApproval | RunStatus::Queued => Standing::Waits,
        RunStatus::Running => Standing::Runs,
        RunStatus::Succeeded if !jobs.is_empty() && jobs.iter().all(skipped) => Standing::Skipped,
        RunStatus::Succeeded => Standing::Succeeded,
        RunStatus::Failed | RunStatus::InfraFailed => Standing::Failed,
        RunStatus::Cancelled => Standing::Cancelled,
    }
}

/// `2 jobs succeeded, 1 failed (test)`.
fn of_jobs(jobs: &[JobInShort]) -> String {
    let words = [
        (Standing::Failed, "failed"),
        (Standing::Cancelled, "cancelled"),
        (Standing::Skipped, "not run"),
        (Standing::Runs, "at work"),
        (Standing::Waits, "waiting"),
        (Standing::Succeeded, "succeeded"),
    ];
    let said = words.iter().filter_map(|(standing, word)| {
        let such: Vec<&str> = jobs
            .iter()
            .filter(|job| job.standing == *standing)
            .map(|job| job.name.as_str())
            .collect();
        match such.len() {
            0 => None,
            many if *standing == Standing::Succeeded => Some(format!("{many} {word}")),
            many @ 1..=3 => Some(format!("{many} {word} ({})", such.join(", "))),
            many => Some(format!("{many} {word}")),
        }
    });
    format!("of its jobs {}", said.collect::<Vec<_>>().join(", "))
}

/// A reason without more.
fn because(kind: ReasonKind, text: impl Into<String>) -> Reason {
    Reason { kind, text: text.into(), place: None, link: None, remedy: None }
}

impl Asked<'_> {
    /// A line of the run's workflow file, where it is known.
    fn in_file(&self, line: Option<u32>) -> Option<Place> {
        line.map(|line| self.in_source(&self.story.run.file, line))
    }

    /// A line of the source.
    fn in_source(&self, file: &str, line: u32) -> Place {
        Place { file: file.to_owned(), line, url: (self.line_url)(file, line) }
    }

    /// How long ago, for people.
    fn ago(&self, at: DateTime<Utc>) -> String {
        format!("{} ago", duration(self.now - at))
    }
}

#[cfg(test)]
mod tests;
