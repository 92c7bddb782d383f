//! A server with something to show.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use slog::Logger;
use solstice_config::ServerConfig;
use solstice_config::server::{ArtifactLimits, Listen, RetentionConfig};
use solstice_engine::{Forges, SystemClock};
use solstice_forge::Forge;
use solstice_forge::fake::FakeForge;
use solstice_model::{
    AgentVerdict, Exit, JobState, Record, RecordBody, RepoName, Role, Stream, Token,
};
use solstice_server::Server;

/// No state takes longer to be reached.
const PATIENCE: Duration = Duration::from_secs(60);

/// The one host.
const HOST: &str = "host-1";

/// How many lines the finished job has printed.
const LINES: usize = 40;

const WORKFLOW: &str = r#"workflow name="CI" {
    job id="build" runs_on="illumos" { step name="Test" run="make test"; }
}"#;

/// A server, and what its callers need to know.
pub struct Served {
    server: Server,
    forge: FakeForge,
    repository: RepoName,
    http: Client,
    tokens: Vec<(Role, Token)>,
    /// The runs, first to last: one that has succeeded, and others that wait.
    pub runs: Vec<String>,
    /// Their jobs.
    pub jobs: Vec<String>,
    /// The deliveries that they came of.
    pub deliveries: Vec<String>,
    _directory: tempfile::TempDir,
}

impl Served {
    /// Starts the server and fills it: a finished job with a log, an artifact and
    /// a console, and two that wait.
    pub async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let forge = FakeForge::new("forge".parse().unwrap());
        let known: Arc<dyn Forge> = Arc::new(forge.clone());
        let forges: Forges = [(known.name().clone(), known)].into();
        let log = Logger::root(slog::Discard, slog::o!());
        let config = configuration(directory.path());
        let server = Server::start(&config, forges, Arc::new(SystemClock), log).await.unwrap();
        let mut served = Self {
            server,
            repository: forge.add_repository("ada/engine"),
            forge,
            http: Client::builder().no_proxy().build().unwrap(),
            tokens: Vec::new(),
            runs: Vec::new(),
            jobs: Vec::new(),
            deliveries: Vec::new(),
            _directory: directory,
        };
        served.make_tokens().await;
        served.push().await;
        served.work().await;
        served.push().await;
        served.push().await;
        served
    }

    /// Where people are served.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.people())
    }

    /// A token with this role.
    pub fn token(&self, role: Role) -> &str {
        self.tokens.iter().find(|(held, _)| *held == role).unwrap().1.secret()
    }

    /// What a client is told of the server, by its environment.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SOLSTICE_URL", self.url()),
            ("SOLSTICE_ADMIN", self.token(Role::Admin).to_owned()),
            ("SOLSTICE_READER", self.token(Role::Reader).to_owned()),
            ("SOLSTICE_RUN", self.runs[0].clone()),
            ("SOLSTICE_DELIVERY", self.deliveries[0].clone()),
            ("SOLSTICE_JOB", self.jobs[0].clone()),
            ("SOLSTICE_WAITING_JOB", self.jobs[1].clone()),
            ("SOLSTICE_LINES", LINES.to_string()),
        ]
    }

    /// Asks for something of the API, as an administrator.
    pub async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}{path}", self.url()));
        let answer = request.bearer_auth(self.token(Role::Admin)).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    /// The state of a job.
    pub async fn state(&self, job: &str) -> JobState {
        let detail = self.get(&format!("/api/v1/jobs/{job}")).await;
        serde_json::from_value(detail["job"]["state"].clone()).unwrap()
    }

    async fn make_tokens(&mut self) {
        for role in Role::ALL {
            let token = Token::generate();
            let name = if role == Role::Host { HOST } else { role.as_str() };
            let store = self.server.store();
            store.create_token(name.to_owned(), role, token.hash(), Utc::now()).await.unwrap();
            self.tokens.push((role, token));
        }
    }

    /// Pushes a commit, and waits for its run.
    async fn push(&mut self) {
        let files = [(".solstice/ci.kdl", WORKFLOW.as_bytes())];
        let commit = self.forge.add_commit(&self.repository, &files);
        let push = self.forge.push(&self.repository, "refs/heads/main", &commit);
        let delivery = self.forge.deliver(&push);
        let url = format!("http://{}/webhooks/forge", self.server.webhooks());
        let sent = self.http.post(url).headers(delivery.headers).body(delivery.body);
        let taken = self.told(sent).await;
        self.deliveries.push(taken["delivery"].as_str().unwrap().to_owned());
        let begun = Instant::now();
        let run = loop {
            let runs = self.get("/api/v1/runs").await;
            let runs = runs["items"].as_array().unwrap().clone();
            if let Some(run) = runs.iter().find(|run| run["commit"] == commit.as_str()) {
                break run["id"].as_str().unwrap().to_owned();
            }
            assert!(begun.elapsed() < PATIENCE, "no run came of a push");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        let detail = self.get(&format!("/api/v1/runs/{run}")).await;
        self.jobs.push(detail["jobs"][0]["id"].as_str().unwrap().to_owned());
        self.runs.push(run);
    }

    /// Plays the host: does the one job that waits.
    async fn work(&self) {
        let image = json!({ "name": "omnios", "digest": format!("sha256:{}", "0".repeat(64)), "labels": ["illumos"] });
        let sync = json!({
            "host": HOST, "offers": [{ "labels": ["illumos"], "room": 1 }], "room": 1,
            "known": [], "wait_ms": 20_000, "images": [image],
        });
        let wanted = self.told(self.host(Method::POST, "/sync").json(&sync)).await;
        let attempt = wanted["wanted"][0]["attempt"].as_str().expect("there is a job to do");
        let path = |rest: &str| format!("/attempts/{attempt}/{rest}");
        for report in ["starting", "running"] {
            let body = json!({ "report": report, "phases": [] });
            self.told(self.host(Method::POST, &path("report")).json(&body)).await;
        }
        let artifact = self.host(Method::PUT, &path("artifacts/0?path=out/report.txt"));
        self.told(artifact.body("what the job left\n")).await;
        self.told(self.host(Method::PUT, &path("console")).json("booted")).await;
        let records = json!({ "records": records() });
        self.told(self.host(Method::POST, &path("records")).json(&records)).await;
    }

    fn host(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}/host/v1{path}", self.server.hosts());
        self.http.request(method, url).bearer_auth(self.token(Role::Host))
    }

    async fn told(&self, request: RequestBuilder) -> Value {
        let answer = request.send().await.unwrap();
        let (status, url) = (answer.status(), answer.url().clone());
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "{url}: {status} {text}");
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }
}

