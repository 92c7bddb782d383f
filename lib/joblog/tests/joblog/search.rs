//! What is written is found, all of it, a bounded part at a time.

use std::collections::BTreeMap;

use proptest::prelude::*;
use solstice_joblog::{Assembler, Found, JobLogs, LogError, Place, Search, Wanted, find_error};
use solstice_model::id::new_id;
use solstice_model::{AttemptId, Exit, Record, RecordBody, Stream};

use crate::fixture::{append_lines, logs, part, record};

fn text(text: &str) -> Search {
    let wanted = Wanted::Text { text: text.to_owned(), ignore_case: false };
    Search { wanted, from: 1, to: None, limit: 100 }
}

/// All that is found, call by call.
async fn search(logs: &JobLogs, attempt: AttemptId, search: Search) -> Vec<u64> {
    let (mut lines, mut next, mut count) = (Vec::new(), Some(search.from), 0);
    while let Some(from) = next {
        let found = logs.search(attempt, Search { from, ..search.clone() }).await.unwrap();
        assert!(found.hits.len() <= search.limit);
        lines.extend(found.hits.iter().map(|hit| hit.line));
        assert!(found.next.is_none_or(|next| next > from));
        (next, count) = (found.next, count + found.count);
    }
    if search.limit > 0 {
        assert_eq!(count, lines.len() as u64);
        return lines;
    }
    (1..=count).collect()
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
        part(5, 0, out, b"\xffn\x1b[31mee\x1b[0mdle", true),
        part(6, 0, out, b"a \"needle\"\twith \\ escapes", true),
        Record { body: RecordBody::Note { text: "a Needle".to_owned() }, ..record(7, b"") },
        part(8, 0, out, b"nee", true),
        part(9, 0, out, b"dle", true),
        part(10, 0, out, b"needle\rgone", true),
    ];
    open.append(attempt, &sent).await.unwrap();
    for _ in 0..2 {
        assert_eq!(search(&open, attempt, text("needle")).await, [1, 3, 4]);
        let wanted = Wanted::Text { text: "nEEdle".to_owned(), ignore_case: true };
        let any = Search { wanted, ..text("") };
        assert_eq!(search(&open, attempt, any.clone()).await, [1, 3, 4, 5]);
        assert_eq!(search(&open, attempt, Search { to: Some(3), ..any.clone() }).await, [1, 3]);
        assert_eq!(search(&open, attempt, Search { limit: 1, ..any.clone() }).await, [1, 3, 4, 5]);
        assert_eq!(search(&open, attempt, Search { limit: 0, ..any }).await.len(), 4);
        assert_eq!(search(&open, attempt, text("\"needle\"\twith \\ e")).await, [4]);
        assert_eq!(search(&open, attempt, text("newline")).await, [0; 0]);
        assert_eq!(search(&open, attempt, text("")).await, [0; 0]);
        let found = open.search(attempt, text("needle")).await.unwrap();
        assert_eq!(found.hits[0].text, "needle and needle");
        assert_eq!(found.hits[0].matches, [0..6, 11..17]);
        assert_eq!(found.hits[1].matches[0], 1..7, "in characters, the colours left out");
        open.seal(attempt).await.unwrap();
    }
    let refused = open.search(attempt, text(&"x".repeat(4096))).await;
    assert!(matches!(refused, Err(LogError::TooLarge { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_hit_in_a_long_line_shows_the_part_with_the_match() {
    let (_dir, open) = logs();
    let attempt = new_id();
    let long = format!("{}needle{}", "ä".repeat(1000), "x".repeat(1000));
    open.append(attempt, &[record(1, long.as_bytes())]).await.unwrap();
    let Found { hits, .. } = open.search(attempt, text("needle")).await.unwrap();
    assert_eq!((hits[0].offset, hits[0].text.chars().count()), (940, 300));
    assert_eq!((hits[0].matches.len(), &hits[0].matches[0]), (1, &(60..66)));
}

#[tokio::test]
async fn a_search_of_a_long_log_is_done_in_bounded_calls() {
    let (_dir, open) = logs();
    let attempt = new_id();
    append_lines(&open, attempt, 250_000).await;
    let needle = text("line 249999");
    for _ in 0..2 {
        let first = open.search(attempt, needle.clone()).await.unwrap();
        let next = first.next.expect("one call does not search all of it");
        assert!((50_000..249_000).contains(&next), "{next}");
        assert_eq!(search(&open, attempt, needle.clone()).await, [249_999]);
        let sevens = search(&open, attempt, Search { limit: 7, ..text("7777") }).await;
        let expected: Vec<u64> = (1..=250_000).filter(|n| n.to_string().contains("7777")).collect();
        assert_eq!(sevens, expected);
        open.seal(attempt).await.unwrap();
    }
}

#[tokio::test]
async fn errors_are_found_among_what_only_sounds_alike() {
    let (_dir, open) = logs();
    let attempt = new_id();
    let lines = ["0 errors", "\x1b[1;31merror\x1b[0m: no", "ok", "make: *** [all] Error 2"];
    let sent: Vec<_> = (1..).zip(lines).map(|(seq, line)| record(seq, line.as_bytes())).collect();
    open.append(attempt, &sent).await.unwrap();
    let errors = Search { wanted: Wanted::Errors, ..text("") };
    assert_eq!(search(&open, attempt, errors).await, [2, 4]);
}

/// Pieces out of which lines are made that are hard to search.
const PIECES: [&[u8]; 14] = [
    b"a",
    b"b",
    b"B",
    b"ab",
    b"error",
    b": ",
    b"\x1b[31m",
    b"\x1b[",
    b"m",
    b"\r",
    b"\xff",
    b"\0",
    b"\xe2\x80\xae",
    b"\"\\",
];

fn parts() -> impl Strategy<Value = Vec<(u32, bool, Vec<usize>, u8)>> {
    let pieces = proptest::collection::vec(0..PIECES.len(), 0..5);
    proptest::collection::vec((0..2_u32, any::<bool>(), pieces, 0..8_u8), 1..60)
}

fn sent(parts: &[(u32, bool, Vec<usize>, u8)]) -> Vec<Record> {
    let one = |(seq, (step, err, pieces, end)): (u64, &(u32, bool, Vec<usize>, u8))| {
        let bytes: Vec<u8> = pieces.iter().flat_map(|piece| PIECES[*piece].to_vec()).collect();
        let stream = if *err { Stream::Stderr } else { Stream::Stdout };
        let exit = Exit::Code { code: 1 };
        let body = RecordBody::StepRetried { step: *step, exit };
        match end {
            0 => Record { body, ..record(seq, b"") },
            _ => part(seq, *step, stream, &bytes, *end > 3),
        }
    };
    (1..).zip(parts).map(one).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// The search finds what looking at every line as it is shown finds.
    #[test]
    fn a_search_agrees_with_looking_at_every_line(
        parts in parts(), limit in 1..5_usize, needle in "[abB:]{1,3}", sealed: bool,
    ) {
        let records = sent(&parts);
        let mut all = Assembler::at(Place::default());
        records.iter().for_each(|record| { all.push(record); });
        let shown: BTreeMap<u64, String> = all.into_lines().iter()
            .map(|line| (line.number, solstice_display::line(&line.bytes, false))).collect();
        let lower = needle.to_ascii_lowercase();
        let naive = |found: &dyn Fn(&str) -> bool| -> Vec<u64> {
            shown.iter().filter(|(_, text)| found(text)).map(|(line, _)| *line).collect()
        };
        let cases = [
            (Wanted::Text { text: needle.clone(), ignore_case: false },
                naive(&|text| text.contains(&needle))),
            (Wanted::Text { text: needle.clone(), ignore_case: true },
                naive(&|text| text.to_ascii_lowercase().contains(&lower))),
            (Wanted::Errors, naive(&|text| find_error(text).is_some())),
        ];
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (_dir, open) = logs();
            let attempt = new_id();
            open.append(attempt, &records).await.unwrap();
            if sealed {
                open.seal(attempt).await.unwrap();
            }
            for (wanted, expected) in cases {
                let asked = Search { wanted, from: 1, to: None, limit };
                prop_assert_eq!(search(&open, attempt, asked).await, expected);
            }
            Ok(())
        })?;
    }
}
