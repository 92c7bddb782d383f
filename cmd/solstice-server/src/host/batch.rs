//! The bounds of a batch of records (invariant I12).
//!
//! The records come from a guest through its host; what is checked here is
//! checked before a byte of it is on disk.

use solstice_model::record::{MAX_BATCH_BYTES, MAX_BATCH_RECORDS, MAX_CHUNK_BYTES};
use solstice_model::{AgentVerdict, Exit, Record, RecordBody, TimeLimit};

/// The most bytes of a note.
const MAX_NOTE_BYTES: usize = 4_096;

/// Says what is wrong with a batch for a job of `steps` steps.
pub(super) fn check(records: &[Record], steps: usize) -> Result<(), String> {
    if records.len() > MAX_BATCH_RECORDS {
        return Err(format!("a batch may have at most {MAX_BATCH_RECORDS} records"));
    }
    let bytes: usize = records.iter().map(size).sum();
    if bytes > MAX_BATCH_BYTES {
        return Err(format!("a batch may have at most {MAX_BATCH_BYTES} bytes of output"));
    }
    for (record, next) in records.iter().zip(records.iter().skip(1)) {
        if record.seq.checked_add(1) != Some(next.seq) {
            return Err(format!("record {} follows record {}", next.seq, record.seq));
        }
        if matches!(record.body, RecordBody::Finished { .. }) {
            return Err(format!("record {} follows the last one", next.seq));
        }
    }
    if records.first().is_some_and(|first| first.seq == 0) {
        return Err("the first record of an attempt is number 1".to_owned());
    }
    records.iter().try_for_each(|record| {
        check_body(&record.body, steps).map_err(|why| format!("record {}: {why}", record.seq))
    })
}

fn size(record: &Record) -> usize {
    match &record.body {
        RecordBody::Output { chunk, .. } => chunk.0.len(),
        RecordBody::Note { text } => text.len(),
        _ => 0,
    }
}

fn check_body(body: &RecordBody, steps: usize) -> Result<(), String> {
    match body {
        RecordBody::Output { chunk, .. } if chunk.0.len() > MAX_CHUNK_BYTES => {
            return Err(format!("a chunk may have at most {MAX_CHUNK_BYTES} bytes"));
        }
        RecordBody::Note { text } if text.len() > MAX_NOTE_BYTES => {
            return Err(format!("a note may have at most {MAX_NOTE_BYTES} bytes"));
        }
        RecordBody::StepFinished { exit: Exit::NotStarted { why }, .. }
        | RecordBody::StepRetried { exit: Exit::NotStarted { why }, .. }
        | RecordBody::Finished {
            verdict: AgentVerdict::Failed { exit: Exit::NotStarted { why }, .. },
        } if why.len() > MAX_NOTE_BYTES => {
            return Err(format!("a reason may have at most {MAX_NOTE_BYTES} bytes"));
        }
        RecordBody::Finished { verdict: AgentVerdict::ArtifactFailed { pattern, why } }
            if pattern.len().max(why.len()) > MAX_NOTE_BYTES =>
        {
            return Err(format!("a reason may have at most {MAX_NOTE_BYTES} bytes"));
        }
        _ => {}
    }
    let step = match body {
        RecordBody::StepStarted { step }
        | RecordBody::Output { step, .. }
        | RecordBody::StepRetried { step, .. }
        | RecordBody::StepSkipped { step }
        | RecordBody::StepFinished { step, .. } => Some(*step),
        RecordBody::Finished { verdict } => match verdict {
            AgentVerdict::Failed { step, .. }
            | AgentVerdict::TimedOut { limit: TimeLimit::Step { step, .. } } => Some(*step),
            AgentVerdict::Succeeded
            | AgentVerdict::ArtifactFailed { .. }
            | AgentVerdict::TimedOut { limit: TimeLimit::Job { .. } } => None,
        },
        RecordBody::Note { .. } => None,
    };
    match step {
        Some(step) if step as usize >= steps => Err(format!("the job has no step {step}")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use solstice_model::{Chunk, Stream};

    use super::*;

    fn record(seq: u64, body: RecordBody) -> Record {
        Record { seq, at: DateTime::UNIX_EPOCH, body }
    }

    fn output(seq: u64, bytes: usize) -> Record {
        let chunk = Chunk(vec![b'x'; bytes]);
        record(seq, RecordBody::Output { step: 0, stream: Stream::Stdout, chunk, newline: true })
    }

    fn finished(seq: u64) -> Record {
        record(seq, RecordBody::Finished { verdict: AgentVerdict::Succeeded })
    }

    #[test]
    fn what_fits_is_taken() {
        let largest = (1..=16).map(|seq| output(seq, MAX_CHUNK_BYTES)).collect::<Vec<_>>();
        assert_eq!(check(&largest, 1), Ok(()));
        assert_eq!(check(&[output(7, 1), finished(8)], 1), Ok(()));
    }

    #[test]
    fn every_bound_is_kept() {
        let many = (1..=17).map(|seq| output(seq, MAX_CHUNK_BYTES)).collect();
        let more = (1..=4_097).map(|seq| output(seq, 0)).collect();
        let note = RecordBody::Note { text: "x".repeat(MAX_NOTE_BYTES + 1) };
        let cases: [(Vec<Record>, &str); 8] = [
            (more, "at most 4096 records"),
            (many, "bytes of output"),
            (vec![output(1, MAX_CHUNK_BYTES + 1)], "a chunk may have"),
            (vec![record(1, note)], "a note may have"),
            (vec![output(1, 1), output(3, 1)], "record 3 follows record 1"),
            (vec![finished(1), output(2, 1)], "follows the last one"),
            (vec![output(0, 1)], "number 1"),
            (vec![record(1, RecordBody::StepStarted { step: 1 })], "no step 1"),
        ];
        for (records, expected) in cases {
            let wrong = check(&records, 1).unwrap_err();
            assert!(wrong.contains(expected), "{wrong}");
        }
        assert!(check(&[output(u64::MAX, 1), output(0, 1)], 1).is_err(), "no overflow");
    }
}
