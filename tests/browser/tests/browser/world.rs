//! A server on ports of its own with a database of its own, and those who call
//! it besides the browser: a forge, a host, the API's user.

use std::collections::HashSet;
use std::fs::OpenOptions;
use std::future::Future;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use chrono::Utc;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use slog::Logger;
use solstice_browser::PATIENCE;
use solstice_config::ServerConfig;
use solstice_engine::{Forges, SystemClock};
use solstice_forge::fake::FakeForge;
use solstice_forge::{Event, Forge, PullRequest, Push};
use solstice_model::{RepoName, Role, Token};
use solstice_server::Server;

/// The name of the one host.
const HOST: &str = "host-1";

/// All that is not the browser.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) forge: FakeForge,
    /// A repository that everybody may read.
    pub(crate) public: RepoName,
    /// One that only some may.
    pub(crate) private: RepoName,
    pub(crate) http: Client,
    base: String,
    tokens: Vec<(Role, Token)>,
    /// The attempts that the host has claimed.
    claimed: Mutex<HashSet<String>>,
    _directory: tempfile::TempDir,
}

/// A run that a push or a pull request made.
pub(crate) struct Run {
    pub(crate) id: String,
    /// Its jobs, in the order of the workflow.
    pub(crate) jobs: Vec<String>,
}

impl Run {
    pub(crate) fn path(&self) -> String {
        format!("/runs/{}", self.id)
    }

    /// The page of one of its jobs.
    pub(crate) fn job(&self, at: usize) -> String {
        format!("/jobs/{}", self.jobs[at])
    }
}

