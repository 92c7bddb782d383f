//! A server on ports of its own with a database of its own, and the callers
//! that the tests play: a forge, a host, people.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use slog::Logger;
use solstice_config::ServerConfig;
use solstice_config::server::{ArtifactLimits, Listen, RetentionConfig};
use solstice_engine::{Clock as _, Forges, ManualClock};
use solstice_forge::fake::{Delivery, FakeForge};
use solstice_forge::{CheckReport, CheckState, Forge};
use solstice_model::{
    AgentVerdict, CommitSha, Exit, Record, RecordBody, RepoName, Role, Stream, Token,
};
use solstice_server::Server;

/// No state takes longer to be reached.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) const HOST: &str = "host-1";

pub(crate) struct Bench {
    pub(crate) server: Option<Server>,
    pub(crate) forge: FakeForge,
    /// A second forge, which has the same repository.
    pub(crate) other: FakeForge,
    pub(crate) repository: RepoName,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) http: Client,
    /// Follows no redirect.
    pub(crate) browser: Client,
    config: ServerConfig,
    tokens: Vec<(Role, Token)>,
    _directory: tempfile::TempDir,
}

pub(crate) async fn bench() -> Bench {
    bench_with(|_| {}).await
}

pub(crate) async fn bench_with(change: impl FnOnce(&mut ServerConfig)) -> Bench {
    let directory = tempfile::tempdir().unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let mut config = ServerConfig {
        base_url: "http://ci.test".parse().unwrap(),
        data: directory.path().join("data"),
        listen: Listen { people: any, webhooks: any, hosts: any },
        anonymous: None,
        trusted_proxies: Vec::new(),
        max_attempts: 2,
        lease: Duration::from_secs(60),
        max_log_bytes: 64 << 20,
        artifacts: ArtifactLimits::default(),
        retention: RetentionConfig::default(),
        forges: Vec::new(),
    };
    change(&mut config);
    let forge = FakeForge::new("forge".parse().unwrap());
    let mut bench = Bench {
        server: None,
        repository: forge.add_repository("ada/engine"),
        other: FakeForge::new("other".parse().unwrap()),
        forge,
        clock: Arc::new(ManualClock::at(Utc::now())),
        http: Client::builder().no_proxy().build().unwrap(),
        browser: Client::builder().no_proxy().redirect(Policy::none()).build().unwrap(),
        config,
        tokens: Vec::new(),
        _directory: directory,
    };
    bench.start().await;
    for role in Role::ALL {
        let token = Token::generate();
        let name = if role == Role::Host { HOST } else { role.as_str() };
        let made = bench.store().create_token(name.to_owned(), role, token.hash(), Utc::now());
        made.await.unwrap();
        bench.tokens.push((role, token));
    }
    bench
}

impl Bench {
    pub(crate) async fn start(&mut self) {
        let forge: Arc<dyn Forge> = Arc::new(self.forge.clone());
        let other: Arc<dyn Forge> = Arc::new(self.other.clone());
        let forges: Forges = [forge, other].map(|forge| (forge.name().clone(), forge)).into();
        let log = Logger::root(slog::Discard, slog::o!());
        let server = Server::start(&self.config, forges, self.clock.clone(), log).await;
        self.server = Some(server.unwrap());
    }

