//! What every command says, to people and as JSON.

use serde_json::Value;

use crate::bench::{Bench, Said, bench, end, moment, output, step};

/// What was said, with what differs each time made alike and of the same width.
fn masked(bench: &Bench, said: &str, ids: &[(&str, &str)]) -> String {
    let mut text = said.to_owned();
    for (id, letter) in ids {
        let (long, short) = (id.len(), &id[id.len() - 8..]);
        text = text.replace(id, &letter.repeat(long)).replace(short, &letter.repeat(8));
    }
    text = text.replace(&bench.url(), "http://SERVER");
    text = text.replace(&bench.home.path().display().to_string(), "HOME");
    let days = (chrono::Utc::now() - moment()).num_days();
    text.replace(&format!("{days} d"), &format!("{:0>1$} d", "", days.to_string().len()))
}

fn golden(name: &str, text: &str) {
    expectorate::assert_contents(format!("tests/ciadm/golden/{name}.txt"), text);
}

/// A run of which one job succeeded and one failed.
async fn story(bench: &Bench) -> (String, Vec<String>, String) {
    let (run, jobs) = bench.push().await;
    let build = bench.claim("illumos").await;
    bench.artifact(&build, "target/tool.txt", b"a tool\n").await;
    let bodies = vec![
        step("step_started", 0),
        output("\u{1b}[32mok\u{1b}[0m \u{1b}]0;title\u{7}compiled", true),
        output("half ", false),
        output("a line", true),
        step("step_finished", 0),
        step("step_started", 1),
        step("step_finished", 1),
        end(false),
    ];
    bench.records(&build, 1, bodies).await;
    let lint = bench.claim("linux").await;
    let failed = serde_json::json!({ "kind": "step_finished", "step": 0, "exit": { "how": "code", "code": 2 } });
    bench
        .records(&lint, 1, vec![step("step_started", 0), output("bad", true), failed, end(true)])
        .await;
    (run, jobs, build)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_to_see() {
    let bench = bench().await;
    let (run, jobs, attempt) = story(&bench).await;
    let commit =
        bench.json(&["run", "show", &run]).await["run"]["commit"].as_str().unwrap().to_owned();
    let delivery = bench.json(&["deliveries"]).await[0].clone();
    let (delivery, forge_id) = (
        delivery["id"].as_str().unwrap().to_owned(),
        delivery["forge_id"].as_str().unwrap().to_owned(),
    );
    let ids = [
        (run.as_str(), "r"),
        (&jobs[0], "b"),
        (&jobs[1], "l"),
        (&attempt, "t"),
        (&delivery, "d"),
        (&forge_id, "f"),
    ];
    let tail = &run[run.len() - 8..];
    let named = format!("{tail}/build");
    let of_commit = format!("ada/engine@{}", &commit[..8]);
    for (name, arguments) in [
        ("whoami", vec!["whoami"]),
        ("runs", vec!["runs"]),
        ("runs-none", vec!["runs", "--repo", "nobody/nothing"]),
        ("run-show", vec!["run", "show", tail]),
        ("jobs", vec!["jobs", &run]),
        ("job-show", vec!["job", "show", &named]),
        ("logs", vec!["logs", &jobs[0]]),
        ("logs-raw", vec!["logs", &jobs[0], "--raw"]),
        ("logs-tail", vec!["logs", &jobs[0], "--tail", "1"]),
        ("artifacts", vec!["artifacts", &named]),
        ("why-job", vec!["why", &jobs[1]]),
        ("why-run", vec!["why", &run]),
        ("why-commit", vec!["why", &of_commit]),
        ("why-delivery", vec!["why", "--delivery", &delivery]),
        ("hosts", vec!["hosts"]),
        ("images", vec!["images"]),
        ("tokens", vec!["tokens", "list"]),
        ("deliveries", vec!["deliveries"]),
        ("deliveries-show", vec!["deliveries", "show", &delivery]),
        ("watch-once", vec!["watch", "--once"]),
    ] {
        let text = bench.ok(&arguments).await;
        let text = text.replace(&commit, &"c".repeat(40)).replace(&commit[..10], &"c".repeat(10));
        // The header names a port that is another each time.
        let lasting = |line: &&str| !line.starts_with("Header      host:");
        let text: String = text.split_inclusive('\n').filter(lasting).collect();
        golden(name, &masked(&bench, &text, &ids));
        let arguments: Vec<&str> = arguments.into_iter().filter(|word| *word != "--raw").collect();
        if name != "watch-once" {
            let document = bench.json(&arguments).await;
            golden(&format!("{name}.json"), &shape(&document, 0));
        }
    }
}

/// The keys of a document and the kinds of their values: what programs rely on.
fn shape(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| match value {
                Value::Object(_) | Value::Array(_) => {
                    format!("{indent}{key}:\n{}", shape(value, depth + 1))
                }
                other => format!("{indent}{key}: {}\n", kind(other)),
            })
            .collect(),
        Value::Array(all) => match all.first() {
            Some(first) => format!("{indent}[\n{}{indent}]\n", shape(first, depth + 1)),
            None => format!("{indent}[]\n"),
        },
        other => format!("{indent}{}\n", kind(other)),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) | Value::Object(_) => "",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn artifacts_are_written_below_their_folder() {
    let bench = bench().await;
    let (_, jobs, _) = story(&bench).await;
    let out = bench.home.path().join("out");
    let said = bench.ok(&["artifacts", &jobs[0], "--download", out.to_str().unwrap()]).await;
    assert_eq!(said, "target/tool.txt\n");
    assert_eq!(std::fs::read(out.join("target/tool.txt")).unwrap(), b"a tool\n");
    assert_eq!(std::fs::read_dir(out.join("target")).unwrap().count(), 1, "nothing is left over");
    std::fs::remove_dir_all(out.join("target")).unwrap();
    std::os::unix::fs::symlink("/tmp", out.join("target")).unwrap();
    let Said { code, err, .. } =
        bench.ciadm(&["artifacts", &jobs[0], "--download", out.to_str().unwrap()]).await;
    assert_eq!(code, 3, "{err}");
    assert!(!std::path::Path::new("/tmp/tool.txt").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_there_is_to_do() {
    let bench = bench().await;
    let (run, jobs, _) = story(&bench).await;
    let again = bench.json(&["rerun", &run, "--failed"]).await;
    assert_eq!((&again[0]["name"], &again[0]["rerun"]), (&"lint".into(), &1.into()));
    let new = again[0]["id"].as_str().unwrap();
    assert_eq!(bench.ok(&["cancel", new]).await, format!("Cancelled job {new}\n"));
    let all = bench.json(&["rerun", &jobs[0]]).await;
    assert_eq!(all[0]["name"], "build");
    let cancelled = bench.json(&["cancel", &run]).await;
    assert_eq!(cancelled["cancelled"][0], all[0]["id"]);
    assert!(bench.ok(&["cancel", &run]).await.contains("had ended already"));
    assert!(bench.ok(&["host", "drain", "host-1"]).await.contains("takes no more jobs"));
    assert_eq!(bench.json(&["hosts"]).await[0]["draining"], true);
    assert!(bench.ok(&["host", "undrain", "host-1"]).await.contains("takes jobs again"));
    let secret = bench.ok(&["tokens", "create", "bob", "--role", "reader"]).await;
    assert!(secret.trim().len() > 20 && secret.ends_with('\n'));
    assert_eq!(bench.json(&["tokens", "revoke", "bob"]).await["revoked"], "bob");
    let started = bench.json(&["trigger", "ada/engine", "--ref", "main"]).await;
    assert_eq!(started[0]["event"], "manual");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_with_its_remedy() {
    let bench = bench().await;
    for (arguments, code, text) in [
        (vec!["run", "show", "xyz"], 2, "at least the last 8 digits"),
        (vec!["run", "show", "00000000"], 2, "give the whole id"),
        (vec!["job", "show", "00000000-0000-7000-8000-000000000000"], 2, "there is no such job"),
        (vec!["trigger", "nobody/nothing"], 2, "nobody/nothing"),
        (vec!["host", "drain", "nowhere"], 2, "there is no such host"),
        (vec!["tokens", "revoke", "nobody"], 2, "there is no such token"),
        (vec!["logs"], 2, "<JOB>"),
    ] {
        let said = bench.ciadm(&arguments).await;
        assert_eq!(said.code, code, "{arguments:?}: {}", said.err);
        assert!(said.err.contains(text), "{arguments:?}: {}", said.err);
    }
    let mut reader = bench.command(&["tokens", "list"]);
    reader.env("SOLSTICE_URL", bench.url()).env("SOLSTICE_TOKEN", bench.token("reader"));
    let said = crate::bench::said(reader.output().await.unwrap());
    assert_eq!(said.code, 3);
    assert!(
        said.err.contains("needs the role admin") && said.err.contains("hint:"),
        "{}",
        said.err
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_kept_with_its_token_and_forgotten() {
    let bench = bench().await;
    let file = bench.home.path().join("token");
    std::fs::write(&file, bench.token("operator")).unwrap();
    let open = |mode| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let url = bench.url();
    let login = ["login", &url, "--token-file", file.to_str().unwrap()];
    open(0o644);
    let said = crate::bench::said(bench.command(&login).output().await.unwrap());
    assert!(said.code == 2 && said.err.contains("chmod 600"), "{}", said.err);
    open(0o600);
    let said = crate::bench::said(bench.command(&login).output().await.unwrap());
    assert_eq!(said.code, 0, "{}", said.err);
    golden("login", &masked(&bench, &said.out, &[]));
    let said = crate::bench::said(bench.command(&["whoami"]).output().await.unwrap());
    assert!(said.out.contains("role operator"), "{said:?}");
    let said = crate::bench::said(bench.command(&["logout"]).output().await.unwrap());
    assert!(said.out.contains("is forgotten"), "{said:?}");
    let said = crate::bench::said(bench.command(&["whoami"]).output().await.unwrap());
    assert!(said.code == 2 && said.err.contains("ciadm login URL"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn shells_can_complete_it() {
    let bench = bench().await;
    for shell in ["bash", "zsh", "fish"] {
        assert!(bench.ok(&["completions", shell]).await.contains("ciadm"), "{shell}");
    }
}
