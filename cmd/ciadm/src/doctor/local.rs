//! What is set up on this computer.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use solstice_config::{ConfigError, OrchestratorConfig, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::timeout;

use super::{Findings, disk};
use crate::output::cut;

/// A real guest boots within this time, also where it is emulated.
const CHECK_LIMIT: Duration = Duration::from_secs(300);

/// A listener on this computer takes a connection within this time.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// Looks at the server of this computer.
pub(super) async fn server(path: &Path, findings: &mut Findings) {
    let loaded = ServerConfig::load(path);
    let Some(config) = configuration("server configuration", path, loaded, findings) else {
        return;
    };
    disk::look("server disk", &config.data, findings);
    let listen = config.listen;
    for (name, address) in
        [("people", listen.people), ("webhooks", listen.webhooks), ("hosts", listen.hosts)]
    {
        port(&format!("port for {name}"), address, findings).await;
    }
}

/// Looks at the orchestrator of this computer.
pub(super) async fn orchestrator(path: &Path, findings: &mut Findings) {
    let loaded = OrchestratorConfig::load(path);
    let check = "orchestrator configuration";
    let Some(config) = configuration(check, path, loaded, findings) else { return };
    disk::look("orchestrator disk", &config.data, findings);
    machines(path, findings).await;
}

/// The configuration, if it is there and right.
fn configuration<T>(
    check: &str,
    path: &Path,
    loaded: Result<T, ConfigError>,
    findings: &mut Findings,
) -> Option<T> {
    match loaded {
        Ok(config) => {
            findings.ok(check, path.display().to_string());
            Some(config)
        }
        Err(ConfigError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            findings.skip(check, format!("none on this computer ({})", path.display()));
            None
        }
        Err(wrong) => {
            let program = if check.starts_with("server") { "server" } else { "orchestrator" };
            let remedy =
                format!("solstice-{program} check --config {} shows where", path.display());
            findings.fail(check, solstice_log::chain(&wrong), remedy);
            None
        }
    }
}

/// An address that a program of ours has, or could have.
async fn port(check: &str, address: SocketAddr, findings: &mut Findings) {
    if address.port() == 0 {
        return findings.skip(check, format!("{address}: any port"));
    }
    match TcpListener::bind(address).await {
        Ok(_) => {
            findings.warn(check, format!("{address}: nobody listens"), "start solstice-server")
        }
        Err(why) if why.kind() == std::io::ErrorKind::AddrInUse => {
            let reached = timeout(CONNECT_LIMIT, TcpStream::connect(address)).await;
            match reached {
                Ok(Ok(_)) => findings.ok(check, format!("{address}: somebody listens")),
                _ => findings.fail(
                    check,
                    format!("{address}: taken, but nobody answers"),
                    "is the server stuck, or is it another program's port?",
                ),
            }
        }
        Err(why) => findings.fail(
            check,
            format!("{address}: {why}"),
            "give `listen` an address of this computer, and a port that its user may have",
        ),
    }
}

/// Lets the orchestrator check itself: it boots a guest to find out whether the
/// accelerator works, since a `/dev/kvm` that opens proves nothing.
async fn machines(path: &Path, findings: &mut Findings) {
    let check = "machines";
    let program = beside("solstice-orchestrator");
    let mut command = Command::new(&program);
    command
        .args(["check", "--json", "--config"])
        .arg(path)
        .kill_on_drop(true)
        .stdin(std::process::Stdio::null());
    let output = match timeout(CHECK_LIMIT, command.output()).await {
        Err(_) => {
            let text = format!("`{} check` did not end in time", program.display());
            return findings.fail(check, text, "run it by hand and see where it stays");
        }
        Ok(Err(why)) => {
            let text = format!("{}: {why}", program.display());
            return findings.fail(
                check,
                text,
                "install solstice-orchestrator, or put it into PATH",
            );
        }
        Ok(Ok(output)) => output,
    };
    let Ok(checked) = serde_json::from_slice::<Checked>(&output.stdout) else {
        let text = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return findings.fail(check, cut(&text, 400), "run solstice-orchestrator check by hand");
    };
    for Row { check, verdict, text } in checked.checks {
        let text = cut(&text, 400);
        match verdict.as_str() {
            "ok" => findings.ok(&check, text),
            "wrong" => findings.fail(&check, text, remedy(&check)),
            _ => findings.skip(&check, text),
        }
    }
}

/// What `solstice-orchestrator check --json` prints.
#[derive(Deserialize)]
struct Checked {
    checks: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    check: String,
    verdict: String,
    text: String,
}

/// What helps with a check of the orchestrator's.
fn remedy(check: &str) -> &'static str {
    match check {
        "git" => "install git; it fetches the source of each commit",
        "hypervisor" => {
            "give its user what the backend needs: solstice-orchestrator(8), docs/operating.md"
        }
        "server" => "look at `server` and `token` of the configuration; `ciadm tokens create`",
        image if image.starts_with("image ") => {
            "`ciadm image verify` compares it with its lock; fetch or import it anew"
        }
        _ => "see solstice-orchestrator(8)",
    }
}

/// A program of ours: beside this one, or wherever `PATH` has it.
fn beside(name: &str) -> PathBuf {
    let own = std::env::current_exe().ok();
    let beside = own.and_then(|own| Some(own.parent()?.join(name))).filter(|path| path.is_file());
    beside.unwrap_or_else(|| PathBuf::from(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_orchestrator_says_is_read_and_has_a_remedy() {
        let said = br#"{"ok":false,"checks":[{"check":"image a","verdict":"wrong","text":"no"}]}"#;
        let checked: Checked = serde_json::from_slice(said).unwrap();
        assert_eq!(checked.checks[0].verdict, "wrong");
        assert!(remedy(&checked.checks[0].check).contains("image verify"));
    }
}
