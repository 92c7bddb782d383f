//! Turns an attempt's records into lines.

use std::collections::BTreeMap;

use solstice_display::line as shown;
use solstice_model::{Exit, Record, RecordBody, Stream};

use crate::output::harmless;

/// The most bytes of an unfinished line that are kept; longer ones are cut.
const MAX_OPEN_BYTES: usize = 64 * 1024;

/// How lines are to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// The bytes as they were written, and nothing else.
    Raw,
    /// With headings, without escape sequences.
    Plain,
    /// With headings and colours.
    Colours,
}

/// Takes the records of one attempt.
pub(crate) struct Painter {
    /// The steps' names.
    names: Vec<String>,
    look: Look,
    /// Lines that are not finished.
    open: BTreeMap<(u32, bool), Vec<u8>>,
}

impl Painter {
    /// A painter for a job with these steps.
    pub(crate) fn new(names: Vec<String>, look: Look) -> Self {
        Self { names, look, open: BTreeMap::new() }
    }

    /// What the record adds: whole lines, or bytes if they are wanted raw.
    pub(crate) fn take(&mut self, record: &Record) -> Vec<u8> {
        if self.look == Look::Raw {
            return raw(&record.body);
        }
        let mut lines = Vec::new();
        self.lines(&record.body, &mut lines);
        lines.into_iter().flat_map(|line| (line + "\n").into_bytes()).collect()
    }

    fn lines(&mut self, body: &RecordBody, lines: &mut Vec<String>) {
        match body {
            RecordBody::StepStarted { step } => lines.push(self.heading(*step, "")),
            RecordBody::StepSkipped { step } => lines.push(self.heading(*step, " (not run)")),
            RecordBody::Output { step, stream, chunk, newline } => {
                let key = (*step, *stream == Stream::Stderr);
                let line = self.open.entry(key).or_default();
                let room = MAX_OPEN_BYTES.saturating_sub(line.len()).min(chunk.0.len());
                line.extend_from_slice(&chunk.0[..room]);
                if *newline {
                    let line = self.open.remove(&key).unwrap_or_default();
                    lines.push(shown(&line, self.look == Look::Colours));
                }
            }
            RecordBody::StepRetried { step, exit } => {
                self.close(lines);
                lines.push(self.strong(&format!("=== step {}: {exit}; once more", step + 1)));
            }
            RecordBody::StepFinished { step, exit } => {
                self.close(lines);
                if *exit != (Exit::Code { code: 0 }) {
                    lines.push(self.strong(&format!("=== step {}: {exit}", step + 1)));
                }
            }
            RecordBody::Note { text } => {
                lines.push(self.strong(&format!("=== {}", harmless(text))))
            }
            RecordBody::Finished { .. } => self.close(lines),
        }
    }

    fn close(&mut self, lines: &mut Vec<String>) {
        let colours = self.look == Look::Colours;
        lines
            .extend(std::mem::take(&mut self.open).into_values().map(|line| shown(&line, colours)));
    }

    fn heading(&self, step: u32, after: &str) -> String {
        let name = self.names.get(step as usize).map_or("", String::as_str);
        self.strong(&format!("=== step {}: {}{after}", step + 1, harmless(name)))
    }

    fn strong(&self, text: &str) -> String {
        match self.look {
            Look::Colours => format!("\x1b[1m{text}\x1b[0m"),
            Look::Plain | Look::Raw => text.to_owned(),
        }
    }
}

fn raw(body: &RecordBody) -> Vec<u8> {
    match body {
        RecordBody::Output { chunk, newline, .. } => {
            let mut bytes = chunk.0.clone();
            bytes.extend(newline.then_some(b'\n'));
            bytes
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn paint(look: Look, bodies: Vec<RecordBody>) -> String {
        let mut painter = Painter::new(vec!["Build".to_owned()], look);
        let records =
            (1..).zip(bodies).map(|(seq, body)| Record { seq, at: DateTime::UNIX_EPOCH, body });
        String::from_utf8(records.flat_map(|record| painter.take(&record)).collect()).unwrap()
    }

    fn story() -> Vec<RecordBody> {
        let output = |stream, text: &str, newline| RecordBody::Output {
            step: 0,
            stream,
            chunk: text.into(),
            newline,
        };
        vec![
            RecordBody::StepStarted { step: 0 },
            output(Stream::Stdout, "one ", false),
            output(Stream::Stderr, "\x1b[31mbad\x1b[0m", true),
            output(Stream::Stdout, "line", true),
            output(Stream::Stdout, "no end", false),
            RecordBody::StepFinished { step: 0, exit: Exit::Code { code: 2 } },
        ]
    }

    #[test]
    fn lines_are_whole_and_headed() {
        let text = "=== step 1: Build\nbad\none line\nno end\n=== step 1: exit status 2\n";
        assert_eq!(paint(Look::Plain, story()), text);
        let coloured = paint(Look::Colours, story());
        assert!(
            coloured.starts_with("\x1b[1m=== step 1: Build\x1b[0m\n\x1b[31mbad\x1b[0m"),
            "{coloured:?}"
        );
    }

    #[test]
    fn raw_is_every_byte_and_no_other() {
        assert_eq!(paint(Look::Raw, story()), "one \x1b[31mbad\x1b[0m\nline\nno end");
    }
}
