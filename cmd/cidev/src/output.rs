//! Writing to the terminal: a closed pipe is not an error, escape codes stay harmless.

use std::io::{self, Write};

use serde::Serialize;
use solstice_model::{Need, NeededOutcome};

/// Writes to standard output. A reader that went away (`cidev list | head`) has
/// seen enough, and nobody is left to be told of any other failure.
pub(crate) fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Shows a problem on standard error, in colour if it is a terminal.
pub(crate) fn complain(report: &miette::Report) {
    let _ = writeln!(io::stderr().lock(), "{report:?}");
}

/// A value as indented JSON.
pub(crate) fn json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("plain data with text keys");
    text.push('\n');
    text
}

/// Replaces control characters, which a script or a variable may contain.
pub(crate) fn harmless(text: &str) -> String {
    text.replace(|c: char| c.is_control() && !matches!(c, '\n' | '\t'), "\u{fffd}")
}

/// A need: the job's name, and how it must have ended if it need not succeed.
pub(crate) fn need(need: &Need) -> String {
    let outcome = match need.outcome {
        NeededOutcome::Succeeded => return need.job.to_string(),
        NeededOutcome::Failed => "failed",
        NeededOutcome::Completed => "completed",
        NeededOutcome::Any => "any",
    };
    format!("{}:{outcome}", need.job)
}

/// Columns as wide as their widest cell, two blanks apart; the first row is the head.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_up_and_leaves_no_blanks_at_the_end() {
        let rows = [["A", "LONG"], ["äöü", "x"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "A    LONG\näöü  x\n");
    }

    #[test]
    fn escape_codes_do_not_reach_the_terminal() {
        assert_eq!(harmless("a\u{1b}[31m\n\tb"), "a\u{fffd}[31m\n\tb");
    }
}
