//! A small client of QEMU's control protocol: its state, and its events.
//!
//! The protocol is lines of JSON (QEMU, docs/interop/qmp-spec.rst). QEMU serves
//! one client per socket; others wait for their greeting until it is gone.

use std::io;
use std::time::Duration;

use camino::Utf8Path;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

/// The longest line that is taken from QEMU.
const LONGEST_LINE: u64 = 1024 * 1024;

/// A conversation that did not go as it should.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QmpError {
    #[error("cannot talk to QEMU's control socket")]
    Io(#[from] io::Error),
    #[error("QEMU's control socket was closed")]
    Closed,
    #[error("QEMU's control socket says what is not QMP: {line}")]
    Syntax {
        line: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("QEMU refuses {command}: {reason}")]
    Refused { command: &'static str, reason: String },
    #[error("QEMU's control socket did not answer within {} s", limit.as_secs())]
    TooLate { limit: Duration },
}

/// What QEMU's machine is doing (`RunState`); those that matter to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum RunState {
    /// The guest executes.
    Running,
    /// The guest is set up and has not begun.
    Prelaunch,
    /// The guest has ended and QEMU is about to.
    Shutdown,
    /// The guest is held because the host has no disk space for what it wrote.
    IoError,
    /// The guest is held because QEMU or KVM cannot go on with it.
    InternalError,
    /// Any other: it does not execute, and will not by itself.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Greeting {
        #[serde(rename = "QMP")]
        _qmp: serde::de::IgnoredAny,
    },
    Return {
        r#return: serde_json::Value,
    },
    Error {
        error: Refusal,
    },
    Event {
        event: String,
    },
}

#[derive(Deserialize)]
struct Refusal {
    desc: String,
}

#[derive(Deserialize)]
struct Status {
    status: RunState,
}

/// A connection that has been greeted.
#[derive(Debug)]
pub(crate) struct Qmp {
    stream: BufReader<UnixStream>,
    /// Events that came while an answer was awaited.
    events: Vec<String>,
}

impl Qmp {
    /// Connects and waits for the greeting.
    pub(crate) async fn connect(socket: &Utf8Path) -> Result<Self, QmpError> {
        let stream = BufReader::new(UnixStream::connect(socket).await?);
        let mut qmp = Self { stream, events: Vec::new() };
        while !matches!(qmp.message().await?, Message::Greeting { .. }) {}
        qmp.execute("qmp_capabilities").await?;
        Ok(qmp)
    }

