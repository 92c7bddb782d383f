//! The Test Anything Protocol (<https://testanything.org>): tests that are `not
//! ok`, if the YAML below says where they are.

use solstice_model::AnnotationLevel;

use crate::place::Place;
use crate::sink::{Matcher, Remark, Sink};
use crate::text::push_line;

/// The most lines of one block that are read.
const MAX_LINES: usize = 500;

/// From `not ok` to the end of its block, `...`.
#[derive(Debug, Default)]
pub(crate) struct Tap {
    open: Option<Test>,
}

#[derive(Debug, Default)]
struct Test {
    name: String,
    /// Whether the block has begun.
    block: bool,
    lines: usize,
    file: String,
    line: Option<u32>,
    column: Option<u32>,
    text: String,
    /// The indentation of the key whose text of several lines follows.
    text_below: Option<usize>,
    /// Whether it failed only since a test within it did.
    outer: bool,
}

impl Matcher for Tap {
    fn line(&mut self, line: &str, sink: &mut Sink<'_>) {
        let inner = line.trim_start();
        if let Some(result) = inner.strip_prefix("not ok") {
            self.open = Test::begin(result);
            return;
        }
        let Some(test) = &mut self.open else { return };
        test.lines += 1;
        match inner {
            "---" if !test.block => test.block = true,
            "..." if test.block => self.tell(sink),
            // Perl writes what it has to say between the two.
            _ if !test.block && !inner.starts_with('#') => self.open = None,
            _ if test.lines > MAX_LINES => self.open = None,
            _ => test.key(inner, line.len() - inner.len()),
        }
    }

    fn end(&mut self, _: &mut Sink<'_>) {
        self.open = None;
    }
}

impl Tap {
    fn tell(&mut self, sink: &mut Sink<'_>) {
        let Some(test) = self.open.take().filter(|test| !test.outer) else { return };
        let Some(line) = test.line else { return };
        let message = if test.text.is_empty() { "not ok" } else { &test.text };
        let remark = Remark { level: AnnotationLevel::Failure, title: &test.name, message };
        sink.add(&Place { path: &test.file, line, column: test.column }, &remark);
    }
}

impl Test {
    /// `2 - two is three # TODO`: what is to be done or skipped does not fail.
    fn begin(result: &str) -> Option<Self> {
        let result = result.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
        let (name, directive) = result.split_once(" # ").unwrap_or((result, ""));
        let directive = directive.to_ascii_uppercase();
        if directive.starts_with("TODO") || directive.starts_with("SKIP") {
            return None;
        }
        let name = name.trim_start().trim_start_matches("- ").to_owned();
        Some(Self { name, ..Self::default() })
    }

    fn key(&mut self, inner: &str, indent: usize) {
        if let Some(above) = self.text_below {
            if indent > above || inner.is_empty() {
                push_line(&mut self.text, inner);
                return;
            }
            self.text_below = None;
        }
        let Some((key, value)) = inner.split_once(':') else { return };
        let value = unquote(value.trim());
        match key {
            "file" | "fileName" => value.clone_into(&mut self.file),
            "line" | "lineNumber" => self.line = value.parse().ok(),
            "column" => self.column = value.parse().ok(),
            "at" | "location" => self.place(value),
            "failureType" => self.outer = value == "subtestsFailed",
            "message" | "error" if matches!(value, "|-" | "|" | ">" | ">-") => {
                self.text.clear();
                self.text_below = Some(indent);
            }
            "message" | "error" => value.clone_into(&mut self.text),
            _ => {}
        }
    }

    /// `/a/b.js:3:1`, or that in parentheses after a function's name.
    fn place(&mut self, value: &str) {
        let inside = value.rsplit_once('(').map_or(value, |(_, rest)| rest.trim_end_matches(')'));
        if let Some(place) = Place::of(inside) {
            place.path.clone_into(&mut self.file);
            (self.line, self.column) = (Some(place.line), place.column);
        }
    }
}

fn unquote(value: &str) -> &str {
    let inside = |quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inside('\'').or_else(|| inside('"')).unwrap_or(value)
}
