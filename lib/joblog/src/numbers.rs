//! How the lines of an attempt's output are numbered.

use solstice_model::{RecordBody, Stream};

/// The most lines that are unfinished at the same time: steps follow each other,
/// and each has two streams. Of more, the oldest is taken for finished.
pub(crate) const MAX_OPEN: usize = 4;

/// Counts lines, record by record.
///
/// Lines count from 1 through the whole attempt, in the order in which they
/// began. A line that comes in several records is one line, although others may
/// be written between; a note is a line; where steps begin and end is none.
/// The number of a line is the same in every view of a log.
///
/// ```
/// use solstice_joblog::LineNumbers;
/// use solstice_model::{RecordBody, Stream};
///
/// let mut numbers = LineNumbers::default();
/// let part = |stream, text: &str, newline| RecordBody::Output {
///     step: 0, stream, chunk: text.into(), newline,
/// };
/// assert_eq!(numbers.note(&part(Stream::Stdout, "com", false)), Some(1));
/// assert_eq!(numbers.note(&part(Stream::Stderr, "warning", true)), Some(2));
/// assert_eq!(numbers.note(&part(Stream::Stdout, "piling", true)), Some(1));
/// assert_eq!(numbers.lines(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineNumbers {
    lines: u64,
    open: Vec<OpenLine>,
}

/// A line that goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenLine {
    pub(crate) step: u32,
    pub(crate) stream: Stream,
    /// Its number.
    pub(crate) line: u64,
}

/// What a record is to the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Output {
        step: u32,
        stream: Stream,
        newline: bool,
    },
    Note,
    Begin {
        step: u32,
    },
    /// One try of a step ends, and it goes on.
    Again {
        step: u32,
    },
    End {
        step: u32,
    },
    /// Neither lines nor steps.
    Other,
}

impl Mark {
    pub(crate) fn of(body: &RecordBody) -> Self {
        match body {
            RecordBody::Output { step, stream, newline, .. } => {
                Mark::Output { step: *step, stream: *stream, newline: *newline }
            }
            RecordBody::Note { .. } => Mark::Note,
            RecordBody::StepStarted { step } => Mark::Begin { step: *step },
            RecordBody::StepRetried { step, .. } => Mark::Again { step: *step },
            RecordBody::StepFinished { step, .. } => Mark::End { step: *step },
            RecordBody::StepSkipped { .. } | RecordBody::Finished { .. } => Mark::Other,
        }
    }
}

impl LineNumbers {
    /// The state after so many lines, of which some go on.
    pub(crate) fn at(lines: u64, open: Vec<OpenLine>) -> Self {
        Self { lines, open }
    }

    /// How many lines have begun so far.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Whether some line goes on.
    pub fn within_a_line(&self) -> bool {
        !self.open.is_empty()
    }

    /// Whether this line goes on.
    pub fn is_open(&self, line: u64) -> bool {
        self.open.iter().any(|open| open.line == line)
    }

    pub(crate) fn open(&self) -> &[OpenLine] {
        &self.open
    }

    /// Takes the next record and gives the number of the line that it is of;
    /// `None` if it is of none.
    pub fn note(&mut self, body: &RecordBody) -> Option<u64> {
        self.mark(Mark::of(body))
    }

    pub(crate) fn mark(&mut self, mark: Mark) -> Option<u64> {
        match mark {
            Mark::Output { step, stream, newline } => Some(self.output(step, stream, newline)),
            Mark::Note => {
                self.lines += 1;
                Some(self.lines)
            }
            Mark::Again { step } | Mark::End { step } => {
                self.open.retain(|open| open.step != step);
                None
            }
            Mark::Begin { .. } | Mark::Other => None,
        }
    }

    fn output(&mut self, step: u32, stream: Stream, newline: bool) -> u64 {
        let known = self.open.iter().position(|open| (open.step, open.stream) == (step, stream));
        if let Some(at) = known {
            let line = self.open[at].line;
            if newline {
                self.open.remove(at);
            }
            return line;
        }
        self.lines += 1;
        if !newline {
            if self.open.len() == MAX_OPEN {
                self.open.remove(0);
            }
            self.open.push(OpenLine { step, stream, line: self.lines });
        }
        self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_lines_are_open_whatever_is_written() {
        let mut numbers = LineNumbers::default();
        for step in 0..100 {
            let mark = Mark::Output { step, stream: Stream::Stdout, newline: false };
            assert_eq!(numbers.mark(mark), Some(u64::from(step) + 1));
        }
        assert_eq!(numbers.open().len(), MAX_OPEN);
        let last = Mark::Output { step: 99, stream: Stream::Stdout, newline: true };
        assert_eq!(numbers.mark(last), Some(100));
    }

    #[test]
    fn a_step_that_ends_ends_its_lines() {
        let mut numbers = LineNumbers::default();
        let part = Mark::Output { step: 0, stream: Stream::Stdout, newline: false };
        numbers.mark(part);
        assert!(numbers.within_a_line());
        assert_eq!(numbers.mark(Mark::End { step: 0 }), None);
        assert!(!numbers.within_a_line());
        assert_eq!(numbers.mark(part), Some(2));
    }
}
