//! Measures claims while ten thousand jobs wait:
//! `cargo run --release -p solstice-store --example claim`.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use solstice_api::host::Offer;
use solstice_forge::{CheckReport, CheckState, Push, Repository};
use solstice_model::{HostName, JobSpec, StepSpec, StepWhen};
use solstice_store::{Describe, Hold, JobView, NewRun, RunView, Store};

const REPOSITORIES: usize = 20;
const JOBS_OF_A_RUN: usize = 100;
const JOBS: usize = 10_000;
const CLAIMS: usize = 500;

struct Plainly;

impl Describe for Plainly {
    fn job(&self, run: &RunView, job: &JobView<'_>) -> CheckReport {
        CheckReport {
            context: format!("{}/{}", run.context, job.spec.name),
            state: CheckState::Pending,
            description: job.state.name().to_owned(),
            target_url: "https://ci.example/".parse().unwrap(),
        }
    }

    fn broken_run(&self, _: &RunView, _: &str) -> CheckReport {
        unreachable!("no run is broken here")
    }
}

fn spec(number: usize) -> JobSpec {
    let step = StepSpec {
        name: "Build".to_owned(),
        run: "make".to_owned(),
        shell: vec!["/bin/sh".to_owned(), "-e".to_owned()],
        working_dir: None,
        env: [].into(),
        timeout_s: None,
        when: StepWhen::OnSuccess,
        continue_on_error: false,
        retries: 0,
    };
    JobSpec {
        name: format!("job-{number}").parse().unwrap(),
        matrix: None,
        runs_on: ["illumos", "linux"][number % 2].parse().unwrap(),
        size: (number.is_multiple_of(10)).then(|| "large".parse().unwrap()),
        needs: Vec::new(),
        unmet: None,
        env: [].into(),
        timeout_s: 3600,
        retries: 0,
        continue_on_error: false,
        priority: i8::try_from(number % 5).unwrap(),
        steps: vec![step],
        artifacts: Vec::new(),
    }
}

async fn fill(store: &Store) {
    for run in 0..JOBS / JOBS_OF_A_RUN {
        let name = format!("acme/repository-{}", run % REPOSITORIES);
        let url = |end| format!("https://forge.example/{name}{end}").parse().unwrap();
        let repository = Repository {
            name: name.parse().unwrap(),
            clone_url: url(".git"),
            html_url: url(""),
            private: false,
        };
        let head = Push {
            repository,
            git_ref: "refs/heads/main".parse().unwrap(),
            commit: format!("{:040x}", run + 1).parse().unwrap(),
            before: None,
            title: "Make it so".to_owned(),
            actor: "alice".to_owned(),
        };
        let new = NewRun {
            file: ".solstice/workflow.kdl".to_owned(),
            workflow: "CI".to_owned(),
            context: "solstice/CI".to_owned(),
            jobs: Ok((0..JOBS_OF_A_RUN).map(spec).collect()),
            hold: Hold::None,
            grounds: Default::default(),
        };
        let forge = "forge".parse().unwrap();
        store
            .make_runs_by_hand(forge, head, "alice".to_owned(), vec![new], Utc::now())
            .await
            .unwrap();
    }
}

fn told(what: &str, mut took: Vec<Duration>) {
    took.sort();
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    println!("{what}: median {:?}, 99 of 100 within {:?}, at most {:?}", at(50), at(99), at(100));
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("solstice.db"), Arc::new(Plainly)).unwrap();
    let begun = Instant::now();
    fill(&store).await;
    println!("{JOBS} jobs queued in {:?}", begun.elapsed());
    let host: HostName = "host-1".parse().unwrap();
    let offer = |label: &str| vec![Offer { labels: vec![label.parse().unwrap()], room: 1 }];
    let sizes = || vec!["large".parse().unwrap(), "small".parse().unwrap()];
    let lease = Duration::from_secs(60);
    let claim = async |label| {
        let begun = Instant::now();
        let now = Utc::now();
        let given = store.claim(host.clone(), offer(label), sizes(), 1, now, lease).await.unwrap();
        (begun.elapsed(), given.len())
    };
    let (mut given, mut none) = (Vec::new(), Vec::new());
    for _ in 0..CLAIMS {
        let (took, jobs) = claim("illumos").await;
        assert_eq!(jobs, 1);
        given.push(took);
        let (took, jobs) = claim("aix").await;
        assert_eq!(jobs, 0);
        none.push(took);
    }
    told("a claim that gives a job, with its commit", given);
    told("a claim that finds none", none);
}
