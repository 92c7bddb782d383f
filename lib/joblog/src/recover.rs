//! What is good of a log after whatever happened to its process.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use solstice_model::AttemptId;

use crate::checkpoint::{Checkpoint, Edge};
use crate::error::LogError;
use crate::files::{self, Paths};
use crate::index::Index;
use crate::line::{begins_with, mark_of, seq_of};
use crate::lines::MAX_APPEND_BYTES;
use crate::sealed::Sealed;
use crate::source::{Lines, Source};
use crate::state::State;
use crate::steps::{MAX_STEPS, Steps};
use crate::usage::Usage;

/// How many bytes of a line tell its number.
const NUMBER_BYTES: usize = 32;

/// Opens a log, whatever there is of it.
pub(crate) fn open(paths: &Paths, attempt: AttemptId, usage: &Usage) -> Result<State, LogError> {
    let plain = files::open(&paths.plain)?;
    if let Some(state) = open_sealed(paths, attempt, plain.as_ref(), usage)? {
        return Ok(state);
    }
    match plain {
        Some(file) => {
            let index = Known::load(paths, attempt, &file)?;
            let size = file.metadata().map_err(LogError::io("open", &paths.plain))?.len();
            let state = scan(paths, file, index, 0, |index| write_index(index, paths, usage))?;
            usage.sub(size - state.len);
            Ok(state)
        }
        None => Ok(empty(attempt, Source::Absent)),
    }
}

/// A log without records.
pub(crate) fn empty(attempt: AttemptId, source: Source) -> State {
    State::at(source, Checkpoint::start(), Index::new(attempt), Steps::default())
}

/// Reads a log through that its index does not lead through. It is known to be
/// good up to `durable`.
pub(crate) fn reindex(
    paths: &Paths,
    attempt: AttemptId,
    durable: u64,
    usage: &Usage,
) -> Result<State, LogError> {
    let Some(file) = files::open(&paths.plain)? else {
        return Err(LogError::Damaged { path: paths.plain.clone(), offset: 0 });
    };
    let nothing =
        Known { index: Index::new(attempt), start: Checkpoint::start(), steps: Steps::default() };
    let mut state = scan(paths, file, nothing, durable, |_| ())?;
    usage.sub(files::remove(&paths.index)?);
    write_index(&mut state.index, paths, usage);
    Ok(state)
}

/// Opens the sealed log if it is whole; a process that died before it removed
/// the plain one is helped to the end.
fn open_sealed(
    paths: &Paths,
    attempt: AttemptId,
    plain: Option<&File>,
    usage: &Usage,
) -> Result<Option<State>, LogError> {
    let Some(file) = files::open(&paths.sealed)? else { return Ok(None) };
    let opened = |source| LogError::io("open", &paths.sealed)(source);
    let size = file.metadata().map_err(opened)?.len();
    let sealed = Sealed::open(file, attempt).map_err(opened)?;
    let Some(sealed) = sealed else {
        // With the plain one there, it will be sealed again, over this.
        return if plain.is_some() {
            Ok(None)
        } else {
            Err(LogError::Damaged { path: paths.sealed.clone(), offset: size })
        };
    };
    if let Some(plain) = plain {
        let longer = plain.metadata().map_err(opened)?.len() > sealed.end().offset;
        if longer {
            return Ok(None);
        }
        remove_plain(paths, usage);
    }
    from_sealed(sealed, attempt).map(Some).map_err(LogError::read(&paths.sealed, size))
}

/// What is known of a log that is sealed.
pub(crate) fn from_sealed(sealed: Sealed, attempt: AttemptId) -> std::io::Result<State> {
    let (end, index, steps) = (sealed.end().clone(), sealed.index(attempt), sealed.steps(attempt)?);
    Ok(State::at(Source::Sealed(Arc::new(sealed)), end, index, steps))
}

/// Removes what a sealed log replaces. If that fails, it is tried again when
/// the log is next opened.
pub(crate) fn remove_plain(paths: &Paths, usage: &Usage) {
    for path in [&paths.plain, &paths.index] {
        if let Ok(bytes) = files::remove(path) {
            usage.sub(bytes);
        }
    }
}

/// Writes what is new. A failure costs the next start the same time again.
fn write_index(index: &mut Index, paths: &Paths, usage: &Usage) {
    usage.add(index.write(&paths.index).unwrap_or(0));
}

/// What the index tells and the log confirms.
struct Known {
    index: Index,
    start: Checkpoint,
    steps: Steps,
}

impl Known {
    fn load(paths: &Paths, attempt: AttemptId, file: &File) -> Result<Self, LogError> {
        let size = file.metadata().map_err(LogError::io("open", &paths.plain))?.len();
        let mut edges = Vec::new();
        let mut index = Index::load(&paths.index, attempt, |checkpoint| {
            if checkpoint.edge != Edge::None {
                edges.push(checkpoint.clone());
            }
            edges.len() <= 2 * MAX_STEPS
        });
        let start = index.confirm(|checkpoint| is_in(file, size, checkpoint));
        let mut steps = Steps::default();
        for edge in edges.iter().filter(|edge| edge.seq <= start.seq) {
            steps.note(edge);
        }
        Ok(Self { index, start, steps })
    }
}

/// Whether the record of a checkpoint begins where it says.
fn is_in(file: &File, size: u64, checkpoint: &Checkpoint) -> bool {
    let before = checkpoint.offset.min(1);
    let at = checkpoint.offset - before;
    let mut bytes = [0; NUMBER_BYTES];
    let length = size.saturating_sub(at).min(NUMBER_BYTES as u64);
    let bytes = &mut bytes[..usize::try_from(length).expect("a few bytes")];
    if file.read_exact_at(bytes, at).is_err() {
        return false;
    }
    let line = match before {
        0 => Some(&bytes[..]),
        _ => bytes.strip_prefix(b"\n"),
    };
    line.and_then(begins_with) == Some(checkpoint.seq)
}

/// Finds what is good of a file from the last known place on and cuts off what
/// a crash left after it. That is never more than one append; anything else is
/// damage, and not ours to cut.
fn scan(
    paths: &Paths,
    file: File,
    known: Known,
    durable: u64,
    write_index: impl Fn(&mut Index),
) -> Result<State, LogError> {
    let path = &paths.plain;
    let size = file.metadata().map_err(LogError::io("open", path))?.len();
    let file = Arc::new(file);
    let source = Source::Plain(Arc::clone(&file));
    let mut state = State::at(source.clone(), known.start, known.index, known.steps);
    let mut lines = Lines::new(&source, state.len, size);
    while let Some(line) = lines.next().map_err(LogError::io("read", path))? {
        let (seq, mark) = (seq_of(line), mark_of(line));
        let Some(mark) = mark.filter(|_| seq == Some(state.last_seq + 1)) else { break };
        state.push(mark, line.len() as u64 + 1);
        if state.index.wants_writing() {
            write_index(&mut state.index);
        }
    }
    let torn = size - state.len;
    if torn > MAX_APPEND_BYTES as u64 || state.len < durable {
        return Err(LogError::Damaged { path: path.clone(), offset: state.len });
    }
    if torn > 0 {
        file.set_len(state.len).map_err(LogError::io("cut", path))?;
    }
    // What is told to be durable from here on may not have been waited for before.
    file.sync_data().map_err(LogError::io("sync", path))?;
    files::sync_parents(path)?;
    Ok(state)
}
