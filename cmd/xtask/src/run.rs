//! Running a command line in sight of the person who waits for it.

use std::ffi::OsString;
use std::fmt;
use std::process::{Command, ExitCode, ExitStatus};

use camino::Utf8PathBuf;

/// Why a verb stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A command did not succeed; it has said why itself.
    #[error("{command} ended with {status}")]
    Command { command: String, status: ExitStatus },
    /// A command could not be started.
    #[error("cannot start {command}: {source}")]
    Start { command: String, source: std::io::Error },
    /// Something that only the person can mend.
    #[error("{0}")]
    Needs(String),
}

/// One command, shown before it runs.
pub(crate) struct Step {
    command: Command,
}

impl Step {
    /// A program with its arguments, run in the project's root.
    pub(crate) fn new<A: Into<OsString>>(
        program: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut command = Command::new(program);
        command.args(arguments.into_iter().map(Into::into)).current_dir(root());
        Self { command }
    }

    /// A call of the same cargo that runs us.
    pub(crate) fn cargo<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Self {
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        Self::new(&cargo, arguments)
    }

    /// Sets a variable of its environment.
    pub(crate) fn env(mut self, key: &str, value: impl Into<OsString>) -> Self {
        self.command.env(key, value.into());
        self
    }

    /// Keeps a variable of ours from it.
    pub(crate) fn without_env(mut self, key: &str) -> Self {
        self.command.env_remove(key);
        self
    }

    /// Shows the command, runs it, and waits for its success.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it cannot be started or does not succeed.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let command = self.to_string();
        let status = self.status()?;
        if status.success() { Ok(()) } else { Err(Failure::Command { command, status }) }
    }

    /// Shows the command, runs it, and returns its own exit code.
    ///
    /// # Errors
    ///
    /// [`Failure`] if it cannot be started or a signal ends it.
    pub(crate) fn exit_code(mut self) -> Result<ExitCode, Failure> {
        let command = self.to_string();
        let status = self.status()?;
        match status.code().map(u8::try_from) {
            Some(Ok(code)) => Ok(ExitCode::from(code)),
            _ => Err(Failure::Command { command, status }),
        }
    }

    fn status(&mut self) -> Result<ExitStatus, Failure> {
        eprintln!("\x1b[2m$ {self}\x1b[0m");
        let command = self.to_string();
        self.command.status().map_err(|source| Failure::Start { command, source })
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.command.get_program().to_string_lossy();
        f.write_str(program.rsplit('/').next().unwrap_or(&program))?;
        for argument in self.command.get_args() {
            write!(f, " {}", argument.to_string_lossy())?;
        }
        Ok(())
    }
}

/// Whether a program of this name is on the PATH.
pub(crate) fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The project's root folder.
pub(crate) fn root() -> Utf8PathBuf {
    let here = camino::Utf8Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).expect("this crate lies two folders below the root").to_owned()
}

/// The folder that cargo builds into.
pub(crate) fn target() -> Utf8PathBuf {
    match std::env::var("CARGO_TARGET_DIR") {
        Ok(folder) => root().join(folder),
        Err(_) => root().join("target"),
    }
}
