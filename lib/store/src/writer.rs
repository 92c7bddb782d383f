//! The writer: one thread, one connection, group commit.
//!
//! The thread takes what is queued (at most [`MAX_BATCH`]), runs each piece of
//! work in a savepoint of its own inside one transaction, commits once, and only
//! then answers. A piece that fails is rolled back alone; a commit that fails is
//! everybody's error and nobody's write.

use std::cell::RefCell;
use std::ops::Deref;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use rusqlite::Connection;
use solstice_model::JobId;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::describe::Describe;
use crate::error::StoreError;
use crate::meters::{Settled, StoreMeters};

/// The most pieces of work in one commit.
pub(crate) const MAX_BATCH: usize = 128;

/// The most pieces of work that wait; more callers wait to be let in.
const QUEUE: usize = 1024;

/// How many changed jobs a slow listener may fall behind.
const JOBS_BEHIND: usize = 1024;

/// What is told after a commit.
pub(crate) struct Signals {
    pub(crate) changes: watch::Sender<u64>,
    pub(crate) jobs: broadcast::Sender<JobId>,
    pub(crate) settled: broadcast::Sender<Settled>,
    pub(crate) meters: StoreMeters,
}

/// A transaction under way.
pub(crate) struct Tx<'a> {
    connection: &'a Connection,
    pub(crate) describe: &'a dyn Describe,
    changed: RefCell<Changed>,
}

#[derive(Default)]
struct Changed {
    any: bool,
    jobs: Vec<JobId>,
    settled: Vec<Settled>,
}

/// How much of each had been said at some moment.
#[derive(Clone, Copy)]
struct Mark {
    any: bool,
    jobs: usize,
    settled: usize,
}

impl Deref for Tx<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

impl Tx<'_> {
    /// Wakes whoever watches for changes once this is on disk.
    pub(crate) fn changed(&self) {
        self.changed.borrow_mut().any = true;
    }

    /// What has been said so far, for [`Tx::forget`].
    fn mark(&self) -> Mark {
        let changed = self.changed.borrow();
        Mark { any: changed.any, jobs: changed.jobs.len(), settled: changed.settled.len() }
    }

    /// Takes back what was said since.
    fn forget(&self, mark: Mark) {
        let mut changed = self.changed.borrow_mut();
        changed.any = mark.any;
        changed.jobs.truncate(mark.jobs);
        changed.settled.truncate(mark.settled);
    }

    /// Says which delivery got its verdict.
    pub(crate) fn settled(&self, settled: Settled) {
        let mut changed = self.changed.borrow_mut();
        changed.any = true;
        changed.settled.push(settled);
    }

    /// The same, and says which job.
    pub(crate) fn job_changed(&self, job: JobId) {
        let mut changed = self.changed.borrow_mut();
        changed.any = true;
        if changed.jobs.last() != Some(&job) {
            changed.jobs.push(job);
        }
    }
}

/// Says a piece's result once the fate of the commit is known.
type Answer = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A piece of work that waits for its turn.
trait Work: Send {
    /// Does it, and gives the error if what it wrote is not to be kept.
    fn run(self: Box<Self>, tx: &Tx<'_>) -> (Answer, Result<(), StoreError>);

    /// Answers without doing it.
    fn refuse(self: Box<Self>, error: StoreError);
}

/// Work in the queue.
struct Queued {
    work: Box<dyn Work>,
    since: Instant,
}

struct Piece<T, F> {
    work: F,
    tell: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Work for Piece<T, F>
where
    T: Send + 'static,
    F: FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
{
    fn run(self: Box<Self>, tx: &Tx<'_>) -> (Answer, Result<(), StoreError>) {
        let Self { work, tell } = *self;
        let result = work(tx);
        let fate = result.as_ref().map(|_| ()).map_err(StoreError::clone);
        let answer: Answer = Box::new(move |commit| {
            // A caller that went away wants no answer.
            let _ = tell.send(result.and_then(|value| commit.map(|()| value)));
        });
        (answer, fate)
    }

    fn refuse(self: Box<Self>, error: StoreError) {
        let _ = self.tell.send(Err(error));
    }
}

/// The handle to the thread. Dropping it waits until the queue is written.
pub(crate) struct Writer {
    queue: Option<mpsc::Sender<Queued>>,
    thread: Option<JoinHandle<()>>,
    signals: Arc<Signals>,
}

impl Writer {
    pub(crate) fn start(connection: Connection, describe: Arc<dyn Describe>) -> Self {
        let (queue, work) = mpsc::channel(QUEUE);
        let signals = Arc::new(Signals {
            changes: watch::Sender::new(0),
            jobs: broadcast::Sender::new(JOBS_BEHIND),
            settled: broadcast::Sender::new(JOBS_BEHIND),
            meters: StoreMeters::default(),
        });
        let told = Arc::clone(&signals);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || serve(&connection, describe.as_ref(), work, &told))
            .expect("a process that starts can start one more thread");
        Self { queue: Some(queue), thread: Some(thread), signals }
    }

