//! `ciadm forge add github`, with a GitHub that is played and a browser that is
//! a client.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use solstice_config::ServerConfig;
use solstice_config::server::ForgeKind;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpListener;
use tokio::process::{Child, ChildStderr, Command};
use url::Url;

/// Nothing takes longer.
const PATIENCE: Duration = Duration::from_secs(60);

const PEM: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIBhidden\n-----END RSA PRIVATE KEY-----\n";

/// A GitHub that exchanges codes, and remembers the head of each request.
struct GitHub {
    url: Url,
    requests: Arc<Mutex<Vec<String>>>,
}

impl GitHub {
    async fn start(status: u16, answer: Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let seen = requests.clone();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                seen.lock().unwrap().push(String::from_utf8(head).unwrap());
                let body = answer.to_string();
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n\
                     content-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        Self { url, requests }
    }

    async fn good() -> Self {
        let answer = json!({
            "id": 12345,
            "slug": "solstice",
            "html_url": "https://github.com/apps/solstice",
            "pem": PEM,
            "webhook_secret": "hooked",
            "client_secret": "of no use",
        });
        Self::start(201, answer).await
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// The program while it waits.
struct Waiting {
    child: Child,
    stderr: Lines<BufReader<ChildStderr>>,
    page: Url,
}

fn command(github: &GitHub, out: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ciadm"));
    command
        .args(["forge", "add", "github", "--server-url", "https://ci.example.org", "--out"])
        .arg(out)
        .args(["--github-url", github.url.as_str()])
        .args(more)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn start(github: &GitHub, out: &Path, more: &[&str]) -> Waiting {
    let mut child = command(github, out, more).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = tokio::time::timeout(PATIENCE, stderr.next_line()).await.unwrap().unwrap().unwrap();
    let page = line.split(' ').find(|word| word.starts_with("http://127.0.0.1")).expect(&line);
    Waiting { child, stderr, page: page.parse().unwrap() }
}

impl Waiting {
    /// The page's form: where it goes, and what with.
    async fn form(&self) -> (Url, Value) {
        let page = reqwest::get(self.page.clone()).await.unwrap().text().await.unwrap();
        let attribute = |after: &str| {
            let rest = page.split_once(after).expect(&page).1;
            let text = rest.split_once('"').unwrap().0;
            text.replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&")
        };
        let manifest = attribute("name=\"manifest\" value=\"");
        (attribute("action=\"").parse().unwrap(), serde_json::from_str(&manifest).unwrap())
    }

    /// Comes back as GitHub sends a browser back.
    async fn come_back(&self, code: &str, state: &str) -> (StatusCode, String) {
        let mut url = self.page.join("/made").unwrap();
        url.query_pairs_mut().append_pair("code", code).append_pair("state", state);
        let answer = reqwest::get(url).await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    async fn end(self) -> (i32, String, String) {
        let Self { child, mut stderr, .. } = self;
        let mut said = String::new();
        let read = async {
            while let Some(line) = stderr.next_line().await.unwrap() {
                said.push_str(&line);
                said.push('\n');
            }
            child.wait_with_output().await.unwrap()
        };
        let Output { status, stdout, .. } = tokio::time::timeout(PATIENCE, read).await.unwrap();
        (status.code().unwrap(), String::from_utf8(stdout).unwrap(), said)
    }
}

fn state(action: &Url) -> String {
    let (name, state) = action.query_pairs().next().unwrap();
    assert_eq!(name, "state");
    state.into_owned()
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn an_app_is_made_and_its_key_kept() {
    let (github, out) = (GitHub::good().await, tempfile::tempdir().unwrap());
    let waiting = start(&github, out.path(), &["--organization", "acme"]).await;
    let (action, manifest) = waiting.form().await;
    assert!(action.as_str().starts_with(github.url.as_str()), "{action}");
    assert_eq!(action.path(), "/organizations/acme/settings/apps/new");
    let redirect = waiting.page.join("/made").unwrap();
    assert_eq!(
        manifest,
        json!({
            "name": "Solstice CI ci.example.org",
            "description": "Runs jobs in virtual machines and shows what came of them.",
            "url": "https://ci.example.org/",
            "hook_attributes": {
                "url": "https://ci.example.org/webhooks/github",
                "active": true,
            },
            "redirect_url": redirect,
            "public": false,
            "default_permissions": {
                "checks": "write",
                "contents": "read",
                "merge_queues": "read",
                "metadata": "read",
                "pull_requests": "read",
            },
            "default_events":
                ["check_run", "check_suite", "merge_group", "pull_request", "push"],
        })
    );
    let (status, page) = waiting.come_back("a1b2", &state(&action)).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(page.contains("https://github.com/apps/solstice/installations/new"), "{page}");
    let (code, node, said) = waiting.end().await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("https://github.com/apps/solstice/installations/new"), "{said}");
    assert!(!said.contains("hooked") && !said.contains("hidden"), "{said}");

    let requests = github.requests();
    assert_eq!(requests.len(), 1);
    let head = requests[0].to_lowercase();
    assert!(head.starts_with("post /api/v3/app-manifests/a1b2/conversions http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\naccept: application/vnd.github+json\r\n"), "{head}");
    assert!(head.contains("\r\nuser-agent: solstice-ci/"), "{head}");
    assert!(!head.contains("\r\nauthorization:"), "{head}");

    for name in ["github.pem", "github-hook"] {
        let about = std::fs::metadata(out.path().join(name)).unwrap();
        assert_eq!(about.permissions().mode() & 0o777, 0o600, "{name}");
    }
    assert_eq!(files(out.path()).len(), 2);
    // What is printed is what the server takes.
    let text = format!("server {{\nbase_url \"https://ci.example.org\"\ndata \"data\"\n{node}}}\n");
    let config = ServerConfig::parse(&out.path().join("server.kdl"), text.as_bytes()).unwrap();
    let forge = &config.forges[0];
    assert_eq!((forge.name.as_str(), &forge.url), ("github", &github.url));
    assert_eq!(forge.webhook_secrets[0].expose(), "hooked");
    let ForgeKind::GitHub { app_id, private_key, api } = &forge.kind else { panic!("{forge:?}") };
    assert_eq!((*app_id, private_key.expose(), api), (12345, PEM, &None));
}

#[tokio::test]
async fn another_state_is_not_believed() {
    let (github, out) = (GitHub::good().await, tempfile::tempdir().unwrap());
    let waiting = start(&github, out.path(), &["--name", "hub"]).await;
    let (action, manifest) = waiting.form().await;
    assert_eq!(manifest["hook_attributes"]["url"], "https://ci.example.org/webhooks/hub");
    let right = state(&action);
    assert_eq!(right.len(), 64);
    for wrong in ["", "0", &right[1..], &format!("{right}0")] {
        let (status, page) = waiting.come_back("evil", wrong).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{page}");
    }
    assert_eq!(github.requests(), [""; 0]);
    // A name that points here is another site: it must not see the state.
    let elsewhere = reqwest::Client::new().get(waiting.page.clone()).header("host", "evil.test");
    let answer = elsewhere.send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::MISDIRECTED_REQUEST);
    assert!(!answer.text().await.unwrap().contains(&right));
    // The right one still is.
    assert_eq!(waiting.come_back("good", &right).await.0, StatusCode::OK);
    let (code, node, said) = waiting.end().await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("another state, and was not believed"), "{said}");
    assert!(node.contains("forge \"hub\"") && node.contains("hub.pem"), "{node}");
    assert!(github.requests()[0].contains("/app-manifests/good/"));
}

#[tokio::test]
async fn what_github_refuses_leaves_nothing() {
    let without =
        json!({ "id": 1, "html_url": "https://h/apps/x", "pem": PEM, "webhook_secret": null });
    for (status, answer, why) in [
        (404, json!({ "message": "Not Found" }), "did not take the code: 404 Not Found"),
        (422, json!({ "message": "No\u{1b}[2J" }), "422 No\u{fffd}[2J"),
        (302, json!({}), "302"),
        (201, json!({ "id": 1 }), "does not describe an App"),
        (201, without, "it has no webhook secret"),
    ] {
        let (github, out) = (GitHub::start(status, answer).await, tempfile::tempdir().unwrap());
        let waiting = start(&github, out.path(), &[]).await;
        let (action, _) = waiting.form().await;
        let (status, page) = waiting.come_back("a1", &state(&action)).await;
        assert_eq!(status, StatusCode::BAD_GATEWAY, "{page}");
        let (code, node, said) = waiting.end().await;
        assert_eq!((code, node.as_str()), (3, ""), "{said}");
        assert!(said.contains(why) && said.contains("nothing was written"), "{said}");
        assert_eq!(files(out.path()), [""; 0]);
    }
}

#[tokio::test]
async fn who_does_not_come_back_leaves_nothing() {
    let (github, out) = (GitHub::good().await, tempfile::tempdir().unwrap());
    let waiting = start(&github, out.path(), &["--wait", "100ms"]).await;
    let (code, node, said) = waiting.end().await;
    assert_eq!((code, node.as_str()), (3, ""), "{said}");
    assert!(said.contains("no browser back within 100ms"), "{said}");
    let waiting = start(&github, out.path(), &[]).await;
    let pid = waiting.child.id().unwrap().to_string();
    // It answers, so it waits; and its handler is there before that.
    waiting.form().await;
    assert!(Command::new("kill").args(["-INT", &pid]).status().await.unwrap().success());
    let (code, node, said) = waiting.end().await;
    assert_eq!((code, node.as_str()), (3, ""), "{said}");
    assert!(said.contains("interrupted; nothing was written"), "{said}");
    assert_eq!(files(out.path()), [""; 0]);
}

#[tokio::test]
async fn what_is_there_is_not_overwritten() {
    let (github, out) = (GitHub::good().await, tempfile::tempdir().unwrap());
    std::fs::write(out.path().join("github-hook"), "older").unwrap();
    let refused = |more: Vec<&'static str>, folder: std::path::PathBuf| {
        let mut command = command(&github, &folder, &more);
        async move {
            let said = tokio::time::timeout(PATIENCE, command.output()).await.unwrap().unwrap();
            (said.status.code().unwrap(), String::from_utf8(said.stderr).unwrap())
        }
    };
    let (code, said) = refused(vec![], out.path().to_owned()).await;
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("github-hook exists already"), "{said}");
    let (code, said) = refused(vec![], out.path().join("none")).await;
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("none"), "{said}");
    let (code, said) = refused(vec!["--organization", "a/../b"], out.path().to_owned()).await;
    assert_eq!(code, 2, "{said}");
    assert_eq!(std::fs::read_to_string(out.path().join("github-hook")).unwrap(), "older");
}
