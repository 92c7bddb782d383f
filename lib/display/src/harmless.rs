//! Text of strangers as a terminal may see it.

/// Replaces what could steer a terminal or turn its text around; a title or a ref
/// is a stranger's. Line breaks and tabs stay.
pub fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_s_title_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2J\u{202e}b\u{9b}"), "a\u{fffd}[2J\u{fffd}b\u{fffd}");
        assert_eq!(harmless("a\u{1b}[31m\n\tb"), "a\u{fffd}[31m\n\tb");
    }
}
