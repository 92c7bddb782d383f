//! Where the words, strings, blanks and comments of a document begin and end.
//!
//! Nothing here recurses and no byte is looked at twice by the same rule, so
//! that the cost is linear in the size of the file, whatever the file says.
//! What a token *means* is left to the `kdl` crate.

use std::ops::Range;

use crate::diagnostic::Problem;

/// The version of KDL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// KDL 1.0: `r#"raw"#`, `true`, strings may contain newlines.
    V1,
    /// KDL 2.0: `#"raw"#`, `#true`, `"""` for several lines.
    V2,
}

/// A place in the text.
pub(crate) struct Lexer<'t> {
    text: &'t str,
    at: usize,
    dialect: Dialect,
    max_depth: usize,
}

impl<'t> Lexer<'t> {
    pub(crate) fn new(text: &'t str, dialect: Dialect, max_depth: usize) -> Self {
        let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        Self { text, at, dialect, max_depth }
    }

    /// The byte that comes next.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Goes back to a byte that `at` gave.
    pub(crate) fn rewind(&mut self, at: usize) {
        self.at = at;
    }

    /// The text of a token.
    pub(crate) fn slice(&self, range: Range<usize>) -> &'t str {
        &self.text[range]
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes `token` if it comes next.
    pub(crate) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Skips what may stand between the parts of a node; says whether there was any.
    pub(crate) fn skip_blanks(&mut self) -> Result<bool, Problem> {
        let start = self.at;
        loop {
            self.skip_while(is_blank);
            if self.rest().starts_with("/*") {
                self.skip_block_comment()?;
            } else if self.rest().starts_with('\\') {
                self.skip_line_continuation()?;
            } else {
                return Ok(self.at > start);
            }
        }
    }

    /// Skips what may stand between nodes.
    pub(crate) fn skip_lines(&mut self) -> Result<(), Problem> {
        loop {
            self.skip_blanks()?;
            match self.peek() {
                Some(c) if is_newline(c) => self.skip_while(is_newline),
                Some('/') if self.rest().starts_with("//") => self.skip_line(),
                _ => return Ok(()),
            }
        }
    }

    /// Whether the node ends here: at a newline, `;`, `//`, `}` or the file's end.
    pub(crate) fn at_node_end(&self) -> bool {
        match self.peek() {
            None | Some(';' | '}') => true,
            Some('/') => self.rest().starts_with("//"),
            Some(c) => is_newline(c),
        }
    }

    /// Takes one string, raw string, number, keyword or bare word.
    pub(crate) fn token(&mut self) -> Result<Range<usize>, Problem> {
        let start = self.at;
        let hashes = self.raw_string_hashes();
        match (self.peek(), hashes) {
            (_, Some(hashes)) => self.skip_raw_string(hashes)?,
            (Some('"'), None) => self.skip_string()?,
            _ => self.skip_while(is_word),
        }
        if self.at > start {
            return Ok(start..self.at);
        }
        let (found, end) = match self.peek() {
            Some(c) => (format!("`{}`", c.escape_debug()), start + c.len_utf8()),
            None => ("the end of the file".to_owned(), start),
        };
        Err(Problem::new((start..end).into(), format!("unexpected {found}"))
            .label("not a name, a value or a block")
            .help("a text that contains any of \\ / ( ) { } ; = or blanks must be quoted"))
    }

