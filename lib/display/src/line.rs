//! What a program wrote, made fit for a terminal.
//!
//! A log is a stranger's: of its escape sequences only colours and attributes
//! (`CSI … m`, ECMA-48 8.3.117) reach a terminal, and none a file. A carriage
//! return starts the line over, as the pages show it.

use crate::escape;

/// The most bytes of a line that are shown.
pub const MAX_LINE_BYTES: usize = 64 * 1024;

/// One line, with its colours or without.
pub fn line(line: &[u8], colours: bool) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(MAX_LINE_BYTES)]);
    let (mut out, mut over, mut styled) = (String::new(), false, false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => {
                if let Some(style) = escape::consume(&mut rest).filter(|_| colours) {
                    styled = true;
                    out.push_str(&format!("\x1b[{style}m"));
                }
                continue;
            }
            '\r' => {
                over = true;
                continue;
            }
            c if c.is_control() && c != '\t' => continue,
            _ => {}
        }
        if std::mem::take(&mut over) {
            out.clear();
        }
        out.push(if is_turning(c) { '\u{fffd}' } else { c });
    }
    if styled {
        out.push_str("\x1b[0m");
    }
    out
}

/// Whether a character turns the text after it around.
fn is_turning(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stay_and_end_with_their_line() {
        let red = b"\x1b[1;31merror\x1b[m: x";
        assert_eq!(line(red, true), "\x1b[1;31merror\x1b[m: x\x1b[0m");
        assert_eq!(line(red, false), "error: x");
    }

    #[test]
    fn nothing_else_reaches_the_terminal() {
        let odd = "a\x1b[2Jb\x1b]0;title\x07c\x1b[?25ld\x1b[>4;1me\x07\x1b(Bf\u{202e}g\u{9b}3h";
        assert_eq!(line(odd.as_bytes(), true), "abcdef\u{fffd}g3h");
        assert_eq!(line(b"10%\r100%\r", true), "100%");
    }
}
