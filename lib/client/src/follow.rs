//! A job's news as they come, through broken connections.
//!
//! The user API's `job_events` is a stream without an end of its own, which the
//! generated code cannot take up again where it broke off. This does: it
//! remembers the last record's event id and asks for what comes after
//! (`Last-Event-ID`, HTML Living Standard, section 9.2.4), so that a reader
//! misses no record and gets none twice.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use reqwest::{StatusCode, Url};
use solstice_model::{AttemptId, JobId, JobState, Record};
use tokio::time::{Instant, timeout};

use crate::{Connect, ConnectError};

/// The server sends a comment every 15 seconds; without one it is gone.
const SILENCE: Duration = Duration::from_secs(45);

/// How long a server may be away before a follower gives up.
const AWAY: Duration = Duration::from_secs(120);

/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// More than any event of the server's.
const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;

/// The most bytes of a refusal that are read.
const MAX_REFUSAL_BYTES: usize = 64 * 1024;

/// One thing that happened to a job.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// The records that follow are of this attempt.
    Attempt(AttemptId),
    /// What the attempt's agent says.
    Record(Record),
    /// The job is now in this state.
    State(JobState),
    /// Nothing follows.
    End,
}

/// Why a job cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// No client could be made.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The server does not let us.
    #[error("the server refuses to tell of job {job} ({status}): {message}")]
    Refused {
        /// The job.
        job: JobId,
        /// How the server answered.
        status: StatusCode,
        /// What it said.
        message: String,
    },
    /// The server cannot be reached, or not any more.
    #[error("cannot reach {server}")]
    Away {
        /// The server's address.
        server: Url,
        /// What went wrong last, if it was not silence.
        #[source]
        source: Option<reqwest::Error>,
    },
    /// The server says what nobody understands.
    #[error("cannot understand what the server tells of job {job}: {why}")]
    Nonsense {
        /// The job.
        job: JobId,
        /// What was wrong.
        why: String,
    },
}

/// Follows one job.
pub struct Follow {
    http: reqwest::Client,
    url: Url,
    job: JobId,
    /// The id of the last event that had one.
    last: Option<String>,
    body: Option<BoxStream<'static, reqwest::Result<Bytes>>>,
    buffer: Vec<u8>,
    ready: VecDeque<News>,
    /// Whether the server has ever answered.
    answered: bool,
}

impl Connect {
    /// Follows a job from the first record of its last attempt.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] if the token is no token or TLS cannot be set up.
    pub fn follow(&self, job: JobId) -> Result<Follow, ConnectError> {
        let url = format!("{}/api/v1/jobs/{job}/events", self.base());
        Ok(Follow {
            http: self.clone().patient().http()?,
            url: url.parse().expect("an address stays one when a path is added"),
            job,
            last: None,
            body: None,
            buffer: Vec::new(),
            ready: VecDeque::new(),
            answered: false,
        })
    }
}

impl Follow {
    /// The next news. Nothing is lost if the future is dropped.
    ///
    /// # Errors
    ///
    /// [`FollowError`]: at once if the server refuses or was never reached,
    /// after two minutes if it went away.
    pub async fn next(&mut self) -> Result<News, FollowError> {
        loop {
            if let Some(news) = self.ready.pop_front() {
                return Ok(news);
            }
            if self.body.is_none() {
                self.connect().await?;
            }
            let Some(body) = &mut self.body else { continue };
            match timeout(SILENCE, body.next()).await {
                Ok(Some(Ok(bytes))) => {
                    self.buffer.extend_from_slice(&bytes);
                    self.split()?;
                }
                // The connection broke, ended or fell silent: take it up again.
                Ok(Some(Err(_)) | None) | Err(_) => {
                    self.body = None;
                    self.buffer.clear();
                }
            }
        }
    }

