//! Captures a zone's console into a file until the zone halts; started by the
//! orchestrator, see `solstice_hypervisor_zones::capture`.

use std::process::ExitCode;

use solstice_hypervisor_zones::capture;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match capture::main(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("solstice-console: {}", capture::describe(&error));
            ExitCode::FAILURE
        }
    }
}
