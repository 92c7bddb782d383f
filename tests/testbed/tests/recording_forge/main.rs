//! The recording forge plays its part: clients that know nothing of it, Git
//! above all, get along with it as with a real one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod payload;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;
use solstice_model::{CommitSha, GitRef, RepoName};
use solstice_testbed::forge::{Entry, Fault, Options, RecordingForge, SubmoduleFate};

const LIMIT: Duration = Duration::from_secs(20);

struct World {
    forge: RecordingForge,
    directory: Utf8PathBuf,
    _keep: tempfile::TempDir,
}

async fn world(options: Options) -> World {
    let keep = tempfile::tempdir().unwrap();
    let directory = Utf8Path::from_path(keep.path()).unwrap().to_owned();
    let forge = RecordingForge::start_with(&directory.join("forge"), options).await.unwrap();
    forge.create_repository(&widgets()).await.unwrap();
    World { forge, directory, _keep: keep }
}

fn widgets() -> RepoName {
    "alice/widgets".parse().unwrap()
}

fn main_branch() -> GitRef {
    "refs/heads/main".parse().unwrap()
}

impl World {
    async fn commit(&self, message: &str, files: &[(&str, Entry)]) -> CommitSha {
        let repositories = self.forge.repositories();
        repositories.commit(&widgets(), &main_branch(), message, files).await.unwrap()
    }

    async fn status(&self, commit: &CommitSha, state: &str) -> u16 {
        post(self.forge.base_url().as_str(), self.forge.token(), commit, state).await
    }
}

async fn post(base_url: &str, token: &str, commit: &CommitSha, state: &str) -> u16 {
    let url = format!("{base_url}api/v1/repos/alice/widgets/statuses/{commit}");
    let body = serde_json::json!({ "state": state, "context": "ci" });
    let request = reqwest::Client::new().post(url).json(&body);
    request.header("authorization", format!("token {token}")).send().await.unwrap().status().into()
}

/// Runs Git without the configuration of whoever runs the tests.
async fn git(directory: &Utf8Path, arguments: &[&str]) -> Result<String, String> {
    let output = tokio::process::Command::new("git")
        .current_dir(directory)
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) }
}

#[tokio::test]
async fn git_clones_and_fetches_any_commit_by_its_id() {
    let world = world(Options::default()).await;
    let first = world.commit("First\n", &[("a", "1".into())]).await;
    let second = world.commit("Second\n", &[("a", "2".into()), ("b c", "3".into())]).await;
    let base = world.forge.base_url();
    for (protocol, url) in [(0, "alice/widgets.git"), (2, "alice/widgets")] {
        let clone = format!("clone{protocol}");
        let protocol = format!("protocol.version={protocol}");
        let url = base.join(url).unwrap();
        let arguments = ["-c", &protocol, "clone", "--quiet", "--depth=1", url.as_str(), &clone];
        git(&world.directory, &arguments).await.unwrap();
        let clone = world.directory.join(clone);
        assert_eq!(std::fs::read_to_string(clone.join("b c")).unwrap(), "3");
        let fetch = ["-c", &protocol, "fetch", "--quiet", "origin", first.as_str()];
        git(&clone, &fetch).await.unwrap();
        let log = git(&clone, &["log", "--format=%H %s", "FETCH_HEAD", "HEAD"]).await.unwrap();
        assert!(log.contains(&format!("{first} First")) && log.contains(second.as_str()), "{log}");
    }
}

#[tokio::test]
async fn nobody_pushes_over_http_and_a_guarded_forge_wants_its_token() {
    let world = world(Options { guarded: true, ..Options::default() }).await;
    world.commit("First\n", &[("a", "1".into())]).await;
    let directory = &world.directory;
    let clone = |url: String| async move { git(directory, &["clone", "--quiet", &url, "c"]).await };
    let url = world.forge.repositories().clone_url(&widgets());
    assert!(clone(url.clone().into()).await.is_err());
    let mut with_token = url;
    with_token.set_username(world.forge.token()).unwrap();
    clone(with_token.clone().into()).await.unwrap();
    let work = world.directory.join("c");
    let pushed = git(&work, &["push", "--quiet", with_token.as_str(), "HEAD:refs/heads/x"]).await;
    assert!(pushed.unwrap_err().contains("403"));
}

#[tokio::test]
async fn statuses_are_recorded_in_order_and_waited_for() {
    let world = world(Options::default()).await;
    let commit = world.commit("First\n", &[]).await;
    let forge = &world.forge;
    let waiting = forge.wait_for_status("ci", |status| status.state == "success", LIMIT);
    let telling = async {
        for state in ["pending", "success"] {
            assert_eq!(world.status(&commit, state).await, 201);
        }
    };
    let (status, ()) = tokio::join!(waiting, telling);
    assert_eq!(status.unwrap().id, 2);
    let states: Vec<_> = forge.statuses().into_iter().map(|status| status.state).collect();
    assert_eq!(states, ["pending", "success"]);
    assert_eq!(forge.newest_statuses(commit.as_str()).len(), 1);
    let soon = Duration::from_millis(10);
    let late = forge.wait_for_status("other", |_| true, soon).await.unwrap_err();
    assert!(late.to_string().contains("pending"), "{late}");
}

