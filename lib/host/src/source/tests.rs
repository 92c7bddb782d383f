//! Real repositories through the whole store.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::process::Command;
use std::time::{Duration, SystemTime};

use camino::Utf8PathBuf;
use slog::{Discard, Logger, o};

use super::*;

/// A directory with repositories, and a store that may fetch from it.
struct World {
    root: Utf8PathBuf,
    settings: SourceSettings,
    _dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(dir.path().canonicalize().unwrap()).unwrap();
        let settings = SourceSettings {
            git: "git".into(),
            allow_file: true,
            fetch_timeout: Duration::from_secs(60),
            max_size: 64 << 20,
            cache: 64 << 20,
            mirrors: 1 << 30,
        };
        Self { root, settings, _dir: dir }
    }

    fn store(&self) -> Arc<SourceStore> {
        let log = Logger::root(Discard, o!());
        SourceStore::open(&self.root.join("data"), &self.settings, log).unwrap()
    }

    /// A new repository.
    fn repository(&self, name: &str) -> Repository {
        let path = self.root.join(name);
        fs::create_dir_all(&path).unwrap();
        let repository = Repository { path };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    fn mirror_folders(&self) -> Vec<Utf8PathBuf> {
        let entries = self.root.join("data/mirrors").read_dir_utf8().unwrap();
        let all = entries.map(|entry| entry.unwrap().into_path());
        all.filter(|path| path.extension() == Some("git")).collect()
    }
}

struct Repository {
    path: Utf8PathBuf,
}

