//! What a server's configuration may say, and what it is told when it errs.

use std::os::unix::fs::PermissionsExt as _;

use solstice_policy::{Approval, OperatorPolicy, Start};

use super::*;

/// A directory with two good secret files.
fn directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in [("hook", "s3cret\n"), ("token", "t0ken")] {
        write(directory.path(), name, content, 0o600);
    }
    directory
}

fn write(directory: &Path, name: &str, content: &str, mode: u32) {
    let path = directory.join(name);
    std::fs::write(&path, content).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn parse(directory: &Path, text: &str) -> Result<ServerConfig, String> {
    ServerConfig::parse(&directory.join("server.kdl"), text.as_bytes()).map_err(|error| match error
    {
        ConfigError::Wrong(wrong) => {
            wrong.list().iter().map(|one| one.one_line() + "\n").collect::<String>()
        }
        other => other.to_string(),
    })
}

const FORGE: &str = r#"forge "codeberg" kind="forgejo" url="https://codeberg.org" {
    webhook_secret_file "hook"
    token_file "token"
}"#;

fn with(lines: &str) -> String {
    format!("server {{\nbase_url \"http://127.0.0.1:8080\"\ndata \"data\"\n{lines}\n}}\n")
}

fn token(config: &ServerConfig) -> &str {
    match &config.forges[0].kind {
        ForgeKind::Forgejo { token } => token.expose(),
        other => panic!("{other:?}"),
    }
}

const GITHUB: &str = r#"forge "github" kind="github" {
    app id=12345
    private_key_file "key.pem"
    webhook_secret_file "hook"
}"#;

const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n";

#[test]
fn github_is_known_by_its_app() {
    let directory = directory();
    write(directory.path(), "key.pem", KEY, 0o600);
    let config = parse(directory.path(), &with(GITHUB)).unwrap();
    let forge = &config.forges[0];
    assert_eq!(forge.url.as_str(), "https://github.com/");
    let ForgeKind::GitHub { app_id, private_key, api } = &forge.kind else { panic!("{forge:?}") };
    assert_eq!((*app_id, private_key.expose(), api), (12345, KEY, &None));
    assert!(!format!("{config:?}").contains("MIIB"));
    let own = GITHUB.replace("{\n", "{\nurl \"https://git.example.org\"\nsweep \"90m\"\n");
    let own = own.replace("app id", "api \"https://git.example.org/api/v3\"\napp id");
    let config = parse(directory.path(), &with(&own)).unwrap();
    let forge = &config.forges[0];
    let ForgeKind::GitHub { api: Some(api), .. } = &forge.kind else { panic!("{forge:?}") };
    assert_eq!((forge.url.as_str(), api.path()), ("https://git.example.org/", "/api/v3"));
    assert_eq!(forge.sweep, Some(Duration::from_secs(90 * 60)));
}

#[test]
fn mistakes_about_github_are_shown_with_a_way_out() {
    let directory = directory();
    write(directory.path(), "key.pem", KEY, 0o600);
    write(directory.path(), "open.pem", KEY, 0o640);
    write(directory.path(), "cut.pem", &KEY[..60], 0o600);
    write(directory.path(), "long.pem", &KEY.repeat(300), 0o600);
    let path = directory.path().display();
    for (lines, expected) in [
        (GITHUB.replace("key.pem", "open.pem"), format!("(chmod 600 {path}/open.pem)")),
        (GITHUB.replace("key.pem", "hook"), "hook is no private key".to_owned()),
        (GITHUB.replace("key.pem", "cut.pem"), "cut.pem is no private key".to_owned()),
        (GITHUB.replace("key.pem", "long.pem"), "longer than 16384 bytes".to_owned()),
        (GITHUB.replace("app id=12345", "app"), "`id`".to_owned()),
        (GITHUB.replace("app id=12345", "app id=-1"), "-1".to_owned()),
        (GITHUB.replace("app id=12345", ""), "`app`".to_owned()),
        (GITHUB.replace("app id", "token_file \"token\"\napp id"), "for Forgejo".to_owned()),
        (GITHUB.replace("app id", "token_file \"token\"\napp id"), "`app id=…`".to_owned()),
        (FORGE.replace("token_file", "app id=1\ntoken_file"), "`app` is for GitHub".to_owned()),
        (FORGE.replace(" {", " api=\"https://x.org\" {"), "`api` is for GitHub".to_owned()),
        (FORGE.replace("forgejo", "github"), "`private_key_file`".to_owned()),
        (GITHUB.replace("app id", "sweep \"1s\"\napp id"), "\"never\"".to_owned()),
        (GITHUB.replace("\"github\" {", "\"gihub\" {"), "mean \"github\"?".to_owned()),
    ] {
        let wrong = parse(directory.path(), &with(&lines)).unwrap_err();
        assert!(wrong.contains(&expected), "{lines}\n{wrong}");
    }
}

