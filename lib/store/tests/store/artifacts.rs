//! Artifacts: noted once, of live attempts, and handed on to the jobs that need them.

use solstice_model::id::new_id;
use solstice_model::{AgentVerdict, AttemptId, Sha256Digest};
use solstice_store::{NewArtifact, RerunJobs, Store, StoreError};

use crate::fixture::{
    at, attempt_of, claim, claim_all, end, failed, host, one_job, run, spec, store,
};

fn artifact(index: u32, path: &str) -> NewArtifact {
    let bytes = u64::from(index) + 10;
    NewArtifact { index, path: path.to_owned(), bytes, sha256: Sha256Digest::of(path.as_bytes()) }
}

async fn note(store: &Store, attempt: AttemptId, new: NewArtifact) -> Result<(), StoreError> {
    store.note_artifact(host("host-1"), attempt, new, at(5)).await
}

#[tokio::test]
async fn an_artifact_is_noted_by_its_number_and_a_repeat_replaces_it() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    assert_eq!(store.artifacts(job.id).await.unwrap(), []);
    let attempt = claim(&store, 1).await.attempt;
    let mut jobs = store.job_changes();
    for path in ["out/a", "out/a", "out/b"] {
        note(&store, attempt, artifact(0, path)).await.unwrap();
    }
    assert_eq!(jobs.recv().await.unwrap(), job.id);
    note(&store, attempt, artifact(1, "log")).await.unwrap();
    let listed = store.artifacts(job.id).await.unwrap();
    let names: Vec<_> =
        listed.iter().map(|one| (one.index, one.path.as_str(), one.bytes)).collect();
    assert_eq!(names, [(0, "out/b", 10), (1, "log", 11)]);
    let (of, one) = store.artifact(job.id, 1).await.unwrap();
    assert_eq!((of, &one), (attempt, &listed[1]));
    assert_eq!(one.sha256, Sha256Digest::of(b"log"));
    for (job, index) in [(job.id, 2), (new_id(), 0)] {
        let missing = store.artifact(job, index).await;
        assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
    }
}

#[tokio::test]
async fn only_a_live_attempt_of_its_host_leaves_artifacts() {
    let (_dir, store) = store();
    one_job(&store).await;
    let attempt = claim(&store, 1).await.attempt;
    let over = |result: Result<(), StoreError>| {
        assert!(matches!(result, Err(StoreError::AttemptOver { .. })), "{result:?}");
    };
    over(note(&store, new_id(), artifact(0, "a")).await);
    over(store.note_artifact(host("host-2"), attempt, artifact(0, "a"), at(5)).await);
    end(&store, attempt, AgentVerdict::Succeeded).await;
    over(note(&store, attempt, artifact(0, "a")).await);
}

#[tokio::test]
async fn numbers_and_paths_are_bounded() {
    let (_dir, store) = store();
    one_job(&store).await;
    let attempt = claim(&store, 1).await.attempt;
    let long = "x".repeat(1025);
    for path in ["", "/etc/passwd", "a//b", "../a", "a/..", "./a", "a/./b", "a/", "a\0b", &long] {
        let refused = note(&store, attempt, artifact(0, path)).await;
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{path:?}: {refused:?}");
    }
    let refused = note(&store, attempt, artifact(10_000, "a")).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    note(&store, attempt, artifact(9_999, &long[1..])).await.unwrap();
}

#[tokio::test]
async fn a_job_is_given_what_the_last_attempts_of_its_needs_left() {
    let (_dir, store) = store();
    let mut build = spec("build", &[]);
    build.retries = 1;
    let jobs = vec![build, spec("docs", &[]), spec("lint", &[]), spec("pack", &["build", "docs"])];
    let detail = run(&store, jobs).await;
    claim_all(&store, 1).await;
    let first = attempt_of(&store, "build").await;
    note(&store, first, artifact(0, "from/the/first")).await.unwrap();
    end(&store, first, failed()).await;
    claim_all(&store, 2).await;
    for (name, paths) in [("build", &["out/b", "out/a"][..]), ("docs", &["man"]), ("lint", &["no"])]
    {
        let attempt = attempt_of(&store, name).await;
        for (index, path) in (0..).zip(paths) {
            note(&store, attempt, artifact(index, path)).await.unwrap();
        }
        end(&store, attempt, AgentVerdict::Succeeded).await;
    }
    claim_all(&store, 3).await;
    let pack = store.wanted(host("host-1")).await.unwrap().remove(0);
    assert!(pack.has_inputs);
    let given = store.inputs(pack.attempt).await.unwrap();
    let names: Vec<_> = given.iter().map(|file| (file.job.as_str(), file.path.as_str())).collect();
    assert_eq!(names, [("build", "out/b"), ("build", "out/a"), ("docs", "man")]);
    assert_eq!((given[1].index, given[1].bytes), (1, 11));
    let (of, _) = store.artifact(detail.jobs[0].id, 1).await.unwrap();
    assert_eq!(given[1].attempt, of);

    store.note_artifacts_removed(given[0].attempt, at(9)).await.unwrap();
    assert_eq!(store.inputs(pack.attempt).await.unwrap().len(), 1);
    let removed = store.artifacts(detail.jobs[0].id).await.unwrap();
    assert!(removed.iter().all(|one| one.removed_at == Some(at(9))));
}

#[tokio::test]
async fn a_job_without_needs_is_given_nothing_and_a_new_one_has_left_nothing() {
    let (_dir, store) = store();
    let detail = run(&store, vec![spec("build", &[])]).await;
    let assignment = claim(&store, 1).await;
    assert!(!assignment.has_inputs);
    assert_eq!(store.inputs(assignment.attempt).await.unwrap(), []);
    note(&store, assignment.attempt, artifact(0, "out/a")).await.unwrap();
    end(&store, assignment.attempt, failed()).await;
    let all = RerunJobs::All;
    let made = store.rerun(detail.run.id, all, "bob".to_owned(), at(9)).await.unwrap();
    assert_eq!(store.artifacts(made[0]).await.unwrap(), []);
    assert_eq!(store.artifacts(detail.jobs[0].id).await.unwrap().len(), 1, "the old one's stay");
}
