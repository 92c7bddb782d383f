//! The job's state machine: one pure table.
//!
//! ```text
//!                 Claim            MachineStarting         AgentRunning
//!   ┌────────┐           ┌─────────┐           ┌──────────┐           ┌─────────┐
//!   │ Queued ├──────────►│ Claimed ├──────────►│ Starting ├──────────►│ Running │
//!   └─┬────▲─┘           └────┬────┘           └─────┬────┘           └────┬────┘
//!     │    │                  │                      │                     │
//!     │    └──────────────────┴──────────┬───────────┘◄────────────────────┤
//!     │       AttemptLost or a failed AttemptEnded, with tries left        │
//!     │                                  │                                 │
//!     │ Skip, Cancel        Cancel, AttemptLost without tries left         │ AttemptEnded
//!     ▼                                  ▼                                 ▼
//!   ┌────────────────────────────────────────────────────────────────────────┐
//!   │ Finished(outcome)                                                      │
//!   └────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! * `Queued`: waits for its needs, then for a host with its label and room.
//! * `Claimed`: a host holds a lease on it.
//! * `Starting`: the host makes the machine.
//! * `Running`: the agent has redeemed its token.
//! * `Finished`: has its one outcome; no event leaves it (invariant I3).
//!
//! An event of an attempt that is no longer the job's current one is *stale*:
//! it changes nothing and is no error, because a host that was thought lost may
//! still be talking. An event that makes no sense is an error and changes
//! nothing either. A later phase may arrive before an earlier one (the host
//! crashed between doing and telling), so phases may be jumped, never undone.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::AttemptId;
use crate::name::{HostName, JobName};

/// Where a job stands. Each state carries the data that exists in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JobState {
    /// Waits for its needs or for a host.
    Queued,
    /// A host holds a lease on it.
    Claimed(Holding),
    /// The host makes the machine.
    Starting(Holding),
    /// The agent runs the steps.
    Running(Holding),
    /// It is over.
    Finished {
        /// Its one outcome.
        outcome: Outcome,
    },
}

/// Who works on a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Holding {
    /// The current try.
    pub attempt: AttemptId,
    /// The host that makes it.
    pub host: HostName,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Every step exited with 0.
    Succeeded,
    /// A step did not.
    Failed {
        /// Index of the step, from 0.
        step: u32,
        /// How it ended.
        exit: Exit,
    },
    /// Every step exited with 0, but what was to be kept of it could not be.
    ArtifactFailed {
        /// The rule's pattern.
        pattern: String,
        /// What was wrong, for people.
        why: String,
    },
    /// Somebody asked for it to stop.
    Cancelled {
        /// Who, for people.
        by: String,
    },
    /// A time limit of the workflow's was reached.
    TimedOut {
        /// Which.
        limit: TimeLimit,
    },
    /// We could not run it; never the author's fault (invariant I9).
    InfraFailed {
        /// What went wrong, for people.
        why: String,
    },
    /// It was never meant to run.
    Skipped {
        /// Why not.
        why: SkipReason,
    },
}

/// Why a job was skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum SkipReason {
    /// A job that it needs did not end as it must.
    NeedNotMet {
        /// The first such job.
        need: JobName,
    },
    /// Its condition does not hold in this run.
    Condition {
        /// As it is written.
        condition: String,
    },
    /// The commit's message asks for it.
    CommitMessage {
        /// The words that do, such as `[skip ci]`.
        marker: String,
    },
    /// None of the files for which the workflow is to run has changed.
    NoFileChanged,
}

impl SkipReason {
    /// Whether the author wishes it so: then nothing is kept from being merged.
    pub fn is_wish(&self) -> bool {
        !matches!(self, SkipReason::NeedNotMet { .. })
    }
}

/// A time limit that was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum TimeLimit {
    /// The job's own.
    Job {
        /// The limit, in seconds.
        seconds: u32,
    },
    /// One step's.
    Step {
        /// Index of the step, from 0.
        step: u32,
        /// The limit, in seconds.
        seconds: u32,
    },
}

/// How a process ended (wait(2)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Exit {
    /// It called exit.
    Code {
        /// The status, 0 to 255.
        code: u8,
    },
    /// A signal ended it.
    Signal {
        /// The signal's number.
        signal: u8,
    },
    /// It could not be started (no such shell, no such directory).
    NotStarted {
        /// The system's reason.
        why: String,
    },
}

