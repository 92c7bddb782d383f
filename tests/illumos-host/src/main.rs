//! The one program: called by the name of an illumos command it is that
//! command; called as `illumos-host` it enters the host or looks at it.

use std::process::ExitCode;

use illumos_host::{command, faults, state_dir};

fn main() -> ExitCode {
    let argv: Vec<String> = std::env::args().collect();
    let called = argv.first().map_or("", String::as_str);
    match command::by_name(called) {
        Some(program) => faults::run(state_dir(), &argv, program).deliver(),
        None => ExitCode::from(2),
    }
}
