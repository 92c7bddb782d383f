//! How fast and how large Solstice CI is, each figure beside a baseline of the
//! same run. `cargo xtask bench` builds what is measured and starts this.
//!
//! A measurement is a module with a function that gives rows; a row names what
//! was measured, what it is compared with, both figures and their ratio. No row
//! fails: whether a figure is good enough is for people to say.

mod bare;
mod first_output;
mod followers;
mod host;
mod intake;
mod load;
mod log_pipe;
mod machines;
mod memory;
mod pages;
mod process_machines;
mod report;
mod stats;
mod world;

use std::process::ExitCode;

use camino::Utf8PathBuf;
use clap::{Parser, Subcommand, ValueEnum};
use solstice_testbed::{Backend, Built};

use crate::report::Report;

/// What goes wrong in a measurement ends it; the text says where.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measure Solstice CI.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Measure, and write the tables
    Run(Run),
    /// Be a host whose machines are plain processes; started by `run`
    #[command(hide = true)]
    Host(host::Arguments),
}

#[derive(Parser)]
pub(crate) struct Run {
    /// The folder of the programs
    #[arg(long)]
    programs: Utf8PathBuf,
    /// The folder of the image linux-mini
    #[arg(long)]
    image: Utf8PathBuf,
    /// The agent, built for this computer
    #[arg(long)]
    agent: Utf8PathBuf,
    /// Fewer rounds and smaller counts: to see that it works
    #[arg(long)]
    quick: bool,
    /// Where the tables go besides the terminal
    #[arg(long)]
    write: Option<Utf8PathBuf>,
    /// What to measure; everything if absent
    #[arg(value_enum)]
    names: Vec<Name>,
}

/// The measurements, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    Intake,
    FirstOutput,
    LogPipe,
    Pages,
    Followers,
    Machines,
    Memory,
}

impl Run {
    /// What the testbed has to know.
    fn built(&self) -> Built {
        Built { programs: self.programs.clone(), image: self.image.clone(), backend: Backend::Qemu }
    }

    /// The one number or the other.
    fn pick(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }
}

fn main() -> ExitCode {
    let done = match Arguments::parse().verb {
        Verb::Run(run) => measure(&run),
        Verb::Host(arguments) => host::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the measurement broke off: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(run: &Run) -> Result<(), Failure> {
    let all = Name::value_variants();
    let names = if run.names.is_empty() { all } else { &run.names[..] };
    let mut report = Report::begin();
    let runtime = tokio::runtime::Runtime::new()?;
    for name in names {
        eprintln!("measuring {name:?}");
        let section = match name {
            Name::Intake => runtime.block_on(intake::measure(run))?,
            Name::FirstOutput => runtime.block_on(first_output::measure(run))?,
            Name::LogPipe => runtime.block_on(log_pipe::measure(run))?,
            Name::Pages => runtime.block_on(pages::measure(run))?,
            Name::Followers => runtime.block_on(followers::measure(run))?,
            Name::Machines => runtime.block_on(machines::measure(run))?,
            Name::Memory => runtime.block_on(memory::measure(run))?,
        };
        println!("{section}");
        report.add(section);
    }
    if let Some(path) = &run.write {
        report.write(path)?;
    }
    Ok(())
}
