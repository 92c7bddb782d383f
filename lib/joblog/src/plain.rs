//! The log as plain text: lines as written, a heading before each step.

use solstice_model::{AttemptId, Record, RecordBody, Stream};

use crate::error::LogError;
use crate::logs::JobLogs;

/// How much of the log is turned into text at a time, in bytes.
const PAGE_BYTES: usize = 256 * 1024;

/// Turns records into text.
///
/// Steps are headed `=== step 1: Build`, what the agent itself has to say
/// `=== note: …`. When one stream writes while the other's line is not ended,
/// the text ends that line, so that no two lines are mixed.
#[derive(Clone, Debug)]
pub struct Plain {
    step_names: Vec<String>,
    /// Whose line is not ended yet.
    open: Option<(u32, Stream)>,
}

impl Plain {
    /// Begins a text; the names head the steps.
    pub fn new(step_names: Vec<String>) -> Self {
        Self { step_names, open: None }
    }

    /// Adds a record's text to `out`.
    pub fn render(&mut self, record: &Record, out: &mut Vec<u8>) {
        match &record.body {
            RecordBody::Output { step, stream, chunk, newline } => {
                if self.open.is_some_and(|open| open != (*step, *stream)) {
                    self.end_line(out);
                }
                out.extend_from_slice(&chunk.0);
                self.open = Some((*step, *stream));
                if *newline {
                    self.end_line(out);
                }
            }
            RecordBody::StepStarted { step } => {
                self.end_line(out);
                let name = usize::try_from(*step).ok().and_then(|step| self.step_names.get(step));
                let name = name.and_then(|name| name.lines().next()).unwrap_or("?");
                out.extend_from_slice(
                    format!("=== step {}: {name}\n", u64::from(*step) + 1).as_bytes(),
                );
            }
            RecordBody::Note { text } => {
                self.end_line(out);
                let line = text.lines().next().unwrap_or_default();
                out.extend_from_slice(format!("=== note: {line}\n").as_bytes());
            }
            RecordBody::StepRetried { .. }
            | RecordBody::StepSkipped { .. }
            | RecordBody::StepFinished { .. }
            | RecordBody::Finished { .. } => self.end_line(out),
        }
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        if self.open.take().is_some() {
            out.push(b'\n');
        }
    }
}

/// Reads a log as plain text up to what is durable when it gets there.
#[derive(Debug)]
pub struct PlainReader {
    logs: JobLogs,
    attempt: AttemptId,
    plain: Plain,
    next_seq: u64,
}

impl PlainReader {
    pub(crate) fn new(logs: JobLogs, attempt: AttemptId, step_names: Vec<String>) -> Self {
        Self { logs, attempt, plain: Plain::new(step_names), next_seq: 1 }
    }

    /// The next piece of the text; `None` at its end.
    ///
    /// # Errors
    ///
    /// Whatever the disk does.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, LogError> {
        loop {
            let page = self.logs.read(self.attempt, self.next_seq, PAGE_BYTES).await?;
            if page.records.is_empty() {
                return Ok(None);
            }
            self.next_seq = page.next_seq;
            let mut text = Vec::with_capacity(PAGE_BYTES);
            for record in &page.records {
                self.plain.render(record, &mut text);
            }
            if !text.is_empty() {
                return Ok(Some(text));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn text(bodies: Vec<RecordBody>) -> String {
        let mut plain = Plain::new(vec!["Build".to_owned(), "Two\nlines".to_owned()]);
        let mut out = Vec::new();
        for (seq, body) in (1..).zip(bodies) {
            let at = DateTime::from_timestamp_millis(0).unwrap();
            plain.render(&Record { seq, at, body }, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    fn output(stream: Stream, chunk: &str, newline: bool) -> RecordBody {
        RecordBody::Output { step: 0, stream, chunk: chunk.into(), newline }
    }

    #[test]
    fn lines_are_as_written_under_the_headings_of_their_steps() {
        let text = text(vec![
            RecordBody::StepStarted { step: 0 },
            output(Stream::Stdout, "one, ", false),
            output(Stream::Stdout, "still one", true),
            output(Stream::Stdout, "", true),
            output(Stream::Stderr, "no newline", false),
            RecordBody::StepStarted { step: 1 },
            RecordBody::StepStarted { step: 7 },
            RecordBody::Note { text: "done".to_owned() },
        ]);
        assert_eq!(
            text,
            "=== step 1: Build\none, still one\n\nno newline\n=== step 2: Two\n=== step 8: ?\n\
             === note: done\n"
        );
    }

    #[test]
    fn the_two_streams_do_not_mix_within_a_line() {
        let text = text(vec![
            output(Stream::Stdout, "out", false),
            output(Stream::Stderr, "err", true),
            output(Stream::Stdout, "put", true),
        ]);
        assert_eq!(text, "out\nerr\nput\n");
    }
}
