//! The whole way of a check: the store's outbox, the reporter's pace, the requests
//! that GitHub gets. One run has 40 jobs that all fail, one of them with 300
//! annotations and one with a log of 5 MB, and GitHub has its troubles meanwhile.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use slog::{Discard, Logger, o};
use solstice_api::host::Offer;
use solstice_engine::{Activation as _, Checks, Clock as _, ManualClock, Next, Report};
use solstice_forge::{Forge as _, Push, Repository};
use solstice_joblog::JobLogs;
use solstice_model::{
    AgentVerdict, Annotation, AnnotationLevel, AttemptId, CommitSha, Exit, HostName, JobName,
    Record, RecordBody, Stream,
};
use solstice_store::{Hold, NewRun, Store};

use crate::world::fault::Fault;
use crate::world::state::Run;
use crate::world::{GitHub, repository};

const JOBS: usize = 40;
const REMARKS: usize = 300;

/// A server's store and reporter, at a GitHub.
struct Installation {
    github: GitHub,
    store: Store,
    logs: JobLogs,
    clock: Arc<ManualClock>,
    reports: Report,
    _directory: tempfile::TempDir,
}

impl Installation {
    fn at(github: GitHub) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let checks = Arc::new(Checks::new("http://ci.example/".parse().unwrap()));
        let store = Store::open(&directory.path().join("solstice.db"), checks).unwrap();
        let logs = JobLogs::open(directory.path().join("logs")).unwrap();
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let clock = Arc::new(ManualClock::at(start));
        let forge = Arc::new(crate::world::connect(&github.fake, Default::default()));
        let log = Logger::root(Discard, o!());
        let reports = Report::new(store.clone(), logs.clone(), forge, clock.clone(), log);
        Self { github, store, logs, clock, reports, _directory: directory }
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A run whose jobs wait.
    async fn run(&self, commit: &CommitSha) {
        let jobs = (0..JOBS).map(|job| {
            format!("job id=\"j{job}\" runs_on=\"any\" {{ step name=\"Test\" run=\"false\"; }}\n")
        });
        let text = format!("workflow name=\"CI\" {{\n{}}}", jobs.collect::<String>());
        let workflow = solstice_workflow::parse("ci.kdl", text.as_bytes()).unwrap();
        let run = NewRun {
            file: "ci.kdl".to_owned(),
            workflow: workflow.name.clone(),
            context: "solstice/CI".to_owned(),
            jobs: Ok(workflow.expanded.into_iter().map(|job| job.spec).collect()),
            hold: Hold::None,
            grounds: Default::default(),
        };
        let push = Push {
            repository: Repository {
                name: repository(),
                clone_url: "https://github.com/alice/widgets.git".parse().unwrap(),
                html_url: "https://github.com/alice/widgets".parse().unwrap(),
                private: false,
            },
            git_ref: "refs/heads/main".parse().unwrap(),
            commit: commit.clone(),
            before: None,
            title: "Title".to_owned(),
            actor: "alice".to_owned(),
        };
        let forge = self.github.forge.name().clone();
        self.store
            .make_runs_by_hand(forge, push, "alice".to_owned(), vec![run], self.now())
            .await
            .unwrap();
    }

    /// Has a host claim everything.
    async fn claim(&self) -> Vec<AttemptId> {
        let mut attempts = Vec::new();
        while attempts.len() < JOBS {
            let offer = Offer { labels: vec!["any".parse().unwrap()], room: 40 };
            let lease = Duration::from_secs(100_000);
            let claimed = self.store.claim(host(), vec![offer], vec![], 40, self.now(), lease);
            attempts.extend(claimed.await.unwrap());
        }
        attempts
    }

    async fn tell(&self, attempt: AttemptId, bodies: Vec<RecordBody>) {
        let (at, next) = (self.now(), self.logs.last_seq(attempt).await.unwrap() + 1);
        let records: Vec<Record> =
            (next..).zip(bodies).map(|(seq, body)| Record { seq, at, body }).collect();
        self.logs.append(attempt, &records).await.unwrap();
        self.store.apply_records(host(), attempt, &records, at).await.unwrap();
    }

