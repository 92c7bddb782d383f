//! Places in a log: lines, the end, steps, what is written.

use chrono::DateTime;
use solstice_joblog::{JobLogs, LineNumbers};
use solstice_model::id::new_id;
use solstice_model::{AttemptId, Chunk, Exit, Record, RecordBody, Stream};

use crate::fixture::{all, logs, reopen};

fn body(seq: u64, body: RecordBody) -> Record {
    Record { seq, at: DateTime::from_timestamp_millis(1_700_000_000_000).unwrap(), body }
}

fn part(seq: u64, step: u32, stream: Stream, text: &[u8], newline: bool) -> Record {
    body(seq, RecordBody::Output { step, stream, chunk: Chunk(text.to_vec()), newline })
}

/// Steps with lines in parts, from both streams, and notes; large enough for
/// several checkpoints and frames.
fn job() -> Vec<Record> {
    let mut job = Vec::new();
    let next = |job: &Vec<Record>| job.len() as u64 + 1;
    for step in 0..7 {
        job.push(body(next(&job), RecordBody::StepStarted { step }));
        for n in 0..1500 {
            let text = format!("step {step}, number {n}, {}", "x".repeat(n % 200));
            let (front, back) = text.as_bytes().split_at(n % 7);
            job.push(part(next(&job), step, Stream::Stdout, front, false));
            job.push(part(next(&job), step, Stream::Stderr, b"warning \"quoted\"", n % 3 != 0));
            job.push(part(next(&job), step, Stream::Stdout, back, true));
        }
        job.push(body(next(&job), RecordBody::Note { text: format!("after {step}") }));
        let exit = Exit::Code { code: 0 };
        job.push(body(next(&job), RecordBody::StepFinished { step, exit }));
    }
    job
}

async fn append(logs: &JobLogs, attempt: AttemptId, job: &[Record]) {
    for batch in job.chunks(2_000) {
        logs.append(attempt, batch).await.unwrap();
    }
}

/// What the log should say, by reading all of it.
async fn agrees(logs: &JobLogs, attempt: AttemptId, job: &[Record]) {
    let mut numbers = LineNumbers::default();
    let mut begins = Vec::new();
    for record in job {
        let before = numbers.clone();
        numbers.note(&record.body);
        if numbers.lines() > before.lines() {
            begins.push((record.seq, before.clone()));
        }
        if record.seq % 501 == 0 {
            let place = logs.place(attempt, record.seq).await.unwrap();
            assert_eq!((place.seq, place.numbers), (record.seq, before));
        }
    }
    assert_eq!(logs.extent(attempt).await.unwrap().lines, numbers.lines());
    for (line, (seq, before)) in (1..).zip(&begins) {
        if line % 307 == 0 || line == 1 || line == numbers.lines() {
            let place = logs.line(attempt, line).await.unwrap();
            assert_eq!((place.seq, &place.numbers), (*seq, before), "line {line}");
            let tail = logs.tail(attempt, numbers.lines() - line + 1, u64::MAX).await.unwrap();
            assert_eq!(tail.numbers.lines(), line - 1);
        }
    }
    for (asked, seq) in [(0, job.len() as u64 + 1), (u64::MAX, 1)] {
        assert_eq!(logs.tail(attempt, asked, u64::MAX).await.unwrap().seq, seq);
    }
    assert_eq!(logs.line(attempt, u64::MAX).await.unwrap().seq, job.len() as u64 + 1);
    let steps = logs.steps(attempt).await.unwrap();
    assert_eq!(steps.len(), 7);
    for (at, extent) in steps.iter().enumerate() {
        let first = &job[usize::try_from(extent.begin.seq).unwrap() - 1];
        assert_eq!(first.body, RecordBody::StepStarted { step: extent.step });
        let end = extent.end.unwrap();
        let last = &job[usize::try_from(end.seq).unwrap() - 1];
        assert!(matches!(last.body, RecordBody::StepFinished { .. }));
        let place = logs.place(attempt, extent.begin.seq).await.unwrap();
        assert_eq!(place.numbers.lines(), extent.begin.lines);
        assert_eq!(end.lines, steps.get(at + 1).map_or(numbers.lines(), |next| next.begin.lines));
    }
}

#[tokio::test]
async fn lines_steps_and_the_end_are_where_reading_all_of_it_finds_them() {
    let (dir, open) = logs();
    let attempt = new_id();
    let job = job();
    append(&open, attempt, &job).await;
    agrees(&open, attempt, &job).await;
    drop(open);
    let open = reopen(dir.path());
    agrees(&open, attempt, &job).await;
    open.seal(attempt).await.unwrap();
    agrees(&open, attempt, &job).await;
    drop(open);
    let open = reopen(dir.path());
    agrees(&open, attempt, &job).await;
    assert_eq!(all(&open, attempt, 1_000_000).await, job);
}

/// What is read of the end of a log is bounded although its last line is endless.
#[tokio::test]
async fn the_end_of_an_endless_line_is_found_without_its_beginning() {
    let (_dir, open) = logs();
    let attempt = new_id();
    let text = "x".repeat(3 * 1024);
    let job: Vec<Record> =
        (1..=2000).map(|seq| part(seq, 0, Stream::Stdout, text.as_bytes(), false)).collect();
    append(&open, attempt, &job).await;
    for _ in 0..2 {
        let whole = open.tail(attempt, 500, u64::MAX).await.unwrap();
        assert_eq!(whole.seq, 1);
        let end = open.tail(attempt, 500, 1024 * 1024).await.unwrap();
        assert!((1500..1800).contains(&end.seq), "{end:?}");
        assert!(end.numbers.within_a_line() && end.numbers.lines() == 1, "{end:?}");
        open.seal(attempt).await.unwrap();
    }
}
