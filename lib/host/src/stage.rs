//! Where an attempt stands on this host: one pure table.
//!
//! ```text
//!            Made             Redeemed             Began
//!  ┌────────┐     ┌─────────┐          ┌─────────┐       ┌────────────────┐
//!  │ Making ├────►│ Booting ├─────────►│ Running ├──────►│ Running, begun │
//!  └───┬────┘     └──┬──────┘          └───┬─────┘       └───────┬────────┘
//!      └─────────────┴────────────┬────────┴─────────────────────┘
//!                                 ▼ Ended
//!                        ┌────────────────┐
//!                        │ Over(ending)   │
//!                        └────────────────┘
//! ```
//!
//! * `Making`: the machine is yet to be made.
//! * `Booting`: `ensure` was called; the guest's token is known by its hash.
//! * `Running`: the agent has redeemed its token; `begun` once its source is
//!   ready too. The job's time counts from its first step on, which follows
//!   when the source is unpacked (`Stepped`, not drawn).
//! * `Over`: nobody waits for the guest any more. The first ending stands (but
//!   for a verdict that turns out to be why the server no longer wants it); the
//!   machine goes, then the server is told what it does not know yet.
//!
//! A stage is written to disk before it counts, so that a restarted
//! orchestrator goes on where the old one was.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use solstice_api::host::{HostReport, Phase};
use solstice_model::{TimeLimit, Wanted};

/// Where an attempt stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(crate) enum Stage {
    /// The machine is yet to be made.
    Making,
    /// The machine is being made, or its guest boots.
    Booting {
        /// Since when.
        since: DateTime<Utc>,
        /// When `ensure` was done.
        created_at: Option<DateTime<Utc>>,
    },
    /// The agent is there.
    Running {
        /// How long the machine took to make, in milliseconds.
        create_ms: u64,
        /// How long its guest took to report, in milliseconds.
        boot_ms: u64,
        /// When the agent could begin its steps.
        begun: Option<Begun>,
        /// When its first step began; the job's time limit counts from here. It
        /// may be heard of before it is noted that the agent could.
        #[serde(default)]
        steps_at: Option<DateTime<Utc>>,
    },
    /// Nobody waits for the guest any more.
    Over {
        /// Why.
        ending: Ending,
    },
}

/// The moment when an agent had all that it needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// Where the time until then went.
    pub(crate) phases: Vec<Phase>,
}

/// Why an attempt is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ending", rename_all = "snake_case")]
pub(crate) enum Ending {
    /// The server has the agent's verdict.
    Finished,
    /// The server no longer wants it.
    Unwanted,
    /// The job overstayed its limit and the agent did not say so.
    TimedOut {
        /// Which limit.
        limit: TimeLimit,
    },
    /// It came to nothing.
    Lost {
        /// What went wrong, for people.
        why: String,
    },
}

/// What can happen to an attempt on its host.
#[derive(Clone, Debug)]
pub(crate) enum StageEvent {
    /// The making of its machine begins now.
    Making(DateTime<Utc>),
    /// Its machine was made and boots.
    Created(DateTime<Utc>),
    /// Its agent redeemed its token.
    Redeemed(DateTime<Utc>),
    /// Its agent has all that it needs; these phases came before making and booting.
    Began(DateTime<Utc>, Vec<Phase>),
    /// Its agent began its first step.
    Stepped(DateTime<Utc>),
    /// It is over.
    Ended(Ending),
}

/// A limit on how long something may take; each stage has one at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// From the making of the machine to the agent's first request.
    Boot,
    /// From the source being ready to the first step.
    Unpack,
    /// The job's own, from its first step on.
    Job,
}

