//! How fast output gets out of an agent, and how much memory that takes.
//!
//! Not part of the suite, since it measures: run it with
//! `cargo build --profile agent -p solstice-agent` and
//! `SOLSTICE_BENCH_AGENT=target/agent/solstice-agent cargo test -p solstice-agent
//! --test agent bench -- --ignored --nocapture`.
//!
//! The host is the least that there is: it reads a request, looks for the last
//! number in it, and says that it is durable.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::host::{job, no_source};

/// The number after the last `"seq":` of a body.
fn last_seq(body: &[u8]) -> u64 {
    let name = b"\"seq\":";
    let at = body.windows(name.len()).rposition(|window| window == name).unwrap() + name.len();
    body[at..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

/// Peak memory of a process, in KiB.
fn peak_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

/// Answers the requests of one connection; gives the agent's peak memory once
/// the verdict has come.
fn serve(connection: TcpStream, script: &str, pid: u32) -> Option<u64> {
    connection.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    loop {
        let (mut request, mut length) = (String::new(), 0);
        if reader.read_line(&mut request).unwrap_or(0) == 0 {
            return None;
        }
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            if header == "\r\n" {
                break;
            }
            if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let mut peak = None;
        let answer = if request.contains("/redeem") {
            serde_json::json!({"spec": job(&[script]), "next_seq": 1}).to_string().into_bytes()
        } else if request.contains("/source") {
            no_source()
        } else {
            let end = &body[body.len().saturating_sub(200)..];
            if end.windows(10).any(|window| window == b"\"finished\"") {
                peak = Some(peak_kib(pid));
            }
            format!("{{\"durable_seq\":{},\"stop\":false}}", last_seq(&body)).into_bytes()
        };
        // In one write: Nagle's algorithm must not be what is measured.
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", answer.len());
        (&connection).write_all(&[head.into_bytes(), answer].concat()).unwrap();
        if peak.is_some() {
            return peak;
        }
    }
}

fn start(address: &str, work: &std::path::Path) -> Child {
    let program = std::env::var("SOLSTICE_BENCH_AGENT")
        .unwrap_or_else(|_| env!("CARGO_BIN_EXE_solstice-agent").to_owned());
    Command::new(program)
        .args(["--endpoint", &format!("http://{address}"), "--token", "sol_x", "--work"])
        .arg(work)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "measures, and takes a while"]
fn bench() {
    const MIB: f64 = 1024.0 * 1024.0;
    for (name, script, lines, bytes) in [
        ("a million lines", "seq 1000000 1999999", 1e6, 8e6),
        ("lines as of a compiler", "yes \"$(printf %99d 1)\" | head -n 2000000", 2e6, 2e8),
        ("empty lines", "yes '' | head -n 2000000", 2e6, 2e6),
        ("1 GiB of x, no newline", "head -c 1073741824 /dev/zero | tr '\\0' x", 0.0, 1024.0 * MIB),
        ("1 GiB of zeros", "head -c 1073741824 /dev/zero", 0.0, 1024.0 * MIB),
        ("256 MiB of noise", "head -c 268435456 /dev/urandom", 0.0, 256.0 * MIB),
    ] {
        let work = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let started = Instant::now();
        let mut agent = start(&listener.local_addr().unwrap().to_string(), work.path());
        let pid = agent.id();
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let tell = tell.clone();
                std::thread::spawn(move || serve(connection, script, pid).map(|it| tell.send(it)));
            }
        });
        let peak = told.recv().unwrap();
        assert!(agent.wait().unwrap().success());
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "{name}: {seconds:.1} s, {:.0} lines/s, {:.0} MB/s, peak {:.1} MiB",
            lines / seconds,
            bytes / 1e6 / seconds,
            peak as f64 / 1024.0
        );
    }
}
