//! One of our daemons as a child process.

use std::fs::File;
use std::process::Stdio;

use camino::{Utf8Path, Utf8PathBuf};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::TestbedError;

/// A running program whose standard error goes to a file.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    log: Utf8PathBuf,
}

impl Daemon {
    /// Starts a program. Its log file is appended to, so that one file tells
    /// the story across restarts.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Io`] if the program cannot be started.
    pub fn start(
        program: &Utf8Path,
        arguments: &[&str],
        log: &Utf8Path,
    ) -> Result<Self, TestbedError> {
        let failed = |what: &Utf8Path| {
            let what = what.to_string();
            move |source| TestbedError::Io { what, source }
        };
        let file = File::options().create(true).append(true).open(log).map_err(failed(log))?;
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(file.try_clone().map_err(failed(log))?)
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed(program))?;
        Ok(Self { child, log: log.to_owned() })
    }

    /// Whether it has ended by itself, and if so, the end of what it said.
    pub fn ended(&mut self) -> Option<TestbedError> {
        let status = self.child.try_wait().ok().flatten()?;
        let said = std::fs::read_to_string(&self.log).unwrap_or_default();
        let tail: Vec<&str> = said.lines().rev().take(20).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        Some(TestbedError::Ended { log: self.log.clone(), status, said: tail.join("\n") })
    }

    /// Ends it as a crash would: SIGKILL, no farewell.
    pub async fn kill(mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.child.kill().await;
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Io`] if it cannot be waited for.
    pub async fn terminate(self) -> Result<std::process::ExitStatus, TestbedError> {
        if let Some(pid) = self.pid() {
            let _ = kill_process(pid, Signal::TERM);
        }
        self.wait().await
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    ///
    /// [`TestbedError::Io`] if it cannot be waited for.
    pub async fn wait(mut self) -> Result<std::process::ExitStatus, TestbedError> {
        let what = self.log.to_string();
        self.child.wait().await.map_err(|source| TestbedError::Io { what, source })
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<Pid> {
        self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)
    }
}