    /// Stops the server and starts it again on the same data.
    pub(crate) async fn restart(&mut self) {
        self.server.take().unwrap().stop().await;
        self.start().await;
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub(crate) fn data(&self) -> &std::path::Path {
        &self.config.data
    }

    pub(crate) fn store(&self) -> &solstice_store::Store {
        self.server().store()
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Moves the clock and lets all tasks look at it.
    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.advance(TimeDelta::seconds(seconds));
        self.server().look_again();
    }

    pub(crate) fn token(&self, role: Role) -> &Token {
        &self.tokens.iter().find(|(held, _)| *held == role).unwrap().1
    }

    // --- people ---

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server().people())
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path)).bearer_auth(self.token(Role::Admin).secret())
    }

    /// Signs in on the pages, as a browser does.
    pub(crate) async fn sign_in(&self, role: Role) -> SignedIn {
        let page = self.browser.get(self.url("/login")).send().await.unwrap();
        let (cookie, csrf) = (cookies(&page).remove(0), csrf(&page.text().await.unwrap()));
        let fields = [("csrf", csrf.as_str()), ("token", self.token(role).secret())];
        let request = self.browser.post(self.url("/login")).header("cookie", cookie);
        let answer = form(request, &fields).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        self.signed_in(cookies(&answer).remove(0)).await
    }

    /// The session of a browser that has this cookie.
    pub(crate) async fn signed_in(&self, cookie: String) -> SignedIn {
        let page = self.browser.get(self.url("/")).header("cookie", &cookie).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        SignedIn { csrf: csrf(&page.text().await.unwrap()), cookie }
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        let answer = self.get(path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    }

    // --- the forge ---

    pub(crate) fn deliver(&self, forge: &str, delivery: &Delivery) -> RequestBuilder {
        self.http
            .post(format!("http://{}/webhooks/{forge}", self.server().webhooks()))
            .headers(delivery.headers.clone())
            .body(delivery.body.clone())
    }

    /// Pushes a commit that has this workflow, and waits for its run.
    pub(crate) async fn push(&self, workflow: &str) -> (CommitSha, Value) {
        let commit = self.push_files(&[(".solstice/ci.kdl", workflow.as_bytes())]).await;
        let run = self.until("a run", || self.run_of(&commit)).await;
        (commit, run)
    }

    /// Pushes a commit with these files.
    pub(crate) async fn push_files(&self, files: &[(&str, &[u8])]) -> CommitSha {
        let commit = self.forge.add_commit(&self.repository, files);
        let push = self.forge.push(&self.repository, "refs/heads/main", &commit);
        let answer = self.deliver("forge", &self.forge.deliver(&push)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        commit
    }

    /// Waits until a check of the commit shows this state.
    pub(crate) async fn until_shown(
        &self,
        commit: &CommitSha,
        context: &str,
        state: CheckState,
    ) -> CheckReport {
        let shows = |report: &CheckReport| report.context == context && report.state == state;
        let look = || async { self.forge.shown(commit).into_iter().find(shows) };
        self.until(context, look).await
    }

    pub(crate) async fn run_of(&self, commit: &CommitSha) -> Option<Value> {
        let runs = self.json("/api/v1/runs").await;
        let run = runs["items"].as_array()?.iter().find(|run| run["commit"] == commit.as_str())?;
        let id = run["id"].as_str()?.to_owned();
        Some(self.json(&format!("/api/v1/runs/{id}")).await)
    }

    // --- the host ---

    pub(crate) fn host(&self, path: &str, body: &impl serde::Serialize) -> RequestBuilder {
        let url = format!("http://{}/host/v1{path}", self.server().hosts());
        self.http
            .request(if path.ends_with("/console") { Method::PUT } else { Method::POST }, url)
            .bearer_auth(self.token(Role::Host).secret())
            .json(body)
    }

    pub(crate) fn host_with(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}/host/v1{path}", self.server().hosts());
        self.http.request(method, url).bearer_auth(self.token(Role::Host).secret())
    }

    /// Ends an attempt of a job with so many steps, all of which succeed.
    pub(crate) async fn finish(&self, attempt: &str, steps: u32) {
        let mut bodies = Vec::new();
        for step in 0..steps {
            bodies.push(RecordBody::StepStarted { step });
            bodies.push(RecordBody::StepFinished { step, exit: Exit::Code { code: 0 } });
        }
        bodies.push(RecordBody::Finished { verdict: AgentVerdict::Succeeded });
        let records: Vec<_> = (1..).zip(bodies).map(|(seq, body)| record(seq, body)).collect();
        assert_eq!(self.records(attempt, &records).await.0, StatusCode::OK);
    }

    pub(crate) async fn sync(&self, room: u32, known: &[&str], wait_ms: u32) -> Vec<Value> {
        let request = json!({
            "host": HOST, "offers": [{ "labels": ["illumos", "linux"], "room": room }],
            "room": room, "known": known, "wait_ms": wait_ms,
        });
        let answer = self.host("/sync", &request).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let answer: Value = answer.json().await.unwrap();
        answer["wanted"].as_array().unwrap().clone()
    }

    /// Claims one job; gives its attempt.
    pub(crate) async fn claim(&self) -> String {
        let wanted = self.until("a job to claim", || async {
            let wanted = self.sync(1, &[], 0).await;
            (!wanted.is_empty()).then_some(wanted)
        });
        wanted.await[0]["attempt"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn report(&self, attempt: &str, report: Value) -> StatusCode {
        let path = format!("/attempts/{attempt}/report");
        self.host(&path, &report).send().await.unwrap().status()
    }

    pub(crate) async fn records(&self, attempt: &str, records: &[Record]) -> (StatusCode, Value) {
        let path = format!("/attempts/{attempt}/records");
        let answer = self.host(&path, &json!({ "records": records })).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or(Value::Null))
    }

    /// Brings a claimed attempt to its steps.
    pub(crate) async fn run_up(&self, attempt: &str) {
        let phases = json!([{ "name": "boot", "took_ms": 1200 }]);
        for report in
            [json!({ "report": "starting" }), json!({ "report": "running", "phases": phases })]
        {
            assert_eq!(self.report(attempt, report).await, StatusCode::NO_CONTENT);
        }
    }

    // --- waiting ---

    /// Asks again until there is an answer; never longer than is bearable.
    pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
        &self,
        what: &str,
        ask: impl Fn() -> F,
    ) -> T {
        let begun = Instant::now();
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn until_status(&self, path: &str, status: StatusCode) {
        self.until(path, || async {
            let answer = self.get(path).send().await.unwrap();
            (answer.status() == status).then_some(())
        })
        .await;
    }

    pub(crate) async fn until_state(&self, job: &str, state: &str) -> Value {
        let path = format!("/api/v1/jobs/{job}");
        self.until(state, || async {
            let detail = self.json(&path).await;
            let now = &detail["job"]["state"];
            let is = now["state"] == state || now["outcome"]["outcome"] == state;
            is.then_some(detail)
        })
        .await
    }
}

/// A browser that is signed in.
pub(crate) struct SignedIn {
    cookie: String,
    csrf: String,
}

impl SignedIn {
    pub(crate) fn cookie(&self) -> &str {
        &self.cookie
    }

    pub(crate) fn csrf(&self) -> &str {
        &self.csrf
    }
}

/// A request with the fields of a form.
pub(crate) fn form(request: RequestBuilder, fields: &[(&str, &str)]) -> RequestBuilder {
    let mut body = url::form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields);
    request.header("content-type", "application/x-www-form-urlencoded").body(body.finish())
}

