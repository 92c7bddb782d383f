//! A store in a directory of its own, a clock that stands still, and jobs to put there.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use solstice_api::host::Offer;
use solstice_api::user::{Job, RunDetail};
use solstice_forge::{CheckReport, CheckState, Event, PullRequest, Push, Repository};
use solstice_model::id::new_id;
use solstice_model::{
    AgentVerdict, AnnotationCounts, Assignment, AttemptId, DeliveryId, Exit, HostName, JobId,
    JobSpec, JobState, Need, NeededOutcome, Outcome, Record, RecordBody, RunId, StepSpec, StepWhen,
};
use solstice_store::{
    Describe, Hold, JobView, NewDelivery, NewRun, RunMade, RunView, Store, StoreError,
};
use tempfile::TempDir;

pub(crate) const LEASE: Duration = Duration::from_secs(60);
pub(crate) const MAX_ATTEMPTS: u32 = 2;

/// Says the job's state, or its outcome.
pub(crate) struct Plainly;

impl Describe for Plainly {
    fn job(&self, run: &RunView, job: &JobView<'_>) -> CheckReport {
        let (state, description) = match job.state {
            JobState::Queued if run.awaits_approval => {
                (CheckState::ActionRequired, "needs approval".to_owned())
            }
            JobState::Queued => (CheckState::Pending, "queued".to_owned()),
            // Two states that look the same to the forge.
            JobState::Claimed(_) | JobState::Starting(_) => {
                (CheckState::Pending, format!("attempt {}", job.attempts))
            }
            JobState::Running(_) => (CheckState::Pending, "running".to_owned()),
            JobState::Finished { outcome } => match outcome {
                Outcome::Succeeded => (CheckState::Success, "succeeded".to_owned()),
                Outcome::InfraFailed { .. } => (CheckState::Error, "infra_failed".to_owned()),
                other => (CheckState::Failure, other.name().to_owned()),
            },
        };
        let AnnotationCounts { failures, warnings, notices } = job.annotations;
        let description = match job.annotations.is_empty() {
            true => description,
            false => format!("{description} {failures}+{warnings}+{notices}"),
        };
        report(format!("{}/{}", run.context, job.spec.name), state, description)
    }

    fn broken_run(&self, run: &RunView, problem: &str) -> CheckReport {
        report(run.context.clone(), CheckState::Failure, problem.to_owned())
    }
}

fn report(context: String, state: CheckState, description: String) -> CheckReport {
    let target_url = "https://ci.example/".parse().unwrap();
    CheckReport { context, state, description, target_url }
}

pub(crate) fn open(path: &Path) -> Result<Store, StoreError> {
    Store::open(path, Arc::new(Plainly))
}

pub(crate) fn store() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("solstice.db")).unwrap();
    (dir, store)
}

/// Some seconds after the tests' beginning of time.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
}

/// The one forge of these tests.
pub(crate) fn forge() -> solstice_model::ForgeName {
    "codeberg".parse().unwrap()
}

pub(crate) fn host(name: &str) -> HostName {
    name.parse().unwrap()
}

pub(crate) fn spec(name: &str, needs: &[&str]) -> JobSpec {
    let step = |name: &str| StepSpec {
        name: name.to_owned(),
        run: "true".to_owned(),
        shell: vec!["/bin/sh".to_owned(), "-e".to_owned()],
        working_dir: None,
        env: [].into(),
        timeout_s: None,
        when: StepWhen::OnSuccess,
        continue_on_error: false,
        retries: 0,
    };
    JobSpec {
        name: name.parse().unwrap(),
        matrix: None,
        runs_on: "illumos".parse().unwrap(),
        size: None,
        needs: needs.iter().map(|job| need(job, NeededOutcome::Succeeded)).collect(),
        unmet: None,
        env: [("COLOUR".to_owned(), "blue".to_owned())].into(),
        timeout_s: 3600,
        retries: 0,
        continue_on_error: false,
        priority: 0,
        steps: vec![step("Build"), step("Test")],
        artifacts: Vec::new(),
    }
}

pub(crate) fn need(job: &str, outcome: NeededOutcome) -> Need {
    Need { job: job.parse().unwrap(), outcome }
}

pub(crate) fn offer(labels: &[&str], room: u32) -> Offer {
    Offer { labels: labels.iter().map(|label| label.parse().unwrap()).collect(), room }
}

pub(crate) fn repository(name: &str) -> Repository {
    let url = |end| format!("https://forge.example/{name}{end}").parse().unwrap();
    Repository {
        name: name.parse().unwrap(),
        clone_url: url(".git"),
        html_url: url(""),
        private: false,
    }
}

/// A commit whose id is this digit, many times, at the head of a ref.
pub(crate) fn head(git_ref: &str, digit: char) -> Push {
    Push {
        repository: repository("acme/kernel"),
        git_ref: git_ref.parse().unwrap(),
        commit: digit.to_string().repeat(40).parse().unwrap(),
        before: None,
        title: "Make it so".to_owned(),
        actor: "alice".to_owned(),
    }
}

pub(crate) fn push(digit: char) -> Event {
    Event::Push(head("refs/heads/main", digit))
}

/// Pull request 7 at this commit.
pub(crate) fn pull_request(digit: char) -> Event {
    let head = head("refs/pull/7/head", digit);
    Event::PullRequest(PullRequest {
        number: 7,
        base: "main".to_owned(),
        outside: false,
        author: "bob".to_owned(),
        base_commit: None,
        head,
    })
}

pub(crate) fn new_delivery(forge_id: &str) -> NewDelivery {
    NewDelivery {
        forge: "codeberg".parse().unwrap(),
        forge_id: forge_id.to_owned(),
        event: "push".to_owned(),
        headers: Vec::new(),
        body: b"{\"ref\": \"refs/heads/main\"}".to_vec(),
        received_at: at(0),
    }
}