impl Exit {
    /// Whether the step succeeded.
    pub fn success(&self) -> bool {
        matches!(self, Exit::Code { code: 0 })
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code { code } => write!(f, "exit status {code}"),
            Exit::Signal { signal } => write!(f, "signal {signal}"),
            Exit::NotStarted { why } => write!(f, "not started: {why}"),
        }
    }
}

/// What the agent says in the end. It cannot say that the infrastructure
/// failed or that somebody cancelled: those are not a guest's to judge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum AgentVerdict {
    /// Every step exited with 0.
    Succeeded,
    /// A step did not; this is the first.
    Failed {
        /// Index of the step, from 0.
        step: u32,
        /// How it ended.
        exit: Exit,
    },
    /// Every step did, but what was to be kept could not be.
    ArtifactFailed {
        /// The rule's pattern.
        pattern: String,
        /// What was wrong, for people.
        why: String,
    },
    /// A time limit was reached.
    TimedOut {
        /// Which.
        limit: TimeLimit,
    },
}

impl From<AgentVerdict> for Outcome {
    fn from(verdict: AgentVerdict) -> Self {
        match verdict {
            AgentVerdict::Succeeded => Outcome::Succeeded,
            AgentVerdict::Failed { step, exit } => Outcome::Failed { step, exit },
            AgentVerdict::ArtifactFailed { pattern, why } => {
                Outcome::ArtifactFailed { pattern, why }
            }
            AgentVerdict::TimedOut { limit } => Outcome::TimedOut { limit },
        }
    }
}

/// What can happen to a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum JobEvent {
    /// A host was given the job.
    Claim(Holding),
    /// The host has begun to make the machine.
    MachineStarting {
        /// Whose machine.
        attempt: AttemptId,
    },
    /// The agent has redeemed its token.
    AgentRunning {
        /// Whose agent.
        attempt: AttemptId,
    },
    /// The agent has told how the job ended.
    AttemptEnded {
        /// Whose agent.
        attempt: AttemptId,
        /// Its verdict.
        verdict: AgentVerdict,
        /// Whether the job is tried once more if that is a failure.
        #[serde(default)]
        retry: bool,
    },
    /// The try came to nothing through no fault of the author's.
    AttemptLost {
        /// Which try.
        attempt: AttemptId,
        /// What went wrong.
        why: String,
        /// Whether another try is left.
        retry: bool,
    },
    /// Somebody wants it stopped.
    Cancel {
        /// Who.
        by: String,
    },
    /// It is not to run at all.
    Skip {
        /// Why not.
        why: SkipReason,
    },
}

/// What an event does to a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// The job is now in this state.
    Moved(JobState),
    /// The event is a repeat or belongs to an attempt that is over.
    Stale,
}

/// An event that makes no sense in the state that the job is in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a job that is {state} cannot take the event {event}")]
pub struct IllegalTransition {
    /// The state's name.
    pub state: &'static str,
    /// The event's name.
    pub event: &'static str,
}

