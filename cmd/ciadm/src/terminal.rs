//! What a program wrote, made fit for a terminal.
//!
//! A log is a stranger's: of its escape sequences only colours and attributes
//! (`CSI … m`, ECMA-48 8.3.117) reach a terminal, and none a file. A carriage
//! return starts the line over, as the pages show it.

/// The most bytes of a line that are shown; `--raw` gives all of them.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// One line, with its colours or without.
pub(crate) fn shown(line: &[u8], colours: bool) -> String {
    let text = String::from_utf8_lossy(&line[..line.len().min(MAX_LINE_BYTES)]);
    let (mut out, mut over, mut styled) = (String::new(), false, false);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\x1b' => {
                if let Some(style) = escape(&mut rest).filter(|_| colours) {
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

/// Consumes an escape sequence after its ESC; the parameters if it is SGR.
fn escape(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    match rest.next_if(|c| matches!(c, '[' | ']')) {
        Some('[') => {
            let params: String =
                std::iter::from_fn(|| rest.next_if(|c| ('0'..='?').contains(c))).collect();
            let between = std::iter::from_fn(|| rest.next_if(|c| (' '..='/').contains(c))).count();
            let last = rest.next_if(|c| ('@'..='~').contains(c));
            let plain = params.bytes().all(|b| b.is_ascii_digit() || b == b';' || b == b':');
            (between == 0 && plain && last == Some('m')).then_some(params)
        }
        Some(_) => {
            // An operating system command: up to BEL or ESC \.
            while let Some(c) = rest.next_if(|c| *c != '\x1b') {
                if c == '\x07' {
                    return None;
                }
            }
            if rest.next().is_some() {
                rest.next_if_eq(&'\\');
            }
            None
        }
        None => {
            while rest.next_if(|c| (' '..='/').contains(c)).is_some() {}
            rest.next_if(|c| ('0'..='~').contains(c));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_stay_and_end_with_their_line() {
        let line = b"\x1b[1;31merror\x1b[m: x";
        assert_eq!(shown(line, true), "\x1b[1;31merror\x1b[m: x\x1b[0m");
        assert_eq!(shown(line, false), "error: x");
    }

    #[test]
    fn nothing_else_reaches_the_terminal() {
        let line = "a\x1b[2Jb\x1b]0;title\x07c\x1b[?25ld\x1b[>4;1me\x07\x1b(Bf\u{202e}g\u{9b}3h";
        assert_eq!(shown(line.as_bytes(), true), "abcdef\u{fffd}g3h");
        assert_eq!(shown(b"10%\r100%\r", true), "100%");
    }
}