pub(crate) fn new_run(file: &str, jobs: Result<Vec<JobSpec>, String>) -> NewRun {
    NewRun {
        file: file.to_owned(),
        workflow: "CI".to_owned(),
        context: format!("solstice/{file}"),
        jobs,
        hold: Hold::None,
        grounds: Default::default(),
    }
}

pub(crate) async fn deliver(store: &Store) -> DeliveryId {
    let forge_id = new_id::<solstice_model::id::DeliveryKind>().to_string();
    store.take_delivery(new_delivery(&forge_id)).await.unwrap().id
}

/// A push with these runs.
pub(crate) async fn pushed(store: &Store, digit: char, runs: Vec<NewRun>) -> Vec<RunMade> {
    let delivery = deliver(store).await;
    store.finish_delivery_with_runs(delivery, push(digit), runs, at(0)).await.unwrap()
}

/// The runs of another event, with these jobs, held so; one per file.
pub(crate) async fn held(
    store: &Store,
    event: Event,
    files: &[&str],
    jobs: Vec<JobSpec>,
    hold: Hold,
) -> Vec<RunId> {
    let delivery = deliver(store).await;
    let run = |file: &&str| NewRun { hold: hold.clone(), ..new_run(file, Ok(jobs.clone())) };
    let runs: Vec<NewRun> = files.iter().map(run).collect();
    let made = store.finish_delivery_with_runs(delivery, event, runs, at(0)).await.unwrap();
    made.into_iter().map(|made| made.run).collect()
}

/// The run of another event, with these jobs.
pub(crate) async fn run_of(store: &Store, event: Event, jobs: Vec<JobSpec>) -> RunDetail {
    let delivery = deliver(store).await;
    let runs = vec![new_run("ci.kdl", Ok(jobs))];
    let made = store.finish_delivery_with_runs(delivery, event, runs, at(0)).await.unwrap();
    store.run(made[0].run).await.unwrap()
}

/// A run with these jobs, the only one of its push.
pub(crate) async fn run(store: &Store, jobs: Vec<JobSpec>) -> RunDetail {
    let file = new_id::<solstice_model::id::RunKind>().to_string();
    let made = pushed(store, 'a', vec![new_run(&file, Ok(jobs))]).await;
    store.run(made[0].run).await.unwrap()
}

/// A run with one job.
pub(crate) async fn one_job(store: &Store) -> Job {
    run(store, vec![spec("build", &[])]).await.jobs.remove(0)
}

/// Claims the next job for `host-1`.
pub(crate) async fn claim(store: &Store, now: i64) -> Assignment {
    let offers = vec![offer(&["illumos"], 1)];
    let claimed = store.claim(host("host-1"), offers, Vec::new(), 1, at(now), LEASE).await.unwrap();
    let wanted = store.wanted(host("host-1")).await.unwrap();
    wanted.into_iter().find(|wanted| wanted.attempt == claimed[0]).unwrap()
}

pub(crate) fn record(seq: u64, body: RecordBody) -> Record {
    Record { seq, at: at(100) + Duration::from_secs(seq), body }
}

/// The records of an attempt that did what it should.
pub(crate) fn good_records() -> Vec<Record> {
    let exit = Exit::Code { code: 0 };
    let bodies = [
        RecordBody::StepStarted { step: 0 },
        RecordBody::StepFinished { step: 0, exit: exit.clone() },
        RecordBody::StepStarted { step: 1 },
        RecordBody::StepFinished { step: 1, exit },
        RecordBody::Finished { verdict: AgentVerdict::Succeeded },
    ];
    (1..).zip(bodies).map(|(seq, body)| record(seq, body)).collect()
}

/// Ends an attempt of `host-1` with a verdict.
pub(crate) async fn end(store: &Store, attempt: AttemptId, verdict: AgentVerdict) {
    let records = [record(1, RecordBody::Finished { verdict })];
    store.apply_records(host("host-1"), attempt, &records, at(200)).await.unwrap();
}

pub(crate) fn failed() -> AgentVerdict {
    AgentVerdict::Failed { step: 0, exit: Exit::Code { code: 1 } }
}

/// Claims all that `host-1` may, and gives the jobs' names in order of their claims.
pub(crate) async fn claim_all(store: &Store, now: i64) -> Vec<String> {
    let before: Vec<AttemptId> =
        store.wanted(host("host-1")).await.unwrap().iter().map(|one| one.attempt).collect();
    let offers = vec![offer(&["illumos"], 99)];
    store.claim(host("host-1"), offers, Vec::new(), 99, at(now), LEASE).await.unwrap();
    let wanted = store.wanted(host("host-1")).await.unwrap();
    let new = wanted.into_iter().filter(|wanted| !before.contains(&wanted.attempt));
    new.map(|wanted| wanted.spec.name.to_string()).collect()
}

/// The states of a run's jobs, each in a word.
pub(crate) async fn words(store: &Store, run: RunId) -> Vec<&'static str> {
    let jobs = store.run(run).await.unwrap().jobs;
    jobs.iter().map(|job| job.state.outcome().map_or(job.state.name(), Outcome::name)).collect()
}

/// The attempt that `host-1` makes of the job of this name.
pub(crate) async fn attempt_of(store: &Store, name: &str) -> AttemptId {
    let wanted = store.wanted(host("host-1")).await.unwrap();
    wanted.iter().find(|wanted| wanted.spec.name.as_str() == name).unwrap().attempt
}

/// The state of a run's job, in a word.
pub(crate) async fn word(store: &Store, job: JobId) -> &'static str {
    let state = store.job_state(job).await.unwrap();
    state.outcome().map_or(state.name(), Outcome::name)
}
