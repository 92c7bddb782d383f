//! What our side does with a forge that misbehaves, and with its own tokens.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::json;
use solstice_forge::conformance::World as _;
use solstice_forge::{Forge as _, ForgeError, Retry, Secret};
use solstice_forge_github::{ConfigError, GitHubConfig, GitHubForge, Timeouts};
use url::Url;

use crate::world::fault::Fault;
use crate::world::{DATA, GitHub, config, connect, repository};

const MINT: &str = "POST /app/installations/{installation_id}/access_tokens";
const CONTENTS: &str = "GET /repos/{owner}/{repo}/contents/{path}";
const COMMIT: &str = "GET /repos/{owner}/{repo}/git/commits/{commit_sha}";

fn retry(error: &ForgeError) -> Retry {
    error.retry()
}

#[tokio::test]
async fn calls_at_once_share_one_token() {
    let (world, commit) = GitHub::with_commit().await;
    let repository = repository();
    let call = || world.forge.commit_message(&repository, &commit);
    let all = futures::future::join_all((0..20).map(|_| call())).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(world.fake.state().minted, 1);
    call().await.unwrap();
    assert_eq!(world.fake.state().minted, 1);
    let asked = world.fake.requests_like("POST /app/installations/71/");
    let permissions = &asked[0].body["permissions"];
    assert_eq!(permissions["checks"], "write");
    for read in ["contents", "metadata", "pull_requests"] {
        assert_eq!(permissions[read], "read");
    }
    world.assert_well_used().await;
}

