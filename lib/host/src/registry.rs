//! Which attempts this host works on, and which it has seen to their end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use solstice_model::{AttemptId, Token};
use tokio::sync::watch;

use crate::attempt::Attempt;

/// All attempts of this host. An attempt is here until its machine is gone and
/// the server knows how it ended.
pub(crate) struct Registry {
    /// Guards all of it; never held across an await.
    inner: Mutex<Inner>,
    /// The number of attempts.
    count: watch::Sender<usize>,
}

#[derive(Default)]
struct Inner {
    attempts: BTreeMap<AttemptId, Arc<Attempt>>,
    /// Attempts that ended, each with the sync round in which it did: an answer
    /// of that round may still list them.
    ended: BTreeMap<AttemptId, u64>,
    round: u64,
}

/// What this host knows of an attempt that the server wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing: it is new.
    New,
    /// It works on it.
    Here,
    /// It has just ended; the answer may have crossed that news.
    JustEnded,
    /// It ended before the server was asked, and the server does not know.
    Ended,
}

impl Registry {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { inner: Mutex::default(), count: watch::Sender::new(0) })
    }

    /// Adds an attempt.
    pub(crate) fn add(&self, attempt: Arc<Attempt>) {
        let mut inner = self.inner();
        inner.attempts.insert(attempt.id(), attempt);
        self.count.send_replace(inner.attempts.len());
    }

    /// Takes an attempt off the list: it has ended, or was never begun.
    pub(crate) fn finish(&self, id: AttemptId) {
        let mut inner = self.inner();
        let round = inner.round;
        inner.ended.insert(id, round);
        inner.attempts.remove(&id);
        self.count.send_replace(inner.attempts.len());
    }

    /// The attempts.
    pub(crate) fn all(&self) -> Vec<Arc<Attempt>> {
        self.inner().attempts.values().cloned().collect()
    }

    pub(crate) fn has(&self, id: AttemptId) -> bool {
        self.inner().attempts.contains_key(&id)
    }

    /// Tells the number of attempts, and when it changes.
    pub(crate) fn count(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// The attempt that this single-use token is for. Every token is compared,
    /// each in constant time.
    pub(crate) fn by_token(&self, token: &Token) -> Option<Arc<Attempt>> {
        self.all().into_iter().rfind(|attempt| attempt.has_token(token))
    }

    /// The attempt whose agent holds this session key.
    pub(crate) fn by_session(&self, session: &Token) -> Option<Arc<Attempt>> {
        self.all().into_iter().rfind(|attempt| attempt.has_session(session))
    }

    /// Begins a round of sync and returns its number.
    pub(crate) fn begin_round(&self) -> u64 {
        let mut inner = self.inner();
        inner.round += 1;
        inner.round
    }

    /// What is known of an attempt that the answer of this round lists.
    pub(crate) fn known(&self, id: AttemptId, round: u64) -> Known {
        let inner = self.inner();
        match inner.ended.get(&id) {
            _ if inner.attempts.contains_key(&id) => Known::Here,
            None => Known::New,
            Some(ended_in) if *ended_in < round => Known::Ended,
            Some(_) => Known::JustEnded,
        }
    }

    /// Forgets what ended and is no longer wanted.
    pub(crate) fn forget_ended(&self, wanted: &BTreeSet<AttemptId>, round: u64) {
        self.inner().ended.retain(|id, ended_in| wanted.contains(id) || *ended_in >= round);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use solstice_model::id::new_id;

    use super::*;

    #[test]
    fn an_answer_that_crossed_the_end_does_not_begin_the_attempt_again() {
        let registry = Registry::new();
        let id = new_id();
        let round = registry.begin_round();
        assert_eq!(registry.known(id, round), Known::New);
        registry.finish(id);
        assert_eq!(registry.known(id, round), Known::JustEnded);
        let later = registry.begin_round();
        assert_eq!(registry.known(id, later), Known::Ended);
        registry.forget_ended(&BTreeSet::from([id]), later);
        assert_eq!(registry.known(id, later), Known::Ended, "still listed");
        registry.forget_ended(&BTreeSet::new(), later);
        assert_eq!(registry.known(id, later), Known::New);
    }

    #[test]
    fn what_ended_during_a_round_is_remembered_beyond_its_answer() {
        let registry = Registry::new();
        let round = registry.begin_round();
        let id = new_id();
        registry.finish(id);
        registry.forget_ended(&BTreeSet::new(), round);
        let later = registry.begin_round();
        assert_eq!(registry.known(id, later), Known::Ended);
    }
}
