//! `cargo xtask ci`: all that has to be green before a change is taken.

use camino::Utf8Path;
use clap::Args;

use crate::run::{Failure, Step, on_path, root, target};
use crate::{illumos, man, openapi, package, setup, test, zfs};

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
        typos()?;
        man_pages()?;
        Step::cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]).run()?;
        openapi(true)?;
        man::run(true)?;
        package::check()?;
        Step::cargo(["doc", "--workspace", "--no-deps", "--quiet"])
            .env("RUSTDOCFLAGS", "-D warnings")
            .run()?;
        deny()?;
        illumos::check()?;
        zfs::check()?;
        if !self.without_tests {
            test::Test::everything().run()?;
        }
        eprintln!("\nall green");
        Ok(())
    }
}

/// The spelling checker's version, from the Python package index, where it is
/// to be had as a built program.
const TYPOS: &str = "typos==1.52.0";

/// The version of the checker of dependencies.
const DENY: &str = "0.20.2";

/// Checks the spelling of everything; installs the checker below the target
/// folder if the computer has none.
fn typos() -> Result<(), Failure> {
    if on_path("typos") {
        return Step::new("typos", std::iter::empty::<&str>()).run();
    }
    let tools = target().join("tools/typos");
    let program = tools.join("bin/typos");
    if !program.exists() {
        let install = ["-m", "pip", "install", "--quiet", "--target", tools.as_str(), TYPOS];
        Step::new("python3", install).run()?;
    }
    Step::new(program.as_str(), std::iter::empty::<&str>()).run()
}

/// Checks licences, sources and unwanted crates; builds the checker below the
/// target folder, which takes some minutes, if the computer has none.
fn deny() -> Result<(), Failure> {
    let tools = target().join("tools");
    let program = tools.join("bin/cargo-deny");
    let check = ["--log-level", "error", "check", "bans", "licenses", "sources"];
    if on_path("cargo-deny") {
        return Step::new("cargo-deny", check).run();
    }
    if !program.exists() {
        let install = ["install", "--quiet", "--locked", "cargo-deny", "--version", DENY];
        Step::cargo(install.into_iter().chain(["--root", tools.as_str()])).run()?;
    }
    Step::new(program.as_str(), check).run()
}

/// Checks the mark-up of the man pages.
fn man_pages() -> Result<(), Failure> {
    let folder = root().join("docs/man");
    let pages =
        folder.read_dir_utf8().map_err(|error| Failure::Needs(format!("{folder}: {error}")))?;
    let pages = pages.flatten().map(|page| page.path().as_str().to_owned());
    let lint = ["-T", "lint", "-W", "warning"].map(str::to_owned);
    Step::new("mandoc", lint.into_iter().chain(pages)).run()
}

/// Checks every shell script: the files that begin with `#!` and a shell.
fn shellcheck() -> Result<(), Failure> {
    let mut scripts = Vec::new();
    for folder in [".ci", "images", "lib", "smf", "tests"] {
        find_scripts(&root().join(folder), &mut scripts)
            .map_err(|error| Failure::Needs(format!("cannot read {folder}: {error}")))?;
    }
    scripts.sort();
    // Some source files from where illumos has them; the images' recipes, from here.
    let options = ["--exclude=SC1091", "--external-sources"].map(str::to_owned);
    let arguments = options.into_iter().chain(scripts);
    Step::new("shellcheck", arguments).run()
}

fn find_scripts(folder: &Utf8Path, found: &mut Vec<String>) -> std::io::Result<()> {
    for entry in folder.read_dir_utf8()? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            find_scripts(path, found)?;
        } else if path.extension().is_none_or(|extension| extension == "sh") {
            let text = std::fs::read(path)?;
            let first =
                String::from_utf8_lossy(text.split(|byte| *byte == b'\n').next().unwrap_or(&[]))
                    .into_owned();
            if first.starts_with("#!") && first.trim_end().ends_with("sh") {
                found.push(path.to_string());
            }
        }
    }
    Ok(())
}
