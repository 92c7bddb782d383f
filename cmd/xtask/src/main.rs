//! The one door for work on the project: `cargo xtask <verb>`.
//!
//! Each verb is a module; what it runs is printed before it runs. The program
//! depends on little, so that it starts a few seconds after the first clone.

mod api;
mod bench;
mod build;
mod chaos;
mod ci;
mod demo;
mod illumos;
mod image;
mod man;
mod package;
mod run;
mod setup;
mod test;
mod tools;
mod zfs;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::run::{Failure, Step};

/// Work on Solstice CI: set up this computer, see a demonstration, test.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Install the Debian packages that demo, test and ci need
    Setup,
    /// Push to a repository and watch the job run in a machine of its own
    Demo(demo::Demo),
    /// Run every test, in real machines where they need one
    Test(test::Test),
    /// Measure, and write docs/benchmarks.md
    Bench(bench::Bench),
    /// Kill programs and machines at random while jobs run
    Chaos(chaos::Chaos),
    /// Do all that has to be green before a change is taken
    Ci(ci::Ci),
    /// Write docs/openapi/ from the API traits
    Openapi {
        /// Only say whether the documents are up to date, and lint them
        #[arg(long)]
        check: bool,
    },
    /// Write what the programs say of their command lines into docs/man and docs/completions
    Man {
        /// Only say whether they are up to date
        #[arg(long)]
        check: bool,
    },
    /// Make the golden images, compare them with their locks, boot them
    Images(image::Images),
    /// Compile everything for illumos, without linking it
    IllumosCheck,
    /// Check the SMF manifests, the IPS packages and the RBAC profile for illumos
    Package,
    /// Compare what the product expects of ZFS with a real one
    ZfsCheck,
}

/// The exit code if something other than a job of the demonstration failed.
const BROKEN: u8 = 3;

fn main() -> ExitCode {
    match dispatch(Cli::parse().verb) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("\n\x1b[31;1mfailed:\x1b[0m {failure}");
            ExitCode::from(BROKEN)
        }
    }
}

fn dispatch(verb: Verb) -> Result<ExitCode, Failure> {
    match verb {
        Verb::Demo(demo) => return demo.run(),
        Verb::Setup => setup::for_everything(),
        Verb::Test(test) => test.run(),
        Verb::Bench(bench) => bench.run(),
        Verb::Chaos(chaos) => chaos.run(),
        Verb::Ci(ci) => ci.run(),
        Verb::Openapi { check } => openapi(check),
        Verb::Man { check } => man::run(check),
        Verb::IllumosCheck => illumos::check(),
        Verb::Package => package::check(),
        Verb::ZfsCheck => zfs::check(),
        Verb::Images(images) => images.run(),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the OpenAPI documents, or checks and lints them.
fn openapi(check: bool) -> Result<(), Failure> {
    let verb = if check { "check" } else { "generate" };
    Step::cargo(["run", "--quiet", "--package", "openapi-manager", "--", verb]).run()?;
    if check { api::lint() } else { Ok(()) }
}
