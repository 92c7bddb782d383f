//! Processes that are to outlive the service that starts them: SMF ends every
//! process of a service's contract when it stops the service (smf_method(7)).

use solstice_exec::CommandLine;

/// The argument vector that runs `command` in a process contract of its own,
/// which nobody holds: `ctrun -l none -o noorphan`-like, see ctrun(1).
pub fn detached(command: &[String]) -> CommandLine {
    let _ = command;
    todo!()
}
