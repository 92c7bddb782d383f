//! pytest: what it shows of each failed test, or else its short summary.

use std::collections::HashSet;

use solstice_model::AnnotationLevel;

use crate::place::Place;
use crate::sink::{Matcher, Remark, Sink};
use crate::text::push_line;

/// The most failed tests that are remembered until the summary.
const MAX_TOLD: usize = 10_000;

/// Reads the sections `FAILURES` and `ERRORS` and the summary, whatever `--tb` is.
///
/// ```text
/// ____________ test_half ____________
/// …
/// E       assert 2 == 3
///
/// tests/test_a.py:7: AssertionError
/// ```
#[derive(Debug, Default)]
pub(crate) struct Pytest {
    section: Section,
    /// The test whose failure is shown.
    test: Option<String>,
    /// The innermost place in the source so far.
    place: Option<(String, u32)>,
    text: String,
    /// Whether the line before was a part of the text.
    in_text: bool,
    told: HashSet<String>,
    /// Whether failures were shown that do not say of which test they are.
    nameless: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Section {
    #[default]
    Other,
    Failures,
    Summary,
}

impl Matcher for Pytest {
    fn line(&mut self, line: &str, sink: &mut Sink<'_>) {
        if let Some(heading) = between(line, '=') {
            self.flush(sink);
            self.section = match heading {
                "FAILURES" | "ERRORS" => Section::Failures,
                "short test summary info" => Section::Summary,
                _ => Section::Other,
            };
            if self.section == Section::Other {
                *self = Self::default();
            }
            return;
        }
        match self.section {
            Section::Other => {}
            Section::Failures => self.failure(line, sink),
            Section::Summary => self.summary(line, sink),
        }
    }

    fn end(&mut self, sink: &mut Sink<'_>) {
        self.flush(sink);
        *self = Self::default();
    }
}

impl Pytest {
    fn failure(&mut self, line: &str, sink: &mut Sink<'_>) {
        if let Some(test) = between(line, '_') {
            self.flush(sink);
            self.test = Some(test.to_owned());
        } else if let Some(text) = line.strip_prefix("E ").or((line == "E").then_some("")) {
            if !self.in_text {
                self.text.clear();
            }
            push_line(&mut self.text, text.trim_start());
            self.in_text = true;
            return;
        } else if let Some((place, said)) = Place::begins(line) {
            if let Some(path) = sink.resolve(place.path) {
                self.place = Some((path, place.line));
            }
            // `--tb=line` has one line for each, and no headings.
            if self.test.is_none() {
                self.nameless = true;
                if self.text.is_empty() {
                    push_line(&mut self.text, said.trim());
                }
                self.flush(sink);
            }
        }
        self.in_text = false;
    }

    /// The failure that was shown is over.
    fn flush(&mut self, sink: &mut Sink<'_>) {
        let (test, place) = (self.test.take(), self.place.take());
        let text = std::mem::take(&mut self.text);
        self.in_text = false;
        let Some((path, line)) = place else { return };
        let test = test.unwrap_or_default();
        let message = if text.is_empty() { "failed" } else { &text };
        tell(sink, &path, line, &test, message);
        if self.told.len() < MAX_TOLD {
            self.told.insert(name(&test).to_owned());
        }
    }

    /// `FAILED tests/test_a.py::test_half - assert 2 == 3`, for what was not shown.
    fn summary(&mut self, line: &str, sink: &mut Sink<'_>) {
        let rest = line.strip_prefix("FAILED ").or_else(|| line.strip_prefix("ERROR "));
        let Some(rest) = rest.filter(|_| !self.nameless) else { return };
        let (id, message) = rest.split_once(" - ").unwrap_or((rest, "failed"));
        let (file, test) = id.split_once("::").unwrap_or((id, id));
        let test = test.replace("::", ".");
        if !self.told.contains(&test)
            && file.ends_with(".py")
            && let Some(path) = sink.resolve(file)
        {
            tell(sink, &path, 1, &test, message);
        }
    }
}

fn tell(sink: &mut Sink<'_>, path: &str, line: u32, title: &str, message: &str) {
    let path = sink.workspace.absolute(path);
    let remark = Remark { level: AnnotationLevel::Failure, title, message };
    sink.add(&Place::new(&path, line), &remark);
}

/// The name alone of `ERROR at setup of test_a`.
fn name(heading: &str) -> &str {
    let before = ["ERROR collecting ", "ERROR at setup of ", "ERROR at teardown of "];
    before.iter().find_map(|words| heading.strip_prefix(words)).unwrap_or(heading)
}

/// What is between rules of this character: `=== FAILURES ===`.
fn between(line: &str, rule: char) -> Option<&str> {
    let heading = line.strip_prefix(rule)?.trim_start_matches(rule).strip_prefix(' ')?;
    let heading = heading.strip_suffix(rule)?.trim_end_matches(rule).strip_suffix(' ')?;
    let is_rule = heading.chars().all(|c| c == rule || c == ' ');
    (!is_rule).then_some(heading)
}
