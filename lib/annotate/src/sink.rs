//! What matchers see of the outside, and what they give.

use solstice_model::{Annotation, AnnotationLevel};

use crate::findings::Findings;
use crate::place::Place;
use crate::text;
use crate::workspace::Workspace;

/// Recognises what one kind of tool prints. It sees every line of a stream,
/// without its newline and without escape sequences, and is harmless to the
/// others: each looks for itself.
pub(crate) trait Matcher: std::fmt::Debug + Send {
    /// Takes the next line.
    fn line(&mut self, line: &str, sink: &mut Sink<'_>);

    /// The stream is over.
    fn end(&mut self, sink: &mut Sink<'_>);
}

/// Where matchers put what they find.
pub(crate) struct Sink<'a> {
    pub(crate) workspace: &'a Workspace,
    /// Where the tool runs, if it was said.
    pub(crate) dir: Option<&'a str>,
    pub(crate) findings: &'a mut Findings,
}

/// What a tool says, not yet bounded.
#[derive(Debug)]
pub(crate) struct Remark<'a> {
    pub(crate) level: AnnotationLevel,
    pub(crate) title: &'a str,
    pub(crate) message: &'a str,
}

impl Sink<'_> {
    /// The path from the source's root, if there is one.
    pub(crate) fn resolve(&self, path: &str) -> Option<String> {
        self.workspace.resolve(self.dir, path)
    }

    /// Notes a remark on a place, if that is in the source; says whether it is.
    pub(crate) fn add(&mut self, place: &Place<'_>, remark: &Remark<'_>) -> bool {
        let Some(path) = self.resolve(place.path) else { return false };
        if let Some(annotation) = annotation(path, place.line, place.column, remark) {
            self.findings.add(annotation);
        }
        true
    }
}

/// A remark within its bounds; `None` if it says nothing.
pub(crate) fn annotation(
    path: String,
    line: u32,
    column: Option<u32>,
    remark: &Remark<'_>,
) -> Option<Annotation> {
    let title = text::title(remark.title);
    let message = text::message(remark.message);
    let message = if message.is_empty() { title.clone() } else { message };
    if message.is_empty() || line == 0 {
        return None;
    }
    let column = column.filter(|column| *column > 0);
    Some(Annotation { path, line, end_line: line, column, level: remark.level, title, message })
}
