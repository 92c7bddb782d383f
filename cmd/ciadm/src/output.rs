//! Writing to the terminal: tables that fit, JSON, and nothing that a stranger
//! could steer the terminal with.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The width of what is no terminal: nothing is cut.
const NO_TERMINAL: usize = usize::MAX;

/// No column is cut to less than this.
const NARROWEST: usize = 8;

/// Writes to standard output.
pub(crate) fn print(text: &str) {
    bytes(text.as_bytes());
}

/// Writes bytes to standard output. A reader that went away (`ciadm runs | head`)
/// has seen enough.
pub(crate) fn bytes(bytes: &[u8]) {
    let mut stdout = io::stdout().lock();
    if stdout.write_all(bytes).and_then(|()| stdout.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Writes a line to standard output.
pub(crate) fn line(text: &str) {
    print(&format!("{text}\n"));
}

/// Writes a value as one indented JSON document.
pub(crate) fn json(value: &impl Serialize) {
    line(&serde_json::to_string_pretty(value).expect("our own types have string keys only"));
}

/// Writes a value as one line of JSON.
pub(crate) fn ndjson(value: &impl Serialize) {
    line(&serde_json::to_string(value).expect("our own types have string keys only"));
}

/// Whether standard output is a terminal.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether colours are wanted: on a terminal, unless `NO_COLOR` is set
/// (<https://no-color.org>).
pub(crate) fn colours() -> bool {
    is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Columns of the terminal.
pub(crate) fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stdout());
    match size {
        Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
        _ => NO_TERMINAL,
    }
}

/// Replaces what could steer a terminal or turn its text around; a title or a
/// ref is a stranger's.
pub(crate) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' => c,
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// A table: columns as wide as their widest cell, two blanks apart.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this head.
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    /// Adds a row; line breaks and controls in it become harmless.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows
            .push(cells.iter().map(|cell| harmless(cell).replace(['\n', '\t'], " ")).collect());
    }

    /// Writes it, or `nothing` if it has no rows.
    pub(crate) fn print(&self, nothing: &str) {
        if self.rows.len() == 1 {
            line(nothing);
        } else {
            print(&self.text(width()));
        }
    }

    /// The table in at most `room` columns: the widest columns are cut.
    fn text(&self, room: usize) -> String {
        let mut widths = vec![0; self.rows[0].len()];
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let gaps = 2 * (widths.len() - 1);
        while widths.iter().sum::<usize>().saturating_add(gaps) > room {
            let Some(widest) = widths.iter_mut().max().filter(|width| **width > NARROWEST) else {
                break;
            };
            *widest -= 1;
        }
        let mut text = String::new();
        for row in &self.rows {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| pad(&cut(cell, *width), *width))
                .collect();
            text.push_str(cells.join("  ").trim_end());
            text.push('\n');
        }
        text
    }
}

fn pad(cell: &str, width: usize) -> String {
    format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width())))
}

/// The text in at most `width` columns, with an ellipsis where it was cut.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut out, mut used) = (String::new(), 1);
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        out.push(c);
    }
    out + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_cut_where_it_is_widest() {
        let mut table = Table::new(&["ID", "TITLE"]);
        table.row(vec!["12345678".to_owned(), "a very long title that goes on".to_owned()]);
        table.row(vec!["abc".to_owned(), "日本語の題名は二列分の幅".to_owned()]);
        assert_eq!(
            table.text(24),
            "ID        TITLE\n12345678  a very long t…\nabc       日本語の題名…\n"
        );
        assert!(table.text(NO_TERMINAL).contains("that goes on\n"));
    }

    #[test]
    fn a_stranger_s_title_cannot_steer_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2J\u{202e}b\u{9b}"), "a\u{fffd}[2J\u{fffd}b\u{fffd}");
        let mut table = Table::new(&["T"]);
        table.row(vec!["two\nlines".to_owned()]);
        assert_eq!(table.text(80), "T\ntwo lines\n");
    }
}
