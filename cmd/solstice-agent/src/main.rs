//! The program inside a job's machine. It redeems its single-use token, unpacks
//! the source, runs the steps, streams what they print, hands over the artifacts
//! and powers off.
//!
//! As process 1 it is also the machine's init. Started by hand or as a service,
//! with flags instead of a kernel command line, it is an ordinary process and
//! only ends.

mod artifacts;
mod bootstrap;
mod capture;
mod channel;
mod console;
mod fetch;
mod glob;
mod job;
#[cfg(target_os = "linux")]
mod machine;
mod output;
mod pid1;
mod shell;
mod steps;
mod stream;
mod unpack;
mod upload;

use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(shell::AS_SHELL) {
        console::say_error(&shell::become_shell());
        return ExitCode::FAILURE;
    }
    console::say("up");
    #[cfg(target_os = "linux")]
    if pid1::is_init() {
        machine::run();
    }
    match job::run_from_start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            console::say_error(error.as_ref());
            ExitCode::FAILURE
        }
    }
}
