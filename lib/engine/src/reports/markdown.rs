//! Markdown of which what others wrote cannot break out (GitHub Flavored Markdown).
//!
//! A forge turns `@name` into a mention, `#1` into a link and `<img>` into a picture
//! anywhere but in code. So whatever a program, a workflow or a user wrote is shown
//! as code: a code span (CommonMark 6.1) or a fenced block (4.5), each delimited by
//! more backticks than are anywhere inside.

/// Text from outside as a code span that also fits a table's cell.
pub(crate) fn code(text: &str, max_chars: usize) -> String {
    // A line break ends a table's row, and a bar its cell, in code too.
    let plain = text.chars().map(|c| match c {
        '|' => '\u{a6}',
        c if c.is_control() || is_turning(c) => ' ',
        c => c,
    });
    let mut inside: String = plain.take(max_chars).collect();
    if text.chars().nth(max_chars).is_some() {
        inside.push('…');
    }
    // A span of blanks alone is none.
    if inside.trim().is_empty() {
        return "–".to_owned();
    }
    let fence = "`".repeat(longest_run(&inside) + 1);
    format!("{fence} {inside} {fence}")
}

/// Whether a character turns the text after it around.
fn is_turning(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text from outside as a block of code.
pub(crate) fn block(text: &str) -> String {
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    let end = if text.ends_with('\n') { "" } else { "\n" };
    format!("{fence}text\n{text}{end}{fence}\n")
}

/// The longest run of backticks.
fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

/// The end of a text, at most so many bytes of it.
pub(crate) fn end_of(text: &str, max_bytes: usize) -> &str {
    let from = text.ceil_char_boundary(text.len().saturating_sub(max_bytes));
    &text[from..]
}

/// The beginning of a text, at most so many bytes of it.
pub(crate) fn start_of(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_cannot_be_left() {
        assert_eq!(code("Test", 9), "` Test `");
        assert_eq!(code("a`b``c", 9), "``` a`b``c ```");
        assert_eq!(code("`", 9), "`` ` ``");
        assert_eq!(code("a|b\n| c\0", 9), "` a\u{a6}b \u{a6} c  `");
        assert_eq!(code("@alice <img>", 6), "` @alice… `");
        assert_eq!(code(" \n", 9), "–");
    }

    #[test]
    fn a_block_cannot_be_left() {
        assert_eq!(block("a\n```\n"), "````text\na\n```\n````\n");
        assert_eq!(block("plain"), "```text\nplain\n```\n");
    }

    #[test]
    fn no_character_is_cut_in_two() {
        assert_eq!(end_of("ab🦀", 4), "🦀");
        assert_eq!(end_of("ab🦀", 3), "");
        assert_eq!(end_of("ab🦀", 9), "ab🦀");
        assert_eq!(start_of("🦀ab", 3), "");
        assert_eq!(start_of("🦀ab", 5), "🦀a");
    }
}
