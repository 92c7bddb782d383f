//! What can go wrong with a command, with all that is known about it.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// A command that did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// The program does not exist.
    #[error("cannot find the program {}{}", program.display(), remedy_text(remedy.as_deref()))]
    NotFound {
        /// Its path or name.
        program: PathBuf,
        /// What to do about it, if the caller knows.
        remedy: Option<String>,
    },
    /// The directory that it should run in does not exist.
    #[error("cannot run `{line}` in {}, which is not a directory", directory.display())]
    NoDirectory {
        /// The command.
        line: CommandLine,
        /// The directory.
        directory: PathBuf,
    },
    /// The system could not start it, or its output could not be taken.
    #[error("cannot run `{line}`")]
    System {
        /// The command.
        line: CommandLine,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// It ended with anything but exit status 0.
    #[error("`{line}` ended with {}{}", status_text(*status), stderr_text(stderr))]
    Failed {
        /// The command.
        line: CommandLine,
        /// How it ended.
        status: ExitStatus,
        /// The last part of what it wrote to standard error.
        stderr: String,
    },
    /// It did not end in time and was killed.
    #[error("`{line}` was killed after {} s{}", limit.as_secs_f32(), stderr_text(stderr))]
    TimedOut {
        /// The command.
        line: CommandLine,
        /// Its time limit.
        limit: Duration,
        /// The last part of what it had written to standard error.
        stderr: String,
    },
    /// It wrote more to standard output than it may, and was killed.
    #[error("`{line}` was killed because it wrote more than {limit} bytes")]
    TooMuchOutput {
        /// The command.
        line: CommandLine,
        /// The limit, in bytes.
        limit: u64,
    },
}

impl ExecError {
    /// The last part of standard error, where the program got to write any.
    pub fn stderr(&self) -> Option<&str> {
        match self {
            ExecError::Failed { stderr, .. } | ExecError::TimedOut { stderr, .. } => Some(stderr),
            _ => None,
        }
    }
}

/// A command as people read it: each argument that needs it is in single
/// quotes, so that it can be pasted into a shell. Nothing executes this text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine(pub Vec<OsString>);

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.0.iter().enumerate() {
            let word = word.to_string_lossy();
            let plain =
                |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '=' | ':');
            let gap = if index == 0 { "" } else { " " };
            if !word.is_empty() && word.chars().all(plain) {
                write!(f, "{gap}{word}")?;
            } else {
                write!(f, "{gap}'{}'", word.replace('\'', r"'\''"))?;
            }
        }
        Ok(())
    }
}

fn remedy_text(remedy: Option<&str>) -> String {
    remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default()
}

fn status_text(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

fn stderr_text(stderr: &str) -> String {
    match stderr.trim() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_reads_as_a_shell_would_take_it() {
        let line = CommandLine(["git", "-C", "/a b", "", "it's", "k=v"].map(Into::into).to_vec());
        assert_eq!(line.to_string(), r"git -C '/a b' '' 'it'\''s' k=v");
    }

    #[test]
    fn a_missing_program_names_its_remedy() {
        let error = ExecError::NotFound {
            program: "/usr/bin/qemu-img".into(),
            remedy: Some("apt-get install qemu-utils".to_owned()),
        };
        assert_eq!(
            error.to_string(),
            "cannot find the program /usr/bin/qemu-img; apt-get install qemu-utils"
        );
    }
}
