//! Seals logs one after the other, beside everything else.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use solstice_model::AttemptId;

use crate::error::LogError;
use crate::shelf::Shelf;

/// The most failures that are kept until somebody asks.
const MAX_FAILURES: usize = 64;

/// A thread that seals what it is given. Dropping it waits for the frame that is
/// being written, not for the log.
pub(crate) struct Sealer {
    given: Option<Sender<AttemptId>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    /// The last logs that could not be sealed; held for a push or a take only.
    failures: Mutex<VecDeque<(AttemptId, LogError)>>,
}

impl Sealer {
    pub(crate) fn start(shelf: Arc<Shelf>) -> Result<Self, LogError> {
        let (given, receiver) = channel();
        let shared = Arc::<Shared>::default();
        let failed = LogError::io("start the thread that seals", shelf.dir());
        let (seen, builder) = (Arc::clone(&shared), std::thread::Builder::new());
        let thread = builder.name("joblog-seal".to_owned());
        let thread = thread.spawn(move || run(&shelf, &receiver, &seen)).map_err(failed)?;
        Ok(Self { given: Some(given), shared, thread: Some(thread) })
    }

    /// Seals this log soon.
    pub(crate) fn give(&self, attempt: AttemptId) {
        // The thread ends when we do, and never before.
        let _ = self.given.as_ref().map(|given| given.send(attempt));
    }

    pub(crate) fn take_failures(&self) -> Vec<(AttemptId, LogError)> {
        let mut failures = self.shared.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.drain(..).collect()
    }
}

impl Drop for Sealer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.given.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(shelf: &Shelf, given: &Receiver<AttemptId>, shared: &Shared) {
    for attempt in given {
        if shared.stop.load(Ordering::Relaxed) {
            return;
        }
        let Err(error) = shelf.log(attempt).seal(&shared.stop) else { continue };
        let mut failures = shared.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() == MAX_FAILURES {
            failures.pop_front();
        }
        failures.push_back((attempt, error));
    }
}
