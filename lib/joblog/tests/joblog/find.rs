//! Places in a log: lines, the end, steps, what is written.

use chrono::DateTime;
use solstice_joblog::{JobLogs, LineNumbers, LogError};
use solstice_model::id::new_id;
use solstice_model::{AttemptId, Chunk, Exit, Record, RecordBody, Stream};

use crate::fixture::{all, append_lines, logs, record, records, reopen};

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

/// All lines in which the text is, call by call.
async fn search(logs: &JobLogs, attempt: AttemptId, needle: &str, limit: usize) -> Vec<u64> {
    let (mut lines, mut next) = (Vec::new(), Some(1));
    while let Some(from) = next {
        let found = logs.search(attempt, needle.as_bytes(), from, limit).await.unwrap();
        assert!(found.hits.len() <= limit);
        lines.extend(found.hits.iter().map(|hit| hit.line));
        assert!(found.next_seq.is_none_or(|next| next > from));
        next = found.next_seq;
    }
    lines
}

#[tokio::test]
async fn what_is_written_is_found_in_whatever_parts_and_bytes_it_came() {
    let (_dir, open) = logs();
    let attempt = new_id();
    let out = Stream::Stdout;
    let sent = [
        part(1, 0, out, b"nee", false),
        part(2, 0, Stream::Stderr, b"no such thing", true),
        part(3, 0, out, b"d", false),
        part(4, 0, out, b"le and needle", true),
        part(5, 0, out, &[0xff, b'n', b'e', b'e', b'd', b'l', b'e'], true),
        part(6, 0, out, b"a \"needle\"\twith \\ escapes", true),
        body(7, RecordBody::Note { text: "a needle of the agent's".to_owned() }),
        part(8, 0, out, b"nee", true),
        part(9, 0, out, b"dle", true),
    ];
    open.append(attempt, &sent).await.unwrap();
    for _ in 0..2 {
        assert_eq!(search(&open, attempt, "needle", 100).await, [1, 3, 4, 5]);
        assert_eq!(search(&open, attempt, "\"needle\"\twith \\ e", 100).await, [4]);
        assert_eq!(search(&open, attempt, "newline", 100).await, [0; 0]);
        assert_eq!(search(&open, attempt, "", 100).await, [0; 0]);
        open.seal(attempt).await.unwrap();
    }
    let long = vec![b'x'; 4096];
    let refused = open.search(attempt, &long, 1, 10).await;
    assert!(matches!(refused, Err(LogError::TooLarge { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_search_of_a_long_log_goes_on_where_it_stopped() {
    let (_dir, open) = logs();
    let attempt = new_id();
    append_lines(&open, attempt, 200_000).await;
    let mut sevens: Vec<u64> = (1..=200_000).filter(|n| n.to_string().contains("777")).collect();
    for limit in [7, 1000] {
        assert_eq!(search(&open, attempt, "777", limit).await, sevens);
    }
    open.seal(attempt).await.unwrap();
    assert_eq!(search(&open, attempt, "777", 1000).await, sevens);
    sevens.retain(|line| *line >= 100_000);
    let found = open.search(attempt, b"777", 100_000, 1000).await.unwrap();
    let lines: Vec<u64> = found.hits.iter().map(|hit| hit.line).collect();
    assert_eq!(lines, sevens[..lines.len()]);
}

#[tokio::test]
async fn one_call_searches_a_bounded_part() {
    let (_dir, open) = logs();
    let attempt = new_id();
    for first in (1..=1200).step_by(60) {
        let batch: Vec<_> = (first..first + 60).map(|seq| record(seq, &[b'x'; 30_000])).collect();
        open.append(attempt, &batch).await.unwrap();
    }
    let found = open.search(attempt, b"needle", 1, 10).await.unwrap();
    let next = found.next_seq.expect("it stops on the way");
    assert!((500..700).contains(&next), "{next}");
    assert_eq!(search(&open, attempt, "needle", 10).await, [0; 0]);
    assert_eq!(open.read(attempt, next, 1).await.unwrap().records.len(), 1);
    assert_eq!(records([1]).len(), 1);
}
