//! `logs --follow`, to the end and through broken connections.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::bench::{Bench, bench, end, output, said, step};

/// Passes connections on to the server, and cuts each one after so many bytes
/// of its answer.
async fn cutting(bench: &Bench, after: usize) -> String {
    let server = bench.server.people();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let upstream = TcpStream::connect(server).await.unwrap();
                let (mut from, mut to) = upstream.into_split();
                let (mut asks, mut answers) = client.into_split();
                let asking = async { tokio::io::copy(&mut asks, &mut to).await.map(drop) };
                let answering = async {
                    let (mut left, mut buffer) = (after, [0; 512]);
                    while left > 0 {
                        let some = from.read(&mut buffer).await?;
                        if some == 0 {
                            break;
                        }
                        answers.write_all(&buffer[..some.min(left)]).await?;
                        left -= some.min(left);
                    }
                    Ok::<_, std::io::Error>(())
                };
                let _ = tokio::select! { done = asking => done, done = answering => done };
            });
        }
    });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_followed_to_its_end_and_its_failure_is_the_status() {
    let bench = bench().await;
    let (_, jobs) = bench.push().await;
    for (job, label, failed) in [(&jobs[0], "illumos", false), (&jobs[1], "linux", true)] {
        let mut command = bench.command(&["logs", job, "--follow"]);
        command.env("SOLSTICE_URL", bench.url()).env("SOLSTICE_TOKEN", bench.token("reader"));
        let follower = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let attempt = bench.claim(label).await;
        bench.records(&attempt, 1, vec![step("step_started", 0), output("one", true)]).await;
        bench.records(&attempt, 3, vec![output("two", true), end(failed)]).await;
        let said = said(follower.wait_with_output().await.unwrap());
        assert_eq!(said.code, i32::from(failed), "{}", said.err);
        let lines: Vec<&str> = said.out.lines().skip(1).collect();
        assert_eq!(lines, ["one", "two"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_connections_lose_nothing_and_double_nothing() {
    let bench = bench().await;
    let (_, jobs) = bench.push().await;
    let proxy = cutting(&bench, 6_000).await;
    let mut command = bench.command(&["logs", &jobs[0], "--follow", "--json"]);
    command.env("SOLSTICE_URL", proxy).env("SOLSTICE_TOKEN", bench.token("reader"));
    let follower = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let attempt = bench.claim("illumos").await;
    bench.records(&attempt, 1, vec![step("step_started", 0)]).await;
    for batch in 0..30_u64 {
        let lines = (0..10).map(|n| output(&format!("line {batch} {n}"), true)).collect();
        bench.records(&attempt, batch * 10 + 2, lines).await;
    }
    bench.records(&attempt, 302, vec![end(false)]).await;
    let waiting = tokio::time::timeout(Duration::from_secs(120), follower.wait_with_output());
    let said = said(waiting.await.unwrap().unwrap());
    assert_eq!(said.code, 0, "{}", said.err);
    let seqs: Vec<u64> = said
        .out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["event"] == "record")
        .map(|line| line["record"]["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(seqs, (1..=302).collect::<Vec<_>>());
}
