//! What an operator wants of a running orchestrator.

/// Whether to go on. Machines are left alone in every case: a restarted
/// orchestrator takes them up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// Work.
    Run,
    /// Take no more jobs, and end when those that run are done.
    Drain,
    /// End now.
    Stop,
}
