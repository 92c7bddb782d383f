//! JUnit XML, as test runners write it: the failures and errors of test cases.
//!
//! There is no standard; this reads what Ant, Maven, pytest, gotestsum,
//! cargo-nextest and Node have in common
//! (<https://github.com/testmoapp/junitxml>). Documents with a type declaration
//! or entities of their own are refused.

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use solstice_model::{Annotation, AnnotationLevel};

use crate::place::Place;
use crate::sink::{Remark, annotation};
use crate::text::push_line;
use crate::workspace::Workspace;

/// The largest report that is read, in bytes.
pub const MAX_REPORT_BYTES: usize = 16 * 1024 * 1024;

/// The deepest nesting of elements.
const MAX_DEPTH: usize = 64;

/// The most failures of one report that are looked at.
const MAX_FAILURES: usize = 10_000;

/// The most of a failure's text that is looked at, in bytes.
const MAX_TEXT_BYTES: usize = 256 * 1024;

/// Why a report is not read.
#[derive(Debug, thiserror::Error)]
pub enum BadReport {
    /// It is too large.
    #[error("a report has at most {MAX_REPORT_BYTES} bytes, this one has {bytes}")]
    TooLarge {
        /// How large.
        bytes: usize,
    },
    /// It is not UTF-8.
    #[error("a report is UTF-8")]
    NotUtf8(#[source] std::str::Utf8Error),
    /// It is not XML.
    #[error("it is not XML at byte {offset}")]
    Malformed {
        /// Where.
        offset: u64,
        /// What is wrong.
        #[source]
        source: quick_xml::Error,
    },
    /// It has what could refer to other files or grow without bounds.
    #[error("it has a type declaration or entities of its own at byte {offset}")]
    Entities {
        /// Where.
        offset: u64,
    },
    /// Its elements are nested too deeply.
    #[error("its elements are nested more than {MAX_DEPTH} deep")]
    TooDeep,
}

/// The failures of a report, as far as they say where in the source they are.
///
/// # Errors
///
/// [`BadReport`]; nothing of such a report is taken.
pub fn junit(report: &[u8], workspace: &Workspace) -> Result<Vec<Annotation>, BadReport> {
    if report.len() > MAX_REPORT_BYTES {
        return Err(BadReport::TooLarge { bytes: report.len() });
    }
    let text = std::str::from_utf8(report).map_err(BadReport::NotUtf8)?;
    let mut reader = Reader::from_str(text);
    let mut cases = Cases { workspace, open: None, found: Vec::new() };
    let mut depth = 0usize;
    loop {
        let event = reader.read_event();
        let offset = reader.buffer_position();
        let malformed = |source| BadReport::Malformed { offset, source };
        match event.map_err(malformed)? {
            Event::Start(element) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(BadReport::TooDeep);
                }
                cases.begin(&element).map_err(malformed)?;
            }
            Event::Empty(element) => {
                cases.begin(&element).map_err(malformed)?;
                cases.end(element.local_name().as_ref());
            }
            Event::End(element) => {
                depth = depth.saturating_sub(1);
                cases.end(element.local_name().as_ref());
            }
            Event::Text(text) => cases.text(&text.xml10_content()),
            Event::CData(text) => cases.text(&text.xml10_content()),
            Event::GeneralRef(reference) => {
                cases.text(&character(&reference).ok_or(BadReport::Entities { offset })?);
            }
            Event::DocType(_) => return Err(BadReport::Entities { offset }),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
            Event::Eof => return Ok(cases.found),
        }
    }
}

/// What `&amp;` or `&#10;` stands for.
fn character(reference: &BytesRef<'_>) -> Option<String> {
    if reference.is_char_ref() {
        return reference.resolve_char_ref().ok().flatten().map(String::from);
    }
    quick_xml::escape::resolve_predefined_entity(&reference.xml10_content()).map(str::to_owned)
}

/// Goes through the test cases.
struct Cases<'a> {
    workspace: &'a Workspace,
    open: Option<Case>,
    found: Vec<Annotation>,
}

/// A test case that is being read.
#[derive(Default)]
struct Case {
    name: String,
    class: String,
    file: Option<String>,
    line: Option<u32>,
    skipped: bool,
    failures: Vec<Failure>,
    /// Whether text belongs to the last failure.
    in_failure: bool,
}

#[derive(Default)]
struct Failure {
    message: String,
    text: String,
}

