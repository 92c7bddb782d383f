//! Go: what its compiler and vet say, and failed tests.

use solstice_model::AnnotationLevel;

use crate::place::Place;
use crate::sink::{Matcher, Remark, Sink};
use crate::text::push_line;

/// The most lines that wait for the name of their package.
const MAX_WAITING: usize = 200;

/// `./main.go:5:2: undefined: x`, and with `vet: ` before it.
#[derive(Debug, Default)]
pub(crate) struct GoErrors;

impl Matcher for GoErrors {
    fn line(&mut self, line: &str, sink: &mut Sink<'_>) {
        let line = line.strip_prefix("vet: ").unwrap_or(line);
        if !line.contains(".go:") || line.starts_with(char::is_whitespace) {
            return;
        }
        let Some((place, said)) = Place::begins(line) else { return };
        let message = said.trim_start();
        let others = ["error: ", "warning: ", "note: ", "fatal error: "];
        // Without a column it may be what a program logs.
        if !place.path.ends_with(".go")
            || place.column.is_none()
            || others.iter().any(|word| message.starts_with(word))
        {
            return;
        }
        sink.add(&place, &Remark { level: AnnotationLevel::Failure, title: "", message });
    }

    fn end(&mut self, _: &mut Sink<'_>) {}
}

/// Failed tests. They name files without a folder; the line that ends a
/// package's tests names the package.
///
/// ```text
/// --- FAIL: TestTurn (0.00s)
///     gear_test.go:12: got 3
/// FAIL
/// FAIL    example.org/ada/engine/gear    0.003s
/// ```
#[derive(Debug, Default)]
pub(crate) struct GoTests {
    /// With `-v`: the test that runs, and what all have logged so far of which
    /// it is not known whether they fail.
    running: String,
    logged: Vec<Logged>,
    /// The failed test whose lines follow.
    failed: Option<String>,
    /// What failed tests have said.
    waiting: Vec<Logged>,
}

/// What a test said of a line.
#[derive(Debug)]
struct Logged {
    test: String,
    file: String,
    line: u32,
    text: String,
    indent: usize,
}

impl Matcher for GoTests {
    fn line(&mut self, line: &str, sink: &mut Sink<'_>) {
        let inner = line.trim_start();
        if let Some((event, name)) = inner.strip_prefix("=== ").and_then(|it| it.split_once(' ')) {
            self.failed = None;
            if matches!(event, "RUN" | "CONT" | "NAME") {
                name.trim_start().clone_into(&mut self.running);
            }
        } else if let Some((how, name)) =
            inner.strip_prefix("--- ").and_then(|it| it.split_once(": "))
        {
            self.over(name.split(' ').next().unwrap_or_default(), how == "FAIL");
        } else if let Some(rest) = line.strip_prefix("FAIL\t").or(line.strip_prefix("ok  \t")) {
            self.package(rest.split('\t').next().unwrap_or_default().trim(), sink);
        } else if line.starts_with(' ') {
            self.said(line, inner);
        } else {
            self.failed = None;
        }
    }

    /// Without its package nothing is known of a file.
    fn end(&mut self, _: &mut Sink<'_>) {
        *self = Self::default();
    }
}

impl GoTests {
    /// A test has ended: what it has logged counts if it failed.
    fn over(&mut self, name: &str, failed: bool) {
        let logged = std::mem::take(&mut self.logged).into_iter();
        let (its, others): (Vec<_>, Vec<_>) = logged.partition(|logged| logged.test == name);
        self.logged = others;
        if failed {
            self.waiting.extend(its);
            self.waiting.truncate(MAX_WAITING);
        }
        self.failed = failed.then(|| name.to_owned());
    }

    fn said(&mut self, line: &str, inner: &str) {
        let indent = line.len() - inner.len();
        let place = Place::begins(inner).filter(|(at, _)| is_plain_go_file(at.path));
        let (test, lines) = match &self.failed {
            Some(test) => (test, &mut self.waiting),
            None => (&self.running, &mut self.logged),
        };
        if let Some((at, text)) = place {
            if lines.len() < MAX_WAITING {
                let (test, file) = (test.clone(), at.path.to_owned());
                let text = text.trim_start().to_owned();
                lines.push(Logged { test, file, line: at.line, text, indent });
            }
        } else if let Some(last) = lines.last_mut().filter(|last| indent > last.indent) {
            // More of what was said.
            push_line(&mut last.text, inner);
        }
    }

    fn package(&mut self, package: &str, sink: &mut Sink<'_>) {
        let (workspace, level) = (sink.workspace, AnnotationLevel::Failure);
        let waiting = std::mem::take(&mut self.waiting);
        *self = Self::default();
        let Some(folder) = workspace.go_package(package) else { return };
        for Logged { test, file, line, text, .. } in waiting {
            let path = workspace.absolute(&format!("{folder}/{file}"));
            let place = Place::new(&path, line);
            sink.add(&place, &Remark { level, title: &test, message: &text });
        }
    }
}

/// What logs need not be in a test's own file.
fn is_plain_go_file(path: &str) -> bool {
    path.ends_with(".go") && !path.contains('/')
}
