//! What must be so for every workflow file, whoever wrote it.

use std::collections::BTreeSet;

use solstice_model::spec::MAX_RETRIES;
use solstice_model::{EventKind, GitRef, JobSpec, RepoName};
use solstice_workflow::{Diagnostics, RunContext, Workflow, limits, parse};

/// Parses the file and panics if what comes of it breaks a law.
pub(crate) fn hold_for(bytes: &[u8]) {
    match parse("any.kdl", bytes) {
        Ok(workflow) => check_workflow(&workflow),
        Err(wrong) => check_diagnostics(&wrong, bytes.len()),
    }
}

/// Each problem points into the file and fits on a line.
fn check_diagnostics(wrong: &Diagnostics, file_bytes: usize) {
    assert!(!wrong.list().is_empty());
    for one in wrong.list() {
        let span = one.span();
        assert!(span.offset() + span.len() <= file_bytes, "beyond the file: {}", one.one_line());
        assert!(!one.one_line().contains(char::is_control), "{:?}", one.one_line());
    }
}

fn check_workflow(workflow: &Workflow) {
    assert!(!workflow.triggers.is_empty());
    let git_ref: GitRef = "refs/heads/main".parse().expect("a ref");
    let repository: RepoName = "acme/engine".parse().expect("a name");
    for (event, pull_request) in
        [(EventKind::Push, None), (EventKind::PullRequest, Some(7)), (EventKind::Manual, None)]
    {
        let base = pull_request.map(|_| "stable");
        let (git_ref, repository, fork) = (&git_ref, &repository, pull_request.is_some());
        let run = RunContext { event, git_ref, repository, actor: "ada", base, pull_request, fork };
        check_jobs(&workflow.jobs(&run));
    }
}

fn check_jobs(jobs: &[JobSpec]) {
    assert!((1..=limits::MAX_JOBS).contains(&jobs.len()), "{} jobs", jobs.len());
    let names: BTreeSet<_> = jobs.iter().map(|job| &job.name).collect();
    assert_eq!(names.len(), jobs.len(), "two jobs have one name");
    let mut bytes = 0;
    for job in jobs {
        assert!((1..=limits::MAX_STEPS).contains(&job.steps.len()));
        assert!(job.needs.iter().all(|need| need.job != job.name && names.contains(&need.job)));
        assert!(job.artifacts.len() <= limits::MAX_ARTIFACT_RULES);
        assert!(
            job.retries <= MAX_RETRIES && job.steps.iter().all(|one| one.retries <= MAX_RETRIES)
        );
        let texts = job.steps.iter().map(|step| &step.run).chain(job.env.values());
        bytes += texts.map(String::len).sum::<usize>();
        let json = serde_json::to_string(job).expect("plain data");
        assert_eq!(serde_json::from_str::<JobSpec>(&json).expect("our own"), *job);
    }
    assert!(bytes <= limits::MAX_EXPANDED_BYTES, "{bytes} bytes");
    check_order(jobs);
}

/// Every job comes to its turn: those whose needs are done are struck out until
/// none is left.
fn check_order(jobs: &[JobSpec]) {
    let mut done = BTreeSet::new();
    while done.len() < jobs.len() {
        let before = done.len();
        for job in jobs {
            if job.needs.iter().all(|need| done.contains(&need.job)) {
                done.insert(&job.name);
            }
        }
        assert!(done.len() > before, "jobs wait for each other");
    }
}
