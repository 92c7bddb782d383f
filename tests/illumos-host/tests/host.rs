#![allow(clippy::unwrap_used)] // These are tests, and their helpers too.
//! The host itself: what is in it, what it leaves behind, and that its commands
//! may be called at the same time.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;

use camino::{Utf8Path, Utf8PathBuf};
use illumos_host::command::PROGRAMS;
use illumos_host::command::rbac::{CALLER_VARIABLE, Caller};
use illumos_host::{World, enter, faults};

fn root(program: &str, arguments: &str) -> Command {
    let dir = illumos_host::state_dir();
    let caller = World::with(dir, |world| Caller::root(world).variable()).unwrap();
    let mut command = Command::new(program);
    command.args(arguments.split(' ')).env(CALLER_VARIABLE, caller);
    command
}

fn zfs(arguments: &str) -> bool {
    root("/sbin/zfs", arguments).stderr(Stdio::null()).status().unwrap().success()
}

fn state() -> (tempfile::TempDir, Utf8PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = Utf8PathBuf::from_path_buf(dir.path().to_owned()).unwrap();
    (dir, path)
}

/// Runs a script of sh in the host of `dir`.
fn script(dir: &Utf8Path, text: &str) -> std::process::Output {
    enter::command(dir, &["sh", "-c", text]).output().unwrap()
}

#[test]
fn the_programs_are_at_their_true_paths() {
    let Some(_host) = enter::this_test("the_programs_are_at_their_true_paths") else { return };
    let simulator = fs::metadata("/usr/lib/illumos-host/program").unwrap();
    for (path, _) in PROGRAMS {
        let found = fs::metadata(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(found.len(), simulator.len(), "{path}");
    }
    assert!(Command::new("/usr/bin/true").status().unwrap().success());
}

#[test]
fn the_host_has_what_guests_and_tests_need() {
    let Some(_host) = enter::this_test("the_host_has_what_guests_and_tests_need") else { return };
    for path in ["/dev/null", "/dev/urandom", "/dev/net/tun", "/dev/shm", "/dev/pts", "/dev/ptmx"] {
        assert!(Utf8Path::new(path).exists(), "{path}");
    }
    let loopback = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = loopback.local_addr().unwrap().port();
    std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    fs::write("/etc/zones/index", "global:installed:/\n").unwrap();
    fs::create_dir("/somewhere").unwrap();
}

#[test]
fn nothing_is_left_on_the_machine_but_the_state() {
    let (_keep, dir) = state();
    let before = fs::read_dir("/").unwrap().count();
    let made = script(&dir, "mkdir /left; touch /etc/left /usr/left /run/left /etc/zones/kept");
    assert!(made.status.success(), "{made:?}");
    assert_eq!(fs::read_dir("/").unwrap().count(), before);
    for path in ["/etc/left", "/usr/left", "/run/left", "/etc/zones", "/run/illumos-host"] {
        assert!(!Utf8Path::new(path).exists(), "{path}");
    }
    assert!(dir.join("zones/kept").exists());
}

#[test]
fn who_enters_again_finds_the_same_world_and_data() {
    let (_keep, dir) = state();
    let first = script(
        &dir,
        "illumos-host as-root zfs create -s -V 1M rpool/v && echo data > /dev/zvol/rdsk/rpool/v &&
         echo file > /solstice/zones/file && echo zone > /etc/zones/z.xml",
    );
    assert!(first.status.success(), "{first:?}");
    let again = script(
        &dir,
        "zfs list -H -o name rpool/v; head -n 1 /dev/zvol/dsk/rpool/v; cat /solstice/zones/file \
         /etc/zones/z.xml",
    );
    assert_eq!(String::from_utf8_lossy(&again.stdout), "rpool/v\ndata\nfile\nzone\n");
}

#[test]
fn what_is_left_running_ends_with_the_command() {
    let (_keep, dir) = state();
    let held = dir.join("held");
    fs::write(&held, "").unwrap();
    let text = "setsid sleep 1000 < /run/illumos-host/held & sleep 0; exit 3";
    assert_eq!(script(&dir, text).status.code(), Some(3));
    let open = fs::read_dir("/proc").unwrap().filter_map(|process| {
        let descriptor = process.ok()?.path().join("fd/0");
        fs::read_link(descriptor).ok().filter(|path| path.ends_with("held"))
    });
    assert_eq!(open.count(), 0);
}

#[test]
fn a_signal_ends_the_command_and_the_exit_code_tells() {
    let (_keep, dir) = state();
    let text = "trap 'exit 5' TERM; echo ready; sleep 1000 & wait";
    let mut host = enter::command(&dir, &["sh", "-c", text]);
    let mut host = host.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = std::io::BufReader::new(host.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut stdout, &mut String::new()).unwrap();
    let pid = rustix::process::Pid::from_child(&host);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(host.wait().unwrap().code(), Some(5));
    assert_eq!(script(&dir, "kill -9 $$").status.code(), Some(128 + 9));
}

#[test]
fn commands_at_the_same_time_do_not_lose_each_others_work() {
    let name = "commands_at_the_same_time_do_not_lose_each_others_work";
    let Some(_host) = enter::this_test(name) else { return };
    assert!(zfs("create -s -V 64M rpool/g") && zfs("snapshot rpool/g@s"));
    let clones: Vec<_> = (0..8)
        .map(|n| thread::spawn(move || zfs(&format!("clone rpool/g@s rpool/c{n}"))))
        .collect();
    assert!(clones.into_iter().all(|clone| clone.join().unwrap()));
    // Of those who want one name, one gets it.
    let racing: Vec<_> =
        (0..4).map(|_| thread::spawn(|| zfs("clone rpool/g@s rpool/one"))).collect();
    let won = racing.into_iter().map(|clone| clone.join().unwrap());
    assert_eq!(won.filter(|won| *won).count(), 1);
    let listed = root("/sbin/zfs", "list -H -o name -t volume -r rpool").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 10);
}

#[test]
fn faults_strike_the_real_programs_and_the_journal_tells() {
    let name = "faults_strike_the_real_programs_and_the_journal_tells";
    let Some(host) = enter::this_test(name) else { return };
    let kill = r#"{"program": "zfs", "arguments": ["create"], "what": {"kind": "kill_after"}}"#;
    faults::inject(&host, &serde_json::from_str(kill).unwrap()).unwrap();
    // It did all it should, and nobody heard of it.
    let killed = root("/sbin/zfs", "create -s -V 1M rpool/v").status().unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&killed), Some(9));
    assert!(zfs("list rpool/v"));
    let codes: Vec<_> = faults::journal(&host).unwrap().iter().map(|call| call.code).collect();
    assert_eq!(codes, [None, Some(0)]);
}
