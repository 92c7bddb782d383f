//! The records on their way to the server: numbered, kept until they are
//! durable, handed to the sender in batches.
//!
//! [`Outbox`] is the pure core. [`Stream`] puts a lock around it and makes
//! whoever writes wait while the buffer is full: a step that prints faster than
//! the server stores is slowed down by its own pipe, and nothing is lost, but
//! what exceeds the host's limit for a log.

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

/// The records that nobody has sent yet, in order and without holes, and how
/// much is not durable altogether.
#[derive(Debug)]
struct Outbox {
    records: VecDeque<Record>,
    /// The cost of these records, and of those that the sender holds.
    bytes: usize,
    next_seq: u64,
    log: LogLimit,
}

/// How much output may still be recorded.
#[derive(Debug)]
struct LogLimit {
    /// All that is taken of a job, in bytes.
    limit: u64,
    left: u64,
    /// How many bytes came after the limit was reached.
    dropped: u64,
}

impl LogLimit {
    /// Whether output of so many bytes still fits. Once something did not,
    /// nothing does: a log with holes would mislead.
    fn takes(&mut self, bytes: u64) -> bool {
        match self.left.checked_sub(bytes) {
            Some(left) if self.dropped == 0 => {
                self.left = left;
                true
            }
            _ => {
                self.dropped += bytes;
                false
            }
        }
    }
}

impl Outbox {
    fn new(next_seq: u64, limit: u64) -> Self {
        let log = LogLimit { limit, left: limit, dropped: 0 };
        Self { records: VecDeque::new(), bytes: 0, next_seq, log }
    }

    /// Appends a record under the next number; output only within the limit.
    fn push(&mut self, at: DateTime<Utc>, body: RecordBody) {
        let raw = raw_bytes(&body);
        let first_drop = self.log.dropped == 0;
        if raw == 0 || self.log.takes(raw) {
            self.append(at, body);
        } else if first_drop {
            let limit = self.log.limit;
            let text = format!(
                "the output has reached its limit of {limit} bytes: from here on it is dropped"
            );
            self.append(at, RecordBody::Note { text });
        }
    }

    fn append(&mut self, at: DateTime<Utc>, body: RecordBody) {
        let record = Record { seq: self.next_seq, at, body };
        self.next_seq += 1;
        self.bytes += cost(&record);
        self.records.push_back(record);
    }

    fn has_room(&self) -> bool {
        self.bytes < MAX_UNACKNOWLEDGED_BYTES
    }

    /// Takes out the oldest records, as many as one request may carry. They
    /// count until they are acknowledged.
    fn take_batch(&mut self) -> Vec<Record> {
        let mut bytes = 0;
        let fits = |record: &&Record| {
            bytes += output_bytes(record);
            bytes <= MAX_BATCH_BYTES
        };
        let count = self.records.iter().take(MAX_BATCH_RECORDS).take_while(fits).count();
        self.records.drain(..count).collect()
    }

    /// Forgets records that were taken out and are durable.
    fn acknowledge(&mut self, durable: &[Record]) {
        self.bytes -= durable.iter().map(cost).sum::<usize>();
    }
}

/// The bytes of output in a record.
fn output_bytes(record: &Record) -> usize {
    match &record.body {
        RecordBody::Output { chunk, .. } => chunk.0.len(),
        _ => 0,
    }
}

