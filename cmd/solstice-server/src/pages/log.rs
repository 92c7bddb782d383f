//! A part of an attempt's log, ready for a page: lines by step, bounded.
//!
//! Lines are numbered as `solstice-joblog` does, the same however much of the
//! log is shown, so `#L12` means the same line in every view. The script counts
//! on from here.

use std::collections::{HashMap, VecDeque};

use solstice_display::MAX_LINE_BYTES;
use solstice_joblog::{LineNumbers, Place};
use solstice_model::{AttemptId, Record, RecordBody, Stream};

use super::ansi::{self, Span};

/// The most lines of a page.
pub(crate) const MAX_LINES: usize = 500;

/// The most bytes of output of a page, all lines together.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A step, and the name of its stream.
type Source = (u32, &'static str);

const STDERR: &str = "stderr";

fn stream_name(stream: Stream) -> &'static str {
    match stream {
        Stream::Stdout => "stdout",
        Stream::Stderr => STDERR,
    }
}

/// One line as a page shows it.
#[derive(Clone, Debug)]
pub(crate) struct LineView {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// Class names after the line's own: ` err`, ` note` or nothing.
    pub(crate) kind: &'static str,
    /// The text.
    pub(crate) spans: Vec<Span>,
    /// `step/stream` if the line is not finished.
    pub(crate) open: Option<String>,
}

/// A line while it is collected.
#[derive(Clone, Debug)]
struct Line {
    number: u64,
    /// What wrote it; `None` for a note of the agent's.
    source: Option<Source>,
    bytes: Vec<u8>,
}

/// Takes an attempt's records one by one and keeps the last lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogTail {
    lines: VecDeque<Line>,
    bytes: usize,
    numbers: LineNumbers,
    /// The number of the line that each stream is in the middle of.
    open: HashMap<Source, u64>,
    last_seq: u64,
}

impl LogTail {
    /// The lines from a place of the log on.
    pub(crate) fn at(place: Place) -> Self {
        let last_seq = place.seq.saturating_sub(1);
        Self { numbers: place.numbers, last_seq, ..Self::default() }
    }

    /// How many lines have begun so far, those before its place included.
    pub(crate) fn lines(&self) -> u64 {
        self.numbers.lines()
    }

    /// Takes the next record.
    pub(crate) fn push(&mut self, record: &Record) {
        self.last_seq = record.seq;
        let number = self.numbers.note(&record.body);
        match (&record.body, number) {
            (RecordBody::Output { step, stream, chunk, newline }, Some(number)) => {
                let source = (*step, stream_name(*stream));
                self.add(number, Some(source), &chunk.0);
                if *newline {
                    self.open.remove(&source);
                } else {
                    self.open.insert(source, number);
                }
            }
            (RecordBody::Note { text }, Some(number)) => self.add(number, None, text.as_bytes()),
            (RecordBody::StepRetried { step, .. } | RecordBody::StepFinished { step, .. }, _) => {
                self.open.retain(|(open, _), _| open != step)
            }
            _ => {}
        }
    }

    /// Adds to a line, which it begins if it is the next one.
    fn add(&mut self, number: u64, source: Option<Source>, bytes: &[u8]) {
        if self.lines.back().is_none_or(|last| last.number < number) {
            self.lines.push_back(Line { number, source, bytes: Vec::new() });
        }
        self.extend(number, bytes);
        while self.lines.len() > MAX_LINES || (self.bytes > MAX_BYTES && self.lines.len() > 1) {
            self.bytes -= self.lines.pop_front().map_or(0, |line| line.bytes.len());
        }
    }

    fn extend(&mut self, number: u64, bytes: &[u8]) {
        let Some(first) = self.lines.front().map(|line| line.number) else { return };
        let at = number.checked_sub(first).and_then(|at| usize::try_from(at).ok());
        let Some(line) = at.and_then(|at| self.lines.get_mut(at)) else { return };
        let room = MAX_LINE_BYTES.saturating_sub(line.bytes.len()).min(bytes.len());
        line.bytes.extend_from_slice(&bytes[..room]);
        self.bytes += room;
    }

