//! The relay of a guest's connection, as QEMU starts it: with one socket as its
//! standard input and output.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Relay {
    /// The guest's end of its connection.
    guest: UnixStream,
    process: Child,
    _directory: tempfile::TempDir,
}

impl Relay {
    fn start(address: SocketAddr) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let endpoint_file = directory.path().join("agent-endpoint");
        std::fs::write(&endpoint_file, format!("{address}\n")).unwrap();
        let (guest, theirs) = UnixStream::pair().unwrap();
        guest.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let stdio = |stream: UnixStream| Stdio::from(OwnedFd::from(stream));
        let process = Command::new(env!("CARGO_BIN_EXE_solstice-orchestrator"))
            .arg("guest-relay")
            .arg(&endpoint_file)
            .stdin(stdio(theirs.try_clone().unwrap()))
            .stdout(stdio(theirs))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self { guest, process, _directory: directory }
    }

    /// The exit status and what was said.
    fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.process.wait().unwrap().code(), said)
    }
}

fn host() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn bytes_go_both_ways_as_they_come() {
    let (listener, address) = host();
    let mut relay = Relay::start(address);
    let (mut stream, _) = listener.accept().unwrap();
    let mut word = [0; 4];
    for _ in 0..3 {
        relay.guest.write_all(b"ping").unwrap();
        stream.read_exact(&mut word).unwrap();
        assert_eq!(&word, b"ping");
        stream.write_all(b"pong").unwrap();
        relay.guest.read_exact(&mut word).unwrap();
        assert_eq!(&word, b"pong");
    }
}

#[test]
fn a_guest_that_has_said_all_still_gets_its_answer() {
    let (listener, address) = host();
    let mut relay = Relay::start(address);
    let (mut stream, _) = listener.accept().unwrap();
    let large = vec![b'x'; 3 * 1024 * 1024];
    let guest = relay.guest.try_clone().unwrap();
    let sending = std::thread::spawn({
        let large = large.clone();
        move || {
            (&guest).write_all(&large).unwrap();
            guest.shutdown(Shutdown::Write).unwrap();
        }
    });
    let mut taken = Vec::new();
    stream.read_to_end(&mut taken).unwrap();
    assert!(taken == large, "{} bytes", taken.len());
    let answering = std::thread::spawn(move || stream.write_all(&taken).unwrap());
    let mut answer = Vec::new();
    relay.guest.read_to_end(&mut answer).unwrap();
    assert!(answer == large, "{} bytes", answer.len());
    sending.join().unwrap();
    answering.join().unwrap();
    assert_eq!(relay.end(), (Some(0), String::new()));
}

#[test]
fn a_host_that_hangs_up_is_seen_by_the_guest_and_ends_the_relay() {
    let (listener, address) = host();
    let mut relay = Relay::start(address);
    drop(listener.accept().unwrap());
    let mut rest = Vec::new();
    relay.guest.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty());
    assert_eq!(relay.end(), (Some(0), String::new()), "though the guest still holds on");
}

#[test]
fn a_guest_that_goes_away_ends_the_relay() {
    let (listener, address) = host();
    let relay = Relay::start(address);
    let (mut stream, _) = listener.accept().unwrap();
    relay.guest.shutdown(Shutdown::Both).unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    drop(stream);
    assert_eq!(relay.end().0, Some(0));
}

#[test]
fn an_orchestrator_that_starts_again_is_found_at_its_new_port() {
    let (listener, address) = host();
    drop(listener);
    let mut relay = Relay::start(address);
    let (listener, address) = host();
    std::fs::write(relay._directory.path().join("agent-endpoint"), address.to_string()).unwrap();
    let (mut stream, _): (TcpStream, _) = listener.accept().unwrap();
    stream.write_all(b"here").unwrap();
    let mut word = [0; 4];
    relay.guest.read_exact(&mut word).unwrap();
    assert_eq!(&word, b"here");
}

#[test]
fn an_orchestrator_that_stays_away_is_given_up() {
    let (listener, address) = host();
    drop(listener);
    let (status, said) = Relay::start(address).end();
    assert_eq!(status, Some(3));
    assert!(said.contains("no orchestrator answers at") && said.contains(&address.to_string()));
}
