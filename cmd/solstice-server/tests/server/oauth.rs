//! Signing in at a forge, and all that can go wrong on the way.

use reqwest::{Response, StatusCode};
use serde_json::Value;
use solstice_config::ServerConfig;
use solstice_forge::Permission;
use url::Url;

use crate::bench::{Bench, ONE_JOB, SignedIn, bench_with, cookies, form};
use crate::provider::{CLIENT, Kind, Provider, SECRET, Trouble};

/// A server whose forge `forge` lets people sign in.
pub(crate) async fn with_sign_in(kind: Kind) -> (Bench, Provider) {
    with_sign_in_and(kind, |_| {}).await
}

pub(crate) async fn with_sign_in_and(
    kind: Kind,
    change: impl FnOnce(&mut ServerConfig),
) -> (Bench, Provider) {
    let provider = Provider::start(kind).await;
    let url = provider.url();
    let bench = bench_with(|config| {
        config.forges = configured(kind, &url);
        change(config);
    });
    (bench.await, provider)
}

/// A forge as the configuration file has it, secrets in files included.
fn configured(kind: Kind, url: &Url) -> Vec<solstice_config::server::ForgeConfig> {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let mut file = std::fs::File::create(directory.path().join(name)).unwrap();
        file.set_permissions(std::fs::Permissions::from_mode(0o600)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    };
    write("hook", "hook-secret");
    write("token", "forge-token");
    write("oauth", SECRET);
    write("pem", "-----BEGIN RSA PRIVATE KEY-----\nx\n-----END RSA PRIVATE KEY-----\n");
    let account = match kind {
        Kind::GitHub => "app id=7\n private_key_file \"pem\"",
        Kind::Forgejo => "token_file \"token\"",
    };
    let kind = if kind == Kind::GitHub { "github" } else { "forgejo" };
    let text = format!(
        "server {{\n base_url \"http://ci.test\"\n data \"x\"\n \
         forge \"forge\" kind=\"{kind}\" url=\"{url}\" {{\n webhook_secret_file \"hook\"\n \
         {account}\n sign_in client_id=\"{CLIENT}\" client_secret_file=\"oauth\" {{\n \
         role \"operator\" users=\"Olga\" \"otto\"\n }}\n }}\n}}\n"
    );
    let path = directory.path().join("server.kdl");
    let config = ServerConfig::parse(&path, text.as_bytes());
    config.unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error))).forges
}

/// What a browser has after it was sent to the forge.
struct Sent {
    cookie: String,
    to: Url,
}

async fn send(bench: &Bench, path: &str) -> Sent {
    let answer = bench.browser.get(bench.url(path)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let to = answer.headers()["location"].to_str().unwrap().parse().unwrap();
    Sent { cookie: cookies(&answer).remove(0), to }
}

async fn back(bench: &Bench, cookie: &str, code: &str, state: &str) -> Response {
    let path = format!("/login/forge/callback?code={code}&state={state}");
    // As a forge sends a browser back: from another site.
    let request = bench.browser.get(bench.url(&path)).header("cookie", cookie);
    request.header("sec-fetch-site", "cross-site").send().await.unwrap()
}

pub(crate) async fn sign_in_as(bench: &Bench, provider: &Provider, login: &str) -> SignedIn {
    let sent = send(bench, "/login/forge").await;
    let (code, state) = provider.agree(&sent.to, login);
    let answer = back(bench, &sent.cookie, &code, &state).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    bench.signed_in(cookies(&answer).remove(0)).await
}

async fn whoami(bench: &Bench, session: &SignedIn) -> Value {
    let request = bench.browser.get(bench.url("/api/v1/whoami"));
    request.header("cookie", session.cookie()).send().await.unwrap().json().await.unwrap()
}

fn has_session(answer: &Response) -> bool {
    let set = cookies(answer);
    set.iter().any(|one| one.starts_with("solstice=sol_"))
}

#[tokio::test]
async fn users_of_both_kinds_of_forges_sign_in_and_are_readers() {
    for kind in [Kind::GitHub, Kind::Forgejo] {
        let (bench, provider) = with_sign_in(kind).await;
        let page = bench.browser.get(bench.url("/login?return_to=/audit")).send().await.unwrap();
        let page = page.text().await.unwrap();
        assert!(page.contains("href=\"/login/forge?return_to=%2Faudit\""), "{page}");
        let sent = send(&bench, "/login/forge?return_to=/jobs/1").await;
        let redirect = sent.to.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap();
        assert_eq!(redirect.1, "http://ci.test/login/forge/callback");
        let (code, state) = provider.agree(&sent.to, "alice");
        let answer = back(&bench, &sent.cookie, &code, &state).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        assert_eq!(answer.headers()["location"], "/jobs/1");
        let session = bench.signed_in(cookies(&answer).remove(0)).await;
        let who = whoami(&bench, &session).await;
        assert_eq!(who, serde_json::json!({ "name": "alice@forge", "role": "reader" }));
        let olga = sign_in_as(&bench, &provider, "OLGA").await;
        assert_eq!(whoami(&bench, &olga).await["role"], "operator");
        assert_eq!(provider.used(), 2, "each token of the forge is used once");
        let disk = std::fs::read(bench.data().join("solstice.db")).unwrap();
        let wal = std::fs::read(bench.data().join("solstice.db-wal")).unwrap_or_default();
        for secret in [code.as_bytes(), SECRET.as_bytes()] {
            let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret);
            assert!(!holds(&disk) && !holds(&wal));
        }
    }
}

