//! The program chromedriver: started on a port of its own, ended with its owner.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::error::BrowserError;

/// It is up in well under a second where nothing else runs.
const LIMIT: Duration = Duration::from_secs(30);

/// What it prints once it listens.
const UP: &str = "was started successfully on port ";

/// A running chromedriver.
pub(crate) struct Driver {
    /// Killed when this is dropped.
    _child: Child,
    /// Kept open, so that it can go on to print.
    _said: Lines<BufReader<ChildStdout>>,
    port: u16,
}

impl Driver {
    /// Starts one and waits until it listens.
    pub(crate) async fn start() -> Result<Self, BrowserError> {
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.kill_on_drop(true).spawn().map_err(|source| {
            let (program, package) = ("chromedriver", "chromium-driver");
            BrowserError::NotInstalled { program, package, source }
        })?;
        let stdout = child.stdout.take().expect("its output is piped");
        let mut said = BufReader::new(stdout).lines();
        let mut so_far = String::new();
        let port = tokio::time::timeout(LIMIT, port(&mut said, &mut so_far)).await;
        match port.ok().flatten() {
            Some(port) => Ok(Self { _child: child, _said: said, port }),
            None => Err(BrowserError::NotUp { said: so_far, limit_s: LIMIT.as_secs() }),
        }
    }

    /// Where it takes commands.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// Reads the port off what is printed; `None` at its end.
async fn port(said: &mut Lines<BufReader<ChildStdout>>, so_far: &mut String) -> Option<u16> {
    while let Ok(Some(line)) = said.next_line().await {
        if let Some((_, port)) = line.split_once(UP) {
            return port.trim_end_matches('.').parse().ok();
        }
        so_far.push_str(&line);
        so_far.push('\n');
    }
    None
}
