//! What is removed by age, and what is not.

use solstice_model::id::new_id;
use solstice_model::{AgentVerdict, Sha256Digest};
use solstice_store::{NewArtifact, StoreError, Verdict};

use crate::fixture::{
    at, attempt_of, claim, claim_all, deliver, end, forge, host, one_job, run, spec, store,
};

#[tokio::test]
async fn attempts_are_given_oldest_first_until_all_of_them_is_removed() {
    let (_dir, store) = store();
    let mut attempts = Vec::new();
    for _ in 0..3 {
        one_job(&store).await;
        let attempt = claim(&store, 1).await.attempt;
        let sha256 = Sha256Digest::of(b"");
        for index in 0..2 {
            let new = NewArtifact { index, path: "a".to_owned(), bytes: 21, sha256 };
            store.note_artifact(host("host-1"), attempt, new, at(5)).await.unwrap();
        }
        end(&store, attempt, AgentVerdict::Succeeded).await;
        attempts.push(attempt);
    }
    let ended = |after, most| store.ended_attempts(at(201), after, most);
    assert_eq!(store.ended_attempts(at(200), None, 9).await.unwrap(), []);
    let first = ended(None, 2).await.unwrap();
    assert_eq!(first.iter().map(|one| one.id).collect::<Vec<_>>(), attempts[..2]);
    assert_eq!((first[0].artifact_bytes, first[0].ended_at), (42, at(200)));
    assert!(first[0].log_kept && first[0].artifacts_kept);
    let rest = ended(Some(first[1].id), 9).await.unwrap();
    assert_eq!(rest.iter().map(|one| one.id).collect::<Vec<_>>(), attempts[2..]);

    store.note_log_removed(attempts[0], at(300)).await.unwrap();
    let half = ended(None, 9).await.unwrap().remove(0);
    assert!(!half.log_kept && half.artifacts_kept);
    store.note_artifacts_removed(attempts[0], at(300)).await.unwrap();
    store.note_artifacts_removed(attempts[0], at(301)).await.unwrap();
    assert_eq!(ended(None, 9).await.unwrap().len(), 2);
    let unknown = store.note_log_removed(new_id(), at(300)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })), "{unknown:?}");
}

#[tokio::test]
async fn while_a_run_goes_on_its_jobs_artifacts_may_be_needed() {
    let (_dir, store) = store();
    run(&store, vec![spec("a", &[]), spec("b", &["a"])]).await;
    claim_all(&store, 1).await;
    end(&store, attempt_of(&store, "a").await, AgentVerdict::Succeeded).await;
    assert_eq!(store.ended_attempts(at(9_999), None, 9).await.unwrap(), []);
    claim_all(&store, 2).await;
    end(&store, attempt_of(&store, "b").await, AgentVerdict::Succeeded).await;
    assert_eq!(store.ended_attempts(at(9_999), None, 9).await.unwrap().len(), 2);
}

#[tokio::test]
async fn bodies_of_deliveries_go_once_they_have_their_verdict() {
    let (_dir, store) = store();
    let (done, _waiting) = (deliver(&store).await, deliver(&store).await);
    let verdict = Verdict::Ignored { reason: "no workflow".to_owned() };
    store.finish_delivery(done, verdict, at(1)).await.unwrap();
    assert_eq!(store.remove_bodies(Some(at(0)), None, at(9)).await.unwrap().count, 0);
    assert_eq!(store.remove_bodies(Some(at(1)), None, at(9)).await.unwrap().count, 1);
    assert_eq!(store.remove_bodies(Some(at(1)), None, at(9)).await.unwrap().count, 0);
    assert_eq!(store.delivery(done).await.unwrap().verdict, "ignored", "that it was stays known");
    let waiting = store.next_waiting_deliveries(forge(), at(1), 9).await.unwrap();
    assert!(!waiting[0].body.is_empty());
}

#[tokio::test]
async fn the_event_log_of_jobs_that_are_over_goes_by_age() {
    let (_dir, store) = store();
    let (over, open) = (one_job(&store).await, one_job(&store).await);
    let attempt = claim(&store, 1).await.attempt;
    claim(&store, 2).await;
    end(&store, attempt, AgentVerdict::Succeeded).await;
    let left = |job| {
        let store = &store;
        async move { store.events(job, 0, 9).await.unwrap().len() }
    };
    assert_eq!(store.remove_events(at(100)).await.unwrap().count, 0, "it ended later");
    assert_eq!(store.remove_events(at(201)).await.unwrap().count, 3);
    assert_eq!((left(over.id).await, left(open.id).await), (0, 1));
    assert_eq!(store.remove_events(at(201)).await.unwrap().count, 0);
}
