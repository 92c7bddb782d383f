//! What is taken, what is turned away, and in which order that is decided.

use futures::future::join_all;
use reqwest::StatusCode;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::bench::{Bench, bench};

/// Where the fake forge signs.
const SIGNATURE: &str = "x-fake-signature";

const BODY: &[u8] = br#"{"zen":"keep it simple"}"#;

#[tokio::test]
async fn a_delivery_is_taken_once_however_often_it_is_sent_at_once() {
    let bench = bench().await;
    let delivery = bench.forge.deliver_body("ping", BODY.to_vec());
    let sending = (0..50).map(|_| bench.deliver("forge", &delivery).send());
    let answers = join_all(sending).await;
    let mut ids = Vec::new();
    let mut taken = 0;
    for answer in answers {
        let answer = answer.unwrap();
        taken += u32::from(answer.status() == StatusCode::ACCEPTED);
        assert!(answer.status().is_success(), "{}", answer.status());
        ids.push(answer.json::<Value>().await.unwrap()["delivery"].clone());
    }
    ids.dedup();
    assert_eq!((ids.len(), taken), (1, 1));
    let deliveries = bench.json("/api/v1/deliveries").await;
    assert_eq!(deliveries["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn forged_requests_are_turned_away_alike_and_leave_no_trace() {
    let bench = bench().await;
    let delivery = bench.forge.deliver_body("ping", BODY.to_vec());
    let right = delivery.headers[SIGNATURE].to_str().unwrap().to_owned();
    let other = bench.forge.deliver_body("ping", b"another body".to_vec());
    let wrong = [
        String::new(),
        right.to_uppercase(),
        right.replace("sha256=", ""),
        right[..70].to_owned(),
        other.headers[SIGNATURE].to_str().unwrap().to_owned(),
    ];
    let mut texts = Vec::new();
    for signature in wrong {
        let mut forged = delivery.clone();
        forged.headers.insert(SIGNATURE, signature.parse().unwrap());
        let answer = bench.deliver("forge", &forged).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        texts.push(answer.json::<Value>().await.unwrap()["message"].clone());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "one text for all");
    // A forged request does not use up the id of a true one.
    let true_one = bench.deliver("forge", &delivery).send().await.unwrap();
    assert_eq!(true_one.status(), StatusCode::ACCEPTED);
}

#[tokio::test]
async fn the_checks_come_in_their_order() {
    let bench = bench().await;
    let good = bench.forge.deliver_body("ping", BODY.to_vec());
    let with = |name: &'static str, value: &'static str| {
        let mut changed = good.clone();
        changed.headers.insert(name, value.parse().unwrap());
        bench.deliver("forge", &changed).send()
    };
    // Unknown before anything else: even the content type is not looked at.
    let mut plain = good.clone();
    plain.headers.insert("content-type", "x/y".parse().unwrap());
    let unknown = bench.deliver("nobody", &plain).send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let answer = with("content-type", kind).await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    let compressed = with("content-encoding", "gzip").await.unwrap();
    assert_eq!(compressed.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    // The signature is right, but the delivery has no id: headers come last.
    let mut nameless = good.clone();
    nameless.headers.remove("x-fake-delivery").unwrap();
    let nameless = bench.deliver("forge", &nameless).send().await.unwrap();
    assert_eq!(nameless.status(), StatusCode::BAD_REQUEST);
    let charset = with("content-type", "application/json; charset=utf-8").await.unwrap();
    assert_eq!(charset.status(), StatusCode::ACCEPTED);
}

/// Sends the head of a request and as much of a body as the server takes.
async fn raw(bench: &Bench, head: &str, body: &[u8], times: usize) -> String {
    let mut socket = tokio::net::TcpStream::connect(bench.server().webhooks()).await.unwrap();
    let head = format!(
        "POST /webhooks/forge HTTP/1.1\r\nhost: ci\r\ncontent-type: application/json\r\n{head}\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..times {
        if socket.write_all(body).await.is_err() {
            break;
        }
    }
    let mut answer = vec![0; 4096];
    let got = socket.read(&mut answer).await.unwrap_or(0);
    String::from_utf8_lossy(&answer[..got]).into_owned()
}

#[tokio::test]
async fn what_nobody_signed_is_refused_unread() {
    let bench = bench().await;
    let answer = raw(&bench, "content-length: 1000\r\n", b"", 0).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

#[tokio::test]
async fn an_announced_length_is_refused_before_a_byte_is_read() {
    let bench = bench().await;
    let answer = raw(&bench, "x-fake-signature: 00\r\ncontent-length: 26214401\r\n", b"", 0).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(answer.contains("too_large"), "{answer}");
}

#[tokio::test]
async fn a_body_of_unknown_length_is_cut_off_at_the_limit() {
    let bench = bench().await;
    let mut chunk = b"10000\r\n".to_vec();
    chunk.extend(vec![b' '; 0x10000]);
    chunk.extend(b"\r\n");
    let answer =
        raw(&bench, "x-fake-signature: 00\r\ntransfer-encoding: chunked\r\n", &chunk, 26 * 16)
            .await;
    // The connection is closed on the sender; if it sees an answer, it is this one.
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
    let deliveries = bench.json("/api/v1/deliveries").await;
    assert_eq!(deliveries["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn more_large_bodies_than_fit_take_turns_and_all_arrive() {
    let bench = bench().await;
    let sent = (0..20).map(|_| {
        let delivery = bench.forge.deliver_body("ping", vec![b' '; 2 * 1024 * 1024]);
        bench.deliver("forge", &delivery).send()
    });
    for answer in futures::future::join_all(sent).await {
        assert_eq!(answer.unwrap().status(), StatusCode::ACCEPTED);
    }
}

#[tokio::test]
async fn a_delivery_that_starts_nothing_says_why() {
    let bench = bench().await;
    for (event, body) in [("ping", BODY), ("push", b"not json".as_slice())] {
        let delivery = bench.forge.deliver_body(event, body.to_vec());
        let answer = bench.deliver("forge", &delivery).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
    }
    let commit = bench.push_files(&[]).await;
    let verdicts = bench
        .until("verdicts", || async {
            let all = bench.json("/api/v1/deliveries").await;
            let verdicts: Vec<(String, String)> = all["items"]
                .as_array()?
                .iter()
                .map(|one| {
                    let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
                    (text("verdict"), text("reason"))
                })
                .collect();
            verdicts.iter().all(|(verdict, _)| verdict != "waiting").then_some(verdicts)
        })
        .await;
    let words: Vec<&str> = verdicts.iter().map(|(verdict, _)| verdict.as_str()).collect();
    assert_eq!(words, ["ignored", "rejected", "ignored"]);
    assert_eq!(verdicts[0].1, format!("no workflow in .solstice at {commit}"));
    assert!(verdicts.iter().all(|(_, reason)| !reason.is_empty()), "{verdicts:?}");
}