#[test]
fn the_least_configuration_has_safe_defaults() {
    let directory = directory();
    let config = parse(directory.path(), &with(FORGE)).unwrap();
    assert_eq!(config.anonymous, None);
    assert_eq!((config.max_attempts, config.lease.as_secs()), (3, 60));
    assert_eq!(config.listen, Listen::default());
    assert_eq!(config.data, directory.path().join("data"), "relative to the file");
    assert_eq!(config.forges[0].webhook_secrets[0].expose(), "s3cret");
    assert_eq!(token(&config), "t0ken");
    assert_eq!(config.forges[0].sweep, Some(Duration::from_secs(3600)));
    assert_eq!(config.forges[0].policy, OperatorPolicy::default());
    assert_eq!(config.retention, RetentionConfig::default(), "nothing is removed");
    assert_eq!(config.max_log_bytes, 4 << 30);
    let artifacts = ArtifactLimits { max_file_bytes: 2 << 30, max_job_bytes: 8 << 30 };
    assert_eq!(config.artifacts, artifacts);
}

#[test]
fn every_setting_can_be_given() {
    let directory = directory();
    write(directory.path(), "old", "older", 0o400);
    let text = with(
        r#"anonymous "reader"
        max_attempts 5
        lease "2m"
        listen { people "0.0.0.0:80"; webhooks "[::]:81"; hosts "127.0.0.1:0"; }
        forge "tea" kind="gitea" url="http://127.0.0.1:3000/git/" {
            webhook_secret_file "hook"
            webhook_secret_file "old"
            token_file "token"
            sweep "never"
            policy { start "members"; }
            repository "ada/*" { policy { approval "all"; }; }
        }
        max_log "64MiB"
        artifacts max_file="1GiB" max_job="3GiB"
        retention { logs "90d" size="50GiB"; artifacts size="100GiB"; deliveries "30d" count=10000; }"#,
    );
    let config = parse(directory.path(), &text).unwrap();
    assert_eq!(config.anonymous, Some(Role::Reader));
    assert_eq!((config.max_attempts, config.lease.as_secs()), (5, 120));
    assert_eq!(config.listen.webhooks.to_string(), "[::]:81");
    assert_eq!(config.forges[0].webhook_secrets.len(), 2);
    assert_eq!(token(&config), "t0ken");
    assert_eq!(config.forges[0].sweep, None);
    let policy = |name: &str| config.forges[0].policy.policy(&name.parse().unwrap(), None);
    assert_eq!((policy("x/y").start, policy("x/y").approval), (Start::Members, Approval::Outside));
    assert_eq!(policy("Ada/y").approval, Approval::All);
    assert_eq!(config.max_log_bytes, 64 << 20);
    let artifacts = ArtifactLimits { max_file_bytes: 1 << 30, max_job_bytes: 3 << 30 };
    assert_eq!(config.artifacts, artifacts);
    let days = |days: u64| Some(Duration::from_secs(days * 24 * 60 * 60));
    let retention = RetentionConfig {
        logs: Keep { age: days(90), bytes: Some(50 << 30) },
        artifacts: Keep { age: None, bytes: Some(100 << 30) },
        deliveries: KeepBodies { age: days(30), count: Some(10_000) },
    };
    assert_eq!(config.retention, retention);
}

