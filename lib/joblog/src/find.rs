//! Finding places in a log: by line, at its end.

use crate::error::LogError;
use crate::files::Paths;
use crate::line::mark_of;
use crate::numbers::{LineNumbers, Mark};
use crate::state::State;

/// Where to begin to read, and how lines are to be numbered from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The record to read from; one past the last record at the end of the log.
    pub seq: u64,
    /// The count of lines before it.
    pub numbers: LineNumbers,
}

impl Default for Place {
    /// The beginning of every log.
    fn default() -> Self {
        Self { seq: 1, numbers: LineNumbers::default() }
    }
}

impl State {
    /// The place of a record.
    pub(crate) fn place(&self, seq: u64, paths: &Paths) -> Result<Place, LogError> {
        let seq = seq.clamp(1, self.last_seq + 1);
        let start = self.index.before_seq(seq).map_err(LogError::read(self.path(paths), 0))?;
        let mut walk = self.walk(&start, paths);
        let mut numbers = start.numbers;
        for _ in start.seq..seq {
            let Some((_, line)) = walk.next()? else { break };
            let mark = mark_of(line).ok_or_else(|| walk.damaged())?;
            numbers.mark(mark);
        }
        Ok(Place { seq, numbers })
    }

    /// The place of the record that begins a line.
    pub(crate) fn line(&self, line: u64, paths: &Paths) -> Result<Place, LogError> {
        let line = line.max(1);
        if line > self.numbers.lines() {
            return Ok(self.end_place());
        }
        let start = self.index.before_line(line).map_err(LogError::read(self.path(paths), 0))?;
        let mut walk = self.walk(&start, paths);
        let mut place = Place { seq: start.seq, numbers: start.numbers };
        while let Some((seq, bytes)) = walk.next()? {
            let mark = mark_of(bytes).ok_or_else(|| walk.damaged())?;
            place.seq = seq;
            if place.numbers.lines() + 1 == line && begins_line(&place.numbers, mark) {
                break;
            }
            place.numbers.mark(mark);
        }
        Ok(place)
    }

    /// The place from which there are so many lines to the end, and about so
    /// many bytes if that is less.
    pub(crate) fn tail(&self, lines: u64, bytes: u64, paths: &Paths) -> Result<Place, LogError> {
        let offset = self.len.saturating_sub(bytes);
        let near = self.index.before_offset(offset).map_err(LogError::read(self.path(paths), 0))?;
        let near = Place { seq: near.seq, numbers: near.numbers };
        let first = self.numbers.lines().saturating_sub(lines) + 1;
        if first == 1 || first <= near.numbers.lines() {
            return Ok(near);
        }
        self.line(first, paths)
    }

    fn end_place(&self) -> Place {
        Place { seq: self.last_seq + 1, numbers: self.numbers.clone() }
    }
}

fn begins_line(numbers: &LineNumbers, mark: Mark) -> bool {
    let mut after = numbers.clone();
    after.mark(mark);
    after.lines() > numbers.lines()
}
