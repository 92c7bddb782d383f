//! One line of a log, looked at without decoding all of it.
//!
//! Lines are written by this crate alone, always with their fields in the same
//! order. What is not as expected is decoded in full.

use serde_json::from_slice;
use solstice_model::{Chunk, Record, RecordBody, Stream};

use crate::numbers::Mark;

/// The sequence number of a line, which is its first field; `None` if the line
/// is not one of ours. A hole that a power cut left in a file reads as zero bytes.
pub(crate) fn seq_of(line: &[u8]) -> Option<u64> {
    let seq = begins_with(line)?;
    if line.last() != Some(&b'}') || line.iter().any(|byte| *byte < 0x20) {
        return None;
    }
    Some(seq)
}

/// The sequence number of a line of which only the beginning is there.
pub(crate) fn begins_with(line: &[u8]) -> Option<u64> {
    let (seq, rest) = number(line.strip_prefix(b"{\"seq\":")?)?;
    rest.starts_with(b",").then_some(seq)
}

/// What a line is to the count of lines; `None` if it is not one of ours.
pub(crate) fn mark_of(line: &[u8]) -> Option<Mark> {
    match output(line) {
        Some((mark, _)) => Some(mark),
        None => from_slice::<Record>(line).ok().map(|record| Mark::of(&record.body)),
    }
}

/// Says whether the text of a line satisfies `found`, with the bytes as they
/// were written.
pub(crate) fn with_text<T>(line: &[u8], found: impl FnOnce(&[u8]) -> T) -> Option<T> {
    if let Some((_, chunk)) = output(line) {
        return match literal(chunk) {
            Some(text) => Some(found(text)),
            None => from_slice::<Chunk>(chunk).ok().map(|chunk| found(&chunk.0)),
        };
    }
    match from_slice::<Record>(line).ok()?.body {
        RecordBody::Note { text } => Some(found(text.as_bytes())),
        _ => None,
    }
}

/// A JSON string that stands for its own bytes.
fn literal(chunk: &[u8]) -> Option<&[u8]> {
    let text = chunk.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    memchr::memchr(b'\\', text).is_none().then_some(text)
}

/// Takes a line of output apart: what it is, and its chunk in JSON.
fn output(line: &[u8]) -> Option<(Mark, &[u8])> {
    let (_, rest) = number(line.strip_prefix(b"{\"seq\":")?)?;
    let rest = rest.strip_prefix(b",\"at\":\"")?;
    let rest = &rest[memchr::memchr(b'"', rest)?..];
    let rest = rest.strip_prefix(b"\",\"kind\":\"output\",\"step\":")?;
    let (step, rest) = number(rest)?;
    let rest = rest.strip_prefix(b",\"stream\":\"")?;
    let (stream, rest) = match rest.strip_prefix(b"stdout\"") {
        Some(rest) => (Stream::Stdout, rest),
        None => (Stream::Stderr, rest.strip_prefix(b"stderr\"")?),
    };
    let rest = rest.strip_prefix(b",\"chunk\":")?;
    let (newline, chunk) = match rest.strip_suffix(b",\"newline\":true}") {
        Some(chunk) => (true, chunk),
        None => (false, rest.strip_suffix(b",\"newline\":false}")?),
    };
    let step = u32::try_from(step).ok()?;
    Some((Mark::Output { step, stream, newline }, chunk))
}

fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let digits = bytes.iter().position(|byte| !byte.is_ascii_digit())?;
    let number = std::str::from_utf8(&bytes[..digits]).ok()?.parse().ok()?;
    Some((number, &bytes[digits..]))
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use solstice_model::Exit;

    use super::*;

    fn line(body: RecordBody) -> Vec<u8> {
        let at = DateTime::from_timestamp_millis(1_700_000_000_001).unwrap();
        serde_json::to_vec(&Record { seq: 1204, at, body }).unwrap()
    }

    fn written(bytes: &[u8], newline: bool) -> RecordBody {
        let chunk = Chunk(bytes.to_vec());
        RecordBody::Output { step: 7, stream: Stream::Stderr, chunk, newline }
    }

    #[test]
    fn a_line_begins_with_its_number() {
        let line = line(RecordBody::Note { text: "a,\"b\n".to_owned() });
        assert_eq!(seq_of(&line), Some(1204));
        assert_eq!(seq_of(&line[..line.len() - 1]), None);
        assert_eq!(seq_of(b"{\"seq\":1,\0\0\0}"), None);
    }

    #[test]
    fn output_is_understood_without_decoding_it() {
        for newline in [true, false] {
            let line = line(written(b"text \",\\\"newline\":true}", newline));
            let expected = Mark::Output { step: 7, stream: Stream::Stderr, newline };
            assert_eq!(output(&line).unwrap().0, expected);
        }
    }

    #[test]
    fn every_kind_of_record_is_the_same_looked_at_and_decoded() {
        let bodies = [
            written(b"plain", true),
            written(b"quoted \" and \\ and \x1b[0m", false),
            written(&[0xff, 0xfe], true),
            RecordBody::Note { text: "note".to_owned() },
            RecordBody::StepStarted { step: 3 },
            RecordBody::StepFinished { step: 3, exit: Exit::Code { code: 1 } },
        ];
        for body in bodies {
            let line = line(body.clone());
            assert_eq!(mark_of(&line), Some(Mark::of(&body)));
            let expected = match &body {
                RecordBody::Output { chunk, .. } => Some(chunk.0.clone()),
                RecordBody::Note { text } => Some(text.clone().into_bytes()),
                _ => None,
            };
            assert_eq!(with_text(&line, <[u8]>::to_vec), expected);
        }
    }
}