#[test]
fn one_limit_of_artifacts_moves_the_other_only_as_far_as_it_must() {
    let directory = directory();
    let limits = |line: &str| {
        let config = parse(directory.path(), &with(&format!("{FORGE}\nartifacts {line}"))).unwrap();
        (config.artifacts.max_file_bytes >> 30, config.artifacts.max_job_bytes >> 30)
    };
    assert_eq!(limits("max_file=\"1GiB\""), (1, 8));
    assert_eq!(limits("max_file=\"9GiB\""), (9, 9));
    assert_eq!(limits("max_job=\"1GiB\""), (1, 1));
    assert_eq!(limits("max_job=\"9GiB\""), (2, 9));
}

fn forge_with(line: &str) -> String {
    FORGE.replace("token_file", &format!("{line}\n    token_file"))
}

#[test]
fn users_of_a_forge_sign_in_and_some_may_do_more() {
    let directory = directory();
    write(directory.path(), "oauth", "client-secret\n", 0o600);
    let with = |sign_in: &str| parse(directory.path(), &with(&forge_with(sign_in)));
    let config = with(
        "sign_in client_id=\"abc\" client_secret_file=\"oauth\" {\nrole \"operator\" \
         users=\"Alice\" \"bob\"\nrole \"admin\" users=\"carol\"\n}",
    );
    let config = config.unwrap();
    let sign_in = config.forges[0].sign_in.as_ref().unwrap();
    assert_eq!(sign_in.client_secret.expose(), "client-secret");
    for (user, role) in [
        ("alice", Role::Operator),
        ("BOB", Role::Operator),
        ("carol", Role::Admin),
        ("dave", Role::Reader),
    ] {
        assert_eq!(sign_in.role_of(user), role, "{user}");
    }
    write(directory.path(), "open", "client-secret\n", 0o644);
    for (wrong, expected) in [
        ("sign_in client_id=\"abc\"", "client_secret_file"),
        ("sign_in client_id=\"abc\" client_secret_file=\"open\"", "others may read or change"),
        ("sign_in client_id=\"a b\" client_secret_file=\"oauth\"", "characters"),
        (
            "sign_in client_id=\"a\" client_secret_file=\"oauth\" { role \"host\" users=\"a\"; }",
            "cannot be given",
        ),
        (
            "sign_in client_id=\"a\" client_secret_file=\"oauth\" { role \"admin\"; }",
            "nobody has this role",
        ),
        (
            "sign_in client_id=\"a\" client_secret_file=\"oauth\" { role \"admin\" users=\"a\"; \
             role \"operator\" users=\"A\"; }",
            "has two roles",
        ),
    ] {
        let told = with(wrong).unwrap_err();
        assert!(told.contains(expected), "{wrong}: {told}");
    }
}

#[test]
fn proxies_are_trusted_by_address() {
    let directory = directory();
    let with = |line: &str| parse(directory.path(), &with(&format!("{line}\n{FORGE}")));
    let config = with("trusted_proxies \"127.0.0.1\" \"2001:db8::1\"").unwrap();
    assert_eq!(config.trusted_proxies, ["127.0.0.1", "2001:db8::1"].map(|ip| ip.parse().unwrap()));
    assert!(with("trusted_proxies \"proxy.example\"").unwrap_err().contains("not the address"));
}

#[test]
fn the_pages_are_at_the_root_of_their_host() {
    let directory = directory();
    let at = |url: &str| with(FORGE).replace("http://127.0.0.1:8080", url);
    for url in ["https://ci.example.org", "https://ci.example.org/", "http://[::1]:8080"] {
        parse(directory.path(), &at(url)).unwrap();
    }
    let wrong = parse(directory.path(), &at("https://example.org/ci/")).unwrap_err();
    assert!(wrong.contains("server.kdl:2") && wrong.contains("at the root"), "{wrong}");
}

