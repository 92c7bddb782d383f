//! Random events: the rows say what the model says, and the event log says it again.

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use solstice_model::id::new_id;
use solstice_model::job::Holding;
use solstice_model::{
    AgentVerdict, AttemptId, Exit, JobEvent, JobId, JobState, SkipReason, Transition,
};
use solstice_store::{Store, StoreError, Transitioned};

use crate::fixture::{at, one_job, store};

/// An event to be made: which kind, and of which of the attempts so far.
type Seed = (u8, prop::sample::Index);

fn event(seed: &Seed, attempts: &mut Vec<AttemptId>) -> JobEvent {
    let attempt = *seed.1.get(attempts);
    let lost = |retry| JobEvent::AttemptLost { attempt, why: "power cut".to_owned(), retry };
    match seed.0 {
        0 | 1 => {
            let attempt = new_id();
            attempts.push(attempt);
            JobEvent::Claim(Holding { attempt, host: "host-1".parse().unwrap() })
        }
        2 => JobEvent::MachineStarting { attempt },
        3 => JobEvent::AgentRunning { attempt },
        4 => {
            let exit = Exit::Signal { signal: 9 };
            let verdict = AgentVerdict::Failed { step: 0, exit };
            JobEvent::AttemptEnded { attempt, verdict, retry: seed.1.index(3) > 0 }
        }
        5 | 6 => lost(true),
        7 => lost(false),
        8 => JobEvent::Cancel { by: "alice".to_owned() },
        _ => JobEvent::Skip { why: SkipReason::NeedNotMet { need: "x".parse().unwrap() } },
    }
}

fn seeds() -> impl Strategy<Value = Vec<Seed>> {
    // Ends are rarer than the way there, so that sequences live long enough.
    let kind = prop_oneof![
        6 => 0_u8..7,
        1 => 7_u8..10,
    ];
    proptest::collection::vec((kind, any::<prop::sample::Index>()), 1..30)
}

async fn replay(store: &Store, job: JobId) -> JobState {
    let mut state = JobState::Queued;
    for entry in store.events(job, 0, 100).await.unwrap() {
        match state.apply(&entry.event).unwrap() {
            Transition::Moved(to) => state = to,
            Transition::Stale => panic!("a stale event was written: {:?}", entry.event),
        }
    }
    state
}

async fn run(store: &Store, seeds: &[Seed]) -> Result<(), TestCaseError> {
    let job = one_job(store).await.id;
    let mut model = JobState::Queued;
    let mut attempts = vec![new_id()];
    for (second, seed) in (0..).zip(seeds) {
        let event = event(seed, &mut attempts);
        let now: DateTime<Utc> = at(second);
        let done = store.transition(job, event.clone(), now).await;
        match (model.apply(&event), done) {
            (Ok(Transition::Moved(to)), Ok(Transitioned::Moved(state))) => {
                prop_assert_eq!(&state, &to);
                model = to;
            }
            (Ok(Transition::Stale), Ok(Transitioned::Stale)) => {}
            (Err(expected), Err(StoreError::IllegalTransition(illegal))) => {
                prop_assert_eq!(illegal, expected);
            }
            (expected, done) => prop_assert!(false, "{event:?}: {expected:?} but {done:?}"),
        }
        let detail = store.job(job).await.unwrap();
        prop_assert_eq!(&detail.job.state, &model);
        prop_assert_eq!(detail.job.finished_at.is_some(), model.is_finished());
        prop_assert_eq!(detail.run.finished_at.is_some(), model.is_finished());
        let live: Vec<_> = store.live_attempts().await.unwrap();
        let live = live.iter().filter(|live| live.job == job).map(|live| live.id);
        let held = model.holding().map(|held| held.attempt);
        prop_assert_eq!(live.collect::<Vec<_>>(), held.into_iter().collect::<Vec<_>>());
    }
    prop_assert_eq!(replay(store, job).await, model);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_store_does_what_the_model_says_and_the_event_log_tells_it(seeds in seeds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (_dir, store) = store();
        runtime.block_on(run(&store, &seeds))?;
    }
}
