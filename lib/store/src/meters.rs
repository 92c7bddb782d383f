//! What the store counts while it works.

use solstice_metrics::{CountersBy, Gauge, Histogram, seconds_histogram};
use solstice_model::{DeliveryId, ForgeName};

/// Counted and measured by the writer. Clones are the same.
#[derive(Clone, Debug)]
pub struct StoreMeters {
    /// Pieces of work that wait for the writer.
    pub waiting: Gauge,
    /// How long each waited, in seconds.
    pub waited: Histogram,
    /// How long each transaction took, its commit included, in seconds.
    pub commits: Histogram,
    /// Deliveries that got their verdict, by `forge` and `verdict`.
    pub verdicts: CountersBy<2>,
}

impl Default for StoreMeters {
    fn default() -> Self {
        let (waited, commits) = (seconds_histogram(), seconds_histogram());
        Self { waiting: Gauge::default(), waited, commits, verdicts: CountersBy::default() }
    }
}

/// A delivery that has its verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Which.
    pub delivery: DeliveryId,
    /// Who sent it.
    pub forge: ForgeName,
    /// `runs`, `acted`, `ignored` or `rejected`.
    pub verdict: &'static str,
}
