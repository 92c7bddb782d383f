//! The machine's state machine: what is wanted against what is seen.
//!
//! ```text
//!              seen: Absent     Partial      Running      Stopped
//! wanted
//! Present          Create       Create       Nothing      Collect
//! Absent           Nothing      Destroy      Destroy      Destroy
//! ```
//!
//! `Stopped` while wanted means that the guest powered off (or died) before
//! the server was told how the job ended: its console is collected and the
//! attempt is reported, after which the machine is no longer wanted.
//!
//! The reconciler always observes first and never trusts a note that says
//! "I made it": after a crash the same function leads to the same end (I4).

use serde::{Deserialize, Serialize};

/// Whether somebody still wants the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wanted {
    /// Its attempt is under way.
    Present,
    /// Its attempt is over, or nobody knows it.
    Absent,
}

/// What the hypervisor sees of a machine. Of two things seen of one machine the
/// greater one says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Observed {
    /// Nothing of it exists.
    Absent,
    /// Some of its parts exist, but it has never run.
    Partial,
    /// It ran and has stopped; its parts and its console are still there.
    Stopped,
    /// Its guest runs.
    Running,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineStep {
    /// All is as wished.
    Nothing,
    /// Call `ensure`: make what is missing and boot.
    Create,
    /// Report how the guest ended.
    Collect,
    /// Call `destroy`.
    Destroy,
}

/// The next step towards the wish; pure, and defined for every pair.
pub fn next_step(wanted: Wanted, observed: Observed) -> MachineStep {
    match (wanted, observed) {
        (Wanted::Present, Observed::Absent | Observed::Partial) => MachineStep::Create,
        (Wanted::Present, Observed::Running) => MachineStep::Nothing,
        (Wanted::Present, Observed::Stopped) => MachineStep::Collect,
        (Wanted::Absent, Observed::Absent) => MachineStep::Nothing,
        (Wanted::Absent, Observed::Partial | Observed::Running | Observed::Stopped) => {
            MachineStep::Destroy
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_has_its_step() {
        use MachineStep::*;
        use Observed::{Absent as Gone, Partial, Running, Stopped};
        let table = [
            (Wanted::Present, Gone, Create),
            (Wanted::Present, Partial, Create),
            (Wanted::Present, Running, Nothing),
            (Wanted::Present, Stopped, Collect),
            (Wanted::Absent, Gone, Nothing),
            (Wanted::Absent, Partial, Destroy),
            (Wanted::Absent, Running, Destroy),
            (Wanted::Absent, Stopped, Destroy),
        ];
        for (wanted, observed, step) in table {
            assert_eq!(next_step(wanted, observed), step, "{wanted:?} {observed:?}");
        }
    }

    #[test]
    fn an_unwanted_machine_is_gone_after_one_successful_step() {
        for observed in [Observed::Absent, Observed::Partial, Observed::Running, Observed::Stopped]
        {
            let after = match next_step(Wanted::Absent, observed) {
                MachineStep::Destroy => Observed::Absent,
                MachineStep::Nothing => observed,
                step => panic!("{step:?} for an unwanted machine"),
            };
            assert_eq!(after, Observed::Absent);
        }
    }
}