#[test]
fn mistakes_are_shown_at_their_place_with_a_way_out() {
    let directory = directory();
    write(directory.path(), "open", "s3cret", 0o644);
    write(directory.path(), "empty", "\n", 0o600);
    let path = directory.path().display();
    let cases = [
        (FORGE.replace("\"hook\"", "\"open\""), format!("(chmod 600 {path}/open)")),
        (FORGE.replace("\"hook\"", "\"empty\""), "empty is empty".to_owned()),
        (FORGE.replace("\"token\"", "\"gone\""), "gone: No such file".to_owned()),
        (FORGE.replace("forgejo", "forgeo"), "did you mean \"forgejo\"?".to_owned()),
        (FORGE.replace("webhook_secret_file \"hook\"", ""), "no `webhook_secret_file`".to_owned()),
        (FORGE.replace("https://codeberg.org", "codeberg"), "https://ci.example.org".to_owned()),
        (format!("{FORGE}\n{FORGE}"), "two forges named `codeberg`".to_owned()),
        (format!("{FORGE}\nanonymus \"reader\""), "did you mean `anonymous`?".to_owned()),
        (format!("{FORGE}\nanonymous \"admin\""), "can at most read".to_owned()),
        (format!("{FORGE}\nlease \"1s\""), "between 10 seconds and one hour".to_owned()),
        (format!("{FORGE}\nmax_attempts 0"), "between 1 and 10".to_owned()),
        (format!("{FORGE}\nlisten people=\"8080\""), "127.0.0.1:8080".to_owned()),
        (format!("{FORGE}\nlisten people=\"[::]:9\" hosts=\"[::]:9\""), "same address".to_owned()),
        (String::new(), "no forge is configured".to_owned()),
        (forge_with("pull_requests from=\"anyone\""), "approval \"never\"".to_owned()),
        (forge_with("pull_requests from=\"repository\""), "start \"members\"".to_owned()),
        (forge_with("policy { strat \"members\"; }"), "did you mean `start`?".to_owned()),
        (forge_with("repository \"ada/x\""), "has no `policy`".to_owned()),
        (forge_with("repository \"ada\" { policy; }"), "ada/*".to_owned()),
        (format!("{FORGE}\nmax_log \"1kB\""), "less than \"1MiB\"".to_owned()),
        (format!("{FORGE}\nmax_log \"9000000TiB\""), "too large".to_owned()),
        (format!("{FORGE}\nartifacts max_file=\"2GiB\" max_job=\"1GiB\""), "lower".to_owned()),
        (format!("{FORGE}\nretention {{ logs; }}"), "neither an age nor a size".to_owned()),
        (format!("{FORGE}\nretention {{ logs \"9h\"; }}"), "less than one day".to_owned()),
        (format!("{FORGE}\nretention {{ log \"9d\"; }}"), "did you mean `logs`?".to_owned()),
        (format!("{FORGE}\nretention {{ deliveries; }}"), "neither an age nor a count".to_owned()),
        (format!("{FORGE}\nretention {{ deliveries count=7; }}"), "100".to_owned()),
        (format!("{FORGE}\nretention {{ deliveries \"900y\"; }}"), "hundred years".to_owned()),
    ];
    for (lines, expected) in cases {
        let wrong = parse(directory.path(), &with(&lines)).unwrap_err();
        assert!(wrong.contains(&expected), "{lines}\n{wrong}");
        assert!(wrong.contains("server.kdl:"), "{wrong}");
    }
}

#[test]
fn no_secret_shows_in_debug_output() {
    let directory = directory();
    let shown = format!("{:?}", parse(directory.path(), &with(FORGE)).unwrap());
    assert!(!shown.contains("s3cret") && !shown.contains("t0ken"), "{shown}");
}

#[test]
fn the_sample_is_a_good_configuration() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "forge.secret", "s3cret", 0o600);
    write(directory.path(), "forge.token", "t0ken", 0o600);
    let sample = include_str!("../../../../manifests/server.kdl");
    let config = parse(directory.path(), sample).unwrap();
    assert_eq!(config.listen, Listen::default());
    assert_eq!(config.forges[0].name.as_str(), "codeberg");
    let policy = config.forges[0].policy.policy(&"ada/engine".parse().unwrap(), None);
    assert_eq!((policy.start, policy.approval), (Start::Everyone, Approval::Outside));
    assert_eq!(config.max_log_bytes, 4 << 30);
    assert_eq!(config.artifacts, ArtifactLimits::default());
    assert!(config.retention.logs.age.is_some() && config.retention.artifacts.bytes.is_some());
}