impl Repository {
    fn git(&self, args: &[&str]) -> String {
        let output = Command::new("git")
            .arg("-C")
            .arg(&self.path)
            .args(["-c", "user.name=T", "-c", "user.email=t@example.org"])
            .args(["-c", "protocol.file.allow=always", "-c", "commit.gpgsign=false"])
            .args(args)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn write(&self, file: &str, content: &str) {
        let path = self.path.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Commits all that is there.
    fn commit(&self) -> CommitSha {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message=change"]);
        self.git(&["rev-parse", "HEAD"]).parse().unwrap()
    }

    fn url(&self) -> Url {
        Url::from_file_path(&self.path).unwrap()
    }

    fn source(&self, commit: &CommitSha) -> Source {
        Source {
            repository: "o/r".parse().unwrap(),
            clone_url: self.url(),
            commit: commit.clone(),
            git_ref: "refs/heads/main".parse().unwrap(),
        }
    }
}

/// What a guest gets: every file with its content.
fn unpack(prepared: &Prepared) -> BTreeMap<String, String> {
    use std::io::Seek as _;
    let mut file = prepared.file.try_clone().unwrap();
    file.rewind().unwrap();
    let mut archive = tar::Archive::new(zstd::Decoder::new(file).unwrap());
    archive.set_ignore_zeros(true);
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().unwrap().to_str().unwrap().to_owned();
        let mut content = String::new();
        entry.read_to_string(&mut content).unwrap();
        files.insert(path, content);
    }
    files
}

#[tokio::test]
async fn the_tree_of_exactly_the_commit_is_packed() {
    let world = World::new();
    let repository = world.repository("a");
    repository.write("src/main.c", "one");
    let first = repository.commit();
    repository.write("src/main.c", "two");
    repository.commit();
    let prepared = world.store().prepare(&repository.source(&first), None, |_| ()).await.unwrap();
    assert_eq!(unpack(&prepared), BTreeMap::from([("src/main.c".into(), "one".into())]));
    assert_eq!(prepared.bytes, prepared.file.metadata().unwrap().len());
    let names: Vec<_> = prepared.phases().into_iter().map(|phase| phase.name).collect();
    assert_eq!(names, ["fetch", "archive"]);
}

#[tokio::test]
async fn attributes_of_the_change_do_not_alter_what_is_packed() {
    let world = World::new();
    let repository = world.repository("a");
    repository
        .write(".gitattributes", "secret export-ignore\nsub/ export-ignore\nid export-subst\n");
    repository.write("secret", "kept");
    repository.write("sub/x", "kept too");
    repository.write("sub/.gitattributes", "x export-ignore\n");
    repository.write("id", "$Format:%H$");
    let commit = repository.commit();
    let files =
        unpack(&world.store().prepare(&repository.source(&commit), None, |_| ()).await.unwrap());
    assert_eq!(files["secret"], "kept");
    assert_eq!(files["sub/x"], "kept too");
    assert_eq!(files["id"], "$Format:%H$");
}

#[tokio::test]
async fn a_second_job_needs_neither_forge_nor_git() {
    let world = World::new();
    let repository = world.repository("a");
    repository.write("f", "x");
    let source = repository.source(&repository.commit());
    let store = world.store();
    let (one, two) =
        tokio::join!(store.prepare(&source, None, |_| ()), store.prepare(&source, None, |_| ()));
    let fetched = [one.unwrap(), two.unwrap()].iter().filter(|it| it.archive_ms > 0).count();
    assert!(fetched <= 1, "the jobs of one commit share the work");
    fs::remove_dir_all(&repository.path).unwrap();
    fs::remove_dir_all(world.root.join("data/mirrors")).unwrap();
    assert_eq!(unpack(&store.prepare(&source, None, |_| ()).await.unwrap())["f"], "x");
}

#[tokio::test]
async fn an_archive_stays_readable_when_the_cache_drops_it() {
    let mut world = World::new();
    world.settings.cache = 0;
    let repository = world.repository("a");
    repository.write("f", "x");
    let source = repository.source(&repository.commit());
    let prepared = world.store().prepare(&source, None, |_| ()).await.unwrap();
    assert_eq!(fs::read_dir(world.root.join("data/sources")).unwrap().count(), 0);
    assert_eq!(unpack(&prepared)["f"], "x");
}

#[tokio::test]
async fn submodules_are_packed_in_their_places_at_their_commits() {
    let world = World::new();
    let deep = world.repository("deep");
    deep.write("d", "deep");
    deep.commit();
    let lib = world.repository("libs/lib");
    lib.write("l", "old");
    lib.git(&["submodule", "--quiet", "add", "../../deep", "inner/deep"]);
    lib.commit();
    let app = world.repository("app");
    app.write("a", "app");
    app.git(&["submodule", "--quiet", "add", "../libs/lib", "deps/lib"]);
    app.git(&["submodule", "--quiet", "add", "--name", "skipped", "../deep", "skipped"]);
    app.git(&["config", "--file=.gitmodules", "submodule.skipped.update", "none"]);
    let commit = app.commit();
    lib.write("l", "new");
    lib.commit();
    let files = unpack(&world.store().prepare(&app.source(&commit), None, |_| ()).await.unwrap());
    let names: Vec<_> = files.keys().map(String::as_str).collect();
    let expected = [".gitmodules", "a", "deps/lib/.gitmodules", "deps/lib/inner/deep/d"];
    assert_eq!(names[..4], expected);
    assert_eq!(files["deps/lib/l"], "old", "the recorded commit, not the newest");
    assert!(!names.iter().any(|name| name.starts_with("skipped")));
}

#[tokio::test]
async fn a_repository_that_contains_itself_ends() {
    let world = World::new();
    let app = world.repository("app");
    app.write("a", "1");
    let mut commit = app.commit();
    // Each commit has the one before as a submodule.
    app.write(".gitmodules", "[submodule \"me\"]\npath = me\nurl = ../app\n");
    for _ in 0..12 {
        app.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{commit},me")]);
        app.git(&["add", ".gitmodules"]);
        app.git(&["commit", "--quiet", "--message=again"]);
        commit = app.git(&["rev-parse", "HEAD"]).parse().unwrap();
    }
    let refused =
        world.store().prepare(&app.source(&commit), None, |_| ()).await.unwrap_err().to_string();
    assert!(refused.contains("nested more than 10 deep"), "{refused}");
}

#[tokio::test]
async fn submodules_that_lead_elsewhere_are_refused() {
    let world = World::new();
    for (path, url, why) in [
        ("../out", "../b", "not a plain relative path"),
        (".git/hooks", "../b", ".git"),
        ("ok", "git@forge.org:a/b", "not an http(s) or relative"),
        ("ok", "../../../../../../../../../b", "above the root"),
    ] {
        let app = world.repository(&format!("app{}", fs::read_dir(&world.root).unwrap().count()));
        let modules = format!("[submodule \"m\"]\npath = {path}\nurl = {url}\n");
        app.write(".gitmodules", &modules);
        let gitlink = format!("160000,{},ok", "1".repeat(40));
        app.git(&["update-index", "--add", "--cacheinfo", &gitlink]);
        app.git(&["add", ".gitmodules"]);
        app.git(&["commit", "--quiet", "--message=bad"]);
        let commit = app.git(&["rev-parse", "HEAD"]).parse().unwrap();
        let refused = world.store().prepare(&app.source(&commit), None, |_| ()).await.unwrap_err();
        assert!(chain(&refused).contains(why), "{path} {url}: {}", chain(&refused));
    }
    assert!(!world.root.join("data/out").exists());
}

#[tokio::test]
async fn a_commit_that_the_forge_lacks_is_said_to_be_missing() {
    let world = World::new();
    let repository = world.repository("a");
    repository.commit();
    let source = repository.source(&"1".repeat(40).parse().unwrap());
    let error = world.store().prepare(&source, None, |_| ()).await.unwrap_err();
    let SourceError::NoCommit { said, .. } = &error else { panic!("{error:?}") };
    assert!(said.contains("not our ref"), "{said}");
}

/// A Git whose server refuses to give out single commits.
fn picky_git(world: &World) -> std::path::PathBuf {
    let path = world.root.join("picky-git");
    let script = r#"#!/bin/sh
case "$*" in *--depth=1*)
    echo 'error: Server does not allow request for unadvertised object' >&2; exit 128 ;;
esac
exec git "$@"
"#;
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    path.into_std_path_buf()
}

