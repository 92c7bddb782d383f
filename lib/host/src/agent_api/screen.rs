//! The check of a guest's records before anybody else sees them (invariant I12).

use solstice_api::agent::RecordBatch;
use solstice_model::record::{MAX_BATCH_BYTES, MAX_BATCH_RECORDS, MAX_CHUNK_BYTES};
use solstice_model::{AgentVerdict, Exit, JobSpec, Record, RecordBody, TimeLimit};

/// The most bytes of a note or of the system's reason in an exit.
const MAX_TEXT_BYTES: usize = 4 * 1024;

/// What is wrong with a batch; for the agent's log.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// Too much at once.
    #[error("a batch has at most {most} {what}")]
    TooMuch {
        /// Records or bytes.
        what: &'static str,
        /// How many.
        most: usize,
    },
    /// A single text is too long.
    #[error("record {seq}: {what} has at most {most} bytes")]
    TooLong {
        /// The record.
        seq: u64,
        /// Which text.
        what: &'static str,
        /// How many.
        most: usize,
    },
    /// The numbers have a hole, repeat or begin below 1.
    #[error("record {seq} is out of order")]
    OutOfOrder {
        /// The record.
        seq: u64,
    },
    /// The job has no such step.
    #[error("record {seq}: the job has no step {step}")]
    NoSuchStep {
        /// The record.
        seq: u64,
        /// The step.
        step: u32,
    },
    /// Something follows the end.
    #[error("record {seq} follows the end of the job")]
    AfterEnd {
        /// The record.
        seq: u64,
    },
}

/// What is known of a batch that is in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Screened {
    /// The number of the record that ends the job, if it is among them.
    pub(crate) finished: Option<u64>,
    /// Whether any of them is about a step.
    pub(crate) steps: bool,
}

/// Checks a batch; nothing is said of an empty one.
pub(crate) fn screen(spec: &JobSpec, batch: &RecordBatch) -> Result<Option<Screened>, Refused> {
    let records = &batch.records;
    if records.len() > MAX_BATCH_RECORDS {
        return Err(Refused::TooMuch { what: "records", most: MAX_BATCH_RECORDS });
    }
    if records.iter().map(output_bytes).sum::<usize>() > MAX_BATCH_BYTES {
        return Err(Refused::TooMuch { what: "bytes of output", most: MAX_BATCH_BYTES });
    }
    let Some(first) = records.first() else { return Ok(None) };
    let mut expected = first.seq.max(1);
    let mut finished = None;
    let mut steps = false;
    for record in records {
        let seq = record.seq;
        if seq != expected {
            return Err(Refused::OutOfOrder { seq });
        }
        if finished.is_some() {
            return Err(Refused::AfterEnd { seq });
        }
        screen_body(spec, seq, &record.body)?;
        match record.body {
            RecordBody::Finished { .. } => finished = Some(seq),
            RecordBody::Note { .. } => {}
            _ => steps = true,
        }
        // The last possible number has no successor, which is out of order too.
        expected = seq.checked_add(1).ok_or(Refused::OutOfOrder { seq })?;
    }
    Ok(Some(Screened { finished, steps }))
}

/// The bytes that programs wrote for these records, of those whose number is
/// above `after` and not above `until`.
pub(crate) fn logged_bytes(records: &[Record], after: u64, until: u64) -> u64 {
    let new = records.iter().filter(|record| record.seq > after && record.seq <= until);
    new.map(|record| match &record.body {
        RecordBody::Output { chunk, newline, .. } => chunk.0.len() as u64 + u64::from(*newline),
        _ => 0,
    })
    .sum()
}

/// What an attempt may send of output before it is clear that its agent does
/// not keep to the limit that it was told.
pub(crate) fn most_logged(limit: u64) -> u64 {
    limit.saturating_add(limit / 16).saturating_add(1024 * 1024)
}

fn output_bytes(record: &Record) -> usize {
    match &record.body {
        RecordBody::Output { chunk, .. } => chunk.0.len(),
        _ => 0,
    }
}

fn screen_body(spec: &JobSpec, seq: u64, body: &RecordBody) -> Result<(), Refused> {
    let known = |step: u32| match usize::try_from(step) {
        Ok(index) if index < spec.steps.len() => Ok(()),
        _ => Err(Refused::NoSuchStep { seq, step }),
    };
    match body {
        RecordBody::StepStarted { step } | RecordBody::StepSkipped { step } => known(*step),
        RecordBody::Output { step, chunk, .. } => {
            within(seq, "a chunk", chunk.0.len(), MAX_CHUNK_BYTES)?;
            known(*step)
        }
        RecordBody::StepFinished { step, exit } | RecordBody::StepRetried { step, exit } => {
            screen_exit(seq, exit)?;
            known(*step)
        }
        RecordBody::Note { text } => within(seq, "a note", text.len(), MAX_TEXT_BYTES),
        RecordBody::Finished { verdict } => match verdict {
            AgentVerdict::Succeeded => Ok(()),
            AgentVerdict::Failed { step, exit } => {
                screen_exit(seq, exit)?;
                known(*step)
            }
            AgentVerdict::ArtifactFailed { pattern, why } => {
                within(seq, "a pattern", pattern.len(), MAX_TEXT_BYTES)?;
                within(seq, "a reason", why.len(), MAX_TEXT_BYTES)
            }
            AgentVerdict::TimedOut { limit: TimeLimit::Job { .. } } => Ok(()),
            AgentVerdict::TimedOut { limit: TimeLimit::Step { step, .. } } => known(*step),
        },
    }
}