fn configuration(directory: &std::path::Path) -> ServerConfig {
    let any = "127.0.0.1:0".parse().unwrap();
    ServerConfig {
        base_url: "http://ci.test".parse().unwrap(),
        data: directory.join("data"),
        listen: Listen { people: any, webhooks: any, hosts: any },
        trusted_proxies: Vec::new(),
        anonymous: None,
        metrics: None,
        telemetry: None,
        max_attempts: 2,
        lease: Duration::from_secs(3600),
        max_log_bytes: 64 << 20,
        artifacts: ArtifactLimits::default(),
        retention: RetentionConfig::default(),
        forges: Vec::new(),
    }
}

/// What the agent saw of a job that succeeded.
fn records() -> Vec<Record> {
    let line = |number: usize| RecordBody::Output {
        step: 0,
        stream: Stream::Stdout,
        chunk: format!("line {number}").as_str().into(),
        newline: true,
    };
    let mut bodies = vec![RecordBody::StepStarted { step: 0 }];
    bodies.extend((1..=LINES).map(line));
    bodies.push(RecordBody::StepFinished { step: 0, exit: Exit::Code { code: 0 } });
    bodies.push(RecordBody::Finished { verdict: AgentVerdict::Succeeded });
    (1..).zip(bodies).map(|(seq, body)| Record { seq, at: Utc::now(), body }).collect()
}