    /// Connects to a QEMU that may still be about to make its socket.
    pub(crate) async fn connect_when_there(
        socket: &Utf8Path,
        limit: Duration,
    ) -> Result<Self, QmpError> {
        let attempt = async {
            loop {
                match Self::connect(socket).await {
                    Err(QmpError::Io(error)) if is_early(&error) => {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    other => return other,
                }
            }
        };
        tokio::time::timeout(limit, attempt).await.unwrap_or(Err(QmpError::TooLate { limit }))
    }

    /// What the machine is doing.
    pub(crate) async fn state(&mut self) -> Result<RunState, QmpError> {
        let answer = self.execute("query-status").await?;
        let line = answer.to_string();
        let status: Status =
            serde_json::from_value(answer).map_err(|source| QmpError::Syntax { line, source })?;
        Ok(status.status)
    }

    /// Waits for the machine to be held by QEMU (the event `STOP`).
    pub(crate) async fn held(&mut self) -> Result<(), QmpError> {
        loop {
            if self.events.drain(..).any(|event| event == "STOP") {
                return Ok(());
            }
            if let Message::Event { event } = self.message().await? {
                self.events.push(event);
            }
        }
    }

    async fn execute(&mut self, command: &'static str) -> Result<serde_json::Value, QmpError> {
        let request = format!("{{\"execute\": \"{command}\"}}\n");
        self.stream.get_mut().write_all(request.as_bytes()).await?;
        loop {
            match self.message().await? {
                Message::Return { r#return } => return Ok(r#return),
                Message::Error { error } => {
                    return Err(QmpError::Refused { command, reason: error.desc });
                }
                Message::Event { event } => self.events.push(event),
                Message::Greeting { .. } => {}
            }
        }
    }

    async fn message(&mut self) -> Result<Message, QmpError> {
        let mut line = Vec::new();
        let n = (&mut self.stream).take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
        if n == 0 {
            return Err(QmpError::Closed);
        }
        serde_json::from_slice(&line).map_err(|source| {
            let line = String::from_utf8_lossy(&line).chars().take(200).collect();
            QmpError::Syntax { line, source }
        })
    }
}

/// The socket is not there yet, or nobody listens on it yet.
fn is_early(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use camino::Utf8PathBuf;
    use tokio::net::UnixListener;

    use super::*;

    const GREETING: &str = r#"{"QMP": {"version": {}, "capabilities": []}}"#;

    /// A QEMU that says these lines: the first at once, then one per request;
    /// a line may bring others behind it.
    fn scripted(lines: &[&str]) -> (tempfile::TempDir, Utf8PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = Utf8Path::from_path(dir.path()).unwrap().join("qmp.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let mut lines: VecDeque<_> = lines.iter().map(|line| format!("{line}\n")).collect();
        tokio::spawn(async move {
            let mut stream = BufReader::new(listener.accept().await.unwrap().0);
            let mut request = String::new();
            while let Some(line) = lines.pop_front() {
                stream.get_mut().write_all(line.as_bytes()).await.unwrap();
                stream.read_line(&mut request).await.unwrap();
            }
        });
        (dir, path)
    }

    #[tokio::test]
    async fn the_state_is_told_through_events_and_unknown_ones_are_other() {
        let event = r#"{"event": "RTC_CHANGE", "timestamp": {}}"#;
        let status = |name: &str| format!(r#"{{"return": {{"status": "{name}"}}}}"#);
        let running = format!("{event}\n{}", status("running"));
        let (_dir, path) = scripted(&[
            GREETING,
            r#"{"return": {}}"#,
            &running,
            &status("io-error"),
            &status("guest-panicked"),
        ]);
        let mut qmp = Qmp::connect(&path).await.unwrap();
        assert_eq!(qmp.state().await.unwrap(), RunState::Running);
        assert_eq!(qmp.state().await.unwrap(), RunState::IoError);
        assert_eq!(qmp.state().await.unwrap(), RunState::Other);
    }

    #[tokio::test]
    async fn a_hold_that_came_with_an_answer_is_not_missed() {
        let stop = r#"{"event": "STOP", "timestamp": {}}"#;
        let answer = format!("{stop}\n{}", r#"{"return": {"status": "io-error"}}"#);
        let (_dir, path) = scripted(&[GREETING, r#"{"return": {}}"#, &answer]);
        let mut qmp = Qmp::connect(&path).await.unwrap();
        assert_eq!(qmp.state().await.unwrap(), RunState::IoError);
        qmp.held().await.unwrap();
    }

    #[tokio::test]
    async fn a_refusal_and_an_end_and_nonsense_are_told() {
        let refusal = r#"{"error": {"class": "GenericError", "desc": "not now"}}"#;
        let (_dir, path) = scripted(&[GREETING, refusal]);
        let refused = Qmp::connect(&path).await.unwrap_err();
        assert_eq!(refused.to_string(), "QEMU refuses qmp_capabilities: not now");
        let (_dir, path) = scripted(&["hello"]);
        assert!(matches!(Qmp::connect(&path).await, Err(QmpError::Syntax { .. })));
        let (_dir, path) = scripted(&[]);
        assert!(matches!(Qmp::connect(&path).await, Err(QmpError::Closed)));
        let nobody = Qmp::connect_when_there(&path, Duration::from_millis(50)).await;
        assert!(matches!(nobody, Err(QmpError::TooLate { .. })), "{nobody:?}");
    }
}
