//! What is private is hidden from whoever may not see it, everywhere and in the
//! same way as what never was.

use std::collections::BTreeMap;
use std::time::Instant;

use reqwest::header::HeaderMap;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use solstice_forge::Permission;
use solstice_model::{CommitSha, RepoName, Role};

use crate::bench::{Bench, ONE_JOB, SignedIn, success};
use crate::oauth::{sign_in_as, with_sign_in_and};
use crate::provider::Kind;

const NEVER: &str = "0198c0de-0000-7000-8000-000000000000";

/// What a private repository has.
struct Hidden {
    repository: RepoName,
    commit: CommitSha,
    run: String,
    job: String,
}

/// A private repository with a run that is over.
async fn hidden(bench: &Bench) -> Hidden {
    let repository = bench.forge.add_repository("ada/secret");
    let commit = bench.forge.add_commit(&repository, &[(".solstice/ci.kdl", ONE_JOB.as_bytes())]);
    bench.forge.set_private(&repository, true);
    let mut push = bench.forge.push(&repository, "refs/heads/main", &commit);
    push.title = "the secret title".to_owned();
    let answer = bench.deliver("forge", &bench.forge.deliver(&push)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let run = bench.until("the private run", || bench.run_of(&commit)).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (run, job) = (text(&run["run"]["id"]), text(&run["jobs"][0]["id"]));
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    bench.records(&attempt, &success(&["a secret line"])).await;
    bench.until_state(&job, "succeeded").await;
    Hidden { repository, commit, run, job }
}

/// Every GET endpoint that is published, and the pages.
fn paths() -> Vec<String> {
    let document = include_str!("../../../../docs/openapi/user.json");
    let document: Value = serde_json::from_str(document).unwrap();
    let all = document["paths"].as_object().unwrap();
    let get = all.iter().filter(|(_, methods)| methods.get("get").is_some());
    let pages = [
        "/",
        "/runs/{run}",
        "/jobs/{job}",
        "/repositories",
        "/repositories/forge/ada/{repository}",
        "/badges/forge/ada/{repository}.svg",
        "/api/v1/runs?repository=ada/{repository}",
        "/hosts",
        "/images",
        "/deliveries",
        "/audit",
    ];
    get.map(|(path, _)| path.clone()).chain(pages.map(str::to_owned)).collect()
}

fn filled(path: &str, run: &str, job: &str) -> String {
    let repository = if run == NEVER { "nothing" } else { "secret" };
    let values: BTreeMap<&str, &str> = [
        ("{run}", run),
        ("{job}", job),
        ("{index}", "0"),
        ("{delivery}", NEVER),
        ("{host}", "h"),
        ("{repository}", repository),
    ]
    .into();
    let mut path = path.to_owned();
    for (name, value) in values {
        path = path.replace(name, value);
    }
    if path.ends_with("/search") {
        path.push_str("?q=line");
    }
    path
}

/// How somebody asks.
#[derive(Clone, Copy)]
struct Asker<'a> {
    http: &'a Client,
    session: Option<&'a SignedIn>,
}

impl Asker<'_> {
    async fn get(&self, url: String) -> (StatusCode, HeaderMap, String) {
        let mut request = self.http.get(url);
        if let Some(session) = self.session {
            request = request.header("cookie", session.cookie());
        }
        let answer = request.send().await.unwrap();
        let (status, mut headers) = (answer.status(), answer.headers().clone());
        for changing in ["date", "x-request-id", "set-cookie", "content-length", "server-timing"] {
            headers.remove(changing);
        }
        (status, headers, answer.text().await.unwrap())
    }
}

/// A body without what differs from one request to the next.
fn plain(body: &str, ids: &[&str]) -> String {
    let mut body = body.to_owned();
    if let Ok(Value::Object(mut object)) = serde_json::from_str::<Value>(&body) {
        object.remove("request_id");
        body = Value::Object(object).to_string();
    }
    for id in ids {
        body = body.replace(id, "ID");
    }
    let now = body.find("data-now=\"").map(|at| at + 10);
    if let Some(at) = now {
        let end = at + body[at..].find('"').unwrap();
        body.replace_range(at..end, "NOW");
    }
    body
}

