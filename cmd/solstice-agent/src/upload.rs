//! Hands the files that are to be kept over to the host, one after the other.
//!
//! A file is hashed while it is sent, and the digest that comes back must be
//! the same. Whether it changed meanwhile is looked at before its last bytes go
//! out, so that nothing half-changed is ever kept.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use solstice_model::{ArtifactRule, Sha256Digest};
use ureq::http::StatusCode;

use crate::artifacts::{Catch, Failure, Found, find, open};
use crate::channel::{ArtifactStored, Backoff, Channel, ChannelError};
use crate::console;
use crate::stream::Stream;

/// The most bytes of one file; as `solstice_api::agent` has it.
const MAX_BYTES: u64 = 8 * 1024 * 1024 * 1024;

/// How long the host is tried for all files together.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// How often a file is sent again that changed, or arrived as another.
const TRIES: u32 = 5;

/// How many files are named that were kept; of the rest the number is told.
const MAX_NAMED: usize = 100;

/// Why nothing more is handed over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
    #[error("the host wants the job to stop")]
    Stopped,
    #[error("cannot hand over the artifact {path:?}")]
    Channel {
        path: String,
        #[source]
        source: ChannelError,
    },
    #[error("the artifact {path:?} does not arrive as it was sent")]
    Garbled { path: String },
}

/// Keeps what the rules want; gives the rules that are not met, each once.
///
/// # Errors
///
/// [`KeepError`] if the host does not take the files; that is not the job's fault.
pub(crate) fn keep(
    rules: &[ArtifactRule],
    source: &Path,
    channel: &Channel,
    stream: &Stream,
) -> Result<Vec<Failure>, KeepError> {
    let Catch { files, failures, notes } = find(rules, source);
    notes.into_iter().for_each(|text| stream.note(text));
    let started = Instant::now();
    let mut keeper = Keeper { rules, channel, stream, started, failures, sizes: Vec::new() };
    for (path, found) in &files {
        // Files that cannot be kept leave no holes in the numbering.
        let index = keeper.sizes.len();
        match keeper.hand_over(index, path, found)? {
            Ok(bytes) => keeper.note_kept(path, found, bytes),
            Err(problem) => keeper.fail(found, &problem, path),
        }
    }
    Ok(keeper.finish())
}

/// What is wrong with a file.
#[derive(Debug)]
enum Problem {
    Unreadable(io::Error),
    Changed,
    TooLarge(String),
    Refused(String),
}

impl Problem {
    fn about(&self, path: &str) -> String {
        match self {
            Problem::Unreadable(error) => format!("{path:?} cannot be read: {error}"),
            Problem::Changed => format!("{path:?} changed while it was read"),
            Problem::TooLarge(most) => format!("{path:?} is larger than {most}"),
            Problem::Refused(why) => format!("{path:?} is not taken: {why}"),
        }
    }
}

/// The files of one job on their way.
struct Keeper<'a> {
    rules: &'a [ArtifactRule],
    channel: &'a Channel,
    stream: &'a Stream,
    started: Instant,
    failures: Vec<Failure>,
    /// Of what was kept: its size, and the rules that wanted it.
    sizes: Vec<(u64, Vec<usize>)>,
}

