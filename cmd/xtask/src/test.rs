//! `cargo xtask test`: every test of the workspace.

use clap::Args;

use crate::image::Image;
use crate::run::{Failure, Step, on_path, target};
use crate::{api, build, setup, tools};

/// Run every test.
#[derive(Args)]
pub(crate) struct Test {
    /// Passed on to the test runner, such as a part of a test's name
    #[arg(trailing_var_arg = true)]
    rest: Vec<String>,
}

impl Test {
    /// All tests, as `cargo xtask test` without arguments.
    pub(crate) fn everything() -> Self {
        Self { rest: Vec::new() }
    }

    /// Sets up, builds programs and image, and runs unit, integration and
    /// end-to-end tests and the examples in the documentation.
    pub(crate) fn run(self) -> Result<(), Failure> {
        setup::for_tests()?;
        build::everything()?;
        let image = Image::LinuxMini.build()?;
        let disk_image = Image::LinuxMiniDisk.build()?;
        let axe = tools::node("tests/browser/axe", "axe")?.join("axe-core/axe.min.js");
        let programs = target().join("debug");
        let clients = api::for_tests()?;
        let whole = self.rest.is_empty();
        let runner: &[&str] = if on_path("cargo-nextest") {
            &["nextest", "run", "--workspace"]
        } else {
            eprintln!("cargo-nextest is not installed: using cargo test, which takes longer");
            &["test", "--workspace", "--lib", "--bins", "--tests"]
        };
        Step::cargo(runner.iter().map(|word| (*word).to_owned()).chain(self.rest))
            .env("SOLSTICE_TEST_IMAGE", image.as_str())
            .env("SOLSTICE_TEST_DISK_IMAGE", disk_image.as_str())
            .env("SOLSTICE_TEST_AXE", axe.as_str())
            .env("SOLSTICE_TEST_PROGRAMS", programs.as_str())
            .env("SOLSTICE_TEST_CLIENTS", clients.as_str())
            .run()?;
        if whole {
            Step::cargo(["test", "--workspace", "--doc", "--quiet"]).run()?;
        }
        Ok(())
    }
}