    /// Lets the reporter work until nothing is due; gives at which second each
    /// request that writes was made.
    async fn settle(&self) -> Vec<i64> {
        let begin = self.now();
        let mut written = Vec::new();
        loop {
            let before = writes(&self.github);
            let next = self.reports.activate().await;
            let second = (self.now() - begin).num_seconds();
            written.extend(std::iter::repeat_n(second, writes(&self.github) - before));
            let Next::After(pause) = next else { return written };
            assert!(second < 24 * 3600, "it comes to an end");
            let pause = TimeDelta::from_std(pause).unwrap().max(TimeDelta::milliseconds(100));
            self.clock.advance(pause);
        }
    }
}

fn host() -> HostName {
    "host-1".parse().unwrap()
}

fn writes(github: &GitHub) -> usize {
    let checks = |line: &str| line.contains("/check-runs");
    let requests = github.fake.requests();
    requests.iter().filter(|it| !it.line.starts_with("GET ") && checks(&it.line)).count()
}

fn remark(number: usize) -> Annotation {
    let line = u32::try_from(number).unwrap() + 1;
    Annotation {
        path: "src/main.c".to_owned(),
        line,
        end_line: line,
        column: None,
        level: AnnotationLevel::Failure,
        title: String::new(),
        message: format!("remark {number}"),
    }
}

/// The most requests within any so many seconds.
fn most_within(written: &[i64], seconds: i64) -> usize {
    let window = |from: i64| from..from + seconds;
    let count = |from: &i64| written.iter().filter(|at| window(*from).contains(at)).count();
    written.iter().map(count).max().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_failures_with_much_to_say_are_shown_within_githubs_limits() {
    let (github, commit) = GitHub::with_commit().await;
    let installation = Installation::at(github);
    installation.run(&commit).await;
    let attempts = installation.claim().await;
    for attempt in &attempts {
        installation.tell(*attempt, vec![RecordBody::StepStarted { step: 0 }]).await;
    }
    let mut written = installation.settle().await;

    // Trouble of every kind, in the middle of it.
    let fake = &installation.github.fake;
    for status in [500, 502, 503] {
        fake.fail(None, Fault::status(status));
    }
    fake.fail(None, Fault::Lost);
    fake.fail(None, Fault::Answer(403, vec![("retry-after", "90".to_owned())], "secondary"));
    let line = |text: &str| RecordBody::Output {
        step: 0,
        stream: Stream::Stdout,
        chunk: text.into(),
        newline: true,
    };
    for _ in 0..50 {
        let much = vec![line(&"x```@alice ".repeat(100)); 100];
        installation.tell(attempts[1], much).await;
    }
    let verdict = AgentVerdict::Failed { step: 0, exit: Exit::Code { code: 1 } };
    for attempt in &attempts {
        let end = RecordBody::Finished { verdict: verdict.clone() };
        installation.tell(*attempt, vec![end]).await;
    }
    let remarks: Vec<Annotation> = (0..REMARKS).map(remark).collect();
    installation.store.annotate(attempts[0], remarks, 0, installation.now()).await.unwrap();
    let offset =
        (installation.now() - DateTime::from_timestamp(1_700_000_000, 0).unwrap()).num_seconds();
    written.extend(installation.settle().await.into_iter().map(|at| at + offset));

    assert_eq!(fake.violations(), Vec::<String>::new());
    assert!(most_within(&written, 60) <= 80, "{written:?}");
    assert!(most_within(&written, 3600) <= 500, "{written:?}");
    assert_eq!(installation.store.counts().await.unwrap().unreported, 0);
    let state = fake.state();
    assert_eq!(state.runs.len(), JOBS, "none twice, whatever got lost");
    let conclusion = |run: &Run| run.fields["conclusion"].as_str().unwrap().to_owned();
    assert!(state.runs.iter().all(|run| conclusion(run) == "failure"));
    let remarks: Vec<usize> = state.runs.iter().map(|run| run.annotations.len()).collect();
    assert_eq!(remarks.iter().max(), Some(&REMARKS));
    assert_eq!(remarks.iter().sum::<usize>(), REMARKS, "each once");
    let names: std::collections::BTreeSet<&str> =
        state.runs.iter().map(|run| run.fields["name"].as_str().unwrap()).collect();
    let name: JobName = "j39".parse().unwrap();
    assert!(names.contains(format!("solstice/CI/{name}").as_str()), "{names:?}");
}