#[tokio::test]
async fn a_server_that_gives_out_no_single_commits_is_fetched_whole() {
    let mut world = World::new();
    world.settings.git = picky_git(&world);
    let repository = world.repository("a");
    repository.write("f", "first");
    let first = repository.commit();
    repository.write("f", "second");
    repository.commit();
    let store = world.store();
    let prepared = store.prepare(&repository.source(&first), None, |_| ()).await.unwrap();
    assert_eq!(unpack(&prepared)["f"], "first", "not the tip of any branch");
    let missing = repository.source(&"1".repeat(40).parse().unwrap());
    let error = store.prepare(&missing, None, |_| ()).await.unwrap_err();
    assert!(matches!(error, SourceError::NoCommit { .. }), "{error:?}");
}

#[tokio::test]
async fn an_unreachable_forge_is_named_with_gits_own_words() {
    let world = World::new();
    let mut source = crate::testing::assignment().source;
    source.clone_url = "http://me:hunter2@127.0.0.1:1/a.git".parse().unwrap();
    let error = chain(&world.store().prepare(&source, None, |_| ()).await.unwrap_err());
    assert!(error.contains("http://127.0.0.1:1/a.git"), "{error}");
    assert!(error.to_lowercase().contains("connect"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn only_allowed_addresses_are_fetched() {
    let mut world = World::new();
    world.settings.allow_file = false;
    let repository = world.repository("a");
    let mut source = repository.source(&repository.commit());
    let refused = world.store().prepare(&source, None, |_| ()).await.unwrap_err().to_string();
    assert!(refused.contains("allow \"file\""), "{refused}");
    for url in ["ssh://forge.org/a", "ext::sh", "git://forge.org/a"] {
        source.clone_url = url.parse().unwrap();
        let refused = world.store().prepare(&source, None, |_| ()).await.unwrap_err();
        assert!(matches!(refused, SourceError::Address { .. }), "{url}");
    }
}

#[tokio::test]
async fn a_tree_that_is_too_large_is_refused() {
    let mut world = World::new();
    world.settings.max_size = 100_000;
    let repository = world.repository("a");
    repository.write("big", &"x".repeat(200_000));
    let source = repository.source(&repository.commit());
    let refused = world.store().prepare(&source, None, |_| ()).await.unwrap_err();
    assert!(matches!(refused, SourceError::TooLarge { what: "the tree", .. }), "{refused:?}");
    assert_eq!(fs::read_dir(world.root.join("data/sources")).unwrap().count(), 0);
}

#[tokio::test]
async fn what_a_killed_git_left_does_not_stop_the_next() {
    let world = World::new();
    let repository = world.repository("a");
    repository.write("f", "1");
    let first = repository.commit();
    world.store().prepare(&repository.source(&first), None, |_| ()).await.unwrap();
    let mirror = world.mirror_folders().remove(0);
    for left in ["shallow.lock", "packed-refs.lock", "objects/pack/tmp_pack_x"] {
        fs::write(mirror.join(left), "").unwrap();
    }
    fs::create_dir_all(mirror.join("refs/solstice")).unwrap();
    repository.write("f", "2");
    let second = repository.commit();
    fs::write(mirror.join(format!("refs/solstice/{second}.lock")), "").unwrap();
    // A mirror that was being made.
    fs::create_dir(mirror.with_extension("new")).unwrap();
    let prepared = world.store().prepare(&repository.source(&second), None, |_| ()).await.unwrap();
    assert_eq!(unpack(&prepared)["f"], "2");
    assert!(!mirror.join("objects/pack/tmp_pack_x").exists());
    // A mirror whose making was cut short.
    fs::remove_file(mirror.join("HEAD")).unwrap();
    let third = repository.commit();
    world.store().prepare(&repository.source(&third), None, |_| ()).await.unwrap();
}

#[tokio::test]
async fn a_git_that_outlived_its_orchestrator_is_waited_for_but_not_for_ever() {
    let mut world = World::new();
    let repository = world.repository("a");
    world.store().prepare(&repository.source(&repository.commit()), None, |_| ()).await.unwrap();
    repository.write("f", "x");
    let source = repository.source(&repository.commit());
    let lock = world.mirror_folders().remove(0).with_extension("lock");
    let held = fs::File::options().append(true).open(&lock).unwrap();
    held.lock().unwrap();
    world.settings.fetch_timeout = Duration::from_millis(50);
    let refused = world.store().prepare(&source, None, |_| ()).await.unwrap_err();
    assert!(matches!(refused, SourceError::Busy { .. }), "{refused:?}");
    world.settings.fetch_timeout = Duration::from_secs(60);
    let store = world.store();
    let (prepared, ()) = tokio::join!(store.prepare(&source, None, |_| ()), async { drop(held) });
    assert_eq!(unpack(&prepared.unwrap())["f"], "x");
}

#[tokio::test]
async fn a_running_git_holds_the_lock_of_its_mirror() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lock");
    let open = || fs::File::options().read(true).append(true).create(true).open(&path).unwrap();
    let lock = open();
    lock.try_lock().unwrap();
    let waits = solstice_exec::Command::new("sh").args(["-c", "read line <&3"]);
    let waits = git::holding(waits, &lock).unwrap();
    drop(lock);
    assert!(open().try_lock().is_err(), "the command has it, running or not");
    drop(waits);
    open().try_lock().unwrap();
}

#[tokio::test]
async fn a_mirror_notes_when_it_was_used() {
    let world = World::new();
    let repository = world.repository("a");
    let store = world.store();
    store.prepare(&repository.source(&repository.commit()), None, |_| ()).await.unwrap();
    let lock = world.mirror_folders().remove(0).with_extension("lock");
    let old = SystemTime::now() - Duration::from_secs(9_000);
    fs::File::options().append(true).open(&lock).unwrap().set_modified(old).unwrap();
    repository.write("f", "x");
    store.prepare(&repository.source(&repository.commit()), None, |_| ()).await.unwrap();
    let used = fs::metadata(&lock).unwrap().modified().unwrap();
    assert!(used > old + Duration::from_secs(1_000));
    store.tidy().await;
    assert_eq!(world.mirror_folders().len(), 1);
}

#[test]
fn addresses_are_shown_without_credentials() {
    let url: Url = "https://me:hunter2@forge.org/a".parse().unwrap();
    assert_eq!(shown(&url), "https://forge.org/a");
    assert_eq!(shown(&"file:///a".parse().unwrap()), "file:///a");
}