fn screen_exit(seq: u64, exit: &Exit) -> Result<(), Refused> {
    match exit {
        Exit::NotStarted { why } => within(seq, "a reason", why.len(), MAX_TEXT_BYTES),
        Exit::Code { .. } | Exit::Signal { .. } => Ok(()),
    }
}

fn within(seq: u64, what: &'static str, bytes: usize, most: usize) -> Result<(), Refused> {
    if bytes > most { Err(Refused::TooLong { seq, what, most }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use solstice_model::{Chunk, Stream};

    use super::*;
    use crate::testing::{assignment, record};

    fn judge(bodies: Vec<(u64, RecordBody)>) -> Result<Option<Screened>, Refused> {
        let records = bodies.into_iter().map(|(seq, body)| record(seq, body)).collect();
        screen(&assignment().spec, &RecordBatch { records })
    }

    fn output(step: u32, bytes: usize) -> RecordBody {
        let chunk = Chunk(vec![b'x'; bytes]);
        RecordBody::Output { step, stream: Stream::Stdout, chunk, newline: true }
    }

    fn finished() -> RecordBody {
        RecordBody::Finished { verdict: AgentVerdict::Succeeded }
    }

    #[test]
    fn what_an_honest_agent_sends_is_taken() {
        let exit = Exit::Code { code: 0 };
        let bodies = vec![
            (7, RecordBody::StepStarted { step: 0 }),
            (8, output(0, MAX_CHUNK_BYTES)),
            (9, RecordBody::StepFinished { step: 0, exit }),
            (10, finished()),
        ];
        assert_eq!(judge(bodies), Ok(Some(Screened { finished: Some(10), steps: true })));
        let note = RecordBody::Note { text: "unpacking".to_owned() };
        assert_eq!(judge(vec![(1, note)]), Ok(Some(Screened { finished: None, steps: false })));
        assert_eq!(judge(Vec::new()), Ok(None));
    }

    #[test]
    fn numbers_have_no_holes_and_begin_at_one() {
        for seqs in [&[0, 1][..], &[1, 3], &[2, 2], &[3, 2], &[u64::MAX], &[u64::MAX, 0]] {
            let bodies = seqs.iter().map(|seq| (*seq, output(0, 1))).collect();
            let refused = judge(bodies);
            assert!(matches!(refused, Err(Refused::OutOfOrder { .. })), "{seqs:?} {refused:?}");
        }
    }

    #[test]
    fn sizes_are_bounded() {
        let note = |bytes| RecordBody::Note { text: "x".repeat(bytes) };
        let why = "x".repeat(MAX_TEXT_BYTES + 1);
        let too_long = [
            output(0, MAX_CHUNK_BYTES + 1),
            note(MAX_TEXT_BYTES + 1),
            RecordBody::StepFinished { step: 0, exit: Exit::NotStarted { why: why.clone() } },
            RecordBody::StepRetried { step: 0, exit: Exit::NotStarted { why: why.clone() } },
            RecordBody::Finished {
                verdict: AgentVerdict::ArtifactFailed { pattern: why.clone(), why: String::new() },
            },
            RecordBody::Finished {
                verdict: AgentVerdict::Failed { step: 0, exit: Exit::NotStarted { why } },
            },
        ];
        for body in too_long {
            assert!(matches!(judge(vec![(1, body)]), Err(Refused::TooLong { .. })));
        }
        let many = (1..=MAX_BATCH_RECORDS as u64 + 1).map(|seq| (seq, note(0))).collect();
        assert!(matches!(judge(many), Err(Refused::TooMuch { what: "records", .. })));
        let large = (1..=17).map(|seq| (seq, output(0, MAX_CHUNK_BYTES))).collect();
        assert!(matches!(judge(large), Err(Refused::TooMuch { what: "bytes of output", .. })));
    }

    #[test]
    fn steps_that_the_job_does_not_have_are_refused() {
        let exit = || Exit::Code { code: 1 };
        let bodies = [
            RecordBody::StepStarted { step: 1 },
            output(u32::MAX, 1),
            RecordBody::StepFinished { step: 1, exit: exit() },
            RecordBody::StepRetried { step: 1, exit: exit() },
            RecordBody::StepSkipped { step: 1 },
            RecordBody::Finished { verdict: AgentVerdict::Failed { step: 1, exit: exit() } },
            RecordBody::Finished {
                verdict: AgentVerdict::TimedOut { limit: TimeLimit::Step { step: 9, seconds: 1 } },
            },
        ];
        for body in bodies {
            assert!(matches!(judge(vec![(1, body)]), Err(Refused::NoSuchStep { .. })));
        }
    }

    #[test]
    fn only_new_output_counts_and_a_newline_is_a_byte() {
        let records: Vec<_> = (1..=4).map(|seq| record(seq, output(0, 9))).collect();
        assert_eq!(logged_bytes(&records, 0, 4), 40);
        assert_eq!(logged_bytes(&records, 2, 3), 10);
        assert!(most_logged(u64::MAX) == u64::MAX && most_logged(1600) > 1700);
    }

    #[test]
    fn nothing_follows_the_end() {
        let refused = judge(vec![(1, finished()), (2, output(0, 1))]);
        assert_eq!(refused, Err(Refused::AfterEnd { seq: 2 }));
    }
}
