//! How many bytes all files of a store have together: a running sum.

use std::sync::atomic::{AtomicU64, Ordering};

/// The sum. What is written beside it (a crash, an operator) is counted at the
/// next start.
#[derive(Debug, Default)]
pub(crate) struct Usage(AtomicU64);

impl Usage {
    pub(crate) fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn sub(&self, bytes: u64) {
        let less = |sum: u64| Some(sum.saturating_sub(bytes));
        // The closure always gives a value, so this cannot fail.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
