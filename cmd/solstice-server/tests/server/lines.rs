//! A log line by line: windows, search, steps, what is live, and that hostile
//! bytes are only ever text.

use futures::StreamExt as _;
use reqwest::StatusCode;
use serde_json::{Value, json};
use solstice_model::{AgentVerdict, Chunk, Exit, Record, RecordBody, Stream};

use crate::bench::{Bench, ONE_JOB, TWO_JOBS, bench, line, record, success};

fn part(seq: u64, step: u32, stream: Stream, bytes: &[u8], newline: bool) -> Record {
    let chunk = Chunk(bytes.to_vec());
    record(seq, RecordBody::Output { step, stream, chunk, newline })
}

async fn running(bench: &Bench, workflow: &str) -> (String, String) {
    let (_, run) = bench.push(workflow).await;
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    (format!("/api/v1/jobs/{}", run["jobs"][0]["id"].as_str().unwrap()), attempt)
}

fn numbers(page: &Value, list: &str) -> Vec<u64> {
    page[list].as_array().unwrap().iter().map(|one| one["number"].as_u64().unwrap()).collect()
}

/// Two steps, the second of which fails with an error in its middle.
fn failing() -> Vec<Record> {
    let failed = Exit::Code { code: 2 };
    let mut all = vec![record(1, RecordBody::StepStarted { step: 0 })];
    all.extend((2..=11).map(|seq| line(seq, &format!("error: which does not matter {seq}"))));
    all.push(record(12, RecordBody::StepFinished { step: 0, exit: Exit::Code { code: 0 } }));
    all.push(record(13, RecordBody::Note { text: "between".to_owned() }));
    all.push(record(14, RecordBody::StepStarted { step: 1 }));
    all.push(part(15, 1, Stream::Stdout, b"fine", true));
    all.push(part(16, 1, Stream::Stderr, b"\x1b[1;31merror\x1b[0m: no <such> file", true));
    all.push(part(17, 1, Stream::Stdout, b"\xff\xfeafter", true));
    all.push(record(18, RecordBody::StepFinished { step: 1, exit: failed.clone() }));
    let verdict = AgentVerdict::Failed { step: 1, exit: failed };
    all.push(record(19, RecordBody::Finished { verdict }));
    all
}

