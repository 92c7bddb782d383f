//! `cidev run`: the workflow of a work tree, in machines of this computer.
//!
//! There is no installation to set up, and yet nothing of what decides about a
//! job is simulated: the server and the orchestrator run inside this program,
//! on loopback, with a store of their own that is thrown away. So a workflow
//! ends here as it does on a server. What differs is where the source comes
//! from ([`tree`]: the work tree as it is, uncommitted changes included), which
//! images there are ([`images`]: those of a folder), and who is told
//! ([`screen`]: the terminal, no forge).

mod engine;
mod error;
mod follow;
mod images;
mod keep;
mod options;
mod plan;
mod results;
mod screen;
mod state;
mod terminal;
mod tree;

use std::process::ExitCode;

pub(crate) use self::error::RunError;
pub(crate) use self::options::Options;
use crate::output;

/// How the run of a workflow ended; also the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Every job succeeded, was skipped by its condition, or may fail.
    Succeeded,
    /// A job did not succeed.
    Failed,
    /// A job could not be run through no fault of the workflow's.
    NotRun,
    /// Somebody stopped it.
    Interrupted,
}

impl Ended {
    fn exit_code(self) -> u8 {
        match self {
            Ended::Succeeded => 0,
            Ended::Failed => 1,
            Ended::NotRun => 3,
            Ended::Interrupted => 130,
        }
    }
}

/// Runs a workflow to its end.
pub(crate) fn run(options: &Options) -> ExitCode {
    match work(options) {
        Ok(ended) => ExitCode::from(ended.exit_code()),
        Err(error) => {
            let code = error.exit_code();
            output::complain(&miette::Report::new(error));
            ExitCode::from(code)
        }
    }
}

fn work(options: &Options) -> Result<Ended, RunError> {
    let tree = tree::WorkTree::around(&std::env::current_dir().map_err(RunError::here)?)?;
    let plan = plan::Plan::of(options, &tree)?;
    let images = images::find(options, &plan)?;
    let state = state::State::open(options)?;
    let runtime = tokio::runtime::Runtime::new().map_err(RunError::runtime)?;
    let ended = runtime.block_on(async {
        let snapshot = tree.snapshot(state.session()).await?;
        engine::run(options, &plan, (&tree, &snapshot), images, &state).await
    });
    // Whatever still waits for a guest or for standard input is of no use now.
    runtime.shutdown_background();
    state.close(options.keep);
    ended
}
