//! Rust's panics, most of them of tests:
//! `thread 'tests::a' (17) panicked at src/lib.rs:15:9:`, then the message.

use solstice_model::AnnotationLevel;

use crate::place::Place;
use crate::sink::{Matcher, Remark, Sink};
use crate::text::push_line;

/// The most lines of a message that are kept.
const MAX_LINES: usize = 30;

/// From the line with the place to the note on backtraces.
#[derive(Debug, Default)]
pub(crate) struct Panics {
    open: Option<Panic>,
}

#[derive(Debug)]
struct Panic {
    thread: String,
    path: String,
    line: u32,
    column: Option<u32>,
    text: String,
    lines: usize,
    /// By how much the tool that shows it moves it to the right.
    indent: usize,
}

impl Matcher for Panics {
    fn line(&mut self, line: &str, sink: &mut Sink<'_>) {
        if let Some(panic) = Panic::begin(line) {
            self.end(sink);
            self.open = Some(panic);
            return;
        }
        let Some(panic) = &mut self.open else { return };
        let text = line.get(panic.indent..).unwrap_or_default();
        let over = text.is_empty() || text.starts_with("note: ") || text == "stack backtrace:";
        if over || panic.lines == MAX_LINES {
            self.end(sink);
        } else {
            panic.lines += 1;
            push_line(&mut panic.text, text);
        }
    }

    fn end(&mut self, sink: &mut Sink<'_>) {
        let Some(Panic { thread, path, line, column, text, .. }) = self.open.take() else { return };
        let message = if text.is_empty() { "panicked" } else { &text };
        let title = if thread == "main" { "" } else { thread.as_str() };
        let level = AnnotationLevel::Failure;
        sink.add(&Place { path: &path, line, column }, &Remark { level, title, message });
    }
}

impl Panic {
    fn begin(line: &str) -> Option<Self> {
        let inner = line.trim_start();
        let rest = inner.strip_prefix("thread '")?;
        let (thread, place) = rest.split_once(" panicked at ")?;
        let thread = thread.rsplit_once('\'')?.0;
        let place = Place::of(place.strip_suffix(':')?)?;
        Some(Self {
            thread: thread.to_owned(),
            path: place.path.to_owned(),
            line: place.line,
            column: place.column,
            text: String::new(),
            lines: 0,
            indent: line.len() - inner.len(),
        })
    }
}