    /// Connects; tries again for a while if it was connected before.
    async fn connect(&mut self) -> Result<(), FollowError> {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(100);
        loop {
            let away = match self.ask().await {
                Ok(answer) if answer.status().is_success() => {
                    self.answered = true;
                    self.body = Some(answer.bytes_stream().boxed());
                    return Ok(());
                }
                Ok(answer) if !answer.status().is_server_error() || !self.answered => {
                    return Err(self.refusal(answer).await);
                }
                Ok(_) => None,
                Err(error) => Some(error),
            };
            if !self.answered || begun.elapsed() > AWAY {
                return Err(FollowError::Away { server: self.url.clone(), source: away });
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn ask(&mut self) -> reqwest::Result<reqwest::Response> {
        let mut request = self.http.get(self.url.clone());
        if let Some(last) = &self.last {
            request = request.header("last-event-id", last);
        }
        request.send().await
    }

    async fn refusal(&mut self, answer: reqwest::Response) -> FollowError {
        let status = answer.status();
        let mut body = Vec::new();
        let mut parts = answer.bytes_stream();
        while let Some(Ok(part)) = parts.next().await {
            body.extend_from_slice(&part);
            if body.len() > MAX_REFUSAL_BYTES {
                break;
            }
        }
        FollowError::Refused { job: self.job, status, message: crate::refusal_text(&body) }
    }

    /// Takes whole events out of the buffer.
    fn split(&mut self) -> Result<(), FollowError> {
        let mut rest = self.buffer.as_slice();
        while let Some(end) = rest.windows(2).position(|pair| pair == b"\n\n") {
            let event = parse(&rest[..end]);
            let event = event.map_err(|why| FollowError::Nonsense { job: self.job, why })?;
            rest = &rest[end + 2..];
            if let Some((id, news)) = event {
                self.last = id.or(self.last.take());
                self.ready.push_back(news);
            }
        }
        self.buffer = rest.to_vec();
        if self.buffer.len() > MAX_EVENT_BYTES {
            let why = format!("an event of more than {MAX_EVENT_BYTES} bytes");
            return Err(FollowError::Nonsense { job: self.job, why });
        }
        Ok(())
    }
}

/// Reads an event: its id, if it has one, and what it says.
fn parse(event: &[u8]) -> Result<Option<(Option<String>, News)>, String> {
    let text = std::str::from_utf8(event).map_err(|wrong| wrong.to_string())?;
    let field = |name: &str| {
        let value = |line: &str| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned());
        text.lines().find_map(value)
    };
    let data = field("data").unwrap_or_default();
    let wrong = |error: serde_json::Error| format!("{error} in {data:?}");
    let news = match field("event").as_deref() {
        Some("attempt") => {
            let told: Told = serde_json::from_str(&data).map_err(wrong)?;
            News::Attempt(told.attempt)
        }
        Some("record") => News::Record(serde_json::from_str(&data).map_err(wrong)?),
        Some("state") => News::State(serde_json::from_str(&data).map_err(wrong)?),
        Some("end") => News::End,
        // A comment, or something that a later server tells.
        _ => return Ok(None),
    };
    Ok(Some((field("id"), news)))
}

/// The data of the event `attempt`.
#[derive(serde::Deserialize)]
struct Told {
    attempt: AttemptId,
}

#[cfg(test)]
mod tests {
    use solstice_model::id::new_id;

    use super::*;

    fn follow() -> Follow {
        let server: Url = "http://127.0.0.1:1".parse().unwrap();
        Connect::to(&server).follow(new_id()).unwrap()
    }

    #[test]
    fn events_are_found_however_they_are_cut() {
        let attempt: AttemptId = new_id();
        let text = format!(
            "retry: 2000\n\nevent: attempt\ndata: {{\"attempt\":\"{attempt}\"}}\n\n: here\n\n\
             id: {attempt}:7\nevent: record\ndata: {{\"seq\":7,\"at\":\"2026-01-01T00:00:00Z\",\
             \"kind\":\"note\",\"text\":\"a\"}}\n\nevent: later\ndata: x\n\nevent: end\ndata: {{}}\n\n"
        );
        for size in [1, 2, 3, 7, 50, 51, text.len()] {
            let mut follow = follow();
            for part in text.as_bytes().chunks(size) {
                follow.buffer.extend_from_slice(part);
                follow.split().unwrap();
            }
            assert_eq!(follow.last, Some(format!("{attempt}:7")), "{size}");
            assert_eq!(follow.ready.len(), 3);
            assert_eq!(follow.ready[0], News::Attempt(attempt));
            assert_eq!(follow.ready[2], News::End);
        }
    }

    #[test]
    fn nonsense_is_told_and_not_followed() {
        let mut follow = follow();
        follow.buffer.extend_from_slice(b"event: record\ndata: {}\n\n");
        assert!(matches!(follow.split(), Err(FollowError::Nonsense { .. })));
        let mut endless = self::follow();
        endless.buffer = vec![b'x'; MAX_EVENT_BYTES + 1];
        assert!(matches!(endless.split(), Err(FollowError::Nonsense { .. })));
    }

    #[tokio::test]
    async fn a_server_that_was_never_there_is_not_waited_for() {
        assert!(matches!(follow().next().await, Err(FollowError::Away { .. })));
    }
}
