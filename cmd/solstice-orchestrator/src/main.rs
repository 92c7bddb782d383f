//! The orchestrator of one host: claims jobs that the host can run, makes and
//! destroys their machines, serves the guests. See solstice-orchestrator(8).

mod args;
mod check;
mod failure;
mod hypervisor;
mod run;
mod settings;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::args::{Args, Verb};

fn main() -> ExitCode {
    let done = match Args::parse().verb {
        Verb::Run { config, verbose } => run::run(&config, verbose),
        Verb::Check { config, json } => check::check(&config, json),
        Verb::Manual => {
            print!("{}", solstice_manual::sections(&Args::command()));
            Ok(())
        }
        Verb::GuestRelay { endpoint_file } => {
            return match solstice_host::relay::run(&endpoint_file) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => failure::relay(&error),
            };
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}
