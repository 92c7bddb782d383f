//! Windows of lines, wherever they are and however long the lines are.

use solstice_display::MAX_LINE_BYTES;
use solstice_joblog::{Assembler, Place};
use solstice_model::Stream;
use solstice_model::id::new_id;

use crate::fixture::{append_lines, logs, part, record};

#[tokio::test]
async fn windows_at_every_border_are_what_reading_all_of_it_gives() {
    let (_dir, open) = logs();
    let attempt = new_id();
    let mut sent = Vec::new();
    for n in 0..3000_u64 {
        let seq = sent.len() as u64 + 1;
        sent.push(part(seq, 0, Stream::Stdout, b"front ", false));
        sent.push(part(seq + 1, 0, Stream::Stderr, b"between", true));
        sent.push(part(seq + 2, 0, Stream::Stdout, n.to_string().as_bytes(), true));
    }
    for batch in sent.chunks(2000) {
        open.append(attempt, batch).await.unwrap();
    }
    let mut all = Assembler::at(Place::default());
    sent.iter().for_each(|record| {
        all.push(record);
    });
    let all = all.into_lines();
    for _ in 0..2 {
        for from in [1, 2, 3, 499, 500, 501, 2999, 5498, 5499, 5500, 5501, 5999, 6000, 6001] {
            for count in [1, 2, 500] {
                let window = open.window(attempt, from, count).await.unwrap();
                let begin = usize::try_from(from - 1).unwrap().min(all.len());
                let end = (begin + count).min(all.len());
                assert_eq!(window.lines, all[begin..end], "{from} {count}");
                assert_eq!(window.next, (end < all.len()).then_some(end as u64 + 1));
                assert_eq!((window.total, window.last_seq), (6000, 9000));
            }
        }
        open.seal(attempt).await.unwrap();
    }
    assert_eq!(open.window(attempt, 0, 1).await.unwrap().lines, all[..1]);
    assert_eq!(open.window(attempt, u64::MAX, 1).await.unwrap().next, None);
    assert_eq!(open.window(new_id(), 1, 10).await.unwrap().lines, []);
}

#[tokio::test]
async fn long_and_endless_lines_are_cut_and_what_is_behind_them_is_there() {
    let (_dir, open) = logs();
    let attempt = new_id();
    let big = vec![b'x'; 32 * 1024];
    for first in (1..=900).step_by(15) {
        let batch: Vec<_> = (first..first + 15)
            .map(|seq| match seq {
                ..=700 => part(seq, 0, Stream::Stdout, &big, false),
                701 => part(seq, 0, Stream::Stdout, b"", true),
                _ => record(seq, &big),
            })
            .collect();
        open.append(attempt, &batch).await.unwrap();
    }
    let window = open.window(attempt, 1, 10).await.unwrap();
    assert_eq!(window.lines.len(), 1);
    assert_eq!((window.lines[0].bytes.len(), window.lines[0].cut), (MAX_LINE_BYTES, true));
    assert!(!window.lines[0].ended, "its end is too far");
    let window = open.window(attempt, 2, 500).await.unwrap();
    assert_eq!(window.lines[0].number, 2);
    assert_eq!(window.lines.len(), 128, "4 MiB of lines");
    assert_eq!(window.next, Some(130));
}

#[tokio::test]
async fn a_window_of_a_long_log_reads_a_small_part() {
    let (_dir, open) = logs();
    let attempt = new_id();
    append_lines(&open, attempt, 200_000).await;
    open.seal(attempt).await.unwrap();
    let begun = std::time::Instant::now();
    for from in (1..=199_000).step_by(4_000) {
        let window = open.window(attempt, from, 200).await.unwrap();
        assert_eq!(window.lines[199].bytes, format!("line {}", from + 199).as_bytes());
    }
    // Reading all before each would take far longer, also here.
    assert!(begun.elapsed().as_secs() < 5, "{:?}", begun.elapsed());
}
