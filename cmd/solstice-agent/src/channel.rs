//! The agent API as its client: its requests, and which failures are worth
//! another try.
//!
//! The shapes of requests and answers are those of `solstice_api::agent`; they
//! are written down again because that crate brings a whole HTTP server along.
//! The integration tests speak to the real contract.

use std::io::Read;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use solstice_model::{JobSpec, Record, Sha256Digest, Token};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body, SendBody};

use crate::fetch::Archive;

/// The longest answer that is read, source aside: a job's specification has
/// scripts in it.
const MAX_ANSWER_BYTES: u64 = 16 * 1024 * 1024;

/// How much of an error's body is shown.
const MAX_REASON_BYTES: u64 = 1_024;

/// How long one request may take, archives and artifacts aside.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// How long an archive or an artifact may stand still on its way.
const STALL_TIMEOUT: Duration = Duration::from_secs(120);

/// The codes of a host that is there and cannot give an answer yet.
const WAIT_CODES: [&str; 2] = ["source_not_ready", "server_away"];

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChannelError {
    #[error("cannot {what}")]
    Transport {
        what: &'static str,
        #[source]
        source: ureq::Error,
    },
    #[error("cannot {what}: the host answered {status}: {reason}")]
    Refused {
        what: &'static str,
        status: StatusCode,
        /// The host's code for it, if it gave one.
        code: Option<String>,
        /// Its words, fit for a console.
        reason: String,
    },
}

impl ChannelError {
    /// Whether the same request may succeed later.
    pub(crate) fn retry(&self) -> bool {
        match self {
            ChannelError::Transport { .. } => true,
            ChannelError::Refused { status, .. } => {
                status.is_server_error()
                    || *status == StatusCode::TOO_MANY_REQUESTS
                    || *status == StatusCode::REQUEST_TIMEOUT
            }
        }
    }

    /// Whether the host says that it lacks earlier records.
    pub(crate) fn is_gap(&self) -> bool {
        self.status() == Some(StatusCode::CONFLICT)
    }

    /// Whether the host is there and merely has no answer yet.
    pub(crate) fn is_waiting(&self) -> bool {
        match self {
            ChannelError::Refused { code: Some(code), .. } => WAIT_CODES.contains(&code.as_str()),
            _ => false,
        }
    }

    /// Whether the attempt is over as far as the host is concerned.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.status(), Some(StatusCode::GONE | StatusCode::UNAUTHORIZED))
    }

    /// The answer's status, if there was one.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self {
            ChannelError::Refused { status, .. } => Some(*status),
            ChannelError::Transport { .. } => None,
        }
    }
}

/// The body of a refusal, as far as it matters here.
#[derive(Deserialize)]
struct Refusal {
    error_code: Option<String>,
    message: String,
}

/// The body of `agent_redeem`.
#[derive(Serialize)]
struct Redeem<'a> {
    token: &'a Token,
    session: &'a Token,
}

/// The agent's job.
#[derive(Debug, Deserialize)]
pub(crate) struct Redeemed {
    /// What to run.
    pub(crate) spec: JobSpec,
    /// The number of the first record.
    pub(crate) next_seq: u64,
    /// Whether the jobs that this one needs have left anything.
    #[serde(default)]
    pub(crate) has_inputs: bool,
    /// How many bytes of output are taken; without bound by a host that names none.
    #[serde(default = "unbounded")]
    pub(crate) log_limit_bytes: u64,
    /// Whether somebody wants a shell where a step has failed.
    #[serde(default)]
    pub(crate) shell_on_failure: bool,
}

fn unbounded() -> u64 {
    u64::MAX
}

/// What the host says that it has of an artifact.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct ArtifactStored {
    /// Its size.
    pub(crate) bytes: u64,
    /// Its digest.
    pub(crate) sha256: Sha256Digest,
}

/// The body of `agent_records`.
#[derive(Serialize)]
struct RecordBatch<'a> {
    records: &'a [Record],
}

/// What became of a batch.
#[derive(Debug, Deserialize)]
pub(crate) struct RecordsAccepted {
    /// Everything up to and including this number is durable.
    pub(crate) durable_seq: u64,
    /// Whether the attempt is over.
    pub(crate) stop: bool,
}

/// A client of one endpoint under one session.
#[derive(Debug)]
pub(crate) struct Channel {
    http: Agent,
    endpoint: String,
    session: Token,
}

