//! The program inside a job's machine. It redeems its single-use token, unpacks
//! the source, runs the steps, streams what they print and powers off.
//!
//! As process 1 it is also the machine's init. Started by hand, with flags
//! instead of a kernel command line, it is an ordinary process and only ends.

mod bootstrap;
mod capture;
mod channel;
mod console;
mod job;
mod output;
mod pid1;
mod source;
mod steps;
mod stream;

use std::process::ExitCode;

fn main() -> ExitCode {
    console::say("up");
    if !pid1::is_init() {
        return match job::run_from_start() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                console::say_error(error.as_ref());
                ExitCode::FAILURE
            }
        };
    }
    std::panic::set_hook(Box::new(|panic| {
        console::say(&format!("bug: {panic}"));
        pid1::power_off();
    }));
    pid1::prepare();
    if let Err(error) = job::run_from_start() {
        console::say_error(error.as_ref());
    }
    pid1::power_off()
}
