//! Writing to the terminal: tables that fit, JSON, colours where they are wanted.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::OnceLock;

use serde::Serialize;
pub(crate) use solstice_display::{Table, cut, harmless};

/// The width of what is no terminal: nothing is cut.
const NO_TERMINAL: usize = usize::MAX;

/// Whether colours are asked for; what the terminal is decides if nothing was said.
static COLOURS: OnceLock<Option<bool>> = OnceLock::new();

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

/// Keeps what `--color` says, once.
pub(crate) fn choose_colours(choice: clap::ColorChoice) {
    let chosen = match choice {
        clap::ColorChoice::Always => Some(true),
        clap::ColorChoice::Never => Some(false),
        clap::ColorChoice::Auto => None,
    };
    let _ = COLOURS.set(chosen);
}

/// Whether colours are wanted: as `--color` says, else on a terminal, unless
/// `NO_COLOR` is set (<https://no-color.org>).
pub(crate) fn colours() -> bool {
    let usual =
        || is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    COLOURS.get().copied().flatten().unwrap_or_else(usual)
}

/// Columns of the terminal.
pub(crate) fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stdout());
    match size {
        Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
        _ => NO_TERMINAL,
    }
}

/// Lines of the terminal.
pub(crate) fn height() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stdout());
    size.ok().map_or(NO_TERMINAL, |size| usize::from(size.ws_row)).max(4)
}

/// Writes a table that fits the terminal, or `nothing` if it has no rows.
pub(crate) fn table(table: &Table, nothing: &str) {
    if table.is_empty() {
        line(nothing);
    } else {
        print(&table.text(width()));
    }
}
