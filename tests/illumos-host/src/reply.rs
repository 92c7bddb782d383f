//! What a command prints and how it ends.

use std::io::Write as _;
use std::process::ExitCode;

/// A command's standard output, standard error and exit code, byte for byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    /// The exit code.
    pub code: u8,
}

impl Reply {
    /// Success without a word.
    pub fn ok() -> Self {
        Self::default()
    }

    /// Success with this on standard output, as it is.
    pub fn out(text: impl Into<String>) -> Self {
        Self { stdout: text.into(), ..Self::default() }
    }

    /// Failure with this line (a newline is added) on standard error.
    pub fn fail(code: u8, line: impl AsRef<str>) -> Self {
        Self { stderr: format!("{}\n", line.as_ref()), code, ..Self::default() }
    }

    /// Prints it as the process's own, and gives the exit code.
    pub fn deliver(&self) -> ExitCode {
        // A reader that is gone is not the command's business.
        let _gone = std::io::stdout().write_all(self.stdout.as_bytes());
        let _gone = std::io::stdout().flush();
        let _gone = std::io::stderr().write_all(self.stderr.as_bytes());
        ExitCode::from(self.code)
    }
}
