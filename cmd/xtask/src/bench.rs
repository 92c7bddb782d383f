//! `cargo xtask bench`: how fast and how large, each figure beside a baseline.

use clap::Args;

use crate::image::Image;
use crate::run::{Failure, Step, root, target};
use crate::setup;

/// Measure, and write docs/benchmarks.md.
#[derive(Args)]
pub(crate) struct Bench {
    /// Fewer rounds and smaller counts; writes nothing
    #[arg(long)]
    quick: bool,
    /// What to measure: intake, first-output, log-pipe, pages, followers, machines,
    /// memory; writes nothing
    names: Vec<String>,
}

impl Bench {
    /// Builds everything as it is released, and measures.
    pub(crate) fn run(self) -> Result<(), Failure> {
        setup::for_bench()?;
        let image = Image::LinuxMini.build()?;
        let packages =
            ["solstice-server", "solstice-orchestrator", "solstice-agent", "solstice-bench"];
        let packages = packages.iter().flat_map(|package| ["--package", package]);
        Step::cargo(["build", "--release"].into_iter().chain(packages)).run()?;
        let programs = target().join("release");
        let agent = programs.join("solstice-agent");
        let page = root().join("docs/benchmarks.md");
        let mut words = vec!["run", "--programs", programs.as_str(), "--image", image.as_str()];
        words.extend(["--agent", agent.as_str()]);
        if self.quick {
            words.push("--quick");
        } else if self.names.is_empty() {
            words.extend(["--write", page.as_str()]);
        }
        words.extend(self.names.iter().map(String::as_str));
        Step::new(programs.join("solstice-bench").as_str(), words).run()
    }
}
