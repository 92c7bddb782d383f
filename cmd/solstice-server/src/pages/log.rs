//! A window of an attempt's log, ready for a page: lines by step, bounded.
//!
//! The page works with these alone; the script takes them as the first of the
//! lines that it shows, and asks for others as they come into sight.

use std::collections::HashMap;

use dropshot::HttpError;
use solstice_api::user::{LineSpan, LogLine};
use solstice_model::{AttemptId, Stream};

use super::format::iso;
use crate::context::Context;
use crate::error::from_log;
use crate::user::lines::shown;

/// The most lines of a page.
pub(crate) const MAX_LINES: u64 = 500;

/// One line as a page shows it.
#[derive(Clone, Debug)]
pub(crate) struct LineView {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// Class names after the line's own: ` err`, ` note` or nothing.
    pub(crate) kind: &'static str,
    /// When it began, by the guest's clock.
    pub(crate) at: String,
    /// The text.
    pub(crate) spans: Vec<LineSpan>,
    /// Whether it has more than is shown.
    pub(crate) cut: bool,
}

impl LineView {
    fn new(line: LogLine) -> Self {
        let kind = match line.stream {
            Some(Stream::Stderr) => " err",
            Some(Stream::Stdout) => "",
            None => " note",
        };
        let LogLine { number, at, spans, cut, .. } = line;
        Self { number, kind, at: iso(at), spans: spans.unwrap_or_default(), cut }
    }
}

/// The log part of a page.
#[derive(Debug, Default)]
pub(crate) struct LogView {
    /// How many lines the log has.
    pub(crate) total: u64,
    /// The first and the last line that are shown; 0 if there are none.
    pub(crate) first: u64,
    /// See `first`.
    pub(crate) last: u64,
    /// The place after which live events are to begin; empty at the start.
    pub(crate) after: String,
    /// The lines of each step.
    pub(crate) steps: HashMap<u32, Vec<LineView>>,
    /// The agent's own remarks.
    pub(crate) notes: Vec<LineView>,
}

impl LogView {
    /// Reads the lines of the window that `line` is in, or the last ones. However
    /// long the log and its lines are, only that part of it is read.
    pub(crate) async fn read(
        context: &Context,
        attempt: AttemptId,
        line: Option<u64>,
    ) -> Result<Self, HttpError> {
        let total = context.logs.extent(attempt).await.map_err(from_log)?.lines;
        let end = total.saturating_sub(MAX_LINES - 1).max(1);
        // The last window is the end of the log, which goes on.
        let first = line.map(|line| line.saturating_sub(1) / MAX_LINES * MAX_LINES + 1);
        let first = first.map_or(end, |first| first.min(end));
        let count = usize::try_from(MAX_LINES).expect("a page is small");
        let window = context.logs.window(attempt, first, count).await.map_err(from_log)?;
        let mut view = Self {
            total: window.total,
            first: window.lines.first().map_or(0, |line| line.number),
            last: window.lines.last().map_or(0, |line| line.number),
            after: format!("{attempt}:{}", window.last_seq),
            ..Self::default()
        };
        for line in window.lines {
            let step = line.step;
            let line = LineView::new(shown(line, true));
            match step {
                Some(step) => view.steps.entry(step).or_default().push(line),
                None => view.notes.push(line),
            }
        }
        Ok(view)
    }

    /// A line of the window before, if there is one.
    pub(crate) fn earlier(&self) -> Option<u64> {
        self.first.checked_sub(1).filter(|line| *line > 0)
    }

    /// A line of the window after, if there is one.
    pub(crate) fn later(&self) -> Option<u64> {
        (self.last < self.total).then_some(self.last + 1)
    }
}