    /// What the page shows. `attempt` is the one that the records came from.
    pub(crate) fn finish(self, attempt: Option<AttemptId>) -> LogView {
        let lines = self.lines();
        let mut view = LogView {
            lines,
            cut: self.lines.front().map_or(0, |line| line.number - 1),
            after: attempt.map_or_else(String::new, |id| format!("{id}:{}", self.last_seq)),
            steps: HashMap::new(),
            notes: Vec::new(),
        };
        for line in self.lines {
            let is_open = |source: &_| self.open.get(source) == Some(&line.number);
            let shown = LineView {
                number: line.number,
                kind: match line.source {
                    Some((_, STDERR)) => " err",
                    Some(_) => "",
                    None => " note",
                },
                spans: ansi::spans(&line.bytes),
                open: line.source.filter(is_open).map(|(step, stream)| format!("{step}/{stream}")),
            };
            match line.source {
                Some((step, _)) => view.steps.entry(step).or_default().push(shown),
                None => view.notes.push(shown),
            }
        }
        view
    }
}

/// The log part of a page.
#[derive(Debug)]
pub(crate) struct LogView {
    /// Lines so far, those that are not shown included.
    pub(crate) lines: u64,
    /// How many of them, the first ones, are not shown.
    pub(crate) cut: u64,
    /// The place after which live events are to begin; empty at the start.
    pub(crate) after: String,
    /// The lines of each step.
    pub(crate) steps: HashMap<u32, Vec<LineView>>,
    /// The agent's own remarks.
    pub(crate) notes: Vec<LineView>,
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use solstice_model::id::new_id;

    use super::*;

    fn tail(bodies: Vec<RecordBody>) -> LogView {
        let mut tail = LogTail::default();
        for (seq, body) in (1..).zip(bodies) {
            tail.push(&Record { seq, at: DateTime::UNIX_EPOCH, body });
        }
        tail.finish(Some(new_id()))
    }

    fn output(stream: Stream, text: &str, newline: bool) -> RecordBody {
        RecordBody::Output { step: 0, stream, chunk: text.into(), newline }
    }

    fn texts(lines: &[LineView]) -> Vec<(u64, String)> {
        let text = |line: &LineView| line.spans.iter().map(|span| span.text.as_str()).collect();
        lines.iter().map(|line| (line.number, text(line))).collect()
    }

    #[test]
    fn parts_of_a_line_come_together_although_the_other_stream_wrote_between() {
        let view = tail(vec![
            output(Stream::Stdout, "com", false),
            output(Stream::Stderr, "warning", true),
            output(Stream::Stdout, "pil", false),
            output(Stream::Stdout, "ing", true),
            output(Stream::Stdout, "next", false),
        ]);
        let lines = &view.steps[&0];
        let expected = [(1, "compiling"), (2, "warning"), (3, "next")];
        assert_eq!(texts(lines), expected.map(|(number, text)| (number, text.to_owned())));
        assert_eq!(lines[1].kind, " err");
        assert_eq!(lines[0].open, None);
        assert_eq!(lines[2].open.as_deref(), Some("0/stdout"));
        assert!(view.after.ends_with(":5"));
    }

    #[test]
    fn a_long_log_keeps_its_end_and_its_numbers() {
        let many = MAX_LINES + 7;
        let view = tail((0..many).map(|n| output(Stream::Stdout, &n.to_string(), true)).collect());
        let lines = &view.steps[&0];
        assert_eq!((lines.len(), view.cut, view.lines), (MAX_LINES, 7, many as u64));
        assert_eq!(texts(&lines[..1]), [(8, "7".to_owned())]);
    }

    #[test]
    fn an_endless_line_and_large_lines_are_bounded() {
        let part = "x".repeat(32 * 1024);
        let view = tail((0..100).map(|_| output(Stream::Stdout, &part, false)).collect());
        assert_eq!(texts(&view.steps[&0])[0].1.len(), MAX_LINE_BYTES);
        let view = tail((0..1000).map(|_| output(Stream::Stdout, &part, true)).collect());
        assert_eq!(view.steps[&0].len(), MAX_BYTES / part.len());
    }

    #[test]
    fn a_step_that_ends_without_a_newline_ends_its_line() {
        let end =
            RecordBody::StepFinished { step: 0, exit: solstice_model::Exit::Code { code: 0 } };
        let view = tail(vec![output(Stream::Stdout, "$ ", false), end]);
        assert_eq!(view.steps[&0][0].open, None);
    }
}
