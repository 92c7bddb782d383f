//! Runs Git on a bare repository.

use std::process::Stdio;

use camino::Utf8Path;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::error::TestbedError;

/// A Git command that depends on nothing of the caller's repository and asks nothing.
pub(super) fn command(directory: &Utf8Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(directory);
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(name);
    }
    command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C").kill_on_drop(true);
    command
}

/// Runs Git and returns its standard output.
pub(super) async fn git(directory: &Utf8Path, arguments: &[&str]) -> Result<Vec<u8>, TestbedError> {
    git_with_input(directory, arguments, b"").await
}

/// Runs Git with this standard input and returns its standard output.
pub(super) async fn git_with_input(
    directory: &Utf8Path,
    arguments: &[&str],
    input: &[u8],
) -> Result<Vec<u8>, TestbedError> {
    let shown = format!("git -C {directory} {}", arguments.join(" "));
    let io = |source| TestbedError::Io { what: shown.clone(), source };
    let mut child = command(directory)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(io)?;
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let feed = async move {
        // Git may end before it has read everything; its exit status tells.
        let _ = stdin.write_all(input).await;
    };
    let (output, ()) = tokio::join!(child.wait_with_output(), feed);
    let output = output.map_err(io)?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(TestbedError::Command { command: shown, status: output.status, said })
}

/// As [`git`], for output that is text of one line.
pub(super) async fn git_line(
    directory: &Utf8Path,
    arguments: &[&str],
) -> Result<String, TestbedError> {
    let output = git(directory, arguments).await?;
    Ok(String::from_utf8_lossy(&output).trim_end().to_owned())
}

/// The commit that a branch, tag or commit id names, if it names one.
pub(super) async fn resolve(directory: &Utf8Path, revision: &str) -> Option<String> {
    let commit = format!("{revision}^{{commit}}");
    let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit];
    git_line(directory, &arguments).await.ok()
}
