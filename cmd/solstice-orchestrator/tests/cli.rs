//! The program as people meet it: exit statuses, and errors that say what to do.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use solstice_model::Sha256Digest;

/// A directory with everything that a good configuration names.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap() };
        place.write("host.token", "sol_abc\n", 0o600);
        place.write("disk.qcow2", "golden", 0o644);
        let lock = serde_json::json!({
            "name": "tiny",
            "files": {"disk": {
                "path": "disk.qcow2", "sha256": Sha256Digest::of(b"golden"), "bytes": 6,
                "format": "raw", "virtual_bytes": 6,
            }},
            "boot": {"kind": "direct_kernel", "cmdline": ""},
        });
        place.write("image.lock", &lock.to_string(), 0o644);
        // As much of QEMU as is asked before the first machine.
        for name in ["qemu", "qemu-img"] {
            let script = "#!/bin/sh\necho QEMU emulator version 10.0.2\n";
            place.write(name, script, 0o755);
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, content: &str, mode: u32) {
        std::fs::write(self.path(name), content).unwrap();
        std::fs::set_permissions(self.path(name), PermissionsExt::from_mode(mode)).unwrap();
    }

    /// Writes a good configuration with one thing changed, and uses it.
    fn with(&self, verb: &str, from: &str, to: &str) -> Output {
        let root = self.directory.path().display();
        let good = format!(
            r#"orchestrator {{
                host "laptop"
                server "http://127.0.0.1:1"
                token_file "host.token"
                data "data"
                agent_listen "127.0.0.1:0"
                capacity 2
                hypervisor "qemu" accelerator="tcg" network="user" qemu="{root}/qemu" qemu_img="{root}/qemu-img"
                size "small" cpus=1 memory="64MiB" disk="1GiB"
                image "tiny" {{ lock "image.lock"; size "small"; }}
            }}"#
        );
        let text = good.replace(from, to);
        assert!(from.is_empty() || text != good, "{from:?} is not in the configuration");
        self.write("orchestrator.kdl", &text, 0o644);
        run(&[verb, "--config", self.path("orchestrator.kdl").to_str().unwrap()])
    }
}

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_solstice-orchestrator"))
        .args(args)
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap()
}

/// What was printed, on one line, however it was wrapped.
fn text(output: &Output) -> String {
    let all = [output.stdout.as_slice(), &output.stderr].concat();
    let text = String::from_utf8(all).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn refused(output: &Output, status: i32, words: &[&str]) {
    let text = text(output);
    assert_eq!(output.status.code(), Some(status), "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in: {text}");
    }
    assert!(!text.contains("sol_abc"), "{text}");
}

#[test]
fn the_command_line_explains_itself() {
    refused(&run(&[]), 2, &["Usage", "run", "check"]);
    refused(&run(&["--help"]), 0, &["Claim jobs"]);
    assert!(!text(&run(&["--help"])).contains("guest-relay"), "it is not for people");
    refused(&run(&["run", "--help"]), 0, &["/etc/solstice/orchestrator.kdl", "SIGUSR1"]);
}

#[test]
fn a_wrong_configuration_is_shown_at_its_place() {
    refused(&run(&["run", "--config", "/nonexistent.kdl"]), 2, &["/nonexistent.kdl", "--config"]);
    let place = Place::new();
    let wrong = place.with("run", "capacity 2", "capacty 2");
    refused(&wrong, 2, &["capacty", "did you mean `capacity`?"]);
}

#[test]
fn an_open_token_file_is_refused_with_the_remedy() {
    let place = Place::new();
    place.write("host.token", "sol_abc", 0o644);
    refused(&place.with("run", "", ""), 2, &["host.token", "chmod 600"]);
    std::fs::remove_file(place.path("host.token")).unwrap();
    refused(&place.with("run", "", ""), 2, &["cannot read the token file", "host.token"]);
}

#[test]
fn a_forged_image_is_refused_with_both_digests() {
    let place = Place::new();
    place.write("disk.qcow2", "forged", 0o644);
    let (found, locked) = (Sha256Digest::of(b"forged"), Sha256Digest::of(b"golden"));
    for verb in ["run", "check"] {
        let words = ["image tiny", "disk.qcow2", &found.to_string(), &locked.to_string()];
        refused(&place.with(verb, "", ""), 2, &words[1..]);
    }
    let other = place.with("run", "image \"tiny\"", "image \"huge\"");
    refused(&other, 2, &["the image huge has a lock that says tiny"]);
}

#[test]
fn a_missing_hypervisor_is_named_with_the_remedy() {
    let place = Place::new();
    std::fs::remove_file(place.path("qemu")).unwrap();
    refused(&place.with("run", "", ""), 3, &["cannot find the program", "apt-get install"]);
}

#[test]
fn a_taken_port_and_a_directory_of_somebody_else_are_named() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = place.with("run", "127.0.0.1:0", &address);
    refused(&output, 3, &["cannot listen on", &address, "agent_listen"]);
    let output = place.with("run", "data \"data\"", "data \"/proc/solstice\"");
    refused(&output, 3, &["cannot write /proc/solstice", "chown"]);
}

/// Answers every request with 401, like a server that does not know the token.
fn refusing_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            refuse(stream);
        }
    });
    format!("http://{address}")
}

fn refuse(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    let mut length = 0;
    while reader.read_line(&mut line).is_ok_and(|n| n > 2) {
        let header = line.to_ascii_lowercase();
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    std::io::copy(&mut std::io::Read::take(reader, length), &mut std::io::sink()).unwrap();
    let body = r#"{"request_id":"1","message":"no such token"}"#;
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .unwrap();
}

#[test]
fn a_token_that_the_server_refuses_is_named_by_its_file() {
    let place = Place::new();
    for verb in ["run", "check"] {
        let output = place.with(verb, "http://127.0.0.1:1", &refusing_server());
        refused(
            &output,
            3,
            &["host.token", "no such token", "token create --role host --name laptop"],
        );
    }
}

#[test]
fn a_check_prints_a_row_for_each_thing() {
    let place = Place::new();
    let output = place.with("check", "", "");
    // All is well but the server, which is not there.
    let words = ["image tiny ok", "git ok", "hypervisor ok qemu, tcg", "server WRONG"];
    refused(&output, 3, &words);
    assert!(!Path::new(&place.path("data/agent-endpoint")).exists());
}
