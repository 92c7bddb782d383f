//! A server, its forge and its host as the tests play them, and `ciadm` beside it.

use std::collections::BTreeMap;
use std::future::Future;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use slog::Logger;
use solstice_config::ServerConfig;
use solstice_config::server::{ArtifactLimits, Listen, RetentionConfig};
use solstice_engine::{Forges, ManualClock};
use solstice_forge::Forge;
use solstice_forge::fake::FakeForge;
use solstice_model::{RepoName, Role, Token};
use solstice_server::Server;
use solstice_store::RunQuery;
use tokio::process::Command;

/// No state takes longer to be reached.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const WORKFLOW: &str = r#"workflow name="CI" {
    on "push"
    on "manual"
    job id="build" runs_on="illumos" { step name="Build" run="make"; step name="Test" run="make test"; }
    job id="lint" runs_on="linux" { step name="Lint" run="make lint"; }
}"#;

pub(crate) struct Bench {
    pub(crate) server: Server,
    pub(crate) home: tempfile::TempDir,
    forge: FakeForge,
    repository: RepoName,
    http: reqwest::Client,
    tokens: BTreeMap<&'static str, Token>,
}

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) async fn bench() -> Bench {
    let home = tempfile::tempdir().unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let config = ServerConfig {
        base_url: "http://ci.test".parse().unwrap(),
        data: home.path().join("data"),
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
    let forge = FakeForge::new("forge".parse().unwrap());
    let forges: Forges = [(forge.name().clone(), Arc::new(forge.clone()) as Arc<dyn Forge>)].into();
    let clock = Arc::new(ManualClock::at(moment()));
    let log = Logger::root(slog::Discard, slog::o!());
    let server = Server::start(&config, forges, clock, log).await.unwrap();
    let mut tokens = BTreeMap::new();
    for role in Role::ALL {
        let token = Token::generate();
        let name = if role == Role::Host { "host-1" } else { role.as_str() };
        let made = server.store().create_token(name.to_owned(), role, token.hash(), moment());
        made.await.unwrap();
        tokens.insert(role.as_str(), token);
    }
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let repository = forge.add_repository("ada/engine");
    Bench { server, home, forge, repository, http, tokens }
}

/// When everything happens.
pub(crate) fn moment() -> DateTime<Utc> {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

impl Bench {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.server.people())
    }

    pub(crate) fn token(&self, role: &str) -> &str {
        self.tokens[role].secret()
    }

    /// The program, with nothing but its arguments and a home.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ciadm"));
        command.args(arguments).env_clear().env("HOME", self.home.path()).env("TZ", "UTC");
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs it as an administrator.
    pub(crate) async fn ciadm(&self, arguments: &[&str]) -> Said {
        let mut command = self.command(arguments);
        command.env("SOLSTICE_URL", self.url()).env("SOLSTICE_TOKEN", self.token("admin"));
        said(tokio::time::timeout(PATIENCE, command.output()).await.unwrap().unwrap())
    }

    /// Runs it, which has to succeed; gives what it printed.
    pub(crate) async fn ok(&self, arguments: &[&str]) -> String {
        let said = self.ciadm(arguments).await;
        assert_eq!((said.code, said.err.as_str()), (0, ""), "{arguments:?}: {}", said.out);
        said.out
    }

    pub(crate) async fn json(&self, arguments: &[&str]) -> Value {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        serde_json::from_str(&self.ok(&arguments).await).unwrap()
    }

    /// Pushes a commit with the workflow; gives its run and the ids of its jobs.
    pub(crate) async fn push(&self) -> (String, Vec<String>) {
        let files = [(".solstice/ci.kdl", WORKFLOW.as_bytes())];
        let commit = self.forge.add_commit(&self.repository, &files);
        let push = self.forge.push(&self.repository, "refs/heads/main", &commit);
        let delivery = self.forge.deliver(&push);
        let url = format!("http://{}/webhooks/forge", self.server.webhooks());
        let request = self.http.post(url).headers(delivery.headers).body(delivery.body);
        assert!(request.send().await.unwrap().status().is_success());
        let run = self.until("a run", || async {
            let runs = self.server.store().runs(RunQuery::default(), None, 10).await.unwrap();
            runs.into_iter().find(|run| run.commit == commit)
        });
        let detail = self.server.store().run(run.await.id).await.unwrap();
        (detail.run.id.to_string(), detail.jobs.iter().map(|job| job.id.to_string()).collect())
    }

    pub(crate) async fn host(&self, path: &str, body: Value) -> Value {
        let url = format!("http://{}/host/v1{path}", self.server.hosts());
        let request = self.http.post(url).bearer_auth(self.token("host")).json(&body);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.text().await.unwrap());
        answer.json().await.unwrap_or(Value::Null)
    }

    /// Claims one job of this label and brings it to its steps; gives its attempt.
    pub(crate) async fn claim(&self, label: &str) -> String {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let request = json!({ "host": "host-1", "offers": [{ "labels": [label], "room": 1 }],
            "room": 1, "known": [], "wait_ms": 0, "sizes": ["small"],
            "images": [{ "name": "omnios", "digest": digest, "labels": ["illumos"] }] });
        let attempt = self.until("a job", || async {
            let wanted = self.host("/sync", request.clone()).await;
            let wanted = wanted["wanted"].as_array().unwrap().last().cloned();
            wanted.filter(|one| one["spec"]["runs_on"] == label)
        });
        let attempt = attempt.await["attempt"].as_str().unwrap().to_owned();
        for report in [
            json!({ "report": "starting" }),
            json!({ "report": "running", "phases": [{ "name": "boot", "took_ms": 1200 }] }),
        ] {
            self.host(&format!("/attempts/{attempt}/report"), report).await;
        }
        attempt
    }

    pub(crate) async fn records(&self, attempt: &str, from: u64, bodies: Vec<Value>) {
        let records: Vec<Value> = (from..)
            .zip(bodies)
            .map(|(seq, mut body)| {
                body["seq"] = seq.into();
                body["at"] = json!(moment());
                body
            })
            .collect();
        self.host(&format!("/attempts/{attempt}/records"), json!({ "records": records })).await;
    }

    pub(crate) async fn artifact(&self, attempt: &str, path: &str, bytes: &[u8]) {
        let url = format!("http://{}/host/v1/attempts/{attempt}/artifacts/0", self.server.hosts());
        let request = self.http.put(url).query(&[("path", path)]).body(bytes.to_vec());
        let answer = request.bearer_auth(self.token("host")).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

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
}

pub(crate) fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) fn output(text: &str, newline: bool) -> Value {
    json!({ "kind": "output", "step": 0, "stream": "stdout", "chunk": text, "newline": newline })
}

pub(crate) fn step(kind: &str, step: u32) -> Value {
    match kind {
        "step_finished" => {
            json!({ "kind": kind, "step": step, "exit": { "how": "code", "code": 0 } })
        }
        _ => json!({ "kind": kind, "step": step }),
    }
}

/// Ends the job: after its first step failed, or well.
pub(crate) fn end(failed: bool) -> Value {
    let verdict = match failed {
        true => json!({ "verdict": "failed", "step": 0, "exit": { "how": "code", "code": 2 } }),
        false => json!({ "verdict": "succeeded" }),
    };
    json!({ "kind": "finished", "verdict": verdict })
}
