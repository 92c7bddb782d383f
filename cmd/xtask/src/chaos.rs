//! `cargo xtask chaos`: jobs while programs and machines are killed at random.

use clap::Args;

use crate::image::Image;
use crate::run::{Failure, Step, target};
use crate::{build, setup};

/// Kill programs and machines at random while jobs run.
#[derive(Args)]
pub(crate) struct Chaos {
    /// How long to go on, in minutes
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1440))]
    minutes: u32,
    /// The seed of an earlier run, to repeat its kills
    #[arg(long)]
    seed: Option<u64>,
}

impl Chaos {
    /// Runs the story of the test suite for as long as is asked.
    pub(crate) fn run(self) -> Result<(), Failure> {
        setup::for_tests()?;
        build::everything()?;
        let image = Image::LinuxMini.build()?;
        let test = ["test", "--package", "solstice-stories", "--test", "stories", "chaos"];
        let mut step = Step::cargo(test.into_iter().chain(["--", "--nocapture"]))
            .env("SOLSTICE_TEST_IMAGE", image.as_str())
            .env("SOLSTICE_TEST_PROGRAMS", target().join("debug").as_str())
            .env("SOLSTICE_CHAOS_SECONDS", (u64::from(self.minutes) * 60).to_string());
        if let Some(seed) = self.seed {
            step = step.env("SOLSTICE_CHAOS_SEED", seed.to_string());
        }
        step.run()
    }
}
