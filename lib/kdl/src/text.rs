//! Strings: quoted, raw, and of several lines.

use std::borrow::Cow;

use crate::diagnostic::Problem;
use crate::lexer::{Dialect, is_blank, is_newline};

/// Decodes a token that has a quote; `None` if it is not a string.
pub(crate) fn string(token: &str, dialect: Dialect) -> Option<String> {
    match dialect {
        Dialect::V1 => match token.strip_prefix('r') {
            Some(raw) => Some(unquoted(raw.trim_matches('#'), "\"")?.to_owned()),
            None => unescape(unquoted(token, "\"")?, dialect),
        },
        Dialect::V2 => {
            let body = token.trim_matches('#');
            match (unquoted(body, "\"\"\""), token.starts_with('#')) {
                (Some(lines), true) => dedent(lines),
                (Some(lines), false) => unescape(&dedent(&join_lines(lines))?, dialect),
                (None, true) => Some(unquoted(body, "\"")?.to_owned()),
                (None, false) => unescape(&join_lines(unquoted(body, "\"")?), dialect),
            }
        }
    }
}

/// What stands between the quotes; the lexer has seen to it that they match.
fn unquoted<'t>(token: &'t str, quotes: &str) -> Option<&'t str> {
    token.strip_prefix(quotes)?.strip_suffix(quotes)
}

/// Removes every backslash that stands before blanks or newlines, and those.
fn join_lines(body: &str) -> Cow<'_, str> {
    let is_space = |c: char| is_blank(c) || is_newline(c);
    if !body.contains('\\') {
        return Cow::Borrowed(body);
    }
    let mut joined = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        let after = &rest[at + 1..];
        joined.push_str(&rest[..at]);
        if after.starts_with(is_space) {
            rest = after.trim_start_matches(is_space);
        } else {
            let escaped = after.chars().next().map_or(0, char::len_utf8);
            joined.push_str(&rest[at..at + 1 + escaped]);
            rest = &after[escaped..];
        }
    }
    joined.push_str(rest);
    Cow::Owned(joined)
}

/// Takes the first newline, the last line, and the last line's blanks from each
/// line; a line of blanks becomes empty, a newline of any kind becomes `\n`.
fn dedent(body: &str) -> Option<String> {
    let body = body.replace("\r\n", "\n");
    let mut lines: Vec<&str> = body.split(is_newline).collect();
    let indent = lines.pop().filter(|last| last.chars().all(is_blank))?;
    let (first, lines) = lines.split_first()?;
    let dedented = lines.iter().map(|line| match line.strip_prefix(indent) {
        _ if line.chars().all(is_blank) => Some(""),
        stripped => stripped,
    });
    first.is_empty().then_some(dedented.collect::<Option<Vec<_>>>()?.join("\n"))
}

/// Replaces the backslash escapes; blanks after a backslash are gone already.
fn unescape(body: &str, dialect: Dialect) -> Option<String> {
    let mut text = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let mut after = rest[at + 1..].chars();
        text.push(match after.next()? {
            c @ ('\\' | '"') => c,
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            's' if dialect == Dialect::V2 => ' ',
            '/' if dialect == Dialect::V1 => '/',
            'u' => {
                let (c, left) = unicode_escape(after.as_str())?;
                after = left.chars();
                c
            }
            _ => return None,
        });
        rest = after.as_str();
    }
    text.push_str(rest);
    Some(text)
}

/// The character that `{1f600}` names, and what follows.
pub(crate) fn unicode_escape(text: &str) -> Option<(char, &str)> {
    let (digits, left) = text.strip_prefix('{')?.split_once('}')?;
    let fits = (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let code = u32::from_str_radix(digits, 16).ok().filter(|_| fits)?;
    Some((char::from_u32(code)?, left))
}

/// Says why the token, which has a quote, is not a string of KDL 2.
pub(crate) fn why_no_string(token: &str, offset: usize) -> Problem {
    let raw = token.starts_with('#');
    let quotes_at = token.find('"').unwrap_or_default();
    let wrong = match token[quotes_at..].strip_prefix("\"\"\"") {
        Some(body) => wrong_line(token, quotes_at, body),
        None => None,
    };
    let wrong = wrong.or_else(|| if raw { None } else { wrong_escape(token) });
    let Some((start, end, message, help)) = wrong else {
        let span = (offset..offset + token.len()).into();
        return Problem::new(span, "this is not a string of KDL 2")
            .help("a bare word cannot contain a quote; see https://kdl.dev for strings");
    };
    Problem::new((offset + start..offset + end).into(), message).help(help)
}

/// Bytes of the token, what is wrong with them, and what to do.
type Wrong = (usize, usize, &'static str, &'static str);

/// The first backslash that begins no escape of KDL 2.
fn wrong_escape(token: &str) -> Option<Wrong> {
    let mut chars = token.char_indices();
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            continue;
        }
        let (next_at, next) = chars.next()?;
        let after = next_at + next.len_utf8();
        match next {
            '\\' | '"' | 'b' | 'f' | 'n' | 'r' | 't' | 's' => {}
            _ if is_blank(next) || is_newline(next) => {}
            'u' => {
                if unicode_escape(&token[after..]).is_none() {
                    let message = "this is not the number of a character";
                    return Some((at, after, message, "write it as \\u{e9}, in hexadecimal"));
                }
            }
            _ => {
                let help = "write \\\\ for a backslash, or make the string raw: #\"…\"#";
                return Some((at, after, "there is no such escape", help));
            }
        }
    }
    None
}

