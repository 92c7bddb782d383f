//! `cidev`: what a developer asks of workflow files, without a server.
//!
//! Parses the command line, does what it says, and turns the outcome into an
//! exit code: 0 all is well, 1 a workflow is wrong or a job failed, 2 usage, 3
//! this computer could not do it.

mod cli;
mod files;
mod list;
mod output;
mod run;
mod show;
mod validate;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser};

use crate::cli::{Cli, Command};
use crate::files::{FileError, Found};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Validate { paths } => validate::run(&paths),
        Command::List { json, paths } => list::run(&paths, json),
        Command::Run(options) => return run::run(&options),
        Command::GuestRelay { endpoint_file } => {
            return match solstice_host::relay::run(&endpoint_file) {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::from(3),
            };
        }
        Command::Manual => {
            output::print(&solstice_manual::sections(&Cli::command()));
            Ok(Found::AllValid)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "cidev", &mut script);
            output::print(&String::from_utf8_lossy(&script));
            Ok(Found::AllValid)
        }
        Command::Show { json, file, job } => show::run(&file, job.as_deref(), json),
    };
    match done {
        Ok(Found::AllValid) => ExitCode::SUCCESS,
        Ok(Found::SomeInvalid) => ExitCode::from(1),
        Err(error) => report(error),
    }
}

fn report(error: FileError) -> ExitCode {
    output::complain(&miette::Report::new(error));
    ExitCode::from(2)
}
