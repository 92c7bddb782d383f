//! rustc, alone or under cargo and clippy.
//!
//! ```text
//! error[E0308]: mismatched types
//!   --> src/lib.rs:29:21
//!    |
//! 29 |     let text: u32 = "three";
//!    |               ---   ^^^^^^^ expected `u32`, found `&str`
//! ```

use solstice_model::AnnotationLevel;

use crate::place::Place;
use crate::sink::{Matcher, Remark, Sink};
use crate::text::push_line;

/// The most lines that one message may have.
const MAX_LINES: usize = 200;

/// From the line that says what is wrong to the blank line after it.
#[derive(Debug, Default)]
pub(crate) struct Rustc {
    open: Option<Message>,
}

#[derive(Debug)]
struct Message {
    level: AnnotationLevel,
    /// The error's code or the lint's name.
    title: String,
    /// What is wrong, and what is written below the place.
    text: String,
    place: Option<(String, u32, Option<u32>)>,
    labelled: bool,
    lines: usize,
    /// A note with a place of its own has begun.
    rest: bool,
}

impl Matcher for Rustc {
    fn line(&mut self, line: &str, sink: &mut Sink<'_>) {
        if let Some(message) = Message::begin(line) {
            self.end(sink);
            self.open = Some(message);
        } else if line.is_empty() {
            self.end(sink);
        } else if let Some(message) = &mut self.open {
            message.lines += 1;
            if message.lines > MAX_LINES {
                self.end(sink);
            } else {
                message.line(line);
            }
        }
    }

    fn end(&mut self, sink: &mut Sink<'_>) {
        let Some(Message { level, title, text, place, .. }) = self.open.take() else { return };
        let Some((path, line, column)) = place else { return };
        let remark = Remark { level, title: &title, message: &text };
        sink.add(&Place { path: &path, line, column }, &remark);
    }
}

impl Message {
    fn begin(line: &str) -> Option<Self> {
        let (level, rest) = match line.strip_prefix("error") {
            Some(rest) => (AnnotationLevel::Failure, rest),
            None => (AnnotationLevel::Warning, line.strip_prefix("warning")?),
        };
        let (code, text) = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once("]: ")?,
            None => ("", rest.strip_prefix(": ")?),
        };
        let (title, text) = (code.to_owned(), text.to_owned());
        Some(Self { level, title, text, place: None, labelled: false, lines: 0, rest: false })
    }

    fn line(&mut self, line: &str) {
        let inner = line.trim_start();
        if self.place.is_none() {
            match inner.strip_prefix("--> ") {
                Some(place) => {
                    let place = Place::of(place);
                    self.place = place.map(|it| (it.path.to_owned(), it.line, it.column));
                }
                None => push_line(&mut self.text, line),
            }
        } else if let Some(note) = inner.strip_prefix("= ") {
            if self.title.is_empty() {
                self.title = lint(note).unwrap_or_default();
            }
        } else if line.starts_with("note: ") || line.starts_with("help: ") {
            self.rest = true;
        } else if let Some(label) = label(inner)
            && !self.labelled
            && !self.rest
        {
            self.labelled = true;
            push_line(&mut self.text, label);
        }
    }
}

/// What is written behind the mark below a line of source.
fn label(line: &str) -> Option<&str> {
    let below = line.strip_prefix("| ")?;
    let from_mark = &below[below.find('^')?..];
    let label = from_mark.trim_start_matches('^').trim_start();
    let is_mark = label.starts_with(['-', '_', '|']);
    (!label.is_empty() && !is_mark).then_some(label)
}

/// The lint that a note or a help names.
fn lint(note: &str) -> Option<String> {
    let between = |before: &str, after: char| {
        let rest = &note[note.find(before)? + before.len()..];
        rest.split(after).next().map(str::to_owned)
    };
    let by_level = ["#[warn(", "#[deny(", "#[forbid("];
    by_level
        .iter()
        .find_map(|level| between(level, ')'))
        .or_else(|| between("note: `-D ", '`').map(|name| name.replace('-', "_")))
        .or_else(|| between("/rust-clippy/", ' ').and_then(|url| clippy(&url)))
}

fn clippy(url: &str) -> Option<String> {
    url.split_once('#').map(|(_, name)| format!("clippy::{name}"))
}
