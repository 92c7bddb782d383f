//! A machine's serial console: its tail for the server, its last lines for people.

use std::time::Duration;

use solstice_hypervisor::{Hypervisor, HypervisorError};
use solstice_model::AttemptId;

/// The most that the server takes.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

/// How much is read at once.
const PIECE_BYTES: usize = 256 * 1024;

/// How long the reading may take: a guest can write faster than we read.
const READ_LIMIT: Duration = Duration::from_secs(10);

/// The most lines of a console in a reason, and the most characters of a line.
const LINES: usize = 8;
const LINE_CHARS: usize = 160;

/// Reads the last [`MAX_BYTES`] of a machine's console.
///
/// # Errors
///
/// [`HypervisorError`] if it cannot be read.
pub(crate) async fn tail(
    hypervisor: &dyn Hypervisor,
    id: AttemptId,
) -> Result<Vec<u8>, HypervisorError> {
    let mut tail = Vec::new();
    let read = async {
        let mut from = 0;
        loop {
            let piece = hypervisor.console(id, from, PIECE_BYTES).await?;
            if piece.bytes.is_empty() {
                return Ok(());
            }
            tail.extend_from_slice(&piece.bytes);
            tail.drain(..tail.len().saturating_sub(MAX_BYTES));
            from = piece.next;
        }
    };
    match tokio::time::timeout(READ_LIMIT, read).await {
        Ok(Err(error)) => Err(error),
        Ok(Ok(())) | Err(_) => Ok(tail),
    }
}

/// The last lines of a console in one line of plain text, for a reason.
pub(crate) fn last_lines(console: &[u8]) -> String {
    // Eight lines of 160 characters and whatever a serial console repeats.
    let end = &console[console.len().saturating_sub(16 * 1024)..];
    let plain = plain_text(&String::from_utf8_lossy(end));
    let lines: Vec<&str> = plain.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let shown = &lines[lines.len().saturating_sub(LINES)..];
    let cut = |line: &&str| line.chars().take(LINE_CHARS).collect::<String>();
    shown.iter().map(cut).collect::<Vec<_>>().join(" | ")
}

/// Text without escape sequences and control characters; lines stay lines.
fn plain_text(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\n' | '\r' => plain.push('\n'),
            '\t' => plain.push(' '),
            c if c.is_control() => {}
            c => plain.push(c),
        }
    }
    plain
}

/// Skips what follows an escape character (ECMA-48, sections 5.3 and 5.4).
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    if chars.peek() != Some(&'[') {
        chars.next_if(|c| !c.is_control());
        return;
    }
    chars.next();
    while let Some(c) = chars.next_if(|c| matches!(c, ' '..='~')) {
        if matches!(c, '@'..='~') {
            return;
        }
    }
}

/// `why`, and what the console said last, if it said anything.
pub(crate) fn with_last_lines(why: String, console: &[u8]) -> String {
    match last_lines(console) {
        lines if lines.is_empty() => format!("{why}; its console is empty"),
        lines => format!("{why}; its console ends: {lines}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_plain_and_bounded() {
        let console =
            b"[    0.1] \x1b[32mBooting\x1b[0m\r\n\r\n\x07panic:\tno \xffroot\r\n\x1b7end";
        assert_eq!(last_lines(console), "[    0.1] Booting | panic: no \u{fffd}root | end");
        let long = "x".repeat(100_000) + "\n" + &"line\n".repeat(100);
        let lines = last_lines(long.as_bytes());
        assert_eq!(lines.matches("line").count(), LINES);
        assert!(last_lines(&vec![b'x'; 100_000]).len() <= LINE_CHARS);
        assert_eq!(last_lines(b"\x1b["), "");
    }

    #[test]
    fn a_silent_console_is_said_to_be_so() {
        assert!(with_last_lines("gone".to_owned(), b"\r\n").ends_with("its console is empty"));
    }
}
