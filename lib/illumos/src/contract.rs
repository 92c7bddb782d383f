//! Processes that are to outlive the service that starts them: SMF ends every
//! process of a service's contract when it stops the service (smf_method(7)).

use solstice_exec::CommandLine;

use crate::programs::CTRUN;

/// The argument vector that runs `command` in a process contract of its own,
/// which nobody holds.
///
/// ctrun ends as soon as the command is executed, with 0; with 127 or 126 if it
/// could not be. By `-l none` it then abandons the contract, and the command
/// lives on in it as an orphan: only with `-o noorphan`, which ctrun refuses
/// here, would the kernel kill it. No other option is needed: by default
/// nothing but a hardware error is fatal to the whole contract.
/// Source: ctrun(1), illumos-gate usr/src/cmd/ctrun/ctrun.c.
///
/// The command inherits ctrun's streams and its process group. Whoever runs
/// this gives it files instead of pipes, and no group that it is going to kill.
pub fn detached(command: &[String]) -> CommandLine {
    let ctrun = [CTRUN, "-l", "none"].map(Into::into);
    CommandLine(ctrun.into_iter().chain(command.iter().map(Into::into)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_holds_the_contract() {
        let command = ["/usr/lib/solstice/console".to_owned(), "a b".to_owned()];
        assert_eq!(
            detached(&command).to_string(),
            "/usr/bin/ctrun -l none /usr/lib/solstice/console 'a b'"
        );
    }
}
