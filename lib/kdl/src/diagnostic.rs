//! What is wrong with a file, and where: for a terminal, an annotation or an API.

use std::cell::RefCell;
use std::fmt;

use miette::{LabeledSpan, SourceSpan};

use crate::source::Source;

/// The most diagnostics that one file gets; the rest is only counted.
pub const MAX_DIAGNOSTICS: usize = 20;

/// After so many that are not shown, values are not looked at any more: finding
/// out what was meant costs more than it helps.
const FLOOD: usize = 20;

/// One thing that is wrong at one place, before it is tied to its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    span: SourceSpan,
    message: String,
    label: String,
    help: Option<String>,
}

impl Problem {
    /// A problem with the bytes of this span; the message is one lower-case line.
    pub fn new(span: SourceSpan, message: impl Into<String>) -> Self {
        Self { span, message: harmless(message), label: "here".to_owned(), help: None }
    }

    /// Says, beside the marked bytes, what they are.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = harmless(label);
        self
    }

    /// Says what to write instead.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(harmless(help));
        self
    }

    /// The marked bytes.
    pub fn span(&self) -> SourceSpan {
        self.span
    }

    /// What is wrong, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// A text on one line: it may come from somebody else's `Display`, with a
/// stranger's text in it.
fn harmless(text: impl Into<String>) -> String {
    text.into().replace(char::is_control, " ")
}

/// A [`Problem`] in its file.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    problem: Problem,
    source: Source,
    line: usize,
    column: usize,
}

impl Diagnostic {
    fn new(problem: Problem, source: &Source) -> Self {
        let (line, column) = source.place(problem.span.offset());
        Self { problem, source: source.clone(), line, column }
    }

    /// The line of the first marked byte, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The character of that line at which the mark begins, from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// The marked bytes of the file.
    pub fn span(&self) -> SourceSpan {
        self.problem.span
    }

    /// What is wrong, in one line.
    pub fn message(&self) -> &str {
        &self.problem.message
    }

    /// What to write instead, if that is known.
    pub fn help(&self) -> Option<&str> {
        self.problem.help.as_deref()
    }

    /// `file:line:column: message (help)`, one line of plain text.
    pub fn one_line(&self) -> String {
        let (file, line, column) = (self.source.file_name(), self.line, self.column);
        match &self.problem.help {
            Some(help) => format!("{file}:{line}:{column}: {self} ({help})"),
            None => format!("{file}:{line}:{column}: {self}"),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Diagnostic {}

impl miette::Diagnostic for Diagnostic {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.problem.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        // A file that was refused for its size is not shown.
        (!self.source.text().is_empty()).then_some(self.source.named() as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = Some(self.problem.label.clone());
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(label, self.problem.span))))
    }
}

/// All that is wrong with one file: at least one diagnostic, in the file's order.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    source: Source,
    list: Vec<Diagnostic>,
    omitted: usize,
}

impl Diagnostics {
    /// The diagnostics, at most [`MAX_DIAGNOSTICS`].
    pub fn list(&self) -> &[Diagnostic] {
        &self.list
    }

    /// How many more there were.
    pub fn omitted(&self) -> usize {
        self.omitted
    }

    /// The name of the file, as it was given.
    pub fn file_name(&self) -> &str {
        self.source.file_name()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.list.len() + self.omitted;
        let problems = if count == 1 { "problem" } else { "problems" };
        write!(f, "{} has {count} {problems}", self.file_name())?;
        if self.omitted > 0 {
            write!(f, ", of which {} are shown", self.list.len())?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

impl miette::Diagnostic for Diagnostics {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        Some(Box::new(self.list.iter().map(|one| one as &dyn miette::Diagnostic)))
    }
}

/// Collects the problems of one file, with a bound.
///
/// A cell, because a reader and the readers of its children report into the
/// same list.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    found: RefCell<(Vec<Problem>, usize)>,
}

impl Sink {
    pub(crate) fn report(&self, problem: Problem) {
        let (list, omitted) = &mut *self.found.borrow_mut();
        if list.len() < MAX_DIAGNOSTICS { list.push(problem) } else { *omitted += 1 }
    }

    /// Whether there is so much wrong that nobody wants to know more.
    pub(crate) fn is_flooded(&self) -> bool {
        self.found.borrow().1 >= FLOOD
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.borrow().0.is_empty()
    }

    /// `Ok` if nothing was reported.
    pub(crate) fn into_result(self, source: &Source) -> Result<(), Diagnostics> {
        let (mut list, omitted) = self.found.into_inner();
        if list.is_empty() {
            return Ok(());
        }
        list.sort_by_key(|problem| problem.span.offset());
        let list = list.into_iter().map(|problem| Diagnostic::new(problem, source)).collect();
        Err(Diagnostics { source: source.clone(), list, omitted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Document, Limits};

    #[test]
    fn problems_come_in_the_order_of_the_file_and_are_bounded() {
        let text = "a\n".repeat(30);
        let document = Document::parse("many.kdl", text.as_bytes(), Limits::default()).unwrap();
        let wrong = document.decode(|_| Some(())).unwrap_err();
        assert_eq!((wrong.list().len(), wrong.omitted()), (MAX_DIAGNOSTICS, 10));
        assert!(wrong.list().is_sorted_by_key(Diagnostic::line));
        assert_eq!(wrong.to_string(), "many.kdl has 30 problems, of which 20 are shown");
    }

    #[test]
    fn escape_codes_in_a_name_reach_no_terminal() {
        let document = Document::parse("x.kdl", br#""\u{1b}[31m" {}"#, Limits::default()).unwrap();
        let wrong = document
            .decode(|top| {
                let mut named = top.other_children().remove(0);
                named.required_arg("a value", crate::value::string)
            })
            .unwrap_err();
        assert!(!wrong.list()[0].one_line().contains('\u{1b}'), "{:?}", wrong.list()[0]);
        let problem = Problem::new((0..0).into(), "a\n").label("\u{1b}").help("\r");
        assert_eq!(
            (problem.message(), &*problem.label, problem.help.as_deref()),
            ("a ", " ", Some(" "))
        );
    }

    #[test]
    fn one_line_has_place_reason_and_help() {
        let document = Document::parse("x.kdl", b"\n  job", Limits::default()).unwrap();
        let wrong = document
            .decode(|top| {
                top.reserved(&["job"], "wait for the next version");
                Some(())
            })
            .unwrap_err();
        assert_eq!(
            wrong.list()[0].one_line(),
            "x.kdl:2:3: `job` is not supported by this version (wait for the next version)"
        );
    }
}
