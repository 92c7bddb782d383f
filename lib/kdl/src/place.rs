//! From a byte of a decoded string back to the byte of its token.
//!
//! Decoding takes quotes, escapes and indentation away; a diagnostic about a
//! part of a string must count them again. Nothing is kept for that but the
//! token: the way is walked only where something is wrong.

use crate::lexer::{Dialect, is_blank, is_newline};
use crate::text;

/// The byte of the token at which byte `wanted` of the decoded text stands, or
/// the token's end if the text has none.
pub(crate) fn in_token(token: &str, dialect: Dialect, wanted: usize) -> usize {
    let Some(quote) = token.find('"') else { return wanted.min(token.len()) };
    let raw = token.starts_with(['#', 'r']);
    let after = token[quote..].strip_prefix("\"\"\"").filter(|_| dialect == Dialect::V2);
    let lines = after.is_some_and(|after| after.starts_with(is_newline));
    let mut walk = match lines {
        false => Walk { token, dialect, raw, at: quote + 1, decoded: 0, indent: None },
        true => {
            let start = quote + 3;
            let first = newline_length(&token[start..]);
            let indent = Some(indent_of(token));
            Walk { token, dialect, raw, at: start + first, decoded: 0, indent }
        }
    };
    walk.begin_line();
    while (walk.decoded < wanted || walk.at_join()) && walk.step().is_some() {}
    walk.at.min(token.len())
}

/// The blanks before the closing quotes of a string of several lines.
fn indent_of(token: &str) -> usize {
    let body = token.trim_end_matches('#').trim_end_matches('"');
    body.len() - body.trim_end_matches(is_blank).len()
}

fn newline_length(text: &str) -> usize {
    match text.strip_prefix("\r\n") {
        Some(_) => 2,
        None => text.chars().next().filter(|c| is_newline(*c)).map_or(0, char::len_utf8),
    }
}

/// A place in the token and the place in the decoded text that belongs to it.
struct Walk<'t> {
    token: &'t str,
    dialect: Dialect,
    raw: bool,
    at: usize,
    decoded: usize,
    /// How much of each line is indentation; `None` for a string of one line.
    indent: Option<usize>,
}

impl Walk<'_> {
    /// Goes past one character of the decoded text.
    fn step(&mut self) -> Option<()> {
        let rest = &self.token[self.at..];
        let c = rest.chars().next()?;
        if c == '\\' && !self.raw {
            self.escape(&rest[1..])?;
        } else if self.indent.is_some() && is_newline(c) {
            self.at += newline_length(rest);
            self.decoded += 1;
            self.begin_line();
        } else {
            self.at += c.len_utf8();
            self.decoded += c.len_utf8();
        }
        Some(())
    }

    /// Whether a backslash comes that means nothing but the end of blanks.
    fn at_join(&self) -> bool {
        let after = self.token[self.at..].strip_prefix('\\');
        let joins = |after: &str| after.starts_with(|c| is_blank(c) || is_newline(c));
        !self.raw && self.dialect == Dialect::V2 && after.is_some_and(joins)
    }

    fn escape(&mut self, after: &str) -> Option<()> {
        let is_space = |c: char| is_blank(c) || is_newline(c);
        let c = after.chars().next()?;
        if is_space(c) && self.dialect == Dialect::V2 {
            self.at += 1 + after.len() - after.trim_start_matches(is_space).len();
        } else if c == 'u' {
            let (character, left) = text::unicode_escape(&after[1..])?;
            self.at += 1 + after.len() - left.len();
            self.decoded += character.len_utf8();
        } else {
            self.at += 1 + c.len_utf8();
            self.decoded += 1;
        }
        Some(())
    }

    /// Goes past the indentation, and past all of a line of blanks.
    fn begin_line(&mut self) {
        let Some(indent) = self.indent else { return };
        let line = self.token[self.at..].split(is_newline).next().unwrap_or_default();
        let blank = line.chars().all(is_blank);
        self.at += if blank { line.len() } else { indent };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in the token where `part` stands in the decoded text.
    fn marked<'t>(token: &'t str, part: &str) -> &'t str {
        let decoded = text::string(token, Dialect::V2).unwrap();
        let start = decoded.find(part).unwrap();
        let place = |offset| in_token(token, Dialect::V2, offset);
        &token[place(start)..place(start + part.len())]
    }

    #[test]
    fn escapes_are_longer_in_the_file() {
        assert_eq!(marked(r#""a == \"x\" && bad""#, "bad"), "bad");
        assert_eq!(marked(r#""a == \"x\" && bad""#, "\"x\""), r#"\"x\""#);
        assert_eq!(marked(r#""\u{1F600}é\n bad""#, "bad"), "bad");
        assert_eq!(marked("\"a \\\n   bad\"", "bad"), "bad");
    }

    #[test]
    fn raw_strings_are_as_they_are() {
        assert_eq!(marked(r###"##"a\n "bad"##"###, "bad"), "bad");
    }

    #[test]
    fn lines_are_indented_in_the_file() {
        for token in [
            "\"\"\"\n    é x\n      bad\n    \"\"\"",
            "\"\"\"\r\n\tx\r\n \r\n\tbad\r\n\t\"\"\"",
            "##\"\"\"\n  \\n\n\n  bad\n  \"\"\"##",
            "\"\"\"\n  a \\\n b \\u{e9} bad\n  \"\"\"",
        ] {
            assert_eq!(marked(token, "bad"), "bad", "{token}");
        }
    }

    #[test]
    fn beyond_the_text_is_the_end_of_the_token() {
        assert_eq!(in_token("\"a\"", Dialect::V2, 99), 3);
        assert_eq!(in_token("bare", Dialect::V2, 2), 2);
    }
}