impl World {
    pub(crate) async fn begin() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (config, base) = config(directory.path());
        let forge = FakeForge::new("forge".parse().unwrap());
        let seam: Arc<dyn Forge> = Arc::new(forge.clone());
        let forges: Forges = [(seam.name().clone(), seam)].into();
        let log = Logger::root(slog::Discard, slog::o!());
        let server = Server::start(&config, forges, Arc::new(SystemClock), log).await.unwrap();
        let mut tokens = Vec::new();
        for role in Role::ALL {
            let token = Token::generate();
            let name = if role == Role::Host { HOST } else { role.as_str() };
            let made = server.store().create_token(name.to_owned(), role, token.hash(), Utc::now());
            made.await.unwrap();
            tokens.push((role, token));
        }
        Self {
            server,
            public: forge.add_repository("ada/engine"),
            private: forge.add_repository("ada/secret"),
            forge,
            http: Client::builder().no_proxy().build().unwrap(),
            base,
            tokens,
            claimed: Mutex::default(),
            _directory: directory,
        }
    }

    /// Where people find the pages, without a slash at the end.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    pub(crate) fn token(&self, role: Role) -> &str {
        self.tokens.iter().find(|(held, _)| *held == role).unwrap().1.secret()
    }

    // --- the API's user ---

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(self.url(path)).bearer_auth(self.token(Role::Admin))
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.unwrap()
    }

    pub(crate) async fn until_state(&self, job: &str, state: &str) {
        let path = format!("/api/v1/jobs/{job}");
        until(state, || async {
            let now = self.json(&path).await["job"]["state"].clone();
            let is = now["state"] == state || now["outcome"]["outcome"] == state;
            is.then_some(())
        })
        .await;
    }

    // --- the forge ---

    /// Pushes a commit with this workflow to `main` of the public repository.
    pub(crate) async fn push(&self, title: &str, workflow: &str) -> Run {
        let push = self.commit(&self.public, title, workflow);
        self.deliver(&Event::Push(push)).await
    }

    /// A commit that is not told of yet.
    pub(crate) fn commit(&self, repository: &RepoName, title: &str, workflow: &str) -> Push {
        let files = [(".solstice/ci.kdl", workflow.as_bytes())];
        let commit = self.forge.add_commit(repository, &files);
        let mut push = self.forge.push(repository, "refs/heads/main", &commit);
        title.clone_into(&mut push.title);
        push.repository.private = *repository == self.private;
        push
    }

    /// A pull request of somebody from outside: it waits for an approval.
    pub(crate) async fn pull_request(&self, number: u64, workflow: &str) -> Run {
        let commit = self.commit(&self.public, "", workflow).commit;
        let told = self.forge.pull_request(&self.public, number, &commit);
        self.deliver(&Event::PullRequest(PullRequest { outside: true, ..told })).await
    }

    /// Sends the webhook and waits for its run.
    pub(crate) async fn deliver(&self, event: &Event) -> Run {
        let commit = match event {
            Event::PullRequest(told) => &told.head.commit,
            Event::Push(push) => &push.commit,
            _ => panic!("nothing runs for {event:?}"),
        };
        let delivery = self.forge.deliver_event(event);
        let url = format!("http://{}/webhooks/forge", self.server.webhooks());
        let request = self.http.post(url).headers(delivery.headers).body(delivery.body);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::ACCEPTED);
        until("a run", || async {
            let runs = self.json("/api/v1/runs").await;
            let mut runs = runs["items"].as_array()?.iter();
            let run = runs.find(|run| run["commit"] == commit.as_str())?;
            let id = run["id"].as_str()?.to_owned();
            let detail = self.json(&format!("/api/v1/runs/{id}")).await;
            let jobs = detail["jobs"].as_array()?.iter();
            let jobs = jobs.filter_map(|job| Some(job["id"].as_str()?.to_owned())).collect();
            Some(Run { id, jobs })
        })
        .await
    }

    // --- the host ---

    pub(crate) fn host(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}/host/v1{path}", self.server.hosts());
        self.http.request(method, url).bearer_auth(self.token(Role::Host))
    }

    /// Claims one more job; gives its attempt.
    pub(crate) async fn claim(&self) -> String {
        let room = self.claimed.lock().unwrap().len() + 1;
        let request = json!({
            "host": HOST, "offers": [{ "labels": ["illumos", "linux"], "room": room }],
            "room": room, "known": [], "wait_ms": 0,
        });
        let attempt = until("a job to claim", || async {
            let answer = self.host(Method::POST, "/sync").json(&request).send().await.unwrap();
            let answer: Value = answer.json().await.unwrap();
            let wanted = answer["wanted"].as_array()?.iter();
            let known = self.claimed.lock().unwrap();
            let mut attempts = wanted.filter_map(|one| one["attempt"].as_str());
            attempts.find(|attempt| !known.contains(*attempt)).map(str::to_owned)
        })
        .await;
        self.claimed.lock().unwrap().insert(attempt.clone());
        attempt
    }

    /// Tells how the machine of an attempt fares.
    pub(crate) async fn report(&self, attempt: &str, report: Value) {
        let request = self.host(Method::POST, &format!("/attempts/{attempt}/report"));
        let answer = request.json(&report).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{report}");
    }

    /// Claims a job and brings its machine up; gives its attempt.
    pub(crate) async fn run_up(&self) -> String {
        let attempt = self.claim().await;
        self.report(&attempt, json!({ "report": "starting" })).await;
        let phases =
            json!([{ "name": "clone", "took_ms": 40 }, { "name": "boot", "took_ms": 1200 }]);
        self.report(&attempt, json!({ "report": "running", "phases": phases })).await;
        attempt
    }

    /// Hands over an artifact.
    pub(crate) async fn artifact(&self, attempt: &str, index: u32, path: &str, bytes: Vec<u8>) {
        let request = self.host(Method::PUT, &format!("/attempts/{attempt}/artifacts/{index}"));
        let answer = request.query(&[("path", path)]).body(bytes).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
}

/// The server's configuration, and where people will find it. Its address has
/// to be known before the server has it, for links and cookies.
fn config(directory: &std::path::Path) -> (ServerConfig, String) {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let base = format!("http://{free}");
    // The forge is a fake of ours; it is only named here.
    let mut secret = OpenOptions::new();
    secret.write(true).create_new(true).mode(0o600);
    secret.open(directory.join("secret")).unwrap().write_all(b"of the forge").unwrap();
    let text = format!(
        r#"server {{
            base_url "{base}"
            data "{}"
            listen people="{free}" webhooks="127.0.0.1:0" hosts="127.0.0.1:0"
            lease "1h"
            max_attempts 1
            forge "forge" kind="forgejo" url="http://forge.invalid" {{
                webhook_secret_file "secret"
                token_file "secret"
                sweep "never"
            }}
        }}"#,
        directory.join("data").display()
    );
    let config = ServerConfig::parse(&directory.join("server.kdl"), text.as_bytes());
    (config.unwrap(), base)
}

/// Asks again until there is an answer; never longer than is bearable.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, ask: impl Fn() -> F) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}