impl JobState {
    /// The state's name, as in the database and the API.
    pub fn name(&self) -> &'static str {
        match self {
            JobState::Queued => "queued",
            JobState::Claimed(_) => "claimed",
            JobState::Starting(_) => "starting",
            JobState::Running(_) => "running",
            JobState::Finished { .. } => "finished",
        }
    }

    /// Whether the job has its outcome.
    pub fn is_finished(&self) -> bool {
        matches!(self, JobState::Finished { .. })
    }

    /// The outcome, if there is one.
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            JobState::Finished { outcome } => Some(outcome),
            _ => None,
        }
    }

    /// Who works on it, if anybody does.
    pub fn holding(&self) -> Option<&Holding> {
        match self {
            JobState::Claimed(held) | JobState::Starting(held) | JobState::Running(held) => {
                Some(held)
            }
            JobState::Queued | JobState::Finished { .. } => None,
        }
    }

    /// How far along the job is; phases only grow within one attempt.
    fn phase(&self) -> u8 {
        match self {
            JobState::Queued => 0,
            JobState::Claimed(_) => 1,
            JobState::Starting(_) => 2,
            JobState::Running(_) => 3,
            JobState::Finished { .. } => 4,
        }
    }

    /// What `event` does to a job in this state. Pure; the table of this module's head.
    ///
    /// # Errors
    ///
    /// [`IllegalTransition`] if the event makes no sense here; the state stands.
    pub fn apply(&self, event: &JobEvent) -> Result<Transition, IllegalTransition> {
        use Transition::{Moved, Stale};

        let illegal = || IllegalTransition { state: self.name(), event: event.name() };
        let finished = |outcome| Moved(JobState::Finished { outcome });

        // An attempt's own events count only while it is the current one.
        let held = match (event.attempt(), self.holding()) {
            (Some(attempt), Some(held)) if held.attempt == attempt => Some(held.clone()),
            (Some(_), _) => return Ok(Stale),
            (None, _) => None,
        };
        let advance = |to: JobState| {
            if to.phase() > self.phase() { Moved(to) } else { Stale }
        };

        Ok(match (self, event, held) {
            (JobState::Queued, JobEvent::Claim(held), _) => Moved(JobState::Claimed(held.clone())),
            (_, JobEvent::Claim(claim), _) if self.holding() == Some(claim) => Stale,
            (_, JobEvent::MachineStarting { .. }, Some(held)) => advance(JobState::Starting(held)),
            (_, JobEvent::AgentRunning { .. }, Some(held)) => advance(JobState::Running(held)),
            (_, JobEvent::AttemptEnded { verdict, retry: true, .. }, Some(_))
                if *verdict != AgentVerdict::Succeeded =>
            {
                Moved(JobState::Queued)
            }
            (_, JobEvent::AttemptEnded { verdict, .. }, Some(_)) => {
                finished(verdict.clone().into())
            }
            (_, JobEvent::AttemptLost { retry: true, .. }, Some(_)) => Moved(JobState::Queued),
            (_, JobEvent::AttemptLost { why, .. }, Some(_)) => {
                finished(Outcome::InfraFailed { why: why.clone() })
            }
            (JobState::Finished { .. }, _, _) => return Err(illegal()),
            (_, JobEvent::Cancel { by }, _) => finished(Outcome::Cancelled { by: by.clone() }),
            (JobState::Queued, JobEvent::Skip { why }, _) => {
                finished(Outcome::Skipped { why: why.clone() })
            }
            _ => return Err(illegal()),
        })
    }
}

impl JobEvent {
    /// The event's name, as in the database and the API.
    pub fn name(&self) -> &'static str {
        match self {
            JobEvent::Claim(_) => "claim",
            JobEvent::MachineStarting { .. } => "machine_starting",
            JobEvent::AgentRunning { .. } => "agent_running",
            JobEvent::AttemptEnded { .. } => "attempt_ended",
            JobEvent::AttemptLost { .. } => "attempt_lost",
            JobEvent::Cancel { .. } => "cancel",
            JobEvent::Skip { .. } => "skip",
        }
    }

    /// The attempt whose own event this is. A claim begins an attempt and is not one.
    fn attempt(&self) -> Option<AttemptId> {
        match self {
            JobEvent::MachineStarting { attempt }
            | JobEvent::AgentRunning { attempt }
            | JobEvent::AttemptEnded { attempt, .. }
            | JobEvent::AttemptLost { attempt, .. } => Some(*attempt),
            JobEvent::Claim(_) | JobEvent::Cancel { .. } | JobEvent::Skip { .. } => None,
        }
    }
}

