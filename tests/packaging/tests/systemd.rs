//! The units keep systemd's own rules, and ours: machines outlive their
//! orchestrator, and the server, which strangers talk to, holds no privilege.

use std::path::{Path, PathBuf};
use std::process::Command;

/// How exposed a unit may be, in tenths (systemd-analyze(1), `security`).
const EXPOSURE: [(&str, &str); 2] = [("solstice-server", "20"), ("solstice-orchestrator", "50")];

fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().nth(2).expect("two folders below the root");
    root.join("manifests/systemd")
}

fn unit(name: &str) -> String {
    let path = folder().join(format!("{name}.service"));
    std::fs::read_to_string(&path).expect("the unit is there")
}

/// Runs `systemd-analyze` on a text of a unit whose programs are there.
fn analyze(name: &str, text: &str, arguments: &[&str]) -> Result<(), String> {
    let keep = tempfile::tempdir().expect("a folder");
    let path = keep.path().join(format!("{name}.service"));
    // The programs are not installed on the computer that tests.
    let text = text.replace(&format!("/usr/local/bin/{name}"), "/bin/true");
    std::fs::write(&path, text).expect("the folder is ours");
    let output = Command::new("systemd-analyze").args(arguments).arg(&path).output();
    let output = output.expect("systemd-analyze runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() && said.is_empty() { Ok(()) } else { Err(said) }
}

fn verify(name: &str, text: &str) -> Result<(), String> {
    analyze(name, text, &["verify", "--man=no", "--recursive-errors=no"])
}

#[test]
fn systemd_takes_the_units() {
    for (name, _) in EXPOSURE {
        assert_eq!(verify(name, &unit(name)), Ok(()), "{name}");
    }
}

#[test]
fn systemd_would_have_said_what_is_wrong() {
    let wrong = unit("solstice-server").replace("Restart=on-failure", "Restart=perhaps");
    assert!(verify("solstice-server", &wrong).unwrap_err().contains("perhaps"));
}

#[test]
fn the_units_are_not_more_exposed_than_they_must_be() {
    for (name, most) in EXPOSURE {
        let arguments = ["security", "--offline=yes", "--no-pager", "--threshold", most];
        assert_eq!(analyze(name, &unit(name), &arguments), Ok(()), "{name}");
    }
    let open = unit("solstice-server").replace("CapabilityBoundingSet=\n", "");
    let open = open.replace("PrivateDevices=yes\n", "").replace("ProtectSystem=strict\n", "");
    let arguments = ["security", "--offline=yes", "--no-pager", "--threshold", "20"];
    assert!(analyze("solstice-server", &open, &arguments).is_err());
}

#[test]
fn machines_outlive_their_orchestrator() {
    assert!(unit("solstice-orchestrator").contains("\nKillMode=process\n"));
}