impl Stage {
    /// What an event makes of this stage; nothing if it comes too late or again.
    pub(crate) fn apply(&self, event: &StageEvent) -> Option<Stage> {
        match (self, event) {
            // The server forgot it because of a verdict whose receipt came later.
            (
                Stage::Over { ending: Ending::Unwanted },
                StageEvent::Ended(ending @ Ending::Finished),
            ) => Some(Stage::Over { ending: ending.clone() }),
            (Stage::Over { .. }, _) => None,
            (_, StageEvent::Ended(ending)) => Some(Stage::Over { ending: ending.clone() }),
            (Stage::Making | Stage::Booting { .. }, StageEvent::Making(since)) => {
                Some(Stage::Booting { since: *since, created_at: None })
            }
            (Stage::Booting { since, created_at: None }, StageEvent::Created(at)) => {
                Some(Stage::Booting { since: *since, created_at: Some(*at) })
            }
            (Stage::Booting { since, created_at }, StageEvent::Redeemed(at)) => {
                // A guest can be quicker than `ensure`'s return.
                let created_at = created_at.unwrap_or(*at);
                Some(Stage::Running {
                    create_ms: millis(*since, created_at),
                    boot_ms: millis(created_at, *at),
                    begun: None,
                    steps_at: None,
                })
            }
            (
                Stage::Running { create_ms, boot_ms, begun: None, steps_at },
                StageEvent::Began(at, before),
            ) => Some(Stage::Running {
                create_ms: *create_ms,
                boot_ms: *boot_ms,
                begun: Some(Begun { at: *at, phases: self.phases(before.clone()) }),
                steps_at: *steps_at,
            }),
            (
                Stage::Running { create_ms, boot_ms, begun, steps_at: None },
                StageEvent::Stepped(at),
            ) => Some(Stage::Running {
                create_ms: *create_ms,
                boot_ms: *boot_ms,
                begun: begun.clone(),
                steps_at: Some(*at),
            }),
            _ => None,
        }
    }

    /// Whether the attempt's machine is wanted.
    pub(crate) fn wanted(&self) -> Wanted {
        match self {
            Stage::Over { .. } => Wanted::Absent,
            _ => Wanted::Present,
        }
    }

    /// Whether the attempt is over.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Stage::Over { .. })
    }

    /// Where the time went so far; `before` is what the source took.
    fn phases(&self, before: Vec<Phase>) -> Vec<Phase> {
        let phase = |name: &str, took_ms| Phase { name: name.to_owned(), took_ms };
        let mut phases = before;
        match self {
            Stage::Booting { since, created_at: Some(created_at) } => {
                phases.push(phase("create", millis(*since, *created_at)));
            }
            Stage::Running { create_ms, boot_ms, .. } => {
                phases.extend([phase("create", *create_ms), phase("boot", *boot_ms)]);
            }
            _ => {}
        }
        phases
    }

    /// What the server is to know of it; `before` is what the source took so far.
    pub(crate) fn report(&self, before: Vec<Phase>) -> Option<HostReport> {
        match self {
            Stage::Making => None,
            Stage::Booting { .. } | Stage::Running { begun: None, .. } => {
                let phases = self.phases(before);
                Some(match phases.is_empty() {
                    true => HostReport::Starting,
                    false => HostReport::Progress { phases },
                })
            }
            Stage::Running { begun: Some(begun), .. } => {
                Some(HostReport::Running { phases: begun.phases.clone() })
            }
            Stage::Over { ending: Ending::TimedOut { limit } } => {
                Some(HostReport::TimedOut { limit: limit.clone() })
            }
            Stage::Over { ending: Ending::Lost { why } } => Some(HostReport::lost(why)),
            Stage::Over { ending: Ending::Finished | Ending::Unwanted } => None,
        }
    }

    /// The clock that runs in this stage, and since when.
    pub(crate) fn clock(&self) -> Option<(Clock, DateTime<Utc>)> {
        match self {
            Stage::Booting { since, .. } => Some((Clock::Boot, *since)),
            Stage::Running { begun: Some(begun), steps_at, .. } => Some(match steps_at {
                Some(at) => (Clock::Job, *at),
                None => (Clock::Unpack, begun.at),
            }),
            _ => None,
        }
    }

    /// The stage's name in logs.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Stage::Making => "making",
            Stage::Booting { .. } => "booting",
            Stage::Running { .. } => "running",
            Stage::Over { ending: Ending::Finished } => "finished",
            Stage::Over { ending: Ending::Unwanted } => "unwanted",
            Stage::Over { ending: Ending::TimedOut { .. } } => "timed out",
            Stage::Over { ending: Ending::Lost { .. } } => "lost",
        }
    }
}

