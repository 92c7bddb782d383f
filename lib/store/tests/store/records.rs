//! An agent's records: applied once, in whatever pieces (invariants I3 and I5).

use proptest::prelude::*;
use solstice_model::id::new_id;
use solstice_model::{AgentVerdict, Chunk, Exit, RecordBody, Stream};
use solstice_store::StoreError;

use crate::fixture::{at, claim, end, failed, good_records, host, one_job, record, store, word};

fn output(seq: u64) -> solstice_model::Record {
    let chunk = Chunk::from("x");
    record(seq, RecordBody::Output { step: 0, stream: Stream::Stdout, chunk, newline: true })
}

#[tokio::test]
async fn steps_and_the_verdict_are_read_off_the_records() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let attempt = claim(&store, 0).await.attempt;
    let records = good_records();
    let apply = |records| store.apply_records(host("host-1"), attempt, records, at(5));
    assert!(!apply(&records[..3]).await.unwrap().over);
    let detail = store.job(job.id).await.unwrap();
    assert_eq!(detail.job.state.name(), "running", "the first record shows that the agent runs");
    assert_eq!(detail.job.started_at, Some(at(5)));
    let steps: Vec<_> =
        detail.steps.iter().map(|step| (step.name.as_str(), step.exit.is_some())).collect();
    assert_eq!(steps, [("Build", true), ("Test", false)]);
    assert_eq!(detail.steps[0].started_at, at(101));

    assert!(apply(&records).await.unwrap().over);
    let detail = store.job(job.id).await.unwrap();
    assert_eq!(word(&store, job.id).await, "succeeded");
    assert_eq!(detail.steps[1].finished_at, Some(at(104)));
    assert!(apply(&records[3..]).await.unwrap().over, "the answer was lost, so it asks again");
    let late = apply(&[output(6)]).await;
    assert!(matches!(late, Err(StoreError::AttemptOver { .. })), "{late:?}");
    assert_eq!(store.events(job.id, 0, 10).await.unwrap().len(), 3);
}

#[tokio::test]
async fn mere_output_shows_that_the_agent_runs_and_then_writes_nothing() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let attempt = claim(&store, 0).await.attempt;
    let mut changes = store.changes();
    let apply = |records: Vec<_>| {
        let store = store.clone();
        async move { store.apply_records(host("host-1"), attempt, &records, at(5)).await }
    };
    changes.mark_unchanged();
    apply(vec![output(1)]).await.unwrap();
    assert_eq!(word(&store, job.id).await, "running");
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    assert!(!apply(vec![output(2), output(3)]).await.unwrap().over);
    assert!(!apply(Vec::new()).await.unwrap().over);
    assert!(!changes.has_changed().unwrap());
    assert_eq!(store.attempt(attempt).await.unwrap().applied_seq, 1);
    store.cancel(job.id, "alice".to_owned(), at(6)).await.unwrap();
    let late = apply(vec![output(4)]).await;
    assert!(matches!(late, Err(StoreError::AttemptOver { .. })), "{late:?}");
    assert!(apply(Vec::new()).await.unwrap().over);
}

#[tokio::test]
async fn a_step_that_the_job_does_not_have_is_refused_with_all_that_came_with_it() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let attempt = claim(&store, 0).await.attempt;
    let exit = Exit::Code { code: 1 };
    let bad = [
        RecordBody::StepStarted { step: 2 },
        RecordBody::StepFinished { step: u32::MAX, exit: exit.clone() },
        RecordBody::Finished { verdict: AgentVerdict::Failed { step: 2, exit } },
    ];
    for body in bad {
        let records = [record(1, RecordBody::StepStarted { step: 0 }), record(2, body)];
        let refused = store.apply_records(host("host-1"), attempt, &records, at(5)).await;
        assert!(matches!(refused, Err(StoreError::BadRecord { seq: 2, .. })), "{refused:?}");
    }
    assert_eq!(word(&store, job.id).await, "claimed");
    assert!(store.job(job.id).await.unwrap().steps.is_empty());
}

#[tokio::test]
async fn what_follows_the_verdict_changes_nothing() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let attempt = claim(&store, 0).await.attempt;
    let records = [
        record(1, RecordBody::Finished { verdict: failed() }),
        record(2, RecordBody::StepStarted { step: 0 }),
        record(3, RecordBody::Finished { verdict: AgentVerdict::Succeeded }),
    ];
    assert!(store.apply_records(host("host-1"), attempt, &records, at(5)).await.unwrap().over);
    assert_eq!(word(&store, job.id).await, "failed");
    assert!(store.job(job.id).await.unwrap().steps.is_empty());
}

#[tokio::test]
async fn records_of_another_host_s_or_an_earlier_attempt_are_not_taken() {
    let (_dir, store) = store();
    let job = one_job(&store).await;
    let first = claim(&store, 0).await.attempt;
    store.expire_leases(at(100), 2).await.unwrap();
    let second = claim(&store, 110).await.attempt;
    for (name, attempt) in [("host-2", second), ("host-1", first), ("host-1", new_id())] {
        let refused = store.apply_records(host(name), attempt, &good_records(), at(120)).await;
        assert!(matches!(refused, Err(StoreError::AttemptOver { .. })), "{refused:?}");
    }
    assert_eq!(word(&store, job.id).await, "claimed");
    end(&store, second, AgentVerdict::Succeeded).await;
    assert_eq!(word(&store, job.id).await, "succeeded");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_pieces_and_repeats_of_the_records_end_alike(
        pieces in proptest::collection::vec((0_usize..5, 1_usize..6), 0..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (_dir, store) = store();
            let job = one_job(&store).await.id;
            let attempt = claim(&store, 0).await.attempt;
            let records = good_records();
            let mut sent = 0;
            // As a sender would: no holes, but as many repeats as it likes.
            for (back, count) in pieces.into_iter().chain([(0, records.len())]) {
                let first = sent - back.min(sent);
                let up_to = (first + count).min(records.len());
                sent = sent.max(up_to);
                let piece = &records[first..up_to];
                let applied = store.apply_records(host("host-1"), attempt, piece, at(5)).await;
                prop_assert_eq!(applied.unwrap().over, sent == records.len());
            }
            let detail = store.job(job).await.unwrap();
            prop_assert_eq!(detail.steps.len(), 2);
            prop_assert!(detail.steps.iter().all(|step| step.finished_at.is_some()));
            let log = store.events(job, 0, 10).await.unwrap();
            let names: Vec<_> = log.iter().map(|entry| entry.event.name()).collect();
            prop_assert_eq!(names, ["claim", "agent_running", "attempt_ended"]);
            Ok(())
        })?;
    }
}
