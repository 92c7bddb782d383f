//! Perl's Test::More, which says in comments of TAP where a test failed:
//!
//! ```text
//! #   Failed test 'two is three'
//! #   at t/a.t line 3.
//! #          got: '2'
//! #     expected: '3'
//! ```

use solstice_model::AnnotationLevel;

use crate::place::Place;
use crate::sink::{Matcher, Remark, Sink};
use crate::text::push_line;

/// The most lines of one failure.
const MAX_LINES: usize = 50;

/// From `Failed test` to the last comment that is indented.
#[derive(Debug, Default)]
pub(crate) struct Perl {
    open: Option<Failure>,
}

#[derive(Debug, Default)]
struct Failure {
    name: String,
    place: Option<(String, u32)>,
    text: String,
    lines: usize,
}

impl Matcher for Perl {
    fn line(&mut self, line: &str, sink: &mut Sink<'_>) {
        let Some(said) = line.trim_start().strip_prefix("#   ") else {
            self.end(sink);
            return;
        };
        if let Some(rest) = said.strip_prefix("Failed test") {
            self.end(sink);
            // A test without a name has its place on the same line.
            let place = rest.trim_start().strip_prefix("at ").and_then(place);
            let name = if place.is_some() { "" } else { rest.trim() };
            let name = name.trim_matches('\'').to_owned();
            self.open = Some(Failure { name, place, ..Failure::default() });
        } else if let Some(failure) = &mut self.open {
            failure.lines += 1;
            match said.strip_prefix("at ").and_then(place) {
                Some(found) if failure.place.is_none() => failure.place = Some(found),
                _ if failure.lines < MAX_LINES => push_line(&mut failure.text, said.trim()),
                _ => {}
            }
        }
    }

    fn end(&mut self, sink: &mut Sink<'_>) {
        let Some(Failure { name, place, text, .. }) = self.open.take() else { return };
        let Some((path, line)) = place else { return };
        let message = if text.is_empty() { "not ok" } else { &text };
        let remark = Remark { level: AnnotationLevel::Failure, title: &name, message };
        sink.add(&Place::new(&path, line), &remark);
    }
}

/// `t/a.t line 3.`
fn place(text: &str) -> Option<(String, u32)> {
    let (path, line) = text.strip_suffix('.')?.rsplit_once(" line ")?;
    Some((path.to_owned(), line.parse().ok()?))
}