impl Keeper<'_> {
    /// Hands one file over, as often as it takes; gives its size, or what is
    /// wrong with it.
    fn hand_over(
        &self,
        index: usize,
        path: &str,
        found: &Found,
    ) -> Result<Result<u64, Problem>, KeepError> {
        let may_change = found.rules.iter().all(|rule| self.rules[*rule].may_change);
        let (mut backoff, mut tries) = (Backoff::new(), 0);
        loop {
            if self.stream.is_closed() {
                return Err(KeepError::Stopped);
            }
            let mut content = match Content::open(found, may_change, self.stream) {
                Ok(content) if content.size > MAX_BYTES => {
                    return Ok(Err(Problem::TooLarge(format!("{MAX_BYTES} bytes"))));
                }
                Ok(content) => content,
                Err(error) => return Ok(Err(Problem::Unreadable(error))),
            };
            let size = content.size;
            let answer = self.channel.upload(index, path, size, &mut content);
            tries += 1;
            match (content.ended, answer) {
                (Some(Broken::Stopped), _) => return Err(KeepError::Stopped),
                (Some(Broken::Unreadable(error)), _) => return Ok(Err(Problem::Unreadable(error))),
                (Some(Broken::Changed), _) if !may_change || tries > TRIES => {
                    return Ok(Err(Problem::Changed));
                }
                (Some(Broken::Changed), _) => {}
                (None, Ok(stored)) if stored == content.hash.stored(size) => return Ok(Ok(size)),
                (None, Ok(_)) if tries > TRIES => {
                    return Err(KeepError::Garbled { path: path.to_owned() });
                }
                (None, Ok(_)) => console::say("an artifact arrived as another; trying again"),
                (None, Err(error)) => match self.judge(path, error)? {
                    Some(problem) => return Ok(Err(problem)),
                    None if self.stream.pause(backoff.next()) => return Err(KeepError::Stopped),
                    None => {}
                },
            }
        }
    }

    /// Says what is wrong with a file that the host did not take; `None` if it
    /// is worth another try.
    fn judge(&self, path: &str, error: ChannelError) -> Result<Option<Problem>, KeepError> {
        let refused = |error: &ChannelError| match error {
            ChannelError::Refused { reason, .. } => reason.clone(),
            ChannelError::Transport { .. } => String::new(),
        };
        match error.status() {
            _ if error.is_over() => Err(KeepError::Stopped),
            Some(StatusCode::PAYLOAD_TOO_LARGE) => {
                Ok(Some(Problem::TooLarge(format!("what may be kept: {}", refused(&error)))))
            }
            Some(StatusCode::BAD_REQUEST) => Ok(Some(Problem::Refused(refused(&error)))),
            _ if error.retry() && self.started.elapsed() < PATIENCE => {
                console::say(&format!("{}; trying again", console::with_causes(&error)));
                Ok(None)
            }
            _ => Err(KeepError::Channel { path: path.to_owned(), source: error }),
        }
    }

    fn note_kept(&mut self, path: &str, found: &Found, bytes: u64) {
        if self.sizes.len() < MAX_NAMED {
            self.stream.note(format!("kept {path:?}, {bytes} bytes"));
        }
        self.sizes.push((bytes, found.rules.clone()));
    }

    /// Notes that a file is not kept; a rule fails once, by its first file.
    fn fail(&mut self, found: &Found, problem: &Problem, path: &str) {
        let why = problem.about(path);
        console::say(&format!("artifact {why}"));
        let excused = |rule: &ArtifactRule| matches!(problem, Problem::Changed) && rule.may_change;
        let wanting = found.rules.iter().map(|rule| &self.rules[*rule]);
        let failed: Vec<_> = wanting.filter(|rule| !excused(rule)).collect();
        if failed.is_empty() {
            self.stream.note(format!("left out {why}"));
        }
        for rule in failed {
            add(&mut self.failures, rule, why.clone());
        }
    }

    /// Looks at what the rules require; gives the failures.
    fn finish(mut self) -> Vec<Failure> {
        if self.sizes.len() > MAX_NAMED {
            let more = &self.sizes[MAX_NAMED..];
            let bytes: u64 = more.iter().map(|(bytes, _)| bytes).sum();
            self.stream.note(format!("kept {} more files, {bytes} bytes", more.len()));
        }
        for (index, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.required) {
            let mut sizes =
                self.sizes.iter().filter(|(_, of)| of.contains(&index)).map(|(bytes, _)| *bytes);
            match sizes.clone().min() {
                None => add(&mut self.failures, rule, "no file matches it".to_owned()),
                Some(0) => {
                    let empty = sizes.by_ref().filter(|bytes| *bytes == 0).count();
                    let why = format!("{empty} of the files that it requires are empty");
                    add(&mut self.failures, rule, why);
                }
                Some(_) => {}
            }
        }
        self.failures
    }
}

fn add(failures: &mut Vec<Failure>, rule: &ArtifactRule, why: String) {
    if !failures.iter().any(|failure| failure.pattern == rule.pattern) {
        failures.push(Failure { pattern: rule.pattern.clone(), why });
    }
}

/// By what a change to a file is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let about = file.metadata()?;
        Ok(Self {
            bytes: about.size(),
            modified: (about.mtime(), about.mtime_nsec()),
            changed: (about.ctime(), about.ctime_nsec()),
        })
    }
}

/// Why the content of a file broke off.
#[derive(Debug)]
enum Broken {
    Unreadable(io::Error),
    Changed,
    Stopped,
}

/// The content of a file, as many bytes as it had when it was opened.
struct Content<'a> {
    file: File,
    size: u64,
    left: u64,
    before: Stamp,
    may_change: bool,
    hash: Hash,
    stream: &'a Stream,
    ended: Option<Broken>,
}

/// The digest of what was read so far.
struct Hash(Sha256);

impl Hash {
    /// What the host should have.
    fn stored(self, bytes: u64) -> ArtifactStored {
        ArtifactStored { bytes, sha256: Sha256Digest::from_bytes(self.0.finalize().into()) }
    }
}

impl<'a> Content<'a> {
    fn open(found: &Found, may_change: bool, stream: &'a Stream) -> io::Result<Self> {
        let file = open(found)?;
        let before = Stamp::of(&file)?;
        let (size, hash) = (before.bytes, Hash(Sha256::new()));
        Ok(Self { file, size, left: size, before, may_change, hash, stream, ended: None })
    }

    fn next(&mut self, buffer: &mut [u8]) -> Result<usize, Broken> {
        if self.stream.is_closed() {
            return Err(Broken::Stopped);
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.file.read(&mut buffer[..most]).map_err(Broken::Unreadable)?;
        if read == 0 && most > 0 {
            return Err(Broken::Changed);
        }
        self.left -= read as u64;
        self.hash.0.update(&buffer[..read]);
        if self.left == 0 && !self.may_change {
            let after = Stamp::of(&self.file).map_err(Broken::Unreadable)?;
            if after != self.before {
                return Err(Broken::Changed);
            }
        }
        Ok(read)
    }
}

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.next(buffer).map_err(|broken| {
            self.ended = Some(broken);
            io::Error::other("the file broke off")
        })
    }
}
