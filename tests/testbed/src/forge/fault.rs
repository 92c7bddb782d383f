//! Failures that a test orders.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use url::Url;

/// What the forge does to a call of its API instead of answering it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Answers with this HTTP status and an error as Forgejo writes it.
    Status(u16),
    /// Likewise, with a `Retry-After` header of so many seconds.
    RetryAfter(u16, u64),
    /// Answers properly, but only after this time.
    Slow(Duration),
    /// Answers 200 with a page for people, as a proxy in front of a forge may.
    Page,
    /// Breaks the connection off in the middle of the answer.
    CutOff,
    /// Answers 200 with so many bytes of a JSON array that never ends.
    Endless(u64),
    /// Sends the client elsewhere, with this HTTP status.
    Redirect(u16, Url),
}

/// The faults that are still to come, first first.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<VecDeque<Fault>>);

impl Faults {
    pub(super) fn order(&self, times: usize, fault: &Fault) {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        faults.extend(std::iter::repeat_n(fault.clone(), times));
    }

    pub(super) fn next(&self) -> Option<Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