    fn skip_while(&mut self, wanted: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !wanted(c)).unwrap_or(rest.len());
    }

    /// Skips to the newline.
    fn skip_line(&mut self) {
        self.skip_while(|c| !is_newline(c));
    }

    fn skip_block_comment(&mut self) -> Result<(), Problem> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            if self.eat("/*") {
                depth += 1;
                if depth > self.max_depth {
                    let message = format!("comments are nested deeper than {}", self.max_depth);
                    return Err(Problem::new((self.at - 2..self.at).into(), message)
                        .help("end the outer comments with */ first"));
                }
            } else if self.eat("*/") {
                depth -= 1;
                if depth == 0 {
                    return Ok(());
                }
            } else if let Some(c) = self.peek() {
                self.at += c.len_utf8();
            } else {
                return Err(Problem::new(
                    (start..start + 2).into(),
                    "this comment is never closed",
                )
                .label("it begins here")
                .help("end it with */"));
            }
        }
    }

    /// Skips `\`, blanks, a comment and the newline: the node goes on.
    fn skip_line_continuation(&mut self) -> Result<(), Problem> {
        let start = self.at;
        self.at += 1;
        loop {
            self.skip_while(is_blank);
            if !self.rest().starts_with("/*") {
                break;
            }
            self.skip_block_comment()?;
        }
        if self.rest().starts_with("//") {
            self.skip_line();
        }
        match self.peek() {
            None => Ok(()),
            Some('\r') if self.eat("\r\n") => Ok(()),
            Some(c) if is_newline(c) => {
                self.at += c.len_utf8();
                Ok(())
            }
            Some(_) => Err(Problem::new((start..start + 1).into(), "unexpected `\\`")
                .label("it may only end a line")
                .help("put a text that contains a backslash in quotes, as #\"C:\\x\"#")),
        }
    }

    /// The number of `#` of the raw string that begins here, if one does.
    fn raw_string_hashes(&self) -> Option<usize> {
        let rest = self.rest();
        let rest = match self.dialect {
            Dialect::V1 => rest.strip_prefix('r')?,
            Dialect::V2 if rest.starts_with('#') => rest,
            Dialect::V2 => return None,
        };
        let hashes = rest.bytes().take_while(|b| *b == b'#').count();
        rest[hashes..].starts_with('"').then_some(hashes)
    }

    fn skip_raw_string(&mut self, hashes: usize) -> Result<(), Problem> {
        let start = self.at;
        self.at += hashes + usize::from(self.dialect == Dialect::V1);
        let open = start..self.at;
        let quotes = self.skip_opening_quotes();
        let end = format!("{quotes}{}", "#".repeat(hashes));
        let Some(length) = self.rest().find(&end) else {
            return Err(unclosed(open.start..open.end + quotes.len(), &end));
        };
        let body = &self.rest()[..length];
        if quotes == "\"" && self.dialect == Dialect::V2 && body.contains(is_newline) {
            return Err(newline_in_string(open.start..open.end + 1));
        }
        self.at += length + end.len();
        Ok(())
    }

    fn skip_string(&mut self) -> Result<(), Problem> {
        let start = self.at;
        let quotes = self.skip_opening_quotes();
        let open = start..self.at;
        let one_line = quotes == "\"" && self.dialect == Dialect::V2;
        while let Some(c) = self.peek() {
            if self.eat(quotes) {
                return Ok(());
            }
            if one_line && is_newline(c) {
                return Err(newline_in_string(open));
            }
            self.at += c.len_utf8();
            if c == '\\' {
                self.skip_escaped();
            }
        }
        Err(unclosed(open, quotes))
    }

    /// Takes `"""` in KDL 2, else `"`.
    fn skip_opening_quotes(&mut self) -> &'static str {
        if self.dialect == Dialect::V2 && self.eat("\"\"\"") {
            return "\"\"\"";
        }
        self.at += 1;
        "\""
    }

    /// Skips what a backslash makes harmless: one character, or all blanks and newlines.
    fn skip_escaped(&mut self) {
        let start = self.at;
        if self.dialect == Dialect::V2 {
            self.skip_while(|c| is_blank(c) || is_newline(c));
        }
        if self.at == start {
            self.at += self.peek().map_or(0, char::len_utf8);
        }
    }
}

fn unclosed(open: Range<usize>, end: &str) -> Problem {
    Problem::new(open.into(), "this string is never closed")
        .label("it begins here")
        .help(format!("end it with {end}"))
}

fn newline_in_string(open: Range<usize>) -> Problem {
    Problem::new(open.into(), "this string is not closed on its line")
        .label("it begins here")
        .help("end it with a quote, or begin and end a text of several lines with \"\"\"")
}

/// White space that does not end a line, in either version of KDL.
pub(crate) fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\t' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}'
    )
}

/// White space that ends a line, in either version of KDL.
pub(crate) fn is_newline(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// What a bare word, number or keyword may consist of at most.
fn is_word(c: char) -> bool {
    !is_blank(c)
        && !is_newline(c)
        && !matches!(c, '\\' | '/' | '(' | ')' | '{' | '}' | ';' | '=' | '"')
}