#[tokio::test]
async fn an_answer_is_good_once_in_the_browser_that_asked_and_in_time() {
    let (bench, provider) = with_sign_in(Kind::Forgejo).await;
    let sent = send(&bench, "/login/forge").await;
    let (code, state) = provider.agree(&sent.to, "alice");
    let refuse = async |cookie: &str, code: &str, state: &str, why: &str| {
        let answer = back(&bench, cookie, code, state).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{why}");
        assert!(!has_session(&answer), "{why}");
    };
    refuse(&sent.cookie, &code, "sol_forged", "a forged state").await;
    refuse(&sent.cookie, &code, "", "no state").await;
    refuse("a=b", &code, &state, "another browser").await;
    refuse(&sent.cookie, &code, &state, "the state was used up by that").await;
    let other = send(&bench, "/login/forge").await;
    let (code, state) = provider.agree(&other.to, "mallory");
    refuse(&sent.cookie, &code, &state, "an attacker's answer in somebody's browser").await;
    let late = send(&bench, "/login/forge").await;
    let (code, state) = provider.agree(&late.to, "alice");
    bench.advance(10 * 60);
    refuse(&late.cookie, &code, &state, "too late").await;
    let good = send(&bench, "/login/forge").await;
    let (code, state) = provider.agree(&good.to, "alice");
    assert!(has_session(&back(&bench, &good.cookie, &code, &state).await));
    refuse(&good.cookie, &code, &state, "a replay").await;
}

#[tokio::test]
async fn what_the_forge_refuses_or_garbles_signs_nobody_in() {
    for kind in [Kind::GitHub, Kind::Forgejo] {
        let (bench, provider) = with_sign_in(kind).await;
        let begin = async |login| {
            let sent = send(&bench, "/login/forge").await;
            let (code, state) = provider.agree(&sent.to, login);
            (sent.cookie, code, state)
        };
        let (cookie, _, state) = begin("alice").await;
        let answer = back(&bench, &cookie, "not-a-code", &state).await;
        assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
        assert!(!has_session(&answer));
        let (cookie, _, state) = begin("alice").await;
        let path = format!("/login/forge/callback?error=access_denied&state={state}");
        let answer = bench.browser.get(bench.url(&path)).header("cookie", &cookie);
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert!(answer.text().await.unwrap().contains("did not let you in"));
        for trouble in [
            Trouble::Garbage,
            Trouble::Huge,
            Trouble::Redirect,
            Trouble::NoToken,
            Trouble::OddLogin,
        ] {
            bench.advance(5 * 60);
            let (cookie, code, state) = begin("alice").await;
            provider.fail(trouble);
            let answer = back(&bench, &cookie, &code, &state).await;
            assert_eq!(answer.status(), StatusCode::BAD_GATEWAY, "{trouble:?}");
            assert!(!has_session(&answer), "{trouble:?}");
        }
    }
}

#[tokio::test]
async fn a_forge_that_never_answers_is_given_up() {
    let (bench, provider) = with_sign_in(Kind::Forgejo).await;
    let sent = send(&bench, "/login/forge").await;
    let (code, state) = provider.agree(&sent.to, "alice");
    provider.fail(Trouble::Silent);
    let answer = back(&bench, &sent.cookie, &code, &state).await;
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn whoever_may_push_may_act_there_and_nobody_else() {
    let (bench, provider) = with_sign_in(Kind::Forgejo).await;
    let (_, run) = bench.push(ONE_JOB).await;
    let job = run["jobs"][0]["id"].as_str().unwrap();
    let alice = sign_in_as(&bench, &provider, "alice").await;
    let bob = sign_in_as(&bench, &provider, "bob").await;
    bench.forge.set_permission(&bench.repository, "alice", Permission::Write);
    bench.forge.set_permission(&bench.repository, "bob", Permission::Read);
    let page = async |session: &SignedIn| {
        let request = bench.browser.get(bench.url(&format!("/jobs/{job}")));
        let answer = request.header("cookie", session.cookie()).send().await.unwrap();
        answer.text().await.unwrap()
    };
    assert!(page(&alice).await.contains("Cancel this job"));
    assert!(!page(&bob).await.contains("Cancel this job"));
    let press = async |session: &SignedIn| {
        let request = bench.browser.post(bench.url(&format!("/jobs/{job}/cancel")));
        let request = request.header("cookie", session.cookie());
        form(request, &[("csrf", session.csrf())]).send().await.unwrap().status()
    };
    assert_eq!(press(&bob).await, StatusCode::FORBIDDEN);
    assert_eq!(press(&alice).await, StatusCode::SEE_OTHER);
    let detail = bench.until_state(job, "cancelled").await;
    assert_eq!(detail["job"]["state"]["outcome"]["by"], "alice@forge");
    let rerun = async |session: &SignedIn| {
        let request = bench.browser.post(bench.url(&format!("/api/v1/jobs/{job}/rerun")));
        let request = request.header("cookie", session.cookie());
        request.header("x-csrf-token", session.csrf()).send().await.unwrap().status()
    };
    // The right is taken away, and a minute later that is known.
    bench.forge.set_permission(&bench.repository, "alice", Permission::Read);
    bench.advance(61);
    assert_eq!(rerun(&alice).await, StatusCode::FORBIDDEN);
    let olga = sign_in_as(&bench, &provider, "olga").await;
    assert_eq!(rerun(&olga).await, StatusCode::CREATED, "by the configuration");
}
