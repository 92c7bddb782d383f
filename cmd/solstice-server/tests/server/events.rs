//! Live logs: nothing is missed, nothing comes twice, slow readers harm nobody.

use std::time::Duration;

use futures::StreamExt as _;
use reqwest::StatusCode;
use serde_json::Value;
use solstice_model::{RecordBody, Role};

use crate::bench::{Bench, ONE_JOB, bench, line, record, success};

/// One event as a browser sees it.
#[derive(Clone, Debug)]
struct Event {
    id: String,
    name: String,
    data: Value,
}

/// Reads events until `enough` says so or the stream ends.
async fn read(
    bench: &Bench,
    job: &str,
    last: Option<&str>,
    enough: impl Fn(&[Event]) -> bool,
) -> Vec<Event> {
    let mut request = bench.get(&format!("/api/v1/jobs/{job}/events"));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let (mut text, mut events) = (String::new(), Vec::new());
    let mut body = answer.bytes_stream();
    let reading = async {
        while let Some(piece) = body.next().await {
            text.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
            while let Some((block, rest)) = text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = block.lines().find_map(|line| line.strip_prefix(name));
                    line.unwrap_or_default().to_owned()
                };
                let data = serde_json::from_str(&field("data: ")).unwrap_or_default();
                let event = Event { id: field("id: "), name: field("event: "), data };
                text = rest.to_owned();
                if !event.name.is_empty() {
                    events.push(event);
                }
            }
            if enough(&events) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading).await.expect("the events come in time");
    events
}

fn seqs(events: &[Event]) -> Vec<u64> {
    let records = events.iter().filter(|event| event.name == "record");
    records.map(|event| event.data["seq"].as_u64().unwrap()).collect()
}

async fn running(bench: &Bench) -> (String, String) {
    let (_, run) = bench.push(ONE_JOB).await;
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    (run["jobs"][0]["id"].as_str().unwrap().to_owned(), attempt)
}

#[tokio::test]
async fn a_reader_from_the_start_sees_all_to_the_end() {
    let bench = bench().await;
    let (_, run) = bench.push(ONE_JOB).await;
    let job = run["jobs"][0]["id"].as_str().unwrap();
    let follow = read(&bench, job, None, |_| false);
    let work = async {
        let attempt = bench.claim().await;
        bench.run_up(&attempt).await;
        let all = success(&["one", "two", "three"]);
        for part in all.chunks(2) {
            bench.records(&attempt, part).await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        attempt
    };
    let (events, attempt) = tokio::join!(follow, work);
    assert_eq!(seqs(&events), [1, 2, 3, 4, 5, 6]);
    assert_eq!(events.last().unwrap().name, "end");
    let told = events.iter().find(|event| event.name == "attempt").unwrap();
    assert_eq!(told.data["attempt"], attempt.as_str());
    let states: Vec<&str> = events
        .iter()
        .filter(|event| event.name == "state")
        .map(|event| event.data["state"].as_str().unwrap())
        .collect();
    assert_eq!((states.first(), states.last()), (Some(&"queued"), Some(&"finished")), "{states:?}");
}

#[tokio::test]
async fn a_reader_that_comes_back_misses_nothing_and_gets_nothing_twice() {
    let bench = bench().await;
    let (job, attempt) = running(&bench).await;
    let mut seen = Vec::new();
    let mut last = None;
    for round in 0..20 {
        let from = round * 5 + 1;
        let batch: Vec<_> = (from..from + 5)
            .map(|seq| match seq {
                1 => record(1, RecordBody::StepStarted { step: 0 }),
                _ => line(seq, "x"),
            })
            .collect();
        bench.records(&attempt, &batch).await;
        // The reader breaks off after a few records, not where the batches end.
        let events = read(&bench, &job, last.as_deref(), |events| seqs(events).len() >= 3).await;
        let few: Vec<Event> =
            events.into_iter().filter(|event| event.name == "record").take(3).collect();
        seen.extend(seqs(&few));
        last = few.last().map(|event| event.id.clone());
    }
    assert_eq!(seen, (1..=60).collect::<Vec<u64>>());
    let after = last.unwrap();
    assert_eq!(after, format!("{attempt}:60"));
    let url = format!("/api/v1/jobs/{job}/events?after={after}");
    let first = bench.get(&url).send().await.unwrap().bytes_stream();
    let text = first.take(4).fold(String::new(), |mut text, piece| async move {
        text.push_str(&String::from_utf8_lossy(&piece.unwrap()));
        text
    });
    let text = text.await;
    assert!(text.contains(&format!("id: {attempt}:61\n")) && !text.contains(":60\n"), "{text}");
}

#[tokio::test]
async fn a_second_attempt_is_announced_before_its_records() {
    let bench = bench().await;
    let (job, first) = running(&bench).await;
    bench.records(&first, &[record(1, RecordBody::StepStarted { step: 0 }), line(2, "a")]).await;
    let follow = read(&bench, &job, None, |_| false);
    let work = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        bench.advance(61);
        let second = bench.claim().await;
        bench.run_up(&second).await;
        bench.records(&second, &success(&["b"])).await;
        second
    };
    let (events, second) = tokio::join!(follow, work);
    let story: Vec<String> = events
        .iter()
        .filter(|event| event.name != "state")
        .map(|event| match event.name.as_str() {
            "attempt" if event.data["attempt"] == first.as_str() => "first".to_owned(),
            "attempt" if event.data["attempt"] == second.as_str() => "second".to_owned(),
            "record" => event.data["seq"].to_string(),
            other => other.to_owned(),
        })
        .collect();
    assert_eq!(story, ["first", "1", "2", "second", "1", "2", "3", "4", "end"]);
}

