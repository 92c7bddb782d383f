//! Reads what a step prints, stdout and stderr apart, and records it.
//!
//! A reader ends when nobody holds the other end of its pipe any more. Once the
//! step's main process has gone, a background process that still holds it gets
//! [`GRACE`], no longer.

use std::io::{PipeReader, PipeWriter, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{ChildStderr, ChildStdout};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chrono::Utc;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use solstice_model::{Chunk, RecordBody, Stream as Which};

use crate::output::{Piece, Splitter};
use crate::stream::Stream;

/// How long the start of a line may wait for its end while nothing comes.
const SILENCE: Duration = Duration::from_millis(100);

/// How long it may wait in any case.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a pipe may stay open after the step's main process has ended.
const GRACE: Duration = Duration::from_secs(2);

/// What is still read after that, if it is there: at least what a pipe holds
/// by default, so that a slow server cannot make us lose the end of a log.
const GRACE_BYTES: usize = 256 * 1024;

const BUFFER_BYTES: usize = 64 * 1024;

/// The two readers of a step.
#[derive(Debug)]
pub(crate) struct Capture {
    readers: [JoinHandle<()>; 2],
    /// Dropped to tell the readers that the main process has ended.
    running: PipeWriter,
}

impl Capture {
    /// Starts to read both streams of a step.
    pub(crate) fn start(
        step: u32,
        stdout: ChildStdout,
        stderr: ChildStderr,
        stream: &Arc<Stream>,
    ) -> std::io::Result<Self> {
        let (ended, running) = std::io::pipe()?;
        let out = Source { pipe: OwnedFd::from(stdout).into(), ended: ended.try_clone()? };
        let err = Source { pipe: OwnedFd::from(stderr).into(), ended };
        let reader = |source: Source, which| {
            let stream = Arc::clone(stream);
            let pass_on = move |pieces: Vec<Piece>| {
                stream.push(Utc::now(), pieces.into_iter().map(|piece| body(step, which, piece)));
            };
            std::thread::spawn(move || source.record(pass_on))
        };
        Ok(Self { readers: [reader(out, Which::Stdout), reader(err, Which::Stderr)], running })
    }

    /// Waits until all output is recorded. To be called once the step's main
    /// process has ended; takes at most [`GRACE`], a slow server aside.
    pub(crate) fn finish(self) {
        drop(self.running);
        for reader in self.readers {
            reader.join().expect("no thread panics: we abort");
        }
    }
}

fn body(step: u32, stream: Which, piece: Piece) -> RecordBody {
    let Piece { bytes, newline } = piece;
    RecordBody::Output { step, stream, chunk: Chunk(bytes), newline }
}

/// One stream of a step.
struct Source {
    pipe: PipeReader,
    /// Hangs up when the step's main process has ended.
    ended: PipeReader,
}

/// What happened to a [`Source`].
enum Event {
    /// The main process has ended.
    Ended,
    /// There is something to read, or the end of it.
    Readable,
    /// Nothing, for as long as was asked.
    Nothing,
}

impl Source {
    /// Reads to the end, passing on pieces of lines as they are complete.
    fn record(mut self, pass_on: impl Fn(Vec<Piece>)) {
        let mut lines = Lines::default();
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut grace: Option<Grace> = None;
        loop {
            let left = grace.as_ref().map(Grace::left);
            let limit = [left, lines.silence()].into_iter().flatten().min();
            match self.wait(grace.is_none(), limit) {
                Event::Ended => grace = Some(Grace::begin()),
                Event::Nothing if left.is_some_and(|left| left <= SILENCE) => break,
                Event::Nothing => pass_on(lines.flush()),
                Event::Readable => {
                    let read = self.pipe.read(&mut buffer).unwrap_or(0);
                    pass_on(lines.feed(&buffer[..read]));
                    if read == 0 || grace.as_mut().is_some_and(|grace| grace.used_up_by(read)) {
                        break;
                    }
                }
            }
        }
        pass_on(lines.splitter.finish().into_iter().collect());
    }

    /// Waits for the pipe and, if asked to, for the end of the main process.
    fn wait(&self, also_ended: bool, limit: Option<Duration>) -> Event {
        let timeout = limit.map_or(PollTimeout::NONE, |limit| {
            PollTimeout::try_from(limit).expect("our limits are seconds at most")
        });
        let pipe = PollFd::new(self.pipe.as_fd(), PollFlags::POLLIN);
        let ended = PollFd::new(self.ended.as_fd(), PollFlags::POLLIN);
        let mut both = [pipe, ended];
        let asked = if also_ended { &mut both[..] } else { &mut both[..1] };
        match poll(asked, timeout) {
            Ok(0) | Err(Errno::EINTR) => Event::Nothing,
            // First: a pipe that somebody fills without end is always readable.
            Ok(_) if also_ended && both[1].any() == Some(true) => Event::Ended,
            Ok(_) => Event::Readable,
            Err(error) => unreachable!("poll of two pipes of ours failed: {error}"),
        }
    }
}

/// A splitter that knows how long a line has been waiting for its end.
#[derive(Default)]
struct Lines {
    splitter: Splitter,
    /// When the line that is not complete yet began.
    partial_since: Option<Instant>,
}

impl Lines {
    fn feed(&mut self, bytes: &[u8]) -> Vec<Piece> {
        let mut pieces = self.splitter.feed(bytes);
        if !pieces.is_empty() {
            self.partial_since = None;
        }
        if self.splitter.has_partial_line() {
            let since = *self.partial_since.get_or_insert_with(Instant::now);
            if since.elapsed() > PATIENCE {
                pieces.extend(self.flush());
            }
        }
        pieces
    }

    fn flush(&mut self) -> Vec<Piece> {
        self.partial_since = None;
        self.splitter.flush().into_iter().collect()
    }

    /// How long to wait for more before [`Lines::flush`].
    fn silence(&self) -> Option<Duration> {
        self.splitter.has_partial_line().then_some(SILENCE)
    }
}

/// How long a reader goes on after the main process has ended.
struct Grace {
    deadline: Instant,
    bytes: usize,
}

impl Grace {
    fn begin() -> Self {
        Self { deadline: Instant::now() + GRACE, bytes: GRACE_BYTES }
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Whether it is time to stop, now that so many bytes more were read.
    fn used_up_by(&mut self, read: usize) -> bool {
        if self.left().is_zero() {
            self.bytes = self.bytes.saturating_sub(read);
        }
        self.bytes == 0
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_end_of_the_process_is_seen_though_the_pipe_is_never_empty() {
        let (pipe, mut writer) = std::io::pipe().unwrap();
        let (ended, running) = std::io::pipe().unwrap();
        let source = Source { pipe, ended };
        writer.write_all(b"noise").unwrap();
        assert!(matches!(source.wait(true, None), Event::Readable));
        drop(running);
        assert!(matches!(source.wait(true, None), Event::Ended));
        assert!(matches!(source.wait(false, None), Event::Readable));
    }

    #[test]
    fn a_line_that_grows_slowly_is_shown_all_the_same() {
        let mut lines = Lines::default();
        assert!(lines.feed(b"a").is_empty());
        lines.partial_since = Instant::now().checked_sub(PATIENCE * 2);
        let pieces = lines.feed(b"b");
        assert_eq!(pieces, [Piece { bytes: b"ab".to_vec(), newline: false }]);
        assert!(lines.silence().is_none());
    }

    #[test]
    fn a_pipe_that_stays_full_is_read_a_bounded_way() {
        let mut grace = Grace::begin();
        assert!(!grace.used_up_by(GRACE_BYTES * 10), "before the deadline nothing is counted");
        grace.deadline = Instant::now();
        assert!(!grace.used_up_by(GRACE_BYTES - 1));
        assert!(grace.used_up_by(1));
    }
}
