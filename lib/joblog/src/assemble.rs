//! Records as the lines that they are parts of.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use solstice_display::MAX_LINE_BYTES;
use solstice_model::{Record, RecordBody, Stream};

use crate::find::Place;
use crate::numbers::LineNumbers;

/// One line of a log, put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Its number, from 1.
    pub number: u64,
    /// Index of the step that wrote it; `None` for a note of the agent's.
    pub step: Option<u32>,
    /// The stream that it was written to; `None` for a note.
    pub stream: Option<Stream>,
    /// When it began, by the guest's clock.
    pub at: DateTime<Utc>,
    /// Its bytes as written, at most [`MAX_LINE_BYTES`].
    pub bytes: Vec<u8>,
    /// Whether it has more bytes than that.
    pub cut: bool,
    /// Whether its end was seen.
    pub ended: bool,
}

impl LogLine {
    /// What a record begins; `None` if it is no part of a line.
    pub(crate) fn begun_by(number: u64, record: &Record) -> Option<Self> {
        let (step, stream) = match &record.body {
            RecordBody::Output { step, stream, .. } => (Some(*step), Some(*stream)),
            RecordBody::Note { .. } => (None, None),
            _ => return None,
        };
        let (bytes, cut, ended) = (Vec::new(), false, false);
        Some(Self { number, step, stream, at: record.at, bytes, cut, ended })
    }

    /// Adds a part, as far as there is room.
    pub(crate) fn extend(&mut self, part: &[u8]) {
        let room = MAX_LINE_BYTES.saturating_sub(self.bytes.len());
        self.cut |= part.len() > room;
        self.bytes.extend_from_slice(&part[..part.len().min(room)]);
    }
}

/// The text of a record, if it has any.
pub(crate) fn text(record: &Record) -> Option<&[u8]> {
    match &record.body {
        RecordBody::Output { chunk, .. } => Some(&chunk.0),
        RecordBody::Note { text } => Some(text.as_bytes()),
        _ => None,
    }
}

/// Takes records one by one and puts the lines together that begin among them.
/// What is written into lines that began before is left out.
///
/// ```
/// use solstice_joblog::{Assembler, Place};
/// use solstice_model::{Record, RecordBody, Stream};
///
/// let part = |seq, stream, text: &str, newline| Record {
///     seq,
///     at: chrono::DateTime::UNIX_EPOCH,
///     body: RecordBody::Output { step: 0, stream, chunk: text.into(), newline },
/// };
/// let mut lines = Assembler::at(Place::default());
/// lines.push(&part(1, Stream::Stdout, "com", false));
/// lines.push(&part(2, Stream::Stderr, "warning", true));
/// lines.push(&part(3, Stream::Stdout, "piling", true));
/// let lines = lines.into_lines();
/// assert_eq!((lines[0].number, lines[0].bytes.as_slice()), (1, &b"compiling"[..]));
/// assert_eq!((lines[1].number, lines[1].ended), (2, true));
/// ```
#[derive(Clone, Debug)]
pub struct Assembler {
    numbers: LineNumbers,
    /// Those after `before`, without holes.
    lines: VecDeque<LogLine>,
    /// How many lines began before the place.
    before: u64,
    /// All their bytes.
    bytes: usize,
}

impl Assembler {
    /// For the records from a place on.
    pub fn at(place: Place) -> Self {
        let before = place.numbers.lines();
        Self { numbers: place.numbers, lines: VecDeque::new(), before, bytes: 0 }
    }

    /// Takes the next record; gives the number of the line that it is a part of.
    pub fn push(&mut self, record: &Record) -> Option<u64> {
        let number = self.numbers.note(&record.body)?;
        if number > self.before + self.lines.len() as u64 {
            self.lines.extend(LogLine::begun_by(number, record));
        }
        let at = usize::try_from(number.checked_sub(self.before + 1)?).ok()?;
        if let (Some(line), Some(part)) = (self.lines.get_mut(at), text(record)) {
            let before = line.bytes.len();
            line.extend(part);
            self.bytes += line.bytes.len() - before;
        }
        Some(number)
    }

    /// How many lines have begun, those before the place included.
    pub fn count(&self) -> u64 {
        self.numbers.lines()
    }

    /// The bytes of the lines so far.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether one of the lines up to this one goes on.
    pub(crate) fn is_open_up_to(&self, last: u64) -> bool {
        self.numbers.open().iter().any(|open| open.line > self.before && open.line <= last)
    }

    /// The lines, in order.
    pub fn into_lines(self) -> Vec<LogLine> {
        let mut lines = Vec::from(self.lines);
        for line in &mut lines {
            line.ended = !self.numbers.is_open(line.number);
        }
        lines
    }
}
