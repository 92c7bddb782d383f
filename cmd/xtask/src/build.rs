//! What is built before anything runs: the programs and the agent.

use camino::Utf8PathBuf;

use crate::run::{Failure, Step, target};

/// The target of the agent: named even on the same kind of computer, so that
/// its static linking does not reach build scripts.
const AGENT_TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds the agent for guests. Returns where it is.
pub(crate) fn agent() -> Result<Utf8PathBuf, Failure> {
    guest_program("solstice-agent")
}

/// Builds the program of a package for guests: static, small. Returns where it is.
pub(crate) fn guest_program(package: &str) -> Result<Utf8PathBuf, Failure> {
    let arguments = ["build", "--package", package, "--profile", "agent", "--target", AGENT_TARGET];
    Step::cargo(arguments).env("RUSTFLAGS", "-C target-feature=+crt-static").run()?;
    Ok(target().join(AGENT_TARGET).join("agent").join(package))
}

/// Builds the programs that run on the host.
pub(crate) fn programs() -> Result<(), Failure> {
    let packages = [
        "ciadm",
        "illumos-host",
        "solstice-hypervisor-zones",
        "solstice-orchestrator",
        "solstice-server",
        "solstice-testbed",
    ];
    let chosen = packages.iter().flat_map(|package| ["--package", package]);
    Step::cargo(["build"].into_iter().chain(chosen)).run()
}

/// Builds programs and tests together, so that both are compiled against the
/// same features of their dependencies, and so only once.
pub(crate) fn everything() -> Result<(), Failure> {
    Step::cargo(["build", "--workspace", "--all-targets"]).run()
}