/// The bytes that a program wrote for this to be recorded.
fn raw_bytes(body: &RecordBody) -> u64 {
    match body {
        RecordBody::Output { chunk, newline, .. } => chunk.0.len() as u64 + u64::from(*newline),
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
    /// An empty stream whose first record gets this number, and which takes so
    /// many bytes of output.
    pub(crate) fn new(next_seq: u64, log_limit_bytes: u64) -> Self {
        let state = State { outbox: Outbox::new(next_seq, log_limit_bytes), closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Appends records of one moment; waits while the buffer is full.
    pub(crate) fn push(&self, at: DateTime<Utc>, bodies: impl IntoIterator<Item = RecordBody>) {
        let full = |state: &mut State| !state.closed && !state.outbox.has_room();
        let mut state = self.lock();
        for body in bodies {
            state = self.changed.wait_while(state, full).expect("no thread panics: we abort");
            if state.closed {
                return;
            }
            let idle = state.outbox.records.is_empty();
            state.outbox.push(at, body);
            // The sender waits for the first record only.
            if idle {
                self.changed.notify_all();
            }
        }
    }

    /// Appends one record of now.
    pub(crate) fn push_now(&self, body: RecordBody) {
        self.push(Utc::now(), [body]);
    }

    /// Appends a line of the agent's own.
    pub(crate) fn note(&self, text: String) {
        self.push_now(RecordBody::Note { text });
    }

    /// How many bytes of output were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().outbox.log.dropped
    }

    /// Waits for something to send and hands it over; `None` once the stream
    /// is closed.
    pub(crate) fn next_batch(&self) -> Option<Vec<Record>> {
        let idle = |state: &mut State| !state.closed && state.outbox.records.is_empty();
        let mut state =
            self.changed.wait_while(self.lock(), idle).expect("no thread panics: we abort");
        (!state.closed).then(|| state.outbox.take_batch())
    }

    /// Forgets records of a batch that are durable.
    pub(crate) fn acknowledge(&self, durable: &[Record]) {
        self.lock().outbox.acknowledge(durable);
        self.changed.notify_all();
    }

    /// Waits until everything is durable, the stream is closed or the time is
    /// up; says whether everything is durable.
    pub(crate) fn drain(&self, limit: Duration) -> bool {
        let waiting = |state: &mut State| !state.closed && state.outbox.bytes > 0;
        let (state, _) = self
            .changed
            .wait_timeout_while(self.lock(), limit, waiting)
            .expect("no thread panics: we abort");
        state.outbox.bytes == 0
    }

    /// Gives up: wakes everybody, drops what comes.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Whether nothing more will be sent.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
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
            let mut outbox = Outbox::new(1, u64::MAX);
            let (mut held, mut durable, mut pushed) = (Vec::<Record>::new(), 0, 0);
            let mut receive = |batch: &[Record], take: usize| {
                for record in batch.iter().take(take) {
                    if record.seq > durable {
                        assert_eq!(record.seq, durable + 1);
                        durable = record.seq;
                    }
                }
                durable
            };
            for (bytes, kind) in moves {
                if held.is_empty() {
                    held = outbox.take_batch();
                }
                match kind {
                    0 | 1 => {
                        outbox.push(Utc::now(), output(bytes % 32_769));
                        pushed += 1;
                    }
                    // The answer is lost: nothing is acknowledged.
                    2 => { receive(&held, bytes % 7); }
                    _ => {
                        let seq = receive(&held, bytes % 7);
                        let done = held.partition_point(|record| record.seq <= seq);
                        outbox.acknowledge(&held[..done]);
                        held.drain(..done);
                    }
                }
            }
            while !held.is_empty() || !outbox.records.is_empty() {
                receive(&held, usize::MAX);
                outbox.acknowledge(&held);
                held = outbox.take_batch();
            }
            prop_assert_eq!(receive(&[], 0), pushed);
            prop_assert_eq!(outbox.bytes, 0);
        }
    }

    #[test]
    fn a_batch_keeps_both_limits() {
        let mut outbox = Outbox::new(1, u64::MAX);
        for _ in 0..MAX_BATCH_RECORDS + 5 {
            outbox.push(Utc::now(), output(0));
        }
        assert_eq!(outbox.take_batch().len(), MAX_BATCH_RECORDS);

        let mut outbox = Outbox::new(1, u64::MAX);
        for _ in 0..20 {
            outbox.push(Utc::now(), output(32 * 1024));
        }
        assert_eq!(outbox.take_batch().iter().map(output_bytes).sum::<usize>(), MAX_BATCH_BYTES);
    }

    #[test]
    fn what_exceeds_the_limit_is_dropped_counted_and_told_once() {
        // Four bytes and a newline each.
        let mut outbox = Outbox::new(1, 12);
        for _ in 0..4 {
            outbox.push(Utc::now(), output(4));
        }
        // What would still fit is dropped too.
        outbox.push(Utc::now(), output(0));
        outbox.push(Utc::now(), RecordBody::StepStarted { step: 1 });
        let kinds: Vec<bool> =
            outbox.records.iter().map(|it| matches!(it.body, RecordBody::Output { .. })).collect();
        assert_eq!(kinds, [true, true, false, false]);
        assert!(
            matches!(&outbox.records[2].body, RecordBody::Note { text } if text.contains("12"))
        );
        assert_eq!(outbox.log.dropped, 11);
        assert!(outbox.records.iter().map(|it| it.seq).eq(1..=4));
    }

    #[test]
    fn a_full_buffer_holds_the_writer_until_something_is_durable() {
        let stream = Stream::new(1, u64::MAX);
        let chunks = MAX_UNACKNOWLEDGED_BYTES / (32 * 1024 + RECORD_OVERHEAD_BYTES) + 1;
        stream.push(Utc::now(), (0..chunks).map(|_| output(32 * 1024)));
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| stream.push_now(output(1)));
            std::thread::sleep(Duration::from_millis(50));
            assert!(!writer.is_finished());
            stream.acknowledge(&stream.next_batch().unwrap());
            writer.join().unwrap();
        });
        assert_eq!(stream.lock().outbox.next_seq, chunks as u64 + 2);
    }

    #[test]
    fn closing_frees_everybody() {
        let stream = Stream::new(1, u64::MAX);
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
