//! Short lines on the console, for whoever looks at a machine that is stuck.
//!
//! A console that cannot be written to is no reason to stop, so nothing here
//! fails; and no secret is ever passed to it.

use std::error::Error;
use std::io::Write;

/// Writes one line, in one write, so that the kernel's lines do not cut it.
pub(crate) fn say(line: &str) {
    let text = format!("solstice-agent: {line}\n");
    // Nobody is left to tell if the console is gone.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Writes an error with all its causes as one line.
pub(crate) fn say_error(error: &dyn Error) {
    say(&with_causes(error));
}

/// An error and its causes, outermost first.
pub(crate) fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Some libraries repeat their cause in their own text.
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
