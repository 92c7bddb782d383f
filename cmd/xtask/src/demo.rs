//! `cargo xtask demo`: everything on this computer, from a push to a check.

use std::process::ExitCode;

use clap::Args;

use crate::run::{Failure, Step, target};
use crate::{build, setup};

/// Run one push through a whole installation on this computer.
#[derive(Args)]
pub(crate) struct Demo {
    /// A repository with a workflow, by URL or path; a small C project if absent
    #[arg(long, value_name = "URL|PATH")]
    repo: Option<String>,
    /// The commit to build; the tip of the default branch if absent
    #[arg(long, value_name = "ID", requires = "repo")]
    commit: Option<String>,
    /// Leave everything up afterwards, to be looked at, until Ctrl-C
    #[arg(long)]
    keep: bool,
}

impl Demo {
    /// Sets up, builds, and hands over to `solstice-demo`, whose exit code
    /// becomes ours: 1 if the job failed.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        setup::for_machines()?;
        build::programs()?;
        let image = build::image()?;
        let mut arguments = vec!["--image".to_owned(), image.into_string()];
        arguments.extend(self.repo.into_iter().flat_map(|repo| ["--repo".to_owned(), repo]));
        arguments.extend(self.commit.into_iter().flat_map(|id| ["--commit".to_owned(), id]));
        arguments.extend(self.keep.then(|| "--keep".to_owned()));
        Step::new(target().join("debug/solstice-demo").as_str(), arguments).exit_code()
    }
}