    pub(crate) fn signals(&self) -> &Signals {
        &self.signals
    }

    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or(StoreError::Closed)?;
        let queued = Queued { work: Box::new(Piece { work, tell }), since: Instant::now() };
        queue.send(queued).await.map_err(|_| StoreError::Closed)?;
        told.await.map_err(|_| StoreError::Closed)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

fn serve(
    connection: &Connection,
    describe: &dyn Describe,
    mut queue: mpsc::Receiver<Queued>,
    signals: &Signals,
) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while let Some(first) = queue.blocking_recv() {
        batch.push(taken(first, &signals.meters));
        while batch.len() < MAX_BATCH
            && let Ok(next) = queue.try_recv()
        {
            batch.push(taken(next, &signals.meters));
        }
        signals.meters.waiting.set(i64::try_from(queue.len()).unwrap_or(i64::MAX));
        let begun = Instant::now();
        let tx = Tx { connection, describe, changed: RefCell::default() };
        let (answers, result) = commit(&tx, &mut batch);
        signals.meters.commits.observe(begun.elapsed().as_secs_f64());
        if result.is_ok() {
            tell(signals, tx.changed.into_inner());
        }
        for answer in answers {
            answer(result.clone());
        }
    }
}

fn taken(queued: Queued, meters: &StoreMeters) -> Box<dyn Work> {
    meters.waited.observe(queued.since.elapsed().as_secs_f64());
    queued.work
}

/// Runs the batch as one transaction; gives the answers of what was run, and
/// whether it is on disk.
fn commit(tx: &Tx<'_>, batch: &mut Vec<Box<dyn Work>>) -> (Vec<Answer>, Result<(), StoreError>) {
    let mut answers = Vec::with_capacity(batch.len());
    let mut fate = tx.execute_batch("BEGIN IMMEDIATE").map_err(StoreError::from);
    for work in batch.drain(..) {
        match &fate {
            Ok(()) => fate = in_savepoint(tx, work, &mut answers),
            Err(error) => work.refuse(error.clone()),
        }
    }
    let fate = fate.and_then(|()| tx.execute_batch("COMMIT").map_err(StoreError::from));
    if !tx.is_autocommit() {
        // If this fails, the next BEGIN says so.
        let _ = tx.execute_batch("ROLLBACK");
    }
    (answers, fate)
}

/// Runs one piece; an error is that of the whole transaction.
fn in_savepoint(
    tx: &Tx<'_>,
    work: Box<dyn Work>,
    answers: &mut Vec<Answer>,
) -> Result<(), StoreError> {
    if let Err(error) = tx.execute_batch("SAVEPOINT piece") {
        let error = StoreError::from(error);
        work.refuse(error.clone());
        return Err(error);
    }
    let before = tx.mark();
    let (answer, result) = work.run(tx);
    answers.push(answer);
    match result {
        Ok(()) => tx.execute_batch("RELEASE piece")?,
        // A full disk ends the whole transaction, whatever the savepoints.
        Err(error) if tx.is_autocommit() => return Err(error),
        Err(_) => {
            tx.execute_batch("ROLLBACK TO piece; RELEASE piece")?;
            tx.forget(before);
        }
    }
    Ok(())
}

fn tell(signals: &Signals, changed: Changed) {
    if changed.any {
        signals.changes.send_modify(|version| *version += 1);
    }
    for job in changed.jobs {
        // Nobody listens: nobody is to be told.
        let _ = signals.jobs.send(job);
    }
    for settled in changed.settled {
        let labels =
            [("forge", settled.forge.to_string()), ("verdict", settled.verdict.to_owned())];
        signals.meters.verdicts.get_or_create(&labels).inc();
        let _ = signals.settled.send(settled);
    }
}

#[cfg(test)]
mod tests;
