//! `cargo xtask demo`: one push through a whole installation, shown as it goes.
//!
//! Exit code 0 if every job succeeded, 1 if one did not or the workflow is
//! broken, 2 if there is nothing to run, 3 if something else is broken.

mod project;
mod screen;
mod story;
mod tables;

use std::process::ExitCode;

use camino::Utf8PathBuf;
use clap::Parser;
use solstice_testbed::{Backend, Built, TestbedError};
use tokio::signal::unix::{SignalKind, signal};

use crate::screen::Screen;
use crate::story::Ending;

/// Run one push through a whole installation on this computer.
#[derive(Parser)]
#[command(name = "cargo xtask demo")]
struct Arguments {
    /// The folder of the golden image
    #[arg(long)]
    image: Utf8PathBuf,
    /// Make zones; inside the simulated illumos host
    #[arg(long)]
    zones: bool,
    /// A repository with a workflow, by URL or path
    #[arg(long)]
    repo: Option<String>,
    /// The commit to build
    #[arg(long, requires = "repo")]
    commit: Option<String>,
    /// Leave everything up afterwards until Ctrl-C
    #[arg(long)]
    keep: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut screen = Screen::new();
    match run(arguments, &mut screen).await {
        Ok(ending) => {
            screen.ending(&ending);
            ending.exit_code()
        }
        Err(error) => {
            screen.broken(&error);
            ExitCode::from(3)
        }
    }
}

async fn run(arguments: Arguments, screen: &mut Screen) -> Result<Ending, TestbedError> {
    let programs = std::env::current_exe()
        .ok()
        .and_then(|exe| Utf8PathBuf::from_path_buf(exe.parent()?.to_owned()).ok());
    let programs = programs.ok_or_else(|| {
        TestbedError::NotBuilt("the folder of this program has no UTF-8 name".to_owned())
    })?;
    let backend = if arguments.zones { Backend::Zones } else { Backend::Qemu };
    let built = Built { programs, image: arguments.image, backend };
    let source = project::Source { repo: arguments.repo, commit: arguments.commit };
    tokio::select! {
        ending = story::tell(built, source, arguments.keep, screen) => ending,
        () = told_to_stop() => Ok(Ending::Interrupted),
    }
}

/// Resolves at Ctrl-C or SIGTERM: either way everything is taken down first.
async fn told_to_stop() {
    let mut term = signal(SignalKind::terminate()).expect("signals can be awaited");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
}