async fn cannot_tell(bench: &Bench, asker: Asker<'_>, it: &Hidden, who: &str) {
    for path in paths() {
        let names = ["ada/secret", "ada/nothing", "ada%2Fsecret", "ada%2Fnothing"];
        let ids = [&[it.run.as_str(), it.job.as_str(), NEVER], names.as_slice()].concat();
        let there = asker.get(bench.url(&filled(&path, &it.run, &it.job))).await;
        let never = asker.get(bench.url(&filled(&path, NEVER, NEVER))).await;
        assert_eq!(there.0, never.0, "{who}: {path}");
        let headers = |headers: &HeaderMap| plain(&format!("{headers:?}"), &ids);
        assert_eq!(headers(&there.1), headers(&never.1), "{who}: {path}");
        let (there, never) = (plain(&there.2, &ids), plain(&never.2, &ids));
        assert_eq!(there, never, "{who}: {path}");
        for secret in ["secret", it.repository.as_str(), it.commit.as_str()] {
            assert!(!there.contains(secret), "{who}: {path} tells {secret}: {there}");
        }
    }
}

#[tokio::test]
async fn a_private_repository_is_as_if_it_never_was() {
    let with_readers = |config: &mut solstice_config::ServerConfig| {
        config.anonymous = Some(Role::Reader);
    };
    let (bench, provider) = with_sign_in_and(Kind::Forgejo, with_readers).await;
    bench.push(ONE_JOB).await;
    let attempt = bench.claim().await;
    bench.run_up(&attempt).await;
    bench.records(&attempt, &success(&["a line"])).await;
    let it = hidden(&bench).await;
    bench.forge.set_permission(&it.repository, "alice", Permission::Read);
    let alice = sign_in_as(&bench, &provider, "alice").await;
    let mallory = sign_in_as(&bench, &provider, "mallory").await;
    let http = &bench.browser;
    cannot_tell(&bench, Asker { http, session: None }, &it, "nobody").await;
    cannot_tell(&bench, Asker { http, session: Some(&mallory) }, &it, "mallory").await;

    let sees = Asker { http, session: Some(&alice) };
    for path in paths().iter().filter(|path| {
        path.contains('{') && !path.contains("{delivery}") && !path.contains("{host}")
    }) {
        let (status, _, body) = sees.get(bench.url(&filled(path, &it.run, &it.job))).await;
        let odd = path.ends_with("/console") || path.ends_with("/{index}");
        let expected = if odd { StatusCode::NOT_FOUND } else { StatusCode::OK };
        assert_eq!(status, expected, "{path}: {body}");
    }
    assert!(sees.get(bench.url("/")).await.2.contains("the secret title"));
    assert!(sees.get(bench.url("/api/v1/runs")).await.2.contains(&it.run));

    // She may not look any more, and minutes later that is known.
    bench.forge.set_permission(&it.repository, "alice", Permission::None);
    bench.advance(6 * 60);
    cannot_tell(&bench, sees, &it, "alice without her right").await;
}

#[tokio::test]
async fn a_forge_that_is_away_hides_and_does_not_show() {
    let (bench, provider) = with_sign_in_and(Kind::GitHub, |_| {}).await;
    let it = hidden(&bench).await;
    bench.forge.set_permission(&it.repository, "alice", Permission::Write);
    // Asked when she first comes, and not answered.
    bench.forge.go_down();
    let alice = sign_in_as(&bench, &provider, "alice").await;
    let sees = Asker { http: &bench.browser, session: Some(&alice) };
    let url = || bench.url(&format!("/api/v1/runs/{}", it.run));
    assert_eq!(sees.get(url()).await.0, StatusCode::NOT_FOUND);
    bench.forge.come_up();
    bench.advance(31);
    assert_eq!(sees.get(url()).await.0, StatusCode::OK);
}

/// Told, not judged: `cargo nextest run -p solstice-server how_long --run-ignored all --no-capture`.
#[tokio::test]
#[ignore = "a measurement"]
async fn how_long_it_takes_to_say_that_something_is_not_there() {
    let (bench, provider) = with_sign_in_and(Kind::Forgejo, |_| {}).await;
    let it = hidden(&bench).await;
    let mallory = sign_in_as(&bench, &provider, "mallory").await;
    let asker = Asker { http: &bench.browser, session: Some(&mallory) };
    let (mut there, mut never) = (Vec::new(), Vec::new());
    for _ in 0..2_000 {
        for (id, times) in [(it.job.as_str(), &mut there), (NEVER, &mut never)] {
            let begun = Instant::now();
            asker.get(bench.url(&format!("/api/v1/jobs/{id}"))).await;
            times.push(begun.elapsed());
        }
    }
    for (what, mut times) in [("hidden", there), ("never there", never)] {
        times.sort();
        println!("{what}: median {:?}, 90 % within {:?}", times[1_000], times[1_800]);
    }
}
