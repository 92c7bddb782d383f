//! One job from the first word to the last: redeem, source, inputs, steps,
//! artifacts, verdict.
//!
//! Three threads take part: this one, which fetches and supervises; the sender,
//! which owns the way to the host; and a watchdog, which closes the stream when
//! the host has been out of reach for hours beyond the job's own limit.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

use solstice_model::{AgentVerdict, JobSpec, Record, RecordBody, Token};

use crate::bootstrap::Bootstrap;
use crate::channel::{Backoff, Channel, ChannelError, Redeemed};
use crate::console;
use crate::fetch::{self, Archive, FetchError};
use crate::pid1;
use crate::steps::{Done, Event, Steps, Stopped};
use crate::stream::Stream;
use crate::upload::{KeepError, keep};

/// How long a host that does not answer is asked for the job.
const REDEEM_PATIENCE: Duration = Duration::from_secs(5 * 60);

/// How long the last records may take.
const DELIVERY_PATIENCE: Duration = Duration::from_secs(60 * 60);

/// How long everything may take beyond the job's own time limit: an hour each
/// for source, inputs, artifacts and the last records.
const PATIENCE_BEYOND: Duration = Duration::from_secs(4 * 60 * 60);

/// How long the reason why there is no verdict may take to the host.
const NOTE_PATIENCE: Duration = Duration::from_secs(30);

/// The end of the records never came to be durable.
#[derive(Debug, thiserror::Error)]
#[error("the host did not take all records")]
struct Undelivered;

/// Finds its parameters and does the job.
///
/// # Errors
///
/// Whatever kept the job from a verdict, or the verdict from the host. A host
/// that wants the job to stop is no error.
pub(crate) fn run_from_start() -> Result<(), Box<dyn Error>> {
    let bootstrap = if pid1::is_init() {
        Bootstrap::from_machine()?
    } else {
        Bootstrap::from_flags(std::env::args().skip(1))?
    };
    run(bootstrap)
}

fn run(bootstrap: Bootstrap) -> Result<(), Box<dyn Error>> {
    let channel = Arc::new(Channel::new(bootstrap.endpoint));
    let job = redeem(&channel, &bootstrap.token)?;
    let Redeemed { spec, next_seq, has_inputs, log_limit_bytes, shell_on_failure } = job;
    console::say(&format!("redeemed job {}", spec.name));

    let stream = Arc::new(Stream::new(next_seq, log_limit_bytes));
    let limit = Duration::from_secs(spec.timeout_s.into()) + PATIENCE_BEYOND;
    let (notify, events) = mpsc::channel();
    start_sender(&channel, &stream, &notify);
    start_watchdog(&stream, limit, &notify);

    let source = bootstrap.work.join("src");
    let mut folders = vec![(Archive::Source, source.as_path())];
    folders.extend(has_inputs.then_some((Archive::Inputs, bootstrap.input.as_path())));
    for (archive, into) in folders {
        if let Err(error) = fetch(archive, &channel, &stream, into) {
            return give_up(&stream, error);
        }
    }
    let steps = Steps {
        spec: &spec,
        source: &source,
        scripts: &bootstrap.work.join("steps"),
        input: has_inputs.then_some(&bootstrap.input),
        visitor: shell_on_failure.then_some(&channel),
        stream: &stream,
        notify: &notify,
        events: &events,
    };
    let ended = steps.run().map_err(|Stopped| KeepError::Stopped);
    match ended.and_then(|done| judge(done, &spec, &source, &channel, &stream)) {
        Ok(verdict) => finish(&stream, verdict),
        Err(KeepError::Stopped) => {
            console::say("stopped by the host");
            Ok(())
        }
        Err(error) => {
            stream.note(console::with_causes(&error));
            stream.drain(NOTE_PATIENCE);
            Err(error.into())
        }
    }
}

/// Hands over the artifacts, if there is time for it; what was wrong with them
/// is the verdict on steps that all succeeded, and a note otherwise.
fn judge(
    done: Done,
    spec: &JobSpec,
    source: &Path,
    channel: &Channel,
    stream: &Stream,
) -> Result<AgentVerdict, KeepError> {
    if done.time_is_over {
        return Ok(done.verdict);
    }
    let mut failures = keep(&spec.artifacts, source, channel, stream)?.into_iter();
    let verdict = match done.verdict {
        AgentVerdict::Succeeded => match failures.next() {
            Some(first) => AgentVerdict::ArtifactFailed { pattern: first.pattern, why: first.why },
            None => AgentVerdict::Succeeded,
        },
        failed => failed,
    };
    for failure in failures {
        stream.note(format!("artifact {:?}: {}", failure.pattern, failure.why));
    }
    Ok(verdict)
}

