//! Finding places in a log: by line, at its end, by what is written there.

use memchr::memmem::Finder;

use crate::error::LogError;
use crate::files::Paths;
use crate::line::{mark_of, with_text};
use crate::numbers::{LineNumbers, Mark};
use crate::state::State;

/// How much of a log one call searches, in bytes.
const SEARCH_BYTES: u64 = 16 * 1024 * 1024;

/// The longest text that is searched for, in bytes.
pub(crate) const MAX_NEEDLE_BYTES: usize = 1024;

/// The most lines that one call finds.
pub(crate) const MAX_HITS: usize = 1000;

/// Where to begin to read, and how lines are to be numbered from there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The record to read from; one past the last record at the end of the log.
    pub seq: u64,
    /// The count of lines before it.
    pub numbers: LineNumbers,
}

/// A line in which the text was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The line's number, from 1.
    pub line: u64,
    /// The record with the end of what was found.
    pub seq: u64,
}

/// What a search has found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The lines, each once, in the order in which they were found.
    pub hits: Vec<Hit>,
    /// Where to go on; `None` if all of the log was searched.
    pub next_seq: Option<u64>,
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

    /// Searches a bounded part of the output and the notes.
    pub(crate) fn search(
        &self,
        needle: &[u8],
        from_seq: u64,
        limit: usize,
        paths: &Paths,
    ) -> Result<Found, LogError> {
        let start =
            self.index.before_seq(from_seq.max(1)).map_err(LogError::read(self.path(paths), 0))?;
        let mut walk = self.walk(&start, paths);
        let mut numbers = start.numbers;
        let mut search = Search::new(needle);
        let (mut work, mut found) = (0, Found::default());
        while let Some((seq, bytes)) = walk.next()? {
            let Some(mark) = mark_of(bytes) else { return Err(walk.damaged()) };
            work += bytes.len() as u64;
            let line = numbers.mark(mark);
            if let Some(line) = line.filter(|_| seq >= from_seq)
                && search.matches(bytes, mark, line)
                && found.hits.iter().all(|hit| hit.line != line)
            {
                found.hits.push(Hit { line, seq });
            }
            search.forget_closed(&numbers);
            // Rather not within a line, a part of which would then be lost.
            let enough =
                work >= SEARCH_BYTES && (!numbers.within_a_line() || work >= 2 * SEARCH_BYTES);
            if (enough || found.hits.len() >= limit) && seq < self.last_seq {
                found.next_seq = Some(seq + 1);
                break;
            }
        }
        Ok(found)
    }
}

fn begins_line(numbers: &LineNumbers, mark: Mark) -> bool {
    let mut after = numbers.clone();
    after.mark(mark);
    after.lines() > numbers.lines()
}

/// A search in lines that may come in parts.
struct Search<'n> {
    finder: Finder<'n>,
    /// The end of each line that goes on, shorter than the needle.
    ends: Vec<(u64, Vec<u8>)>,
}

impl<'n> Search<'n> {
    fn new(needle: &'n [u8]) -> Self {
        Self { finder: Finder::new(needle), ends: Vec::new() }
    }

    fn matches(&mut self, bytes: &[u8], mark: Mark, line: u64) -> bool {
        let ended = !matches!(mark, Mark::Output { newline: false, .. });
        let known = self.ends.iter().position(|(open, _)| *open == line);
        let before = known.map(|at| self.ends.swap_remove(at).1);
        let finder = &self.finder;
        let keep = finder.needle().len().saturating_sub(1);
        let mut end = None;
        let found = with_text(bytes, |text| {
            if before.is_none() && ended {
                return finder.find(text).is_some();
            }
            let mut all = before.unwrap_or_default();
            all.extend_from_slice(text);
            end = Some(all[all.len().saturating_sub(keep)..].to_vec());
            finder.find(&all).is_some()
        });
        if let Some(end) = end.filter(|_| !ended) {
            self.ends.push((line, end));
        }
        found.unwrap_or(false)
    }

    fn forget_closed(&mut self, numbers: &LineNumbers) {
        if !self.ends.is_empty() {
            self.ends.retain(|(line, _)| numbers.open().iter().any(|open| open.line == *line));
        }
    }
}
