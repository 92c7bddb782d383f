//! Searching a log, a bounded part of it at a time.
//!
//! A line is searched as people see it: put together from its parts, without
//! escape sequences and controls, and of what a carriage return started over the
//! last (`solstice_display::line`). So colours hide no match.

use std::ops::Range;

use chrono::{DateTime, Utc};
use memchr::memmem::Finder;
use solstice_model::{Record, Stream};

use crate::assemble::{LogLine, text};
use crate::error::LogError;
use crate::errors::{Hints, find_error};
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

/// The most characters of a line that a hit shows.
const EXCERPT_CHARS: usize = 300;

/// So many of them before the first match.
const LEAD_CHARS: usize = 60;

/// The most matches of one line that are told.
const MAX_MATCHES: usize = 20;

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This text.
    Text {
        /// As people see it.
        text: String,
        /// Whether the case of ASCII letters does not matter.
        ignore_case: bool,
    },
    /// Lines that look like errors, see [`find_error`].
    Errors,
}

/// A part of a log to search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// What for.
    pub wanted: Wanted,
    /// The first line, from 1.
    pub from: u64,
    /// The last line, if not that of the log.
    pub to: Option<u64>,
    /// The most lines to give, at most 1,000; 0 counts them only.
    pub limit: usize,
}

/// A line in which it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The line's number, from 1.
    pub line: u64,
    /// Index of the step that wrote it; `None` for a note of the agent's.
    pub step: Option<u32>,
    /// The stream that it was written to; `None` for a note.
    pub stream: Option<Stream>,
    /// When it began, by the guest's clock.
    pub at: DateTime<Utc>,
    /// The line as people see it; of a long one a part with the first match.
    pub text: String,
    /// Where in the line that begins, in characters.
    pub offset: usize,
    /// Where in `text` the matches are, in characters.
    pub matches: Vec<Range<usize>>,
}

/// What a search has found so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The lines, each once, in order.
    pub hits: Vec<Hit>,
    /// How many lines match in what was searched, be they given or only counted.
    pub count: u64,
    /// The line to go on from; `None` if all that was asked for was searched.
    pub next: Option<u64>,
}

impl State {
    /// Searches a bounded part.
    pub(crate) fn search(&self, search: &Search, paths: &Paths) -> Result<Found, LogError> {
        let from = search.from.max(1);
        let to = search.to.unwrap_or(u64::MAX);
        let start = self.index.before_line(from).map_err(LogError::read(self.path(paths), 0))?;
        let mut walk = self.walk(&start, paths);
        let mut numbers = start.numbers;
        let mut looking = Looking::new(search);
        let (mut work, mut over) = (0, 0);
        while let Some((seq, bytes)) = walk.next()? {
            let size = bytes.len() as u64;
            let Some(mark) = mark_of(bytes) else { return Err(walk.damaged()) };
            let line = numbers.mark(mark).filter(|line| (from..=to).contains(line));
            if let Some(line) = line
                && looking.take(line, mark, bytes).is_none()
            {
                return Err(walk.damaged());
            }
            looking.forget_closed(&numbers);
            work += size;
            // Rather not within a line, the rest of which would then be lost.
            let enough = work >= SEARCH_BYTES || looking.has_enough() || numbers.lines() > to;
            over += if enough { size } else { 0 };
            if enough && (looking.parts.is_empty() || over >= SEARCH_BYTES) && seq < self.last_seq {
                return Ok(looking.found(Some(numbers.lines() + 1).filter(|next| *next <= to)));
            }
        }
        Ok(looking.found(None))
    }
}

/// A search on its way.
struct Looking {
    matcher: Matcher,
    limit: usize,
    /// Lines that go on.
    parts: Vec<LogLine>,
    hits: Vec<Hit>,
    count: u64,
}

impl Looking {
    fn new(search: &Search) -> Self {
        let limit = search.limit.min(MAX_HITS);
        let matcher = Matcher::new(&search.wanted);
        Self { matcher, limit, parts: Vec::new(), hits: Vec::new(), count: 0 }
    }

    fn has_enough(&self) -> bool {
        self.limit > 0 && self.hits.len() >= self.limit
    }

    /// Takes a record that is a part of a line; `None` if it makes no sense.
    fn take(&mut self, line: u64, mark: Mark, bytes: &[u8]) -> Option<()> {
        let known = self.parts.iter().position(|part| part.number == line);
        let whole = known.is_none() && !matches!(mark, Mark::Output { newline: false, .. });
        if whole && !with_text(bytes, |text| self.matcher.may_match(text))? {
            return Some(());
        }
        let record: Record = serde_json::from_slice(bytes).ok()?;
        let at = match known {
            Some(at) => at,
            None => {
                self.parts.push(LogLine::begun_by(line, &record)?);
                self.parts.len() - 1
            }
        };
        self.parts[at].extend(text(&record)?);
        if whole {
            let line = self.parts.swap_remove(at);
            self.look_at(&line);
        }
        Some(())
    }

