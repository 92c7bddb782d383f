//! Annotations: noted once, in their order, and told with the check of the job.

use solstice_model::annotation::MAX_ANNOTATIONS;
use solstice_model::id::new_id;
use solstice_model::{AgentVerdict, Annotation, AnnotationLevel, JobId};
use solstice_store::{Store, StoreError};

use crate::fixture::{MAX_ATTEMPTS, at, claim, end, failed, forge, one_job, store};

fn remark(line: u32, level: AnnotationLevel) -> Annotation {
    Annotation {
        path: "src/main.c".to_owned(),
        line,
        end_line: line,
        column: Some(7),
        level,
        title: String::new(),
        message: "expected ;".to_owned(),
    }
}

/// Tells the forge all that is due; gives what it was told of the job.
async fn told(store: &Store, job: JobId) -> Vec<String> {
    let due = store.due_reports(forge(), at(9_000), 10).await.unwrap();
    for report in &due {
        store.report_sent(report.id, report.version, at(0)).await.unwrap();
    }
    let of_job = due.into_iter().filter(|due| due.job == Some(job));
    of_job.map(|due| due.report.description).collect()
}

#[tokio::test]
async fn an_attempt_is_annotated_once_and_its_check_told_again() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let attempt = claim(&store, 1).await.attempt;
    let early = store.annotate(attempt, Vec::new(), 0, at(2)).await;
    assert!(matches!(early, Err(StoreError::Conflict { .. })), "{early:?}");
    assert_eq!(store.unannotated_attempts(9).await.unwrap(), []);
    end(&store, attempt, failed()).await;
    let waiting = store.unannotated_attempts(9).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].id, waiting[0].job), (1, attempt, job.id));
    assert_eq!(waiting[0].spec.name, job.name);
    assert_eq!(told(&store, job.id).await, ["failed"]);

    // The levels are not in the order of their names, nor the lines in theirs.
    let found = vec![
        remark(9, AnnotationLevel::Warning),
        remark(3, AnnotationLevel::Failure),
        Annotation { column: None, end_line: 5, ..remark(4, AnnotationLevel::Notice) },
    ];
    let mut jobs = store.job_changes();
    assert!(store.annotate(attempt, found.clone(), 2, at(300)).await.unwrap());
    assert_eq!(jobs.recv().await.unwrap(), job.id);
    assert_eq!(told(&store, job.id).await, ["failed 1+1+1"]);
    assert!(!store.annotate(attempt, Vec::new(), 0, at(301)).await.unwrap());
    assert_eq!(told(&store, job.id).await, [""; 0]);
    assert_eq!(store.annotations(attempt).await.unwrap(), (found, 2));
    assert_eq!(store.unannotated_attempts(9).await.unwrap(), []);
}

#[tokio::test]
async fn an_attempt_without_remarks_is_told_no_more() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let attempt = claim(&store, 1).await.attempt;
    end(&store, attempt, AgentVerdict::Succeeded).await;
    told(&store, job.id).await;
    assert!(store.annotate(attempt, Vec::new(), 0, at(300)).await.unwrap());
    assert_eq!(told(&store, job.id).await, [""; 0]);
    assert_eq!(store.annotations(attempt).await.unwrap(), (Vec::new(), 0));
}

#[tokio::test]
async fn the_check_is_of_the_last_attempt_alone() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let first = claim(&store, 1).await.attempt;
    store.expire_leases(at(100), MAX_ATTEMPTS).await.unwrap();
    let second = claim(&store, 101).await.attempt;
    end(&store, second, failed()).await;
    told(&store, job.id).await;
    store.annotate(first, vec![remark(1, AnnotationLevel::Failure)], 0, at(300)).await.unwrap();
    assert_eq!(told(&store, job.id).await, [""; 0]);
    store.annotate(second, vec![remark(1, AnnotationLevel::Failure)], 0, at(301)).await.unwrap();
    assert_eq!(told(&store, job.id).await, ["failed 1+0+0"]);
}

#[tokio::test]
async fn their_number_is_bounded_and_the_attempt_must_be_there() {
    let (_dir, store) = store();
    one_job(&store).await;
    let attempt = claim(&store, 1).await.attempt;
    end(&store, attempt, failed()).await;
    let many = |count| (0..count).map(|line| remark(line + 1, AnnotationLevel::Failure)).collect();
    let most = u32::try_from(MAX_ANNOTATIONS).unwrap();
    let refused = store.annotate(attempt, many(most + 1), 0, at(2)).await;
    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert!(store.annotate(attempt, many(most), 1, at(2)).await.unwrap());
    let unknown = store.annotate(new_id(), Vec::new(), 0, at(2)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
    let unknown = store.annotations(new_id()).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
}