/// The cookies that an answer sets, as a browser sends them back.
pub(crate) fn cookies(answer: &reqwest::Response) -> Vec<String> {
    let set = answer.headers().get_all("set-cookie").iter();
    let pair = |text: &str| text.split(';').next().unwrap().to_owned();
    set.map(|value| pair(value.to_str().unwrap())).collect()
}

/// The value that the forms of a page repeat.
pub(crate) fn csrf(page: &str) -> String {
    let field = page.split("name=\"csrf\" value=\"").nth(1).expect("the page has a form");
    field.split('"').next().unwrap().to_owned()
}

pub(crate) fn record(seq: u64, body: RecordBody) -> Record {
    Record { seq, at: Utc::now(), body }
}

pub(crate) fn line(seq: u64, text: &str) -> Record {
    record(
        seq,
        RecordBody::Output { step: 0, stream: Stream::Stdout, chunk: text.into(), newline: true },
    )
}

pub(crate) fn finished(seq: u64) -> Record {
    record(seq, RecordBody::Finished { verdict: AgentVerdict::Succeeded })
}

/// A whole job of one step that succeeds, with these lines.
pub(crate) fn success(lines: &[&str]) -> Vec<Record> {
    let mut bodies = vec![RecordBody::StepStarted { step: 0 }];
    bodies.extend(lines.iter().map(|text| line(0, text).body));
    bodies.push(RecordBody::StepFinished { step: 0, exit: Exit::Code { code: 0 } });
    bodies.push(RecordBody::Finished { verdict: AgentVerdict::Succeeded });
    (1..).zip(bodies).map(|(seq, body)| record(seq, body)).collect()
}

pub(crate) const ONE_JOB: &str = r#"workflow name="CI" {
    job id="build" runs_on="illumos" { step name="Test" run="make test"; }
}"#;

pub(crate) const TWO_JOBS: &str = r#"workflow name="CI" {
    job id="build" runs_on="illumos" { step name="Build" run="make"; step name="Test" run="make test"; }
    job id="ship" runs_on="linux" needs="build" { step name="Ship" run="make ship"; }
}"#;