#[tokio::test]
async fn a_reader_that_takes_nothing_holds_up_nobody() {
    let bench = bench().await;
    let (job, attempt) = running(&bench).await;
    let stuck = bench.get(&format!("/api/v1/jobs/{job}/events")).send().await.unwrap();
    let text = "x".repeat(16 * 1024);
    bench.records(&attempt, &[record(1, RecordBody::StepStarted { step: 0 })]).await;
    for batch in 0..40 {
        let from = batch * 25 + 2;
        let records: Vec<_> = (from..from + 25).map(|seq| line(seq, &text)).collect();
        assert_eq!(bench.records(&attempt, &records).await.0, StatusCode::OK);
    }
    bench
        .records(
            &attempt,
            &success(&[])[1..]
                .iter()
                .cloned()
                .zip(1002..)
                .map(|(mut one, seq)| {
                    one.seq = seq;
                    one
                })
                .collect::<Vec<_>>(),
        )
        .await;
    bench.until_state(&job, "succeeded").await;
    // Another reader is served, and the slow one gets everything once it reads.
    let events = read(&bench, &job, None, |_| false).await;
    assert_eq!(seqs(&events).len(), 1003);
    let late = stuck.text().await.unwrap();
    assert_eq!(late.matches("event: record\n").count(), 1003);
    assert!(late.ends_with("event: end\ndata: {}\n\n"));
}

#[tokio::test]
async fn an_id_that_is_not_of_this_job_is_refused() {
    let bench = bench().await;
    let (job, _) = running(&bench).await;
    for bad in ["x", "00000000-0000-7000-8000-000000000000:3"] {
        let request = bench.get(&format!("/api/v1/jobs/{job}/events")).header("last-event-id", bad);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::BAD_REQUEST, "{bad}");
    }
}

#[tokio::test]
async fn stopping_the_server_ends_the_live_logs_soon() {
    let mut bench = bench().await;
    let (job, _) = running(&bench).await;
    let url = bench.url(&format!("/api/v1/jobs/{job}/events"));
    let open = bench.http.get(url).bearer_auth(bench.token(Role::Reader).secret()).send().await;
    let begun = std::time::Instant::now();
    bench.server.take().unwrap().stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(open);
}