impl Outcome {
    /// The outcome's name, as in the database and the API.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Succeeded => "succeeded",
            Outcome::Failed { .. } => "failed",
            Outcome::ArtifactFailed { .. } => "artifact_failed",
            Outcome::Cancelled { .. } => "cancelled",
            Outcome::TimedOut { .. } => "timed_out",
            Outcome::InfraFailed { .. } => "infra_failed",
            Outcome::Skipped { .. } => "skipped",
        }
    }

    /// Whether the job ran to an end that its author has to mend (invariant I9).
    pub fn is_failure(&self) -> bool {
        match self {
            Outcome::Failed { .. } | Outcome::ArtifactFailed { .. } | Outcome::TimedOut { .. } => {
                true
            }
            Outcome::Succeeded
            | Outcome::Cancelled { .. }
            | Outcome::InfraFailed { .. }
            | Outcome::Skipped { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::new_id;

    fn held(attempt: AttemptId) -> Holding {
        Holding { attempt, host: "host-1".parse().unwrap() }
    }

    fn states(attempt: AttemptId) -> [JobState; 5] {
        [
            JobState::Queued,
            JobState::Claimed(held(attempt)),
            JobState::Starting(held(attempt)),
            JobState::Running(held(attempt)),
            JobState::Finished { outcome: Outcome::Succeeded },
        ]
    }

    fn events(attempt: AttemptId) -> [JobEvent; 9] {
        let lost = |retry| JobEvent::AttemptLost { attempt, why: "power cut".to_owned(), retry };
        let verdict = AgentVerdict::Failed { step: 1, exit: Exit::Code { code: 2 } };
        let why = SkipReason::NeedNotMet { need: "build".parse().unwrap() };
        [
            JobEvent::Claim(held(attempt)),
            JobEvent::MachineStarting { attempt },
            JobEvent::AgentRunning { attempt },
            JobEvent::AttemptEnded { attempt, verdict: verdict.clone(), retry: false },
            JobEvent::AttemptEnded { attempt, verdict, retry: true },
            lost(true),
            lost(false),
            JobEvent::Cancel { by: "alice".to_owned() },
            JobEvent::Skip { why },
        ]
    }

    /// What the table says, in a word per cell: the new state, `=` for stale, `!` for illegal.
    fn cell(state: &JobState, event: &JobEvent) -> String {
        match state.apply(event) {
            Ok(Transition::Moved(JobState::Finished { outcome })) => outcome.name().to_owned(),
            Ok(Transition::Moved(to)) => to.name().to_owned(),
            Ok(Transition::Stale) => "=".to_owned(),
            Err(_) => "!".to_owned(),
        }
    }

    #[test]
    fn every_pair_of_state_and_event() {
        let attempt = new_id();
        // Rows: states in order of `states`; columns: events in order of `events`.
        // claim machine_starting agent_running ended ended+retry lost+retry lost cancel skip
        let table = [
            "claimed =        =       =      =      =      =            cancelled skipped",
            "=       starting running failed queued queued infra_failed cancelled !",
            "=       =        running failed queued queued infra_failed cancelled !",
            "=       =        =       failed queued queued infra_failed cancelled !",
            "!       =        =       =      =      =      =            !         !",
        ];
        for (state, row) in states(attempt).iter().zip(table) {
            let cells: Vec<String> =
                events(attempt).iter().map(|event| cell(state, event)).collect();
            let expected: Vec<&str> = row.split_whitespace().collect();
            assert_eq!(cells, expected, "in {}", state.name());
        }
    }

    #[test]
    fn a_success_is_not_tried_again() {
        let attempt = new_id();
        let verdict = AgentVerdict::Succeeded;
        let ended = JobEvent::AttemptEnded { attempt, verdict, retry: true };
        let moved = JobState::Running(held(attempt)).apply(&ended);
        let succeeded = JobState::Finished { outcome: Outcome::Succeeded };
        assert_eq!(moved, Ok(Transition::Moved(succeeded)));
    }

    #[test]
    fn events_of_another_attempt_are_stale_everywhere() {
        let (current, other) = (new_id(), new_id());
        for state in states(current) {
            for event in events(other).iter().filter(|event| event.attempt().is_some()) {
                assert_eq!(state.apply(event), Ok(Transition::Stale), "{state:?} {event:?}");
            }
        }
    }

    #[test]
    fn a_second_host_cannot_claim_what_is_held() {
        let state = JobState::Claimed(held(new_id()));
        assert!(state.apply(&JobEvent::Claim(held(new_id()))).is_err());
    }

    fn any_event(attempts: [AttemptId; 2]) -> impl Strategy<Value = JobEvent> {
        (0..2_usize, 0..9_usize).prop_map(move |(who, which)| events(attempts[who])[which].clone())
    }

    proptest! {
        #[test]
        fn no_event_leaves_the_terminal_state_and_phases_only_grow(
            script in proptest::collection::vec(any_event([new_id(), new_id()]), 0..40),
        ) {
            let mut state = JobState::Queued;
            for event in &script {
                let before = state.clone();
                if let Ok(Transition::Moved(to)) = state.apply(event) {
                    prop_assert!(!before.is_finished());
                    let retried = matches!(
                        event,
                        JobEvent::AttemptLost { retry: true, .. }
                            | JobEvent::AttemptEnded { retry: true, .. }
                    );
                    prop_assert!(retried || to.phase() > before.phase());
                    state = to;
                }
            }
        }

        #[test]
        fn replaying_the_accepted_events_gives_the_same_state(
            script in proptest::collection::vec(any_event([new_id(), new_id()]), 0..40),
        ) {
            let mut state = JobState::Queued;
            let mut log = Vec::new();
            for event in script {
                if let Ok(Transition::Moved(to)) = state.apply(&event) {
                    state = to;
                    log.push(event);
                }
            }
            let mut replayed = JobState::Queued;
            for event in &log {
                let Ok(Transition::Moved(to)) = replayed.apply(event) else {
                    return Err(TestCaseError::fail(format!("{event:?} does not replay")));
                };
                replayed = to;
            }
            prop_assert_eq!(replayed, state);
        }
    }
}