#[tokio::test]
async fn what_the_description_does_not_allow_is_refused_and_remembered() {
    let world = world(Options::default()).await;
    let commit = world.commit("First\n", &[]).await;
    let unknown: CommitSha = "7".repeat(40).parse().unwrap();
    assert_eq!(world.status(&commit, "running").await, 422);
    assert_eq!(world.status(&unknown, "success").await, 500);
    assert_eq!(post(world.forge.base_url().as_str(), "wrong", &commit, "success").await, 401);
    let violations = world.forge.violations();
    assert_eq!(violations.len(), 1);
    assert!(violations[0].violation.as_deref().unwrap().contains("running"), "{violations:?}");
    assert_eq!(world.forge.statuses(), []);
}

#[tokio::test]
async fn faults_come_in_the_order_in_which_they_were_ordered() {
    let world = world(Options::default()).await;
    let commit = world.commit("First\n", &[]).await;
    world.forge.fail_next(2, &Fault::Status(500));
    world.forge.fail_next(1, &Fault::Status(429));
    for status in [500, 500, 429, 201] {
        assert_eq!(world.status(&commit, "success").await, status);
    }
    world.forge.go_down().await;
    let url = world.forge.base_url().clone();
    assert!(reqwest::get(url.clone()).await.unwrap_err().is_connect());
    world.forge.come_up().await;
    assert_eq!(reqwest::get(url).await.unwrap().status(), 404);
}

#[tokio::test]
async fn a_repository_is_imported_with_the_submodules_beside_it() {
    let world = world(Options::default()).await;
    let other: RepoName = "alice/other".parse().unwrap();
    let repositories = world.forge.repositories();
    repositories.create(&other).await.unwrap();
    let inner = repositories.commit(&other, &main_branch(), "Inner\n", &[("x", "1".into())]).await;
    let inner = inner.unwrap();
    let modules = "[submodule \"a\"]\npath=a\nurl=../other.git\n\
                   [submodule \"b\"]\npath=b\nurl=https://example.org/b.git\n\
                   [submodule \"c\"]\npath=c\nurl=./deeper.git\n";
    world
        .commit("Outer\n", &[(".gitmodules", modules.into()), ("a", Entry::Submodule(inner))])
        .await;

    let target = RecordingForge::start(&world.directory.join("second")).await.unwrap();
    let source = repositories.clone_url(&widgets());
    let imported = target.import(source.as_str()).await.unwrap();
    assert_eq!(imported.name, widgets());
    let fates: Vec<_> = imported.also.iter().map(|submodule| &submodule.fate).collect();
    let from = repositories.clone_url(&other).into();
    assert_eq!(fates[0], &SubmoduleFate::Mirrored { from, to: other });
    assert!(matches!(fates[1..], [SubmoduleFate::Left(_), SubmoduleFate::Left(_)]), "{fates:?}");
    let url = target.repositories().clone_url(&widgets());
    git(&world.directory, &["clone", "--quiet", url.as_str(), "outer"]).await.unwrap();
    let outer = world.directory.join("outer");
    git(&outer, &["submodule", "--quiet", "update", "--init", "a"]).await.unwrap();
    assert_eq!(std::fs::read_to_string(outer.join("a/x")).unwrap(), "1");
    let pushed = target.push_payload_of_default_branch(&widgets()).await.unwrap();
    assert_eq!(pushed.git_ref, main_branch());
}

#[tokio::test]
async fn as_a_program_it_keeps_its_statuses_when_it_is_killed() {
    let world = world(Options::default()).await;
    let commit = world.commit("First\n", &[]).await;
    let file = |name: &str| world.directory.join(name);
    for count in 1..=2 {
        let mut program = Command::new(env!("CARGO_BIN_EXE_recording-forge"))
            .args(["--dir", world.forge.repositories().directory().as_str()])
            .args(["--token-file", file("token").as_str()])
            .args(["--statuses", file("statuses").as_str()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let token = std::fs::read_to_string(file("token")).unwrap();
        assert_eq!(post(address.trim(), token.trim(), &commit, "success").await, 201);
        program.kill().unwrap();
        program.wait().unwrap();
        let lines = std::fs::read_to_string(file("statuses")).unwrap();
        let ids: Vec<_> = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone())
            .collect();
        assert_eq!(ids.len(), count);
        assert_eq!(ids[count - 1], count);
    }
}
