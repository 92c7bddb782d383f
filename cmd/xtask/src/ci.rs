//! `cargo xtask ci`: all that has to be green before a change is taken.

use clap::Args;

use crate::run::{Failure, Step, root};
use crate::{openapi, setup, test};

/// Check formatting, lints, documents and documentation, and run every test.
#[derive(Args)]
pub(crate) struct Ci {
    /// Leave out the tests, when they have just been run
    #[arg(long)]
    without_tests: bool,
}

impl Ci {
    /// Runs the quick checks first, so that a slip is told early.
    pub(crate) fn run(self) -> Result<(), Failure> {
        setup::for_everything()?;
        Step::cargo(["fmt", "--all", "--", "--check"]).run()?;
        shellcheck()?;
        Step::cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]).run()?;
        openapi(true)?;
        Step::cargo(["doc", "--workspace", "--no-deps", "--quiet"])
            .env("RUSTDOCFLAGS", "-D warnings")
            .run()?;
        if !self.without_tests {
            test::Test::everything().run()?;
        }
        eprintln!("\nall green");
        Ok(())
    }
}

/// Checks every shell script: the executable files that begin with `#!` and a shell.
fn shellcheck() -> Result<(), Failure> {
    let scripts: Vec<String> = [".ci/run", "images/linux-mini/build"]
        .iter()
        .map(|script| root().join(script).into_string())
        .collect();
    Step::new("shellcheck", scripts).run()
}
