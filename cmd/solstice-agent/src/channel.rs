//! The agent API as its client: three requests, and which failures are worth
//! another try.
//!
//! The shapes of requests and answers are those of `solstice_api::agent`; they
//! are written down again because that crate brings a whole HTTP server along.
//! The integration tests speak to the real contract.

use std::io::Read;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use solstice_model::{JobSpec, Record, Token};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

/// The longest answer that is read, source aside: a job's specification has
/// scripts in it.
const MAX_ANSWER_BYTES: u64 = 16 * 1024 * 1024;

/// How much of an error's body is shown.
const MAX_REASON_BYTES: u64 = 1_024;

/// How long one request may take, source aside.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

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
    Refused { what: &'static str, status: StatusCode, reason: String },
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
        matches!(self, ChannelError::Refused { status, .. } if *status == StatusCode::CONFLICT)
    }
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

    /// Starts to fetch the source; the reader gives the compressed archive.
    ///
    /// # Errors
    ///
    /// [`ChannelError`] if there is no answer or it is a refusal.
    pub(crate) fn source(&self) -> Result<impl Read + use<>, ChannelError> {
        let what = "fetch the source";
        let request = self.http.get(self.url("source")).config();
        let answer = request
            .timeout_recv_response(Some(REQUEST_TIMEOUT))
            .build()
            .header("authorization", self.bearer())
            .call();
        Ok(accepted(what, answer)?.into_body().into_reader())
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
        let answer = request
            .timeout_global(Some(REQUEST_TIMEOUT))
            .build()
            .header("authorization", self.bearer())
            .send_json(RecordBatch { records });
        read_json(what, accepted(what, answer)?)
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
    let mut reason = Vec::new();
    // What can be read of the reason is enough.
    let _ = answer.into_body().into_reader().take(MAX_REASON_BYTES).read_to_end(&mut reason);
    let reason = String::from_utf8_lossy(&reason).escape_debug().to_string();
    Err(ChannelError::Refused { what, status, reason })
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