impl Cases<'_> {
    fn begin(&mut self, element: &BytesStart<'_>) -> Result<(), quick_xml::Error> {
        let name = element.local_name();
        if name.as_ref() == "testcase" {
            let mut case = Case::default();
            each_attribute(element, |name, value| match name {
                "name" => case.name = value,
                "classname" => case.class = value,
                "file" => case.file = Some(value),
                "line" => case.line = value.parse().ok(),
                _ => {}
            })?;
            self.open = Some(case);
        } else if let Some(case) = &mut self.open {
            match name.as_ref() {
                "failure" | "error" => {
                    let mut failure = Failure::default();
                    each_attribute(element, |name, value| {
                        if name == "message" {
                            failure.message = value;
                        }
                    })?;
                    case.failures.push(failure);
                    case.in_failure = true;
                }
                "skipped" => case.skipped = true,
                _ => {}
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        let Some(case) = self.open.as_mut().filter(|case| case.in_failure) else { return };
        let Some(failure) = case.failures.last_mut() else { return };
        let room = MAX_TEXT_BYTES.saturating_sub(failure.text.len());
        failure.text.push_str(&text[..text.floor_char_boundary(room)]);
    }

    fn end(&mut self, name: &str) {
        match name {
            "failure" | "error" => {
                if let Some(case) = &mut self.open {
                    case.in_failure = false;
                }
            }
            "testcase" => {
                let Some(case) = self.open.take().filter(|case| !case.skipped) else { return };
                let room = MAX_FAILURES.saturating_sub(self.found.len());
                let failures = case.failures.iter().take(room);
                let found = failures.filter_map(|failure| case.tell(failure, self.workspace));
                self.found.extend(found);
            }
            _ => {}
        }
    }
}

fn each_attribute(
    element: &BytesStart<'_>,
    mut each: impl FnMut(&str, String),
) -> Result<(), quick_xml::Error> {
    for attribute in element.attributes() {
        let attribute = attribute?;
        let value = attribute.normalized_value(XmlVersion::default())?;
        each(attribute.key.as_ref(), value.into_owned());
    }
    Ok(())
}

impl Case {
    fn tell(&self, failure: &Failure, workspace: &Workspace) -> Option<Annotation> {
        let (path, line, column) =
            self.place_in(&failure.text, workspace).or_else(|| self.own_place(workspace))?;
        let title = if self.name.is_empty() { &self.class } else { &self.name };
        let message = failure.words();
        let remark = Remark { level: AnnotationLevel::Failure, title, message: &message };
        annotation(path, line, column, &remark)
    }

    /// Where the report says that the test is.
    fn own_place(&self, workspace: &Workspace) -> Option<(String, u32, Option<u32>)> {
        let path = workspace.resolve(None, self.file.as_deref()?)?;
        // pytest counts from 0.
        let first = if path.ends_with(".py") { 1 } else { 0 };
        Some((path, self.line.unwrap_or(0).saturating_add(first).max(1), None))
    }

    /// The first place of the source in a failure's text; of Python, which
    /// shows the innermost call last, the last.
    fn place_in(&self, text: &str, workspace: &Workspace) -> Option<(String, u32, Option<u32>)> {
        let mut found = None;
        for line in text.lines() {
            let Some((place, begins)) = place_of_line(line) else { continue };
            let python = begins && place.path.ends_with(".py");
            if found.is_some() && !python {
                continue;
            }
            let path = if place.path.contains('/') || python {
                workspace.resolve(None, place.path)
            } else if place.path.ends_with(".go") {
                let folder = workspace.go_package(&self.class);
                folder.and_then(|folder| {
                    let path = workspace.absolute(&format!("{folder}/{}", place.path));
                    workspace.resolve(None, &path)
                })
            } else {
                // A file's name alone may be of any folder.
                None
            };
            if let Some(path) = path {
                found = Some((path, place.line, place.column));
            }
        }
        found
    }
}

/// The first word of a line that is a place, and whether the line begins with it.
fn place_of_line(line: &str) -> Option<(Place<'_>, bool)> {
    let words = line.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']'));
    words.filter(|word| word.contains(':')).find_map(|word| {
        let place = Place::of(word.trim_end_matches([':', ',', '.']))?;
        Some((place, line.starts_with(word)))
    })
}

impl Failure {
    /// What is wrong, without where and by which way.
    fn words(&self) -> String {
        let mut lines = self.text.trim().lines();
        let panicked = lines.next().is_some_and(|first| first.contains(" panicked at "));
        if !panicked && !self.message.trim().is_empty() {
            return self.message.clone();
        }
        let is_said =
            |line: &&str| !line.starts_with("stack backtrace:") && !line.starts_with("note: ");
        let mut words = String::new();
        if panicked {
            lines.take_while(is_said).for_each(|line| push_line(&mut words, line));
        } else {
            self.text.trim().lines().take(30).for_each(|line| push_line(&mut words, line));
        }
        if words.is_empty() { "failed".to_owned() } else { words }
    }
}
