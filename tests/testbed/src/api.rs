//! The user API as the demonstration and the tests use it.

use std::collections::VecDeque;

use futures::StreamExt as _;
use solstice_api::user::{Artifact, Delivery, Health, Host, JobDetail, Run, RunDetail};
use solstice_client::user::Client;
use solstice_client::{ByteStream, Connect};
use solstice_model::{AttemptId, JobId, JobState, Record, RunId, Token};
use url::Url;

use crate::error::TestbedError;

/// The user API, with the rights of one token.
#[derive(Clone)]
pub struct Api {
    client: Client,
    patient: Client,
}

/// One thing that happened to a job, as the server tells its followers.
#[derive(Clone, Debug)]
pub enum JobNews {
    /// A record of this attempt.
    Record(AttemptId, Record),
    /// The job is now in this state.
    State(JobState),
    /// Nothing follows.
    End,
}

impl Api {
    /// The user API at this address.
    ///
    /// # Panics
    ///
    /// If the address is none, or the token no token.
    pub fn new(server: &Url, token: &Token) -> Self {
        let connect = Connect::to(server).token(token);
        Self {
            client: connect.user().expect("a client can be made"),
            patient: connect.patient().user().expect("a client can be made"),
        }
    }

    /// Whether the server answers, and what it has to do.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Api`], as all calls here, if the server does not answer as it should.
    pub async fn health(&self) -> Result<Health, TestbedError> {
        self.client.health().await.map(|it| it.into_inner()).map_err(api("health"))
    }

    /// The hosts that have ever reported.
    ///
    /// # Errors
    ///
    /// As [`Api::health`].
    pub async fn hosts(&self) -> Result<Vec<Host>, TestbedError> {
        self.client.host_list().await.map(|it| it.into_inner()).map_err(api("host_list"))
    }

    /// The newest runs.
    ///
    /// # Errors
    ///
    /// As [`Api::health`].
    pub async fn runs(&self) -> Result<Vec<Run>, TestbedError> {
        let page = self
            .client
            .run_list(None, None, None, None, None, None, None, None, None, None)
            .await
            .map_err(api("run_list"))?;
        Ok(page.into_inner().items)
    }

    /// A run and its jobs.
    ///
    /// # Errors
    ///
    /// As [`Api::health`].
    pub async fn run(&self, run: RunId) -> Result<RunDetail, TestbedError> {
        self.client.run_view(&run).await.map(|it| it.into_inner()).map_err(api("run_view"))
    }

    /// A job, its steps and attempts.
    ///
    /// # Errors
    ///
    /// As [`Api::health`].
    pub async fn job(&self, job: JobId) -> Result<JobDetail, TestbedError> {
        self.client.job_view(&job).await.map(|it| it.into_inner()).map_err(api("job_view"))
    }

    /// Cancels a job.
    ///
    /// # Errors
    ///
    /// As [`Api::health`].
    pub async fn cancel(&self, job: JobId) -> Result<(), TestbedError> {
        self.client.job_cancel(&job).await.map(|_| ()).map_err(api("job_cancel"))
    }

    /// The artifacts of a job's last try.
    ///
    /// # Errors
    ///
    /// As [`Api::health`].
    pub async fn artifacts(&self, job: JobId) -> Result<Vec<Artifact>, TestbedError> {
        let answer = self.client.job_artifacts(&job).await.map_err(api("job_artifacts"))?;
        Ok(answer.into_inner())
    }

    /// A job's log as plain text.
    ///
    /// # Errors
    ///
    /// As [`Api::health`].
    pub async fn log(&self, job: JobId) -> Result<String, TestbedError> {
        let answer = self.client.job_log(&job).await.map_err(api("job_log"))?;
        read_all(answer.into_inner()).await
    }

    /// The console of a job's last machine.
    ///
    /// # Errors
    ///
    /// As [`Api::health`].
    pub async fn console(&self, job: JobId) -> Result<String, TestbedError> {
        let answer = self.client.job_console(&job).await.map_err(api("job_console"))?;
        read_all(answer.into_inner()).await
    }

    /// The newest deliveries.
    ///
    /// # Errors
    ///
    /// As [`Api::health`].
    pub async fn deliveries(&self) -> Result<Vec<Delivery>, TestbedError> {
        let page = self.client.delivery_list(None, None).await.map_err(api("delivery_list"))?;
        Ok(page.into_inner().items)
    }

    /// Follows a job from its first record.
    ///
    /// # Errors
    ///
    /// As [`Api::health`].
    pub async fn follow(&self, job: JobId) -> Result<Follower, TestbedError> {
        let answer = self.patient.job_events(&job).await.map_err(api("job_events"))?;
        Ok(Follower { bytes: answer.into_inner(), buffer: Vec::new(), ready: VecDeque::new() })
    }
}

/// A job's news, one after the other.
pub struct Follower {
    bytes: ByteStream,
    buffer: Vec<u8>,
    ready: VecDeque<JobNews>,
}

impl Follower {
    /// The next news; `None` if the connection is over.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Api`] if the connection breaks or an event makes no sense.
    pub async fn next(&mut self) -> Result<Option<JobNews>, TestbedError> {
        loop {
            if let Some(news) = self.ready.pop_front() {
                return Ok(Some(news));
            }
            let Some(bytes) = self.bytes.next().await else { return Ok(None) };
            self.buffer.extend_from_slice(&bytes.map_err(api("job_events"))?);
            self.split()?;
        }
    }

    /// Takes whole events out of the buffer (HTML Living Standard, section 9.2).
    fn split(&mut self) -> Result<(), TestbedError> {
        while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = self.buffer.drain(..end + 2).collect();
            if let Some(news) = parse_event(&String::from_utf8_lossy(&event))? {
                self.ready.push_back(news);
            }
        }
        Ok(())
    }
}

fn parse_event(text: &str) -> Result<Option<JobNews>, TestbedError> {
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim_start))
    };
    let bad = |why: String| TestbedError::Api { what: "job_events".to_owned(), why };
    let data = field("data").unwrap_or_default();
    Ok(match field("event") {
        Some("record") => {
            let attempt = field("id").and_then(|id| id.split(':').next()?.parse().ok());
            let attempt = attempt.ok_or_else(|| bad(format!("an event without id: {text}")))?;
            let record = serde_json::from_str(data).map_err(|error| bad(error.to_string()))?;
            Some(JobNews::Record(attempt, record))
        }
        Some("state") => {
            let state = serde_json::from_str(data).map_err(|error| bad(error.to_string()))?;
            Some(JobNews::State(state))
        }
        Some("end") => Some(JobNews::End),
        _ => None,
    })
}

async fn read_all(mut bytes: ByteStream) -> Result<String, TestbedError> {
    let mut all = Vec::new();
    while let Some(part) = bytes.next().await {
        all.extend_from_slice(&part.map_err(api("reading an answer"))?);
    }
    Ok(String::from_utf8_lossy(&all).into_owned())
}

fn api<E: std::error::Error + 'static>(what: &str) -> impl Fn(E) -> TestbedError {
    let what = what.to_owned();
    move |error| TestbedError::Api { what: what.clone(), why: solstice_log::chain(&error) }
}
