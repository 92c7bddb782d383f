//! `cidev`: what a developer asks of workflow files, without a server.
//!
//! Parses the command line, does what it says, and turns the outcome into an
//! exit code: 0 all is well, 1 a workflow is wrong, 2 usage. 3 is kept for
//! servers and networks, which no subcommand needs.

mod cli;
mod files;
mod list;
mod output;
mod show;
mod validate;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::files::{FileError, Found};

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Validate { paths } => validate::run(&paths),
        Command::List { json, paths } => list::run(&paths, json),
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
