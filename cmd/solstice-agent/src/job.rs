//! One job from the first word to the last: redeem, source, steps, verdict.
//!
//! Three threads take part: this one, which fetches and supervises; the sender,
//! which owns the way to the host; and a watchdog, which closes the stream when
//! the host has been out of reach for hours beyond the job's own limit.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

use solstice_model::{RecordBody, Token};

use crate::bootstrap::Bootstrap;
use crate::channel::{Backoff, Channel, ChannelError, Redeemed};
use crate::console;
use crate::pid1;
use crate::source::{self, SourceError};
use crate::steps::{Event, Steps};
use crate::stream::Stream;

/// How long a host that does not answer is asked for the job.
const REDEEM_PATIENCE: Duration = Duration::from_secs(5 * 60);

/// How long the last records may take after the job's own time limit.
const DELIVERY_PATIENCE: Duration = Duration::from_secs(60 * 60);

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
    let Redeemed { spec, next_seq } = redeem(&channel, &bootstrap.token)?;
    console::say(&format!("redeemed job {}", spec.name));

    let stream = Arc::new(Stream::new(next_seq));
    let limit = Duration::from_secs(spec.timeout_s.into()) + DELIVERY_PATIENCE;
    let (notify, events) = mpsc::channel();
    start_sender(&channel, &stream, &notify);
    start_watchdog(&stream, limit, &notify);

    let source = bootstrap.work.join("src");
    if let Err(error) = fetch_source(&channel, &stream, &source) {
        return give_up(&stream, error);
    }
    let steps = Steps {
        spec: &spec,
        source: &source,
        scripts: &bootstrap.work.join("steps"),
        stream: &stream,
        notify: &notify,
        events: &events,
    };
    let Ok(verdict) = steps.run() else {
        console::say("stopped by the host");
        return Ok(());
    };
    console::say("finished");
    stream.push_now(RecordBody::Finished { verdict });
    if stream.drain(DELIVERY_PATIENCE) { Ok(()) } else { Err(Undelivered.into()) }
}

fn fetch_source(channel: &Channel, stream: &Stream, into: &Path) -> Result<(), SourceError> {
    let started = Instant::now();
    let entries = source::fetch(channel, stream, into)?;
    let seconds = started.elapsed().as_secs_f32();
    console::say(&format!("unpacked {entries} archive members in {seconds:.1} s"));
    Ok(())
}

/// Ends a job that has no source. That is not the job's failure, so there is
/// no verdict: the host sees a machine that ended without one, and a note.
fn give_up(stream: &Stream, error: SourceError) -> Result<(), Box<dyn Error>> {
    if matches!(error, SourceError::Stopped) {
        console::say("stopped by the host");
        return Ok(());
    }
    stream.push_now(RecordBody::Note { text: console::with_causes(&error) });
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
    let mut backoff = Backoff::new();
    while let Some(batch) = stream.next_batch() {
        match channel.send(&batch) {
            Ok(accepted) => {
                // A server cannot have what was not sent.
                let sent = batch.last().map_or(0, |record| record.seq);
                let progress = stream.acknowledge(accepted.durable_seq.min(sent));
                if accepted.stop {
                    return;
                }
                if progress {
                    backoff = Backoff::new();
                    continue;
                }
            }
            Err(error) if error.retry() || error.is_gap() => {
                console::say(&format!("{}; trying again", console::with_causes(&error)));
            }
            Err(error) => return console::say_error(&error),
        }
        if stream.pause(backoff.next()) {
            return;
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