#[tokio::test]
async fn lines_come_in_windows_with_all_that_is_known_of_them() {
    let bench = bench().await;
    let (api, attempt) = running(&bench, TWO_JOBS).await;
    bench.records(&attempt, &failing()).await;
    let all = bench.json(&format!("{api}/lines")).await;
    assert_eq!(numbers(&all, "lines"), (1..=14).collect::<Vec<_>>());
    assert_eq!(
        (&all["total"], &all["next"], &all["over"]),
        (&json!(14), &Value::Null, &json!(true))
    );
    assert_eq!(
        (&all["lines"][10]["text"], all["lines"][10].get("step")),
        (&json!("between"), None)
    );
    assert_eq!(all["lines"][12]["stream"], "stderr");
    assert_eq!(all["lines"][13]["text"]["base64"], "//5hZnRlcg==");
    let styled = bench.json(&format!("{api}/lines?from=13&limit=1&styled=true")).await;
    let expected = json!([{ "class": "f1 so", "text": "error" }, { "text": ": no <such> file" }]);
    assert_eq!((&styled["lines"][0]["spans"], &styled["next"]), (&expected, &json!(14)));
    assert_eq!(numbers(&bench.json(&format!("{api}/lines?step=1")).await, "lines"), [12, 13, 14]);
    let first = bench.json(&format!("{api}/lines?step=0&limit=4")).await;
    assert_eq!((numbers(&first, "lines"), &first["next"]), (vec![1, 2, 3, 4], &json!(5)));
    let last = bench.json(&format!("{api}/lines?step=0&from=9")).await;
    assert_eq!((numbers(&last, "lines"), &last["next"]), (vec![9, 10], &Value::Null));
    assert_eq!(numbers(&bench.json(&format!("{api}/lines?from=99")).await, "lines"), [0; 0]);
    for (bad, status) in [
        ("lines?limit=0", StatusCode::BAD_REQUEST),
        ("lines?limit=2001", StatusCode::BAD_REQUEST),
        ("lines?from=-1", StatusCode::BAD_REQUEST),
        ("lines?step=7", StatusCode::NOT_FOUND),
        ("lines?attempt=2", StatusCode::NOT_FOUND),
        ("search", StatusCode::BAD_REQUEST),
        ("search?q=x&errors=true", StatusCode::BAD_REQUEST),
        ("search?q=x&limit=1001", StatusCode::BAD_REQUEST),
        ("steps?attempt=0", StatusCode::NOT_FOUND),
        ("events?form=tea", StatusCode::BAD_REQUEST),
    ] {
        let answer = bench.get(&format!("{api}/{bad}")).send().await.unwrap();
        assert_eq!(answer.status(), status, "{bad}");
    }
    let long = bench.get(&format!("{api}/search?q={}", "x".repeat(2000))).send().await.unwrap();
    assert_eq!(long.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_search_and_the_steps_lead_to_the_error() {
    let bench = bench().await;
    let (api, attempt) = running(&bench, TWO_JOBS).await;
    let records = failing();
    bench.records(&attempt, &records[..16]).await;
    let steps = bench.json(&format!("{api}/steps")).await;
    assert_eq!((&steps["first_error_line"], &steps["over"]), (&Value::Null, &json!(false)));
    bench.records(&attempt, &records[16..]).await;
    let steps = bench.json(&format!("{api}/steps")).await;
    assert_eq!(steps["first_error_line"], 13, "of the step that failed");
    let ranges = steps["steps"].as_array().unwrap().iter();
    let ranges: Vec<_> = ranges.map(|step| (&step["first_line"], &step["last_line"])).collect();
    assert_eq!(ranges, [(&json!(1), &json!(10)), (&json!(12), &json!(14))]);
    let found = bench.json(&format!("{api}/search?q=ERROR:%20NO")).await;
    assert_eq!(numbers(&found, "hits"), [13]);
    assert_eq!(found["hits"][0]["matches"], json!([{ "start": 0, "end": 9 }]));
    let none = bench.json(&format!("{api}/search?q=ERROR:%20NO&case=true")).await;
    assert_eq!((numbers(&none, "hits").len(), &none["next"]), (0, &Value::Null));
    let counted = bench.json(&format!("{api}/search?errors=true&limit=0")).await;
    assert_eq!((&counted["count"], numbers(&counted, "hits").len()), (&json!(11), 0));
    let some = bench.json(&format!("{api}/search?errors=true&limit=2&from=4")).await;
    assert_eq!((numbers(&some, "hits"), &some["next"]), (vec![4, 5], &json!(6)));

    let page = bench.text(&api.replace("/api/v1", "")).await;
    let link = "<a id=\"first-error\" class=\"button\" href=\"?line=13#L13\" data-line=\"13\">";
    assert!(page.contains(link) && page.contains("error: no &#60;such&#62; file"), "{page}");
    assert!(page.contains("id=\"L13\" data-line=\"13\""), "{page}");
    let found = bench.text(&format!("{}?q=SUCH%3E", api.replace("/api/v1", ""))).await;
    assert!(found.contains("1 lines") && found.contains("href=\"?line=13#L13\""), "{found}");
}

#[tokio::test]
async fn without_a_line_that_looks_like_an_error_the_end_of_the_step_is_shown_first() {
    let bench = bench().await;
    for (stream, expected) in [(Stream::Stderr, 2), (Stream::Stdout, 3)] {
        let workflow = format!("{ONE_JOB}\n// {expected}");
        let (api, attempt) = running(&bench, &workflow).await;
        let exit = Exit::Signal { signal: 9 };
        let records = [
            record(1, RecordBody::StepStarted { step: 0 }),
            line(2, "one"),
            part(3, 0, stream, b"two", true),
            line(4, "three"),
            record(5, RecordBody::StepFinished { step: 0, exit: exit.clone() }),
            record(6, RecordBody::Finished { verdict: AgentVerdict::Failed { step: 0, exit } }),
        ];
        bench.records(&attempt, &records).await;
        assert_eq!(bench.json(&format!("{api}/steps")).await["first_error_line"], expected);
    }
}

#[tokio::test]
async fn hostile_bytes_are_text_or_nothing_wherever_lines_are_shown() {
    let bench = bench().await;
    let workflow = ONE_JOB.replace("name=\"Test\"", "name=\"<b onload=x>&quot;\"");
    let (api, attempt) = running(&bench, &workflow).await;
    let hostile: &[u8] = b"\0<script>\x1b]0;t\x07\x1b[2J\xe2\x80\xaeevil\x1b[38;2;300;0;0mx\"'\x08";
    let records = [
        record(1, RecordBody::StepStarted { step: 0 }),
        part(2, 0, Stream::Stdout, hostile, false),
    ];
    bench.records(&attempt, &records).await;
    let shown = bench.json(&format!("{api}/lines?styled=true")).await;
    let expected = json!([
        { "text": "<script>\u{fffd}evil" }, { "class": "f9", "text": "x\"'" },
    ]);
    assert_eq!(
        (&shown["lines"][0]["spans"], &shown["lines"][0]["open"]),
        (&expected, &json!(true))
    );
    let page = bench.text(&api.replace("/api/v1", "")).await;
    assert!(!page.contains("<script>\u{fffd}") && !page.contains("<b onload"), "{page}");
    assert!(!page.contains('\0') && !page.contains('\u{1b}') && !page.contains('\u{202e}'));
    let found = bench.json(&format!("{api}/search?q=%3Cscript%3E")).await;
    assert_eq!(numbers(&found, "hits"), [1]);
}

/// The whole `lines` events of a stream so far, each with its id.
fn lines_events(text: &str) -> Vec<(String, Value)> {
    let whole = text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
    let event = |block: &str| {
        let (id, data) = block.strip_prefix("id: ")?.split_once("\nevent: lines\ndata: ")?;
        Some((id.to_owned(), serde_json::from_str(data).unwrap()))
    };
    whole.split("\n\n").filter_map(event).collect()
}

#[tokio::test]
async fn followers_of_lines_get_each_line_as_it_is_now_and_what_became_of_steps() {
    let bench = bench().await;
    let (api, attempt) = running(&bench, ONE_JOB).await;
    bench.records(&attempt, &[record(1, RecordBody::StepStarted { step: 0 })]).await;
    let follow = bench.get(&format!("{api}/events?form=lines&after={attempt}:1")).send();
    let mut body = follow.await.unwrap().bytes_stream();
    let end = success(&[]).into_iter().skip(1).zip(5..);
    let batches = [
        vec![part(2, 0, Stream::Stdout, b"\x1b[32mcom", false), line(3, "no")],
        vec![part(4, 0, Stream::Stderr, b"between", true)],
        end.map(|(one, seq)| Record { seq, ..one }).collect(),
    ];
    let (mut text, mut told) = (String::new(), Vec::new());
    for batch in batches {
        assert_eq!(bench.records(&attempt, &batch).await.0, StatusCode::OK);
        let known = told.len();
        while told.len() == known {
            let piece = body.next().await.unwrap().unwrap();
            text.push_str(std::str::from_utf8(&piece).unwrap());
            told = lines_events(&text);
        }
    }
    // The second record went on with the line of the first.
    let first = &told[0].1;
    assert_eq!(first["lines"][0]["spans"], json!([{ "class": "f2", "text": "comno" }]));
    assert_eq!((&first["total"], &first["skipped"]), (&json!(1), &json!(false)));
    assert_eq!(told[1].1["lines"][0]["number"], 2);
    assert_eq!(told[2].1["records"][0]["kind"], "step_finished");
    assert_eq!(told[2].0, format!("{attempt}:6"));
}
