//! The real program, killed again and again while a host pushes records.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use solstice_forge::{Event, Push, Repository};
use solstice_model::{Record, Role, Token};
use solstice_store::{Hold, NewDelivery, NewRun, Store};

use crate::bench::{HOST, ONE_JOB, success};

const PROGRAM: &str = env!("CARGO_BIN_EXE_solstice-server");

fn write(directory: &Path, name: &str, content: &str) {
    let path = directory.join(name);
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn configure(directory: &Path, people: &str) {
    write(directory, "secret", "hush");
    let config = format!(
        r#"server {{
    base_url "http://ci.test"
    data "data"
    listen people="{people}" webhooks="127.0.0.1:0" hosts="127.0.0.1:0"
    forge "forge" kind="forgejo" url="http://127.0.0.1:9" {{
        webhook_secret_file "secret"
        token_file "secret"
    }}
}}"#
    );
    write(directory, "server.kdl", &config);
}

fn program(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).arg("--config").arg(directory.join("server.kdl"));
    command
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The program while it serves.
struct Running {
    child: Child,
    people: SocketAddr,
    hosts: SocketAddr,
}

impl Running {
    fn start(directory: &Path) -> Self {
        let mut child =
            program(directory, &["run"]).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (mut people, mut hosts) = (None, None);
        while people.is_none() || hosts.is_none() {
            let line = lines.next().expect("it serves").unwrap();
            let Ok(line) = serde_json::from_str::<Value>(&line) else { panic!("{line}") };
            let address = line["address"].as_str().and_then(|text| text.parse().ok());
            match (line["msg"].as_str(), line["component"].as_str()) {
                (Some("listening"), Some("people")) => people = address,
                (Some("listening"), Some("hosts")) => hosts = address,
                _ => {}
            }
        }
        // Whoever logs must be read, or it waits.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, people: people.unwrap(), hosts: hosts.unwrap() }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have been killed by the test already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Puts a run of one job and two tokens into the database, as a server would.
async fn prepare(data: &Path) -> (Token, Token) {
    std::fs::create_dir_all(data).unwrap();
    let checks = solstice_engine::Checks::new("http://ci.test".parse().unwrap());
    let store = Store::open(&solstice_server::database(data), Arc::new(checks)).unwrap();
    let (host, reader) = (Token::generate(), Token::generate());
    let now = Utc::now();
    store.create_token(HOST.into(), Role::Host, host.hash(), now).await.unwrap();
    store.create_token("reader".into(), Role::Reader, reader.hash(), now).await.unwrap();
    let delivery = NewDelivery {
        forge: "forge".parse().unwrap(),
        forge_id: "d-1".to_owned(),
        event: "push".to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        received_at: now,
    };
    let id = store.take_delivery(delivery).await.unwrap().id;
    let event = Event::Push(Push {
        repository: Repository {
            name: "ada/engine".parse().unwrap(),
            clone_url: "http://127.0.0.1:9/ada/engine.git".parse().unwrap(),
            html_url: "http://127.0.0.1:9/ada/engine".parse().unwrap(),
            private: false,
        },
        git_ref: "refs/heads/main".parse().unwrap(),
        commit: "a1".repeat(20).parse().unwrap(),
        before: None,
        title: "Title".to_owned(),
        actor: "ada".to_owned(),
    });
    let workflow = solstice_workflow::parse("ci.kdl", ONE_JOB.as_bytes()).unwrap();
    let run = NewRun {
        file: "ci.kdl".to_owned(),
        workflow: workflow.name.clone(),
        context: "solstice/CI".to_owned(),
        jobs: Ok(workflow.expanded.into_iter().map(|job| job.spec).collect()),
        hold: Hold::None,
        grounds: Default::default(),
    };
    store.finish_delivery_with_runs(id, event, vec![run], now).await.unwrap();
    (host, reader)
}

/// Sends a batch; `None` if the server died over it.
async fn send(
    http: &Client,
    at: SocketAddr,
    token: &Token,
    attempt: &str,
    batch: &[Record],
) -> Option<Value> {
    let url = format!("http://{at}/host/v1/attempts/{attempt}/records");
    let request = http.post(url).bearer_auth(token.secret()).json(&json!({ "records": batch }));
    let answer = request.send().await.ok()?;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.json().await.ok()
}

async fn claim(http: &Client, at: SocketAddr, token: &Token) -> String {
    let body = json!({
        "host": HOST, "offers": [{ "labels": ["illumos"], "room": 1 }],
        "room": 1, "known": [], "wait_ms": 0,
    });
    let request = http.post(format!("http://{at}/host/v1/sync")).bearer_auth(token.secret());
    let answer: Value = request.json(&body).send().await.unwrap().json().await.unwrap();
    answer["wanted"][0]["attempt"].as_str().expect("a job to claim").to_owned()
}

#[tokio::test]
async fn no_line_is_lost_or_doubled_however_often_the_server_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    configure(directory.path(), "127.0.0.1:0");
    let (host, reader) = prepare(&directory.path().join("data")).await;
    let http = Client::builder().no_proxy().build().unwrap();
    let mut server = Running::start(directory.path());
    let attempt = claim(&http, server.hosts, &host).await;

    let texts: Vec<String> = (0..900).map(|number| format!("line {number}")).collect();
    let all = success(&texts.iter().map(String::as_str).collect::<Vec<_>>());
    let mut durable = 0;
    let mut kills = 0u32;
    loop {
        let rest = &all[usize::try_from(durable).unwrap()..];
        let batch = &rest[..rest.len().min(7)];
        // Sixteen kills, each at another moment of a batch.
        let doomed = kills < 16 && durable >= u64::from(kills) * 50;
        let sending = send(&http, server.hosts, &host, &attempt, batch);
        let answer = if doomed {
            let moment = Duration::from_micros(u64::from(kills % 8) * 700);
            let (answer, ()) = tokio::join!(sending, async {
                tokio::time::sleep(moment).await;
                server.kill();
            });
            kills += 1;
            server = Running::start(directory.path());
            answer
        } else {
            sending.await
        };
        let Some(answer) = answer else { continue };
        let acknowledged = answer["durable_seq"].as_u64().unwrap();
        assert!(acknowledged >= durable, "what was acknowledged is still there");
        durable = acknowledged;
        if answer["stop"] == true {
            break;
        }
    }
    assert_eq!(kills, 16);
    let runs = get(&http, server.people, &reader, "/api/v1/runs").await;
    let runs: Value = serde_json::from_str(&runs).unwrap();
    assert_eq!(runs["items"][0]["status"], "succeeded");
    let run = runs["items"][0]["id"].as_str().unwrap();
    let run: Value = serde_json::from_str(
        &get(&http, server.people, &reader, &format!("/api/v1/runs/{run}")).await,
    )
    .unwrap();
    let job = run["jobs"][0]["id"].as_str().unwrap();
    let log = get(&http, server.people, &reader, &format!("/api/v1/jobs/{job}/log")).await;
    let lines: Vec<&str> = log.lines().skip(1).collect();
    assert_eq!(lines, texts);
}

async fn get(http: &Client, at: SocketAddr, token: &Token, path: &str) -> String {
    let request = http.get(format!("http://{at}{path}")).bearer_auth(token.secret());
    request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap()
}

#[tokio::test]
async fn tokens_can_be_made_beside_a_running_server_and_work_at_once() {
    let directory = tempfile::tempdir().unwrap();
    configure(directory.path(), "127.0.0.1:0");
    let create = |name: &str| {
        program(directory.path(), &["token", "create", "--role", "reader", "--name", name]).output()
    };
    assert!(create("before").unwrap().status.success(), "also before the first start");
    let mut server = Running::start(directory.path());
    let made = create("beside").unwrap();
    assert!(made.status.success(), "{}", told(&made));
    let secret = String::from_utf8(made.stdout).unwrap();
    assert!(secret.starts_with("sol_") && secret.lines().count() == 1);
    let http = Client::builder().no_proxy().build().unwrap();
    let ask = || {
        let url = format!("http://{}/api/v1/runs", server.people);
        http.get(url).bearer_auth(secret.trim()).send()
    };
    assert_eq!(ask().await.unwrap().status(), StatusCode::OK);
    let listed = program(directory.path(), &["token", "list"]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("before  reader") && listed.contains("beside  reader"), "{listed}");
    let revoked = program(directory.path(), &["token", "revoke", "--name", "beside"]).output();
    assert!(revoked.unwrap().status.success());
    assert_eq!(ask().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let taken = create("before").unwrap();
    assert_eq!(taken.status.code(), Some(3));
    assert!(told(&taken).contains("the name before is taken"), "{}", told(&taken));
    server.kill();
}

#[test]
fn a_server_that_cannot_start_says_why_in_a_few_lines() {
    let directory = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    configure(directory.path(), &taken.local_addr().unwrap().to_string());
    let output = program(directory.path(), &["run"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let text = told(&output);
    assert!(
        text.contains(&format!("cannot listen on {} for people", taken.local_addr().unwrap())),
        "{text}"
    );

    let wrong = std::fs::read_to_string(directory.path().join("server.kdl")).unwrap();
    write(directory.path(), "server.kdl", &wrong.replace("base_url", "bse_url"));
    let output = program(directory.path(), &["check"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(told(&output).contains("bse_url"), "{}", told(&output));

    let output = program(&directory.path().join("nowhere"), &["check"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(told(&output).contains("cannot read the configuration"), "{}", told(&output));
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    configure(directory.path(), "127.0.0.1:0");
    let _first = Running::start(directory.path());
    let second = program(directory.path(), &["run"]).output().unwrap();
    assert_eq!(second.status.code(), Some(3));
    assert!(told(&second).contains("another server has the database open"), "{}", told(&second));
}

#[test]
fn a_signal_stops_the_server_in_good_order() {
    let directory = tempfile::tempdir().unwrap();
    configure(directory.path(), "127.0.0.1:0");
    let mut server = Running::start(directory.path());
    let pid = rustix::process::Pid::from_child(&server.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let begun = Instant::now();
    let status = server.child.wait().unwrap();
    assert!(status.success(), "{status}");
    assert!(begun.elapsed() < Duration::from_secs(8));
}