fn millis(from: DateTime<Utc>, to: DateTime<Utc>) -> u64 {
    u64::try_from((to - from).num_milliseconds()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(ms).unwrap()
    }

    fn stages() -> Vec<Stage> {
        let running = |begun| Stage::Running { create_ms: 1, boot_ms: 2, begun, steps_at: None };
        vec![
            Stage::Making,
            Stage::Booting { since: at(0), created_at: None },
            Stage::Booting { since: at(0), created_at: Some(at(1)) },
            running(None),
            running(Some(Begun { at: at(9), phases: Vec::new() })),
            Stage::Over { ending: Ending::Finished },
            Stage::Over { ending: Ending::Unwanted },
        ]
    }

    #[test]
    fn a_verdict_explains_why_the_server_no_longer_wants_an_attempt() {
        let over = |ending| Stage::Over { ending };
        let finished = StageEvent::Ended(Ending::Finished);
        assert_eq!(over(Ending::Unwanted).apply(&finished), Some(over(Ending::Finished)));
        let lost = Ending::Lost { why: "power cut".to_owned() };
        for first in [Ending::Finished, lost.clone()] {
            assert_eq!(over(first.clone()).apply(&finished), None);
            assert_eq!(over(first).apply(&StageEvent::Ended(lost.clone())), None);
        }
    }

    #[test]
    fn every_pair_of_stage_and_event() {
        let events = [
            StageEvent::Making(at(5)),
            StageEvent::Created(at(5)),
            StageEvent::Redeemed(at(5)),
            StageEvent::Began(at(5), Vec::new()),
            StageEvent::Stepped(at(6)),
            StageEvent::Ended(Ending::Unwanted),
        ];
        // making created redeemed began stepped ended; `=` changes nothing
        let table = [
            "booting = = = = unwanted",
            "booting booting running = = unwanted",
            "booting = running = = unwanted",
            "= = = running running unwanted",
            "= = = = running unwanted",
            "= = = = = =",
            "= = = = = =",
        ];
        for (stage, row) in stages().iter().zip(table) {
            let cells: Vec<_> = events
                .iter()
                .map(|event| stage.apply(event).map_or("=", |next| next.name()))
                .collect();
            assert_eq!(cells, row.split_whitespace().collect::<Vec<_>>(), "in {stage:?}");
        }
    }

    #[test]
    fn a_first_step_that_is_heard_of_early_starts_the_job_s_clock_all_the_same() {
        let steps = [
            StageEvent::Making(at(0)),
            StageEvent::Redeemed(at(1)),
            StageEvent::Stepped(at(2)),
            StageEvent::Began(at(3), Vec::new()),
        ];
        let mut stage = Stage::Making;
        for event in &steps {
            stage = stage.apply(event).unwrap();
        }
        assert_eq!(stage.clock(), Some((Clock::Job, at(2))));
    }

    #[test]
    fn phases_tell_where_the_time_went() {
        let phase = |name: &str, took_ms| Phase { name: name.to_owned(), took_ms };
        let events = [
            StageEvent::Making(at(100)),
            StageEvent::Created(at(130)),
            StageEvent::Redeemed(at(1_130)),
            StageEvent::Began(at(1_200), vec![phase("fetch", 7), phase("archive", 8)]),
        ];
        let expected = [("fetch", 7), ("archive", 8), ("create", 30), ("boot", 1_000)]
            .map(|(n, t)| phase(n, t));
        let mut stage = Stage::Making;
        let mut told = Vec::new();
        for event in &events {
            stage = stage.apply(event).unwrap();
            told.push(match stage.report(expected[..2].to_vec()) {
                Some(HostReport::Progress { phases }) => phases.len(),
                Some(HostReport::Running { phases }) => {
                    assert_eq!(phases, expected);
                    0
                }
                other => panic!("{other:?}"),
            });
        }
        assert_eq!(told, [2, 3, 4, 0]);
        let stage = stage.apply(&StageEvent::Stepped(at(2_000))).unwrap();
        assert_eq!(stage.clock(), Some((Clock::Job, at(2_000))), "unpacking costs the job nothing");
    }

    #[test]
    fn a_guest_that_is_quicker_than_its_creation_counts_once() {
        let stage = Stage::Booting { since: at(0), created_at: None };
        let stage = stage.apply(&StageEvent::Redeemed(at(50))).unwrap();
        assert_eq!(
            stage,
            Stage::Running { create_ms: 50, boot_ms: 0, begun: None, steps_at: None }
        );
    }
}
