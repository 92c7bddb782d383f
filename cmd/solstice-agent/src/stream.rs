//! The records on their way to the server: numbered, kept until they are
//! durable, handed to the sender in batches.
//!
//! [`Outbox`] is the pure core. [`Stream`] puts a lock around it and makes
//! whoever writes wait while the buffer is full: a step that prints faster than
//! the server stores is slowed down by its own pipe, and nothing is lost.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use solstice_model::record::{MAX_BATCH_BYTES, MAX_BATCH_RECORDS};
use solstice_model::{Record, RecordBody};

/// How much may wait for the server before writers have to wait too.
const MAX_UNACKNOWLEDGED_BYTES: usize = 4 * 1024 * 1024;

/// What a record costs beside its output, so that empty lines are bounded as well.
const RECORD_OVERHEAD_BYTES: usize = 128;

/// The unacknowledged records, in order and without holes.
#[derive(Debug)]
struct Outbox {
    records: VecDeque<Record>,
    bytes: usize,
    next_seq: u64,
}

impl Outbox {
    fn new(next_seq: u64) -> Self {
        Self { records: VecDeque::new(), bytes: 0, next_seq }
    }

    /// Appends a record under the next number.
    fn push(&mut self, at: DateTime<Utc>, body: RecordBody) {
        let record = Record { seq: self.next_seq, at, body };
        self.next_seq += 1;
        self.bytes += cost(&record);
        self.records.push_back(record);
    }

    fn has_room(&self) -> bool {
        self.bytes < MAX_UNACKNOWLEDGED_BYTES
    }

    /// The oldest records, as many as one request may carry.
    fn batch(&self) -> Vec<Record> {
        let mut bytes = 0;
        self.records
            .iter()
            .take(MAX_BATCH_RECORDS)
            .take_while(|record| {
                bytes += output_bytes(record);
                bytes <= MAX_BATCH_BYTES
            })
            .cloned()
            .collect()
    }

    /// Forgets what is durable; says whether that was anything.
    fn acknowledge(&mut self, durable_seq: u64) -> bool {
        let before = self.records.len();
        while let Some(record) = self.records.pop_front_if(|record| record.seq <= durable_seq) {
            self.bytes -= cost(&record);
        }
        self.records.len() < before
    }
}

/// The bytes of output in a record.
fn output_bytes(record: &Record) -> usize {
    match &record.body {
        RecordBody::Output { chunk, .. } => chunk.0.len(),
        _ => 0,
    }
}

fn cost(record: &Record) -> usize {
    output_bytes(record) + RECORD_OVERHEAD_BYTES
}

/// The buffer between the steps and the sender.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Guards the outbox and whether anybody still wants it.
    state: Mutex<State>,
    /// Signalled at every change of the state.
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    outbox: Outbox,
    /// Set once nothing more will be sent; writers then go on without effect.
    closed: bool,
}