/// Tells the verdict, and waits until the server has it.
fn finish(stream: &Stream, verdict: AgentVerdict) -> Result<(), Box<dyn Error>> {
    console::say("finished");
    let dropped = stream.dropped();
    if dropped > 0 {
        stream.note(format!("{dropped} bytes of output beyond the limit were dropped"));
    }
    stream.push_now(RecordBody::Finished { verdict });
    if stream.drain(DELIVERY_PATIENCE) { Ok(()) } else { Err(Undelivered.into()) }
}

fn fetch(
    archive: Archive,
    channel: &Channel,
    stream: &Stream,
    into: &Path,
) -> Result<(), FetchError> {
    let started = Instant::now();
    let entries = fetch::fetch(archive, channel, stream, into)?;
    let seconds = started.elapsed().as_secs_f32();
    console::say(&format!("unpacked {entries} archive members in {seconds:.1} s"));
    Ok(())
}

/// Ends a job that has no source. That is not the job's failure, so there is
/// no verdict: the host sees a machine that ended without one, and a note.
fn give_up(stream: &Stream, error: FetchError) -> Result<(), Box<dyn Error>> {
    if matches!(error, FetchError::Stopped) {
        console::say("stopped by the host");
        return Ok(());
    }
    stream.note(console::with_causes(&error));
    stream.drain(NOTE_PATIENCE);
    Err(error.into())
}

/// Asks for the job until there is an answer.
fn redeem(channel: &Channel, token: &Token) -> Result<Redeemed, ChannelError> {
    let started = Instant::now();
    let mut backoff = Backoff::new();
    loop {
        match channel.redeem(token) {
            Err(error) if error.retry() && started.elapsed() < REDEEM_PATIENCE => {
                console::say(&format!("{}; trying again", console::with_causes(&error)));
                std::thread::sleep(backoff.next());
            }
            answer => return answer,
        }
    }
}

/// Starts the one thread that sends records.
fn start_sender(channel: &Arc<Channel>, stream: &Arc<Stream>, notify: &Sender<Event>) {
    let (channel, stream, notify) = (Arc::clone(channel), Arc::clone(stream), notify.clone());
    std::thread::spawn(move || {
        send_all(&channel, &stream);
        stream.close();
        // The job may be over already, with nobody left to tell.
        let _ = notify.send(Event::Stop);
    });
}

/// Sends what there is until the host wants no more. One request at a time,
/// always from the oldest record that is not known to be durable: whatever was
/// lost on the way, the next request is the right one.
fn send_all(channel: &Channel, stream: &Stream) {
    while let Some(mut batch) = stream.next_batch() {
        let mut backoff = Backoff::new();
        while !batch.is_empty() {
            match send(channel, stream, &mut batch) {
                Sent::Progress => backoff = Backoff::new(),
                Sent::Nothing if stream.pause(backoff.next()) => return,
                Sent::Nothing => {}
                Sent::Last => return,
            }
        }
    }
}

/// What became of one request with records.
enum Sent {
    /// Some of them are durable and no longer in the batch.
    Progress,
    /// None are; it is worth another try.
    Nothing,
    /// The host takes no more.
    Last,
}

fn send(channel: &Channel, stream: &Stream, batch: &mut Vec<Record>) -> Sent {
    match channel.send(batch) {
        Ok(accepted) => {
            let done = batch.partition_point(|record| record.seq <= accepted.durable_seq);
            stream.acknowledge(&batch[..done]);
            batch.drain(..done);
            match (accepted.stop, done) {
                (true, _) => Sent::Last,
                (false, 0) => Sent::Nothing,
                (false, _) => Sent::Progress,
            }
        }
        Err(error) if error.retry() || error.is_gap() => {
            console::say(&format!("{}; trying again", console::with_causes(&error)));
            Sent::Nothing
        }
        Err(error) => {
            console::say_error(&error);
            Sent::Last
        }
    }
}

/// Starts the thread that gives up when all limits are long over.
fn start_watchdog(stream: &Arc<Stream>, limit: Duration, notify: &Sender<Event>) {
    let (stream, notify) = (Arc::clone(stream), notify.clone());
    std::thread::spawn(move || {
        if !stream.pause(limit) {
            console::say("the host took nothing for too long; giving up");
            stream.close();
            // As above.
            let _ = notify.send(Event::Stop);
        }
    });
}
