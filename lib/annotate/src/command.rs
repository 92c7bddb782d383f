//! Workflow commands, as GitHub Actions has them: `::error file=a.c,line=3::message`.
//!
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use solstice_model::AnnotationLevel;

use crate::place::Place;
use crate::sink::{Matcher, Remark, Sink, annotation};

/// `::error`, `::warning` and `::notice` on a file; without one there is no place.
#[derive(Debug, Default)]
pub(crate) struct Commands;

/// The properties that are understood.
#[derive(Debug, Default)]
struct Properties {
    file: String,
    line: Option<u32>,
    end_line: Option<u32>,
    column: Option<u32>,
    title: String,
}

impl Matcher for Commands {
    fn line(&mut self, line: &str, sink: &mut Sink<'_>) {
        let Some(command) = line.trim_start().strip_prefix("::") else { return };
        let Some((head, message)) = command.split_once("::") else { return };
        let (name, properties) = head.split_once(' ').unwrap_or((head, ""));
        let level = match name.to_ascii_lowercase().as_str() {
            "error" => AnnotationLevel::Failure,
            "warning" => AnnotationLevel::Warning,
            "notice" => AnnotationLevel::Notice,
            _ => return,
        };
        let it = Properties::read(properties);
        let place = Place { path: &it.file, line: it.line.unwrap_or(1), column: it.column };
        let Some(path) = sink.resolve(place.path) else { return };
        let message = unescape(message);
        let remark = Remark { level, title: &it.title, message: &message };
        let Some(mut found) = annotation(path, place.line, place.column, &remark) else { return };
        if let Some(end) = it.end_line.filter(|end| *end > found.line) {
            found.end_line = end;
            found.column = None;
        }
        sink.findings.add(found);
    }

    fn end(&mut self, _: &mut Sink<'_>) {}
}

impl Properties {
    fn read(text: &str) -> Self {
        let mut read = Self::default();
        for (name, value) in text.split(',').filter_map(|one| one.split_once('=')) {
            let value = unescape(value.trim());
            match name.trim().to_ascii_lowercase().as_str() {
                "file" => read.file = value,
                "line" => read.line = value.parse().ok(),
                "endline" => read.end_line = value.parse().ok(),
                "col" | "column" => read.column = value.parse().ok(),
                "title" => read.title = value,
                _ => {}
            }
        }
        read
    }
}

/// Colon and comma are escaped in properties alone; in a message nobody writes them so.
fn unescape(text: &str) -> String {
    // The percent sign last: what it yields is not unescaped again.
    let pairs = [("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