#[tokio::test]
async fn a_host_gets_a_token_that_reads_one_repository() {
    let (world, commit) = GitHub::with_commit().await;
    world.forge.commit_message(&repository(), &commit).await.unwrap();
    let ours = world.fake.state().tokens[0].clone();
    let credential = world.forge.fetch_credential(&repository()).await.unwrap().unwrap();
    assert_eq!(credential.username, "x-access-token");
    let password = String::from_utf8(credential.password.expose().to_vec()).unwrap();
    assert!(password.starts_with("ghs_") && password != ours);
    let asked = world.fake.requests_like("POST /app/installations/71/").pop().unwrap().body;
    let reads = json!({ "contents": "read", "metadata": "read" });
    assert_eq!(asked, json!({ "permissions": reads, "repositories": ["widgets"] }));
    assert!(!format!("{credential:?}").contains("ghs_"));
    let unknown = "nobody/nothing".parse().unwrap();
    let error = world.forge.fetch_credential(&unknown).await.unwrap_err();
    assert_eq!(retry(&error), Retry::Never);
    world.assert_well_used().await;
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends() {
    let (world, commit) = GitHub::with_commit().await;
    for (lifetime, minted) in [(4, 1), (4, 2), (6, 3), (6, 3)] {
        world.fake.state().lifetime = TimeDelta::minutes(lifetime);
        world.forge.commit_message(&repository(), &commit).await.unwrap();
        assert_eq!(world.fake.state().minted, minted);
    }
}

#[tokio::test]
async fn a_token_that_is_not_taken_is_replaced_once() {
    let (world, commit) = GitHub::with_commit().await;
    world.forge.commit_message(&repository(), &commit).await.unwrap();
    world.fake.state().tokens.clear();
    world.forge.commit_message(&repository(), &commit).await.unwrap();
    assert_eq!(world.fake.state().minted, 2);
    for _ in 0..2 {
        world.fake.fail(Some(COMMIT), Fault::status(401));
    }
    let error = world.forge.commit_message(&repository(), &commit).await.unwrap_err();
    assert!(matches!(error, ForgeError::Refused { status: 401, .. }), "{error:?}");
    assert_eq!(retry(&error), Retry::Backoff);
    world.forge.commit_message(&repository(), &commit).await.unwrap();
    world.assert_well_used().await;
}

#[tokio::test]
async fn an_app_that_was_installed_anew_is_found_again() {
    let (world, commit) = GitHub::with_commit().await;
    world.forge.commit_message(&repository(), &commit).await.unwrap();
    world.fake.state().installation = 72;
    world.fake.state().tokens.clear();
    world.forge.commit_message(&repository(), &commit).await.unwrap();
    // A token that ran out, of an installation that is gone.
    let fresh = connect(&world.fake, Timeouts::default());
    world.fake.state().lifetime = TimeDelta::minutes(1);
    fresh.commit_message(&repository(), &commit).await.unwrap();
    world.fake.state().installation = 73;
    let error = fresh.commit_message(&repository(), &commit).await.unwrap_err();
    assert!(matches!(error, ForgeError::Refused { status: 404, .. }), "{error:?}");
    fresh.commit_message(&repository(), &commit).await.unwrap();
}

#[tokio::test]
async fn a_limit_of_rate_says_when_to_come_back() {
    let (world, commit) = GitHub::with_commit().await;
    world.forge.commit_message(&repository(), &commit).await.unwrap();
    let header = |name, value: i64| (name, value.to_string());
    let none = |reset: i64| {
        let reset = Utc::now().timestamp() + reset;
        vec![header("x-ratelimit-remaining", 0), header("x-ratelimit-reset", reset)]
    };
    let secondary = "You have exceeded a secondary rate limit. Please wait a few minutes.";
    for (status, headers, message, least, most) in [
        (403, vec![header("retry-after", 17)], "wait", 17, 17),
        (429, vec![header("retry-after", 17)], "wait", 17, 17),
        (403, none(120), "API rate limit exceeded", 115, 121),
        (429, none(120), "API rate limit exceeded", 115, 121),
        (403, none(-5), "API rate limit exceeded", 60, 60),
        (403, none(50_000), "API rate limit exceeded", 3600, 3600),
        (403, vec![], secondary, 60, 60),
        (429, vec![], secondary, 60, 60),
    ] {
        world.fake.fail(Some(COMMIT), Fault::Answer(status, headers, message));
        let error = world.forge.commit_message(&repository(), &commit).await.unwrap_err();
        let Retry::After(pause) = retry(&error) else { panic!("{error:?}") };
        assert!((least..=most).contains(&pause.as_secs()), "{status} {message}: {pause:?}");
    }
    let not_ours = Fault::Answer(403, vec![], "Resource not accessible by integration");
    world.fake.fail(Some(COMMIT), not_ours);
    let error = world.forge.commit_message(&repository(), &commit).await.unwrap_err();
    assert_eq!(retry(&error), Retry::Never);
}

fn to(status: u16, target: &Url) -> Fault {
    Fault::Answer(status, vec![("location", target.to_string())], "moved")
}

#[tokio::test]
async fn a_redirect_to_another_server_is_not_followed() {
    let (world, commit) = GitHub::with_commit().await;
    let (elsewhere, _) = GitHub::with_commit().await;
    let path = format!("repos/alice/widgets/git/commits/{commit}");
    let target: Url = format!("http://{}/{path}", elsewhere.fake.address).parse().unwrap();
    for status in [301, 302, 303, 307, 308] {
        world.fake.fail(Some(COMMIT), to(status, &target));
        let error = world.forge.commit_message(&repository(), &commit).await.unwrap_err();
        let ForgeError::Refused { status: refused, message, retry, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!((refused, retry), (status, Retry::Never));
        assert!(message.contains(target.as_str()), "{message}");
    }
    assert!(elsewhere.fake.requests().is_empty());
}

#[tokio::test]
async fn a_repository_that_was_renamed_is_followed_within_the_server() {
    let (world, commit) = GitHub::with_commit().await;
    let path = format!("repos/alice/widgets/git/commits/{commit}");
    let target: Url = format!("http://{}/{path}", world.fake.address).parse().unwrap();
    for status in [301, 302, 307, 308] {
        world.fake.fail(Some(COMMIT), to(status, &target));
        world.forge.commit_message(&repository(), &commit).await.unwrap();
    }
    for _ in 0..10 {
        world.fake.fail(Some(COMMIT), to(301, &target));
    }
    let error = world.forge.commit_message(&repository(), &commit).await.unwrap_err();
    assert!(matches!(error, ForgeError::Refused { status: 301, .. }), "{error:?}");
    // A POST stays one, or is not sent on.
    let mint = format!("http://{}/app/installations/71/access_tokens", world.fake.address);
    let mint: Url = mint.parse().unwrap();
    for (status, followed) in [(301, false), (302, false), (307, true), (308, true)] {
        let forge = connect(&world.fake, Timeouts::default());
        world.fake.fail(Some(MINT), to(status, &mint));
        // The faults that are left would hit the call itself.
        let answer = forge.workflow_files(&repository(), &commit).await;
        assert_eq!(answer.is_ok(), followed, "{status}: {answer:?}");
    }
}

#[tokio::test]
async fn a_broken_connection_is_worth_another_try() {
    let (world, commit) = GitHub::with_commit().await;
    for operation in [MINT, CONTENTS] {
        world.fake.fail(Some(operation), Fault::Lost);
        let error = world.forge.workflow_files(&repository(), &commit).await.unwrap_err();
        assert!(matches!(error, ForgeError::Unreachable { .. }), "{error:?}");
    }
    assert_eq!(world.forge.workflow_files(&repository(), &commit).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_forge_that_is_too_slow_is_given_up() {
    let (world, commit) = GitHub::with_commit().await;
    let total = Duration::from_millis(300);
    for operation in [MINT, CONTENTS] {
        let forge = connect(&world.fake, Timeouts { total, ..Timeouts::default() });
        world.fake.fail(Some(operation), Fault::Slow(Duration::from_secs(60)));
        let error = forge.workflow_files(&repository(), &commit).await.unwrap_err();
        let ForgeError::Unreachable { source, .. } = &error else { panic!("{error:?}") };
        assert!(!source.to_string().contains("backtrace"), "{source}");
        assert_eq!(retry(&error), Retry::Backoff);
    }
}

#[tokio::test]
async fn no_token_is_ever_shown() {
    let (world, commit) = GitHub::with_commit().await;
    let echoes = "ghs_0123456789abcdefABCDEF0123456789abcd and ghs_29310_eyJhbGciOi.x-y_z";
    world.fake.fail(Some(COMMIT), Fault::Answer(403, vec![], echoes));
    let error = world.forge.commit_message(&repository(), &commit).await.unwrap_err();
    let shown = format!("{error} {error:?} {:?}", world.forge);
    assert!(!shown.contains("ghs_") && shown.contains("[token] and [token]"), "{shown}");
    // Nor the App's proof, nor a token that is part of a bad answer.
    world.fake.state().lifetime = TimeDelta::minutes(1);
    world.fake.fail(Some(MINT), Fault::Page);
    let error = connect(&world.fake, Timeouts::default());
    let error = error.commit_message(&repository(), &commit).await.unwrap_err();
    assert!(matches!(error, ForgeError::BadAnswer { .. }), "{error:?}");
    assert!(!format!("{error:?}").contains("Be right back"), "{error:?}");
}

#[tokio::test]
async fn an_error_says_what_was_asked_and_what_was_answered() {
    let (world, commit) = GitHub::with_commit().await;
    world.fake.fail(Some(COMMIT), Fault::status(500));
    let error = world.forge.commit_message(&repository(), &commit).await.unwrap_err();
    let asked = format!("GET /repos/alice/widgets/git/commits/{commit}");
    let words = format!("the forge answered 500 to {asked}: ordered by the test");
    assert_eq!(error.to_string(), words);
}

#[test]
fn a_configuration_that_cannot_work_is_refused_at_once() {
    let refused = |change: &dyn Fn(&mut GitHubConfig)| {
        let mut config = config("http://127.0.0.1:1/".parse().unwrap());
        change(&mut config);
        assert!(!format!("{config:?}").contains("BEGIN"));
        GitHubForge::new(config).unwrap_err()
    };
    let key = |bytes: &[u8]| refused(&|it| it.private_key_pem = Secret::new(bytes).unwrap());
    let public = std::fs::read(format!("{DATA}/app-key.pub.pem")).unwrap();
    let pem = std::fs::read(format!("{DATA}/app-key.pem")).unwrap();
    let text = String::from_utf8(pem.clone()).unwrap();
    let damaged = text.replacen("MII", "MIJ", 1);
    for bad in [b"hidden".as_slice(), &public, &pem[..pem.len() / 2], damaged.as_bytes(), b"\xff"] {
        let error = key(bad);
        assert!(matches!(error, ConfigError::PrivateKey), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("hidden"));
    }
    let error = refused(&|it| it.app_id = 0);
    assert!(matches!(error, ConfigError::AppId), "{error:?}");
    let error = refused(&|it| it.webhook_secrets.clear());
    assert!(matches!(error, ConfigError::Secrets(_)), "{error:?}");
    let error = refused(&|it| it.base_url = "ssh://h/".parse().unwrap());
    assert!(matches!(error, ConfigError::Address { .. }), "{error:?}");
}

#[test]
fn a_key_of_either_format_is_taken() {
    for name in ["app-key.pem", "app-key.pkcs8.pem"] {
        let mut config = config("http://127.0.0.1:1/".parse().unwrap());
        config.private_key_pem =
            Secret::new(std::fs::read(format!("{DATA}/{name}")).unwrap()).unwrap();
        GitHubForge::new(config).unwrap();
    }
}

#[tokio::test]
async fn an_enterprise_server_has_its_api_below() {
    let (world, _) = GitHub::with_commit().await;
    let mut config = config("http://127.0.0.1:1/".parse().unwrap());
    config.base_url = format!("http://{}/git/", world.fake.address).parse().unwrap();
    config.api_url = None;
    let forge = GitHubForge::new(config).unwrap();
    forge.standing(&repository()).await.unwrap_err();
    let asked = world.fake.requests();
    assert_eq!(asked[0].line, "GET /git/api/v3/repos/alice/widgets/installation");
}
