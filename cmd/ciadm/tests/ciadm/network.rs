//! Servers that are not there, or are none.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::bench::{Said, bench, said};

/// Answers every request with this.
async fn answering(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = client.read(&mut request).await;
            let _ = client.write_all(answer).await;
        }
    });
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_or_none_is_told_apart() {
    let bench = bench().await;
    let html = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 4\r\n\r\n<h1>";
    let proxy = b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n";
    let torn = b"HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n{\"items\"";
    for (url, text) in [
        ("http://127.0.0.1:1".to_owned(), "is the server running"),
        (answering(html).await, "is not understood"),
        (answering(proxy).await, "the server answers 502 Bad Gateway"),
        (answering(torn).await, "the connection failed"),
    ] {
        let mut command = bench.command(&["runs"]);
        command.env("SOLSTICE_URL", &url).env("SOLSTICE_TOKEN", "sol_x");
        let Said { code, err, .. } = said(command.output().await.unwrap());
        assert_eq!(code, 3, "{url}: {err}");
        assert!(err.contains(text), "{url}: {err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_what_is_wrong_and_says_what_to_do() {
    let bench = bench().await;
    let broken = bench.home.path().join("server.kdl");
    std::fs::write(&broken, "server {").unwrap();
    let none = bench.home.path().join("none.kdl");
    let (broken, none) = (broken.to_str().unwrap(), none.to_str().unwrap());
    let well =
        bench.json(&["doctor", "--server-config", none, "--orchestrator-config", none]).await;
    assert_eq!(well["ok"], true, "{well}");
    let checks: Vec<_> =
        well["findings"].as_array().unwrap().iter().map(|one| one["check"].clone()).collect();
    assert!(
        ["server", "server ready", "token"].iter().all(|name| checks.contains(&(*name).into()))
    );
    let said =
        bench.ciadm(&["doctor", "--server-config", broken, "--orchestrator-config", none]).await;
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(
        said.out.contains("FAIL") && said.out.contains("solstice-server check"),
        "{}",
        said.out
    );
}
