//! Texts of tools, bounded and without what a terminal would obey.

use solstice_model::annotation::{MAX_MESSAGE_BYTES, MAX_TITLE_CHARS};

/// One line.
pub(crate) fn title(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    let plain = line.chars().filter(|c| !c.is_control());
    let title: String = plain.take(MAX_TITLE_CHARS).collect();
    title.trim().to_owned()
}

/// Several lines, without blank ones around.
pub(crate) fn message(text: &str) -> String {
    let plain: String =
        text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    let plain = plain.trim_end().trim_start_matches('\n');
    if plain.len() <= MAX_MESSAGE_BYTES {
        return plain.to_owned();
    }
    let end = plain.floor_char_boundary(MAX_MESSAGE_BYTES - '…'.len_utf8());
    format!("{}…", &plain[..end])
}

/// Adds a line to a message that is being put together, while there is room.
pub(crate) fn push_line(message: &mut String, line: &str) {
    if message.len() + line.len() < MAX_MESSAGE_BYTES {
        if !message.is_empty() {
            message.push('\n');
        }
        message.push_str(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_bounded_and_harmless() {
        assert_eq!(title("  a\u{7}b\nc"), "ab");
        assert_eq!(title(&"ä".repeat(300)).chars().count(), MAX_TITLE_CHARS);
        assert_eq!(message("\n  a\n\tb\u{1b}\r\n\n"), "  a\n\tb");
        assert!(message(&"ä".repeat(5000)).len() <= MAX_MESSAGE_BYTES);
    }
}
