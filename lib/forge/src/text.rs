//! Text for people, made safe to show and cut to length.

/// The first line of a text, trimmed, without control characters, at most
/// `max_chars` characters long.
pub fn first_line(text: &str, max_chars: usize) -> String {
    let line = text.trim_start().lines().next().unwrap_or_default();
    let shown: String = line.chars().filter(|c| !c.is_control()).collect();
    cut(shown.trim(), max_chars)
}

/// A text of one line: every run of white space and control characters becomes
/// a blank. At most `max_chars` characters long.
pub fn one_line(text: &str, max_chars: usize) -> String {
    let gap = |c: char| c.is_whitespace() || c.is_control();
    let words: Vec<&str> = text.split(gap).filter(|word| !word.is_empty()).collect();
    cut(&words.join(" "), max_chars)
}

/// At most `max_chars` characters of a text; an ellipsis says that some are missing.
pub fn cut(text: &str, max_chars: usize) -> String {
    if text.chars().count() <= max_chars {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max_chars.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(cut("🚀🚀🚀🚀", 3), "🚀🚀…");
        assert_eq!(cut("ab cd", 4), "ab…");
        assert_eq!(cut(&"é".repeat(141), 140).chars().count(), 140);
    }

    #[test]
    fn a_first_line_has_no_controls() {
        assert_eq!(first_line("\n  Fix\u{0} it\u{1b}[31m \r\nmore", 200), "Fix it[31m");
        assert_eq!(first_line("", 200), "");
        assert_eq!(first_line("\n\n", 200), "");
    }

    #[test]
    fn lines_are_joined_by_blanks() {
        assert_eq!(one_line(" a\n\tb\u{7}c  d ", 200), "a b c d");
    }
}
