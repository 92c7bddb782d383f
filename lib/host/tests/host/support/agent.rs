//! The guest's side: an agent in the test's own process.

use std::time::Duration;

use camino::Utf8PathBuf;
use chrono::Utc;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use solstice_api::agent::{RecordsAccepted, Redeemed};
use solstice_hypervisor::fake::FakeGuest;
use solstice_model::{AgentVerdict, Exit, Record, RecordBody, Stream, Token};

/// An agent; it finds its host anew for each request, as the relay does.
#[derive(Clone)]
pub(crate) struct Agent {
    pub(crate) guest: FakeGuest,
    pub(crate) session: Token,
    data: Utf8PathBuf,
    http: Client,
}

impl Agent {
    pub(crate) fn new(guest: FakeGuest, data: Utf8PathBuf) -> Self {
        let http = Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
        Self { guest, session: Token::generate(), data, http }
    }

    pub(crate) fn post(&self, what: &str) -> RequestBuilder {
        self.request(reqwest::Method::POST, what)
    }

    /// Hands over an artifact.
    pub(crate) async fn put(
        &self,
        index: u32,
        path: &str,
        body: impl Into<reqwest::Body>,
    ) -> Response {
        let request = self.request(reqwest::Method::PUT, &format!("artifacts/{index}"));
        request.query(&[("path", path)]).body(body).send().await.unwrap()
    }

    /// The inputs, compressed.
    pub(crate) async fn inputs(&self) -> Response {
        self.persist(|| self.request(reqwest::Method::GET, "inputs")).await
    }

    fn request(&self, method: reqwest::Method, what: &str) -> RequestBuilder {
        let endpoint = std::fs::read_to_string(self.data.join("agent-endpoint")).unwrap();
        let url = format!("http://{}/agent/v1/{what}", endpoint.trim());
        self.http.request(method, url).bearer_auth(self.session.secret())
    }

    /// Tries until the host answers, as the real agent does.
    async fn persist(&self, request: impl Fn() -> RequestBuilder) -> Response {
        loop {
            match request().send().await {
                Ok(answer) if !answer.status().is_server_error() => return answer,
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }

    pub(crate) async fn redeem_with(&self, token: &Token, session: &Token) -> Response {
        let body = json!({"token": token.secret(), "session": session.secret()});
        self.persist(|| self.post("redeem").json(&body)).await
    }

    pub(crate) async fn redeem(&self) -> Redeemed {
        let answer = self.redeem_with(&self.guest.token(), &self.session).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    /// The archive, compressed.
    pub(crate) async fn source(&self) -> Vec<u8> {
        let answer = self.persist(|| self.request(reqwest::Method::GET, "source")).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let length = answer.content_length();
        let bytes = answer.bytes().await.unwrap().to_vec();
        assert_eq!(length, Some(bytes.len() as u64));
        bytes
    }

    pub(crate) async fn send_raw(&self, body: &Value) -> Response {
        self.persist(|| self.post("records").json(body)).await
    }

    pub(crate) async fn send(&self, records: &[Record]) -> RecordsAccepted {
        let answer = self.send_raw(&json!({ "records": records })).await;
        assert_eq!(answer.status(), StatusCode::OK);
        answer.json().await.unwrap()
    }

    /// Sends one record.
    pub(crate) async fn say(&self, seq: u64, body: RecordBody) -> RecordsAccepted {
        self.send(&[Record { seq, at: Utc::now(), body }]).await
    }
}

pub(crate) fn line(text: &str) -> RecordBody {
    RecordBody::Output { step: 0, stream: Stream::Stdout, chunk: text.into(), newline: true }
}

pub(crate) fn finished() -> RecordBody {
    RecordBody::Finished { verdict: AgentVerdict::Succeeded }
}

/// What an honest agent tells after its source has come.
pub(crate) fn story() -> Vec<RecordBody> {
    let exit = || Exit::Code { code: 0 };
    vec![
        RecordBody::StepStarted { step: 0 },
        line("compiling"),
        RecordBody::StepFinished { step: 0, exit: exit() },
        RecordBody::StepStarted { step: 1 },
        RecordBody::StepFinished { step: 1, exit: exit() },
        finished(),
    ]
}

/// Does the job and powers off.
pub(crate) async fn honest(guest: FakeGuest, data: Utf8PathBuf) {
    guest.print("booting\n");
    let agent = Agent::new(guest.clone(), data);
    let Redeemed { next_seq, .. } = agent.redeem().await;
    assert!(!agent.source().await.is_empty());
    for (seq, body) in (next_seq..).zip(story()) {
        if agent.say(seq, body).await.stop {
            break;
        }
    }
    guest.print("powering off\n");
    guest.power_off();
}
