//! Writing to the terminal: a closed pipe is not an error, escape codes stay harmless.

use std::io::{self, Write};

use serde::Serialize;
use solstice_display::Table;
pub(crate) use solstice_display::harmless;
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
    let Some((head, rows)) = rows.split_first() else { return String::new() };
    let mut table = Table::new(&head.iter().map(String::as_str).collect::<Vec<_>>());
    rows.iter().for_each(|row| table.row(row.clone()));
    table.text(usize::MAX)
}
