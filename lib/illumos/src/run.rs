//! How a command is run: in the C locale, bounded, its failure sorted by cause.

use std::time::Duration;

use solstice_exec::{Command, ExecError, Output};

use crate::error::{Cause, IllumosError};

/// The time limit of what destroys, installs, boots: much work, or a queue
/// behind somebody else's.
pub(crate) const LONG: Duration = Duration::from_secs(300);

/// A text on standard error and what it comes to. It is looked for anywhere in
/// there; each has blanks, which the names that commands repeat have not.
pub(crate) type Rule = (&'static str, Cause);

/// Runs a command whose failures these rules sort, the first that fits first.
pub(crate) async fn run(command: Command, rules: &[Rule]) -> Result<Output, IllumosError> {
    run_sorted(command, |stderr| sort(stderr, rules)).await
}

/// Runs a command whose failures are sorted by `cause`, from standard error.
pub(crate) async fn run_sorted(
    command: Command,
    cause: impl FnOnce(&str) -> Cause,
) -> Result<Output, IllumosError> {
    command.run().await.map_err(|source| IllumosError::Command {
        cause: match &source {
            ExecError::Failed { stderr, .. } => cause(stderr),
            ExecError::TimedOut { .. } => Cause::TimedOut,
            ExecError::System { source, .. }
                if source.kind() == std::io::ErrorKind::PermissionDenied =>
            {
                Cause::NotPermitted
            }
            _ => Cause::Other,
        },
        source,
    })
}

/// What the text on standard error comes to.
pub(crate) fn sort(stderr: &str, rules: &[Rule]) -> Cause {
    let mut rules = rules.iter();
    rules.find(|(text, _)| stderr.contains(text)).map_or(Cause::Other, |(_, cause)| *cause)
}

/// The lines of a command's output, each read by `parse`.
pub(crate) fn lines<T>(
    command: &str,
    output: &Output,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, IllumosError> {
    let text = output.stdout_text();
    text.lines().map(|line| parse(line).ok_or_else(|| not_understood(command, line))).collect()
}

/// The error for a line that is not understood.
pub(crate) fn not_understood(command: &str, line: &str) -> IllumosError {
    IllumosError::Output { command: command.to_owned(), line: crate::name::cut(line) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_limit_that_is_reached_is_no_failure_of_the_command() {
        let command = Command::new("sleep").arg("60").timeout(Duration::from_millis(10));
        assert_eq!(run(command, &[]).await.unwrap_err().cause(), Cause::TimedOut);
    }

    #[tokio::test]
    async fn a_failure_keeps_the_command_and_what_it_said() {
        let command = Command::new("cat").arg("/nonexistent");
        let error = run(command, &[("No such file", Cause::Absent)]).await.unwrap_err();
        assert_eq!(error.cause(), Cause::Absent);
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.starts_with("`cat /nonexistent` ended with exit status 1"), "{source}");
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = [("is busy", Cause::Busy), ("already exists", Cause::Exists)];
        // What `zfs destroy -r` says when a volume below is open.
        let stderr = "cannot destroy 'tank/jobs/j1': dataset is busy\n\
                      cannot destroy 'tank/jobs': dataset already exists\n";
        assert_eq!(sort(stderr, &rules), Cause::Busy);
        assert_eq!(sort("nonsense", &rules), Cause::Other);
    }
}
