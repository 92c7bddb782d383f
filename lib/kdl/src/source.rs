//! The text of a file under diagnosis: bounded, valid UTF-8, safe to show.

use std::sync::Arc;

use miette::{NamedSource, SourceSpan};

use crate::diagnostic::Problem;

/// What a document may cost at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the file.
    pub max_bytes: usize,
    /// Nodes, arguments and properties together.
    pub max_items: usize,
    /// Blocks inside blocks, comments inside comments.
    pub max_depth: usize,
}

impl Default for Limits {
    /// Room for a large configuration file: 1 MiB, 20,000 items, 16 levels.
    fn default() -> Self {
        Self { max_bytes: 1024 * 1024, max_items: 20_000, max_depth: 16 }
    }
}

/// A named text that diagnostics point into.
///
/// It has as many bytes as the file, but what could disturb a terminal
/// (control characters, marks that turn the direction of writing, bytes that
/// are not UTF-8) is replaced.
#[derive(Clone, Debug)]
pub(crate) struct Source(Arc<NamedSource<String>>);

impl Source {
    fn new(file_name: &str, shown: String) -> Self {
        Self(Arc::new(NamedSource::new(file_name, shown)))
    }

    pub(crate) fn file_name(&self) -> &str {
        self.0.name()
    }

    pub(crate) fn text(&self) -> &str {
        self.0.inner()
    }

    pub(crate) fn named(&self) -> &NamedSource<String> {
        &self.0
    }

    /// Line and column, both from 1, of a byte; columns count characters.
    pub(crate) fn place(&self, offset: usize) -> (usize, usize) {
        let before = self.text().get(..offset).unwrap_or(self.text());
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }
}

/// Takes the bytes of a file as text, or says at which byte they are not.
///
/// The source is there in both cases, to point into.
pub(crate) fn check<'b>(
    file_name: &str,
    bytes: &'b [u8],
    limits: &Limits,
) -> (Source, Result<&'b str, Problem>) {
    if bytes.len() > limits.max_bytes {
        let message =
            format!("the file has {} bytes; at most {} are taken", bytes.len(), limits.max_bytes);
        let problem = Problem::new(SourceSpan::from(0..0), message)
            .help("split the file, or move long scripts into the repository and call them");
        return (Source::new(file_name, String::new()), Err(problem));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.valid_up_to();
            let bad = bytes[at];
            let problem = Problem::new(SourceSpan::from(at..at + 1), "the file is not valid UTF-8")
                .label(format!("byte 0x{bad:02x}"))
                .help("save the file as UTF-8");
            return (Source::new(file_name, shown_bytes(bytes)), Err(problem));
        }
    };
    let source = Source::new(file_name, text.chars().map(shown_char).collect());
    (source, no_controls(text))
}

/// Refuses the characters that KDL 2 allows nowhere, not even in a string.
fn no_controls(text: &str) -> Result<&str, Problem> {
    let found =
        text.char_indices().find(|(at, c)| is_disallowed(*c) && (*at, *c) != (0, '\u{feff}'));
    let Some((at, c)) = found else { return Ok(text) };
    let message = match c {
        '\0' => "the file has a NUL byte".to_owned(),
        _ => format!("the character U+{:04X} is not allowed in KDL", u32::from(c)),
    };
    let help = format!("remove it; in a quoted string it can be written \\u{{{:x}}}", u32::from(c));
    Err(Problem::new(SourceSpan::from(at..at + c.len_utf8()), message).label("here").help(help))
}

/// Whether KDL 2 disallows the character as a literal code point.
fn is_disallowed(c: char) -> bool {
    matches!(c,
        '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{200e}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A stand-in of the same length for what must not reach a terminal.
fn shown_char(c: char) -> char {
    match c {
        _ if !is_disallowed(c) && !matches!(c, '\u{b}' | '\u{c}' | '\r') => c,
        _ if c.len_utf8() == 1 => ' ',
        _ => '\u{fffd}',
    }
}

/// Bytes as text of the same length: what is not UTF-8 becomes `?`.
fn shown_bytes(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        shown.extend(chunk.valid().chars().map(shown_char));
        shown.extend(chunk.invalid().iter().map(|_| '?'));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> (Source, Problem) {
        let (source, text) = check("x.kdl", bytes, &Limits::default());
        (source, text.unwrap_err())
    }

    #[test]
    fn a_nul_byte_is_refused_at_its_place() {
        let (source, problem) = refused(b"a\nb \0");
        assert_eq!(source.place(problem.span().offset()), (2, 3));
        assert_eq!(problem.message(), "the file has a NUL byte");
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused_at_their_place() {
        let (source, problem) = refused(b"\xc3\xa9 \xff\xfe x");
        assert_eq!(source.place(problem.span().offset()), (1, 3));
        assert_eq!(source.text(), "é ?? x");
    }

    #[test]
    fn what_is_shown_has_the_length_of_the_file_and_no_escape_codes() {
        let bytes = "a \u{1b}[31m \u{202e}é\r\n".as_bytes();
        let (source, problem) = refused(bytes);
        assert_eq!(source.text(), "a  [31m \u{fffd}é \n");
        assert_eq!(source.text().len(), bytes.len());
        assert_eq!(problem.message(), "the character U+001B is not allowed in KDL");
    }

    #[test]
    fn a_byte_order_mark_may_begin_a_file_and_is_refused_elsewhere() {
        assert!(check("x", "\u{feff}a".as_bytes(), &Limits::default()).1.is_ok());
        assert!(check("x", "a\u{feff}".as_bytes(), &Limits::default()).1.is_err());
    }

    #[test]
    fn columns_count_characters_and_lines_count_newlines() {
        let (source, _) = check("x", "né\r\nüx".as_bytes(), &Limits::default());
        let x = source.text().find('x').unwrap();
        assert_eq!(source.place(x), (2, 2));
        assert_eq!(source.place(9999), (2, 3));
    }
}