impl Channel {
    /// A client with a session key of its own making; sends nothing yet.
    pub(crate) fn new(endpoint: String) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            // A machine has no proxy, and a test's environment may name one.
            .proxy(None)
            .user_agent(concat!("solstice-agent/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .build();
        Self { http: config.into(), endpoint, session: Token::generate() }
    }

    /// Exchanges the single-use token for the job. Harmless to repeat.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if there is no answer or it is a refusal.
    pub(crate) fn redeem(&self, token: &Token) -> Result<Redeemed, ChannelError> {
        let what = "redeem the token";
        let body = Redeem { token, session: &self.session };
        let request = self.http.post(self.url("redeem")).config();
        let answer = request.timeout_global(Some(REQUEST_TIMEOUT)).build().send_json(body);
        read_json(what, accepted(what, answer)?)
    }

    /// Starts to fetch an archive; the reader gives it compressed.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if there is no answer or it is a refusal.
    pub(crate) fn archive(&self, archive: Archive) -> Result<impl Read + use<>, ChannelError> {
        let (what, path) = match archive {
            Archive::Source => ("fetch the source", "source"),
            Archive::Inputs => ("fetch the inputs", "inputs"),
        };
        let request = self.http.get(self.url(path)).config();
        let answer = request
            .timeout_recv_response(Some(REQUEST_TIMEOUT))
            .timeout_per_read(Some(STALL_TIMEOUT))
            .build()
            .header("authorization", self.bearer())
            .call();
        Ok(accepted(what, answer)?.into_body().into_reader())
    }

    /// Hands over an artifact of so many bytes. The host is asked before they
    /// are sent, so that a refusal costs little. Harmless to repeat.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if there is no answer or it is a refusal.
    pub(crate) fn upload(
        &self,
        index: usize,
        path: &str,
        bytes: u64,
        content: &mut dyn Read,
    ) -> Result<ArtifactStored, ChannelError> {
        let what = "hand over an artifact";
        let request = self.http.put(self.url(&format!("artifacts/{index}"))).config();
        let answer = request
            .timeout_per_read(Some(STALL_TIMEOUT))
            .timeout_per_write(Some(STALL_TIMEOUT))
            .build()
            .query("path", path)
            .header("authorization", self.bearer())
            .header("content-type", "application/octet-stream")
            .header("content-length", bytes)
            .header("expect", "100-continue")
            .send(SendBody::from_reader(content));
        read_json(what, accepted(what, answer)?)
    }

    /// Hands over records.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if there is no answer or it is a refusal; the records
    /// may have arrived all the same.
    pub(crate) fn send(&self, records: &[Record]) -> Result<RecordsAccepted, ChannelError> {
        let what = "send records";
        let request = self.http.post(self.url("records")).config();
        // `send_json` would write it with line breaks and indents: half as much again.
        let body = serde_json::to_vec(&RecordBatch { records }).expect("records are plain data");
        let answer = request
            .timeout_global(Some(REQUEST_TIMEOUT))
            .build()
            .header("authorization", self.bearer())
            .header("content-type", "application/json")
            .send(&body);
        read_json(what, accepted(what, answer)?)
    }

    /// Says that a shell is there; the reader gives what is typed, for as long
    /// as somebody may type.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if there is no answer or it is a refusal.
    pub(crate) fn shell_input(&self) -> Result<impl Read + Send + use<>, ChannelError> {
        let what = "ask for what is typed";
        let request = self.http.get(self.url("shell/input"));
        let answer = request.header("authorization", self.bearer()).call();
        Ok(accepted(what, answer)?.into_body().into_reader())
    }

    /// Sends what a shell prints, until it prints no more.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if nobody takes it.
    pub(crate) fn shell_output(&self, printed: impl Read + 'static) -> Result<(), ChannelError> {
        let what = "send what a shell prints";
        let request = self.http.post(self.url("shell/output"));
        let request = request.header("authorization", self.bearer());
        let answer = request.send(SendBody::from_owned_reader(printed));
        accepted(what, answer).map(|_| ())
    }

    fn url(&self, what: &str) -> String {
        format!("{}/agent/v1/{what}", self.endpoint)
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.session.secret())
    }
}

/// Tells a success from a refusal.
fn accepted(
    what: &'static str,
    answer: Result<Response<Body>, ureq::Error>,
) -> Result<Response<Body>, ChannelError> {
    let answer = answer.map_err(|source| ChannelError::Transport { what, source })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let mut body = Vec::new();
    // What can be read of the reason is enough.
    let _ = answer.into_body().into_reader().take(MAX_REASON_BYTES).read_to_end(&mut body);
    let (code, reason) = match serde_json::from_slice(&body) {
        Ok(Refusal { error_code, message }) => (error_code, message),
        Err(_) => (None, String::from_utf8_lossy(&body).into_owned()),
    };
    Err(ChannelError::Refused { what, status, code, reason: reason.escape_debug().to_string() })
}

fn read_json<T: DeserializeOwned>(
    what: &'static str,
    answer: Response<Body>,
) -> Result<T, ChannelError> {
    let body = answer.into_body().into_with_config().limit(MAX_ANSWER_BYTES);
    body.read_json().map_err(|source| ChannelError::Transport { what, source })
}

/// Waiting times between tries: from 50 ms, doubled up to 2 s.
#[derive(Debug)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(50);
    const LAST: Duration = Duration::from_secs(2);

    /// Starts with the shortest time.
    pub(crate) fn new() -> Self {
        Self { next: Self::FIRST }
    }

    /// The next time to wait.
    pub(crate) fn next(&mut self) -> Duration {
        let now = self.next;
        self.next = (now * 2).min(Self::LAST);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_to_its_bound() {
        let mut backoff = Backoff::new();
        let times: Vec<u128> = (0..8).map(|_| backoff.next().as_millis()).collect();
        assert_eq!(times, [50, 100, 200, 400, 800, 1600, 2000, 2000]);
    }

    #[test]
    fn only_passing_failures_are_retried() {
        let refused = |status| ChannelError::Refused {
            what: "test",
            status: StatusCode::from_u16(status).unwrap(),
            code: None,
            reason: String::new(),
        };
        for passing in [500, 503, 429, 408] {
            assert!(refused(passing).retry(), "{passing}");
        }
        for lasting in [400, 401, 403, 404, 409, 410, 301] {
            assert!(!refused(lasting).retry(), "{lasting}");
        }
        assert!(refused(409).is_gap());
    }
}