/// The first line of a `"""` string that is not laid out as KDL 2 demands.
fn wrong_line(token: &str, quotes_at: usize, body: &str) -> Option<Wrong> {
    let body_at = quotes_at + 3;
    if !body.starts_with(is_newline) {
        let help = "begin the text on the next line, or use one quote: \"…\"";
        return Some((0, body_at, "the opening \"\"\" must end its line", help));
    }
    let end = token.rfind("\"\"\"").filter(|end| *end >= body_at)?;
    let last_at = token[..end].rfind(is_newline).map(|at| at + 1)?;
    let indent = token.get(last_at..end)?;
    if !indent.contains('\\') && !indent.chars().all(is_blank) {
        let help = "put the closing quotes on the next line";
        return Some((end, end + 3, "the closing \"\"\" must stand on a line of its own", help));
    }
    let mut at = body_at;
    for line in token[body_at..last_at].split_inclusive(is_newline) {
        if !line.trim().is_empty() && !line.starts_with(indent) {
            let help = "indent it like the closing quotes, with the same blanks";
            let end = at + line.trim_end().len();
            return Some((at, end, "this line is indented less than the closing \"\"\"", help));
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v2(token: &str) -> Option<String> {
        string(token, Dialect::V2)
    }

    /// Why the token is no string, and the bytes that the problem marks.
    fn why(token: &str) -> (String, &str) {
        assert_eq!(v2(token), None);
        let problem = why_no_string(token, 0);
        let start = problem.span().offset();
        (problem.message().to_owned(), &token[start..start + problem.span().len()])
    }

    #[test]
    fn escapes_are_replaced() {
        assert_eq!(v2(r#""a\n\"\\\u{1F600}\s|""#).unwrap(), "a\n\"\\😀 |");
        assert_eq!(string(r#""a\/b""#, Dialect::V1).unwrap(), "a/b");
        assert_eq!(v2("\"a \\\n   b\"").unwrap(), "a b");
    }

    #[test]
    fn several_lines_lose_the_indentation_of_the_closing_quotes() {
        assert_eq!(v2("\"\"\"\r\n  a\r\n    b\n \n  \"\"\"").unwrap(), "a\n  b\n");
        assert_eq!(v2("\"\"\"\n\ta \\\n b\n\t\"\"\"").unwrap(), "a b");
        assert_eq!(v2("##\"\"\"\n \\d \"#\n \"\"\"##").unwrap(), "\\d \"#");
        assert_eq!(v2("\"\"\"\n\"\"\"").unwrap(), "");
    }

    #[test]
    fn kdl_1_strings_keep_their_newlines() {
        assert_eq!(string("\"a\n  b\"", Dialect::V1).unwrap(), "a\n  b");
        assert_eq!(string("r#\"a\"\\\nb\"#", Dialect::V1).unwrap(), "a\"\\\nb");
    }

    #[test]
    fn a_wrong_escape_is_marked_alone() {
        assert_eq!(why(r#""é \q x""#), ("there is no such escape".to_owned(), r"\q"));
        assert_eq!(why(r#""\\ \u{110000}""#).1, r"\u");
        assert_eq!(why("\"\"\"\n  a \\d\n  \"\"\"").1, r"\d");
    }

    #[test]
    fn a_badly_indented_line_is_marked_alone() {
        let (message, marked) = why("\"\"\"\n    é\n  b\n    \"\"\"");
        assert_eq!(message, "this line is indented less than the closing \"\"\"");
        assert_eq!(marked, "  b");
        assert_eq!(why("#\"\"\"\n  a\n b\n  \"\"\"#").1, " b");
    }

    #[test]
    fn quotes_of_several_lines_stand_alone() {
        assert_eq!(why("\"\"\"x\"\"\"").0, "the opening \"\"\" must end its line");
        assert_eq!(why("\"\"\"\nx\"\"\"").0, "the closing \"\"\" must stand on a line of its own");
    }
}