impl Stream {
    /// An empty stream whose first record gets this number.
    pub(crate) fn new(next_seq: u64) -> Self {
        let state = State { outbox: Outbox::new(next_seq), closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Appends records of one moment; waits while the buffer is full.
    pub(crate) fn push(&self, at: DateTime<Utc>, bodies: impl IntoIterator<Item = RecordBody>) {
        for body in bodies {
            let full = |state: &mut State| !state.closed && !state.outbox.has_room();
            let mut state =
                self.changed.wait_while(self.lock(), full).expect("no thread panics: we abort");
            if state.closed {
                return;
            }
            state.outbox.push(at, body);
            // The sender waits for the first record only.
            if state.outbox.records.len() == 1 {
                self.changed.notify_all();
            }
        }
    }

    /// Appends one record of now.
    pub(crate) fn push_now(&self, body: RecordBody) {
        self.push(Utc::now(), [body]);
    }

    /// Waits for something to send; `None` once the stream is closed.
    pub(crate) fn next_batch(&self) -> Option<Vec<Record>> {
        let idle = |state: &mut State| !state.closed && state.outbox.records.is_empty();
        let state = self.changed.wait_while(self.lock(), idle).expect("no thread panics: we abort");
        (!state.closed).then(|| state.outbox.batch())
    }

    /// Forgets what is durable; says whether that was anything.
    pub(crate) fn acknowledge(&self, durable_seq: u64) -> bool {
        let progress = self.lock().outbox.acknowledge(durable_seq);
        self.changed.notify_all();
        progress
    }

    /// Waits until everything is durable, the stream is closed or the time is
    /// up; says whether everything is durable.
    pub(crate) fn drain(&self, limit: Duration) -> bool {
        let waiting = |state: &mut State| !state.closed && !state.outbox.records.is_empty();
        let (state, _) = self
            .changed
            .wait_timeout_while(self.lock(), limit, waiting)
            .expect("no thread panics: we abort");
        state.outbox.records.is_empty()
    }

    /// Gives up: wakes everybody, drops what comes.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Sleeps, but not longer than until the stream is closed; says whether it is.
    pub(crate) fn pause(&self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        let open = |state: &mut State| !state.closed && Instant::now() < deadline;
        let (state, _) = self
            .changed
            .wait_timeout_while(self.lock(), time, open)
            .expect("no thread panics: we abort");
        state.closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics: we abort")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use solstice_model::{Chunk, Stream as Which};

    use super::*;

    fn output(bytes: usize) -> RecordBody {
        RecordBody::Output {
            step: 0,
            stream: Which::Stdout,
            chunk: Chunk(vec![b'x'; bytes]),
            newline: true,
        }
    }

    proptest! {
        /// However batches are cut, lost or acknowledged in part, a server that
        /// takes only what follows ends up with every record once, in order.
        #[test]
        fn nothing_is_lost_doubled_or_reordered(
            moves in proptest::collection::vec((0usize..4_000_000, 0u8..4), 1..60),
        ) {
            let mut outbox = Outbox::new(1);
            let mut durable = 0;
            let mut pushed = 0;
            let mut receive = |batch: Vec<Record>, take: usize| {
                for record in batch.into_iter().take(take) {
                    if record.seq > durable {
                        assert_eq!(record.seq, durable + 1);
                        durable = record.seq;
                    }
                }
                durable
            };
            for (bytes, kind) in moves {
                match kind {
                    0 | 1 => {
                        outbox.push(Utc::now(), output(bytes % 32_769));
                        pushed += 1;
                    }
                    // The answer is lost: nothing is acknowledged.
                    2 => { receive(outbox.batch(), bytes % 7); }
                    _ => { let seq = receive(outbox.batch(), bytes % 7); outbox.acknowledge(seq); }
                }
            }
            while !outbox.records.is_empty() {
                let batch = outbox.batch();
                prop_assert!(!batch.is_empty());
                let seq = receive(batch, usize::MAX);
                prop_assert!(outbox.acknowledge(seq));
            }
            prop_assert_eq!(receive(Vec::new(), 0), pushed);
            prop_assert_eq!(outbox.bytes, 0);
        }
    }

    #[test]
    fn a_batch_keeps_both_limits() {
        let mut outbox = Outbox::new(1);
        for _ in 0..MAX_BATCH_RECORDS + 5 {
            outbox.push(Utc::now(), output(0));
        }
        assert_eq!(outbox.batch().len(), MAX_BATCH_RECORDS);

        let mut outbox = Outbox::new(1);
        for _ in 0..20 {
            outbox.push(Utc::now(), output(32 * 1024));
        }
        assert_eq!(outbox.batch().iter().map(output_bytes).sum::<usize>(), MAX_BATCH_BYTES);
    }

    #[test]
    fn an_acknowledgement_from_the_past_is_no_progress() {
        let mut outbox = Outbox::new(7);
        outbox.push(Utc::now(), output(1));
        assert!(!outbox.acknowledge(6));
        assert!(outbox.acknowledge(7));
        assert!(!outbox.acknowledge(7));
    }

    #[test]
    fn a_full_buffer_holds_the_writer_until_something_is_durable() {
        let stream = Stream::new(1);
        let chunks = MAX_UNACKNOWLEDGED_BYTES / (32 * 1024 + RECORD_OVERHEAD_BYTES) + 1;
        stream.push(Utc::now(), (0..chunks).map(|_| output(32 * 1024)));
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| stream.push_now(output(1)));
            std::thread::sleep(Duration::from_millis(50));
            assert!(!writer.is_finished());
            assert!(stream.acknowledge(1));
            writer.join().unwrap();
        });
        assert_eq!(stream.lock().outbox.next_seq, chunks as u64 + 2);
    }

    #[test]
    fn closing_frees_everybody() {
        let stream = Stream::new(1);
        std::thread::scope(|scope| {
            let sender = scope.spawn(|| stream.next_batch());
            let sleeper = scope.spawn(|| stream.pause(Duration::from_secs(60)));
            stream.close();
            assert!(sender.join().unwrap().is_none());
            assert!(sleeper.join().unwrap());
        });
        stream.push_now(output(1));
        assert!(stream.drain(Duration::ZERO));
    }
}
