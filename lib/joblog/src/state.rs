//! What is known to be good of a log, and reading it.

use std::path::Path;
use std::sync::Arc;

use solstice_model::Record;

use crate::checkpoint::{Checkpoint, Edge};
use crate::error::LogError;
use crate::files::Paths;
use crate::index::Index;
use crate::line::seq_of;
use crate::numbers::{LineNumbers, Mark};
use crate::source::{Lines, Source};
use crate::steps::Steps;

/// Some of a log's records, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// Where the next page begins.
    pub next_seq: u64,
    /// The last record that was durable when this page was read. The reader has
    /// caught up when `next_seq` is greater.
    pub last_seq: u64,
}

/// What readers may see. A clone goes on to be true: a log only grows.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) source: Source,
    /// Everything before this offset is whole lines, on disk.
    pub(crate) len: u64,
    pub(crate) last_seq: u64,
    pub(crate) numbers: LineNumbers,
    pub(crate) index: Index,
    pub(crate) steps: Arc<Steps>,
}

impl State {
    /// The state before a record, with nothing known of what is earlier.
    pub(crate) fn at(source: Source, checkpoint: Checkpoint, index: Index, steps: Steps) -> Self {
        Self {
            source,
            len: checkpoint.offset,
            last_seq: checkpoint.seq - 1,
            numbers: checkpoint.numbers,
            index,
            steps: Arc::new(steps),
        }
    }

    /// Takes the next record, the line of which has so many bytes.
    pub(crate) fn push(&mut self, mark: Mark, bytes: u64) {
        let edge = match mark {
            Mark::Begin { step } => Edge::Begin(step),
            Mark::End { step } => Edge::End(step),
            _ => Edge::None,
        };
        let wanted = self.index.wants(self.len);
        if wanted || edge != Edge::None {
            let mut here = Checkpoint { edge, ..self.end() };
            let new = edge != Edge::None && Arc::make_mut(&mut self.steps).note(&here);
            if !new {
                here.edge = Edge::None;
            }
            if wanted || new {
                self.index.note(here);
            }
        }
        self.numbers.mark(mark);
        self.last_seq += 1;
        self.len += bytes;
    }

    /// The place after the last record.
    pub(crate) fn end(&self) -> Checkpoint {
        Checkpoint {
            seq: self.last_seq + 1,
            offset: self.len,
            numbers: self.numbers.clone(),
            edge: Edge::None,
        }
    }

    /// The file in which it is.
    pub(crate) fn path<'a>(&self, paths: &'a Paths) -> &'a Path {
        if matches!(self.source, Source::Sealed(_)) { &paths.sealed } else { &paths.plain }
    }

    /// Reads from a place on.
    pub(crate) fn walk<'a>(&'a self, from: &Checkpoint, paths: &'a Paths) -> Walk<'a> {
        let lines = Lines::new(&self.source, from.offset, self.len);
        Walk { lines, next_seq: from.seq, last_seq: self.last_seq, path: self.path(paths) }
    }

    /// Reads records from `from_seq` on: at most `max_bytes` of lines, but at
    /// least one record if there is one.
    pub(crate) fn read(
        &self,
        from_seq: u64,
        max_bytes: usize,
        paths: &Paths,
    ) -> Result<Page, LogError> {
        let from_seq = from_seq.max(1);
        let mut page = Page { records: Vec::new(), next_seq: from_seq, last_seq: self.last_seq };
        if matches!(self.source, Source::Absent) && from_seq > 1 {
            // Whoever comes back to a log has seen one.
            return Err(LogError::Removed);
        }
        if from_seq > self.last_seq {
            return Ok(page);
        }
        let start = self.index.before_seq(from_seq).map_err(LogError::read(self.path(paths), 0))?;
        let mut walk = self.walk(&start, paths);
        let mut room = max_bytes;
        while let Some((seq, line)) = walk.next()? {
            if seq < from_seq {
                continue;
            }
            if line.len() > room && !page.records.is_empty() {
                break;
            }
            room = room.saturating_sub(line.len());
            let record = serde_json::from_slice(line);
            page.records.push(record.map_err(|_| walk.damaged())?);
            page.next_seq = seq + 1;
        }
        Ok(page)
    }
}

/// Reads the lines of a log; each is checked to be the one that is to come.
pub(crate) struct Walk<'a> {
    lines: Lines<'a>,
    next_seq: u64,
    last_seq: u64,
    path: &'a Path,
}

impl Walk<'_> {
    /// The next record's number and line; `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<(u64, &[u8])>, LogError> {
        if self.next_seq > self.last_seq {
            return Ok(None);
        }
        let offset = self.lines.offset();
        let damaged = || LogError::Damaged { path: self.path.to_owned(), offset };
        let line = self.lines.next().map_err(LogError::read(self.path, offset))?;
        let line = line.filter(|line| seq_of(line) == Some(self.next_seq)).ok_or_else(damaged)?;
        self.next_seq += 1;
        Ok(Some((self.next_seq - 1, line)))
    }

    /// What to say of a line that was given and makes no sense.
    pub(crate) fn damaged(&self) -> LogError {
        LogError::Damaged { path: self.path.to_owned(), offset: self.lines.offset() }
    }
}