    /// Looks at the lines that have ended.
    fn forget_closed(&mut self, numbers: &LineNumbers) {
        while let Some(at) = self.parts.iter().position(|part| !numbers.is_open(part.number)) {
            let line = self.parts.swap_remove(at);
            self.look_at(&line);
        }
    }

    fn look_at(&mut self, line: &LogLine) {
        let shown = solstice_display::line(&line.bytes, false);
        let ranges = self.matcher.ranges(&shown);
        if ranges.is_empty() {
            return;
        }
        self.count += 1;
        if self.limit > 0 {
            self.hits.push(hit(line, &shown, &ranges));
        }
    }

    fn found(mut self, mut next: Option<u64>) -> Found {
        for line in std::mem::take(&mut self.parts) {
            self.look_at(&line);
        }
        // A line may end long after it began.
        self.hits.sort_unstable_by_key(|hit| hit.line);
        if self.limit > 0 && self.hits.len() > self.limit {
            self.hits.truncate(self.limit);
            self.count = self.limit as u64;
            next = self.hits.last().map(|last| last.line + 1);
        }
        Found { hits: self.hits, count: self.count, next }
    }
}

fn hit(line: &LogLine, shown: &str, ranges: &[Range<usize>]) -> Hit {
    let before = |byte: usize| shown[..byte].chars().count();
    let first = before(ranges[0].start);
    let long = shown.chars().nth(EXCERPT_CHARS).is_some();
    let offset = if long { first.saturating_sub(LEAD_CHARS) } else { 0 };
    let text: String = shown.chars().skip(offset).take(EXCERPT_CHARS).collect();
    let length = text.chars().count();
    let matches = ranges.iter().map(|range| before(range.start)..before(range.end));
    let matches = matches
        .map(|range| range.start - offset..(range.end - offset).min(length))
        .take_while(|range| range.start < length)
        .collect();
    let LogLine { number, step, stream, at, .. } = *line;
    Hit { line: number, step, stream, at, text, offset, matches }
}

/// Tells whether a line matches.
enum Matcher {
    Exact(Finder<'static>),
    /// In lower case.
    AnyCase(Finder<'static>, Vec<u8>),
    Errors(Hints, Vec<u8>),
}

impl Matcher {
    fn new(wanted: &Wanted) -> Self {
        match wanted {
            Wanted::Text { text, ignore_case: false } => {
                Matcher::Exact(Finder::new(text).into_owned())
            }
            Wanted::Text { text, ignore_case: true } => {
                let lower = text.to_ascii_lowercase();
                Matcher::AnyCase(Finder::new(&lower).into_owned(), Vec::new())
            }
            Wanted::Errors => Matcher::Errors(Hints::new(), Vec::new()),
        }
    }

    /// Whether a line can match, by its bytes as written. Where those are what
    /// people see, this decides quickly; otherwise it has to be looked at.
    fn may_match(&mut self, raw: &[u8]) -> bool {
        if !raw.iter().all(|byte| (0x20..0x7f).contains(byte)) {
            return true;
        }
        match self {
            Matcher::Exact(finder) => finder.find(raw).is_some(),
            Matcher::AnyCase(finder, lower) => finder.find(lowered(raw, lower)).is_some(),
            Matcher::Errors(hints, lower) => hints.may_be(lowered(raw, lower)),
        }
    }

    /// Where in a line the matches are, in bytes.
    fn ranges(&mut self, shown: &str) -> Vec<Range<usize>> {
        let all = |finder: &Finder<'_>, text: &[u8]| {
            let length = finder.needle().len();
            let found = finder.find_iter(text).take(MAX_MATCHES);
            found.map(|at| at..at + length).collect()
        };
        match self {
            Matcher::Exact(finder) => all(finder, shown.as_bytes()),
            Matcher::AnyCase(finder, lower) => all(finder, lowered(shown.as_bytes(), lower)),
            Matcher::Errors(..) => find_error(shown).into_iter().collect(),
        }
    }
}

fn lowered<'b>(text: &[u8], into: &'b mut Vec<u8>) -> &'b [u8] {
    into.clear();
    into.extend_from_slice(text);
    into.make_ascii_lowercase();
    into
}
