//! The last lines of an attempt's log, fit to be shown by a forge.

use solstice_joblog::{JobLogs, LogError, Plain};
use solstice_model::AttemptId;

use super::markdown::end_of;

/// The most lines that are shown.
const MAX_LINES: u64 = 100;

/// The most that is shown, in bytes.
pub(crate) const MAX_BYTES: usize = 16 * 1024;

/// How much of the log is looked at for it, in bytes, and how much is read at once.
const READ_BYTES: usize = 256 * 1024;

/// Reads the end of a log as plain text, as written; empty if there is no log.
///
/// # Errors
///
/// Whatever the disk does, and [`LogError::Removed`].
pub(crate) async fn read(
    logs: &JobLogs,
    attempt: AttemptId,
    step_names: Vec<String>,
) -> Result<Vec<u8>, LogError> {
    let last = logs.last_seq(attempt).await?;
    let mut next = logs.tail(attempt, MAX_LINES, READ_BYTES as u64).await?.seq;
    let (mut plain, mut text) = (Plain::new(step_names), Vec::new());
    while next <= last {
        let page = logs.read(attempt, next, READ_BYTES).await?;
        if page.records.is_empty() {
            break;
        }
        page.records.iter().for_each(|record| plain.render(record, &mut text));
        text.drain(..text.len().saturating_sub(READ_BYTES));
        next = page.next_seq;
    }
    Ok(text)
}

/// The last lines without escape sequences and controls; of what is too long the end.
pub(crate) fn clean(text: &[u8]) -> String {
    let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
    if lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    let surplus = lines.len().saturating_sub(usize::try_from(MAX_LINES).unwrap_or(usize::MAX));
    let shown: Vec<String> = lines[surplus..]
        .iter()
        .map(|line| {
            let from = line.len().saturating_sub(solstice_display::MAX_LINE_BYTES);
            solstice_display::line(&line[from..], false)
        })
        .collect();
    let shown = shown.join("\n");
    if shown.len() <= MAX_BYTES {
        return shown;
    }
    format!("…{}", end_of(&shown, MAX_BYTES - '…'.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_and_nothing_that_controls() {
        assert_eq!(clean(b""), "");
        assert_eq!(clean(b"one\n\x1b[31mtwo\x1b[0m\0\n10%\r100%"), "one\ntwo\n100%");
        let many: String = (0..500).map(|line| format!("line {line}\n")).collect();
        let shown = clean(many.as_bytes());
        assert_eq!(shown.lines().count(), 100);
        assert!(shown.starts_with("line 400\n") && shown.ends_with("line 499"));
    }

    #[test]
    fn what_is_too_long_is_cut_at_its_beginning_between_characters() {
        for lead in ["", "a", "ab", "abc"] {
            let shown = clean(format!("{lead}{}END", "🦀".repeat(50_000)).as_bytes());
            assert!(shown.len() <= MAX_BYTES && shown.len() > MAX_BYTES - 8);
            assert!(shown.starts_with('…') && shown.ends_with("🦀END"));
        }
    }
}
